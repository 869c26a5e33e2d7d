"""Conversations of agents who are away go back to the queue, once, with a word to both."""

import pytest
from sqlmodel import select

from handoff_bot.domain.desk import AgentRef
from handoff_bot.jobs.worker import Worker
from handoff_bot.services.container import QUEUES
from handoff_bot.services.escalations import owners
from handoff_bot.storage.models import Escalation

pytestmark = pytest.mark.on_sqlite

TICK = "tick.idle"
BACK = "Ana is away, so the conversation is back in the queue."
ASIDE = "is back in the queue, because you are away."


def passes(bureau, minutes):
    """Let time pass, with the tick of each minute."""
    for _ in range(minutes):
        bureau.later(minutes=1)
        bureau.core.scheduler.tick(TICK)
        bureau.settle()


def status(bureau):
    with bureau.database.read() as tx:
        return tx.session.execute(select(Escalation.status)).scalar_one()


def prefers(bureau, key, value):
    bureau.core.preferences.change(key, value, bureau.mia)


@pytest.fixture
def away(taken):
    """Ana has left Dana without an answer; reminders are off."""
    prefers(taken, "idle_minutes", 0)
    taken.command(taken.ana, "off")
    return taken


@pytest.mark.on_both
def test_a_conversation_of_an_agent_who_is_away_goes_back_with_a_word_to_all(away):
    passes(away, 29)
    assert status(away) == "claimed"
    before = len(away.heard())
    passes(away, 2)
    assert status(away) == "queued"
    assert f"{BACK} The customer has been informed." in away.thread()
    assert [said for said in away.told(away.ana) if ASIDE in said] != []
    assert len(away.heard()) == before + 1


def test_a_customer_who_does_not_wait_for_an_answer_is_not_told(away):
    away.writes(away.ana, "That was all, right?")
    before = len(away.heard())
    passes(away, 31)
    assert status(away) == "queued"
    assert len(away.heard()) == before
    assert any(BACK in line and "was not informed" in line for line in away.thread())


def test_nothing_is_taken_from_an_agent_who_has_just_answered(away):
    passes(away, 25)
    away.writes(away.ana, "I am looking into it.")
    passes(away, 29)
    assert status(away) == "claimed"
    passes(away, 1)
    assert status(away) == "queued"


def test_an_answer_between_the_tick_and_its_job_keeps_the_conversation(away):
    away.later(minutes=31)
    away.writes(away.ana, "Here I am.")
    with away.database.write() as tx:
        escalation = tx.session.execute(select(Escalation)).scalar_one()
        owners.check(tx, escalation, away.clock, away=True)
    away.settle()
    assert status(away) == "claimed"


def test_a_note_shows_that_the_agent_is_there(away):
    passes(away, 25)
    away.writes(away.ana, "note: asking the warehouse")
    passes(away, 20)
    assert status(away) == "claimed"


def test_an_agent_who_is_back_in_time_keeps_the_conversation(taken):
    taken.command(taken.ana, "off 20m")
    passes(taken, 45)
    assert status(taken) == "claimed"


def test_admins_choose_the_time(away):
    prefers(away, "away_minutes", 5)
    passes(away, 6)
    assert status(away) == "queued"


def test_admins_can_switch_it_off(away):
    prefers(away, "away_minutes", 0)
    passes(away, 60)
    assert status(away) == "claimed"


def test_time_outside_business_hours_does_not_count(away):
    prefers(away, "hours.lines", ["mon-sun 0:00-0:01"])
    passes(away, 60)
    assert status(away) == "claimed"


def test_a_snoozed_conversation_stays(away):
    away.writes(away.ana, "!snooze 2h")
    passes(away, 60)
    assert status(away) == "claimed"


@pytest.mark.on_both
def test_an_agent_whose_own_hours_have_ended_is_away(taken):
    now = taken.clock.at
    ends = f"{now.hour}:{now.minute:02}-{now.hour + 1}:{now.minute:02}"
    taken.core.availability.arrange(AgentRef(taken.ana, "Ana"), 0, [f"mon-sun {ends}"], "UTC")
    passes(taken, 59 + 29)
    assert status(taken) == "claimed"
    passes(taken, 3)
    assert status(taken) == "queued"


def test_an_agent_who_takes_a_conversation_after_their_hours_keeps_it(bureau):
    bureau.core.availability.arrange(AgentRef(bureau.ana, "Ana"), 0, ["mon-sun 0:00-0:01"], "UTC")
    bureau.says("I want a person")
    bureau.click(bureau.ana, "claim")
    passes(bureau, 60)
    assert status(bureau) == "claimed"


def test_a_conversation_that_an_away_agent_is_given_is_not_taken_back_at_once(taken):
    prefers(taken, "idle_minutes", 0)
    taken.command(taken.ben, "off")
    taken.later(minutes=60)
    with taken.database.read() as tx:
        number = tx.session.execute(select(Escalation.id)).scalar_one()
    mia, ben = AgentRef(taken.mia, "Mia"), AgentRef(taken.ben, "Ben")
    assert taken.core.escalations.reassign(number, mia, ben).done
    taken.settle()
    passes(taken, 29)
    assert status(taken) == "claimed"
    passes(taken, 2)
    assert status(taken) == "queued"


@pytest.mark.on_both
def test_two_processes_and_a_restart_hand_it_back_once(away):
    away.later(minutes=31)
    for _ in range(3):
        away.core.scheduler.tick(TICK)
        two = [
            Worker(away.database, away.core.handlers, away.clock, threads=QUEUES) for _ in range(2)
        ]
        while sum(each.run_once() for each in two):
            pass
        away.clock.advance(minutes=1)
    assert sum(BACK in line for line in away.thread()) == 1
    assert sum(ASIDE in said for said in away.told(away.ana)) == 1


def test_many_conversations_of_one_agent_all_go_back(bureau):
    addresses = [f"+1555010{number}" for number in range(3)]
    for address in addresses:
        bureau.says("I want a person", address)
        bureau.click(bureau.ana, "claim")
    bureau.command(bureau.ana, "off")
    passes(bureau, 31)
    with bureau.database.read() as tx:
        found = tx.session.execute(select(Escalation.status)).scalars().all()
    assert found == ["queued"] * 3


def test_an_agent_who_leaves_the_slack_channel_gets_a_word_too(taken):
    taken.slack.part(taken.ana, taken.queue)
    taken.settle()
    assert any("you are no longer in its Slack channel" in said for said in taken.told(taken.ana))


def test_a_customer_who_was_answered_is_not_told_when_the_agent_leaves_slack(taken):
    taken.writes(taken.ana, "It is on its way.")
    before = len(taken.heard())
    taken.slack.leave(taken.ana)
    taken.settle()
    assert status(taken) == "queued"
    assert len(taken.heard()) == before
