"""Twilio's Conversations (classic): how our messages are marked, sent and found again."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest

from handoff_bot.channels import TWILIO
from handoff_bot.domain.errors import DeliveryError, OutcomeUnknown
from handoff_bot.domain.messages import DeliveryStatus
from tests.channels.builders import (
    ACCOUNT,
    CHAT,
    CHAT_MESSAGE,
    CHAT_PATH,
    CHAT_URL,
    NINE,
    SERVICE,
    outbound,
)

KIND = "conversations"
DEFAULT_URL = f"https://conversations.twilio.com/v1/Conversations/{CHAT}/Messages"
MADE = {"sid": CHAT_MESSAGE, "date_created": "2026-11-23T09:00:07Z"}
OURS = json.dumps({"oid": "oid-1"})


def channel_of(**account):
    return TWILIO[KIND](replace(ACCOUNT, **account))


# -- sending


def test_a_message_goes_into_its_conversation_with_our_name_and_mark(api):
    api.post(CHAT_URL, json=MADE, status=201)

    receipt = channel_of().send(outbound(KIND, oid='a "b" ü', text="Hëllo 👋"))

    assert dict(parse_qsl(api.calls[0].request.body)) == {
        "Author": "handoff",
        "Body": "Hëllo 👋",
        "Attributes": json.dumps({"oid": 'a "b" ü'}),
    }
    assert "X-Twilio-Webhook-Enabled" not in api.calls[0].request.headers
    assert receipt.created_at == datetime(2026, 11, 23, 9, 0, 7, tzinfo=UTC)


OTHER = "IS" + "7" * 32
SERVICES = {
    "that was written to": (SERVICE, OTHER, CHAT_URL),
    "that is configured": ("", SERVICE, CHAT_URL),
    "that is the account's default": ("", "", DEFAULT_URL),
    "that is none": ("../..", "", DEFAULT_URL),
}


@pytest.mark.parametrize(("sender", "configured", "url"), SERVICES.values(), ids=SERVICES)
def test_a_message_goes_to_the_service(api, sender, configured, url):
    api.post(url, json=MADE, status=201)
    api.get(url, json={"messages": [], "meta": {"key": "messages"}})
    channel = channel_of(conversations_service_sid=configured)

    channel.send(outbound(KIND, sender=sender))
    channel.sent_since(outbound(KIND, sender=sender), NINE)

    assert [call.request.url.partition("?")[0] for call in api.calls] == [url, url]


@pytest.mark.parametrize("to", ["", "+15555550123", "CH1", f"{CHAT}/Participants", "../Services"])
def test_nothing_is_sent_to_what_is_no_conversation(api, to):
    for use in (channel_of().send, lambda message: channel_of().sent_since(message, NINE)):
        with pytest.raises(DeliveryError) as failure:
            use(outbound(KIND, to=to))
        assert (failure.value.permanent, failure.value.code) == (True, "no_conversation")


GONE = {
    "unknown": (404, 20404, "no longer exists"),
    "deleted": (404, 50350, "no longer exists"),
    "closed": (400, 50377, "closed"),
}


@pytest.mark.parametrize(("status", "code", "words"), GONE.values(), ids=GONE)
def test_a_chat_that_is_gone_is_said_in_plain_words(api, status, code, words):
    for register in (api.post, api.get):
        register(CHAT_URL, json={"code": code, "message": CHAT}, status=status)

    for use in (channel_of().send, lambda message: channel_of().sent_since(message, NINE)):
        with pytest.raises(DeliveryError, match=words) as failure:
            use(outbound(KIND))
        assert failure.value.permanent
        assert CHAT not in str(failure.value)


# -- after a crash


def listed(number=1, **fields):
    return {
        "sid": f"IM{number}",
        "attributes": OURS,
        "body": "Hello",
        "author": "handoff",
        "date_created": "2026-11-23T09:00:07Z",
    } | fields


def found(api, *messages):
    api.get(CHAT_URL, json={"messages": messages, "meta": {"key": "messages"}})
    return channel_of().sent_since(outbound(KIND), NINE)


def test_the_newest_messages_are_looked_through_for_our_mark(api):
    receipts = found(api, listed(3), listed(2, attributes="{}"), listed(1))

    asked = parse_qs(urlsplit(api.calls[0].request.url).query)
    assert asked == {"Order": ["desc"], "PageSize": ["100"]}
    assert [one.provider_id for one in receipts] == ["IM1", "IM3"]
    assert {one.status for one in receipts} == {DeliveryStatus.SENT}


UNMARKED = [None, "", "{", "[]", '"oid-1"', '{"oid": "oid-11"}', '{"oid": ["oid-1"]}', "[" * 9_999]


@pytest.mark.parametrize("attributes", UNMARKED)
def test_words_alone_are_no_proof(api, attributes):
    assert found(api, listed(attributes=attributes)) == []


def test_neither_words_nor_clocks_are_compared(api):
    assert found(api, listed(body="Edited", date_created="2026-11-23T08:00:00Z"))


def test_no_more_than_three_pages_are_read_and_all_of_them_from_one_host(api):
    stand_in = channel_of(api_url="http://127.0.0.1:4010")
    following = "https://conversations.twilio.com" + CHAT_PATH + "?Page=1"
    page = {"messages": [listed(attributes="{}")] * 100}
    api.get(
        f"http://127.0.0.1:4010{CHAT_PATH}",
        json=page | {"meta": {"key": "messages", "next_page_url": following}},
    )

    assert stand_in.sent_since(outbound(KIND), NINE) == []
    assert len(api.calls) == 3


@pytest.mark.parametrize("answer", [{"status": 500}, {"body": "<html>"}, {"json": {}}])
def test_a_twilio_that_cannot_be_asked_is_no_doubt_about_the_message(api, answer):
    api.get(CHAT_URL, **answer)

    with pytest.raises(DeliveryError) as failure:
        channel_of().sent_since(outbound(KIND), NINE)

    assert not isinstance(failure.value, OutcomeUnknown)
    assert not failure.value.permanent
