"""Direct messages to the app are answered, with roles as everywhere."""

import pytest
from sqlmodel import select

from handoff_bot.storage.models import Escalation
from tests.desk.conftest import DANA

pytestmark = pytest.mark.on_sqlite


def writes(bureau, who, text, **more):
    """Write to the app; says what it answered."""
    channel = bureau.slack.open_home(who, "messages")
    before = len(bureau.told(who))
    bureau.slack.say(who, channel, text, **more)
    bureau.settle()
    return [said for said in bureau.told(who)[before:] if said != text]


def last(bureau, who):
    """The newest message of the app to this person."""
    return bureau.slack.messages(bureau.slack.open_home(who, "messages"))[-1]


def owner_status(bureau):
    with bureau.database.read() as tx:
        return tx.session.execute(select(Escalation)).scalars().first().status


@pytest.mark.parametrize("asked", ["help", "Hi", "Help?", "/handoff help", "hello!"])
def test_help_says_what_can_be_asked(bureau, asked):
    (said,) = writes(bureau, bureau.ana, asked)
    assert "who waits?" in said
    assert "take 12" in said


@pytest.mark.on_both
@pytest.mark.parametrize(
    "asked", ["who waits?", "Who is waiting", "WHO\u2019S WAITING?", "queue", "/handoff queue"]
)
def test_who_waits_lists_the_customers_with_their_tickets(bureau, asked):
    bureau.says("I want a person", DANA)
    bureau.later(minutes=3)
    (said,) = writes(bureau, bureau.ana, asked)
    assert "1 customer is waiting" in said
    assert "#1 +15550001 on SMS, normal priority, for 3 minutes" in said


def test_nobody_waits(bureau):
    assert writes(bureau, bureau.ana, "who waits?") == ["No customers are waiting."]


def test_a_long_queue_is_cut_and_counted(bureau):
    for number in range(13):
        bureau.says("I want a person", f"+1555100{number:02}")
    channel = bureau.slack.open_home(bureau.ana, "messages")
    bureau.slack.say(bureau.ana, channel, "who waits?")
    bureau.settle()
    shown = str(bureau.slack.messages(channel)[-1]["blocks"])
    assert "13 customers are waiting" in shown
    assert shown.count(" on SMS") == 10
    assert "… and 3 more" in shown


@pytest.mark.parametrize("asked", ["take 1", "Take #1", "please take over ticket 1", "take next"])
def test_take_takes_over(bureau, asked):
    bureau.says("I want a person", DANA)
    (said,) = writes(bureau, bureau.ana, asked)
    assert said == "This conversation is now assigned to you."
    assert "|Open thread>" in str(last(bureau, bureau.ana)["blocks"])
    assert owner_status(bureau) == "claimed"
    assert "Now speaking with Ana." in bureau.heard()


def test_a_second_agent_is_told_who_was_faster(bureau):
    bureau.says("I want a person", DANA)
    writes(bureau, bureau.ana, "take 1")
    (said,) = writes(bureau, bureau.ben, "take 1")
    assert "Ana" in said


def test_a_ticket_that_does_not_exist_is_named(bureau):
    assert writes(bureau, bureau.ana, "take 999") == ["Ticket #999 does not exist."]


@pytest.mark.parametrize("asked", ["take 1", "who waits?", "what is this", "on"])
def test_who_is_no_agent_is_refused_and_sees_nothing(bureau, asked):
    eve = bureau.slack.add_person("eve", "Eve")
    bureau.says("My secret is 1234, I want a person", DANA)
    (said,) = writes(bureau, eve, asked)
    assert "Only members of the Slack channel" in said
    assert owner_status(bureau) == "queued"


def test_a_guest_is_refused(bureau):
    bureau.slack.person(bureau.ben).is_restricted = True
    bureau.says("I want a person", DANA)
    (said,) = writes(bureau, bureau.ben, "take 1")
    assert "Guests" in said
    assert owner_status(bureau) == "queued"


def test_availability_can_be_set(bureau):
    (said,) = writes(bureau, bureau.ana, "off 30m")
    assert said.startswith("You're away until <!date^")
    assert "09:30 UTC" in said
    assert bureau.core.availability.of(
        bureau.core.handlers["desk.card"]._desk.agent(bureau.ana)
    ).is_away
    assert writes(bureau, bureau.ana, "on") == ["You're available."]
    (said,) = writes(bureau, bureau.ana, "off whenever")
    assert "Try /handoff off" in said


@pytest.mark.parametrize(
    "asked", ["Where is my lunch?", "take", "take twelve", "x" * 5000, "!take"]
)
def test_anything_else_gets_a_short_hint(bureau, asked):
    (said,) = writes(bureau, bureau.ana, asked)
    assert said.startswith("I can't answer this. Try “who waits?”")


def test_the_apps_own_answers_and_edits_are_not_answered(bureau):
    channel = bureau.slack.open_home(bureau.ana, "messages")
    ts = bureau.slack.say(bureau.ana, channel, "help")
    bureau.settle()
    count = len(bureau.slack.messages(channel))
    bureau.slack.edit(bureau.ana, channel, ts, "who waits?")
    bureau.settle()
    bureau.later(minutes=5)
    assert len(bureau.slack.messages(channel)) == count == 2


@pytest.mark.on_both
def test_an_event_that_slack_delivers_twice_is_answered_once(bureau):
    said = writes(bureau, bureau.ana, "who waits?", duplicates=2)
    assert said == ["No customers are waiting."]
