"""After a crash or a timeout Twilio is asked what it has taken."""

import pytest
import requests

from handoff_bot.channels import TWILIO
from handoff_bot.domain.errors import DeliveryError, OutcomeUnknown
from handoff_bot.domain.messages import DeliveryStatus
from tests.channels.builders import ACCOUNT, NINE, PATH, URL, listed, outbound


def found(api, *messages, text="Hello", since=NINE):
    api.get(URL, json={"messages": list(messages)})
    return TWILIO["sms"](ACCOUNT).sent_since(outbound("sms", text=text), since)


COPIES = {
    "the same": {},
    "by a Messaging Service": {"from": "+15555550190", "messaging_service_sid": "MG1"},
    "before it has a sender": {"from": None, "status": "accepted"},
    "by TwiML": {"direction": "outbound-reply"},
    "within Twilio's whole seconds": {"date_created": "Mon, 23 Nov 2026 08:59:58 +0000"},
    "later": {"date_created": "Mon, 23 Nov 2026 09:10:00 +0000"},
    "of a trial account": {"body": "Sent from your Twilio trial account - Hello"},
    "trimmed on its way": {"body": "Hello"},
}


@pytest.mark.parametrize("changes", COPIES.values(), ids=COPIES)
def test_a_message_that_twilio_took_is_found(api, changes):
    assert [one.provider_id for one in found(api, listed(**changes), text="Hello\n")] == ["SM1"]
    assert api.calls[0].request.params["To"] == "+15555550123"


OTHERS = {
    "other words": {"body": "Hello!"},
    "no words": {"body": None},
    "the customer's": {"direction": "inbound"},
    "earlier": {"date_created": "Mon, 23 Nov 2026 08:59:57 +0000"},
    "no date": {"date_created": None},
}


@pytest.mark.parametrize("changes", OTHERS.values(), ids=OTHERS)
def test_other_messages_are_not_taken_for_it(api, changes):
    assert found(api, listed(**changes)) == []


def test_what_is_found_comes_oldest_first(api):
    messages = [
        listed(sid="SM4", date_created="Mon, 23 Nov 2026 09:00:01 +0000"),
        listed(sid="SM3", date_created="Mon, 23 Nov 2026 09:00:02 +0000"),
        listed(sid="SM2"),
        listed(sid="SM1"),
    ]

    assert [one.provider_id for one in found(api, *messages)] == ["SM1", "SM2", "SM4", "SM3"]


def test_a_found_receipt_says_how_far_it_is_but_never_that_it_failed(api):
    messages = [listed(status=word) for word in ("failed", "read", "accepted", "new-word")]

    assert [one.status for one in found(api, *messages)] == [
        DeliveryStatus.ACCEPTED,
        DeliveryStatus.ACCEPTED,
        DeliveryStatus.READ,
        DeliveryStatus.ACCEPTED,
    ]


def test_no_more_than_three_pages_are_read(api):
    page = {"messages": [listed(body="Other")] * 100, "next_page_uri": PATH + "?Page=1"}
    api.get(URL, json=page)

    assert TWILIO["sms"](ACCOUNT).sent_since(outbound("sms"), NINE) == []
    assert len(api.calls) == 3


UNASKABLE = {
    "credentials": ({"json": {"code": 20003}, "status": 401}, True, "20003"),
    "in trouble": ({"json": {"code": 20500}, "status": 500}, False, "20500"),
    "gateway": ({"body": "<html>", "status": 502}, False, "502"),
    "busy": ({"json": {"code": 20429}, "status": 429}, False, "20429"),
    "timeout": ({"body": requests.ReadTimeout()}, False, "unreachable"),
    "no sense": ({"body": "<html>"}, False, "unreachable"),
    "no messages": ({"json": {}}, False, "unreachable"),
}


@pytest.mark.parametrize(("answer", "permanent", "code"), UNASKABLE.values(), ids=UNASKABLE)
def test_a_twilio_that_cannot_be_asked_is_no_doubt_about_the_message(api, answer, permanent, code):
    api.get(URL, **answer)

    with pytest.raises(DeliveryError) as failure:
        TWILIO["sms"](ACCOUNT).sent_since(outbound("sms"), NINE)

    assert not isinstance(failure.value, OutcomeUnknown)
    assert (failure.value.permanent, failure.value.code) == (permanent, code)
