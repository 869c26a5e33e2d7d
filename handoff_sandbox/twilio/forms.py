"""Forms of Twilio's webhooks, with the parameters that real ones have."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from handoff_sandbox.twilio.carrier import segments
from handoff_sandbox.twilio.messages import FAILURES, Message

Form = dict[str, str]

API_VERSION = "2010-04-01"

_PHONE = re.compile(r"whatsapp:\+(\d+)")
_HOME = {"City": "SAN FRANCISCO", "State": "CA", "Zip": "94103", "Country": "US"}
"""The place of all numbers."""
ERRORS = {63016: "Failed to send freeform message because you are outside the allowed window"}


@dataclass(frozen=True)
class Button:
    """A tapped quick reply; `replied_to` is the id of our message with the button."""

    text: str
    payload: str
    replied_to: str = ""


@dataclass(frozen=True)
class Location:
    """A shared location, in decimal degrees."""

    latitude: float
    longitude: float
    label: str = ""
    address: str = ""


@dataclass(frozen=True)
class Utterance:
    """A customer's message.

    Attributes:
        text: its text.
        media: address and content type of each file.
        profile_name, external_user_id: from WhatsApp, "" for none.
    """

    text: str
    media: Sequence[tuple[str, str]] = ()
    profile_name: str = ""
    external_user_id: str = ""
    button: Button | None = None
    location: Location | None = None


def inbound(account: str, sid: str, sender: str, to: str, said: Utterance) -> Form:
    """The webhook for a message from a customer."""
    body = said.button.text if said.button else said.text
    form = {
        "MessageSid": sid,
        "SmsSid": sid,
        "SmsMessageSid": sid,
        "AccountSid": account,
        "From": sender,
        "To": to,
        "Body": body,
        "NumMedia": str(len(said.media)),
        "NumSegments": str(max(1, len(said.media))),
        "SmsStatus": "received",
        "ApiVersion": API_VERSION,
        **_media(said.media),
    }
    if to.startswith("whatsapp:"):
        return form | _whatsapp(sender, to, said)
    return form | _geography() | {"NumSegments": str(segments(body))}


def _media(media: Sequence[tuple[str, str]]) -> Form:
    form: Form = {}
    for n, (url, content_type) in enumerate(media):
        form |= {f"MediaUrl{n}": url, f"MediaContentType{n}": content_type}
    return form


def _geography() -> Form:
    return {f"{end}{name}": value for end in ("From", "To") for name, value in _HOME.items()}


def _whatsapp(sender: str, to: str, said: Utterance) -> Form:
    phone = _PHONE.fullmatch(sender)
    context = {
        "Forwarded": "false",
        "FrequentlyForwarded": "false",
        "ProfileName": said.profile_name,
        **({"WaId": phone[1]} if phone else {}),
        **({"ButtonText": said.button.text} if said.button else {}),
    }
    metadata = {"type": "whatsapp", "data": {"context": context}}
    return {
        **context,
        "MessageType": _message_type(said),
        "ReferralNumMedia": "0",
        "ChannelMetadata": json.dumps(metadata, ensure_ascii=False),
        **_identity(sender, said.external_user_id, has_phone=phone is not None),
        **(_tap(said.button, to) if said.button else {}),
        **(_place(said.location) if said.location else {}),
    }


def _identity(sender: str, external: str, *, has_phone: bool) -> Form:
    """A customer who hides their number has WhatsApp's own id, in both parameters."""
    if not has_phone:
        return {"ExternalUserId": sender}
    return {"ExternalUserId": "whatsapp:" + external.removeprefix("whatsapp:")} if external else {}


def _tap(button: Button, to: str) -> Form:
    tap = {"ButtonText": button.text, "ButtonPayload": button.payload}
    if button.replied_to:
        tap |= {
            "OriginalRepliedMessageSid": button.replied_to,
            "OriginalRepliedMessageSender": to,
        }
    return tap


def _place(location: Location) -> Form:
    place = {"Latitude": str(location.latitude), "Longitude": str(location.longitude)}
    names = {"Label": location.label, "Address": location.address}
    return place | {name: value for name, value in names.items() if value}


def _message_type(said: Utterance) -> str:
    if said.button:
        return "interactive"
    if said.location:
        return "location"
    if not said.media:
        return "text"
    family = said.media[0][1].partition("/")[0]
    return family if family in ("image", "video", "audio") else "document"


def report(account: str, message: Message, status: str, at: datetime) -> Form:
    """The status callback of a message."""
    form = {
        "MessageSid": message.sid,
        "SmsSid": message.sid,
        "MessageStatus": status,
        "SmsStatus": status,
        "AccountSid": account,
        "ApiVersion": API_VERSION,
        "From": message.sender,
        "To": message.to,
    }
    if message.service:
        form["MessagingServiceSid"] = message.service
    if message.is_whatsapp:
        form |= _channel(message.to, status)
    elif status == "delivered":
        form["RawDlrDoneDate"] = f"{at:%y%m%d%H%M}"
    if status in FAILURES:
        form |= {"ErrorCode": str(message.error_code), **_error_message(message)}
    return form


def _channel(to: str, status: str) -> Form:
    form = {
        "ChannelPrefix": "whatsapp",
        "ChannelToAddress": to.removeprefix("whatsapp:")[:-4] + "XXXX",
    }
    return form | ({"EventType": status.upper()} if status in ("delivered", "read") else {})


def _error_message(message: Message) -> Form:
    """Channels explain an error, carriers do not."""
    words = ERRORS.get(message.error_code or 0) if message.is_whatsapp else None
    return {"ErrorMessage": words} if words else {}
