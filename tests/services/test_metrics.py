"""The figures: what each counts, and that they are those of a slow and obvious computation."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert

from handoff_bot.domain.delivery import DeliveryStatus
from handoff_bot.domain.escalations import Step
from handoff_bot.domain.metrics import Choice, Numbers, Period, Scope
from handoff_bot.services import hours
from handoff_bot.services.metrics import Metrics, numbers
from handoff_bot.storage import log
from handoff_bot.storage.models import Event
from handoff_bot.storage.transaction import table_of
from tests.services.metrics_reference import Line, Reference

START = datetime(2026, 11, 1, tzinfo=UTC)
CHANNELS = ("sms", "whatsapp")


# -- generated histories


def channel_of(conversation: int) -> str:
    return CHANNELS[conversation % 2]


@st.composite
def lines(draw, number: int, at: datetime) -> Line:
    """Any line at all, also one that should not stand where it does, or stands there twice."""
    escalation = draw(st.integers(1, 4))
    conversation = escalation % 3 + 1
    agent = draw(st.integers(1, 3))
    new = draw(st.booleans())
    about = {"id": number, "at": at, "conversation": conversation, "escalation": escalation}
    kind = draw(st.sampled_from(KINDS))
    if kind == "message.received":
        data = {"channel": channel_of(conversation)}
        return Line(number, kind, at, conversation, message=number, data=data)
    if kind == "message.failed":
        extra = {"channel": channel_of(conversation)} if new else {}
        by = agent if new else None
        failed = draw(st.integers(1, 3))
        return Line(number, kind, at, conversation, message=failed, agent=by, data=extra)
    if kind == "escalation.opened":
        data = {"channel": channel_of(conversation), "reason": draw(st.sampled_from(["request", "sentiment"]))}
        data |= {"priority": draw(st.sampled_from(["urgent", "low"]))}
        data |= {"hours": draw(st.sampled_from(["open", "closed"]))} if new else {}
        return Line(kind=kind, data=data, **about)
    if kind == "escalation.reassign":
        return Line(kind=kind, agent=draw(st.integers(1, 3)), data={"owner": agent}, **about)
    if kind == "csat.answered":
        return Line(kind=kind, agent=agent, data={"score": draw(st.integers(1, 5))}, **about)
    owner = {"owner": agent if kind == "escalation.claim" else None}
    return Line(kind=kind, agent=agent, data=owner, **about)


KINDS = (
    "message.received",
    "message.failed",
    "escalation.opened",
    "escalation.opened",
    "escalation.claim",
    "escalation.claim",
    "escalation.reassign",
    "escalation.release",
    "escalation.resolve",
    "escalation.return",
    "escalation.dismiss",
    "reply.accepted",
    "reply.accepted",
    "csat.answered",
)
GAPS = st.one_of(
    st.integers(0, 400), st.sampled_from([300, 3600, 12 * 3600, 24 * 3600, 26 * 3600])
)


@st.composite
def histories(draw) -> list[Line]:
    at, found = START, []
    for number in range(1, draw(st.integers(0, 40)) + 1):
        at += timedelta(seconds=draw(GAPS))
        # Several processes write, whose clocks differ by a little.
        skewed = at - timedelta(seconds=draw(st.integers(0, 3)))
        found.append(draw(lines(number, skewed)))
    return found


@st.composite
def scopes(draw) -> Scope:
    start = START + timedelta(hours=draw(st.integers(-1, 60)))
    length = timedelta(hours=draw(st.sampled_from([1, 20, 24, 25, 26, 100, 500])))
    zone = draw(st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kolkata"]))
    channel = draw(st.sampled_from(["", "", *CHANNELS]))
    return Scope(Period(start, start + length, zone), channel, draw(st.sampled_from([0, 0, 1, 2])))


class _Undo(Exception):
    """The log forgets nothing; so nothing is committed."""


def asked(database, history: list[Line], scope: Scope) -> Numbers:
    """What the code says of this history."""
    found = []
    try:
        with database.write() as tx:
            if history:
                tx.core.execute(insert(table_of(Event)), [columns(line) for line in history])
            found.append(numbers(tx, scope))
            raise _Undo
    except _Undo:
        return found[0]


def columns(line: Line) -> dict:
    return {
        "id": line.id,
        "at": line.at,
        "kind": line.kind,
        "conversation_id": line.conversation,
        "escalation_id": line.escalation,
        "message_id": line.message,
        "agent_id": line.agent,
        "data": line.data,
    }


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(history=histories(), scope=scopes())
def test_the_figures_are_those_of_the_slow_and_obvious_computation(database, history, scope):
    assert asked(database, history, scope) == Reference(history, scope).numbers()
