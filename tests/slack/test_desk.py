"""What the desk asks of Slack's Web API."""

from dataclasses import replace
from typing import Any

import pytest

from handoff_bot.domain.desk import EphemeralMessage, Place, Post, PostKind
from handoff_bot.domain.errors import DeskError
from handoff_bot.domain.messages import ReplyMark
from handoff_bot.slack.cards.thread import render_words
from tests.slack import builders
from tests.slack.builders import CARD_AT, NOW
from tests.slack.wire import Reply

HELLO = Post(PostKind.CONTACT, "Hello?", "Dana R.", "sms")
POSTED = {"channel": "C0QUEUE", "ts": "1763888500.000200"}


def post(desk):
    return desk.post(CARD_AT, [HELLO], "work-1")


def update_card(desk):
    return desk.render_card(builders.card(), CARD_AT, "")


# -- posting and redrawing


def test_a_new_card_goes_into_the_queue_channel(api, desk):
    api.answers("chat.postMessage", **POSTED)
    place = desk.render_card(builders.card(), None, "work-1")
    (sent,) = api.asked("chat.postMessage")
    assert place == Place("C0QUEUE", "1763888500.000200")
    assert sent["channel"] == "C0QUEUE"
    assert "thread_ts" not in sent


def test_a_post_goes_below_its_card(api, desk):
    api.answers("chat.postMessage", **POSTED)
    assert post(desk) == Place("C0QUEUE", "1763888500.000200")
    assert api.asked("chat.postMessage")[0]["thread_ts"] == CARD_AT.ts


def test_what_somebody_said_apart_goes_as_one_post_in_order(api, desk):
    api.answers("chat.postMessage", **POSTED)
    desk.post(CARD_AT, [HELLO, replace(HELLO, text="Anybody there?")], "work-1")
    (sent,) = api.asked("chat.postMessage")
    assert sent["text"] == "Dana R. on SMS: Hello? | Anybody there?"
    assert [block["type"] for block in sent["blocks"]] == [
        "context",
        "rich_text",
        "divider",
        "rich_text",
    ]


def test_a_post_carries_its_mark_and_nothing_personal(api, desk):
    api.answers("chat.postMessage", **POSTED)
    post(desk)
    metadata = api.asked("chat.postMessage")[0]["metadata"]
    assert metadata == {"event_type": "handoff_post", "event_payload": {"mark": "work-1"}}


def test_a_post_neither_unfurls_nor_parses(api, desk):
    api.answers("chat.postMessage", **POSTED)
    post(desk)
    sent = api.asked("chat.postMessage")[0]
    assert (sent["unfurl_links"], sent["unfurl_media"]) == (False, False)
    assert (sent["parse"], sent["link_names"]) == ("none", False)


def test_a_card_is_redrawn_where_it_is(api, desk):
    assert update_card(desk) == CARD_AT
    (sent,) = api.asked("chat.update")
    assert (sent["channel"], sent["ts"]) == ("C0QUEUE", CARD_AT.ts)
    assert sent["blocks"]
    assert api.asked("chat.postMessage") == []


def test_a_whisper_is_for_one_agent_in_the_thread(api, desk):
    desk.ephemeral(EphemeralMessage("U0ANA", CARD_AT, "Kept as a note."))
    (sent,) = api.asked("chat.postEphemeral")
    assert (sent["user"], sent["thread_ts"]) == ("U0ANA", CARD_AT.ts)
    assert sent["text"] == "Kept as a note."


MARKS = {
    ReplyMark.WAITING: "hourglass_flowing_sand",
    ReplyMark.SENT: "heavy_check_mark",
    ReplyMark.DELIVERED: "white_check_mark",
    ReplyMark.READ: "eyes",
    ReplyMark.FAILED: "x",
    ReplyMark.NOTE: "memo",
}


@pytest.mark.parametrize("mark", ReplyMark)
def test_a_mark_is_a_reaction(api, desk, mark):
    desk.mark_reply(CARD_AT, mark)
    assert [sent["name"] for sent in api.asked("reactions.add")] == [MARKS[mark]]
    assert api.asked("reactions.remove") == []


def test_a_mark_takes_the_place_of_the_one_before(api, desk):
    desk.mark_reply(CARD_AT, ReplyMark.READ, ReplyMark.SENT)
    desk.mark_reply(CARD_AT, None, ReplyMark.NOTE)
    assert [sent["name"] for sent in api.asked("reactions.add")] == ["eyes"]
    removed = [sent["name"] for sent in api.asked("reactions.remove")]
    assert removed == ["heavy_check_mark", "memo"]


@pytest.mark.parametrize("error", ["already_reacted", "message_not_found"])
def test_nothing_to_mark_is_no_failure(api, desk, error):
    api.fails("reactions.add", error)
    desk.mark_reply(CARD_AT, ReplyMark.READ)


def test_a_failed_mark_is_reported(api, desk):
    api.fails("reactions.add", "too_many_emoji")
    with pytest.raises(DeskError):
        desk.mark_reply(CARD_AT, ReplyMark.READ)


# -- the board


def test_the_board_is_posted_once_and_pinned(api, desk):
    api.answers("chat.postMessage", **POSTED)
    place = desk.render_board(builders.board(1), None, "board")
    assert desk.render_board(builders.board(2), place, "") == place
    assert len(api.asked("chat.postMessage")) == 1
    assert [pin["timestamp"] for pin in api.asked("pins.add")] == [place.ts]


@pytest.mark.parametrize("error", ["already_pinned", "too_many_pins", "missing_scope"])
def test_a_board_that_cannot_be_pinned_is_there_all_the_same(api, desk, error):
    api.answers("chat.postMessage", **POSTED)
    api.fails("pins.add", error)
    assert desk.render_board(builders.board(1), None, "board") == Place("C0QUEUE", POSTED["ts"])


def test_the_board_links_to_the_workspace_it_has_asked_for_once(api, desk):
    api.answers("auth.test", url="https://acme.slack.com/")
    for _ in range(2):
        desk.render_board(builders.board(1), CARD_AT, "")
    assert len(api.asked("auth.test")) == 1
    assert "https://acme.slack.com/archives/" in str(api.asked("chat.update")[1])


def test_without_an_answer_the_board_has_no_links(api, desk):
    api.fails("auth.test", "invalid_auth")
    desk.render_board(builders.board(1), CARD_AT, "")
    assert "/archives/" not in str(api.asked("chat.update"))


# -- finding again


def message(ts: str, mark: str | None, event_type: str = "handoff_post") -> dict[str, Any]:
    if mark is None:
        return {"ts": ts}
    return {"ts": ts, "metadata": {"event_type": event_type, "event_payload": {"mark": mark}}}


def test_a_post_is_found_by_its_mark(api, desk):
    api.answers("conversations.replies", messages=[message("1.0", None), message("2.0", "work-1")])
    assert desk.find_post(CARD_AT, "work-1", NOW) == Place("C0QUEUE", "2.0")
    (asked,) = api.asked("conversations.replies")
    assert asked["ts"] == CARD_AT.ts
    assert asked["include_all_metadata"] == "1"
    assert float(asked["oldest"]) == NOW.timestamp() - 60


def test_a_card_is_found_on_a_later_page(api, desk):
    more = {"next_cursor": "dGVhbQ=="}
    api.answers("conversations.history", messages=[message("1.0", "a")], response_metadata=more)
    api.answers("conversations.history", messages=[message("2.0", "b")], response_metadata={})
    assert desk.find_card("b", NOW) == Place("C0QUEUE", "2.0")
    assert [asked.get("cursor") for asked in api.asked("conversations.history")] == [
        None,
        "dGVhbQ==",
    ]


def test_what_is_not_there_is_not_found(api, desk):
    strangers = [message("1.0", "work-1", "somebody_elses"), message("2.0", "work-11")]
    api.answers("conversations.replies", messages=strangers)
    assert desk.find_post(CARD_AT, "work-1", NOW) is None


# -- windows and answers to clicks


def test_a_window_is_opened_for_a_click(api, desk):
    api.answers("views.open", view={"id": "V1"})
    assert desk.open_view("123.trigger", {"type": "modal", "blocks": []}) == "V1"


def test_a_click_that_is_too_old_opens_nothing(api, desk):
    api.fails("views.open", "expired_trigger_id")
    with pytest.raises(DeskError, match="click again"):
        desk.open_view("123.trigger", {"type": "modal", "blocks": []})


def test_a_click_is_answered_at_its_own_address(api, desk):
    desk.answer(
        f"{api.url}response", render_words("Bob took this."), replace=False, thread_ts="1.0"
    )
    (sent,) = api.asked("response")
    assert (sent["response_type"], sent["replace_original"]) == ("ephemeral", False)
    assert (sent["text"], sent["thread_ts"]) == ("Bob took this.", "1.0")


def test_an_answer_that_comes_too_late_is_reported(api, desk):
    api.will("response", Reply("used_url", 404))
    with pytest.raises(DeskError):
        desk.answer(f"{api.url}response", render_words("x"), replace=True)
