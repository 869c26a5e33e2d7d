"""The app reads histories and threads, reacts and pins."""

import pytest

from tests.sandbox.slack.wire import METADATA, refused

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
