"""An account at Twilio, its webhooks, signed or not, and messages to send."""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qsl, urlencode

from handoff_bot.channels import TWILIO, TwilioAccount
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
    senders={"sms": "+15555550100", "whatsapp": "whatsapp:+15555550101"},
    public_base_url="https://bot.example.com",
)
PATH = f"/2010-04-01/Accounts/{ACCOUNT.account_sid}/Messages.json"
URL = f"https://api.twilio.com{PATH}"
CHAT, SERVICE, CHAT_MESSAGE = "CH" + "4" * 32, "IS" + "5" * 32, "IM" + "a" * 32
CHAT_PATH = f"/v1/Services/{SERVICE}/Conversations/{CHAT}/Messages"
CHAT_URL = f"https://conversations.twilio.com{CHAT_PATH}"
NINE = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
PHONES = tuple(kind for kind in TWILIO if kind != "conversations")
"""The channels to phones themselves: keywords are heard on them, and reports carry our own ids."""
ADDRESSES = {
    "sms": ("+15555550123", "+15555550100"),
    "whatsapp": ("whatsapp:+15555550123", "whatsapp:+15555550101"),
    "conversations": (CHAT, SERVICE),
}
"""For each channel a customer's address and ours."""
URLS = dict.fromkeys(PHONES, URL) | {"conversations": CHAT_URL}
"""Where each channel's messages are made and listed."""
NOTHING: dict[str, dict] = {kind: {"messages": []} for kind in PHONES} | {
    "conversations": {"messages": [], "meta": {"key": "messages", "next_page_url": None}},
}
"""An empty list of messages, as each API says it."""
NEEDED = dict.fromkeys(PHONES, ("MessageSid", "From", "To")) | {
    "conversations": ("MessageSid", "ConversationSid", "EventType"),
}
"""What each channel's messages must hold."""
STATUS_NAMES = dict.fromkeys(PHONES, "MessageStatus") | {"conversations": "Status"}
"""What each channel's reports call the status."""


REFUSALS = {
    "opted out": (400, 21610, True),
    "no such address": (400, 21211, True),
    "no mobile": (400, 21614, True),
    "no address": (400, 21604, True),
    "bad sender": (400, 21212, True),
    "foreign sender": (400, 21606, True),
    "country": (400, 21408, True),
    "no route": (400, 21612, True),
    "body over the limit": (400, 21617, True),
    "template": (400, 21656, True),
    "window": (400, 63016, True),
    "not on WhatsApp": (400, 63003, True),
    "invalid recipient": (400, 63024, True),
    "credentials": (401, 20003, True),
    "daily limit": (429, 63038, True),
    "channel limit": (429, 63018, False),
    "account limit": (429, 63017, False),
    "concurrency": (429, 20429, False),
    "queue full": (400, 21611, False),
    "unknown refusal": (400, 29999, True),
    "unknown hurry": (429, 29998, False),
    "slow request": (408, 29997, False),
    "moved": (301, 29996, True),
}
"""Refusals by what is wrong: HTTP status, Twilio's code, whether trying again cannot help."""


def payload(kind, name):
    """The form of a recorded payload."""
    text = (PAYLOADS / kind / f"{name}.txt").read_text(encoding="utf-8").strip()
    return tuple(parse_qsl(text, keep_blank_values=True, strict_parsing=True))


def inbound_form(kind, **changes):
    """The least that an inbound message holds; a change to None leaves the field out."""
    address, recipient = ADDRESSES[kind]
    if kind == "conversations":
        fields = {
            "EventType": "onMessageAdded",
            "MessageSid": CHAT_MESSAGE,
            "ConversationSid": address,
            "ChatServiceSid": recipient,
            "Source": "SDK",
            "ClientIdentity": "dana",
            "Author": "dana",
        }
    else:
        fields = {
            "MessageSid": "SM" + "a" * 32,
            "From": address,
            "To": recipient,
            "NumMedia": "0",
        }
    return _form(fields | {"AccountSid": ACCOUNT.account_sid, "Body": "Hello"} | changes)


def status_form(kind, status="delivered", **changes):
    """The least that a delivery report holds."""
    recipient, address = ADDRESSES[kind]
    if kind == "conversations":
        fields = {"EventType": "onDeliveryUpdated", "ConversationSid": recipient}
    else:
        fields = {"From": address, "To": recipient}
    fields |= {"MessageSid": "SM" + "b" * 32, STATUS_NAMES[kind]: status}
    return _form(fields | {"AccountSid": ACCOUNT.account_sid} | changes)


def _form(fields):
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


def signed(request, secret=ACCOUNT.auth_tokens[0], *, base_url=None, digest=hashlib.sha1):
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


def listed(**changes):
    """A message of ours as Twilio lists it."""
    return {
        "sid": "SM1",
        "status": "sent",
        "direction": "outbound-api",
        "body": "Hello",
        "from": "+15555550100",
        "to": "+15555550123",
        "date_created": "Mon, 23 Nov 2026 09:00:00 +0000",
    } | changes
