"""What leaves for Twilio, as one HTTP exchange at a time."""

import json
import ssl
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
from urllib3 import HTTPSConnectionPool
from urllib3.connection import HTTPConnection
from urllib3.exceptions import (
    ConnectTimeoutError,
    MaxRetryError,
    NewConnectionError,
    ProtocolError,
    SSLError,
)

from handoff_bot.channels import TWILIO
from handoff_bot.domain.errors import DeliveryError, OutcomeUnknown
from handoff_bot.domain.messages import Template
from tests.channels.builders import ACCOUNT, NINE, PATH, PHONES, URL, listed, outbound

MADE = {"sid": "SM1", "status": "queued", "date_created": "Mon, 23 Nov 2026 09:00:07 +0000"}


def sent(api, kind="sms", account=ACCOUNT, **changes):
    api.post(URL, json=MADE, status=201)
    TWILIO[kind](account).send(outbound(kind, **changes))
    return dict(parse_qsl(api.calls[-1].request.body))


# -- what is sent


def test_a_message_leaves_with_our_own_id_in_its_callback(api):
    assert sent(api, oid="a b/ü", text="Hëllo 👋") == {
        "To": "+15555550123",
        "From": "+15555550100",
        "Body": "Hëllo 👋",
        "StatusCallback": "https://bot.example.com/webhooks/sms/status?oid=a+b%2F%C3%BC",
    }


def test_a_file_goes_along_with_its_words_and_without(api):
    url = "https://bot.example.com/files/token/a.jpg"
    form = sent(api, text="Look", media=(url,))
    assert (form["MediaUrl"], form["Body"]) == (url, "Look")
    assert "Body" not in sent(api, text="", media=(url,))


def test_twilio_must_be_able_to_fetch_files_from_us(api):
    with pytest.raises(DeliveryError, match="public address") as failure:
        TWILIO["sms"](ACCOUNT).send(outbound("sms", media=("/files/token/a.jpg",)))
    assert failure.value.permanent


def test_a_template_goes_alone_with_its_values_as_json(api):
    template = Template("HX1", {"1": 'Da"na'})
    form = sent(api, "whatsapp", text="Hi Dana", template=template)
    assert (form["ContentSid"], json.loads(form["ContentVariables"])) == ("HX1", {"1": 'Da"na'})
    assert not {"Body", "MediaUrl"} & form.keys()


@pytest.mark.parametrize("changes", [{"media": ("https://x/y",)}, {"template": Template("HX1")}])
def test_chats_of_conversations_get_words_alone(changes):
    with pytest.raises(DeliveryError, match="Only text") as failure:
        TWILIO["conversations"](ACCOUNT).send(outbound("conversations", **changes))
    assert failure.value.permanent


def test_what_was_sent_with_a_file_is_not_taken_for_words_alone(api):
    api.get(URL, json={"messages": [listed(num_media="1"), listed(sid="SM2", num_media="0")]})
    phone = TWILIO["sms"](ACCOUNT)
    file, words = outbound("sms", media=("https://x/y",)), outbound("sms")
    assert [one.provider_id for one in phone.sent_since(file, NINE)] == ["SM1"]
    assert [one.provider_id for one in phone.sent_since(words, NINE)] == ["SM2"]


def test_a_receipt_says_when_it_was_made(api):
    api.post(URL, json=MADE, status=201)

    receipt = TWILIO["sms"](ACCOUNT).send(outbound("sms"))

    assert receipt.created_at == datetime(2026, 11, 23, 9, 0, 7, tzinfo=UTC)


SENDERS = {
    "who was written to": ("sms", {"sender": "+15555550177"}, {}, {"From": "+15555550177"}),
    "the configured number": ("sms", {"sender": ""}, {}, {"From": "+15555550100"}),
    "the Messaging Service": (
        "sms",
        {"sender": ""},
        {"senders": {}, "messaging_service_sid": "MG1"},
        {"MessagingServiceSid": "MG1"},
    ),
    "the configured WhatsApp number": (
        "whatsapp",
        {"sender": ""},
        {},
        {"From": "whatsapp:+15555550101"},
    ),
    "a WhatsApp number without prefix": (
        "whatsapp",
        {"sender": ""},
        {"senders": {"whatsapp": "+15555550109"}},
        {"From": "whatsapp:+15555550109"},
    ),
}


@pytest.mark.parametrize(("kind", "message", "account", "wanted"), SENDERS.values(), ids=SENDERS)
def test_a_message_leaves_from(api, kind, message, account, wanted):
    form = sent(api, kind, replace(ACCOUNT, **account), **message)

    senders = ("From", "MessagingServiceSid")
    assert {name: value for name, value in form.items() if name in senders} == wanted


@pytest.mark.parametrize("kind", PHONES)
def test_without_any_sender_nothing_leaves(kind):
    nobody = replace(ACCOUNT, senders={})

    with pytest.raises(DeliveryError, match="No sender is configured") as failure:
        TWILIO[kind](nobody).send(outbound(kind, sender=""))

    assert failure.value.permanent


CREDENTIALS = {
    "API key": ({}, (ACCOUNT.api_key, "api-secret")),
    "auth token": ({"api_key": "", "api_secret": ""}, (ACCOUNT.account_sid, "current-token")),
}


@pytest.mark.parametrize(("account", "wanted"), CREDENTIALS.values(), ids=CREDENTIALS)
def test_it_is_sent_with(api, account, wanted):
    sent(api, account=replace(ACCOUNT, **account))

    basic = requests.auth._basic_auth_str(*wanted)
    assert api.calls[0].request.headers["Authorization"] == basic


def test_the_sdks_own_environment_changes_nothing(api, monkeypatch):
    for name in ("TWILIO_REGION", "TWILIO_EDGE", "TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN"):
        monkeypatch.setenv(name, "elsewhere")

    sent(api)

    assert api.calls[0].request.url == URL


def test_no_answer_is_waited_for_longer_than_configured(api):
    sent(api, account=replace(ACCOUNT, timeout=3.5))

    assert api.calls[0].request.req_kwargs["timeout"] == 3.5


# -- what goes wrong


def max_retries(reason):
    return MaxRetryError(HTTPSConnectionPool("api.twilio.com"), PATH, reason)


NEVER_LEFT = {
    "refused": requests.ConnectionError(
        max_retries(NewConnectionError(HTTPConnection("api.twilio.com"), "refused"))
    ),
    "connect timeout": requests.ConnectTimeout(max_retries(ConnectTimeoutError("slow"))),
    "bad certificate": requests.exceptions.SSLError(
        max_retries(SSLError(ssl.SSLCertVerificationError("expired")))
    ),
    "no proxy": requests.exceptions.ProxyError(max_retries(OSError("no proxy"))),
}
MAY_HAVE_LEFT = {
    "reset": requests.ConnectionError(ProtocolError("aborted", ConnectionResetError())),
    "broken TLS": requests.exceptions.SSLError(max_retries(SSLError(ssl.SSLError("bad record")))),
    "half an answer": requests.exceptions.ChunkedEncodingError("broken"),
    "anything": requests.RequestException(),
}


@pytest.mark.parametrize("error", NEVER_LEFT.values(), ids=NEVER_LEFT)
def test_what_never_left_may_be_sent_again(api, error):
    api.post(URL, body=error)

    with pytest.raises(DeliveryError) as failure:
        TWILIO["sms"](ACCOUNT).send(outbound("sms"))

    assert not isinstance(failure.value, OutcomeUnknown)
    assert not failure.value.permanent


@pytest.mark.parametrize("error", MAY_HAVE_LEFT.values(), ids=MAY_HAVE_LEFT)
def test_of_what_may_have_left_the_outcome_is_unknown(api, error):
    api.post(URL, body=error)

    with pytest.raises(OutcomeUnknown):
        TWILIO["sms"](ACCOUNT).send(outbound("sms"))


PAUSES = {
    "seconds": ({"Retry-After": "7"}, 7.0),
    "too many": ({"Retry-After": "9" * 400}, 3600.0),
    "a date": ({"Retry-After": "Mon, 23 Nov 2026 09:00:07 GMT"}, None),
    "nothing": ({}, None),
}


@pytest.mark.parametrize(("headers", "pause"), PAUSES.values(), ids=PAUSES)
def test_a_busy_twilio_is_left_alone_for_as_long_as_it_asks(api, headers, pause):
    api.post(URL, json={"code": 20429}, status=429, headers=headers)

    with pytest.raises(DeliveryError) as failure:
        TWILIO["sms"](ACCOUNT).send(outbound("sms"))

    assert failure.value.retry_after == pause
    assert not failure.value.permanent


ERROR_FORMATS = {
    "old": ({"code": 21610, "message": "…", "status": 400}, "21610"),
    "RFC 9457": ({"type": "…", "title": "…", "status": 400, "code": 21610}, "21610"),
    "RFC 9457, as text": ({"type": "…", "title": "…", "status": 400, "code": "21610"}, "21610"),
    "no code": ({"message": "…"}, "400"),
    "odd code": ({"code": [1]}, "400"),
    "no object": (["…"], "400"),
}


@pytest.mark.parametrize(("body", "code"), ERROR_FORMATS.values(), ids=ERROR_FORMATS)
def test_every_error_format_is_understood(api, body, code):
    api.post(URL, json=body, status=400)

    with pytest.raises(DeliveryError) as failure:
        TWILIO["sms"](ACCOUNT).send(outbound("sms"))

    assert (failure.value.code, failure.value.permanent) == (code, True)


# -- another host


def test_nothing_leaves_for_another_host_than_the_configured_one(api):
    stand_in = TWILIO["sms"](replace(ACCOUNT, api_url="http://127.0.0.1:4010/twilio/"))
    base = "http://127.0.0.1:4010/twilio"
    next_page = "https://api.twilio.com/2010-04-01/second?Page=1"
    meta = {"key": "messages", "next_page_url": next_page}
    api.post(f"{base}{PATH}", json=MADE, status=201)
    api.get(f"{base}{PATH}", json={"meta": meta, "messages": []})
    api.get(f"{base}/2010-04-01/second", json={"messages": [listed()]})

    stand_in.send(outbound("sms"))
    found = stand_in.sent_since(outbound("sms"), NINE)

    assert [receipt.provider_id for receipt in found] == ["SM1"]
    assert {urlsplit(call.request.url).netloc for call in api.calls} == {"127.0.0.1:4010"}


def test_a_proxy_is_another_host_too(api, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.example.com:3128")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    api.post(f"http://stand-in.test{PATH}", json=MADE, status=201)

    TWILIO["sms"](replace(ACCOUNT, api_url="http://stand-in.test")).send(outbound("sms"))

    assert not api.calls[0].request.req_kwargs["proxies"]


def test_a_redirect_is_not_followed(api):
    api.post(URL, status=307, headers={"Location": "https://evil.example.com/"})

    with pytest.raises(DeliveryError) as failure:
        TWILIO["sms"](ACCOUNT).send(outbound("sms"))

    assert failure.value.permanent
    assert len(api.calls) == 1
