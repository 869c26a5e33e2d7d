"""Clicks, as Slack sends them: what they do, and who is told what."""

import threading
from typing import Any, cast

import pytest

from handoff_bot.domain.desk import Button, Post, PostKind
from handoff_bot.domain.escalations import Step
from handoff_bot.domain.results import ActionResult
from handoff_bot.services.container import Services
from handoff_bot.slack.cards.thread import render_post
from handoff_bot.slack.feature import Tools
from handoff_bot.slack.features.actions import OLD_BUTTON
from handoff_bot.slack.incoming.app import build_bolt, slack_events
from handoff_bot.web.application import create_web
from tests.slack import linter, payloads
from tests.slack.conftest import Slack
from tests.slack.payloads import as_form, click
from tests.slack.wire import Reply, respond_to

pytestmark = pytest.mark.usefixtures("known_people")


THREADED: dict[str, Any] = {
    "container": {"message_ts": "2.0", "channel_id": "C0QUEUE", "thread_ts": "1.0"}
}


DECISIONS = {
    Button.CLAIM: (Step.CLAIM, 7, "U0ANA"),
    Button.TAKE_OVER_AND_SEND: ("send_held", 7, "U0ANA"),
    Button.KEEP_AS_NOTE: ("keep_as_note", 7, "U0ANA"),
    Button.RETRY: ("retry", 7, "U0ANA"),
    Button.SEND_CORRECTION: ("send_correction", 7, "U0ANA"),
    Button.TRANSLATE_AGAIN: ("translate_again", 7, "U0ANA"),
    Button.SEND_AS_WRITTEN: ("send_as_written", 7, "U0ANA"),
    Button.SOONER: ("came_late", 7, "U0ANA"),
}


@pytest.mark.parametrize("button", DECISIONS)
def test_a_click_does_what_the_button_says(slack, actions, button):
    assert slack.sends(*as_form(click(button))).status_code == 200
    assert actions.asked == [DECISIONS[button]]


def test_a_click_is_acknowledged_after_the_change_is_made(slack, actions):
    order = []
    actions.before = lambda: order.append("changed")
    body, content_type = as_form(click(Button.CLAIM))
    slack.sends(body, content_type)
    order.append("acknowledged")
    assert order == ["changed", "acknowledged"]


def test_a_change_that_fails_is_not_acknowledged(slack, actions, caplog):
    def fail():
        raise RuntimeError("the database is away")

    actions.before = fail
    assert slack.sends(*as_form(click(Button.CLAIM))).status_code == 500
    assert "request failed" in caplog.text


def test_whoever_was_slower_is_told_by_whom(slack, actions, api):
    actions.outcome = ActionResult(False, "Bob took this 3 s ago.")
    slack.sends(*as_form(click(Button.CLAIM, **respond_to(api))))
    (sent,) = api.asked("response")
    assert (sent["text"], sent["replace_original"]) == ("Bob took this 3 s ago.", False)
    assert "thread_ts" not in sent


WITH_REPLIES: dict[str, Any] = {"thread_ts": payloads.THREAD, "reply_count": 1}


@pytest.mark.parametrize(
    "container",
    [{}, {"container": {"message_ts": payloads.THREAD, "channel_id": "C0QUEUE"} | WITH_REPLIES}],
    ids=["in the message", "in the container as well"],
)
def test_a_refusal_is_shown_where_the_card_is_although_the_card_has_replies(
    slack, actions, api, container
):
    actions.outcome = ActionResult(False, "Bob took this 3 s ago.")
    pressed = click(Button.CLAIM, **respond_to(api), **container)
    pressed["message"] |= WITH_REPLIES
    slack.sends(*as_form(pressed))
    (sent,) = api.asked("response")
    assert "thread_ts" not in sent


def test_a_refusal_of_a_click_in_a_thread_is_shown_in_the_thread(slack, actions, api):
    actions.outcome = ActionResult(False, "Bob took this 3 s ago.")
    slack.sends(*as_form(click(Button.CLAIM, **respond_to(api), **THREADED)))
    (sent,) = api.asked("response")
    assert sent["thread_ts"] == "1.0"


def test_a_whisper_does_not_delay_the_acknowledgement(slack, actions, api):
    actions.outcome = ActionResult(False, "Bob took this.")
    acknowledged = threading.Event()
    api.will("response", Reply(after=lambda: acknowledged.wait(5)))
    body, content_type = as_form(click(Button.CLAIM, **respond_to(api)))
    headers = payloads.signed(body)
    answer = slack.http.post("/slack/events", data=body, headers=headers, content_type=content_type)
    assert answer.status_code == 200
    acknowledged.set()
    slack.settle()
    assert len(api.asked("response")) == 1


def test_without_an_address_the_answer_is_whispered_in_the_thread(slack, actions, api):
    actions.outcome = ActionResult(False, "Bob took this.")
    slack.sends(*as_form(click(Button.CLAIM)))
    (sent,) = api.asked("chat.postEphemeral")
    assert (sent["user"], sent["thread_ts"]) == ("U0ANA", payloads.THREAD)


def test_a_whisper_that_gets_lost_breaks_nothing(slack, actions, api, caplog):
    actions.outcome = ActionResult(False, "Bob took this.")
    api.fails("chat.postEphemeral", "user_not_in_channel")
    assert slack.sends(*as_form(click(Button.CLAIM))).status_code == 200
    assert "whisper lost" in caplog.text


def test_success_on_a_card_needs_no_words(slack, api):
    slack.sends(*as_form(click(Button.CLAIM, **respond_to(api))))
    assert api.asked("response") == []
    assert api.asked("chat.postEphemeral") == []


def test_success_is_said_where_no_card_shows_it(slack, api):
    """The answer to a command shows the queue to one person, and is never redrawn."""
    seen: dict[str, Any] = {
        "container": {"message_ts": "2.0", "channel_id": "C1", "is_ephemeral": True}
    }
    slack.sends(*as_form(click(Button.CLAIM, **respond_to(api), **seen)))
    assert api.asked("response")[0]["text"] == "Done."


def test_what_bolt_finds_in_the_environment_changes_nothing(
    monkeypatch, web_client, actions, desk, inbox, executor
):
    """With these set, Bolt would begin to install itself into workspaces and forget our token."""
    for name in ("CLIENT_ID", "CLIENT_SECRET", "SIGNING_SECRET", "BOT_TOKEN"):
        monkeypatch.setenv(f"SLACK_{name}", "from elsewhere")
    made = build_bolt(
        client=web_client,
        signing_secret=payloads.SECRET,
        tools=Tools(desk, cast(Services, actions)),
        inbox=inbox,
        executor=executor,
    )
    web = create_web([slack_events(made, payloads.SECRET)])
    assert (
        Slack(web.test_client(), executor).sends(*as_form(click(Button.CLAIM))).status_code == 200
    )
    assert actions.asked == [(Step.CLAIM, 7, "U0ANA")]


def test_the_customer_is_told_the_agents_own_name(slack, actions, api, desk):
    slack.sends(*as_form(click(Button.CLAIM)))
    assert desk.agent("U0ANA").name == "Ana"
    assert len(api.asked("users.info")) == 1


def test_a_click_works_while_slack_cannot_say_who_it_is(slack, actions, api):
    api.script["users.info"] = [Reply(drop=True)]
    assert slack.sends(*as_form(click(Button.CLAIM))).status_code == 200
    assert actions.asked == [(Step.CLAIM, 7, "U0ANA")]


# -- buttons that are used once


def test_a_used_button_is_gone(slack, actions, api):
    actions.outcome = ActionResult(True, "On its way again.")
    failure = render_post(Post(PostKind.FAILURE, "A landline.", button=Button.RETRY, value="7"))
    shown: dict[str, Any] = {"message": {"ts": "2.0", "thread_ts": "1.0", "blocks": failure.blocks}}
    slack.sends(*as_form(click(Button.RETRY, **respond_to(api), **shown)))
    (sent,) = api.asked("response")
    assert sent["replace_original"] is True
    assert list(linter.elements(sent["blocks"], "button")) == []
    words = list(linter.texts(sent["blocks"]))
    assert any("A landline." in text for text in words)
    assert "On its way again." in words


def test_a_used_whisper_says_what_came_of_it(slack, actions, api):
    ephemeral: dict[str, Any] = {
        "container": THREADED["container"] | {"is_ephemeral": True},
        "message": None,
    }
    slack.sends(*as_form(click(Button.KEEP_AS_NOTE, **respond_to(api), **ephemeral)))
    (sent,) = api.asked("response")
    assert (sent["text"], sent["replace_original"]) == ("Done.", True)


ASKS_A_MODEL = [Button.TAKE_OVER_AND_SEND, Button.SEND_CORRECTION, Button.TRANSLATE_AGAIN]


@pytest.mark.parametrize("button", ASKS_A_MODEL)
def test_a_send_is_done_before_it_is_acknowledged_unless_a_model_is_asked(slack, actions, button):
    acknowledged = threading.Event()

    def wait() -> None:
        assert acknowledged.wait(5)

    body, content_type = as_form(click(button, **THREADED))
    headers = payloads.signed(body)
    sending = {"data": body, "headers": headers, "content_type": content_type}
    actions.slow, actions.before = True, wait
    assert slack.http.post("/slack/events", **sending).status_code == 200
    acknowledged.set()
    slack.settle()
    assert actions.asked[-1][1] == 7
    actions.slow = False
    asked = len(actions.asked)
    assert slack.http.post("/slack/events", **sending).status_code == 200
    assert len(actions.asked) == asked + 1, "done by the time Slack hears of it"


def test_a_button_that_did_not_work_stays(slack, actions, api):
    actions.outcome = ActionResult(False, "The customer has sent STOP.")
    slack.sends(*as_form(click(Button.TAKE_OVER_AND_SEND, **respond_to(api), **THREADED)))
    (sent,) = api.asked("response")
    assert (sent["text"], sent["replace_original"]) == ("The customer has sent STOP.", False)
    assert sent["thread_ts"] == "1.0"


def test_a_button_that_cannot_be_taken_away_breaks_nothing(slack, api, caplog):
    api.will("response", Reply("used_url", 404))
    assert slack.sends(*as_form(click(Button.RETRY, **respond_to(api)))).status_code == 200
    assert "button left" in caplog.text


# -- buttons nobody knows


ODD_VALUES = ["", "seven", "-1", "7; DROP TABLE", "\u0667", "9" * 30, "7.0"]


@pytest.mark.parametrize("value", ODD_VALUES)
@pytest.mark.parametrize("button", [Button.CLAIM, Button.RETRY])
def test_a_button_without_an_id_does_nothing(slack, actions, api, button, value):
    assert slack.sends(*as_form(click(button, value, **respond_to(api)))).status_code == 200
    assert actions.asked == []
    assert api.asked("response")[0]["text"] == OLD_BUTTON


def test_an_unknown_button_is_answered_in_words(slack, actions, api, caplog):
    answer = slack.sends(*as_form(click("snooze_v1", **respond_to(api))))
    assert answer.status_code == 200
    assert api.asked("response")[0]["text"] == OLD_BUTTON
    assert actions.asked == []
    assert "unknown button" in caplog.text


def test_a_slow_change_is_not_taken_for_an_unknown_button(slack, actions, api, caplog):
    """Bolt gives up on a listener after three seconds, and looks for another that fits."""
    changed = threading.Event()
    actions.before = lambda: changed.wait(5)
    body, content_type = as_form(click(Button.CLAIM, **respond_to(api)))
    headers = payloads.signed(body)
    answer = slack.http.post("/slack/events", data=body, headers=headers, content_type=content_type)
    assert answer.status_code == 404
    changed.set()
    slack.settle()
    assert "unknown button" not in caplog.text
    assert api.asked("response") == []
