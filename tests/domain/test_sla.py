"""What is promised, by priority, and how it is said."""

from datetime import UTC, datetime, timedelta

import pytest

from handoff_bot.domain.signals import Priority
from handoff_bot.domain.tickets import SLA_MINUTES, SlaTarget, sla_in_words, sla_length, sla_name

DUE = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize("priority", Priority)
@pytest.mark.parametrize("promise", SlaTarget)
def test_each_priority_has_a_usual_promise(priority, promise):
    assert sla_length({}, priority, promise) == timedelta(minutes=SLA_MINUTES[priority][promise])


@pytest.mark.parametrize("promise", SlaTarget)
def test_what_is_more_urgent_is_promised_sooner(promise):
    promised = [
        sla_length({}, priority, promise) for priority in sorted(Priority, key=lambda p: p.rank)
    ]
    assert promised == sorted(promised)
    assert len(set(promised)) == len(promised)


@pytest.mark.parametrize(
    ("stored", "promised"),
    [
        (30, timedelta(minutes=30)),
        (0, None),
        (-1, timedelta(minutes=15)),
        ("30", timedelta(minutes=15)),
        (None, timedelta(minutes=15)),
        (10**9, timedelta(minutes=15)),
    ],
    ids=["set", "off", "negative", "text", "nothing", "too long"],
)
def test_a_promise_can_be_set_and_switched_off_and_one_stored_wrongly_is_not_set(stored, promised):
    held = {sla_name(Priority.URGENT, SlaTarget.REPLY): stored}
    assert sla_length(held, Priority.URGENT, SlaTarget.REPLY) == promised


@pytest.mark.parametrize(
    ("left", "words"),
    [
        (timedelta(hours=5, minutes=20), "⏱️ SLA warning: 5 hours left for first reply."),
        (timedelta(minutes=119), "⏱️ SLA warning: 119 minutes left for first reply."),
        (timedelta(seconds=61), "⏱️ SLA warning: 1 minute left for first reply."),
        (timedelta(seconds=1), "⏱️ SLA warning: 1 minute left for first reply."),
        (timedelta(0), "⏱️ SLA breached: first reply."),
        (timedelta(hours=-1), "⏱️ SLA breached: first reply."),
    ],
    ids=["hours", "minutes", "one", "seconds", "now", "over"],
)
def test_it_is_said_in_words(left, words):
    assert sla_in_words(SlaTarget.REPLY, DUE, DUE - left) == words
