"""The whole way: a customer's escalation, through lanes and real adapters, into what keeps tickets."""

from itertools import pairwise

import pytest

from handoff_bot.domain.desk import AgentRef
from handoff_bot.domain.escalations import Step
from handoff_bot.jobs import store
from tests.services.conftest import build_house


@pytest.fixture
def house(database, clock, sink, webhook):
    return build_house(database, clock, connectors={"zendesk": sink, "webhook": webhook})


@pytest.fixture
def ana():
    return AgentRef("UANA", "Ana")


def test_an_escalation_from_beginning_to_end(house, zendesk, receiver, ana):
    house.says("I want a human", profile_name="Dana")
    house.take(Step.CLAIM, ana)
    house.take(Step.RESOLVE, ana)
    (ticket,) = zendesk.tickets()
    assert (ticket["status"], zendesk.notes(ticket["id"])[-1]) == (
        "solved",
        "Handoff #1: solved, by Ana (solved).",
    )
    states = [event["ticket"]["status"] for event in receiver.events]
    assert states == ["open", "pending", "solved"]
    revisions = [event["revision"] for event in receiver.events]
    assert revisions == sorted(set(revisions))


@pytest.mark.parametrize("drop", ["before", "after"])
@pytest.mark.parametrize("chance", [0.2, 0.5])
def test_whatever_gets_lost_there_is_one_ticket_with_the_latest_state(
    house, zendesk, receiver, ana, drop, chance
):
    for faults in (zendesk.faults, receiver.faults):
        faults.add("*", drop=drop, probability=chance, count=12)
    house.says("I want a human")
    for step in (Step.CLAIM, Step.RELEASE, Step.CLAIM, Step.RESOLVE):
        house.take(step, ana)
        house.clock.advance(seconds=20)
        house.settle()
    for _ in range(30):
        house.clock.advance(minutes=2)
        house.settle()
    (ticket,) = zendesk.tickets()
    assert ticket["status"] == "solved"
    notes = zendesk.notes(ticket["id"])
    assert all(first != second for first, second in pairwise(notes))
    newest = max(receiver.events, key=lambda event: event["revision"])
    assert newest["ticket"]["status"] == "solved"
    with house.database.read() as tx:
        assert store.load(tx).parked == 0


def test_zendesk_says_when_to_come_back_and_is_left_alone_until_then(house, zendesk):
    zendesk.faults.add("*", status=429, retry_after=120, count=1)
    house.says("I want a human")
    house.clock.advance(seconds=100)
    house.settle()
    assert len(zendesk.journal.entries("zendesk")) == 1
    house.clock.advance(seconds=30)
    house.settle()
    assert len(zendesk.tickets()) == 1


def test_a_wrong_token_waits_for_an_admin(house, zendesk):
    zendesk.token, right = "another", zendesk.token
    house.says("I want a human")
    house.clock.advance(hours=5)
    house.settle()
    zendesk.token = right
    house.clock.advance(minutes=2)
    house.settle()
    assert len(zendesk.tickets()) == 1
