"""A Slack channel that takes nothing any more: new cards go elsewhere, words wait, admins are told once."""

import pytest

from handoff_bot.domain.signals import Priority
from handoff_bot.storage.models import Escalation
from tests.desk.conftest import DANA, words

pytestmark = pytest.mark.on_sqlite


def chosen(bureau, purpose):
    """A channel that Mia has invited the bot into and given this purpose."""
    care = bureau.slack.add_channel("care", [bureau.mia, bureau.ana])
    bureau.slack.invite_bot(care, bureau.mia)
    bureau.settle()
    (asked,) = [m for m in bureau.slack.messages(care) if "What should this channel" in m["text"]]
    bureau.slack.click(bureau.mia, care, asked["ts"], purpose)
    bureau.settle()
    return care


@pytest.mark.on_both
def test_new_cards_go_to_the_queue_channel_when_their_own_is_archived(bureau):
    bureau.slack.archive(chosen(bureau, "urgent_here"))
    bureau.detector.priority = Priority.URGENT
    bureau.says("Somebody broke into my account! I want a person")
    bureau.later(minutes=1)
    with bureau.database.read() as tx:
        where = [row.slack_channel for row in tx.session.query(Escalation)]
    assert where == [""]
    assert len(bureau.cards()) == 1


def test_the_admins_are_told_once_and_again_when_it_works(bureau):
    bureau.core.preferences.change("admins", [bureau.ben], bureau.mia)
    bureau.core.preferences.change("availability.by_presence", False, bureau.mia)
    bureau.says("I want a person", DANA)
    bureau.slack.archive(bureau.queue)
    for number in range(3):
        bureau.says(f"line {number}", DANA)
        bureau.later(minutes=5)
    (told,) = bureau.told(bureau.ben)
    assert "I cannot post in this channel: The channel is archived." in told
    bureau.slack.archive(bureau.queue, is_archived=False)
    bureau.later(hours=1)
    assert "I can post in this channel again." in bureau.told(bureau.ben)[-1]
    assert len(bureau.told(bureau.ben)) == 2
    said = [text.split(": ")[-1] for text in bureau.thread() if "line" in text]
    assert said == ["line 0", "line 1", "line 2"]


def test_the_assignee_hears_what_the_customer_writes_while_the_thread_takes_nothing(bureau):
    """The customer waits for their answer, and they see no message."""
    bureau.says("I want a person", DANA)
    bureau.click(bureau.ana, "claim")
    bureau.slack.archive(bureau.queue)
    bureau.says("It is on fire", DANA)
    bureau.says("Hello?", DANA)
    for _ in range(5):
        bureau.later(minutes=1)
    (told,) = bureau.told(bureau.ana)
    assert "It is on fire" in told
    assert "The channel is archived." in told
    bureau.slack.archive(bureau.queue, is_archived=False)
    bureau.later(hours=1)
    assert [text for text in bureau.thread() if "It is on fire" in text]


def test_the_doctor_says_where_nothing_can_be_written(bureau):
    bureau.says("I want a person")
    bureau.slack.archive(bureau.queue)
    bureau.says("Hello?")
    bureau.command(bureau.mia, "doctor")
    assert "archived" in words(bureau.modal(bureau.mia))
