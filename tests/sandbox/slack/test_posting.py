"""The app posts, redraws, deletes and whispers."""

import pytest
import requests
from slack_sdk.errors import SlackApiError

from tests.sandbox.slack.conftest import TIMEOUT
from tests.sandbox.slack.wire import METADATA, refused, section

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
