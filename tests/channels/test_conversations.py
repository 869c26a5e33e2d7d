"""Twilio's Conversations (classic): what counts as a customer's message, and what as news."""

import json
from dataclasses import replace

import pytest

from handoff_bot.channels import TWILIO
from handoff_bot.domain.errors import Malformed, Unauthentic
from handoff_bot.domain.messages import Consent, DeliveryStatus, DeliveryUpdate, Media
from tests.channels.builders import (
    ACCOUNT,
    CHAT,
    CHAT_MESSAGE,
    SERVICE,
    inbound_form,
    payload,
    received,
    signed,
    webhook,
)

KIND = "conversations"
FILE = f"https://mcs.us1.twilio.com/v1/Services/{SERVICE}/Media/ME{1:032d}"
OURS = json.dumps({"oid": "oid-1"})


def channel_of(**account):
    return TWILIO[KIND](replace(ACCOUNT, **account))


def told(**fields):
    """What the channel makes of an added message."""
    return received(channel_of(), inbound_form(KIND, **fields))


def message_with(**fields):
    (message,) = told(**fields)
    return message


# -- what a customer writes


def test_a_message_comes_from_its_conversation_for_there_the_answer_goes():
    (message,) = received(channel_of(), payload(KIND, "text"))

    assert (message.provider_id, message.address) == (f"IM{1:032d}", CHAT)
    assert (message.text, message.profile_name) == ("two", "dana")
    assert (message.recipient, message.aliases) == ("", ())


def test_the_service_that_was_written_to_is_the_one_to_answer_in():
    (message,) = received(channel_of(), payload(KIND, "picture"))

    assert message.recipient == SERVICE


def test_whoever_writes_in_two_conversations_does_not_make_them_one():
    other = "CH" + "5" * 32
    one, two = message_with(), message_with(ConversationSid=other)

    assert ((one.address, *one.aliases), (two.address, *two.aliases)) == ((CHAT,), (other,))


NAMES = {
    "an identity": ("dana", "dana"),
    "an e-mail address": ("dana@example.com", "dana@example.com"),
    "two words": ("Dana Scott", "Dana Scott"),
    "markup": ("<!channel> <b>", "<!channel> <b>"),
    "a number": ("+15555550123", ""),
    "a short code": ("15555", ""),
    "a WhatsApp number": ("whatsapp:+15555550123", ""),
    "a WhatsApp user": ("whatsapp:US.A1b2C3d4", ""),
    "a Messenger user": ("messenger:4711", ""),
    "nothing": ("", ""),
    "missing": (None, ""),
}


@pytest.mark.parametrize(("author", "name"), NAMES.values(), ids=NAMES)
def test_an_author_is_a_name_unless_it_is_an_address(author, name):
    assert message_with(Author=author).profile_name == name


KEYWORDS = {
    "a chat": ("SDK", Consent.STOP, False),
    "no word of where": (None, Consent.STOP, False),
    "SMS": ("SMS", Consent.STOP, True),
    "WhatsApp": ("WHATSAPP", Consent.STOP, False),
}


@pytest.mark.parametrize(("source", "consent", "answered"), KEYWORDS.values(), ids=KEYWORDS)
def test_a_plain_opt_out_counts_wherever_it_is_written(source, consent, answered):
    message = message_with(Source=source, Body="Stop")

    assert (message.consent, message.consent_answered) == (consent, answered)


@pytest.mark.parametrize("retry", ["0", "1", "3"])
def test_another_try_is_the_same_message(retry):
    assert message_with(RetryCount=retry).provider_id == CHAT_MESSAGE


# -- files


def test_files_are_in_the_service_with_what_they_say_they_are():
    (message,) = received(channel_of(), payload(KIND, "picture"))

    assert message.text == ""
    assert message.media == (
        Media(FILE, "image/jpeg"),
        Media(f"{FILE[:-1]}2", "application/pdf"),
    )


def one_file(**fields):
    return json.dumps([{"Sid": f"ME{1:032d}", "ContentType": "image/png"} | fields])


def test_files_of_the_stand_in_are_there_when_it_is_configured():
    channel = channel_of(api_url="http://127.0.0.1:4010/")

    (message,) = received(channel, inbound_form(KIND, Media=one_file()))

    assert message.media[0].url == FILE.replace(
        "https://mcs.us1.twilio.com", "http://127.0.0.1:4010"
    )


PLACES = {
    "named": (SERVICE, "", FILE),
    "configured": (None, SERVICE, FILE),
    "unknown": (None, "", ""),
    "no service": ("../../Accounts", "", ""),
}


@pytest.mark.parametrize(("named", "configured", "url"), PLACES.values(), ids=PLACES)
def test_a_file_is_known_of_even_where_its_service_is_not(named, configured, url):
    channel = channel_of(conversations_service_sid=configured)

    form = inbound_form(KIND, ChatServiceSid=named, Media=one_file())

    assert received(channel, form)[0].media == (Media(url, "image/png"),)


@pytest.mark.parametrize(
    "content_type", ["<!channel>", "image", "", "a/b\n", f"image/{'x' * 65}", "text/html; x=<b>"]
)
def test_what_is_no_type_is_any_type(content_type):
    message = message_with(Media=one_file(ContentType=content_type))

    assert [file.content_type for file in message.media] == ["application/octet-stream"]


BROKEN_MEDIA = {
    "no JSON": "[{",
    "no list": "{}",
    "null": "null",
    "no objects": '["ME1"]',
    "no id": '[{"ContentType": "image/png"}]',
    "an address for an id": one_file(Sid="https://evil.example.com/x"),
    "a way out for an id": one_file(Sid="../../../v1/Services"),
    "an id and a new line": one_file(Sid=f"ME{1:032d}\n"),
    "a number for a type": one_file(ContentType=4711),
    "endless": "[" * 100_000,
}


@pytest.mark.parametrize("media", BROKEN_MEDIA.values(), ids=BROKEN_MEDIA)
def test_of_files_that_cannot_be_read_the_words_are_kept_and_that_there_were_some(media, caplog):
    message = message_with(Body="Look", Media=media)

    assert (message.text, message.media) == ("Look", (Media("", "application/octet-stream"),))
    assert [record.message for record in caplog.records] == ["media left alone: it cannot be read"]


@pytest.mark.parametrize("media", [None, "", "[]"], ids=["missing", "empty", "none"])
def test_without_files_there_is_nothing_to_say(media, caplog):
    assert message_with(Media=media).media == ()
    assert caplog.records == []


# -- what nobody has to answer


ECHOES = {
    "our mark": {"Source": "API", "Author": "somebody", "Attributes": OURS},
    "our identity": {"Source": "API", "Author": "handoff"},
    "our identity in a chat": {"Source": "SDK", "Author": "handoff", "ClientIdentity": "handoff"},
    "our identity under another name": {"Source": "SDK", "ClientIdentity": "handoff"},
}


@pytest.mark.parametrize("fields", ECHOES.values(), ids=ECHOES)
def test_what_we_have_sent_ourselves_is_no_message(fields, caplog):
    assert told(**fields) == []
    assert caplog.records == []


def test_another_identity_can_be_ours():
    ours = channel_of(conversations_identity="support")

    assert received(ours, inbound_form(KIND, Author="support")) == []
    assert received(ours, inbound_form(KIND, Author="handoff"))


def test_without_an_identity_a_message_without_author_is_no_echo():
    nameless = channel_of(conversations_identity="")

    assert received(nameless, inbound_form(KIND, Author="", ClientIdentity=None))


@pytest.mark.parametrize("attributes", ["{}", None, "[", '{"oid": 7}', '{"oid": ""}', "[" * 9_999])
def test_what_another_program_has_sent_is_ignored_and_noted(attributes, caplog):
    caplog.set_level("INFO")

    assert told(Source="API", Author="studio", Attributes=attributes) == []
    (record,) = caplog.records
    assert (record.message, record.provider_id) == (
        "message of another program ignored",
        CHAT_MESSAGE,
    )


@pytest.mark.parametrize("attributes", [OURS, "[" * 100_000, "", "{", "\x00", '"oid"'])
def test_a_customer_cannot_hide_a_message_behind_attributes(attributes):
    assert message_with(Attributes=attributes).text == "Hello"


EVENTS = [
    *("onMessageAdd", "onMessageUpdate", "onMessageRemove", "onConversationAdd"),
    *("onConversationUpdate", "onConversationRemove", "onParticipantAdd", "onUserUpdate"),
    *("onMessageUpdated", "onMessageRemoved", "onConversationAdded", "onConversationUpdated"),
    *("onConversationStateUpdated", "onConversationRemoved", "onParticipantAdded"),
    *("onParticipantUpdated", "onParticipantRemoved", "onUserAdded", "onUserUpdated"),
    *("onmessageadded", "onSomethingNew"),
]


@pytest.mark.parametrize("event", EVENTS)
def test_other_events_are_accepted_and_nothing_comes_of_them(event, caplog):
    assert told(EventType=event) == []
    assert told(EventType=event, MessageSid=None, ConversationSid=None, Body=None) == []
    assert caplog.records == []


@pytest.mark.parametrize("event", ["onMessageAdded", "onDeliveryUpdated", "onMessageAdd", "on?"])
def test_every_event_must_be_signed_and_of_our_account(event):
    form = inbound_form(KIND, EventType=event)
    foreign = inbound_form(KIND, EventType=event, AccountSid="AC" + "9" * 32)

    for request in (
        webhook(KIND, form),
        signed(webhook(KIND, form), "guessed"),
        signed(webhook(KIND, foreign)),
        signed(webhook("sms", form)),
    ):
        with pytest.raises(Unauthentic):
            channel_of().receive(replace(request, path="/webhooks/conversations"))


@pytest.mark.parametrize(
    "sid", ["CH1", "SM" + "4" * 32, f"{CHAT}/../..", f"{CHAT}\n", "CH" + "g" * 32, f" {CHAT}"]
)
def test_what_is_no_conversation_is_malformed(sid):
    with pytest.raises(Malformed, match="ConversationSid"):
        told(ConversationSid=sid)


# -- news of deliveries


def test_a_delivery_to_a_phone_is_news_of_the_message_in_the_conversation():
    assert received(channel_of(), payload(KIND, "delivered")) == [
        DeliveryUpdate(
            channel=KIND,
            provider_id=f"IM{4:032d}",
            oid="",
            status=DeliveryStatus.DELIVERED,
            fields=dict(payload(KIND, "delivered")),
        )
    ]


def test_a_failed_delivery_says_why():
    (news,) = received(channel_of(), payload(KIND, "undelivered"))

    assert (news.status, news.error_code) == (DeliveryStatus.FAILED, "30003")
    assert "switched off" in news.error
