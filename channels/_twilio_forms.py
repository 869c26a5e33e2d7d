"""Parses Twilio's forms: inbound messages with WhatsApp's context fields, and status callbacks."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count, islice, takewhile
from typing import Any

from handoff_bot.channels._twilio_errors import UNEXPLAINED, in_words
from handoff_bot.domain.errors import Malformed
from handoff_bot.domain.messages import (
    Consent,
    DeliveryStatus,
    DeliveryUpdate,
    Fact,
    InboundMessage,
    Media,
    MessageContext,
    MessageKind,
    Quote,
    SenderKind,
    kind_of_file,
)
from handoff_bot.domain.plain_answers import plain
from handoff_bot.domain.text import one_line

logger = logging.getLogger(__name__)

# -- WhatsApp's context fields
# Parameters: https://www.twilio.com/docs/messaging/guides/webhook-request. Twilio posts the answers
# of a WhatsApp Flow as JSON in InteractiveData; Meta's own name for them is
# nfm_reply.response_json.

FormFields = Mapping[str, str]

_KINDS: dict[str, MessageKind] = {
    "text": MessageKind.TEXT,
    "button": MessageKind.CHOICE,
    "interactive": MessageKind.CHOICE,
    "list": MessageKind.CHOICE,
    "flow": MessageKind.FORM,
    "order": MessageKind.ORDER,
    "location": MessageKind.LOCATION,
    "contact": MessageKind.CONTACT,
    "contacts": MessageKind.CONTACT,
    "vcard": MessageKind.CONTACT,
    "reaction": MessageKind.REACTION,
    "sticker": MessageKind.STICKER,
    "voice": MessageKind.VOICE,
    "audio": MessageKind.VOICE,
    "image": MessageKind.PICTURE,
    "video": MessageKind.VIDEO,
    "document": MessageKind.FILE,
}
"""Our kind for each MessageType."""
_FORMS = ("InteractiveData", "FlowData", "nfm_reply", "response_json")
_ORDERS = ("OrderData", "Order", "ProductItems", "Catalog")
_REACTIONS = ("ReactionEmoji", "Reaction", "Emoji")
_AD = ("ReferralHeadline", "ReferralBody", "ReferralSourceUrl")
_WRAPPERS = frozenset({"nfm_reply", "response_json", "interactive", "data", "fields", "pages"})
"""Wrapper names, or values not meant for people."""
_INTERNAL = frozenset({"flow_token", "wa_flow_response_params", "page_id", "type"})
_LABELS = ("label", "title", "question", "name", "id")
MOST_FACTS = 40
_LONGEST_NAME, _LONGEST_VALUE = 100, 500
_DEEPEST = 6
_LONGEST_JSON = 20_000
_LONGEST_AD = 300
_LONGEST_SID = 100


def context_of(fields: FormFields) -> MessageContext:
    """Returns the form's content besides Body; unreadable parts are left out."""
    answers = _answers(fields, _FORMS)
    order = _answers(fields, _ORDERS)
    quoted = fields.get("OriginalRepliedMessageSid", "").strip()
    return MessageContext(
        kind=_kind(fields, form=bool(answers), order=bool(order)),
        quote=Quote(quoted[:_LONGEST_SID]) if quoted else None,
        ad=tuple(_ad(fields)),
        facts=(*_choice(fields), *answers, *order, *_reaction(fields))[: MOST_FACTS + 1],
        forwarded="true" in (fields.get("Forwarded"), fields.get("FrequentlyForwarded")),
    )


def _kind(fields: FormFields, *, form: bool, order: bool) -> MessageKind:
    if form:
        return MessageKind.FORM
    if order:
        return MessageKind.ORDER
    has_file = "MediaUrl0" in fields
    of_file = kind_of_file(fields.get("MediaContentType0", ""))
    if has_file and of_file is MessageKind.CONTACT:
        return of_file
    told = fields.get("MessageType", "").strip().lower()
    if told:
        return _KINDS.get(told, MessageKind.UNKNOWN)
    if fields.get("Latitude") and fields.get("Longitude"):
        return MessageKind.LOCATION
    return of_file if has_file else MessageKind.TEXT


def _ad(fields: FormFields) -> Iterator[str]:
    """Yields headline, text and URL of the ad; an ad with only an id is named by it."""
    shown = [one_line(fields.get(name, ""), _LONGEST_AD) for name in _AD]
    yield from filter(None, shown)
    source = one_line(fields.get("ReferralSourceId", ""), _LONGEST_AD)
    if source and not any(shown):
        yield f"ad {source}"


def _choice(fields: FormFields) -> tuple[Fact, ...]:
    """Returns the value of a selected button or row, if it differs from the text."""
    said = {fields.get(name, "").strip() for name in ("Body", "ButtonText", "ListTitle")}
    names = (("button", "ButtonPayload"), ("option", "ListId"), ("description", "ListDescription"))
    pairs = ((label, fields.get(name, "")) for label, name in names)
    return _facts((label, value) for label, value in pairs if value.strip() not in said)


def _reaction(fields: FormFields) -> tuple[Fact, ...]:
    return _facts(("", fields.get(name, "")) for name in _REACTIONS)


def _answers(fields: FormFields, names: Sequence[str]) -> tuple[Fact, ...]:
    """Returns the first non-empty of these fields, one fact per value."""
    for name in names:
        given = fields.get(name, "").strip()
        if given:
            pairs = islice(_pairs("", _read(given), 0), MOST_FACTS + 1)
            return _facts(pairs)
    return ()


def _read(given: str) -> Any:
    """Returns parsed JSON, or the text itself."""
    if len(given) > _LONGEST_JSON:
        return given
    try:
        return json.loads(given)
    except (ValueError, RecursionError):
        return given


def _pairs(name: str, value: Any, depth: int) -> Iterator[tuple[str, str]]:
    """Yields the values of nested JSON with their names."""
    if depth > _DEEPEST:
        return
    if isinstance(value, str) and name in _WRAPPERS and value.lstrip().startswith(("{", "[")):
        yield from _pairs("", _read(value), depth + 1)
    elif isinstance(value, dict):
        yield from _of_object(value, depth)
    elif isinstance(value, list):
        yield from _of_list(name, value, depth)
    elif value is not None:
        yield name, _in_words(value)


def _of_object(value: dict[str, Any], depth: int) -> Iterator[tuple[str, str]]:
    if "response_json" in value:  # the other fields are Meta's own terms
        yield from _pairs("response_json", value["response_json"], depth + 1)
        return
    label = next((value[key] for key in _LABELS if isinstance(value.get(key), str)), None)
    if label is not None and "value" in value:  # one answer with its question
        yield from _pairs(label, value["value"], depth + 1)
        return
    for key, inner in value.items():
        if key not in _INTERNAL:
            yield from _pairs(key, inner, depth + 1)


def _of_list(name: str, value: list[Any], depth: int) -> Iterator[tuple[str, str]]:
    if all(isinstance(each, str | int | float) for each in value):
        yield name, ", ".join(_in_words(each) for each in value[:MOST_FACTS])
        return
    for each in value[:MOST_FACTS]:
        yield from _pairs(name, each, depth + 1)


def _in_words(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def _facts(pairs: Iterable[tuple[str, str]]) -> tuple[Fact, ...]:
    """Returns bounded facts without empty values."""
    return tuple(_bounded(pairs))


def _bounded(pairs: Iterable[tuple[str, str]]) -> Iterator[Fact]:
    for number, (name, value) in enumerate(pairs):
        if number == MOST_FACTS:
            yield Fact("", "… and more")
            return
        shown = one_line(value, _LONGEST_VALUE)
        if shown:
            yield Fact(one_line(name, _LONGEST_NAME), shown)


# -- messages and status callbacks
# Parameters: https://www.twilio.com/docs/messaging/guides/webhook-request. Twilio adds new ones
# without notice, so all of them are kept.

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
