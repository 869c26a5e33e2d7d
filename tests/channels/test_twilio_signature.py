"""A webhook is believed only when one of our secrets signed it, over the address that Twilio knows."""

import hashlib
from dataclasses import replace

import pytest

from handoff_bot.channels import TWILIO
from handoff_bot.channels._twilio import is_signed
from handoff_bot.domain.errors import Unauthentic
from handoff_bot.ports import WebhookRequest
from tests.channels.builders import ACCOUNT, inbound_form, signed, webhook

CALL = (
    ("CallSid", "CA1234567890ABCDE"),
    ("Digits", "1234"),
    ("From", "+14158675309"),
    ("To", "+18005551212"),
    ("Caller", "+14158675309"),
)
REPEATED = (("Sid", "CA123"), ("SidAccount", "AC123"), ("Digits", "5678"), ("Digits", "1234"))
RCS = (("Body", "hi"), ("From", "rcs:+15551234567"), ("MessageSid", "SM1"))
JSON = b'{"property": "value", "boolean": true}'
HASH = "bodySHA256=0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620"
MINE = "https://mycompany.com"
QUERY = "foo=1&bar=2"

# Vectors of Twilio's own SDKs (python, java), one of openclaw's.
VECTORS = {
    "form": (MINE, QUERY, CALL, b"", "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
    "https, port signed": (MINE, QUERY, CALL, b"", "kvajT1Ptam85bY51eRf/AJRuM3w="),
    "http, port signed": ("http://mycompany.com", QUERY, CALL, b"", "0ZXoZLH/DfblKGATFgpif+LLRf4="),
    "http, other port": (
        "http://mycompany.com:1234",
        QUERY,
        CALL,
        b"",
        "Zmvh+3yNM1Phv2jhDCwEM3q5ebU=",
    ),
    "JSON": (MINE, f"{QUERY}&{HASH}", (), JSON, "a9nBmqA0ju/hNViExpshrM61xv4="),
    "JSON, hash alone": (MINE, HASH, (), JSON, "y77kIzt2vzLz71DgmJGsen2scGs="),
    "no parameters": (MINE, QUERY, (), b"", "zYQTYrRWXE7LtzbG4PfP7/bkkGo="),
    "no query": (MINE, "", CALL, b"", "1xaxFBvyzXYvWplzNOSs28HWO94="),
    "repeated values": (
        MINE,
        QUERY,
        (*REPEATED, ("Digits", "1234")),
        b"",
        "IK+Dwps556ElfBT0I3Rgjkr1wJU=",
    ),
}


def request_of(query, form, body, signature, path="/myapp.php"):
    kind = "application/json" if body else "application/x-www-form-urlencoded"
    headers = {"x-twilio-signature": signature, "content-type": kind}
    return WebhookRequest(path, query, headers, body, form)


@pytest.mark.parametrize(
    ("base", "query", "form", "body", "signature"), VECTORS.values(), ids=VECTORS
)
def test_twilios_own_vectors_are_believed(base, query, form, body, signature):
    request = request_of(query, form, body, signature)

    assert is_signed(request, base, ["12345"], {})
    assert not is_signed(request, base, ["12346"], {})
    assert not is_signed(replace(request, query=f"{query}&x=1"), base, ["12345"], {})


def test_openclaws_vector_is_believed():
    request = request_of("", RCS, b"", "QYB6bLhZa+Zesj+IEnLcbIkL8bA=", "/webhooks/rcs")

    assert is_signed(request, "https://gateway.example.com", ["secret"], {})


def test_a_json_body_must_have_the_hash_that_was_signed():
    request = request_of(HASH, (), JSON, "y77kIzt2vzLz71DgmJGsen2scGs=")

    assert not is_signed(replace(request, body=JSON + b" "), MINE, ["12345"], {})


# -- against a whole channel


@pytest.fixture
def channel():
    return TWILIO["sms"](ACCOUNT)


FORM = inbound_form("sms", Body=" blank ends ", Blank="", Extra="é 👋\r\n")
SHARED = {"x-twilio-webhooks-signature-settings": "key=webhooks_sharedkey_1,algorithm=HMAC_SHA256"}

BELIEVED = {
    "current token": signed(webhook("sms", FORM), "current-token"),
    "next token": signed(webhook("sms", FORM), "next-token"),
    "repeated fields": signed(webhook("sms", (*FORM, ("Extra", "2"), ("Extra", "2")))),
    "query": signed(webhook("sms", FORM, query="x=%7Eb&u=http%3A%2F%2Fh&n=%C3%A9+%20&e=")),
    "status path": signed(webhook("sms", FORM, path="/webhooks/sms/status", query="oid=1")),
    "port signed": signed(webhook("sms", FORM), base_url="https://bot.example.com:443"),
    "shared key": signed(
        webhook("sms", FORM, headers=SHARED), "shared-secret", digest=hashlib.sha256
    ),
    "algorithm named though it is the old one": signed(
        webhook(
            "sms", FORM, headers={"x-twilio-webhooks-signature-settings": "algorithm=HMAC_SHA1"}
        )
    ),
}


@pytest.mark.parametrize("request_", BELIEVED.values(), ids=BELIEVED)
def test_what_twilio_signed_is_believed(channel, request_):
    (message,) = channel.receive(request_)

    assert message.text == " blank ends "
    assert message.fields["Blank"] == ""


def settings(text):
    return {"x-twilio-webhooks-signature-settings": text}


def with_header(request, name, value):
    return replace(request, headers=request.headers | {name: value})


OURS = signed(webhook("sms", FORM))
REFUSED = {
    "no signature": webhook("sms", FORM),
    "blank signature": with_header(OURS, "x-twilio-signature", ""),
    "no base64": with_header(OURS, "x-twilio-signature", "é" * 28),
    "empty secret": signed(webhook("sms", FORM), ""),
    "API secret": signed(webhook("sms", FORM), "api-secret"),
    "another path": replace(OURS, path="/webhooks/whatsapp"),
    "another query": replace(OURS, query="oid=1"),
    "query decoded": replace(signed(webhook("sms", FORM, query="x=%7Eb")), query="x=~b"),
    "a field more": replace(OURS, form=(*FORM, ("OptOutType", "START"))),
    "a field less": replace(OURS, form=FORM[:-1]),
    "a field trimmed": replace(OURS, form=inbound_form("sms", Body="blank ends", Blank="")),
    "proxy's host": with_header(
        signed(webhook("sms", FORM), base_url="https://evil.example.com"),
        "x-forwarded-host",
        "evil.example.com",
    ),
    "host": with_header(
        signed(webhook("sms", FORM), base_url="https://evil.example.com"),
        "host",
        "evil.example.com",
    ),
    "plain http": signed(webhook("sms", FORM), base_url="http://bot.example.com"),
    "token under the new algorithm": signed(
        webhook("sms", FORM, headers=SHARED), "current-token", digest=hashlib.sha256
    ),
    "shared key under the old algorithm": signed(webhook("sms", FORM), "shared-secret"),
    "unknown shared key": signed(
        webhook("sms", FORM, headers=settings("key=other,algorithm=HMAC_SHA256")),
        "shared-secret",
        digest=hashlib.sha256,
    ),
    "no shared key": signed(
        webhook("sms", FORM, headers=settings("algorithm=HMAC_SHA256")),
        "",
        digest=hashlib.sha256,
    ),
    "unknown algorithm": signed(webhook("sms", FORM, headers=settings("algorithm=HMAC_MD5"))),
    "body that is no text": replace(
        with_header(OURS, "content-type", "application/json"), body=b"\xff"
    ),
    "JSON without its hash": replace(
        with_header(OURS, "content-type", "application/json"), body=b"{}"
    ),
}


@pytest.mark.parametrize("request_", REFUSED.values(), ids=REFUSED)
def test_anything_else_is_refused(channel, request_):
    with pytest.raises(Unauthentic):
        channel.receive(request_)


def test_a_token_that_was_not_set_believes_nothing():
    unset = TWILIO["sms"](replace(ACCOUNT, auth_tokens=("", ""), shared_keys={"k": ""}))
    shared = webhook("sms", FORM, headers=settings("key=k,algorithm=HMAC_SHA256"))

    for request in (
        signed(webhook("sms", FORM), ""),
        signed(shared, "", digest=hashlib.sha256),
    ):
        with pytest.raises(Unauthentic):
            unset.receive(request)


def test_the_base_address_may_end_in_a_slash_and_have_a_path():
    account = replace(ACCOUNT, public_base_url="https://example.com/bot/")
    request = signed(webhook("sms", FORM), base_url="https://example.com/bot")

    assert TWILIO["sms"](account).receive(request)
