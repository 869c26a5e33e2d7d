"""Promises: set when a ticket is made, reminded of before and at a breach, each once."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import select

from handoff_bot.domain.desk import AgentRef
from handoff_bot.domain.escalations import Step, TicketStatus
from handoff_bot.domain.signals import Priority
from handoff_bot.domain.tickets import Edit
from handoff_bot.storage import log
from handoff_bot.storage.models import Escalation, Ticket

pytestmark = pytest.mark.on_sqlite

START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
"""A Monday."""
REPLY = "first reply"
SOLVE = "resolution"


@pytest.fixture
def waiting(house):
    """Somebody waits, with a normal priority; nothing but promises makes noise."""
    house.core.preferences.change("ladder.rungs", [], "test")
    house.core.preferences.change("idle_minutes", 0, "test")
    house.says("I want a person")
    return house


def row(house, model=Ticket):
    with house.database.read() as tx:
        return tx.session.execute(select(model).order_by(model.id.desc())).scalars().first()


def said(house, about=REPLY):
    posts = [post for thread in house.desk.threads.values() for post in thread]
    return [(post.text, post.mentions) for post in posts if about in post.text]


def later(house, **time):
    house.clock.advance(**time)
    house.settle()


def edited(house, by=None, **changes):
    view = house.core.tickets.view(1)
    owner = view.row.assignee
    shown = Edit(
        subject=view.row.subject,
        priority=view.row.priority,
        status=view.row.status,
        assignee=owner.desk_id if owner else "",
        tags=view.tags,
    )
    wanted = Edit(**(shown.__dict__ | changes))
    outcome = house.core.tickets.edit(1, by or AgentRef("UANA", "Ana"), shown, wanted, None)
    assert outcome.done, outcome.text
    house.settle()


# -- what is promised


@pytest.mark.on_both
def test_a_ticket_is_promised_a_first_reply_and_an_end(waiting):
    ticket = row(waiting)
    assert ticket.reply_due_at == START + timedelta(minutes=60)
    assert ticket.solve_due_at == START + timedelta(minutes=1440)
    assert waiting.desk.card.reply_due_at == ticket.reply_due_at
    assert waiting.desk.card.solve_due_at == ticket.solve_due_at


@pytest.mark.on_both
def test_time_counts_while_the_team_works(house):
    house.core.preferences.change("hours.lines", ["mon-fri 9:00-9:30"], "test")
    house.says("I want a person")
    assert row(house).reply_due_at == START + timedelta(days=1, minutes=30)


def test_nothing_is_promised_where_it_is_switched_off(house):
    off = {"normal.reply": 0, "normal.solve": 0}
    house.core.preferences.change("sla", off, "test")
    house.says("I want a person")
    later(house, days=3)
    assert (row(house).reply_due_at, row(house).solve_due_at) == (None, None)
    assert said(house) == said(house, SOLVE) == []


@pytest.mark.on_both
@pytest.mark.parametrize("stored", ["soon", [], {"normal.reply": "soon"}], ids=str)
def test_what_is_stored_wrongly_counts_as_not_set(house, stored):
    house.core.preferences.change("sla", stored, "test")
    house.says("I want a person")
    assert row(house).reply_due_at == START + timedelta(minutes=60)


# -- reminders


@pytest.mark.on_both
def test_time_running_out_is_said_once_and_so_is_a_breach(waiting):
    later(waiting, minutes=47)
    assert said(waiting) == []
    later(waiting, minutes=1)
    assert said(waiting) == [("⏱️ SLA warning: 12 minutes left for first reply.", ())]
    later(waiting, minutes=12)
    assert said(waiting)[1:] == [("⏱️ SLA breached: first reply.", ())]
    later(waiting, hours=5)
    assert len(said(waiting)) == 2


def test_the_owner_is_called_by_name(waiting, ana):
    waiting.take(Step.CLAIM, ana)
    later(waiting, minutes=48)
    assert said(waiting) == [("⏱️ SLA warning: 12 minutes left for first reply.", ("UANA",))]


def test_a_first_reply_keeps_the_promise_and_the_end_is_still_due(waiting, ana):
    waiting.take(Step.CLAIM, ana)
    later(waiting, minutes=5)
    waiting.replies(ana, "Hello")
    later(waiting, minutes=5)
    waiting.replies(ana, "Are you there?")
    assert row(waiting).replied_at == START + timedelta(minutes=5)
    assert row(waiting, Escalation).replied_at == START + timedelta(minutes=5)
    assert waiting.desk.card.reply_due_at is None
    later(waiting, minutes=1152)
    assert said(waiting) == []
    assert [mentions for _, mentions in said(waiting, SOLVE)] == [("UANA",)]


def test_a_note_is_no_reply(waiting, ana):
    waiting.take(Step.CLAIM, ana)
    waiting.replies(ana, "note: a hard one")
    assert row(waiting).replied_at is None


def test_nobody_is_reminded_of_what_has_ended(waiting, ana):
    waiting.take(Step.RESOLVE, ana)
    later(waiting, days=3)
    assert said(waiting) == said(waiting, SOLVE) == []


def test_nobody_is_reminded_while_it_is_snoozed(waiting, ana):
    waiting.core.snoozing.snooze(1, ana, START + timedelta(minutes=90))
    later(waiting, minutes=70)
    assert said(waiting) == []
    later(waiting, minutes=20)
    assert said(waiting) == [("⏱️ SLA breached: first reply.", ())]


@pytest.mark.on_both
def test_a_process_that_was_down_says_what_is_true_now(waiting):
    later(waiting, hours=2)
    assert said(waiting) == [("⏱️ SLA breached: first reply.", ())]


@pytest.mark.on_both
def test_the_log_knows_of_both(waiting):
    later(waiting, minutes=48)
    later(waiting, minutes=12)
    with waiting.database.read() as tx:
        near, late = [log.events(tx, kind) for kind in ("sla.near", "sla.late")]
    assert [event.data["promise"] for event in (*near, *late)] == ["reply", "reply"]


# -- another priority


def test_another_priority_promises_anew_from_the_beginning(waiting):
    later(waiting, minutes=5)
    edited(waiting, priority=Priority.URGENT)
    assert row(waiting).reply_due_at == START + timedelta(minutes=15)
    assert waiting.desk.card.reply_due_at == START + timedelta(minutes=15)
    later(waiting, minutes=7)
    later(waiting, minutes=3)
    assert [text for text, _ in said(waiting)] == [
        "⏱️ SLA warning: 3 minutes left for first reply.",
        "⏱️ SLA breached: first reply.",
    ]
    later(waiting, hours=1)
    assert len(said(waiting)) == 2


def test_a_priority_that_comes_too_late_is_a_breach_at_once(waiting):
    later(waiting, minutes=20)
    edited(waiting, priority=Priority.URGENT)
    assert said(waiting) == [("⏱️ SLA breached: first reply.", ())]


def test_a_priority_that_goes_and_comes_back_is_reminded_of_once(waiting):
    edited(waiting, priority=Priority.LOW)
    later(waiting, minutes=50)
    edited(waiting, priority=Priority.NORMAL)
    later(waiting, minutes=10)
    later(waiting, hours=4)
    assert [text for text, _ in said(waiting)] == [
        "⏱️ SLA warning: 10 minutes left for first reply.",
        "⏱️ SLA breached: first reply.",
    ]


def test_a_customer_who_grows_more_urgent_is_promised_more(waiting):
    waiting.detector.priority = Priority.URGENT
    waiting.says("A person! Now!")
    assert row(waiting).priority == "urgent"
    assert row(waiting).reply_due_at == START + timedelta(minutes=15)


# -- coming back


@pytest.mark.on_both
def test_who_comes_back_is_promised_anew(waiting, ana):
    waiting.take(Step.CLAIM, ana)
    waiting.replies(ana, "Hello")
    waiting.take(Step.RESOLVE, ana)
    later(waiting, hours=2)
    waiting.says("It broke again, I want a person")
    ticket = row(waiting)
    assert (ticket.reopened, ticket.status) == (1, TicketStatus.OPEN)
    assert (ticket.replied_at, ticket.assignee_id) == (None, None)
    assert ticket.reply_due_at == START + timedelta(hours=3)
    later(waiting, minutes=48)
    assert said(waiting) == [("⏱️ SLA warning: 12 minutes left for first reply.", ())]
