"""The chat on websites: no provider but ourselves.

A message of ours has left when its delivery says so; the visitor's page reads it from the database. So
sending needs nobody, can be repeated without harm, and cannot be lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from channels._webchat_sessions import Sessions, Website
from handoff_bot.domain.consent import plain
from handoff_bot.domain.delivery import DeliveryStatus
from handoff_bot.domain.errors import DeliveryError, Malformed, Unauthentic
from handoff_bot.domain.files import KINDS, LARGEST, Fetched
from handoff_bot.domain.messages import (
    DeliveryUpdate,
    InboundMessage,
    Limits,
    Media,
    OutboundMessage,
    Receipt,
)
from handoff_bot.domain.visitors import Visitor
from handoff_bot.ports import WebhookRequest

KIND = "webchat"
LONGEST = 4000
"""Characters of one message, either way."""
MOST_MARKS = 100
_BEARER = "bearer "


class _Message(BaseModel):
    """What a visitor writes. `id` is made by their browser, so that a repetition is known as one."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    id: UUID
    text: str = Field(min_length=1, max_length=LONGEST, pattern=r"\S")
    person: bool = False
    locale: str = Field("", max_length=35)


class _Marks(BaseModel):
    """How far our messages have come, by our own ids of them."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    delivered: list[str] = Field(default_factory=list, max_length=MOST_MARKS)
    read: list[str] = Field(default_factory=list, max_length=MOST_MARKS)


class Webchat:
    """A Channel to visitors of the websites that are allowed; any number of threads may use it at once."""

    kind = KIND
    limits = Limits(
        text=LONGEST,
        media=dict.fromkeys(KINDS, LARGEST),
        caption=LONGEST,
        shows_ours=True,
        consent_by_us=True,
    )
    longest_text = LONGEST

    def __init__(self, website: Website) -> None:
        self.origins = frozenset(website.origins)
        self.sessions = Sessions(website)

    def receive(self, request: WebhookRequest) -> Sequence[InboundMessage | DeliveryUpdate]:
        """Check that a visitor of ours sent this, and say what it holds.

        Raises:
            Unauthentic: there is no session, or not a living one of ours.
            Malformed: the JSON lacks what it must hold.
        """
        visitor = self.visitor(request)
        try:
            if request.path.endswith("/messages"):
                return [_inbound(visitor, _Message.model_validate_json(request.body))]
            return _news(_Marks.model_validate_json(request.body))
        except ValidationError as error:
            wrong = {".".join(map(str, detail["loc"])) or "body" for detail in error.errors()}
            raise Malformed(f"Wrong or missing: {', '.join(sorted(wrong))}.") from None

    def visitor(self, request: WebhookRequest) -> Visitor:
        """Whose session a request shows.

        Raises:
            Unauthentic: it shows none, or not a living one of ours.
        """
        return self.sessions.visitor(bearer(request))

    def uploaded(self, visitor: Visitor, message_id: str, url: str, kind: str) -> InboundMessage:
        """The message that a visitor's file is, which is in our own keeping at this address.

        Raises:
            Malformed: the id is none that a browser makes.
        """
        try:
            known = UUID(message_id)
        except ValueError:
            raise Malformed("Wrong or missing: id.") from None
        said = _Message(id=known, text="-")
        return replace(_inbound(visitor, said), text="", media=(Media(url, kind),))

    def send(self, message: OutboundMessage) -> Receipt:
        """Nothing has to leave the house: the visitor's page reads what has this status."""
        return Receipt(f"web-{message.oid}", DeliveryStatus.SENT)

    def fetch(self, media: Media) -> Fetched:
        """Nobody else keeps visitors' files: those in our own keeping need no channel.

        Raises:
            DeliveryError: always.
        """
        raise DeliveryError("It is not in our keeping any more.", permanent=True, code="gone")

    def sent_since(self, message: OutboundMessage, since: datetime) -> Sequence[Receipt]:
        """What `send` would say, for it always works."""
        return [self.send(message)]


def bearer(request: WebhookRequest) -> str:
    """The token that a request shows, "" for none.

    Raises:
        Unauthentic: it shows something else.
    """
    shown = request.headers.get("authorization", "")
    if shown and shown[: len(_BEARER)].lower() != _BEARER:
        raise Unauthentic("no bearer token")
    return shown[len(_BEARER) :].strip()


def _inbound(visitor: Visitor, said: _Message) -> InboundMessage:
    return InboundMessage(
        channel=KIND,
        provider_id=f"{visitor.address}/{said.id}",
        address=visitor.address,
        recipient="",
        text=said.text,
        profile_name=visitor.name,
        consent=None if said.person else plain(said.text),
        wants_person=said.person,
        language=_language(said.locale),
        fields={"id": str(said.id), "locale": said.locale},
    )


def _language(locale: str) -> str:
    """The language of "de-AT", "" when that is none we know to write."""
    code = locale.partition("-")[0].lower()
    return code if len(code) == 2 and code.isascii() and code.isalpha() else ""


def _news(marks: _Marks) -> list[DeliveryUpdate]:
    return [
        *_updates(marks.delivered, DeliveryStatus.DELIVERED),
        *_updates(marks.read, DeliveryStatus.READ),
    ]


def _updates(
    oids: Sequence[str], status: Literal[DeliveryStatus.DELIVERED, DeliveryStatus.READ]
) -> list[DeliveryUpdate]:
    return [
        DeliveryUpdate(channel=KIND, provider_id=f"web-{oid}", oid=oid, status=status)
        for oid in oids
    ]
