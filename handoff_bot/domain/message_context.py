"""Context of a customer's message: kind, quoted message, ad, form answers.

All of it was written by a customer or an advertiser and is hostile. Adapters limit its size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

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
