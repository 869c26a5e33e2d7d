"""Jobs that are in a database when the version changes are run: kinds and lanes are a contract."""

import pytest

from handoff_bot.jobs.job import queue_of
from handoff_bot.services.container import QUEUES
from handoff_bot.storage.models import Work

pytestmark = pytest.mark.on_sqlite

STORED = {
    "answer": {"answer"},
    "catch.up": {"catch"},
    "claim": {"claim"},
    "claim.owner": {"claim"},
    "collect": {"out"},
    "delivery": {"news"},
    "desk.board": {"draw"},
    "desk.card": {"desk"},
    "desk.file": {"desk"},
    "desk.mark": {"draw"},
    "desk.post": {"desk"},
    "desk.read": {"read"},
    "desk.redraw": {"draw"},
    "desk.report": {"tell"},
    "desk.tell": {"tell"},
    "desk.whisper": {"whisper"},
    "held.digest": {"tick"},
    "held.in": {"tick"},
    "inbound": {"in"},
    "ladder.offer": {"offer"},
    "ladder.rung": {"ladder"},
    "mail": {"mail"},
    "model.look": {"model"},
    "mood": {"mood"},
    "notice": {"ladder"},
    "notice.team": {"offer"},
    "position": {"ladder"},
    "routing.assign": {"offer"},
    "send": {"out"},
    "sla.remind": {"tick"},
    "slack.event": {"slack", "translate"},
    "slack.examine": {"slack"},
    "slack.setup": {"slack"},
    "tick.contact": {"tick"},
    "tick.idle": {"tick"},
    "tick.owners": {"tick"},
    "tick.prune": {"tick"},
    "tick.setup": {"tick"},
    "tick.wake": {"tick"},
    "tick.watch": {"tick"},
    "tick.window": {"tick"},
    "ticket.out": {"sink-webhook", "sink-zendesk"},
    "translate": {"translate"},
}
"""Kind of job -> its queues, as released versions have stored them. Nothing may be taken away."""


def test_every_kind_of_job_of_the_version_before_is_still_registered(bureau):
    handlers = bureau.core.handlers
    assert {kind: STORED[kind] - handlers.queues.get(kind, set()) for kind in STORED} == {
        kind: set() for kind in STORED
    }
    assert all(QUEUES[queue] > 0 for queues in STORED.values() for queue in queues)


def test_jobs_are_enqueued_in_the_queues_that_their_kind_is_registered_with(taken):
    taken.writes(taken.ana, "Hello")
    taken.says("Thanks!")
    taken.writes(taken.ana, "!resolve")
    taken.later(minutes=5)
    with taken.database.read() as tx:
        found = {(row.kind, queue_of(row.lane)) for row in tx.session.query(Work)}
    assert {kind for kind, _ in found} >= {"inbound", "send", "slack.event", "desk.card"}
    assert [pair for pair in found if pair[1] not in taken.core.handlers.queues[pair[0]]] == []
