"""Every Web API method of the stand-in, called by the unchanged client."""

import pytest
import requests
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from tests.sandbox.slack.conftest import TIMEOUT

METADATA = {"event_type": "post", "event_payload": {"mark": "m1"}}


def section(text="Hello", **more):
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}} | more


def refused(call, **arguments):
    """The error with which a call is refused."""
    with pytest.raises(SlackApiError) as caught:
        call(**arguments)
    return caught.value.response["error"]


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


# -- posting


def test_a_post_is_there_with_all_that_it_carries(client, queue, slack):
    answer = client.chat_postMessage(
        channel=queue, text="Hi", blocks=[section()], metadata=METADATA
    )
    held = slack.message(queue, answer["ts"])
    assert held == answer["message"]
    assert (held["text"], held["user"], held["metadata"]) == ("Hi", slack.bot_user, METADATA)
    assert held["blocks"][0]["block_id"]


def test_timestamps_grow_even_within_a_microsecond(client, queue, slack):
    slack._workspace.now = lambda: 1_800_000_000.0
    stamps = [client.chat_postMessage(channel=queue, text="Hi")["ts"] for _ in range(5)]
    assert stamps == sorted(set(stamps))
    assert stamps[0] == "1800000000.000000"


def test_a_reply_is_in_its_thread_and_not_in_the_history(client, queue, slack):
    root = client.chat_postMessage(channel=queue, text="Card")["ts"]
    reply = client.chat_postMessage(channel=queue, text="Reply", thread_ts=root)
    assert reply["message"]["thread_ts"] == root
    assert [m["text"] for m in slack.thread(queue, root)] == ["Card", "Reply"]
    shown = client.conversations_history(channel=queue)["messages"]
    assert [(m["text"], m.get("reply_count")) for m in shown] == [("Card", 1)]


def test_a_reply_to_a_reply_goes_to_the_same_thread(client, queue, slack):
    root = client.chat_postMessage(channel=queue, text="Card")["ts"]
    reply = client.chat_postMessage(channel=queue, text="1", thread_ts=root)["ts"]
    client.chat_postMessage(channel=queue, text="2", thread_ts=reply)
    assert [m["text"] for m in slack.thread(queue, root)] == ["Card", "1", "2"]


def test_a_reply_to_nothing_silently_leaves_the_thread(client, queue):
    root = client.chat_postMessage(channel=queue, text="Card")["ts"]
    client.chat_delete(channel=queue, ts=root)
    answer = client.chat_postMessage(channel=queue, text="Reply", thread_ts=root)
    assert "thread_ts" not in answer["message"]


def test_a_broadcast_reply_is_in_both(client, queue, slack):
    root = client.chat_postMessage(channel=queue, text="Card")["ts"]
    client.chat_postMessage(channel=queue, text="News", thread_ts=root, reply_broadcast=True)
    shown = client.conversations_history(channel=queue)["messages"]
    assert [m["text"] for m in shown] == ["News", "Card"]
    assert len(slack.thread(queue, root)) == 2


def test_a_post_to_a_person_goes_to_their_direct_conversation(client, ana, slack):
    answer = client.chat_postMessage(channel=ana, text="Hi")
    assert answer["channel"].startswith("D")
    assert client.conversations_open(users=ana)["channel"]["id"] == answer["channel"]


def test_a_channel_may_be_named(client, queue):
    assert client.chat_postMessage(channel="#queue", text="Hi")["channel"] == queue


def test_a_name_of_ones_own_is_shown(client, queue, slack):
    answer = client.chat_postMessage(channel=queue, text="Hi", username="Dana", icon_emoji=":wave:")
    held = slack.message(queue, answer["ts"])
    assert held["username"] == "Dana"
    assert held["icons"] == {"emoji": ":wave:"}


def test_a_very_long_text_is_cut_off(client, queue, slack):
    answer = client.chat_postMessage(channel=queue, text="x" * 40_001)
    assert len(answer["message"]["text"]) == 40_000


@pytest.fixture
def elsewhere(slack, ana):
    """Where the bot is not."""
    return {
        "unknown": "C0NOWHERE",
        "public": slack.add_channel("other", [ana]),
        "private": slack.add_channel("secret", [ana], is_private=True),
        "archived": slack.add_channel("old", [slack.bot_user]),
    }


@pytest.mark.parametrize(
    ("where", "error"),
    [
        ("unknown", "channel_not_found"),
        ("public", "not_in_channel"),
        ("private", "channel_not_found"),
        ("archived", "is_archived"),
    ],
)
def test_a_post_needs_a_place_where_the_bot_is(client, slack, elsewhere, where, error):
    slack.archive(elsewhere["archived"])
    assert refused(client.chat_postMessage, channel=elsewhere[where], text="Hi") == error


@pytest.mark.parametrize(
    ("content", "error"),
    [
        pytest.param({"text": ""}, "no_text", id="nothing"),
        pytest.param({"blocks": "{"}, "invalid_blocks_format", id="blocks that are no JSON"),
        pytest.param({"blocks": [{"type": "sectoin"}]}, "invalid_blocks", id="unknown block"),
        pytest.param(
            {"blocks": [section("x" * 2900)] * 5}, "msg_blocks_too_long", id="long together"
        ),
        pytest.param({"text": "x", "metadata": "1"}, "invalid_metadata_format", id="metadata"),
        pytest.param(
            {"text": "x", "metadata": {"event_type": "x"}},
            "invalid_metadata_format",
            id="half of the metadata",
        ),
        pytest.param({"text": "x", "markdown_text": "y"}, "markdown_text_conflict", id="markdown"),
        pytest.param({"attachments": [{}] * 101}, "too_many_attachments", id="attachments"),
    ],
)
def test_a_post_that_makes_no_sense_is_refused(client, queue, content, error):
    arguments = {"channel": queue} | content
    assert refused(client.api_call, api_method="chat.postMessage", json=arguments) == error


def test_refused_blocks_come_with_the_reason(client, queue):
    with pytest.raises(SlackApiError) as caught:
        client.chat_postMessage(channel=queue, text="Hi", blocks=[section("x" * 3001)])
    problem = "must be less than 3001 characters [json-pointer:/blocks/0/text/text]"
    assert caught.value.response["errors"] == [problem]
    assert caught.value.response["response_metadata"]["messages"] == [f"[ERROR] {problem}"]


def test_a_missing_argument_is_named(slack):
    answer = requests.post(
        f"{slack.api_url}chat.postMessage", data={"token": slack.bot_token}, timeout=TIMEOUT
    ).json()
    assert answer["error"] == "invalid_arguments"
    assert "channel" in answer["response_metadata"]["messages"][0]


def test_markdown_is_taken_as_text(client, queue, slack):
    answer = client.chat_postMessage(channel=queue, markdown_text="**Hi**")
    assert slack.message(queue, answer["ts"])["text"] == "**Hi**"


# -- changing


def test_an_update_redraws(client, queue, slack):
    posted = client.chat_postMessage(
        channel=queue, text="Waiting", blocks=[section()], metadata=METADATA
    )
    client.chat_update(channel=queue, ts=posted["ts"], text="Taken", blocks=[section("Now")])
    held = slack.message(queue, posted["ts"])
    assert (held["text"], held["blocks"][0]["text"]["text"]) == ("Taken", "Now")
    assert held["metadata"] == METADATA
    assert "edited" not in held


def test_an_update_with_text_alone_removes_the_blocks(client, queue, slack):
    posted = client.chat_postMessage(channel=queue, text="Hi", blocks=[section()])
    client.chat_update(channel=queue, ts=posted["ts"], text="Bye")
    held = slack.message(queue, posted["ts"])
    assert "blocks" not in held
    assert held["edited"]["user"] == slack.bot_user


def test_what_is_not_the_bots_cannot_be_changed(client, queue, slack, ana):
    ts = slack.say(ana, queue, "Mine")
    assert refused(client.chat_update, channel=queue, ts=ts, text="x") == "cant_update_message"
    assert refused(client.chat_delete, channel=queue, ts=ts) == "cant_delete_message"


def test_an_ephemeral_message_cannot_be_changed(client, queue, slack, ana):
    ts = client.chat_postEphemeral(channel=queue, user=ana, text="Psst")["message_ts"]
    assert refused(client.chat_update, channel=queue, ts=ts, text="x") == "message_not_found"
    assert refused(client.chat_delete, channel=queue, ts=ts) == "message_not_found"


def test_an_update_with_a_long_text_is_refused(client, queue):
    ts = client.chat_postMessage(channel=queue, text="Hi")["ts"]
    error = refused(client.chat_update, channel=queue, ts=ts, text="x" * 4001)
    assert error == "msg_too_long"


def test_a_deleted_message_is_gone(client, queue, slack):
    ts = client.chat_postMessage(channel=queue, text="Hi")["ts"]
    client.chat_delete(channel=queue, ts=ts)
    assert slack.message(queue, ts) is None
    assert refused(client.chat_update, channel=queue, ts=ts, text="x") == "message_not_found"


def test_a_deleted_message_with_replies_leaves_a_tombstone(client, queue, slack):
    ts = client.chat_postMessage(channel=queue, text="Card")["ts"]
    client.chat_postMessage(channel=queue, text="Reply", thread_ts=ts)
    client.chat_delete(channel=queue, ts=ts)
    thread = client.conversations_replies(channel=queue, ts=ts)["messages"]
    assert [m.get("subtype") for m in thread] == ["tombstone", None]
    assert refused(client.chat_update, channel=queue, ts=ts, text="x") == "message_not_found"


def test_a_deleted_reply_no_longer_counts(client, queue, slack):
    root = client.chat_postMessage(channel=queue, text="Card")["ts"]
    reply = client.chat_postMessage(channel=queue, text="Reply", thread_ts=root)["ts"]
    client.chat_delete(channel=queue, ts=reply)
    assert "reply_count" not in slack.message(queue, root)


# -- whispering


def test_an_ephemeral_message_is_for_one_person(client, queue, slack, ana, ben):
    answer = client.chat_postEphemeral(channel=queue, user=ana, text="Psst", blocks=[section()])
    (shown,) = slack.ephemerals(ana)
    assert (shown["ts"], shown["text"], shown["channel"]) == (answer["message_ts"], "Psst", queue)
    assert slack.ephemerals(ben) == []
    assert slack.messages(queue) == []


def test_an_ephemeral_message_needs_somebody_who_is_there(client, queue, slack):
    absent = slack.add_person("zoe", "Zoe")
    call = client.chat_postEphemeral
    assert refused(call, channel=queue, user=absent, text="x") == "user_not_in_channel"


@pytest.mark.parametrize(
    ("text", "error"), [("", "no_text"), ("x" * 40_001, "msg_too_long")], ids=["empty", "endless"]
)
def test_an_ephemeral_text_may_be_neither_empty_nor_endless(client, queue, ana, text, error):
    arguments = {"channel": queue, "user": ana, "text": text}
    assert refused(client.api_call, api_method="chat.postEphemeral", params=arguments) == error


# -- reading


def test_the_history_pages_newest_first(client, queue):
    for number in range(5):
        client.chat_postMessage(channel=queue, text=str(number))
    pages, cursor = [], None
    while cursor != "":
        answer = client.conversations_history(channel=queue, limit=2, cursor=cursor)
        pages.append([m["text"] for m in answer["messages"]])
        cursor = answer["response_metadata"]["next_cursor"]
        assert answer["has_more"] == bool(cursor)
    assert pages == [["4", "3"], ["2", "1"], ["0"]]


def test_a_page_does_not_move_when_something_new_comes(client, queue):
    for number in range(4):
        client.chat_postMessage(channel=queue, text=str(number))
    first = client.conversations_history(channel=queue, limit=2)
    client.chat_postMessage(channel=queue, text="new")
    cursor = first["response_metadata"]["next_cursor"]
    second = client.conversations_history(channel=queue, limit=2, cursor=cursor)
    assert [m["text"] for m in second["messages"]] == ["1", "0"]


@pytest.mark.parametrize(
    ("bounds", "texts"),
    [
        pytest.param({}, ["2", "1", "0"], id="all"),
        pytest.param({"oldest": 0}, ["2", "1"], id="after"),
        pytest.param({"latest": 2}, ["1", "0"], id="before"),
        pytest.param({"oldest": 0, "latest": 2}, ["1"], id="between"),
        pytest.param({"oldest": 1, "latest": 2, "inclusive": True}, ["2", "1"], id="inclusive"),
        pytest.param({"oldest": 0, "inclusive": False}, ["2", "1"], id="exclusive"),
    ],
)
def test_the_history_is_bounded_by_timestamps(client, queue, bounds, texts):
    stamps = [client.chat_postMessage(channel=queue, text=str(n))["ts"] for n in range(3)]
    named = {k: stamps[v] if v is not True and v is not False else v for k, v in bounds.items()}
    shown = client.conversations_history(channel=queue, **named)["messages"]
    assert [m["text"] for m in shown] == texts


def test_a_thread_pages_oldest_first_with_its_root(client, queue):
    root = client.chat_postMessage(channel=queue, text="root")["ts"]
    stamps = [
        client.chat_postMessage(channel=queue, text=str(n), thread_ts=root)["ts"] for n in range(3)
    ]
    first = client.conversations_replies(channel=queue, ts=root, limit=2)
    assert [m["text"] for m in first["messages"]] == ["root", "0"]
    cursor = first["response_metadata"]["next_cursor"]
    second = client.conversations_replies(channel=queue, ts=root, limit=2, cursor=cursor)
    assert [m["text"] for m in second["messages"]] == ["1", "2"]
    late = client.conversations_replies(channel=queue, ts=root, oldest=stamps[1])
    assert [m["text"] for m in late["messages"]] == ["root", "2"]


def test_metadata_is_shown_when_asked_for(client, queue):
    root = client.chat_postMessage(channel=queue, text="Hi", metadata=METADATA)["ts"]
    for asked in (True, False):
        shown = client.conversations_history(channel=queue, include_all_metadata=asked)
        assert shown["messages"][0].get("metadata") == (METADATA if asked else None)
        thread = client.conversations_replies(channel=queue, ts=root, include_all_metadata=asked)
        assert thread["messages"][0].get("metadata") == (METADATA if asked else None)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"cursor": "nonsense"}, "invalid_cursor"),
        ({"oldest": "yesterday"}, "invalid_ts_oldest"),
        ({"latest": "1.2.3"}, "invalid_ts_latest"),
    ],
)
def test_a_history_that_makes_no_sense_is_refused(client, queue, arguments, error):
    client.chat_postMessage(channel=queue, text="Hi")
    assert refused(client.conversations_history, channel=queue, **arguments) == error


def test_a_thread_that_is_not_there_is_refused(client, queue):
    assert refused(client.conversations_replies, channel=queue, ts="1.2") == "thread_not_found"


def test_the_history_of_others_is_closed(client, slack, ana):
    public = slack.add_channel("other", [ana])
    assert refused(client.conversations_history, channel=public) == "not_in_channel"


def test_a_permalink_names_message_and_thread(client, queue):
    root = client.chat_postMessage(channel=queue, text="Card")["ts"]
    reply = client.chat_postMessage(channel=queue, text="Reply", thread_ts=root)["ts"]
    link = client.chat_getPermalink(channel=queue, message_ts=reply)["permalink"]
    assert f"/archives/{queue}/p{reply.replace('.', '')}" in link
    assert link.endswith(f"thread_ts={root}&cid={queue}")
    call = client.chat_getPermalink
    assert refused(call, channel=queue, message_ts="1.2") == "message_not_found"


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


# -- reactions and pins


def test_a_reaction_is_there_once(client, queue, slack):
    ts = client.chat_postMessage(channel=queue, text="Hi")["ts"]
    place = {"channel": queue, "timestamp": ts, "name": "eyes"}
    client.reactions_add(**place)
    assert slack.reactions(queue, ts) == {"eyes": [slack.bot_user]}
    assert refused(client.reactions_add, **place) == "already_reacted"
    shown = client.reactions_get(channel=queue, timestamp=ts)["message"]["reactions"]
    assert shown == [{"name": "eyes", "users": [slack.bot_user], "count": 1}]
    client.reactions_remove(**place)
    assert slack.reactions(queue, ts) == {}
    assert refused(client.reactions_remove, **place) == "no_reaction"


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"timestamp": "1.2"}, "message_not_found"),
        ({"timestamp": ""}, "no_item_specified"),
        ({"name": "not an emoji"}, "invalid_name"),
        ({"channel": "C0"}, "channel_not_found"),
    ],
)
def test_a_reaction_that_makes_no_sense_is_refused(client, queue, changes, error):
    ts = client.chat_postMessage(channel=queue, text="Hi")["ts"]
    place = {"channel": queue, "timestamp": ts, "name": "eyes"} | changes
    assert refused(client.reactions_add, **place) == error


def test_nobody_reacts_without_end(client, queue):
    ts = client.chat_postMessage(channel=queue, text="Hi")["ts"]
    for number in range(23):
        client.reactions_add(channel=queue, timestamp=ts, name=f"e{number}")
    error = refused(client.reactions_add, channel=queue, timestamp=ts, name="e23")
    assert error == "too_many_emoji"


def test_a_pin_is_there_once(client, queue, slack):
    ts = client.chat_postMessage(channel=queue, text="Board")["ts"]
    client.pins_add(channel=queue, timestamp=ts)
    (item,) = client.pins_list(channel=queue)["items"]
    assert item == slack.pins(queue)[0]
    assert item["message"]["ts"] == ts
    assert refused(client.pins_add, channel=queue, timestamp=ts) == "already_pinned"
    client.pins_remove(channel=queue, timestamp=ts)
    assert slack.pins(queue) == []
    assert refused(client.pins_remove, channel=queue, timestamp=ts) == "no_pin"


def test_a_channel_holds_a_hundred_pins(client, queue, slack, ana):
    for number in range(100):
        slack.pin(ana, queue, slack.say(ana, queue, str(number)))
    ts = slack.say(ana, queue, "one more")
    assert refused(client.pins_add, channel=queue, timestamp=ts) == "too_many_pins"


def test_pins_need_membership_and_a_message(client, queue, slack, ana):
    other = slack.add_channel("other", [ana])
    assert refused(client.pins_add, channel=other, timestamp="1.2") == "not_in_channel"
    assert refused(client.pins_add, channel=queue, timestamp="1.2") == "message_not_found"
    assert refused(client.pins_add, channel=queue, timestamp="") == "no_item_specified"


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
