"""How the desk takes Slack's refusals, silence and limits."""

import threading

import pytest
from slack_sdk.web import WebClient

from handoff_bot.domain.desk import Post, PostKind
from handoff_bot.domain.errors import DeskError, DeskOutcomeUnknown, DeskUnsure
from handoff_bot.slack.client.errors import PERMANENT, TEMPORARY
from handoff_bot.slack.desk import SlackDesk
from handoff_sandbox.free_port import free_port
from tests.slack import builders
from tests.slack.builders import CARD_AT
from tests.slack.wire import Reply

HELLO = Post(PostKind.CONTACT, "Hello?", "Dana R.", "sms")
POSTED = {"channel": "C0QUEUE", "ts": "1763888500.000200"}


def post(desk):
    return desk.post(CARD_AT, [HELLO], "work-1")


def update_card(desk):
    return desk.render_card(builders.card(), CARD_AT, "")


@pytest.mark.parametrize("code", sorted(TEMPORARY.keys() - {"internal_error", "fatal_error"}))
def test_what_can_be_put_right_is_tried_again(api, desk, code):
    api.fails("chat.postMessage", code)
    with pytest.raises(DeskError) as caught:
        post(desk)
    assert (caught.value.permanent, caught.value.code) == (False, code)
    assert str(caught.value) == TEMPORARY[code]


@pytest.mark.parametrize("code", PERMANENT)
def test_what_waiting_does_not_change_is_permanent(api, desk, code):
    api.fails("chat.postMessage", code)
    with pytest.raises(DeskError) as caught:
        post(desk)
    assert (caught.value.permanent, caught.value.code) == (True, code)


def test_a_code_that_we_do_not_know_is_not_final_at_once(api, desk):
    api.fails("chat.postMessage", "something_new")
    with pytest.raises(DeskUnsure) as caught:
        post(desk)
    assert (caught.value.permanent, caught.value.code) == (False, "something_new")


LIMITED = {
    "with a time": (429, "ratelimited", {"Retry_After": "7"}, 7.0),
    "without a time": (429, "ratelimited", {}, None),
    "nonsense": (429, "ratelimited", {"Retry_After": "soon"}, None),
    "as 200": (200, "rate_limited", {}, None),
    "too many posts": (200, "message_limit_exceeded", {}, None),
}


@pytest.mark.parametrize(("status", "error", "headers", "after"), LIMITED.values(), ids=LIMITED)
def test_a_rate_limit_says_when_to_come_back(api, desk, status, error, headers, after):
    api.fails("chat.postMessage", error, status, **headers)
    with pytest.raises(DeskError) as caught:
        post(desk)
    assert not isinstance(caught.value, DeskOutcomeUnknown)
    assert (caught.value.permanent, caught.value.retry_after) == (False, after)


UNCLEAR = {
    "500": Reply("<html>oops</html>", 500),
    "503 as JSON": Reply({"ok": False, "error": "service_unavailable"}, 503),
    "no JSON": Reply("<html>a proxy</html>", 200),
    "internal error": Reply({"ok": False, "error": "internal_error"}),
    "fatal error": Reply({"ok": False, "error": "fatal_error"}),
    "hung up": Reply(drop=True),
    "not UTF-8 would be": Reply({"ok": False}),
}


@pytest.mark.parametrize("reply", UNCLEAR.values(), ids=UNCLEAR)
def test_after_a_post_without_a_clear_answer_the_outcome_is_unknown(api, desk, reply):
    api.will("chat.postMessage", reply)
    with pytest.raises(DeskOutcomeUnknown):
        post(desk)


@pytest.mark.parametrize("reply", UNCLEAR.values(), ids=UNCLEAR)
def test_a_redraw_without_a_clear_answer_is_tried_again(api, desk, reply):
    api.will("chat.update", reply)
    with pytest.raises(DeskError) as caught:
        update_card(desk)
    assert not isinstance(caught.value, DeskOutcomeUnknown)
    assert caught.value.permanent is False


def test_a_timeout_leaves_the_outcome_unknown(api, clock):
    answered = threading.Event()
    api.will("chat.postMessage", Reply(after=lambda: answered.wait(10)))
    client = WebClient(token="xoxb-test", base_url=api.url, timeout=1, retry_handlers=[])
    with pytest.raises(DeskOutcomeUnknown):
        post(SlackDesk(client, "C0QUEUE", clock))
    answered.set()


def test_nobody_listening_means_that_nothing_was_posted(clock):
    url = f"http://127.0.0.1:{free_port()}/api/"
    client = WebClient(token="xoxb-test", base_url=url, timeout=1, retry_handlers=[])
    with pytest.raises(DeskError) as caught:
        post(SlackDesk(client, "C0QUEUE", clock))
    assert not isinstance(caught.value, DeskOutcomeUnknown)
    assert (caught.value.permanent, caught.value.code) == (False, "unreachable")


def test_no_error_holds_the_token_or_the_customers_words(api, desk):
    api.fails("chat.postMessage", "invalid_auth")
    with pytest.raises(DeskError) as caught:
        post(desk)
    assert "xoxb" not in repr(caught.value)
    assert "Hello" not in repr(caught.value)


def test_each_call_is_made_once(api, desk):
    api.will("chat.update", Reply(drop=True))
    with pytest.raises(DeskError):
        update_card(desk)
    assert len(api.asked("chat.update")) == 1
