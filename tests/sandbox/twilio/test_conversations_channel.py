"""Conversations (classic) from end to end: our channel and webhooks, and the stand-in at the other end."""

import json
from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest
from flask import Flask

from handoff_bot.channels import TWILIO, TwilioAccount
from handoff_bot.domain.errors import DeliveryError, OutcomeUnknown
from handoff_bot.domain.messages import DeliveryStatus, OutboundMessage
from handoff_bot.web.application import webhooks
from handoff_sandbox.server import Faults, Journal, Server
from tests.sandbox.twilio.conftest import ACCOUNT, PUBLIC, TOKEN

CHAT = "CH" + "1" * 32
SINCE = datetime(2026, 1, 1, tzinfo=UTC)
MESSAGES = "/v1/*/Messages"


class Inbox:
    """Keeps what arrives, each key once."""

    def __init__(self):
        self.rows = {}

    def store(self, kind, lane, key, payload):
        return self.rows.setdefault(key, payload) is payload

    @property
    def texts(self):
        return [row["text"] for row in self.rows.values() if "text" in row]

    @property
    def statuses(self):
        return [row["status"] for row in self.rows.values() if "status" in row]


@pytest.fixture
def channel(twilio):
    return TWILIO["conversations"](
        TwilioAccount(
            account_sid=ACCOUNT,
            auth_tokens=(TOKEN,),
            api_url=twilio.server.url,
            public_base_url=PUBLIC,
            timeout=0.5,
        )
    )


@pytest.fixture
def inbox(twilio, channel):
    """What our own webhooks have stored; the stand-in posts to them."""
    stored = Inbox()
    web = Flask("web")
    web.register_blueprint(webhooks({"conversations": channel}, stored))
    with Server(web, "twilio", Journal(), Faults()) as server:
        twilio.bot_url = server.url
        yield stored
        twilio.bot_url = ""


def message(text="Hello", oid="oid-1"):
    return OutboundMessage(oid, CHAT, "", text)


@pytest.fixture
def chat(twilio, inbox):
    """A conversation in which a customer has written."""
    twilio.conversation_writes(CHAT, "dana", "Is anybody there?")
    inbox.rows.clear()


# -- what customers write


def test_what_a_customer_writes_is_stored_once_however_often_it_comes(twilio, inbox):
    sid = "IM" + "7" * 32
    result = twilio.conversation_writes(CHAT, "dana", "Hi", sid=sid, times=4)
    again = twilio.conversation_writes(CHAT, "dana", "Hi", sid=sid, fields={"RetryCount": "1"})
    assert {result.status, again.status, *(copy.status for copy in result.copies)} == {200}
    assert inbox.texts == ["Hi"]


def test_what_is_stored_says_where_an_answer_goes(twilio, inbox):
    twilio.conversation_writes(CHAT, "dana", "Hi", media=[("image/png", b"x")])
    (row,) = inbox.rows.values()
    assert (row["address"], row["recipient"]) == (CHAT, twilio.conversations.service)
    assert row["profile_name"] == "dana"
    assert row["media"][0]["url"].startswith(f"{twilio.server.url}/v1/Services/IS")


def test_hostile_words_come_through_as_they_are(twilio, inbox):
    said = "<!channel> \x00 ‮ {{7*7}} &amp;"
    twilio.conversation_writes(CHAT, "<b>&</b>", said, attributes='{"oid": "oid-1"}')
    (row,) = inbox.rows.values()
    assert (row["text"], row["profile_name"]) == (said, "<b>&</b>")


def test_what_other_programs_write_is_not_stored(twilio, inbox):
    assert twilio.conversation_writes(CHAT, "studio", "A survey", source="API").status == 200
    assert inbox.rows == {}


REFUSED = {
    "not signed": ({"Body": "Hi"}, "", 403),
    "signed by somebody else": ({"Body": "Hi"}, "forged", 403),
    "another account": ({"AccountSid": "AC" + "9" * 32}, None, 403),
    "no event": ({"EventType": ""}, None, 400),
    "no conversation": ({"ConversationSid": ""}, None, 400),
    "no message": ({"MessageSid": ""}, None, 400),
    "a message before it is added": ({"EventType": "onMessageAdd", "MessageSid": ""}, None, 200),
    "a new participant": ({"EventType": "onParticipantAdded"}, None, 200),
    "an event of tomorrow": ({"EventType": "onSomethingNew"}, None, 200),
}


@pytest.mark.parametrize(("fields", "signature", "status"), REFUSED.values(), ids=REFUSED)
def test_nothing_else_is_stored(twilio, inbox, fields, signature, status):
    form = {
        "EventType": "onMessageAdded",
        "AccountSid": ACCOUNT,
        "ConversationSid": CHAT,
        "MessageSid": "IM" + "1" * 32,
        "Source": "SDK",
        "Body": "Hi",
    }
    sent = urlencode(form | fields).encode()
    result = twilio.webhook("/webhooks/conversations", sent, signature=signature)
    assert result.status == status
    assert inbox.rows == {}


# -- what we send


def test_what_we_send_is_in_the_conversation_with_our_name_and_mark(twilio, channel, chat):
    receipt = channel.send(message("Hëllo"))
    sent = twilio.conversations.messages(CHAT)[-1]
    assert (sent.sid, sent.body, sent.author) == (receipt.provider_id, "Hëllo", "handoff")
    assert json.loads(sent.attributes) == {"oid": "oid-1"}
    assert receipt.status is DeliveryStatus.SENT


def test_our_own_messages_do_not_come_back_as_a_customers(twilio, channel, inbox, chat):
    twilio.conversations.echoes = True
    channel.send(message())
    twilio.drain()
    posted = twilio.journal.entries("twilio", "/webhooks/conversations")
    assert (posted[-1].request["Source"], posted[-1].status) == ("API", 200)
    assert inbox.rows == {}


def test_news_of_a_phone_is_stored(twilio, channel, inbox, chat):
    twilio.conversation_writes(CHAT, "whatsapp:+15550111", "Hi", source="WHATSAPP")
    receipt = channel.send(message())
    twilio.drain()
    assert inbox.statuses == ["sent", "delivered", "read"]
    news = list(inbox.rows.values())[1:]
    assert {row["provider_id"] for row in news} == {receipt.provider_id}


FAULTS = {
    "429": ({"status": 429, "retry_after": 7}, DeliveryError, 0),
    "500": ({"status": 500}, OutcomeUnknown, 0),
    "dropped before": ({"drop": "before"}, OutcomeUnknown, 0),
    "dropped after": ({"drop": "after"}, OutcomeUnknown, 1),
}


@pytest.mark.parametrize(("fault", "error", "taken"), FAULTS.values(), ids=FAULTS)
def test_after_a_fault_the_message_is_found_by_its_mark(twilio, channel, chat, fault, error, taken):
    channel.send(message(oid="before"))
    twilio.faults.add(MESSAGES, count=1, **fault)
    with pytest.raises(error) as raised:
        channel.send(message())
    assert not raised.value.permanent
    found = channel.sent_since(message(), SINCE)
    assert len(found) == taken == len(twilio.conversations.messages(CHAT)) - 2
    assert {one.provider_id for one in found} <= {twilio.conversations.messages(CHAT)[-1].sid}


def test_a_slow_answer_is_an_unknown_outcome_and_is_found(twilio, channel, chat):
    twilio.faults.add(MESSAGES, latency=1.0, count=1)
    with pytest.raises(OutcomeUnknown):
        channel.send(message())
    twilio.wait_for(lambda: len(twilio.conversations.messages(CHAT)) == 2)
    assert len(channel.sent_since(message(), SINCE)) == 1


def test_more_than_a_page_is_looked_through(twilio, channel, chat):
    channel.send(message())
    for number in range(120):
        channel.send(message(oid=f"other-{number}"))
    assert len(channel.sent_since(message(), SINCE)) == 1


def test_a_customer_who_copies_our_words_is_not_taken_for_us(twilio, channel, chat):
    twilio.conversation_writes(CHAT, "dana", "Hello")
    assert channel.sent_since(message(), SINCE) == []


def test_a_chat_that_is_not_there_is_a_failure_for_good(channel, inbox):
    with pytest.raises(DeliveryError, match="no longer exists") as failure:
        channel.send(message())
    assert failure.value.permanent


def test_a_text_that_is_too_long_is_refused(channel, chat):
    assert channel.send(message("x" * channel.limits.text)).provider_id
    with pytest.raises(DeliveryError) as failure:
        channel.send(message("x" * (channel.limits.text + 1)))
    assert failure.value.permanent
