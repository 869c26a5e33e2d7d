"""Messages and status updates as exchanged with channels: context, content, delivery status."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

# -- delivery status
# It only moves forward.


class DeliveryStatus(StrEnum):
    """Stages of a delivery in order; `failed`, `dropped` and `read` are final.

    `sending` lasts from the start of the provider call to its response. `dropped` means that we
    decided not to send (an AI message superseded by a claim, a reply deleted in time).
    """

    QUEUED = "queued"
    SENDING = "sending"
    ACCEPTED = "accepted"
    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    FAILED = "failed"
    DROPPED = "dropped"


_RANK = {status: rank for rank, status in enumerate(DeliveryStatus)}
FINAL = frozenset({DeliveryStatus.READ, DeliveryStatus.FAILED, DeliveryStatus.DROPPED})


def advance(current: DeliveryStatus, news: DeliveryStatus) -> DeliveryStatus:
    """Returns the status after an update. Updates of an earlier stage change nothing; a final
    status stays.

    A failure reported after a delivery is ignored: the phone had the message.
    """
    if current in FINAL:
        return current
    if news is DeliveryStatus.FAILED and current is DeliveryStatus.DELIVERED:
        return current
    return max(current, news, key=_RANK.__getitem__)


def earlier_than(status: DeliveryStatus) -> tuple[DeliveryStatus, ...]:
    """Returns the stages from which a delivery can still move to `status`."""
    return tuple(
        before
        for before in DeliveryStatus
        if before != status and advance(before, status) == status
    )


def overall(parts: Iterable[DeliveryStatus]) -> DeliveryStatus:
    """Returns the status of a message with several parts: failed if one failed, else the earliest
    stage.
    """
    stages = list(parts)
    if DeliveryStatus.FAILED in stages:
        return DeliveryStatus.FAILED
    return min(stages, key=_RANK.__getitem__)


class ReplyMark(StrEnum):
    """What one reaction says of an agent's message in a thread; there is never more than one."""

    WAITING = "waiting"
    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    FAILED = "failed"
    NOTE = "note"


_MARKS = {
    DeliveryStatus.ACCEPTED: ReplyMark.SENT,
    DeliveryStatus.SENT: ReplyMark.SENT,
    DeliveryStatus.DELIVERED: ReplyMark.DELIVERED,
    DeliveryStatus.READ: ReplyMark.READ,
    DeliveryStatus.FAILED: ReplyMark.FAILED,
}


def mark_of(status: DeliveryStatus, *, held: bool) -> ReplyMark | None:
    """Returns the mark of a reply; None while it is only on its way to the provider."""
    if status is DeliveryStatus.QUEUED and held:
        return ReplyMark.WAITING
    return _MARKS.get(status)


# -- context of a customer's message: kind, quoted message, ad, form answers
# All of it was written by a customer or an advertiser and is hostile. Adapters limit its size.

LONGEST_QUOTE = 300
"""Maximum stored characters of a quoted message."""


class MessageKind(StrEnum):
    """Kind of a message, independent of the channel."""

    TEXT = "text"
    CHOICE = "choice"
    FORM = "form"
    ORDER = "order"
    LOCATION = "location"
    CONTACT = "contact"
    REACTION = "reaction"
    STICKER = "sticker"
    VOICE = "voice"
    PICTURE = "picture"
    VIDEO = "video"
    FILE = "file"
    UNKNOWN = "unknown"


SENT: dict[MessageKind, str] = {
    MessageKind.TEXT: "an empty message",
    MessageKind.CHOICE: "a choice without a text",
    MessageKind.FORM: "a form without answers",
    MessageKind.ORDER: "an order without details",
    MessageKind.LOCATION: "a location",
    MessageKind.CONTACT: "a contact card",
    MessageKind.REACTION: "a reaction",
    MessageKind.STICKER: "a sticker",
    MessageKind.VOICE: "a voice note",
    MessageKind.PICTURE: "a picture",
    MessageKind.VIDEO: "a video",
    MessageKind.FILE: "a file",
    MessageKind.UNKNOWN: "a message type that cannot be shown",
}
"""Descriptions of messages without text."""

SILENT = frozenset({MessageKind.REACTION, MessageKind.STICKER})
"""Kinds that need no answer without a text."""


@dataclass(frozen=True)
class Fact:
    """One labelled value, such as a form answer."""

    name: str
    value: str

    @property
    def line(self) -> str:
        """Formats as "name: value"."""
        return f"{self.name}: {self.value}" if self.name else self.value


@dataclass(frozen=True)
class Quote:
    """The quoted message.

    Attributes:
        provider_id: the provider's id.
        author: its author as shown to the team, "" if not found.
        text: its beginning, "" if not found.
    """

    provider_id: str
    author: str = ""
    text: str = ""

    @property
    def line(self) -> str:
        """Describes the quote for the team and the assistant."""
        if not (self.author and self.text):
            return "In reply to an earlier message that is not stored"
        return f"In reply to {self.author}: “{self.text}”"


@dataclass(frozen=True)
class MessageContext:
    """A message's content besides its text.

    Attributes:
        kind: the message kind.
        quote: the quoted message, or None.
        ad: title, text and URL of the ad that the customer came from.
        facts: form answers, order items, a button's value.
        forwarded: True if the customer forwarded the message.
    """

    kind: MessageKind = MessageKind.TEXT
    quote: Quote | None = None
    ad: tuple[str, ...] = ()
    facts: tuple[Fact, ...] = ()
    forwarded: bool = False

    @property
    def ad_line(self) -> str:
        """Returns the ad in one line, or ""."""
        return f"From the ad: {' · '.join(self.ad)}" if self.ad else ""

    @property
    def background(self) -> tuple[str, ...]:
        """Returns the context lines that are not the customer's own answer."""
        forwarded = "Forwarded message" if self.forwarded else ""
        quoted = self.quote.line if self.quote else ""
        return tuple(filter(None, (self.ad_line, forwarded, quoted)))

    @property
    def answers(self) -> str:
        """Returns the customer's form answers and choices, one per line."""
        return "\n".join(fact.line for fact in self.facts)

    @property
    def lines(self) -> tuple[str, ...]:
        """Returns the whole context for the team."""
        return (*self.background, *(fact.line for fact in self.facts))


NO_CONTEXT = MessageContext()

_FAMILIES = {
    "audio": MessageKind.VOICE,
    "image": MessageKind.PICTURE,
    "video": MessageKind.VIDEO,
}


def kind_with_files(kind: MessageKind, content_types: Sequence[str]) -> MessageKind:
    """Returns the kind of a message with these files, if its channel does not report it."""
    if kind is not MessageKind.TEXT or not content_types:
        return kind
    return kind_of_file(content_types[0])


def kind_of_file(content_type: str) -> MessageKind:
    given = content_type.lower()
    if given.startswith(("text/vcard", "text/x-vcard", "text/directory")):
        return MessageKind.CONTACT
    return _FAMILIES.get(given.partition("/")[0], MessageKind.FILE)


def named(kind: MessageKind) -> str:
    """Returns the placeholder for a message without text: "[sent a location]"."""
    return f"[sent {SENT[kind]}]"


# -- messages and status updates


class Direction(StrEnum):
    """From or to the contact."""

    INBOUND = "inbound"
    OUTBOUND = "outbound"


class Author(StrEnum):
    """Author of a message. `assistant` is the AI, `system` a fixed text of ours, `agent` a human."""

    CONTACT = "contact"
    ASSISTANT = "assistant"
    AGENT = "agent"
    SYSTEM = "system"


class Consent(StrEnum):
    """A message that consists of a consent keyword. Answered by the provider or a fixed text, never
    by the AI.
    """

    STOP = "stop"
    START = "start"
    HELP = "help"


class SenderKind(StrEnum):
    """Kind of the sender's address. Short codes and names are used by automated senders."""

    PERSON = "person"
    SHORT_CODE = "short_code"
    NAME = "name"


@dataclass(frozen=True)
class Media:
    """A file of a message: where the provider stores it and its declared type."""

    url: str
    content_type: str


@dataclass(frozen=True)
class InboundMessage:
    """A message from a contact, parsed and authenticated by its channel.

    Attributes:
        channel: the channel's kind, e.g. "sms".
        provider_id: the provider's id; unique on the channel.
        address: where to send an answer ("+15551234567", "whatsapp:+1555…", "whatsapp:US.1A2B…").
            Opaque: it need not contain a phone number.
        aliases: other ids of the same contact on this channel (WhatsApp's ExternalUserId).
        recipient: our own address; answers are sent from it.
        text: the text, "" for media only.
        media: the files.
        profile_name: the contact's own name, "" if unknown. Hostile like the text.
        consent: set if the whole message is a plain opt-out, a START, or a carrier's keyword.
        consent_answered: True if the provider has already answered the keyword.
        wants_person: True if the contact pressed a button to talk to an agent: no detection is
            needed.
        leaves_queue: True if the contact pressed a button to leave the queue.
        language: ISO 639-1 of the channel's user interface, "" if unknown; a hint for our first
            text.
        counted_with: limit groups of the sender (`domain/escalations.py`); empty for a customer
            identified by the address.
        context: content besides text and files. Hostile like the text.
        sender: kind of the address; a name (letters) cannot be answered.
        sent_at: when the provider received it, in seconds since the epoch; None for now.
        attributes: what the website has signed about the customer (hostile values); None if the
            channel says nothing about it.
        fields: everything from the provider, unchanged.
    """

    channel: str
    provider_id: str
    address: str
    recipient: str
    text: str
    aliases: tuple[str, ...] = ()
    media: tuple[Media, ...] = ()
    profile_name: str = ""
    consent: Consent | None = None
    consent_answered: bool = False
    wants_person: bool = False
    leaves_queue: bool = False
    language: str = ""
    counted_with: tuple[str, ...] = ()
    context: MessageContext = NO_CONTEXT
    sender: SenderKind = SenderKind.PERSON
    sent_at: float | None = None
    attributes: dict[str, str] | None = None
    fields: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class DeliveryUpdate:
    """A delivery status update, in any order, possibly repeated or late.

    Attributes:
        channel: the channel's kind.
        provider_id: the provider's message id.
        oid: our own id from the callback URL; "" if the provider lost it.
        status: our status.
        error_code: the provider's code as text, "" without an error.
        error: its meaning, "" without an error.
        address: the recipient the message must have, "" if the provider is trusted.
        fields: everything from the provider, unchanged.
    """

    channel: str
    provider_id: str
    oid: str
    status: DeliveryStatus
    error_code: str = ""
    error: str = ""
    address: str = ""
    fields: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Template:
    """A message template by the provider's id, with values for its variables by name."""

    content_sid: str
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class OutboundMessage:
    """A message for a provider, within the channel's limits.

    Attributes:
        oid: our own opaque id; returned in every DeliveryUpdate.
        to: the contact's address.
        sender: our own sender address, "" for the channel's default.
        text: plain text; for a template, its content with values.
        media: URLs from which the provider can download the files.
        template: sent instead of the text; None for free text.
    """

    oid: str
    to: str
    sender: str
    text: str
    media: tuple[str, ...] = ()
    template: Template | None = None


@dataclass(frozen=True)
class Receipt:
    """The provider has accepted a message.

    Attributes:
        provider_id: the provider's id.
        status: the current status.
        created_at: when the provider created it (aware UTC), None if not given.
    """

    provider_id: str
    status: DeliveryStatus
    created_at: datetime | None = None


@dataclass(frozen=True)
class Limits:
    """What a channel can carry.

    Attributes:
        text: maximum characters of a message; longer ones are split.
        reply_window_hours: length of the messaging window after the contact's last message; None
            for no limit.
        consent_by_us: True if we, not the provider, must honour and confirm STOP.
        media: maximum bytes for each supported content type; empty if files are not supported.
        caption: maximum characters of a picture's caption.
        shows_ours: True if customers download files from us while they are stored.
        templates: True if templates can be sent.
        opt_out_codes: the provider's codes for "this contact has opted out".
        window_codes: the provider's codes for a closed messaging window.
        marks: True if the customer sees *bold*, _italic_, ~struck~ and code formatted.
    """

    text: int
    reply_window_hours: int | None = None
    consent_by_us: bool = False
    media: Mapping[str, int] = field(default_factory=dict)
    caption: int = 0
    shows_ours: bool = False
    templates: bool = False
    window_codes: frozenset[str] = frozenset()
    opt_out_codes: frozenset[str] = frozenset()
    marks: bool = False


def storable(text: str) -> str:
    """Removes what a database cannot store: NUL and lone surrogates."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")
