"""What an app that was granted less can do, and how Slack says what is missing."""

import pytest
import requests
from slack_sdk.errors import SlackApiError

from handoff_bot.slack.manifest import SCOPES
from handoff_sandbox.slack.api.web import METHODS
from handoff_sandbox.slack.state import scopes
from tests.sandbox.slack import oracle
from tests.sandbox.slack.conftest import TIMEOUT
from tests.sandbox.slack.wire import refused

published = pytest.mark.skipif(not oracle.is_there(), reason="Slack's published data is not here")


def without(*missing):
    return scopes.EVERYTHING - set(missing)


@published
@pytest.mark.parametrize("name", METHODS)
def test_every_method_needs_what_slack_says(name):
    assert set(scopes.METHODS.get(name, ())) == set(oracle.methods()[name]["bot_scopes"] or ())


@published
@pytest.mark.parametrize("name", sorted(scopes.EVENTS.keys() - {"app_mention"}))
def test_every_event_needs_what_slack_says(name):
    assert set(scopes.EVENTS[name]) == set(oracle.event_scopes(name)) - {"mpim:read"}


def test_everything_is_granted_unless_it_is_said(client):
    header = client.auth_test().headers["x-oauth-scopes"]
    assert set(header.split(",")) == scopes.EVERYTHING
    assert set(SCOPES) <= scopes.EVERYTHING


def test_every_answer_names_what_is_granted_and_what_was_needed(slack, client, ana):
    slack.scopes.granted = frozenset({"users:read", "chat:write"})
    headers = client.users_info(user=ana).headers
    assert headers["x-oauth-scopes"] == "chat:write,users:read"
    assert headers["x-accepted-oauth-scopes"] == "users:read"


def test_strangers_learn_of_no_scopes(slack):
    answer = requests.post(f"{slack.api_url}auth.test", timeout=TIMEOUT)
    assert "x-oauth-scopes" not in answer.headers


@pytest.mark.parametrize(
    ("missing", "call", "needed"),
    [
        pytest.param(
            "pins:write", lambda c, q: c.pins_add(channel=q, timestamp="1"), "pins:write", id="pin"
        ),
        pytest.param(
            "channels:history",
            lambda c, q: c.conversations_history(channel=q),
            "channels:history",
            id="history of a public one",
        ),
        pytest.param(
            "groups:read",
            lambda c, q: c.conversations_list(types="public_channel,private_channel"),
            "groups:read",
            id="list with private ones",
        ),
        pytest.param(
            "dnd:read", lambda c, q: c.dnd_teamInfo(users="U1"), "dnd:read", id="do not disturb"
        ),
        pytest.param(
            "im:write", lambda c, q: c.conversations_open(users="U1"), "im:write", id="direct"
        ),
        pytest.param(
            "users:read.email",
            lambda c, q: c.users_lookupByEmail(email="x@example.com"),
            "users:read.email",
            id="by e-mail",
        ),
    ],
)
def test_a_missing_scope_is_named(slack, client, queue, missing, call, needed):
    slack.scopes.granted = without(missing)
    with pytest.raises(SlackApiError) as caught:
        call(client, queue)
    answer = caught.value.response
    assert (answer["error"], answer["needed"]) == ("missing_scope", needed)
    assert set(answer["provided"].split(",")) == without(missing)


def test_a_private_channel_needs_a_scope_of_its_own(slack, client, ana, queue):
    private = slack.add_channel("private", [ana, slack.bot_user], is_private=True)
    slack.scopes.granted = without("groups:history")
    assert client.conversations_history(channel=queue)["ok"]
    assert refused(client.conversations_history, channel=private) == "missing_scope"


def test_a_name_of_ones_own_needs_a_scope_and_is_passed_over_without(slack, client, queue):
    named = {"channel": queue, "text": "Hi", "username": "Dana", "icon_emoji": ":iphone:"}
    shown = client.chat_postMessage(**named)["message"]
    assert (shown["username"], shown["icons"]) == ("Dana", {"emoji": ":iphone:"})
    slack.scopes.granted = without("chat:write.customize")
    shown = client.chat_postMessage(**named)["message"]
    assert "username" not in shown
    assert shown["user"] == slack.bot_user


def test_an_event_is_not_heard_without_its_scope(slack, ana, queue):
    slack.scopes.granted = without("channels:history")
    slack.say(ana, queue, "Hello")
    assert slack.events() == []


def test_files_are_not_read_without_a_scope(slack, ana, queue, client):
    file = client.files_upload_v2(channel=queue, content=b"x", filename="a.txt")["file"]
    slack.scopes.granted = without("files:read")
    assert refused(client.files_info, file=file["id"]) == "missing_scope"
    address = f"{slack.url}/files-pri/T-{file['id']}/a.txt"
    headers = {"Authorization": f"Bearer {slack.bot_token}"}
    assert b"Sign in" in requests.get(address, headers=headers, timeout=TIMEOUT).content


def test_addresses_of_people_need_a_scope(slack, client, ana):
    assert client.users_info(user=ana)["user"]["profile"]["email"] == "ana@example.com"
    slack.scopes.granted = without("users:read.email")
    assert "email" not in client.users_info(user=ana)["user"]["profile"]
