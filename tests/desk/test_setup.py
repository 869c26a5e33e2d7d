"""Setting up inside Slack: invited into a channel, the bot asks what it is for."""

import pytest
from sqlmodel import select

from handoff_bot.domain.signals import Priority
from handoff_bot.storage.models import DeskChannel, Escalation
from tests.desk.conftest import words

pytestmark = pytest.mark.on_sqlite


@pytest.fixture
def invited(bureau):
    """Mia invites the bot into #care."""
    care = bureau.slack.add_channel("care", [bureau.mia, bureau.ana])
    bureau.slack.invite_bot(care, bureau.mia)
    bureau.settle()
    return bureau, care


def question(bureau, channel):
    (asked,) = [
        m for m in bureau.slack.messages(channel) if "What should this channel" in m["text"]
    ]
    return asked


def chosen(bureau, channel, who, button):
    bureau.slack.click(who, channel, question(bureau, channel)["ts"], button)
    bureau.settle()


def test_it_asks_once_what_to_do_there(invited):
    bureau, care = invited
    shown = words(question(bureau, care)["blocks"])
    for answer in ("Use for the queue", "Use for urgent only", "Not now"):
        assert answer in shown
    assert "permissions" not in shown


def test_it_says_in_words_which_permissions_are_missing(bureau):
    bureau.slack.scopes.granted = ("chat:write", "channels:read", "groups:read", "channels:history")
    care = bureau.slack.add_channel("care", [bureau.mia])
    bureau.slack.invite_bot(care, bureau.mia)
    bureau.settle()
    shown = words(question(bureau, care)["blocks"])
    assert "reactions:write (to show the delivery status of replies)" in shown
    assert "chat:write (" not in shown


@pytest.mark.on_both
def test_the_queue_moves_where_an_admin_wants_it(invited):
    bureau, care = invited
    ts = question(bureau, care)["ts"]
    chosen(bureau, care, bureau.mia, "queue_here")
    assert "queue_here" not in str(bureau.slack.message(care, ts))
    bureau.says("I want a person")
    posts = [m["text"] for m in bureau.slack.messages(care)]
    assert any("is waiting on SMS" in text for text in posts)
    assert any(text.startswith("Queue: 1 waiting") for text in posts)
    assert not any("is waiting" in m["text"] for m in bureau.cards())


def test_only_urgent_ones(invited):
    bureau, care = invited
    chosen(bureau, care, bureau.mia, "urgent_here")
    bureau.says("I want a person")
    assert len(bureau.cards()) == 1
    bureau.detector.priority = Priority.URGENT
    bureau.says("I want a person", "+15550002")
    with bureau.database.read() as tx:
        found = tx.session.execute(select(Escalation).order_by(Escalation.id)).scalars().all()
    assert [one.slack_channel for one in found] == ["", care]


def test_an_agent_who_is_no_admin_is_told_who_may(invited):
    bureau, care = invited
    chosen(bureau, care, bureau.ana, "queue_here")
    assert any("Only admins" in said for said in bureau.whispers(bureau.ana))
    with bureau.database.read() as tx:
        assert tx.session.execute(select(DeskChannel)).scalars().one().purpose == ""


def test_somebody_else_who_joins_is_not_asked(bureau):
    bureau.slack.join(bureau.slack.add_person("eve", "Eve"), bureau.queue)
    bureau.settle()
    assert not any(
        "What should this channel" in m["text"] for m in bureau.slack.messages(bureau.queue)
    )
