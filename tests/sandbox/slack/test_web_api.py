"""Who may call the Web API, who is who, and how it fails."""

import pytest
import requests
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from tests.sandbox.slack.conftest import TIMEOUT
from tests.sandbox.slack.wire import refused, section

# -- who calls


def test_the_bot_learns_who_it_is(client, slack):
    answer = client.auth_test()
    assert answer["user_id"] == slack.bot_user
    assert answer["team_id"] == slack.team_id
    assert answer["bot_id"].startswith("B")


@pytest.mark.parametrize(
    ("token", "error"),
    [
        pytest.param("", "not_authed", id="none"),
        pytest.param("xoxb-other", "invalid_auth", id="wrong"),
        pytest.param("xapp-sandbox", "not_allowed_token_type", id="the app token"),
    ],
)
def test_only_the_bot_token_is_accepted(slack, token, error):
    assert refused(WebClient(token, base_url=slack.api_url).auth_test) == error


def test_a_revoked_token_is_refused(client, slack):
    slack.tokens.is_revoked = True
    assert refused(client.auth_test) == "token_revoked"


def test_an_unknown_method_is_refused(client):
    assert refused(client.api_call, api_method="chat.whisper") == "unknown_method"


def test_the_token_may_come_in_the_form(slack):
    url = f"{slack.api_url}auth.test"
    answer = requests.post(url, data={"token": slack.bot_token}, timeout=TIMEOUT)
    assert answer.json()["ok"]
    assert slack.bot_token not in repr(slack.journal.entries())


def test_a_body_that_is_no_json_is_refused(slack):
    answer = requests.post(
        f"{slack.api_url}api.test",
        data="{",
        headers={"Content-Type": "application/json"},
        timeout=TIMEOUT,
    )
    assert answer.json() == {"ok": False, "error": "invalid_json"}


def test_api_test_echoes(client):
    assert client.api_test(foo="bar")["args"]["foo"] == "bar"
    assert refused(client.api_test, error="my_error") == "my_error"


def test_arguments_come_as_json_too(client, queue, slack):
    answer = client.api_call(
        "chat.postMessage", json={"channel": queue, "blocks": [section()], "text": "Hi"}
    )
    assert slack.message(queue, answer["ts"])["blocks"][0]["text"]["text"] == "Hello"


# -- slack_channels


def test_channels_are_listed_as_far_as_the_bot_sees_them(client, slack, queue, ana):
    old = slack.add_channel("old", [slack.bot_user])
    slack.archive(old)
    slack.add_channel("secret", [ana], is_private=True)
    ours = slack.add_channel("ours", [slack.bot_user], is_private=True)
    listed = client.conversations_list(types="public_channel,private_channel")["channels"]
    assert [one["id"] for one in listed] == [queue, old, ours]
    open_ = client.conversations_list(exclude_archived=True)["channels"]
    assert [one["id"] for one in open_] == [queue]
    assert refused(client.conversations_list, types="public") == "invalid_types"


def test_lists_are_paged(client, queue, ana, ben, admin, slack):
    everybody, cursor = [], None
    while cursor != "":
        answer = client.conversations_members(channel=queue, limit=3, cursor=cursor)
        everybody += answer["members"]
        cursor = answer["response_metadata"]["next_cursor"]
    assert everybody == [ana, ben, admin, slack.bot_user]
    assert refused(client.conversations_members, channel=queue, limit="no") == "invalid_limit"


def test_a_channel_is_described(client, queue):
    shown = client.conversations_info(channel=queue, include_num_members=True)["channel"]
    assert (shown["name"], shown["is_member"], shown["num_members"]) == ("queue", True, 4)


def test_the_bot_joins_public_channels(client, slack, ana):
    public = slack.add_channel("public", [ana])
    assert client.conversations_join(channel=public)["channel"]["is_member"]
    assert client.conversations_join(channel=public)["warning"] == "already_in_channel"
    private = slack.add_channel("private", [slack.bot_user], is_private=True)
    error = refused(client.conversations_join, channel=private)
    assert error == "method_not_supported_for_channel_type"
    slack.archive(public)
    assert refused(client.conversations_join, channel=public) == "is_archived"


@pytest.mark.parametrize(
    ("users", "error"),
    [
        ("", "users_list_not_supplied"),
        ("U0NOBODY00", "user_not_found"),
        ("U0A,U0B", "method_not_supported_for_channel_type"),
    ],
)
def test_direct_conversations_are_with_one_person(client, users, error):
    assert refused(client.conversations_open, users=users) == error


def test_a_direct_conversation_is_described(client, ana):
    shown = client.conversations_open(users=ana, return_im=True)["channel"]
    assert (shown["is_im"], shown["user"]) == (True, ana)
    assert client.conversations_info(channel=shown["id"])["channel"]["user"] == ana


# -- people


def test_people_are_described(client, slack, ana):
    person = client.users_info(user=ana)["user"]
    assert person["profile"]["display_name"] == "Ana"
    assert not person["is_bot"]
    assert client.users_info(user=slack.bot_user)["user"]["is_bot"]
    assert refused(client.users_info, user="U0NOBODY00") == "user_not_found"


def test_people_are_listed(client, slack, ana, ben):
    listed = client.users_list(limit=2)
    assert [person["id"] for person in listed["members"]] == [slack.bot_user, ana]
    assert listed["response_metadata"]["next_cursor"]


def test_presence_and_do_not_disturb_are_told(client, slack, ana):
    assert client.users_getPresence(user=ana)["presence"] == "active"
    assert not client.dnd_info(user=ana)["dnd_enabled"]
    slack.person(ana).presence, slack.person(ana).dnd_until = "away", 2_000_000_000
    assert client.users_getPresence(user=ana)["presence"] == "away"
    assert client.dnd_info(user=ana)["next_dnd_end_ts"] == 2_000_000_000


def test_user_groups_are_told(client, slack, ana, ben):
    group = slack.add_group("support", "Support", [ana, ben])
    (listed,) = client.usergroups_list(include_users=True)["usergroups"]
    assert (listed["id"], listed["handle"], listed["users"]) == (group, "support", [ana, ben])
    assert client.usergroups_users_list(usergroup=group)["users"] == [ana, ben]
    assert refused(client.usergroups_users_list, usergroup="S0") == "no_such_subteam"


def test_the_bot_is_described(client, slack):
    bot_id = client.auth_test()["bot_id"]
    assert client.bots_info(bot=bot_id)["bot"]["user_id"] == slack.bot_user
    assert refused(client.bots_info, bot="B0") == "bot_not_found"


# -- the journal and the faults


def test_the_journal_shows_every_call(client, queue, slack):
    client.chat_postMessage(channel=queue, text="Hi")
    (entry,) = slack.journal.entries("slack", "/api/chat.postMessage")
    assert entry.request["text"] == "Hi"
    assert entry.response["ok"]


def test_a_429_looks_like_slacks(client, queue, faults, slack):
    faults.add("/api/chat.postMessage", status=429, retry_after=7, count=1)
    with pytest.raises(SlackApiError) as caught:
        client.chat_postMessage(channel=queue, text="Hi")
    assert caught.value.response["error"] == "ratelimited"
    assert caught.value.response.headers["Retry-After"] == "7"
    assert slack.messages(queue) == []


def test_a_503_is_no_json(client, queue, faults):
    faults.add("/api/*", status=503, count=1)
    with pytest.raises(SlackApiError) as caught:
        client.chat_postMessage(channel=queue, text="Hi")
    assert caught.value.response.status_code == 503
    assert "non-JSON" in caught.value.response["error"]


@pytest.mark.parametrize(("drop", "posted"), [("before", 0), ("after", 1)])
def test_a_dropped_post_is_there_or_not(slack, queue, faults, drop, posted):
    client = WebClient(slack.bot_token, base_url=slack.api_url, retry_handlers=[])
    faults.add("/api/chat.postMessage", drop=drop, count=1)
    with pytest.raises(OSError):  # noqa: PT011 - any way of losing a connection
        client.chat_postMessage(channel=queue, text="Hi")
    assert len(slack.messages(queue)) == posted


def test_waiting_for_a_change_ends_when_it_happens_or_never_does(client, queue, slack):
    client.chat_postMessage(channel=queue, text="Hi")
    slack.wait_for(lambda: bool(slack.messages(queue)), TIMEOUT)
    with pytest.raises(TimeoutError):
        slack.wait_for(lambda: False, 0.01)
