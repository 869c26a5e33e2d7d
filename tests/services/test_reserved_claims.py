"""While the AI's last message is being sent, an escalation is kept for the agent who pressed first."""

import threading

import pytest

from handoff_bot.domain.desk import AgentRef
from handoff_bot.domain.escalations import Step
from handoff_bot.domain.messages import DeliveryStatus
from handoff_bot.services.escalations.lifecycle import (
    AFTER_THE_AI,
    CLAIM,
    RESERVED_FOR,
    TAKEN_BY,
    TOO_LONG,
)
from handoff_bot.services.replies.held_replies import ModalReplies
from handoff_bot.storage import queue
from handoff_bot.storage.models import Delivery, Escalation, Work

CAT = AgentRef("UCAT", "Cat")
BY_ANA = TAKEN_BY.format(name="Ana")


class Wire:
    """An AI message that is being sent for as long as a test wants; what is pressed then is remembered."""

    def __init__(self, house):
        self.house = house
        self.outcomes = []

    def during(self, *presses):
        def send(message):
            if message.text.startswith("I'm passing"):
                self.outcomes += [press() for press in presses]

        self.house.channel.before_send = [send]
        self.house.take(Step.RELEASE, CAT)
        self.house.channel.before_send = []
        return self.outcomes


@pytest.fixture
def wire(house):
    house.says("I want a human")
    house.take(Step.CLAIM, CAT)
    return Wire(house)


def press(house, agent):
    number = house.desk.card.escalation_id
    return lambda: house.core.escalations.take(Step.CLAIM, number, agent)


def stick(house, *, sent=False):
    """Let the AI's message look as if a crash had cut short its call, or not any longer."""
    with house.database.write() as tx:
        for one in tx.session.query(Delivery):
            if one.text.startswith("I'm passing"):
                one.status = DeliveryStatus.SENT if sent else DeliveryStatus.SENDING


def owner(house):
    with house.database.read() as tx:
        return tx.session.query(Escalation).one().owner_id


def whispered(house, agent):
    return [one.text for one in house.desk.whispers if one.desk_id == agent.desk_id]


def wait(house, **time):
    house.clock.advance(**time)
    house.settle()


def test_the_second_agent_is_told_who_is_taking_it_and_the_first_gets_it(house, wire, ana, ben):
    first, second = wire.during(press(house, ana), press(house, ben))
    assert (first.done, first.text) == (True, AFTER_THE_AI)
    assert (second.done, second.text) == (False, BY_ANA)
    # The message has left, and the claim of the first is about to be tried: the second still comes second.
    assert press(house, ben)().text == BY_ANA
    wait(house, seconds=1)
    assert house.desk.card.owner == ana
    assert house.channel.phone[-2] == "Now speaking with Ana."
    assert whispered(house, ben) == ["Ana took this just now."]


def test_pressing_again_is_one_claim(house, wire, ana):
    outcomes = wire.during(press(house, ana), press(house, ana), press(house, ana))
    assert [one.text for one in outcomes] == [AFTER_THE_AI] * 3
    with house.database.read() as tx:
        assert (
            tx.session.query(Work).filter(Work.kind == CLAIM, Work.status == "ready").count() == 1
        )
    assert press(house, ana)().done
    wait(house, seconds=1)
    assert house.desk.card.owner == ana


def test_what_the_first_gave_back_is_not_claimed_a_second_time(house, wire, ana):
    wire.during(press(house, ana))
    assert press(house, ana)().done
    number = house.desk.card.escalation_id
    assert house.core.escalations.take(Step.RELEASE, number, ana).done
    wait(house, seconds=1)
    assert house.desk.card.owner is None


def test_nobody_gives_it_to_another_agent_meanwhile(house, wire, ana, ben):
    wire.during(press(house, ana))
    number = house.desk.card.escalation_id
    assert house.core.escalations.reassign(number, CAT, ben).text == BY_ANA
    wait(house, seconds=1)
    assert house.desk.card.owner == ana


def test_the_second_is_told_too_when_a_colleague_gives_it_to_the_first(house, wire, ana, ben):
    wire.during(press(house, ana), press(house, ben))
    number = house.desk.card.escalation_id
    assert house.core.escalations.reassign(number, CAT, ana).done
    wait(house, seconds=1)
    assert house.desk.card.owner == ana
    assert whispered(house, ben) == ["Ana took this just now."]
    with house.database.read() as tx:
        assert queue.reservation_of(tx, number) is None


def test_a_window_of_the_second_sends_nothing_and_says_who_is_taking_it(house, wire, ana, ben):
    composed: ModalReplies = house.core.composed
    number = house.desk.card.escalation_id
    _, second = wire.during(
        press(house, ana), lambda: composed.send(number, ben, "Hello from Ben", "V1")
    )
    assert (second.done, second.text) == (False, BY_ANA)


def test_it_lapses_when_the_message_is_not_sent_in_time_and_both_are_told(house, wire, ana, ben):
    wire.during(press(house, ana), press(house, ben))
    stick(house)
    wait(house, seconds=1)
    assert owner(house) is None
    wait(house, seconds=RESERVED_FOR.total_seconds())
    assert whispered(house, ana) == [f"You did not take over this conversation. {TOO_LONG} {PRESS}"]
    assert whispered(house, ben) == [f"Ana did not take over this conversation. {TOO_LONG} {PRESS}"]
    stick(house, sent=True)
    assert press(house, ben)().done
    house.settle()
    assert house.desk.card.owner == ben


PRESS = "It is in the queue. Select Take Over."


def test_it_lapses_while_nothing_runs_and_the_second_can_take_it(house, wire, ana, ben):
    wire.during(press(house, ana), press(house, ben))
    house.clock.advance(seconds=RESERVED_FOR.total_seconds() + 1)
    assert press(house, ben)().done  # before the late claim of the first has had a chance to run
    house.settle()
    assert house.desk.card.owner == ben
    (told,) = whispered(house, ana)
    assert told.startswith("You did not take over this conversation. Ben took this")
    assert whispered(house, ben) == []


def test_both_are_told_when_somebody_ends_it_meanwhile(house, wire, ana, ben):
    wire.during(press(house, ana), press(house, ben))
    number = house.desk.card.escalation_id
    assert house.core.escalations.take(Step.RESOLVE, number, CAT).done
    wait(house, seconds=1)
    assert whispered(house, ana) == [
        "You did not take over this conversation. Cat already closed this conversation (resolved)."
    ]
    assert whispered(house, ben) == [
        "Ana did not take over this conversation. Cat already closed this conversation (resolved)."
    ]


def test_a_bug_in_the_late_claim_ends_it_and_all_are_told(house, wire, ana, ben, monkeypatch):
    house.core.preferences.change("admins", ["UMIA"], "UMIA")
    wire.during(press(house, ana), press(house, ben))

    def broken(*_):
        raise RuntimeError("something private")

    monkeypatch.setattr(house.core.escalations, "claim_late", broken)
    for _ in range(6):
        wait(house, seconds=20)
    assert "Something went wrong on our side." in whispered(house, ana)[0]
    assert "Something went wrong on our side." in whispered(house, ben)[0]
    with house.database.read() as tx:
        assert queue.reservation_of(tx, house.desk.card.escalation_id) is None
    assert press(house, ben)().done
    (alarm,) = house.desk.told["UMIA"]
    assert "claim" in alarm.text
    assert "private" not in alarm.text


def test_a_crash_between_the_claim_and_its_record_changes_nothing(house, wire, ana):
    wire.during(press(house, ana))
    with house.database.read() as tx:
        until = queue.reservation_of(tx, house.desk.card.escalation_id).until
    number = house.desk.card.escalation_id
    assert house.core.escalations.claim_late(number, ana, until).done
    wait(house, seconds=1)
    assert house.desk.card.owner == ana
    assert whispered(house, ana) == []
    assert house.channel.phone.count("Now speaking with Ana.") == 1


def test_of_many_who_press_at_once_one_is_promised_it_and_gets_it(house, wire):
    agents = [AgentRef(f"U{number:02d}", f"Agent {number}") for number in range(8)]
    number = house.desk.card.escalation_id
    said = {}
    gate = threading.Barrier(len(agents))

    def one(agent):
        gate.wait()
        said[agent.name] = house.core.escalations.take(Step.CLAIM, number, agent)

    def everybody():
        threads = [threading.Thread(target=one, args=(agent,)) for agent in agents]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    wire.during(everybody)
    (promised,) = [name for name, outcome in said.items() if outcome.text == AFTER_THE_AI]
    others = [outcome.text for name, outcome in said.items() if name != promised]
    assert others == [TAKEN_BY.format(name=promised)] * 7
    everybody()  # the message has left; the others press once more, and so does the first
    house.clock.advance(seconds=1)
    house.settle()
    assert house.desk.card.owner.name == promised
    assert house.channel.phone.count(f"Now speaking with {promised}.") == 1
