"""An account at Twilio, its channels, and signed webhooks for them."""

import hashlib
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qsl, urlencode

import pytest

from channels import CHANNELS, TwilioAccount
from handoff_bot.domain.messages import OutboundMessage
from handoff_bot.ports import WebhookRequest
from tests.channels.signing import sign

PAYLOADS = Path(__file__).parent / "payloads"

ACCOUNT = TwilioAccount(
    account_sid="AC" + "1" * 32,
    auth_tokens=("current-token", "next-token"),
    shared_keys={"webhooks_sharedkey_1": "shared-secret"},
    api_key="SK" + "2" * 32,
    api_secret="api-secret",
    sms_from="+15555550100",
    whatsapp_from="whatsapp:+15555550101",
    public_base_url="https://bot.example.com",
)
ADDRESSES = {
    "sms": ("+15555550123", "+15555550100"),
    "whatsapp": ("whatsapp:+15555550123", "whatsapp:+15555550101"),
}
"""For each channel a customer's address and ours."""


def payload(kind, name):
    """The form of a recorded payload, and its fields."""
    text = (PAYLOADS / kind / f"{name}.txt").read_text(encoding="utf-8").strip()
    return tuple(parse_qsl(text, keep_blank_values=True, strict_parsing=True))


def inbound_form(kind, **changes):
    """The least that an inbound message holds; a change to None leaves the field out."""
    address, recipient = ADDRESSES[kind]
    fields = {
        "MessageSid": "SM" + "a" * 32,
        "AccountSid": ACCOUNT.account_sid,
        "From": address,
        "To": recipient,
        "Body": "Hello",
        "NumMedia": "0",
    } | changes
    return tuple((name, value) for name, value in fields.items() if value is not None)


def status_form(kind, **changes):
    """The least that a delivery report holds."""
    recipient, address = ADDRESSES[kind]
    fields = {
        "MessageSid": "SM" + "b" * 32,
        "AccountSid": ACCOUNT.account_sid,
        "MessageStatus": "delivered",
        "From": address,
        "To": recipient,
    } | changes
    return tuple((name, value) for name, value in fields.items() if value is not None)


def webhook(kind, form, *, query="", path=None, headers=None):
    """A request that nobody signed."""
    return WebhookRequest(
        path=path or f"/webhooks/{kind}",
        query=query,
        headers={"content-type": "application/x-www-form-urlencoded"} | (headers or {}),
        body=urlencode(form).encode(),
        form=tuple(form),
    )


def signed(request, secret="current-token", *, base_url=None, digest=hashlib.sha1):
    """The request with Twilio's signature."""
    url = (base_url or ACCOUNT.public_base_url) + request.path
    url += f"?{request.query}" if request.query else ""
    signature = sign(secret, url, request.form, digest)
    return replace(request, headers=request.headers | {"x-twilio-signature": signature})


def received(channel, form, **how):
    """What a channel makes of a signed form."""
    return list(channel.receive(signed(webhook(channel.kind, form, **how))))


def outbound(kind, **changes):
    """A message to a customer."""
    to, sender = ADDRESSES[kind]
    return replace(OutboundMessage(oid="oid-1", to=to, sender=sender, text="Hello"), **changes)


@pytest.fixture(params=CHANNELS)
def kind(request):
    """Every channel in turn."""
    return request.param


@pytest.fixture
def channel(kind):
    return CHANNELS[kind](ACCOUNT)
