"""What is a status callback, what is a customer's message, and what is neither."""

import pytest

from handoff_bot.channels import TWILIO
from handoff_bot.domain.messages import DeliveryStatus, DeliveryUpdate, InboundMessage, SenderKind
from tests.channels.builders import ACCOUNT, PHONES, inbound_form, received, status_form

OURS = ACCOUNT.senders


@pytest.fixture(params=PHONES)
def kind(request):
    return request.param


@pytest.fixture
def channel(kind):
    return TWILIO[kind](ACCOUNT)


@pytest.mark.parametrize(
    "more",
    [
        {"Body": "Hello"},
        {"NumMedia": "0"},
        {"Body": "", "NumMedia": "1", "NumSegments": "1"},
        {"Body": "Hello", "NumMedia": "0", "SmsStatus": "received"},
    ],
    ids=["body", "files", "all of it", "and an inbound status"],
)
@pytest.mark.parametrize("at", ["", "/status"])
def test_a_status_callback_is_a_report_whatever_else_it_carries(kind, channel, more, at):
    form = status_form(kind, "delivered", **more)

    (news,) = received(channel, form, path=f"/webhooks/{kind}{at}", query="oid=our-id")

    assert isinstance(news, DeliveryUpdate)
    assert (news.status, news.oid) == (DeliveryStatus.DELIVERED, "our-id")


def test_an_old_status_callback_with_smsstatus_only_is_a_report(kind, channel):
    form = inbound_form(kind, SmsStatus="sent")

    (news,) = received(channel, form)

    assert isinstance(news, DeliveryUpdate)
    assert news.status is DeliveryStatus.SENT


def test_a_report_of_an_inbound_message_at_the_status_address_has_no_effect(kind, channel):
    form = inbound_form(kind, MessageStatus="received")

    assert received(channel, form, path=f"/webhooks/{kind}/status") == []


@pytest.mark.parametrize("sender", OURS.values(), ids=OURS)
def test_one_of_our_own_senders_is_never_a_customer(kind, channel, sender, caplog):
    form = inbound_form(kind, From=sender, SmsStatus="received")

    assert received(channel, form) == []
    assert [record.message for record in caplog.records] == ["message from our own sender ignored"]
    assert sender not in str(vars(caplog.records[0]))


def test_an_inbound_message_with_smsstatus_received_is_a_message(kind, channel):
    (message,) = received(channel, inbound_form(kind, SmsStatus="received"))

    assert isinstance(message, InboundMessage)


SENDERS = {
    "+15555550123": SenderKind.PERSON,
    "+4915112345678": SenderKind.PERSON,
    "+2904123": SenderKind.PERSON,  # Saint Helena has numbers of seven digits in all
    "22395": SenderKind.SHORT_CODE,
    "+22395": SenderKind.SHORT_CODE,
    "242": SenderKind.SHORT_CODE,
    "12345678": SenderKind.SHORT_CODE,
    "AMAZON": SenderKind.NAME,
    "Acme 24": SenderKind.NAME,
    "3M": SenderKind.NAME,
    "rcs:+15555550123": SenderKind.PERSON,
}


@pytest.mark.parametrize(("address", "sender"), SENDERS.items(), ids=SENDERS)
def test_a_text_says_whether_a_person_can_have_sent_it(address, sender):
    (message,) = received(TWILIO["sms"](ACCOUNT), inbound_form("sms", From=address))

    assert message.sender is sender
