"""STOP, START and HELP on SMS, and the 24 hours of WhatsApp."""

import pytest
from twilio.base.exceptions import TwilioRestException

from handoff_sandbox.twilio.carrier import START, STOP, AutoReply, OptOuts

SMS, WHATSAPP = "+15550111", "whatsapp:+15550111"
FROM, WHATSAPP_FROM = "+15550100", "whatsapp:+15550101"


def send(client, to=SMS, from_=FROM):
    return client.messages.create(to=to, from_=from_, body="Hello")


def is_barred(client):
    try:
        return not send(client)
    except TwilioRestException as error:
        return error.code == 21610


@pytest.mark.parametrize("word", [*sorted(STOP), " Stop \n", "STOPALL"])
def test_after_stop_nothing_can_be_sent(twilio, client, bot, word):
    twilio.customer_writes("sms", SMS, word)
    assert is_barred(client)
    assert [message.by_twilio for message in twilio.phone(SMS)] == [True]
    assert [form["Body"] for form in bot.heard] == [word]  # the bot hears of it all the same


@pytest.mark.parametrize("word", [*sorted(START), "Unstop"])
def test_start_takes_stop_back(twilio, client, word):
    twilio.customer_writes("sms", SMS, "STOP")
    twilio.customer_writes("sms", SMS, word)
    assert not is_barred(client)


@pytest.mark.parametrize("text", ["please stop", "stop it", "cancel my order", "the end"])
def test_a_keyword_counts_only_when_it_is_the_whole_message(twilio, client, text):
    twilio.customer_writes("sms", SMS, text)
    assert not is_barred(client)
    assert not any(message.by_twilio for message in twilio.phone(SMS))


def test_stop_concerns_one_customer_on_one_number(twilio, client):
    twilio.customer_writes("sms", "+15550222", "STOP")
    assert not is_barred(client)


def test_stop_concerns_what_a_service_sends_too(twilio, client):
    twilio.customer_writes("sms", SMS, "STOP")
    with pytest.raises(TwilioRestException) as error:
        client.messages.create(
            to=SMS, messaging_service_sid=twilio.messaging_service_sid, body="Hello"
        )
    assert error.value.code == 21610


def test_stop_on_whatsapp_is_left_to_us(twilio, client):
    twilio.customer_writes("whatsapp", "+15550111", "STOP")
    assert send(client, WHATSAPP, WHATSAPP_FROM).sid
    assert not any(message.by_twilio for message in twilio.phone(WHATSAPP))


@pytest.mark.parametrize(
    ("words", "replies"),
    [
        (["STOP"], [AutoReply.STOPPED]),
        (["STOP", "stop"], [AutoReply.STOPPED, None]),
        (["STOP", "HELP"], [AutoReply.STOPPED, None]),
        (["STOP", "START"], [AutoReply.STOPPED, AutoReply.STARTED]),
        (["YES"], [None]),
        (["help", "info"], [AutoReply.HELPED, AutoReply.HELPED]),
    ],
    ids=["stop", "stop twice", "no help", "start", "yes to nothing", "help"],
)
def test_twilio_answers_what_changes_something(words, replies):
    opt_outs = OptOuts()
    assert [opt_outs.hear(SMS, FROM, word) for word in words] == replies


def test_the_same_stop_twice_is_one(twilio):
    for _ in range(2):
        twilio.customer_writes("sms", SMS, "HELP", sid="SM" + "1" * 32)
    assert len(twilio.phone(SMS)) == 1


# -- WhatsApp's window


@pytest.fixture
def written(twilio, bot):
    """The customer has just written."""
    twilio.customer_writes("whatsapp", "+15550111", "Hi")


def outcome(twilio, client):
    """Where a message ends, and what its callbacks said."""
    made = client.messages.create(
        to=WHATSAPP,
        from_=WHATSAPP_FROM,
        body="Hello",
        status_callback="https://bot.example.com/webhooks/whatsapp/status",
    )
    assert made.status == "queued"
    twilio.drain()
    fetched = client.messages(made.sid).fetch()
    return fetched.status, fetched.error_code


def test_a_customer_who_never_wrote_cannot_be_written_to(twilio, client, bot):
    assert outcome(twilio, client) == ("failed", 63016)
    (form,) = bot.heard
    assert (form["MessageStatus"], form["ErrorCode"]) == ("failed", "63016")


@pytest.mark.parametrize(
    ("passed", "ending"),
    [
        ({"hours": 24}, ("read", None)),
        ({"hours": 24, "seconds": 1}, ("failed", 63016)),
    ],
    ids=["24 hours", "a second more"],
)
def test_the_window_is_open_for_24_hours(twilio, client, written, clock, passed, ending):
    clock.advance(**passed)
    assert outcome(twilio, client) == ending


def test_another_message_opens_the_window_again(twilio, client, written, clock):
    clock.advance(hours=30)
    twilio.customer_writes("whatsapp", "+15550111", "Are you there?")
    assert outcome(twilio, client) == ("read", None)


def test_a_hidden_number_has_a_window_of_its_own(twilio, client, written):
    hidden = "US.A1b2C3d4"
    twilio.customer_writes("whatsapp", hidden, "Hi")
    send(client, f"whatsapp:{hidden}", WHATSAPP_FROM)
    send(client, "whatsapp:US.Other", WHATSAPP_FROM)
    twilio.drain()
    assert twilio.phone(f"whatsapp:{hidden}")[0].status == "read"
    assert twilio.phone("whatsapp:US.Other")[0].status == "failed"
