"""Windows and commands, as Slack sends them: what they show, and what they do."""

import pytest

from handoff_bot.domain.desk import Button
from handoff_bot.slack.features.actions import NOT_KNOWN
from tests.slack import linter
from tests.slack.payloads import as_command, as_form, click, command, submission
from tests.slack.wire import Reply, respond_to

pytestmark = pytest.mark.usefixtures("known_people")


def test_an_unknown_window_is_closed(slack, actions, caplog):
    answer = slack.sends(*as_form(submission("U0BEN", "old_settings")))
    assert (answer.status_code, answer.data) == (200, b"")
    assert actions.asked == []
    assert "unknown window" in caplog.text


def test_a_conversation_opens_at_once_and_at_its_end(slack, actions, api):
    slack.sends(*as_form(click(Button.VIEW)))
    assert "Loading…" in list(linter.texts(api.asked("views.open")[0]["view"]))
    (shown,) = api.asked("views.update")
    assert shown["view_id"] == "V1"
    assert any("page 3 of 3" in text for text in linter.texts(shown["view"]))
    assert [name for name, _ in api.calls].index("views.open") == 0


def test_a_short_conversation_is_read_once(slack, actions, api):
    actions.pages = 1
    slack.sends(*as_form(click(Button.VIEW)))
    assert actions.asked == [("transcript", 7, 0)]


@pytest.mark.parametrize("value", ["8", "x"])
def test_a_conversation_that_is_gone_is_named_as_such(slack, api, value):
    slack.sends(*as_form(click(Button.VIEW, value)))
    (shown,) = api.asked("views.update")
    assert NOT_KNOWN in list(linter.texts(shown["view"]))


TURNS = {"next": ("page_next", "7:1", 1), "previous": ("page_previous", "7:0", 0)}


@pytest.mark.parametrize(("button", "value", "page"), TURNS.values(), ids=TURNS)
def test_pages_are_turned_in_place(slack, actions, api, button, value, page):
    modal = {"view": {"id": "V1"}, "container": {"type": "view", "view_id": "V1"}}
    gone = {"message": None, "channel": None}
    slack.sends(*as_form(click(button, value, **modal, **gone)))
    (shown,) = api.asked("views.update")
    assert shown["view_id"] == "V1"
    assert actions.asked == [("transcript", 7, page)]


def test_a_click_that_was_too_slow_is_explained(slack, api):
    api.script["views.open"] = [Reply({"ok": False, "error": "expired_trigger_id"})]
    slack.sends(*as_form(click(Button.VIEW, **respond_to(api))))
    assert api.asked("response")[0]["text"] == "The click is too old. Please click again."


# -- commands


@pytest.mark.parametrize("text", ["", "help", " HELP "])
def test_help_lists_what_can_be_asked(slack, text):
    assert "/handoff queue" in slack.sends(*as_command(command(text))).get_json()["text"]


@pytest.mark.parametrize("text", ["payload", "dance payload=1", "a payload & more", "payload={}"])
def test_a_command_about_a_payload_is_answered(slack, text):
    """Bolt takes a form with this word in it for an interaction."""
    assert "is not a command." in slack.sends(*as_command(command(text))).get_json()["text"]


def test_what_is_not_understood_is_answered_with_help(slack):
    text = slack.sends(*as_command(command("dance"))).get_json()["text"]
    assert text.startswith("/handoff dance is not a command.")


def test_an_unknown_command_is_answered_in_words(slack, caplog):
    answer = slack.sends(*as_command(command("", "/old"))).get_json()
    assert answer["text"].startswith("This command no longer exists.")
    assert "unknown command" in caplog.text
