"""Parses Twilio's forms: inbound messages and status callbacks.

Parameters: https://www.twilio.com/docs/messaging/guides/webhook-request. Twilio adds new ones
without notice, so all of them are kept.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count, takewhile

from handoff_bot.channels._twilio_context import context_of
from handoff_bot.channels._twilio_errors import UNEXPLAINED, in_words
from handoff_bot.domain.consent import plain
from handoff_bot.domain.delivery import DeliveryStatus
from handoff_bot.domain.errors import Malformed
from handoff_bot.domain.messages import (
    Consent,
    DeliveryUpdate,
    InboundMessage,
    Media,
    SenderKind,
)

logger = logging.getLogger(__name__)

Fields = dict[str, str]

STATUSES: dict[str, DeliveryStatus | None] = {
    "accepted": DeliveryStatus.ACCEPTED,
    "scheduled": DeliveryStatus.ACCEPTED,
    "queued": DeliveryStatus.ACCEPTED,
    "sending": DeliveryStatus.ACCEPTED,
    "sent": DeliveryStatus.SENT,
    "partially_delivered": DeliveryStatus.SENT,  # not the whole message
    "delivered": DeliveryStatus.DELIVERED,
    "read": DeliveryStatus.READ,
    "undelivered": DeliveryStatus.FAILED,
    "failed": DeliveryStatus.FAILED,
    "canceled": DeliveryStatus.FAILED,
    "receiving": None,  # of inbound messages, not relevant here
    "received": None,
}
"""Our status for each Twilio status."""

KEYWORDS: dict[str, Consent] = {
    **dict.fromkeys(
        ("STOP", "UNSUBSCRIBE", "END", "QUIT", "STOPALL", "REVOKE", "OPTOUT", "CANCEL"),
        Consent.STOP,
    ),
    **dict.fromkeys(("START", "UNSTOP"), Consent.START),
    **dict.fromkeys(("HELP", "INFO"), Consent.HELP),
}
"""Twilio's default keywords except YES: it also accepts an offer, so it counts as START only if
Twilio says so (OptOutType). Where Twilio does not handle opt-outs, plain opt-outs count instead.
"""

_INBOUND_MARKS = frozenset({"Body", "NumMedia"})
_OF_INBOUND = frozenset({"", "received", "receiving"})
"""Statuses of inbound messages."""
_PREFIX = re.compile(r"[a-z]+:", re.ASCII)
_LONGEST_SHORT_CODE = 8
"""Digits without "+". With "+", a number this short is also a short code, because no phone number is."""
_SHORTEST_NUMBER = 7


@dataclass(frozen=True)
class MediaHome:
    """Where our account's files may be downloaded from; any other URL is chosen by the sender."""

    account_sid: str
    api_url: str = ""

    @property
    def messages(self) -> str:
        """Returns the URL of the account's messages."""
        host = self.api_url.rstrip("/") or "https://api.twilio.com"
        return f"{host}/2010-04-01/Accounts/{self.account_sid}/Messages"

    def holds(self, url: str) -> bool:
        hosts = ("https://api.twilio.com", self.api_url.rstrip("/"))
        host = "|".join(re.escape(host) for host in hosts if host)
        account = re.escape(self.account_sid)
        file = f"({host})/2010-04-01/Accounts/{account}/Messages/[A-Za-z0-9]+/Media/[A-Za-z0-9]+"
        return re.fullmatch(file, url) is not None


def fields_of(form: tuple[tuple[str, str], ...]) -> Fields:
    """Returns every field unchanged; the second value of a repeated name is kept as "Name[2]", and
    so on.
    """
    fields: Fields = {}
    for name, value in form:
        key, numbers = name, count(2)
        while key in fields:
            key = f"{name}[{next(numbers)}]"
        fields[key] = value
    return fields


def is_report(fields: Fields, *, at_its_address: bool) -> bool:
    """Returns whether it is about a message that we sent, whatever else it contains.

    Inbound messages have SmsStatus=received; old status callbacks have no MessageStatus.
    """
    if "MessageStatus" in fields and (at_its_address or not _INBOUND_MARKS & fields.keys()):
        return True
    return status_in(fields).strip().lower() not in _OF_INBOUND


def status_in(fields: Fields) -> str:
    """Returns the status in Twilio's terms, or ""."""
    return fields.get("MessageStatus", fields.get("SmsStatus", ""))


def bare(address: str) -> str:
    """Returns an address without its channel prefix: one number may be a sender on several channels."""
    return _PREFIX.sub("", address.strip(), count=1).casefold()


def kind_of_sender(address: str) -> SenderKind:
    """Returns the kind of an SMS sender: a phone, a short code, or a name that cannot be answered."""
    if _PREFIX.match(address):
        return SenderKind.PERSON
    digits = address.strip().removeprefix("+")
    if not (digits.isascii() and digits.isdecimal()):
        return SenderKind.NAME
    has_plus = address.strip().startswith("+")
    is_short = len(digits) < _SHORTEST_NUMBER if has_plus else len(digits) <= _LONGEST_SHORT_CODE
    return SenderKind.SHORT_CODE if is_short else SenderKind.PERSON


def report(fields: Fields, channel: str, oid: str, word: str) -> DeliveryUpdate | None:
    """Returns the status update; None if it is not relevant.

    Args:
        word: the status in Twilio's terms.

    Raises:
        Malformed: the message id is missing.
    """
    provider_id = required(fields, "MessageSid")
    if word not in STATUSES:
        logger.warning("unknown delivery status", extra={"provider_id": provider_id, "word": word})
    status = STATUSES.get(word)
    if status is None:
        return None
    code = fields.get("ErrorCode", "")
    code = "" if code == "0" else code
    failed = status is DeliveryStatus.FAILED
    return DeliveryUpdate(
        channel=channel,
        provider_id=provider_id,
        oid=oid,
        status=status,
        error_code=code,
        error=in_words(code) or (UNEXPLAINED if failed else ""),
        fields=fields,
    )


def inbound(fields: Fields, channel: str, home: MediaHome, *, we_answer: bool) -> InboundMessage:
    """Returns the message.

    Args:
        we_answer: True where Twilio does not answer STOP, START and HELP itself.

    Raises:
        Malformed: the id or an address is missing.
    """
    provider_id = required(fields, "MessageSid")
    address = required(fields, "From")
    recipient = required(fields, "To")
    consent, answered = _consent(fields, recipient, we_answer=we_answer)
    alias = fields.get("ExternalUserId") or fields.get("ExternalUserIdentifier") or address
    return InboundMessage(
        channel=channel,
        provider_id=provider_id,
        address=address,
        recipient=recipient,
        text=_text(fields),
        aliases=(alias,) if alias != address else (),
        media=tuple(_media(fields, home)),
        profile_name=fields.get("ProfileName", ""),
        consent=consent,
        consent_answered=answered,
        context=context_of(fields),
        sender=kind_of_sender(address),
        fields=fields,
    )


def required(fields: Fields, name: str) -> str:
    """Returns the field.

    Raises:
        Malformed: it is missing or blank.
    """
    value = fields.get(name, "")
    if not value.strip():
        raise Malformed(f"{name} is missing.")
    return value


def _text(fields: Fields) -> str:
    """Returns the text, or its substitute: the selected button, the shared location."""
    named = (fields.get(name, "") for name in ("Body", "ButtonText", "ListTitle", "ListId"))
    words = next((value for value in named if value.strip()), "")
    return "\n".join(part for part in (words, _place(fields)) if part)


def _place(fields: Fields) -> str:
    """Returns "📍 label, address (latitude, longitude)", "" without a location."""
    if not (fields.get("Latitude") and fields.get("Longitude")):
        return ""
    names = ", ".join(filter(None, (fields.get("Label"), fields.get("Address"))))
    point = f"({fields['Latitude']}, {fields['Longitude']})"
    return " ".join(filter(None, ("📍", names, point)))


def _media(fields: Fields, home: MediaHome) -> Iterator[Media]:
    """Yields the files; a URL outside our account is not kept."""
    for n in takewhile(lambda n: f"MediaUrl{n}" in fields, count()):
        url = fields[f"MediaUrl{n}"]
        is_ours = home.holds(url)
        if not is_ours:
            logger.warning(
                "media left alone: its address is not in our account",
                extra={"provider_id": fields["MessageSid"], "number": n},
            )
        yield Media(url if is_ours else "", fields.get(f"MediaContentType{n}", ""))


def _consent(fields: Fields, recipient: str, *, we_answer: bool) -> tuple[Consent | None, bool]:
    """Returns the message's consent, and whether Twilio has answered it."""
    told = fields.get("OptOutType", "").lower()
    if told in tuple(Consent):  # Advanced Opt-Out, with the account's own keywords
        return Consent(told), True
    if we_answer:
        return plain(fields.get("Body", "")), False
    consent = KEYWORDS.get(fields.get("Body", "").strip().upper())
    # Short codes are left to their owner: https://help.twilio.com/articles/223181748
    twilio_answers = not recipient.isdecimal()
    return consent, consent is not None and twilio_answers


_MESSAGE = re.compile(r"(SM|MM)[0-9a-fA-F]{32}", re.ASCII)


def is_message(sid: str) -> bool:
    """Returns whether this is the id of a message, and may become part of a URL."""
    return _MESSAGE.fullmatch(sid) is not None
