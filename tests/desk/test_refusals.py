"""What Slack refuses for good reaches people: in a plainer form, below a new card, or outside the thread."""

import pytest

from handoff_bot.services.outbox import outbox
from handoff_bot.storage import escalations
from handoff_bot.storage.models import Work
from tests.desk.conftest import DANA, words

pytestmark = pytest.mark.on_sqlite

WORDS = "my words <!channel> *now*"


def has_blocks(args):
    return bool(args.get("blocks"))


def in_thread(args):
    return bool(args.get("thread_ts"))


def everything(bureau, where=None):
    """All that stands in the queue channel or another, threads included."""
    posts = bureau.slack.messages(where or bureau.queue)
    return "\n".join(f"{m['text']}\n{words(m.get('blocks') or [])}" for m in posts)


def cards(bureau):
    """The cards in the queue channel, without alarms and tombstones."""
    found = [m for m in bureau.cards() if " on SMS" in m["text"]]
    return [m for m in found if not m["text"].startswith("Ticket #")]


def newest(bureau):
    return cards(bureau)[-1]["ts"]


def claimed(bureau):
    bureau.core.preferences.change("admins", [bureau.mia], bureau.mia)
    bureau.says("I want a person")
    bureau.click(bureau.ana, "claim")


def given_up(bureau):
    with bureau.database.read() as tx:
        return [row.kind for row in tx.session.query(Work).filter(Work.status == "failed")]


@pytest.mark.parametrize("code", ["msg_blocks_too_long", "invalid_blocks", "no_text"])
def test_r01_the_thread_shows_a_refused_message_in_a_plainer_form(bureau, code):
    claimed(bureau)
    bureau.slack.refusals.add("chat.postMessage", code, has_blocks)
    bureau.says(WORDS)
    (said,) = [text for text in bureau.thread() if "my words" in text]
    assert "Dana" in said or DANA in said
    assert "could not show this message in its usual layout" in said
    assert "<!channel>" not in said
    assert given_up(bureau) == []


@pytest.mark.parametrize("code", ["msg_blocks_too_long", "invalid_blocks", "no_text", "no_access"])
def test_r01_what_the_thread_refuses_in_every_form_is_told_with_the_words(bureau, code):
    claimed(bureau)
    bureau.slack.refusals.add("chat.postMessage", code, in_thread)
    bureau.says(WORDS)
    for told in (bureau.told(bureau.ana), bureau.told(bureau.mia)):
        (said,) = [text for text in told if "my words" in text]
        assert "could not be posted in its thread" in said
        assert "<!channel>" not in said
    (post,) = [m for m in bureau.slack.messages(bureau.queue) if "my words" in words(m["blocks"])]
    assert "View conversation" in words(post["blocks"])
    assert "Open thread" in words(post["blocks"])
    assert "desk.post" in given_up(bureau)


def test_a_refused_message_does_not_hold_up_the_next(bureau):
    claimed(bureau)
    bureau.slack.refusals.add("chat.postMessage", "no_access", in_thread, count=1)
    bureau.says("first")
    bureau.says("second")
    assert any("second" in text for text in bureau.thread(newest(bureau)))


def test_a_deleted_card_is_posted_again_and_the_conversation_goes_on_below(bureau):
    claimed(bureau)
    old = newest(bureau)
    delete(bureau, old, with_replies=True)
    bureau.says("are you there?")
    bureau.later(seconds=3)
    new = newest(bureau)
    assert new != old
    said = bureau.thread(new)
    assert "This is a new card" in said[0]
    assert any("are you there?" in text for text in said)
    assert bureau.heard()[-1] != "hello from below"
    bureau.writes(bureau.ana, "hello from below", ts=new)
    assert bureau.heard()[-1] == "hello from below"
    strays = [m for m in bureau.slack.messages(bureau.queue) if "are you there?" in m["text"]]
    assert all(m.get("thread_ts") == new for m in strays)


def test_a_card_that_was_deleted_but_keeps_its_replies_is_posted_again(bureau):
    claimed(bureau)
    old = newest(bureau)
    delete(bureau, old)
    update_card(bureau)
    assert newest(bureau) != old
    bureau.writes(bureau.ana, "still in the old thread", ts=old)
    assert bureau.heard()[-1] == "still in the old thread"


@pytest.mark.parametrize("code", ["thread_not_found", "cannot_reply_to_message"])
def test_a_thread_that_takes_no_replies_is_left_for_a_new_one(bureau, code):
    claimed(bureau)
    old = newest(bureau)
    bureau.slack.refusals.add("chat.postMessage", code, lambda args: args.get("thread_ts") == old)
    bureau.says("are you there?")
    bureau.later(seconds=3)
    assert newest(bureau) != old
    assert any("are you there?" in text for text in bureau.thread(newest(bureau)))
    bureau.writes(bureau.ana, "yes", ts=newest(bureau))
    assert bureau.heard()[-1] == "yes"


def test_a_channel_that_keeps_no_threads_gets_few_cards_and_people_are_told(bureau):
    claimed(bureau)
    bureau.slack.refusals.add("chat.postMessage", "cannot_reply_to_message", in_thread)
    for number in range(8):
        bureau.says(f"line {number}")
        bureau.later(seconds=3)
    bureau.later(minutes=2)
    assert len(cards(bureau)) <= 5
    told = "\n".join(bureau.told(bureau.ana))
    assert all(f"line {number}" in told for number in range(8))


def test_a_refused_card_is_tried_in_the_queue_channel(bureau):
    urgent = bureau.slack.add_channel("urgent", [bureau.mia, bureau.ana])
    bureau.slack.invite_bot(urgent, bureau.mia)
    bureau.settle()
    (asked,) = [m for m in bureau.slack.messages(urgent) if "What should this channel" in m["text"]]
    bureau.slack.click(bureau.mia, urgent, asked["ts"], "queue_here")
    bureau.settle()
    refused = "slack_connect_lists_sharing_blocked"
    bureau.slack.refusals.add("chat.postMessage", refused, lambda args: args["channel"] == urgent)
    bureau.says("I want a person")
    bureau.later(seconds=3)
    assert len(cards(bureau)) == 1


def test_a_card_that_no_channel_takes_is_told_and_comes_with_the_next_message(bureau):
    bureau.core.preferences.change("admins", [bureau.mia], bureau.mia)
    bureau.slack.refusals.add("chat.postMessage", "no_access", is_card)
    bureau.says("I want a person, says Dana")
    (told,) = [text for text in bureau.told(bureau.mia) if "could not be posted" in text]
    assert "I want a person, says Dana" in told
    (post,) = [m for m in bureau.slack.messages(bureau.queue) if "could not be posted" in m["text"]]
    bureau.slack.click(bureau.ana, bureau.queue, post["ts"], "claim")
    bureau.settle()
    bureau.later(seconds=3)
    bureau.slack.refusals.clear()
    bureau.says("hello?")
    bureau.later(seconds=3)
    assert any("hello?" in text for text in bureau.thread(newest(bureau)))
    bureau.writes(bureau.ana, "here I am", ts=newest(bureau))
    assert bureau.heard()[-1] == "here I am"
    assert "desk.card" not in given_up(bureau)


def test_a_code_that_we_do_not_know_waits_for_hours_and_is_told_early(bureau):
    claimed(bureau)
    bureau.slack.refusals.add("chat.postMessage", "brand_new_error", in_thread)
    bureau.says(WORDS)
    for _ in range(3):
        bureau.later(seconds=5)
    assert "desk.post" not in given_up(bureau)
    assert any(
        "Handoff keeps retrying" in text and "my words" in text for text in bureau.told(bureau.ana)
    )
    bureau.slack.refusals.clear()
    bureau.later(minutes=15)
    assert any("my words" in text for text in bureau.thread(newest(bureau)))


def test_a_card_that_is_refused_for_a_reason_that_we_do_not_know_is_told_early(bureau):
    """Until it is posted nobody sees the customer, and the reason is waited for some hours."""
    bureau.core.preferences.change("admins", [bureau.mia], bureau.mia)
    bureau.slack.refusals.add("chat.postMessage", "brand_new_error", is_card)
    bureau.says("I want a person, says Dana")
    for _ in range(3):
        bureau.later(seconds=5)
    assert "desk.card" not in given_up(bureau)
    (told,) = [text for text in bureau.told(bureau.mia) if "cannot be posted right now" in text]
    assert "I want a person, says Dana" in told
    bureau.slack.refusals.clear()
    bureau.later(minutes=15)
    assert len(cards(bureau)) == 1


def test_a_code_that_we_do_not_know_is_told_early_though_it_comes_after_other_trouble(bureau):
    claimed(bureau)
    bureau.slack.refusals.add("chat.postMessage", "service_unavailable", in_thread)
    bureau.says(WORDS)
    for _ in range(6):
        bureau.later(minutes=1)
    bureau.slack.refusals.clear()
    bureau.slack.refusals.add("chat.postMessage", "brand_new_error", in_thread)
    for _ in range(4):
        bureau.later(minutes=1)
    told = [text for text in bureau.told(bureau.ana) if "Handoff keeps retrying" in text]
    assert len(told) == 1
    assert "my words" in told[0]


def test_a_code_that_we_do_not_know_is_final_after_some_hours(bureau):
    claimed(bureau)
    bureau.slack.refusals.add("chat.postMessage", "brand_new_error", in_thread)
    bureau.says(WORDS)
    for _ in range(30):
        bureau.later(minutes=15)
    tries = bureau.slack.journal.entries("slack", "/api/chat.postMessage")
    assert len(tries) > 8
    assert "desk.post" in given_up(bureau)
    assert any("could not be posted" in text for text in bureau.told(bureau.mia))


@pytest.mark.parametrize(
    "code", ["restricted_action_thread_only_channel", "restricted_action_non_threadable_channel"]
)
def test_a_channel_that_takes_no_cards_or_threads_is_closed(bureau, code):
    claimed(bureau)
    bureau.slack.refusals.add("chat.postMessage", code, in_thread)
    bureau.says("wait for me")
    assert any("I cannot post in this channel" in text for text in bureau.told(bureau.mia))
    bureau.slack.refusals.clear()
    bureau.later(hours=1)
    assert any("wait for me" in text for text in bureau.thread(newest(bureau)))


def test_a_whisper_that_slack_refuses_comes_as_a_direct_message(bureau):
    claimed(bureau)
    bureau.slack.refusals.add("chat.postEphemeral", "user_not_in_channel")
    bureau.writes(bureau.ben, "I am not the owner")
    (told,) = [text for text in bureau.told(bureau.ben) if "Saved as an internal note" in text]
    assert "Ana has this conversation" in told


def test_a_deleted_board_is_posted_again(bureau):
    bureau.says("I want a person")
    (board,) = [m for m in bureau.slack.messages(bureau.queue) if m["text"].startswith("Queue:")]
    delete(bureau, board["ts"])
    bureau.says("I want a person", "+15559")
    bureau.later(seconds=5)
    boards = [m for m in bureau.slack.messages(bureau.queue) if m["text"].startswith("Queue:")]
    assert len(boards) == 1
    assert "2 waiting" in boards[0]["text"]


def test_a_redraw_that_is_refused_heals_with_the_next(bureau):
    bureau.says("I want a person")
    bureau.slack.refusals.add("chat.update", "edit_window_closed", count=2)
    bureau.click(bureau.ana, "claim")
    bureau.later(seconds=5)
    bureau.slack.refusals.clear()
    update_card(bureau)
    assert "Assigned to Ana" in cards(bureau)[-1]["text"]
    assert given_up(bureau) == []


def is_card(args):
    return not args.get("thread_ts") and "is waiting on" in str(args.get("blocks")) + args["text"]


def update_card(bureau):
    with bureau.database.write() as tx:
        outbox.update_card(tx, escalations.get(tx, 1), bureau.clock.now())
    bureau.later(seconds=3)


def delete(bureau, ts, *, with_replies=False):
    """Delete a message of the bot's, with what was said below it if asked."""
    replies = bureau.slack.thread(bureau.queue, ts)[1:] if with_replies else []
    for one in [*replies, {"ts": ts}]:
        bureau.slack.delete(bureau.mia, bureau.queue, one["ts"])
    bureau.settle()
