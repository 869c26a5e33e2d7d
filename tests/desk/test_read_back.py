"""Threads are read back after a gap: what agents wrote meanwhile reaches the customer once, in order."""

import pytest

from handoff_bot.domain.desk import AgentRef
from handoff_bot.domain.escalations import Step
from handoff_bot.domain.files import MB
from handoff_bot.domain.messages import Limits
from handoff_bot.jobs.rate_limits import per_minute
from handoff_bot.slack import desk
from handoff_bot.slack.limits import LIMITS
from handoff_bot.storage.models import DeskThread
from handoff_sandbox.slack import Attachment
from tests.samples import JPEG

pytestmark = pytest.mark.on_sqlite

NOWHERE = "http://127.0.0.1:9/slack/events"


@pytest.fixture
def claimed(bureau):
    """Dana's conversation, which Ana has; the bot has been in contact."""
    bureau.slack.retries = ()
    bureau.core.catching_up.started()
    bureau.says("I want a human")
    bureau.click(bureau.ana, "claim")
    return bureau


def away(bureau):
    """Slack's events do not arrive from here on."""
    bureau.home_url, bureau.slack.events_url = bureau.slack.events_url, NOWHERE


def back(bureau, *, hours=2):
    """They arrive again, some hours later, and the process has just started."""
    bureau.clock.advance(hours=hours)
    bureau.slack.events_url = bureau.home_url
    bureau.core.catching_up.started()
    bureau.settle()


def from_ana(bureau):
    return [said for said in bureau.heard() if said.startswith("reply")]


@pytest.mark.on_both
def test_what_an_agent_wrote_while_we_were_away_reaches_the_customer_once(claimed):
    away(claimed)
    replies = [claimed.writes(claimed.ana, f"reply {n}") for n in (1, 2, 3)]
    claimed.writes(claimed.ben, "reply of somebody else")
    assert from_ana(claimed) == []

    back(claimed)
    assert from_ana(claimed) == ["reply 1", "reply 2", "reply 3"]

    for ts in replies:
        for delivery in claimed.slack.events(lambda event, ts=ts: event.get("ts") == ts):
            claimed.slack.redeliver(delivery.event_id)
    back(claimed, hours=0)
    back(claimed)
    assert from_ana(claimed) == ["reply 1", "reply 2", "reply 3"]


def test_a_reply_of_a_colleague_in_the_gap_stays_a_note(claimed):
    away(claimed)
    claimed.writes(claimed.ben, "typical")
    back(claimed)

    assert "typical" not in claimed.heard()
    assert any("Saved as an internal note" in told for told in claimed.whispers(claimed.ben))


def test_a_thread_command_of_the_gap_is_obeyed_once(claimed):
    away(claimed)
    claimed.writes(claimed.ana, "!release")
    back(claimed)
    back(claimed)

    assert " is waiting on " in claimed.cards()[-1]["text"]
    assert len([said for said in claimed.thread() if "queue" in said]) == 1


@pytest.mark.on_both
def test_an_edit_of_the_gap_is_offered_as_a_correction_once(claimed):
    ts = claimed.writes(claimed.ana, "reply 1")
    claimed.clock.advance(minutes=1)
    away(claimed)
    claimed.clock.advance(minutes=30)
    claimed.slack.edit(claimed.ana, claimed.queue, ts, "reply one")
    back(claimed)
    back(claimed)

    told = [said for said in claimed.whispers(claimed.ana) if "original message" in said]
    assert len(told) == 1
    assert from_ana(claimed) == ["reply 1"]


def test_an_edit_of_the_gap_is_found_whenever_the_reply_was_written(claimed):
    ts = claimed.writes(claimed.ana, "reply 1")
    for _ in range(30):
        claimed.clock.advance(seconds=30)
        claimed.core.scheduler.tick("tick.contact")
        claimed.settle()
    away(claimed)
    claimed.slack.edit(claimed.ana, claimed.queue, ts, "reply one")
    back(claimed)

    assert len([said for said in claimed.whispers(claimed.ana) if "original message" in said]) == 1
    assert from_ana(claimed) == ["reply 1"]


@pytest.mark.on_both
def test_what_comes_live_waits_for_what_was_written_before_it(claimed):
    away(claimed)
    claimed.writes(claimed.ana, "reply 1")
    claimed.clock.advance(hours=2)
    claimed.slack.events_url = claimed.home_url
    claimed.core.catching_up.started()
    claimed.slack.say(claimed.ana, claimed.queue, "reply 2", claimed.card())
    claimed.settle()
    claimed.later(seconds=5)

    assert from_ana(claimed) == ["reply 1", "reply 2"]


def test_a_live_reply_does_not_wait_for_ever_when_slack_cannot_be_asked(claimed):
    claimed.slack.faults.add("/api/conversations.replies", status=500)
    away(claimed)
    back(claimed)
    claimed.slack.say(claimed.ana, claimed.queue, "reply 1", claimed.card())
    claimed.settle()
    assert from_ana(claimed) == []

    for _ in range(8):
        claimed.later(seconds=10)
    assert from_ana(claimed) == ["reply 1"]


def test_a_gap_without_a_restart_is_noticed_by_the_tick(claimed):
    away(claimed)
    claimed.writes(claimed.ana, "reply 1")
    claimed.clock.advance(minutes=20)
    claimed.slack.events_url = claimed.home_url
    claimed.core.scheduler.tick("tick.contact")
    claimed.settle()

    assert from_ana(claimed) == ["reply 1"]


def test_while_the_socket_is_down_the_gap_grows(claimed):
    claimed.core.catching_up.is_desk_connected = lambda: False
    away(claimed)
    claimed.writes(claimed.ana, "reply 1")
    for _ in range(10):
        claimed.clock.advance(seconds=30)
        claimed.core.scheduler.tick("tick.contact")
        claimed.settle()
    assert from_ana(claimed) == []

    claimed.core.catching_up.is_desk_connected = lambda: True
    claimed.clock.advance(seconds=30)
    claimed.core.scheduler.tick("tick.contact")
    claimed.settle()
    assert from_ana(claimed) == ["reply 1"]


def test_lost_events_are_found_though_nobody_noticed_a_gap(claimed):
    away(claimed)
    claimed.writes(claimed.ana, "reply 1")
    claimed.slack.events_url = claimed.home_url
    for _ in range(12):
        claimed.clock.advance(seconds=30)
        claimed.core.scheduler.tick("tick.contact")
        claimed.settle()

    assert from_ana(claimed) == ["reply 1"]


def test_a_long_thread_is_read_page_by_page(claimed, monkeypatch):
    monkeypatch.setattr(desk, "_PAGE", 10)
    away(claimed)
    for n in range(23):
        claimed.slack.say(claimed.ana, claimed.queue, f"reply {n:03d}", claimed.card())
    back(claimed)

    assert from_ana(claimed) == [f"reply {n:03d}" for n in range(23)]


def test_slack_is_asked_gently_and_waits_when_it_says_so(claimed):
    claimed.slack.faults.add("/api/conversations.replies", status=429, retry_after=7, count=1)
    away(claimed)
    claimed.writes(claimed.ana, "reply 1")
    back(claimed)
    assert from_ana(claimed) == []

    claimed.later(seconds=9)
    assert from_ana(claimed) == ["reply 1"]


def test_closed_conversations_are_not_read(claimed):
    claimed.core.escalations.take(Step.RETURN, 1, AgentRef(claimed.ana, "Ana"))
    claimed.settle()
    away(claimed)
    back(claimed)

    with claimed.database.read() as tx:
        (thread,) = tx.session.query(DeskThread)
    assert thread.unread_since is None


@pytest.mark.on_both
def test_a_reply_of_the_gap_is_not_dropped_when_its_conversation_is_closed_before_it_is_read(
    claimed,
):
    claimed.slack.faults.add("/api/conversations.replies", status=429, retry_after=7, count=1)
    away(claimed)
    claimed.writes(claimed.ana, "reply 1")
    back(claimed)
    claimed.core.escalations.take(Step.RESOLVE, 1, AgentRef(claimed.ana, "Ana"))
    claimed.later(seconds=20)

    assert from_ana(claimed) == []
    assert any(
        "Saved as an internal note" in said or "closed" in said
        for said in claimed.whispers(claimed.ana)
    )


def test_what_was_refused_is_not_refused_again_when_the_thread_is_read(claimed):
    claimed.slack.say(
        claimed.ana, claimed.queue, "", claimed.card(), files=[Attachment("photo.jpg", JPEG)]
    )
    claimed.settle()
    told = claimed.whispers(claimed.ana)
    for _ in range(12):
        claimed.clock.advance(seconds=30)
        claimed.core.scheduler.tick("tick.contact")
        claimed.settle()

    assert told
    assert claimed.whispers(claimed.ana) == told


def test_slack_is_asked_about_a_file_of_the_gap_for_its_channel_may_be_shared(claimed):
    """What is read back does not say whether its channel is shared with another workspace."""
    claimed.channel.limits = Limits(text=160, media={"image/jpeg": 5 * MB}, caption=100)
    away(claimed)
    photo = Attachment("photo.jpg", JPEG)
    claimed.slack.say(claimed.ana, claimed.queue, "", claimed.card(), files=[photo])
    back(claimed)

    assert claimed.slack.journal.entries("slack", "*files.info")
    assert any(message.media for message, _ in claimed.channel.taken)


def test_the_budget_for_reading_stays_below_what_slack_publishes():
    assert LIMITS["replies"] == per_minute(40, burst=4)
