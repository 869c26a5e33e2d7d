"""Twilio's stand-in, driven by our own channel and so by the unchanged official client."""

from datetime import UTC, datetime, timedelta

import pytest

from handoff_bot.channels import TWILIO, TwilioAccount
from handoff_bot.domain.errors import DeliveryError, OutcomeUnknown
from handoff_bot.domain.messages import DeliveryStatus, OutboundMessage
from handoff_bot.ports import WebhookRequest
from handoff_sandbox.twilio import SharedKey, TwilioStandIn
from tests.sandbox import oracle

PUBLIC = "https://bot.example.com"
SMS, WHATSAPP = "+15550111", "whatsapp:+15550111"
MESSAGES = "/2010-04-01/Accounts/*/Messages.json"


@pytest.fixture
def twilio():
    with TwilioStandIn("AC" + "a" * 32, "token", PUBLIC, "http://127.0.0.1:9") as stand_in:
        yield stand_in
    if oracle.is_there():
        oracle.check_twilio_journal(stand_in.journal)


def account(twilio, **more) -> TwilioAccount:
    return TwilioAccount(
        account_sid=twilio.account_sid,
        auth_tokens=(more.pop("token", "token"),),
        public_base_url=PUBLIC,
        senders={"sms": twilio.sms_number, "whatsapp": twilio.whatsapp_number},
        api_url=twilio.server.url,
        timeout=more.pop("timeout", 5.0),
        **more,
    )


@pytest.fixture
def sms(twilio):
    return TWILIO["sms"](account(twilio))


@pytest.fixture
def whatsapp(twilio):
    return TWILIO["whatsapp"](account(twilio))


def message(to=SMS, text="Hello", sender="") -> OutboundMessage:
    return OutboundMessage("our-id", to, sender, text)


def test_what_we_send_and_what_we_are_told_is_as_twilio_published_it(twilio, sms, whatsapp):
    sms.send(message())
    whatsapp.send(message(to=WHATSAPP))
    sms.sent_since(message(), datetime.now(UTC) - timedelta(minutes=1))
    made = twilio.journal.entries("twilio", MESSAGES)
    assert [entry.method for entry in made] == ["POST", "POST", "GET"]
    for entry in made:
        oracle.check_twilio_request(entry.method, entry.path, entry.request)
        oracle.check_twilio_response(entry.method, entry.path, entry.status, entry.response)


def test_a_message_is_taken_and_found_again(twilio, sms):
    receipt = sms.send(message())
    (sent,) = twilio.phone(SMS)
    assert (receipt.provider_id, sent.body) == (sent.sid, "Hello")
    assert sent.callback == f"{PUBLIC}/webhooks/sms/status?oid=our-id"
    found = sms.sent_since(message(), datetime.now(UTC) - timedelta(minutes=1))
    assert [one.provider_id for one in found] == [sent.sid]


def test_more_than_a_page_is_looked_through(twilio, sms):
    for number in range(120):
        sms.send(message(text=f"{number}"))
    assert len(sms.sent_since(message(text="3"), datetime.now(UTC) - timedelta(minutes=1))) == 1


@pytest.mark.parametrize(
    ("to", "code"),
    [
        ("+15005550001", "21211"),
        ("+15005550002", "21612"),
        ("+15005550003", "21408"),
        ("+15005550004", "21610"),
        ("+15005550009", "21614"),
    ],
)
def test_magic_numbers_are_refused_as_twilios_test_credentials_do(sms, to, code):
    with pytest.raises(DeliveryError) as error:
        sms.send(message(to=to))
    assert (error.value.code, error.value.permanent) == (code, True)


def test_a_text_that_is_too_long_is_refused(sms):
    with pytest.raises(DeliveryError) as error:
        sms.send(message(text="x" * 1601))
    assert error.value.code == "21617"


def test_wrong_credentials_are_refused(twilio):
    with pytest.raises(DeliveryError) as error:
        TWILIO["sms"](account(twilio, token="other")).send(message())
    assert error.value.code == "20003"


def test_an_api_key_sends_too(twilio):
    twilio.secrets.api_keys["SK1"] = "secret"
    keyed = TWILIO["sms"](account(twilio, api_key="SK1", api_secret="secret"))
    assert keyed.send(message()).provider_id


@pytest.mark.parametrize("word", ["STOP", "unsubscribe", " Quit "])
def test_after_stop_nothing_can_be_sent_until_start(twilio, sms, word):
    twilio.customer_writes("sms", SMS, word)
    with pytest.raises(DeliveryError) as error:
        sms.send(message())
    assert error.value.code == "21610"
    twilio.customer_writes("sms", SMS, "START")
    assert sms.send(message()).provider_id


def test_outside_whatsapps_window_the_failure_comes_by_callback(twilio, whatsapp):
    assert whatsapp.send(message(to=WHATSAPP)).provider_id
    twilio.drain()
    (sent,) = twilio.phone(WHATSAPP)
    assert (sent.status, sent.error_code) == ("failed", 63016)
    twilio.customer_writes("whatsapp", "+15550111", "hi")
    whatsapp.send(message(to=WHATSAPP))
    twilio.drain()
    assert twilio.phone(WHATSAPP)[-1].status == "read"


@pytest.mark.parametrize(
    ("fault", "error", "taken"),
    [
        ({"status": 429, "retry_after": 7}, DeliveryError, 0),
        ({"status": 500}, OutcomeUnknown, 0),
        ({"drop": "before"}, OutcomeUnknown, 0),
        ({"drop": "after"}, OutcomeUnknown, 1),
    ],
    ids=["429", "500", "dropped before", "dropped after"],
)
def test_faults_are_what_the_channel_takes_them_for(twilio, sms, fault, error, taken):
    twilio.faults.add(MESSAGES, count=1, **fault)
    with pytest.raises(error) as raised:
        sms.send(message())
    assert not raised.value.permanent
    assert len(twilio.phone(SMS)) == taken
    since = datetime.now(UTC) - timedelta(minutes=1)
    assert len(sms.sent_since(message(), since)) == taken


def test_a_slow_answer_is_an_unknown_outcome_and_is_found(twilio):
    impatient = TWILIO["sms"](account(twilio, timeout=0.2))
    twilio.faults.add(MESSAGES, latency=1.0, count=1)
    with pytest.raises(OutcomeUnknown):
        impatient.send(message())
    twilio.wait_for(lambda: len(twilio.phone(SMS)) == 1)
    assert impatient.sent_since(message(), datetime.now(UTC) - timedelta(minutes=1))


def test_both_schemes_of_signing_are_believed_by_the_channel(twilio, sms):
    form = twilio.inbound_form("sms", SMS, "Hello & goodbye", "SM" + "1" * 32)
    shared = TWILIO["sms"](account(twilio, shared_keys={"k1": "shared"}))
    for channel, key in ((sms, None), (shared, SharedKey("k1", "shared"))):
        twilio.secrets.shared_key = key
        signed = twilio.secrets.headers(f"{PUBLIC}/webhooks/sms", form)
        headers = {name.lower(): value for name, value in signed.items()}
        request = WebhookRequest("/webhooks/sms", "", headers, b"", tuple(form.items()))
        (arrival,) = channel.receive(request)
        assert arrival.text == "Hello & goodbye"


def test_reports_may_be_doubled_shuffled_and_missing(twilio, sms):
    twilio.callbacks.duplicated = twilio.callbacks.shuffled = 1.0
    sms.send(message())
    twilio.drain()
    words = [
        entry.request["MessageStatus"]
        for entry in twilio.journal.entries("twilio")
        if entry.direction == "out"
    ]
    assert sorted(set(words)) == ["delivered", "sent"]
    assert len(words) == 8  # two of each, and each tried twice, for nobody listens
    twilio.callbacks.missing = 1.0
    sms.send(message())
    twilio.drain()
    assert len(twilio.journal.entries("twilio", "/webhooks/sms/status")) == 8


def test_the_statuses_are_words_that_the_channel_knows(twilio, sms):
    assert sms.send(message()).status is DeliveryStatus.ACCEPTED
