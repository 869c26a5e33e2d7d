"""What crosses the border of a channel: a message from a contact, a message to one, news of a delivery."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from handoff_bot.domain.delivery import DeliveryStatus
from handoff_bot.domain.message_context import NO_CONTEXT, MessageContext


class Direction(StrEnum):
    """Towards us, or towards the contact."""

    INBOUND = "inbound"
    OUTBOUND = "outbound"


class Author(StrEnum):
    """Who wrote a message. `assistant` is the AI, `system` a fixed text of ours, `agent` a human."""

    CONTACT = "contact"
    ASSISTANT = "assistant"
    AGENT = "agent"
    SYSTEM = "system"


class Consent(StrEnum):
    """A whole message that is a keyword about consent. The provider or the law answers it, never the AI."""

    STOP = "stop"
    START = "start"
    HELP = "help"


class SenderKind(StrEnum):
    """What kind of address a message comes from. Machines write from short codes and names."""

    PERSON = "person"
    SHORT_CODE = "short_code"
    NAME = "name"


@dataclass(frozen=True)
class Media:
    """A file that came with a message: where the provider keeps it and what it says it is."""

    url: str
    content_type: str


@dataclass(frozen=True)
class InboundMessage:
    """One utterance of a contact, parsed and authenticated by its channel.

    Attributes:
        channel: the channel's kind, e.g. "sms".
        provider_id: the provider's own id of the message; unique on the channel.
        address: where an answer must go ("+15551234567", "whatsapp:+1555…", "whatsapp:US.1A2B…").
            Opaque: it need not hold a phone number.
        aliases: other names of the same person on this channel (WhatsApp's ExternalUserId).
        recipient: our own address that was written to; answers leave from it.
        text: the words, "" for media alone.
        media: files that came along.
        profile_name: what the contact calls themselves, "" when unknown. Hostile like the text.
        consent: set when the whole message is a plain opt-out, a START, or a keyword of the carrier's.
        consent_answered: True when the provider has already answered the keyword.
        wants_person: True when they pressed a button that asks for a human: nothing is left to judge.
        language: ISO 639-1 of what they read the channel in, "" when unknown; a hint for our first words.
        counted_with: groups of senders that limits count this one with (`domain/crowds.py`); none for a
            customer whose address says who they are.
        context: what it says besides its text and files. Hostile like the text.
        sender: what kind of address it comes from; a name (letters) can never be answered.
        sent_at: when the provider got it, in seconds since the epoch; None for just now.
        fields: everything the provider sent, unchanged.
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
    language: str = ""
    counted_with: tuple[str, ...] = ()
    context: MessageContext = NO_CONTEXT
    sender: SenderKind = SenderKind.PERSON
    sent_at: float | None = None
    fields: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class DeliveryUpdate:
    """News of one delivery, in any order, possibly repeated or late.

    Attributes:
        channel: the channel's kind.
        provider_id: the provider's id of the message it took.
        oid: our own id, as we put it into the callback address; "" when the provider lost it.
        status: the new status in our words.
        error_code: the provider's code as text, "" when all is well.
        error: the code in plain words, "" when all is well.
        address: whose message it must be, "" where the provider's word is enough.
        fields: everything the provider sent, unchanged.
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
    """A text that the provider has approved, by its id there, with values for its variables by name."""

    content_sid: str
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class OutboundMessage:
    """One piece to hand to a provider: already within the channel's limits.

    Attributes:
        oid: our own opaque id; comes back in every DeliveryUpdate.
        to: the contact's address.
        sender: our own address to send from, "" for the channel's default.
        text: plain text; of a template what it says with its values.
        media: addresses at which the provider may fetch the files that go with it.
        template: to be sent instead of the text, None for free text.
    """

    oid: str
    to: str
    sender: str
    text: str
    media: tuple[str, ...] = ()
    template: Template | None = None


@dataclass(frozen=True)
class Receipt:
    """The provider has taken a message.

    Attributes:
        provider_id: the provider's id.
        status: how far it is already.
        created_at: when the provider made it (aware UTC), None when it did not say.
    """

    provider_id: str
    status: DeliveryStatus
    created_at: datetime | None = None


@dataclass(frozen=True)
class Limits:
    """What a channel can carry.

    Attributes:
        text: the most characters of one message; longer ones are split.
        reply_window_hours: how long after the contact's last message free text is allowed; None for ever.
        consent_by_us: True where we, not the provider, must honour and confirm STOP.
        media: the most bytes of a file, for each content type that it carries; none: it carries no files.
        caption: the most characters that can stand with a picture in one message.
        shows_ours: True where customers look at files at our own address, for as long as we keep them.
        templates: True where templates can be sent.
        opt_out_codes: the provider's codes for "this contact has opted out".
        window_codes: the provider's codes for free text that came after the window.
        marks: True where *bold*, _italic_, ~struck~ and code look so on the customer's side.
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
    """Text without what a database cannot hold: NUL and lone surrogates."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")
