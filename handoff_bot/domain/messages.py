"""Messages and status updates as exchanged with channels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from handoff_bot.domain.delivery import DeliveryStatus
from handoff_bot.domain.message_context import NO_CONTEXT, MessageContext


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
        counted_with: limit groups of the sender (`domain/crowds.py`); empty for a customer
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
