"""Website chat: no external provider.

A message is sent when its delivery says so; the visitor's page reads it from the database. So
sending calls no provider, is safe to repeat, and cannot be lost.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from handoff_bot.channels._webchat_sessions import Sessions, Website
from handoff_bot.domain.consent import plain
from handoff_bot.domain.crowds import NETWORK, STRANGERS
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
"""Maximum characters of a message in both directions."""
MOST_MARKS = 100
_BEARER = "bearer "
_GROUP_NAME = 24
_Oid = Annotated[str, Field(max_length=64, pattern=r"\A[A-Za-z0-9_-]+\z")]


class _Message(BaseModel):
    """A visitor's message. `id` is created by the browser, to detect repetitions."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    id: UUID
    text: str = Field(min_length=1, max_length=LONGEST, pattern=r"\S")
    person: bool = False
    leave: bool = False
    locale: str = Field("", max_length=35)


class _Marks(BaseModel):
    """Delivery status of our messages, by our ids."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    delivered: list[_Oid] = Field(default_factory=list, max_length=MOST_MARKS)
    read: list[_Oid] = Field(default_factory=list, max_length=MOST_MARKS)


class Webchat:
    """A Channel to visitors of allowed websites; safe for any number of threads."""

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
        self._pepper = hashlib.sha256(f"network:{website.secret}".encode()).digest()

    def receive(self, request: WebhookRequest) -> Sequence[InboundMessage | DeliveryUpdate]:
        """Verifies the session and returns the content.

        Raises:
            Unauthentic: no valid session.
            Malformed: the JSON is incomplete.
        """
        visitor = self.visitor(request)
        try:
            if request.path.endswith("/messages"):
                said = _Message.model_validate_json(request.body)
                return [self._inbound(visitor, said, request.network)]
            return _news(visitor, _Marks.model_validate_json(request.body))
        except ValidationError as error:
            wrong = {".".join(map(str, detail["loc"])) or "body" for detail in error.errors()}
            raise Malformed(f"Wrong or missing: {', '.join(sorted(wrong))}.") from None

    def visitor(self, request: WebhookRequest) -> Visitor:
        """Returns the request's visitor.

        Raises:
            Unauthentic: no valid session.
        """
        return self.sessions.visitor(bearer(request))

    def uploaded(
        self, visitor: Visitor, message_id: str, url: str, kind: str, network: str
    ) -> InboundMessage:
        """Returns the message of a visitor's file, stored at this URL.

        Args:
            network: its origin, as in a WebhookRequest.

        Raises:
            Malformed: the id was not created by a browser.
        """
        try:
            known = UUID(message_id)
        except ValueError:
            raise Malformed("Wrong or missing: id.") from None
        said = _Message(id=known, text="-")
        message = self._inbound(visitor, said, network)
        return replace(message, text="", media=(Media(url, kind),))

    def _inbound(self, visitor: Visitor, said: _Message, network: str) -> InboundMessage:
        return InboundMessage(
            channel=KIND,
            provider_id=f"{visitor.address}/{said.id}",
            address=visitor.address,
            recipient="",
            text=said.text,
            profile_name=visitor.name,
            consent=None if said.person or said.leave else plain(said.text),
            wants_person=said.person,
            leaves_queue=said.leave,
            language=_language(said.locale),
            counted_with=self._groups(visitor, network),
            attributes=None if visitor.attributes is None else dict(visitor.attributes),
            fields={"id": str(said.id), "locale": said.locale},
        )

    def _groups(self, visitor: Visitor, network: str) -> tuple[str, ...]:
        """Anonymous visitors count by network, under a name that does not reveal it, and in total."""
        if self.sessions.is_known(visitor):
            return ()
        name = hmac.new(self._pepper, network.encode(), hashlib.sha256).hexdigest()[:_GROUP_NAME]
        return (f"{NETWORK}:{name}", STRANGERS)

    def send(self, message: OutboundMessage) -> Receipt:
        """Nothing has to be sent: the visitor's page reads messages with this status."""
        return Receipt(f"web-{message.oid}", DeliveryStatus.SENT)

    def fetch(self, media: Media) -> Fetched:
        """Visitors' files are always stored here.

        Raises:
            DeliveryError: always.
        """
        raise DeliveryError("The file is no longer stored.", permanent=True, code="gone")

    def sent_since(self, message: OutboundMessage, since: datetime) -> Sequence[Receipt]:
        """Returns nothing: a visitor sees a message only when its receipt is stored."""
        return []


def bearer(request: WebhookRequest) -> str:
    """Returns the request's token, or "".

    Raises:
        Unauthentic: another kind of credential.
    """
    shown = request.headers.get("authorization", "")
    if shown and shown[: len(_BEARER)].lower() != _BEARER:
        raise Unauthentic("no bearer token")
    return shown[len(_BEARER) :].strip()


def _language(locale: str) -> str:
    """Returns the language of "de-AT", "" if we do not support it."""
    code = locale.partition("-")[0].lower()
    return code if len(code) == 2 and code.isascii() and code.isalpha() else ""


def _news(visitor: Visitor, marks: _Marks) -> list[DeliveryUpdate]:
    return [
        *_updates(visitor, marks.delivered, DeliveryStatus.DELIVERED),
        *_updates(visitor, marks.read, DeliveryStatus.READ),
    ]


def _updates(
    visitor: Visitor,
    oids: Sequence[str],
    status: Literal[DeliveryStatus.DELIVERED, DeliveryStatus.READ],
) -> list[DeliveryUpdate]:
    return [
        DeliveryUpdate(
            channel=KIND,
            provider_id=f"web-{oid}",
            oid=oid,
            status=status,
            address=visitor.address,
        )
        for oid in dict.fromkeys(oids)
    ]
