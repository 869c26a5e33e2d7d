"""What every channel over Twilio owes besides the contract: Twilio's forms, statuses and refusals."""

import logging

import pytest
import requests

from handoff_bot.channels import TWILIO
from handoff_bot.domain.errors import DeliveryError, Malformed, OutcomeUnknown, Unauthentic
from handoff_bot.domain.messages import DeliveryStatus, DeliveryUpdate, InboundMessage
from tests.channels.builders import (
    ACCOUNT,
    ADDRESSES,
    NEEDED,
    NINE,
    NOTHING,
    PAYLOADS,
    PHONES,
    REFUSALS,
    URLS,
    inbound_form,
    outbound,
    payload,
    received,
    signed,
    status_form,
    webhook,
)

RECORDED = [(file.parent.name, file.stem) for file in sorted(PAYLOADS.glob("*/*.txt"))]
FORMS = {"an inbound message": inbound_form, "a delivery report": status_form}


def test_every_channel_knows_its_kind_and_its_limits(kind, channel):
    assert channel.kind == kind
    assert channel.limits.text > 0


def test_every_channel_has_recorded_payloads(kind):
    assert kind in {recorded_for for recorded_for, _ in RECORDED}


# -- authenticity


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_what_nobody_signed_is_refused(kind, channel, form):
    with pytest.raises(Unauthentic):
        channel.receive(webhook(kind, form(kind)))


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_what_somebody_else_signed_is_refused(kind, channel, form):
    with pytest.raises(Unauthentic):
        channel.receive(signed(webhook(kind, form(kind)), "guessed"))


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("account", ["AC" + "9" * 32, "", None], ids=["foreign", "blank", "none"])
def test_what_is_for_another_account_is_refused(kind, channel, form, account):
    with pytest.raises(Unauthentic):
        received(channel, form(kind, AccountSid=account))


def test_the_signature_is_looked_at_before_anything_else(kind, channel):
    with pytest.raises(Unauthentic):
        channel.receive(webhook(kind, ()))


# -- what is received


@pytest.mark.parametrize(("kind", "name"), RECORDED, ids=lambda part: part)
def test_every_field_of_a_recorded_payload_is_kept(kind, name):
    form = payload(kind, name)

    (arrival,) = received(TWILIO[kind](ACCOUNT), form)

    assert arrival.fields == dict(form)
    assert arrival.channel == kind
    assert arrival.provider_id == dict(form)["MessageSid"]


@pytest.mark.parametrize(("kind", "name"), RECORDED, ids=lambda part: part)
def test_the_same_payload_has_the_same_id_each_time(kind, name):
    channel, form = TWILIO[kind](ACCOUNT), payload(kind, name)

    assert received(channel, form) == received(channel, form)


def test_a_message_says_who_wrote_to_whom_and_what(kind, channel):
    address, recipient = ADDRESSES[kind]

    (message,) = received(channel, inbound_form(kind, Body="  Two\n lines \n"))

    assert isinstance(message, InboundMessage)
    assert (message.address, message.recipient) == (address, recipient)
    assert message.text == "  Two\n lines \n"
    assert (message.consent, message.media, message.aliases) == (None, (), ())


@pytest.mark.parametrize("value", [None, "", "  "], ids=["missing", "empty", "blank"])
def test_a_message_without_a_field_it_must_have_is_malformed(kind, channel, value):
    for name in NEEDED[kind]:
        with pytest.raises(Malformed, match=name):
            received(channel, inbound_form(kind, **{name: value}))


@pytest.mark.parametrize("value", [None, "", "  "], ids=["missing", "empty", "blank"])
def test_a_delivery_report_without_an_id_is_malformed(kind, channel, value):
    with pytest.raises(Malformed, match="MessageSid"):
        received(channel, status_form(kind, MessageSid=value))


def test_a_message_of_another_channel_is_malformed(kind, channel):
    for other in ADDRESSES.keys() - {kind}:
        with pytest.raises(Malformed, match=r"From|EventType"):
            received(channel, inbound_form(other))


# -- delivery reports

WORDS = {
    "accepted": DeliveryStatus.ACCEPTED,
    "scheduled": DeliveryStatus.ACCEPTED,
    "queued": DeliveryStatus.ACCEPTED,
    "sending": DeliveryStatus.ACCEPTED,
    "sent": DeliveryStatus.SENT,
    "partially_delivered": DeliveryStatus.SENT,
    "delivered": DeliveryStatus.DELIVERED,
    "read": DeliveryStatus.READ,
    "undelivered": DeliveryStatus.FAILED,
    "failed": DeliveryStatus.FAILED,
    "canceled": DeliveryStatus.FAILED,
}


@pytest.mark.parametrize(("word", "status"), WORDS.items(), ids=WORDS)
def test_a_delivery_report_says_how_far_a_message_is(kind, channel, word, status):
    form = status_form(kind, word)

    (news,) = received(channel, form, path=f"/webhooks/{kind}/status", query="oid=a%2Fb+c")

    assert isinstance(news, DeliveryUpdate)
    assert (news.status, news.oid) == (status, "a/b c" if kind in PHONES else "")


@pytest.mark.parametrize("word", ["received", "receiving"])
def test_a_report_about_an_inbound_message_is_no_news(kind, channel, word, caplog):
    assert received(channel, status_form(kind, word)) == []
    assert caplog.records == []


@pytest.mark.parametrize("word", ["teleported", "", "Delivered"])
def test_an_unknown_status_word_is_logged_and_ignored(kind, channel, word, caplog):
    assert received(channel, status_form(kind, word)) == []
    assert [record.message for record in caplog.records] == ["unknown delivery status"]


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("21610", "STOP"),
        ("63016", "24-hour"),
        ("99999", "not delivered"),
        ("InvalidSandboxRequest", "not delivered"),
    ],
)
def test_a_failure_is_explained_in_plain_words_with_its_code(kind, channel, code, words):
    (news,) = received(channel, status_form(kind, "failed", ErrorCode=code))

    assert news.error_code == code
    assert words in news.error
    assert code in news.error


def test_a_failure_without_a_code_is_explained_too(kind, channel):
    (news,) = received(channel, status_form(kind, "undelivered", ErrorCode=""))

    assert news.error_code == ""
    assert "gave no reason" in news.error


@pytest.mark.parametrize("code", [None, "", "0"], ids=["none", "empty", "zero"])
def test_what_arrived_has_nothing_to_explain(kind, channel, code):
    (news,) = received(channel, status_form(kind, ErrorCode=code))

    assert (news.error_code, news.error, news.oid) == ("", "", "")


# -- sending


def refuse(api, kind, status, code):
    problem = {"code": code, "message": "The number +15555550123 …", "status": status}
    api.post(URLS[kind], json=problem, status=status)


@pytest.mark.parametrize(("status", "code", "permanent"), REFUSALS.values(), ids=REFUSALS)
def test_a_refusal_says_whether_trying_again_can_help(kind, channel, api, status, code, permanent):
    refuse(api, kind, status, code)

    with pytest.raises(DeliveryError) as refusal:
        channel.send(outbound(kind))

    assert not isinstance(refusal.value, OutcomeUnknown)
    assert (refusal.value.permanent, refusal.value.code) == (permanent, str(code))
    assert str(code) in str(refusal.value)
    assert "+1555" not in str(refusal.value)


def test_without_an_answer_the_outcome_is_unknown(kind, channel, api):
    api.post(URLS[kind], body=requests.ReadTimeout("Read timed out."))

    with pytest.raises(OutcomeUnknown):
        channel.send(outbound(kind))


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_after_a_server_error_the_outcome_is_unknown(kind, channel, api, status):
    refuse(api, kind, status, 20500)

    with pytest.raises(OutcomeUnknown):
        channel.send(outbound(kind))


@pytest.mark.parametrize("body", ["<html>", "[]", "{}", "", '"ok"'])
def test_after_an_answer_without_sense_the_outcome_is_unknown(kind, channel, api, body):
    api.post(URLS[kind], body=body, status=201)

    with pytest.raises(OutcomeUnknown):
        channel.send(outbound(kind))


def test_a_receipt_says_what_the_provider_made_of_it(kind, channel, api):
    api.post(URLS[kind], json={"sid": "SM1", "status": "queued"}, status=201)

    receipt = channel.send(outbound(kind))

    taken = DeliveryStatus.ACCEPTED if kind in PHONES else DeliveryStatus.SENT
    assert (receipt.provider_id, receipt.status) == ("SM1", taken)


# -- secrets and customers


def test_nothing_shows_a_secret(channel):
    shown = f"{ACCOUNT!r} {ACCOUNT} {channel!r} {vars(channel)!r}"

    for secret in ("current-token", "next-token", "shared-secret", "api-secret"):
        assert secret not in shown


def test_nothing_is_logged_that_names_a_customer_or_holds_a_secret(kind, channel, api, caplog):
    caplog.set_level(logging.DEBUG)
    api.post(URLS[kind], json={"sid": "SM1", "status": "queued"}, status=201)
    api.get(URLS[kind], json=NOTHING[kind])
    url = "https://evil.example.com/+15555550123"
    form = inbound_form(kind, MediaUrl0=url, Media=f'[{{"Sid": "{url}"}}]', ProfileName="Dana")

    message = outbound(kind, text="Dear customer")
    channel.send(message)
    channel.sent_since(message, NINE)
    received(channel, form)
    with pytest.raises(Unauthentic):
        channel.receive(webhook(kind, form))

    logged = "".join(str(vars(record)) for record in caplog.records)
    for secret in ("5555550123", "Dear customer", "Hello", "token", "secret", "evil.example.com"):
        assert secret not in logged
