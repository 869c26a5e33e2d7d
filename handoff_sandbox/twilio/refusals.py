"""Validation of new messages, with Twilio's error codes."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from werkzeug.datastructures import MultiDict

from handoff_sandbox.twilio.carrier import OptOuts

Form = MultiDict[str, str]

LONGEST_TEXT = 1600
MOST_FILES = 10
_LONGEST_URL = 4000

_MAGIC_TO = {
    "+15005550001": 21211,
    "+15005550002": 21612,
    "+15005550003": 21408,
    "+15005550004": 21610,
    "+15005550009": 21614,
}
_MAGIC_FROM = {"+15005550001": 21212, "+15005550007": 21606, "+15005550008": 21611}
MAGIC_SENDER = "+15005550006"
"""Twilio's test credentials: https://www.twilio.com/docs/iam/test-credentials."""

_NUMBER = re.compile(r"\+[1-9]\d{6,14}", re.ASCII)
_WHATSAPP = re.compile(
    r"whatsapp:(?:\+[1-9]\d{6,14}|[A-Z]{2}\.(?:ENT\.)?[A-Za-z0-9]{1,128})", re.ASCII
)

_BOOLEAN, _INTEGER = "true|false", r"\d+"
_ONCE = {
    "To": ".*",
    "From": ".*",
    "Body": ".*",
    "StatusCallback": ".*",
    "MessagingServiceSid": ".*",
    "ApplicationSid": "AP[0-9a-fA-F]{32}",
    "MaxPrice": r"\d+(\.\d+)?",
    "ProvideFeedback": _BOOLEAN,
    "Attempt": _INTEGER,
    "ValidityPeriod": _INTEGER,
    "ForceDelivery": _BOOLEAN,
    "SmartEncoded": _BOOLEAN,
    "ShortenUrls": _BOOLEAN,
    "ContentRetention": "retain|discard",
    "AddressRetention": "retain|obfuscate",
    "TrafficType": "free",
    "RiskCheck": "enable|disable",
    "MessageIntent": ".*",
    "ContentSid": "HX[0-9a-fA-F]{32}",
    "ContentVariables": ".*",
}
"""Supported parameters, or harmless ones, with their format."""
_REPEATED = frozenset({"MediaUrl", "PersistentAction"})

_WORDS = {
    21211: "Invalid 'To' Phone Number",
    21212: "Invalid 'From' Number",
    21408: "Permission to send an SMS has not been enabled for the region of the 'To' number",
    21602: "Message body is required.",
    21603: "A 'From' phone number is required.",
    21604: "A 'To' phone number is required.",
    21606: "The 'From' number is not a number of this account that can send messages",
    21609: "The 'StatusCallback' URL is not a valid URL",
    21610: "Attempt to send to unsubscribed recipient",
    21611: "This 'From' number has exceeded the maximum number of queued messages",
    21612: "There is no way to the 'To' number from this 'From' number",
    21614: "'To' number is not a valid mobile number",
    21617: "The concatenated message body exceeds the 1600 character limit",
    21620: "Invalid media URL(s)",
    21623: "Number of media files exceeds allowed limit",
    21655: "The ContentSid is Invalid",
    21656: "The ContentVariables Parameter is Invalid",
    21701: "The Messaging Service does not exist",
    21910: "'From' and 'To' must be addresses of the same channel",
    63007: "Twilio could not find a Channel with the specified From address",
}


class Refusal(Exception):
    """The API refuses; `code` is Twilio's."""

    def __init__(self, status: int, code: int, words: str) -> None:
        super().__init__(words)
        self.status, self.code = status, code


def refuse(code: int) -> Refusal:
    """Returns a refusal of a message."""
    return Refusal(400, code, _WORDS[code])


NOT_FOUND = (404, 20404, "The requested resource was not found")


@dataclass(frozen=True)
class Senders:
    """The senders of an account: its numbers, and the service that chooses among them."""

    sms: str
    whatsapp: str
    service: str

    def choose(self, form: Form) -> str:
        """Returns the sender of a message.

        Raises:
            Refusal: there is none, or it is not the account's.
        """
        service, asked = form.get("MessagingServiceSid"), form.get("From")
        if service and service != self.service:
            raise refuse(21701)
        if asked:
            return self._checked(asked)
        if not service:
            raise refuse(21603)
        return self.whatsapp if form["To"].startswith("whatsapp:") else self.sms

    def _checked(self, asked: str) -> str:
        if asked in (self.sms, self.whatsapp, MAGIC_SENDER):
            return asked
        if asked.startswith("whatsapp:"):
            raise refuse(63007)
        if asked in _MAGIC_FROM:
            raise refuse(_MAGIC_FROM[asked])
        raise refuse(21606 if _NUMBER.fullmatch(asked) else 21212)


def check_parameters(form: Form) -> None:
    """Validates the parameters.

    Twilio ignores unknown parameters. Here they are refused, because ignoring them would hide a mistake; so
    are parameters that the stand-in does not support and that change the result (schedules).

    Raises:
        Refusal: a parameter is unknown or not valid.
    """
    for name, values in form.lists():
        if name in _REPEATED:
            continue
        pattern = _ONCE.get(name)
        if pattern is None:
            raise Refusal(400, 20001, f"Unknown parameter: {name}")
        if len(values) > 1 or not re.fullmatch(pattern, values[0], re.ASCII | re.DOTALL):
            raise Refusal(400, 20001, f"Invalid parameter: {name}")


def check_recipient(to: str) -> None:
    """Validates the recipient.

    Raises:
        Refusal: it is not a valid address.
    """
    if not to:
        raise refuse(21604)
    if to in _MAGIC_TO:
        raise refuse(_MAGIC_TO[to])
    if not (_NUMBER.fullmatch(to) or _WHATSAPP.fullmatch(to)):
        raise refuse(21211)


def check_content(form: Form) -> None:
    """Validates the content: not empty, not too long, with valid addresses.

    Raises:
        Refusal: it is not valid.
    """
    body, media = form.get("Body", ""), form.getlist("MediaUrl")
    is_template = bool(form.get("ContentSid"))
    if is_template and (body or media):
        raise Refusal(400, 20001, "ContentSid goes with neither Body nor MediaUrl")
    if not (is_template or body or media):
        raise refuse(21602)
    if len(body) > LONGEST_TEXT:
        raise refuse(21617)
    if len(media) > MOST_FILES:
        raise refuse(21623)
    if not all(map(_is_url, media)):
        raise refuse(21620)
    callback = form.get("StatusCallback", "")
    if callback and not (_is_url(callback) and "_" not in (urlsplit(callback).hostname or "")):
        raise refuse(21609)


def rendered(form: Form, templates: Mapping[str, str]) -> str:
    """Returns the text of a template with its variables.

    Raises:
        Refusal: it is unknown, or its variables are not valid.
    """
    text = templates.get(form["ContentSid"])
    if text is None:
        raise refuse(21655)
    try:
        values = json.loads(form.get("ContentVariables") or "{}")
    except ValueError:
        raise refuse(21656) from None
    wanted = set(re.findall(r"\{\{(\w+)\}\}", text))
    is_right = isinstance(values, dict) and wanted == values.keys()
    if not is_right or not all(map(_is_value, values.values())):
        raise refuse(21656)
    return re.sub(r"\{\{(\w+)\}\}", lambda found: str(values[found[1]]), text)


def _is_value(value: object) -> bool:
    """WhatsApp's rules: not blank, on one line, and at most four spaces in a row."""
    if not isinstance(value, str) or not value.strip():
        return False
    return not re.search(r"[\r\n\t]| {5}", value)


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and len(text) <= _LONGEST_URL


def check_pair(to: str, sender: str, opt_outs: OptOuts) -> None:
    """Checks that this sender may message this recipient.

    Raises:
        Refusal: it may not.
    """
    if to.startswith("whatsapp:") != sender.startswith("whatsapp:"):
        raise refuse(21910)
    if opt_outs.bar(to, sender):
        raise refuse(21610)
