"""The figures: what each counts, and that they are those of a slow and obvious computation."""

import contextlib
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert

from handoff_bot.domain.desk import ThreadReply
from handoff_bot.domain.escalations import Step
from handoff_bot.domain.messages import DeliveryStatus
from handoff_bot.domain.metrics import Choice, Numbers, Period, Scope
from handoff_bot.services.reporting.metrics import Metrics, numbers
from handoff_bot.storage import log
from handoff_bot.storage.models import Event
from handoff_bot.storage.transaction import table_of
from tests.services.metrics_reference import Line, Reference

START = datetime(2026, 11, 1, tzinfo=UTC)
CHANNELS = ("sms", "whatsapp")


# -- generated histories


def line_of(chance, number, kind, at):
    """A line at that place, whether it should stand there or not."""
    escalation, agent, is_new = chance.randint(1, 4), chance.randint(1, 3), chance.random() < 0.7
    conversation = escalation % 3 + 1
    channel = {"channel": CHANNELS[conversation % 2]}
    about = {"id": number, "kind": kind, "at": at, "conversation": conversation}
    if kind == "message.received":
        return Line(**about, message=number, data=channel)
    if kind == "message.considered":
        model = {"model": chance.choice(["in_time", "late"])} if is_new else {}
        return Line(**about, message=chance.randint(1, 5), data=channel | model)
    if kind == "message.failed":
        failed, author = chance.randint(1, 3), agent if is_new else None
        return Line(**about, message=failed, agent=author, data=channel if is_new else {})
    about["escalation"] = escalation
    if kind == "escalation.opened":
        data = {"reason": chance.choice(REASONS), "priority": chance.choice(PRIORITIES)}
        told = {"hours": chance.choice(["open", "closed"])} if is_new else {}
        return Line(**about, data=channel | data | told)
    if kind == "escalation.reassign":
        return Line(**about, agent=chance.randint(1, 3), data={"owner": agent})
    if kind == "csat.answered":
        return Line(**about, agent=agent, data={"score": chance.randint(1, 5)})
    if kind == "feedback.ai":
        verdict = {
            "about": chance.choice(["1", "draft"]),
            "verdict": chance.choice(["good", "bad"]),
        }
        return Line(**about, agent=agent, data=verdict)
    return Line(**about, agent=agent, data={"owner": agent if kind == "escalation.claim" else None})


REASONS, PRIORITIES = ("request", "sentiment"), ("urgent", "low")
KINDS = {
    "message.received": 1,
    "message.failed": 2,
    "message.considered": 3,
    "escalation.opened": 4,
    "escalation.claim": 3,
    "escalation.reassign": 2,
    "escalation.release": 1,
    "escalation.resolve": 2,
    "escalation.return": 1,
    "escalation.dismiss": 1,
    "reply.accepted": 5,
    "csat.answered": 2,
    "feedback.ai": 3,
}
GAPS = (0, 1, 20, 60, 200, 300, 3600, 7 * 3600, 12 * 3600, 24 * 3600)


@st.composite
def histories(draw) -> list[Line]:
    """Any steps in any order, doubled ones too, by processes whose clocks differ by a little."""
    chance, at, found = Random(draw(st.integers(0, 2**32))), START, []
    for number in range(1, draw(st.integers(0, 80)) + 1):
        at += timedelta(seconds=chance.choice(GAPS))
        skewed = at - timedelta(seconds=chance.choice([0, 0, 0, 2, 30]))
        (kind,) = chance.choices(list(KINDS), list(KINDS.values()))
        found.append(line_of(chance, number, kind, skewed))
    return found


@st.composite
def cases(draw) -> tuple[list[Line], Scope]:
    """A history, and a scope whose period often begins or ends with one of its lines."""
    history = draw(histories())
    moments = sorted({START, START + timedelta(days=30), *(line.at for line in history)})
    middle = len(moments) // 2
    since, until = draw(st.sampled_from(moments[:middle])), draw(st.sampled_from(moments[middle:]))
    zone = draw(st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kolkata"]))
    channel = draw(st.sampled_from(["", "", *CHANNELS]))
    return history, Scope(Period(since, until, zone), channel, draw(st.sampled_from([0, 0, 1, 2])))


class _Forgotten(Exception):
    """Undoes a transaction."""


def asked(database, history, scope):
    """What the code says of this history; the log forgets nothing, so nothing is committed."""
    with contextlib.suppress(_Forgotten), database.write() as tx:
        if history:
            tx.core.execute(insert(table_of(Event)), [columns(line) for line in history])
        found = numbers(tx, scope)
        raise _Forgotten
    return found


def columns(line):
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
    max_examples=300,
    deadline=None,
    phases=[Phase.generate],  # a history is told by its seed: nothing to shrink
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(case=cases())
def test_the_figures_are_those_of_the_slow_and_obvious_computation(database, case):
    history, scope = case
    assert asked(database, history, scope) == Reference(history, scope).numbers()


# -- what really happens, told by the services themselves


@pytest.fixture
def figures(house):
    """The figures of today, as they are now."""
    metrics = Metrics(house.database, house.clock)

    def today(channel="", agent_id=0):
        return metrics.numbers(Scope(metrics.period(Choice.TODAY, "UTC"), channel, agent_id))

    return today


@pytest.fixture
def talk(house, ana):
    """A customer asks at 9:00, Ana takes over at 9:04, answers at 9:06, resolves at 9:34; they say 5."""
    house.says("I want a human")
    house.clock.advance(minutes=4)
    house.take(Step.CLAIM, ana)
    house.clock.advance(minutes=2)
    house.replies(ana, "Hello, I am here.")
    house.clock.advance(minutes=28)
    house.take(Step.RESOLVE, ana)
    house.says("5")
    return house


def minutes(number: int) -> timedelta:
    return timedelta(minutes=number)


def test_a_whole_conversation_is_measured(talk, figures):
    found = figures()
    assert (found.conversations, found.escalations, found.escalation_rate) == (1, 1, 1.0)
    assert (found.waited.median, found.replied.median) == (minutes(4), minutes(6))
    assert (found.resolved, found.resolution.median) == (1, minutes(34))
    assert (found.waited_briefly, found.abandoned, found.escalated_again) == (1, 0, 0)
    assert (found.rating, found.rated) == (5.0, 1)
    assert (dict(found.reasons), dict(found.channels)) == ({"request": 1}, {"sms": 1})


def test_what_an_agent_did_stands_beside_their_name(talk, figures):
    (ana,) = figures().agents
    assert (ana.name, ana.taken, ana.resolved) == ("Ana", 1, 1)
    assert ana.replied.median == minutes(2)


def test_another_channel_has_nothing_of_it(talk, figures):
    found = figures(channel="whatsapp")
    assert (found.conversations, found.escalations, found.resolved, found.agents) == (0, 0, 0, ())


def test_another_agent_has_nothing_of_it_but_the_conversations(talk, figures):
    found = figures(agent_id=99)
    assert (found.conversations, found.escalations, found.escalation_rate) == (1, 0, 0.0)


def test_a_conversation_that_comes_back_soon_was_not_settled(talk, ana, figures):
    talk.clock.advance(hours=2)
    talk.says("I want a human again")
    found = figures()
    assert (found.escalations, found.escalated_again, found.again_rate) == (2, 1, 0.5)


def test_waiting_ends_with_an_assignment_too(house, ana, ben, figures):
    house.says("I want a human")
    house.clock.advance(minutes=7)
    house.core.escalations.reassign(house.desk.card.escalation_id, ana, ben)
    house.settle()
    found = figures()
    assert (found.waited.median, found.briefly_rate) == (minutes(7), 0.0)
    assert [one.name for one in found.agents] == ["Ben"]


def test_a_second_claim_ends_no_wait(talk, figures, house, ana, ben):
    house.says("I want a human", address="+15550002")
    house.take(Step.CLAIM, ana, 2)
    house.take(Step.RELEASE, ana, 2)
    house.clock.advance(hours=1)
    house.take(Step.CLAIM, ben, 2)
    found = figures()
    assert (found.waited.count, found.waited.p90) == (2, minutes(4))


def test_not_needed_is_not_abandoned(house, ana, figures):
    house.says("I want a human")
    house.take(Step.DISMISS, ana)
    found = figures()
    assert (found.not_needed, found.not_needed_rate, found.abandoned) == (1, 1.0, 0)


def test_what_ends_without_anybody_is_abandoned(house, ana, figures):
    house.says("I want a human")
    house.take(Step.RETURN, ana)
    assert (figures().returned, figures().abandoned, figures().abandoned_rate) == (1, 1, 1.0)


def test_an_escalation_says_whether_the_team_worked(house, figures):
    with house.database.write() as tx:
        log.prefer(tx, "hours.lines", ["mon-fri 12:00-17:00"], "UANA", house.clock.now())
    house.says("I want a human")
    house.clock.advance(hours=4)
    house.says("I want a human", address="+15550002")
    found = figures()
    assert (found.hours_known, found.out_of_hours, found.out_of_hours_rate) == (2, 1, 0.5)


def test_a_message_that_did_not_arrive_is_its_agents(talk, ana, ben, figures):
    talk.says("I want a human", address="+15550002")
    talk.take(Step.CLAIM, ben, 2)
    place = next(at for at, card in talk.desk.cards.items() if card.escalation_id == 2)
    talk.core.relay.reply(ThreadReply(place, "1800000001.000001", ben, "Hello?"))
    talk.settle()
    sent = next(m for m, _ in talk.channel.taken if m.text == "Hello?")
    talk.reports(DeliveryStatus.FAILED, sent, error_code="30006")
    by = {one.name: one.agent_id for one in figures().agents}
    assert [figures(agent_id=by[name]).undelivered for name in ("Ana", "Ben")] == [0, 1]
    assert [figures(channel=kind).undelivered for kind in ("sms", "whatsapp")] == [1, 0]


def test_turns_that_the_model_was_to_answer_are_those_it_did_in_time_and_the_others(house, figures):
    for in_time in (None, True, True, False):
        house.assistant.in_time = in_time
        house.says("Where is my parcel?")
    assert (figures().model_turns, figures().model_in_time) == (3, 2)
    assert figures().in_time_rate == pytest.approx(2 / 3)
    assert figures(channel="whatsapp").in_time_rate is None


def test_a_turn_whose_answer_was_not_good_enough_counts_too(house, figures):
    house.assistant.in_time, house.assistant.confidence = False, 0.0
    house.says("Where is my parcel?")
    house.says("Where is it?")
    assert (figures().escalations, figures().model_turns, figures().model_in_time) == (1, 2, 0)


def test_yesterday_is_not_today(talk, figures):
    talk.clock.advance(days=1)
    assert figures() == Numbers(slices=figures().slices)


def test_who_and_what_can_be_chosen(talk):
    metrics = Metrics(talk.database, talk.clock)
    assert list(metrics.agents().values()) == ["Ana"]
    assert metrics.channels() == ("sms",)
