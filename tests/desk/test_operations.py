"""Availability, hours and the waiting ladder, from clicks and clocks down to rows."""

import pytest
from sqlmodel import select

from handoff_bot.domain.ladder import Rung, RungKind, for_priority
from handoff_bot.domain.signals import Priority
from handoff_bot.services.core import THREADS
from handoff_bot.services.lanes import Lanes
from handoff_bot.storage.desk_models import TicketTag
from handoff_bot.storage.models import Agent, Escalation
from tests.desk.conftest import words


def prefers(bureau, **values):
    """An admin has set these; `__` stands for a dot."""
    for key, value in values.items():
        bureau.core.preferences.change(key.replace("__", "."), value, "test")


def escalation(bureau):
    with bureau.database.read() as tx:
        return tx.session.execute(select(Escalation)).scalars().one()


def climb(bureau, minutes):
    """Let so many minutes pass, one by one, as they do."""
    for _ in range(minutes):
        bureau.later(minutes=1)


# -- availability


def test_on_and_off(bureau):
    bureau.command(bureau.ana, "on")
    assert "You are available" in words(bureau.home(bureau.ana))
    bureau.command(bureau.ana, "off 30m")
    assert "You are away until" in words(bureau.home(bureau.ana))
    bureau.later(minutes=31)
    assert "You are available" in words(bureau.home(bureau.ana))
    bureau.command(bureau.ana, "off whenever")
    assert any("Say it like" in said for said in bureau.whispers(bureau.ana))


def test_buttons_in_home_do_the_same(bureau):
    view = bureau.home(bureau.ana)
    assert "You are not on the roster" in words(view)
    bureau.slack.click_view(bureau.ana, view["id"], "availability_on")
    bureau.settle()
    assert "You are available" in words(bureau.slack.home(bureau.ana))
    bureau.slack.click_view(bureau.ana, bureau.slack.home(bureau.ana)["id"], "availability_off")
    bureau.settle()
    assert "You are away" in words(bureau.slack.home(bureau.ana))


def test_hours_and_capacity_are_checked_and_kept(bureau):
    view = bureau.home(bureau.ana)
    bureau.slack.click_view(bureau.ana, view["id"], "availability_arrange")
    bureau.settle()
    wrong = {"my_capacity": "x", "my_hours": "always", "my_timezone": "Mars"}
    assert set(bureau.sends(bureau.ana, wrong).errors) == set(wrong)
    right = {"my_capacity": "3", "my_hours": "mon-fri 14:00-17:00", "my_timezone": "UTC"}
    assert bureau.sends(bureau.ana, right).errors == {}
    assert "outside of your hours · talking to 0 of 3" in words(bureau.home(bureau.ana))


def test_who_takes_a_conversation_is_on_the_roster(bureau):
    bureau.says("I want a person")
    bureau.click(bureau.ana, "claim")
    with bureau.database.read() as tx:
        assert tx.session.execute(select(Agent)).scalars().one().on_roster


# -- what the customer is told


def test_out_of_hours_the_customer_is_told_so_and_nobody_is_reminded(bureau):
    prefers(bureau, hours__lines=["mon-fri 13:00-17:00"], hours__timezone="UTC")
    bureau.says("I want a person")  # it is 9:00
    assert bureau.heard() == [
        "Our team is not here at the moment. Your request is ticket #1, "
        "and we answer as soon as we are back."
    ]
    climb(bureau, 60)
    assert bureau.thread() == []
    bureau.later(hours=3, minutes=3)  # 13:03
    assert "Nobody has taken this for 2 minutes." in bureau.thread()


def test_when_nobody_is_there_no_wait_is_promised(bureau):
    bureau.command(bureau.ana, "on")
    bureau.command(bureau.ana, "off")
    bureau.says("I want a person")
    assert bureau.heard()[0].startswith("Nobody of our team is free right now.")


# -- the ladder


def test_the_ladder_is_climbed_rung_by_rung(bureau):
    group = bureau.slack.add_group("care", "Care", [bureau.ben])
    prefers(bureau, ladder__group=group)
    bureau.says("I want a person")
    climb(bureau, 4)
    assert bureau.thread() == [
        "Nobody has taken this for 2 minutes.",
        "Nobody has taken this for 4 minutes.",
    ]
    assert f"<!subteam^{group}>" in str(bureau.slack.thread(bureau.queue, bureau.card())[-1])
    climb(bureau, 6)
    assert "Sorry that this takes longer" in bureau.heard()[-1]
    climb(bureau, 50)
    assert "We couldn't reach anybody for you in time." in bureau.heard()[-1]
    assert escalation(bureau).status == "queued"
    with bureau.database.read() as tx:
        assert tx.session.execute(select(TicketTag.tag)).scalars().all() == ["callback"]


def test_a_claim_ends_it(bureau):
    bureau.says("I want a person")
    bureau.click(bureau.ana, "claim")
    before = list(bureau.heard())
    climb(bureau, 70)
    assert bureau.heard() == before
    assert not any("Nobody has taken" in said for said in bureau.thread())


def test_a_release_begins_it_anew(bureau):
    bureau.says("I want a person")
    bureau.click(bureau.ana, "claim")
    climb(bureau, 5)
    bureau.writes(bureau.ana, "!release")
    climb(bureau, 3)
    assert bureau.thread().count("Nobody has taken this for 2 minutes.") == 1


def test_what_is_snoozed_waits_with_it(bureau):
    bureau.says("I want a person")
    bureau.writes(bureau.ana, "!snooze 30m")
    climb(bureau, 29)
    assert not any("Nobody has taken" in said for said in bureau.thread())
    climb(bureau, 2)
    assert "Nobody has taken this for 2 minutes." in bureau.thread()


def test_back_to_the_assistant_when_the_team_wants_it_so(bureau):
    prefers(bureau, ladder__rungs=["5 return"])
    bureau.says("I want a person")
    climb(bureau, 6)
    assert escalation(bureau).status == "returned"
    assert "You're back with our automated assistant." in bureau.heard()[-1]


def test_a_priority_may_have_a_ladder_of_its_own():
    lines = ["10 remind", "urgent: 1 mention", "URGENT: 2 offer"]
    rungs = [Rung.parse(line) for line in lines]
    urgent = [rung.kind for rung in for_priority(rungs, Priority.URGENT)]
    assert urgent == [RungKind.MENTION, RungKind.OFFER]
    assert [rung.kind for rung in for_priority(rungs, Priority.LOW)] == [RungKind.REMIND]


@pytest.mark.parametrize("line", ["", "remind", "5 dance", "-1 tell", "soon tell", "99999 tell"])
def test_a_rung_that_is_none_is_refused(line):
    with pytest.raises(ValueError, match="not understood"):
        Rung.parse(line)


def test_processes_climb_together_and_each_rung_is_climbed_once(bureau):
    """Two workers on one database, and a restart between the rungs."""
    bureau.says("I want a person")
    for _ in range(12):
        bureau.clock.advance(minutes=1)
        two = [
            Lanes(bureau.database, bureau.core.handlers, bureau.clock, threads=THREADS)
            for _ in range(2)
        ]
        while sum(each.run_once() for each in two):
            pass
    said = bureau.thread()
    assert said.count("Nobody has taken this for 2 minutes.") == 1
    assert said.count("Nobody has taken this for 4 minutes.") == 1
    assert sum("Sorry that this takes longer" in each for each in bureau.heard()) == 1


# -- offers


@pytest.fixture
def roster(bureau):
    """Ana and Ben are there."""
    bureau.command(bureau.ana, "on")
    bureau.command(bureau.ben, "on")
    bureau.says("I want a person")
    return bureau


def direct(bureau, who):
    (channel,) = [c for c in bureau.slack.channels() if c.kind == "im" and who in c.members]
    return channel.id, bureau.slack.messages(channel.id)[-1]["ts"]


def test_the_next_available_agent_is_asked_and_then_the_one_after(roster):
    climb(roster, 6)
    assert len(roster.told(roster.ana)) == 1
    assert roster.told(roster.ben) == []
    climb(roster, 2)
    assert len(roster.told(roster.ben)) == 1
    climb(roster, 3)
    assert "Nobody else is available to be asked." in roster.thread()


def test_accepting_takes_it(roster):
    climb(roster, 6)
    roster.slack.click(roster.ana, *direct(roster, roster.ana), "offer_accept")
    roster.settle()
    assert escalation(roster).status == "claimed"
    climb(roster, 5)
    assert roster.told(roster.ben) == []


def test_declining_asks_the_next_one_at_once(roster):
    climb(roster, 6)
    roster.slack.click(roster.ana, *direct(roster, roster.ana), "offer_decline")
    roster.settle()
    assert len(roster.told(roster.ben)) == 1
    climb(roster, 1)
    assert len(roster.told(roster.ben)) == 1


def test_who_is_away_or_full_is_not_asked(roster):
    roster.command(roster.ana, "off")
    prefers(roster, capacity=1)
    roster.says("I want a person", "+15550002")
    roster.command(roster.ben, "next")
    climb(roster, 9)
    assert roster.told(roster.ana) == []
    assert roster.told(roster.ben) == []


# -- silent owners


def test_an_owner_who_is_silent_is_reminded_once_and_may_let_go(bureau):
    bureau.says("I want a person")
    bureau.click(bureau.ana, "claim")
    bureau.says("Hello?")
    for _ in range(15):
        bureau.clock.advance(minutes=1)
        bureau.core.ticks.tick("tick.idle")
        bureau.settle()
    (told,) = bureau.told(bureau.ana)
    assert "has been waiting for your answer for 10 minutes" in told
    bureau.slack.click(bureau.ana, *direct(bureau, bureau.ana), "release")
    bureau.settle()
    assert escalation(bureau).status == "queued"


def test_an_owner_who_answers_is_left_alone(bureau):
    bureau.says("I want a person")
    bureau.click(bureau.ana, "claim")
    bureau.says("Hello?")
    bureau.writes(bureau.ana, "Hello Dana")
    bureau.later(minutes=20)
    bureau.core.ticks.tick("tick.idle")
    bureau.settle()
    assert bureau.told(bureau.ana) == []


# -- the admins' windows


def test_hours_and_ladder_are_set_in_words_and_checked(bureau):
    bureau.command(bureau.mia, "settings")
    bureau.presses(bureau.mia, "settings_open", "hours")
    sent = bureau.sends(bureau.mia, {"hours.lines": "whenever", "hours.timezone": "Mars"})
    assert set(sent.errors) == {"hours.lines", "hours.timezone"}
    right = {"hours.lines": "mon-fri 9:00-17:00", "hours.timezone": "Europe/Berlin"}
    assert bureau.sends(bureau.mia, right).errors == {}
    bureau.presses(bureau.mia, "settings_open", "waiting")
    assert "not understood" in str(bureau.sends(bureau.mia, {"ladder.rungs": "soon"}).errors)
    assert bureau.sends(bureau.mia, {"ladder.rungs": "3 tell"}).errors == {}
    assert bureau.core.preferences.get("ladder.rungs", None) == ["3 tell"]
