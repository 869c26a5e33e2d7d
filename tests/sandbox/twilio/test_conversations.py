"""Conversations (classic) at the stand-in: the official client writes, customers write, the bot hears."""

import json
import time
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from twilio.base.exceptions import TwilioException, TwilioRestException

PAYLOADS = Path(__file__).resolve().parents[2] / "channels" / "payloads" / "conversations"
CHAT, OTHER_CHAT = "CH" + "1" * 32, "CH" + "2" * 32
PHONE = "whatsapp:+15550111"


def recorded(name):
    """The parameters of a webhook that Twilio really sent."""
    text = (PAYLOADS / f"{name}.txt").read_text().strip()
    return set(parse_qs(text, keep_blank_values=True, strict_parsing=True))


def statuses(bot):
    return [form["Status"] for form in bot.heard if form["EventType"] == "onDeliveryUpdated"]


def events(bot):
    return [form["EventType"] for form in bot.heard]


@pytest.fixture
def talk(twilio, client, bot):
    """The messages of a conversation in which a customer has written once."""
    twilio.conversation_writes(CHAT, "dana", "Hello?")
    bot.heard.clear()
    return client.conversations.v1.services(twilio.conversations.service).conversations(CHAT)


# -- what customers write


def test_a_message_has_the_parameters_of_a_recorded_one(twilio, bot):
    result = twilio.conversation_writes(CHAT, "dana", "Ahoy! 👋", attributes='{"page": "/"}')
    (form,) = bot.heard
    assert set(form) == recorded("text") | {"ChatServiceSid"}
    assert (result.status, result.message_sid) == (200, form["MessageSid"])
    assert (form["ConversationSid"], form["ChatServiceSid"]) == (CHAT, twilio.conversations.service)
    assert (form["Author"], form["ClientIdentity"], form["Body"]) == ("dana", "dana", "Ahoy! 👋")
    assert (form["Source"], form["Attributes"]) == ("SDK", '{"page": "/"}')
    assert form["AccountSid"] == twilio.account_sid


def test_a_phone_in_a_conversation_has_no_identity(twilio, bot):
    twilio.conversation_writes(CHAT, PHONE, "Hi", source="WHATSAPP")
    (form,) = bot.heard
    assert (form["Source"], form["Author"]) == ("WHATSAPP", PHONE)
    assert "ClientIdentity" not in form


def test_files_come_as_json(twilio, bot):
    twilio.conversation_writes(CHAT, "dana", "", media=[("image/png", b"1234")])
    (form,) = bot.heard
    (file,) = json.loads(form["Media"])
    (wanted,) = (json.loads(value[0]) for name, value in _picture().items() if name == "Media")
    assert set(file) == set(wanted[0])
    assert (file["ContentType"], file["Size"]) == ("image/png", 4)
    assert twilio.conversations.messages(CHAT)[0].files[0].content == b"1234"


def _picture():
    return parse_qs((PAYLOADS / "picture.txt").read_text().strip(), keep_blank_values=True)


def test_messages_are_numbered_and_keep_their_author(twilio, bot):
    for author, text in (("dana", "one"), ("dana", "two"), ("eve", "three")):
        twilio.conversation_writes(CHAT, author, text)
    assert [form["Index"] for form in bot.heard] == ["0", "1", "2"]
    first, second, third = (form["ParticipantSid"] for form in bot.heard)
    assert first == second != third
    assert [one.body for one in twilio.conversations.messages(CHAT)] == ["one", "two", "three"]


def test_the_same_message_again_is_the_same_message(twilio, bot):
    sid = "IM" + "7" * 32
    twilio.conversation_writes(CHAT, "dana", "Hi", sid=sid)
    twilio.conversation_writes(CHAT, "dana", "Hi", sid=sid, fields={"RetryCount": "1"})
    assert [form["MessageSid"] for form in bot.heard] == [sid, sid]
    assert [form["RetryCount"] for form in bot.heard] == ["0", "1"]
    assert len(twilio.conversations.messages(CHAT)) == 1


def test_copies_come_at_once(twilio, bot):
    result = twilio.conversation_writes(CHAT, "dana", "Hi", times=3)
    assert [result.status, *(copy.status for copy in result.copies)] == [200] * 3
    assert len(bot.heard) == 3
    assert len(twilio.conversations.messages(CHAT)) == 1


def test_a_bot_has_five_seconds_and_no_second_chance(twilio, bot):
    assert twilio.conversations.patience == 5
    twilio.conversations.patience = 0.3
    bot.faults.add("*", latency=30, count=1)
    began = time.monotonic()
    assert twilio.conversation_writes(CHAT, "dana", "Hi").status == 0
    assert 0.2 < time.monotonic() - began < 5
    assert bot.heard == []


def test_somebody_can_wait_for_what_was_said(twilio, talk):
    talk.messages.create(body="Hi")
    twilio.wait_for(lambda: len(twilio.conversations.messages(CHAT)) == 2)


# -- what the official client writes


@pytest.mark.parametrize("is_named", [True, False], ids=["in its service", "in the default one"])
def test_a_message_is_made_and_listed(twilio, client, talk, is_named):
    v1 = client.conversations.v1
    messages = (talk if is_named else v1.conversations(CHAT)).messages
    made = messages.create(author="handoff", body="Hëllo", attributes='{"oid": "x"}')
    listed = messages.list(order="desc", page_size=1)
    assert [one.body for one in listed] == ["Hëllo", "Hello?"]
    assert (listed[0].sid, listed[0].author) == (made.sid, "handoff")
    assert listed[0].attributes == '{"oid": "x"}'
    assert listed[0].date_created == made.date_created
    assert (listed[0].participant_sid, listed[1].participant_sid is None) == (None, False)


def test_a_list_begins_with_the_oldest_unless_asked_otherwise(talk):
    for number in range(4):
        talk.messages.create(body=f"{number}")
    assert [one.body for one in talk.messages.list()] == ["Hello?", "0", "1", "2", "3"]
    newest = talk.messages.list(order="desc", page_size=2, limit=3)
    assert [one.body for one in newest] == ["3", "2", "1"]


def test_a_message_that_comes_while_pages_are_read_moves_nothing(talk):
    for number in range(3):
        talk.messages.create(body=f"{number}")
    pages = talk.messages.stream(order="desc", page_size=2)
    seen = [next(pages).body]
    talk.messages.create(body="late")
    assert seen + [one.body for one in pages] == ["2", "1", "0", "Hello?"]


def test_without_an_author_the_system_speaks(talk):
    assert talk.messages.create(body="Hi").author == "system"
    assert talk.messages.list()[-1].attributes == "{}"


def test_files_are_listed(twilio, talk):
    twilio.conversation_writes(CHAT, "dana", "", media=[("image/png", b"1234")])
    listed = talk.messages.list()
    assert (listed[0].media, listed[1].media[0]["size"]) == (None, 4)


REFUSED = {
    "no words": {"body": ""},
    "too many words": {"body": "x" * 1601},
    "attributes that are no JSON": {"body": "Hi", "attributes": "{"},
    "what it does not act on": {"body": "Hi", "subject": "Hi"},
}


@pytest.mark.parametrize("fields", REFUSED.values(), ids=REFUSED)
def test_what_is_wrong_is_refused(talk, fields):
    with pytest.raises(TwilioRestException) as refusal:
        talk.messages.create(**fields)
    assert (refusal.value.status, refusal.value.code) == (400, 20001)


@pytest.mark.parametrize("asked", [{"page_size": 101}, {"page_size": 0}, {"order": "up"}])
def test_a_list_that_cannot_be_is_refused(talk, asked):
    with pytest.raises(TwilioException, match="20001"):
        talk.messages.page(**asked)


def test_conversations_that_are_not_there_are_not_found(client, talk):
    v1 = client.conversations.v1
    for there in (v1.conversations(OTHER_CHAT), v1.services("IS" + "9" * 32).conversations(CHAT)):
        with pytest.raises(TwilioRestException) as refusal:
            there.messages.create(body="Hi")
        assert (refusal.value.status, refusal.value.code) == (404, 20404)


def test_wrong_credentials_are_refused(connect, talk):
    with pytest.raises(TwilioRestException) as refusal:
        connect(password="other").conversations.v1.conversations(CHAT).messages.create(body="Hi")
    assert (refusal.value.status, refusal.value.code) == (401, 20003)


# -- what the bot hears of its own messages


def test_of_its_own_messages_the_bot_hears_nothing_unless_it_asks(twilio, bot, talk):
    talk.messages.create(body="quiet")
    twilio.drain()
    assert bot.heard == []
    talk.messages.create(body="loud", author="handoff", x_twilio_webhook_enabled="true")
    twilio.drain()
    (form,) = bot.heard
    assert (form["EventType"], form["Source"], form["Body"]) == ("onMessageAdded", "API", "loud")
    assert form["Author"] == "handoff"
    assert {"ClientIdentity", "ParticipantSid"}.isdisjoint(form)


def test_echoes_can_be_switched_on_for_everything(twilio, bot, talk):
    twilio.conversations.echoes = True
    talk.messages.create(body="loud")
    twilio.drain()
    assert events(bot) == ["onMessageAdded"]


def test_of_a_delivery_to_a_chat_nothing_is_told(twilio, bot, talk):
    made = talk.messages.create(body="Hi")
    twilio.drain()
    assert (events(bot), made.delivery) == ([], None)


DELIVERIES = {
    "WhatsApp": ("WHATSAPP", False, ["sent", "delivered", "read"]),
    "SMS": ("SMS", False, ["sent", "delivered"]),
    "WhatsApp fails": ("WHATSAPP", True, ["failed"]),
    "SMS fails": ("SMS", True, ["sent", "undelivered"]),
}


@pytest.mark.parametrize(("source", "fails", "told"), DELIVERIES.values(), ids=DELIVERIES)
def test_of_a_delivery_to_a_phone_every_step_is_told(twilio, bot, talk, source, fails, told):
    if fails:
        twilio.account.failing[CHAT] = 30003
    twilio.conversation_writes(CHAT, "+15550111", "Hi", source=source)
    made = talk.messages.create(body="Hi")
    twilio.drain()
    assert statuses(bot) == told
    assert {form["MessageSid"] for form in bot.heard[1:]} == {made.sid}
    assert set(bot.heard[-1]) == recorded("undelivered" if fails else "delivered")
    assert bot.heard[-1].get("ErrorCode") == ("30003" if fails else None)
    assert talk.messages.list()[-1].delivery[told[-1]] == "all"
    assert bot.refused == 0


def test_news_is_as_unreliable_as_it_is_told_to_be(twilio, bot, talk):
    twilio.conversation_writes(CHAT, "+15550111", "Hi", source="SMS")
    twilio.callbacks.duplicated = 1
    talk.messages.create(body="Hi")
    twilio.drain()
    assert statuses(bot) == ["sent", "sent", "delivered", "delivered"]
    twilio.callbacks.missing = 1
    talk.messages.create(body="Hi")
    twilio.drain()
    assert len(statuses(bot)) == 4


def test_a_step_of_a_delivery_can_be_told_by_hand(twilio, bot, talk):
    talk.messages.create(body="Hi")
    result = twilio.conversations.tell_delivery(twilio.conversations.messages(CHAT)[-1], "read")
    assert (result.status, statuses(bot)) == (200, ["read"])


def test_what_another_program_writes_changes_nothing_about_the_customer(twilio, bot, talk):
    twilio.conversation_writes(CHAT, "+15550111", "Hi", source="SMS")
    twilio.conversation_writes(CHAT, "studio", "A survey", source="API")
    talk.messages.create(body="Hi")
    twilio.drain()
    assert statuses(bot) == ["sent", "delivered"]
