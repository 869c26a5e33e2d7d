"""Whatever is given up for good reaches a person: every kind of job says whom, and it is so."""

from dataclasses import asdict

import pytest

from handoff_bot.domain.desk import EphemeralMessage, Place, Post, PostKind
from handoff_bot.domain.messages import InboundMessage
from handoff_bot.jobs.handler import ADMINS
from handoff_bot.jobs.job import NewJob, enqueue_job
from handoff_bot.services import catching_up, customer_lookup, home, timers
from handoff_bot.services.ai_turns import (
    answering,
    articles,
    file_reading,
    inbound,
    language_model,
    learning,
    queued,
)
from handoff_bot.services.delivery import inbound_files, outbound_files, reachability, sending
from handoff_bot.services.escalations import (
    availability,
    holding,
    offers,
    owners,
    routing,
    sla,
    snoozing,
    waiting_policy,
)
from handoff_bot.services.escalations.lifecycle import CLAIM
from handoff_bot.services.notifications import notifications, transcripts
from handoff_bot.services.outbox import outbox, team_mention, ticket_sync
from handoff_bot.services.privacy import forgetting, outside, retention
from handoff_bot.services.reporting import metrics
from handoff_bot.services.translation import translating
from handoff_bot.slack.features.doctor import EXAMINE
from handoff_bot.slack.incoming.arrivals import KIND as EVENT
from handoff_bot.storage import deliveries, escalations
from handoff_bot.storage.models import Conversation, DeskThread, Message, Work
from tests.desk.conftest import DANA, words

pytestmark = pytest.mark.on_sqlite

LOST = "words that are lost"
OTHER = "+15559"
TRIES = 6
"""One more than a bug gets."""


def waiting(bureau):
    """What a job about the conversation that waits holds; Dana's is Ana's, theirs is nobody's."""
    with bureau.database.read() as tx:
        epoch = tx.session.get(Conversation, 2).epoch
    return {"escalation_id": 2, "epoch": epoch, "kind": "remind", "minutes": 5}


def with_file(bureau):
    """A delivery of Ana's that has not left and carries a file."""
    with bureau.database.write() as tx:
        (message,) = tx.session.query(Message).filter(Message.author == "agent")
        return deliveries.add(tx, message.id, 7, LOST, bureau.clock.now(), "token").id, message.id


def lost_post(bureau):
    return asdict(Post(PostKind.CONTACT, LOST, "Dana", "sms"))


def place(bureau):
    with bureau.database.read() as tx:
        thread = escalations.thread_of(tx, 1)
        return Place(thread.slack_channel, thread.ts)


def a_message(bureau):
    said = {"type": "message", "user": bureau.ana, "text": LOST, "ts": "9.9"}
    return {"event": said | {"channel": place(bureau).slack_channel, "thread_ts": place(bureau).ts}}


def a_card(bureau):
    with bureau.database.write() as tx:
        tx.session.query(DeskThread).filter(DeskThread.escalation_id == 1).delete()
    return {"escalation_id": 1}


def an_inbound(bureau):
    return asdict(InboundMessage("sms", "SMLOST", DANA, "+15559999", LOST))


def nothing(bureau):
    return {}


PAYLOADS = {
    inbound.INBOUND: an_inbound,
    answering.ANSWER: lambda _: {"conversation_id": 1, "message_id": 1},
    sending.SEND: lambda bureau: {"delivery_id": with_file(bureau)[0]},
    outbound_files.COLLECT: lambda bureau: {"message_id": with_file(bureau)[1], "token": "token"},
    sending.STATUS_UPDATE: nothing,
    CLAIM: lambda bureau: {"escalation_id": 2, "desk_id": bureau.ben, "name": "Ben"},
    timers.PRUNE: nothing,
    timers.WATCH: nothing,
    owners.IDLE: nothing,
    reachability.CLOSING: nothing,
    snoozing.WAKE: waiting,
    waiting_policy.POLICY_STEP: waiting,
    waiting_policy.POSITION: waiting,
    offers.OFFER: waiting,
    routing.ASSIGN: waiting,
    notifications.NOTICE: waiting,
    team_mention.TEAM_MENTION: nothing,
    home.TICK: nothing,
    home.SHOW: nothing,
    sla.REMIND: waiting,
    ticket_sync.TICKET_OUT: lambda _: {"ticket_id": 1, "sink": "helpdesk"},
    notifications.MAIL: lambda _: {"escalation_id": 1, "to": "team@example.com"},
    transcripts.TRANSCRIPT: lambda _: {"conversation_id": 1, "to": "d@example.com", "locale": ""},
    outbox.MOOD: lambda _: {"escalation_id": 1},
    translating.TRANSLATE: lambda _: {"escalation_id": 1, "message_id": 1},
    metrics.REPORT: lambda bureau: {"to": bureau.ben, "kind": "figures", "order": {}},
    inbound_files.FILE: lambda _: {"escalation_id": 1, "message_id": 1, "number": 0},
    outbox.CARD: a_card,
    outbox.POST: lambda bureau: {"escalation_id": 1, "post": lost_post(bureau)},
    outbox.UPDATE_CARD: lambda _: {"escalation_id": 1},
    outbox.BOARD: nothing,
    outbox.MARK: lambda _: {"message_id": 1},
    outbox.EPHEMERAL: lambda bureau: asdict(EphemeralMessage(bureau.ben, place(bureau), LOST)),
    outbox.TELL: lambda bureau: {"to": bureau.ben, "post": lost_post(bureau), "about": None},
    EVENT: a_message,
    EXAMINE: lambda _: {"view_id": "V1"},
    outbox.REPLACE: lambda bureau: {"told": 1, "post": lost_post(bureau)},
    availability.PRESENCE: nothing,
    queued.QUEUED: lambda _: {"conversation_id": 2, "message_id": 1},
    language_model.LOOK: nothing,
    owners.OWNER: waiting,
    owners.OWNERS: nothing,
    holding.LET_IN: lambda _: {"group": "strangers"},
    holding.DIGEST: nothing,
    catching_up.CONTACT: nothing,
    catching_up.CATCH_UP: lambda _: {"source": "sms"},
    catching_up.READ_THREAD: lambda bureau: asdict(place(bureau)),
    forgetting.FORGET: lambda _: {"erasure_id": 1},
    outside.ERASE: lambda _: {"item_id": 1},
    retention.RETAIN: nothing,
    learning.LEARN: lambda _: {"escalation_id": 1},
    learning.PUBLISH: lambda _: {"draft_id": 1, "name": "Mia", "tags": []},
    articles.UNANSWERED: nothing,
    articles.TICK: nothing,
    articles.CRAWL: nothing,
    articles.CRAWL_TICK: nothing,
    customer_lookup.LOOK_UP: lambda _: {"conversation_id": 1},
    file_reading.READ: lambda _: {"message_id": 1, "conversation_id": 1},
    inbound.FILES_READ: lambda _: {"message_id": 1, "conversation_id": 1},
}


def the_team(bureau):
    return [queue(bureau), *bureau.told(bureau.ana), *bureau.told(bureau.mia)]


def queue(bureau):
    """What stands in the queue channel itself."""
    posts = [m for m in bureau.slack.messages(bureau.queue) if not m.get("thread_ts")]
    return "\n".join(words(m["blocks"]) for m in posts)


def thread(bureau):
    """What stands below the cards."""
    posts = [m for m in bureau.slack.messages(bureau.queue) if m.get("thread_ts")]
    return ["\n".join(f"{m['text']}\n{words(m['blocks'])}" for m in posts)]


REPORTED = {
    inbound.INBOUND: (the_team, LOST),
    inbound.FILES_READ: (the_team, "I want a person"),
    answering.ANSWER: (lambda bureau: [queue(bureau)], "I want a person"),
    sending.SEND: (thread, "This did not reach the customer."),
    outbound_files.COLLECT: (thread, "The customer did not receive"),
    CLAIM: (lambda bureau: bureau.whispers(bureau.ben), "You did not take over this conversation."),
    ticket_sync.TICKET_OUT: (
        thread,
        "Ticket #1: helpdesk does not have the ticket's latest state.",
    ),
    notifications.MAIL: (thread, "The e-mail to team@example.com could not be sent."),
    transcripts.TRANSCRIPT: (thread, transcripts.NOT_SENT),
    translating.TRANSLATE: (thread, "This message could not be translated"),
    offers.OFFER: (thread, offers.NOT_KNOWN),
    routing.ASSIGN: (thread, offers.NOT_KNOWN),
    metrics.REPORT: (lambda bureau: bureau.told(bureau.ben), "Your report could not be created."),
    inbound_files.FILE: (the_team, "A file from the customer could not be posted"),
    outbox.CARD: (the_team, "could not be posted"),
    outbox.POST: (the_team, LOST),
    outbox.EPHEMERAL: (lambda bureau: bureau.told(bureau.ben), LOST),
    outbox.TELL: (lambda bureau: [queue(bureau)], LOST),
    EVENT: (lambda bureau: bureau.told(bureau.ana), LOST),
}
"""Kinds that tell others than the admins: where, and what stands there."""


def test_every_kind_of_job_says_to_whom_it_is_told(bureau):
    assert set(bureau.core.handlers) == set(PAYLOADS)
    silent = [kind for kind, handler in bureau.core.handlers.items() if not handler.told]
    assert silent == []
    to_admins = {kind for kind, handler in bureau.core.handlers.items() if handler.told == ADMINS}
    nobody = {kind for kind, one in bureau.core.handlers.items() if one.told.startswith("nobody:")}
    assert nobody == {outbox.UPDATE_CARD, outbox.MARK, outbox.REPLACE, availability.PRESENCE}
    assert to_admins | nobody | set(REPORTED) == set(PAYLOADS)
    assert to_admins & set(REPORTED) == set()


@pytest.mark.parametrize("kind", PAYLOADS)
def test_what_a_bug_has_kept_from_being_done_is_told(bureau, monkeypatch, kind):
    bureau.core.preferences.change("admins", [bureau.mia], bureau.mia)
    bureau.says("I want a person")
    bureau.click(bureau.ana, "claim")
    bureau.writes(bureau.ana, "Hello")
    bureau.says("I want a person", OTHER)
    payload = PAYLOADS[kind](bureau)
    family = {EVENT: "slack", EXAMINE: "model", outbox.MARK: "draw", outbox.REPLACE: "draw"}.get(
        kind, "desk"
    )
    with bureau.database.write() as tx:
        enqueue_job(tx, NewJob(kind, f"{family}:broken", payload, bureau.clock.now(), key="broken"))
    break_one(bureau, monkeypatch, kind)
    for _ in range(TRIES):
        bureau.later(seconds=20)
    with bureau.database.read() as tx:
        (row,) = tx.session.query(Work).filter(Work.lane == f"{family}:broken")
        assert (row.status, row.error) == ("failed", "RuntimeError")
    (alarm,) = [
        text for text in bureau.told(bureau.mia) if "A job failed and will not be retried" in text
    ]
    assert kind in alarm
    assert f"handoff jobs show {row.id}" in alarm
    assert "private" not in alarm
    where, what = REPORTED.get(kind, (lambda _: [what], ""))
    assert [what in text for text in where(bureau)].count(True) >= (
        3 if where is the_team else 1
    ), where(bureau)


def break_one(bureau, monkeypatch, kind):
    """A bug that strikes for one row."""
    handler = bureau.core.handlers[kind]
    prepare = handler.prepare

    def broken(tx, job):
        if job.lane.endswith(":broken"):
            raise RuntimeError("something private")
        return prepare(tx, job)

    monkeypatch.setattr(handler, "prepare", broken)


@pytest.mark.on_both
def test_without_a_named_admin_the_queue_channel_is_told(bureau, monkeypatch):
    bureau.says("I want a person")
    with bureau.database.write() as tx:
        enqueue_job(tx, NewJob(owners.IDLE, "tick:broken", {}, bureau.clock.now()))
    break_one(bureau, monkeypatch, owners.IDLE)
    for _ in range(TRIES):
        bureau.later(seconds=20)
    assert f"A job failed and will not be retried: {owners.IDLE}" in queue(bureau)


@pytest.mark.on_both
def test_many_jobs_that_fail_alike_are_one_alarm(bureau, monkeypatch):
    bureau.says("I want a person")
    for number in range(20):
        with bureau.database.write() as tx:
            lane = f"tick:{number}:broken"
            enqueue_job(tx, NewJob(owners.IDLE, lane, {}, bureau.clock.now()))
    break_one(bureau, monkeypatch, owners.IDLE)
    for _ in range(TRIES):
        bureau.later(seconds=20)
    assert queue(bureau).count("A job failed and will not be retried") == 1
