"""What a customer's message says besides its text: its kind, what it replies to, an ad, form answers.

Everything in it was written by a customer or an advertiser and is hostile. Adapters bound its size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

LONGEST_QUOTE = 300
"""Characters of the quoted message that are kept."""


class MessageKind(StrEnum):
    """What kind of message it is, whatever its channel calls that."""

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
"""What a message is called that has no text."""

SILENT = frozenset({MessageKind.REACTION, MessageKind.STICKER})
"""Kinds that need no answer when they come without a text."""


@dataclass(frozen=True)
class Fact:
    """One labelled value, such as one answer of a form."""

    name: str
    value: str

    @property
    def line(self) -> str:
        """ "name: value"."""
        return f"{self.name}: {self.value}" if self.name else self.value


@dataclass(frozen=True)
class Quote:
    """The message that a message replies to.

    Attributes:
        provider_id: the provider's id of it.
        author: who wrote it, as the team calls them; "" while it is not found in our transcript.
        text: the beginning of it, "" while it is not found.
    """

    provider_id: str
    author: str = ""
    text: str = ""

    @property
    def line(self) -> str:
        """What it replies to, for the team and the assistant."""
        if not (self.author and self.text):
            return "In reply to an earlier message that is not stored"
        return f"In reply to {self.author}: “{self.text}”"


@dataclass(frozen=True)
class MessageContext:
    """What a message says besides its text.

    Attributes:
        kind: what kind of message it is.
        quote: what it replies to, None for nothing.
        ad: title, text and address of the ad that the customer came from.
        facts: answers of a form, items of an order, what a button stands for.
        forwarded: True when the customer has forwarded somebody else's message.
    """

    kind: MessageKind = MessageKind.TEXT
    quote: Quote | None = None
    ad: tuple[str, ...] = ()
    facts: tuple[Fact, ...] = ()
    forwarded: bool = False

    @property
    def ad_line(self) -> str:
        """The ad in one line, "" without one."""
        return f"From the ad: {' · '.join(self.ad)}" if self.ad else ""

    @property
    def background(self) -> tuple[str, ...]:
        """What is around the message: lines that are not the customer's own answer."""
        forwarded = "Forwarded message" if self.forwarded else ""
        quoted = self.quote.line if self.quote else ""
        return tuple(filter(None, (self.ad_line, forwarded, quoted)))

    @property
    def answers(self) -> str:
        """What the customer has filled in or chosen, a line each."""
        return "\n".join(fact.line for fact in self.facts)

    @property
    def lines(self) -> tuple[str, ...]:
        """All of it, for the team."""
        return (*self.background, *(fact.line for fact in self.facts))


NO_CONTEXT = MessageContext()

_FAMILIES = {
    "audio": MessageKind.VOICE,
    "image": MessageKind.PICTURE,
    "video": MessageKind.VIDEO,
}


def kind_with_files(kind: MessageKind, content_types: Sequence[str]) -> MessageKind:
    """The kind of a message with these files, where its channel does not say."""
    if kind is not MessageKind.TEXT or not content_types:
        return kind
    return kind_of_file(content_types[0])


def kind_of_file(content_type: str) -> MessageKind:
    """The kind of a message that is one file."""
    given = content_type.lower()
    if given.startswith(("text/vcard", "text/x-vcard", "text/directory")):
        return MessageKind.CONTACT
    return _FAMILIES.get(given.partition("/")[0], MessageKind.FILE)


def named(kind: MessageKind) -> str:
    """What stands where a message has no text: "[sent a location]"."""
    return f"[sent {SENT[kind]}]"
