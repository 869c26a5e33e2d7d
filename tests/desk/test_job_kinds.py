"""Jobs that are in a database when the version changes are run: kinds and lanes are a contract."""

import re

import pytest

from handoff_bot.jobs.job import NewJob, enqueue_job, queue_of
from handoff_bot.services.container import QUEUES
from handoff_bot.storage.models import Work
from tests.desk.test_given_up import OTHER, PAYLOADS
from tests.docs.test_names import REPLACED

pytestmark = pytest.mark.on_sqlite

STORED = {
    "answer": {"answer"},
    "catch.up": {"catch"},
    "claim": {"claim"},
    "claim.owner": {"claim"},
    "collect": {"out"},
    "customer.look_up": {"customer"},
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
    "slack.examine": {"model"},
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
    "transcript": {"mail"},
    "translate": {"translate"},
}
"""Kind of job -> its queues, as released versions have stored them. Nothing may be taken away."""


def test_every_kind_of_job_of_the_version_before_is_still_registered(bureau):
    handlers = bureau.core.handlers
    named = {kind: handlers.renamed.get(kind, kind) for kind in STORED}
    assert {kind: STORED[kind] - handlers.queues.get(named[kind], set()) for kind in STORED} == {
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


RENAMED = {
    "desk.redraw": "desk.update",
    "desk.whisper": "desk.ephemeral",
    "ladder.offer": "offer",
    "ladder.rung": "waiting.step",
    "tick.window": "tick.messaging_window",
}
"""Kinds that earlier versions stored -> their present names. Nothing may be taken away."""
OLD_QUEUES = {"draw", "whisper", "ladder", "sink-webhook", "sink-zendesk"}
"""Queues keep their names: a job in an old lane and one in a new lane would not run in order."""


def test_the_registry_knows_what_earlier_versions_called_a_kind(bureau):
    assert bureau.core.handlers.renamed == RENAMED


@pytest.mark.parametrize("old", RENAMED)
def test_a_job_that_an_earlier_version_stored_is_run(taken, old):
    taken.says("I want a person", OTHER)
    (queue,) = STORED[old]
    with taken.database.write() as tx:
        payload = PAYLOADS[RENAMED[old]](taken) | ({"number": 1} if old == "ladder.offer" else {})
        enqueue_job(tx, NewJob(old, f"{queue}:old", payload, taken.clock.now(), key="old"))
    taken.settle()
    with taken.database.read() as tx:
        (row,) = tx.session.query(Work).filter(Work.lane == f"{queue}:old")
        assert (row.kind, row.status, row.attempts, row.error) == (old, "done", 0, "")


def test_no_stored_name_uses_a_word_that_the_glossary_replaced(bureau):
    stored = set(bureau.core.handlers) | set(QUEUES) - OLD_QUEUES
    allowed = {"tick.messaging_window"}  # the glossary's own term
    bad = {
        name
        for name in stored - allowed
        for pattern in REPLACED
        if any(re.fullmatch(pattern, word) for word in re.split(r"[._-]", name))
    }
    assert not bad
