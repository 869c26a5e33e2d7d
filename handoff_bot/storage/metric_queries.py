"""SQL queries of the metrics, identical for SQLite and PostgreSQL.

Parameters: `:since` and `:until` bound the period, `:day_before` is 24 hours before it. `:channel`
is one channel or '' for all, `:agent` one agent's id or 0 for all. An escalation's first event of a
kind is the one with the lowest id, so a repeated action counts once. docs/metrics.md shows each
query; a test keeps them equal.
"""

from __future__ import annotations

CONVERSATIONS = """\
SELECT count(DISTINCT e.conversation_id) AS number
FROM event AS e
WHERE e.kind IN ('message.received', 'escalation.opened')
  AND e.at >= :since AND e.at < :until
  AND :channel IN ('', e.data ->> 'channel')"""

ESCALATIONS = """\
SELECT o.conversation_id, o.at, o.ended_before,
       o.data ->> 'reason' AS reason,
       o.data ->> 'priority' AS priority,
       o.data ->> 'channel' AS channel,
       o.data ->> 'hours' AS hours
FROM (SELECT id, at, kind, conversation_id, escalation_id, data,
             max(CASE WHEN kind <> 'escalation.opened' THEN at END)
               OVER (PARTITION BY conversation_id ORDER BY id) AS ended_before
      FROM event
      WHERE kind IN ('escalation.opened',
                     'escalation.resolve', 'escalation.return', 'escalation.dismiss')
        AND at >= :day_before AND at < :until) AS o
WHERE o.kind = 'escalation.opened' AND o.at >= :since
  AND o.id = (SELECT min(f.id) FROM event AS f
              WHERE f.escalation_id = o.escalation_id AND f.kind = 'escalation.opened')
  AND :channel IN ('', o.data ->> 'channel')
  AND (:agent = 0 OR EXISTS (
      SELECT 1 FROM event AS h
      WHERE h.escalation_id = o.escalation_id
        AND (h.kind IN ('escalation.claim', 'escalation.reassign')
             AND CAST(h.data ->> 'owner' AS BIGINT) = :agent
             OR h.kind IN ('escalation.resolve', 'escalation.return', 'escalation.dismiss')
             AND h.agent_id = :agent)))"""

WAITS = """\
SELECT o.at AS opened_at, t.at AS taken_at
FROM event AS t
JOIN event AS o ON o.escalation_id = t.escalation_id AND o.kind = 'escalation.opened'
  AND o.id = (SELECT min(f.id) FROM event AS f
              WHERE f.escalation_id = t.escalation_id AND f.kind = 'escalation.opened')
WHERE t.kind IN ('escalation.claim', 'escalation.reassign')
  AND t.at >= :since AND t.at < :until
  AND t.id = (SELECT min(f.id) FROM event AS f
              WHERE f.escalation_id = t.escalation_id
                AND f.kind IN ('escalation.claim', 'escalation.reassign'))
  AND :channel IN ('', o.data ->> 'channel')
  AND :agent IN (0, CAST(t.data ->> 'owner' AS BIGINT))"""

FIRST_REPLIES = """\
SELECT o.at AS opened_at, r.at AS replied_at
FROM (SELECT DISTINCT escalation_id FROM event
      WHERE kind = 'reply.accepted' AND at >= :since AND at < :until) AS w
JOIN event AS o ON o.escalation_id = w.escalation_id AND o.kind = 'escalation.opened'
  AND o.id = (SELECT min(f.id) FROM event AS f
              WHERE f.escalation_id = w.escalation_id AND f.kind = 'escalation.opened')
JOIN event AS r ON r.escalation_id = w.escalation_id AND r.kind = 'reply.accepted'
  AND r.id = (SELECT min(f.id) FROM event AS f
              WHERE f.escalation_id = w.escalation_id AND f.kind = 'reply.accepted'
                AND f.id > (SELECT min(t.id) FROM event AS t
                            WHERE t.escalation_id = w.escalation_id
                              AND t.kind IN ('escalation.claim', 'escalation.reassign')))
WHERE r.at >= :since AND r.at < :until
  AND :channel IN ('', o.data ->> 'channel')
  AND :agent IN (0, r.agent_id)"""

ENDINGS = """\
SELECT e.kind AS how, e.agent_id, o.at AS opened_at, e.at AS ended_at,
       (SELECT min(t.id) FROM event AS t
        WHERE t.escalation_id = e.escalation_id AND t.id < e.id
          AND t.kind IN ('escalation.claim', 'escalation.reassign')) AS taken_by
FROM event AS e
JOIN event AS o ON o.escalation_id = e.escalation_id AND o.kind = 'escalation.opened'
  AND o.id = (SELECT min(f.id) FROM event AS f
              WHERE f.escalation_id = e.escalation_id AND f.kind = 'escalation.opened')
WHERE e.kind IN ('escalation.resolve', 'escalation.return', 'escalation.dismiss')
  AND e.at >= :since AND e.at < :until
  AND e.id = (SELECT min(f.id) FROM event AS f
              WHERE f.escalation_id = e.escalation_id
                AND f.kind IN ('escalation.resolve', 'escalation.return', 'escalation.dismiss'))
  AND :channel IN ('', o.data ->> 'channel')
  AND :agent IN (0, e.agent_id)"""

TAKEN = """\
SELECT CAST(t.data ->> 'owner' AS BIGINT) AS agent_id, count(DISTINCT t.escalation_id) AS number
FROM event AS t
JOIN event AS o ON o.escalation_id = t.escalation_id AND o.kind = 'escalation.opened'
  AND o.id = (SELECT min(f.id) FROM event AS f
              WHERE f.escalation_id = t.escalation_id AND f.kind = 'escalation.opened')
WHERE t.kind IN ('escalation.claim', 'escalation.reassign')
  AND t.at >= :since AND t.at < :until
  AND :channel IN ('', o.data ->> 'channel')
  AND :agent IN (0, CAST(t.data ->> 'owner' AS BIGINT))
GROUP BY CAST(t.data ->> 'owner' AS BIGINT)"""

OWN_REPLIES = """\
SELECT w.agent_id, t.at AS taken_at, r.at AS replied_at
FROM (SELECT DISTINCT escalation_id, agent_id FROM event
      WHERE kind = 'reply.accepted' AND at >= :since AND at < :until
        AND :agent IN (0, agent_id)) AS w
JOIN event AS o ON o.escalation_id = w.escalation_id AND o.kind = 'escalation.opened'
  AND o.id = (SELECT min(f.id) FROM event AS f
              WHERE f.escalation_id = w.escalation_id AND f.kind = 'escalation.opened')
JOIN event AS t ON t.escalation_id = w.escalation_id
  AND t.id = (SELECT min(f.id) FROM event AS f
              WHERE f.escalation_id = w.escalation_id
                AND f.kind IN ('escalation.claim', 'escalation.reassign')
                AND CAST(f.data ->> 'owner' AS BIGINT) = w.agent_id)
JOIN event AS r ON r.escalation_id = w.escalation_id AND r.kind = 'reply.accepted'
  AND r.id = (SELECT min(f.id) FROM event AS f
              WHERE f.escalation_id = w.escalation_id AND f.kind = 'reply.accepted'
                AND f.agent_id = w.agent_id AND f.id > t.id)
WHERE r.at >= :since AND r.at < :until
  AND :channel IN ('', o.data ->> 'channel')"""

FAILURES = """\
SELECT count(DISTINCT f.message_id) AS number
FROM event AS f
WHERE f.kind = 'message.failed'
  AND f.at >= :since AND f.at < :until
  AND :channel IN ('', COALESCE(f.data ->> 'channel', (
      SELECT min(m.data ->> 'channel') FROM event AS m
      WHERE m.conversation_id = f.conversation_id AND m.kind = 'message.received')))
  AND :agent IN (0, f.agent_id)"""

RATINGS = """\
SELECT CAST(c.data ->> 'score' AS BIGINT) AS score, count(*) AS number
FROM event AS c
JOIN event AS o ON o.escalation_id = c.escalation_id AND o.kind = 'escalation.opened'
  AND o.id = (SELECT min(f.id) FROM event AS f
              WHERE f.escalation_id = c.escalation_id AND f.kind = 'escalation.opened')
WHERE c.kind = 'csat.answered'
  AND c.at >= :since AND c.at < :until
  AND c.id = (SELECT max(f.id) FROM event AS f
              WHERE f.escalation_id = c.escalation_id AND f.kind = 'csat.answered')
  AND :channel IN ('', o.data ->> 'channel')
  AND :agent IN (0, c.agent_id)
GROUP BY CAST(c.data ->> 'score' AS BIGINT)"""

MODEL = """\
SELECT count(DISTINCT e.message_id) AS turns,
       count(DISTINCT CASE WHEN e.data ->> 'model' = 'in_time' THEN e.message_id END) AS in_time
FROM event AS e
WHERE e.kind = 'message.considered'
  AND e.at >= :since AND e.at < :until
  AND e.data ->> 'model' IN ('in_time', 'late')
  AND :channel IN ('', e.data ->> 'channel')"""

QUERIES = {
    "conversations": CONVERSATIONS,
    "escalations": ESCALATIONS,
    "waits": WAITS,
    "first replies": FIRST_REPLIES,
    "endings": ENDINGS,
    "taken": TAKEN,
    "own replies": OWN_REPLIES,
    "failures": FAILURES,
    "ratings": RATINGS,
    "model": MODEL,
}
"""Name -> query, in the order of docs/metrics.md."""
