"""Website chat: signed sessions of visitors, and a channel without an external provider."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from base64 import urlsafe_b64decode
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from itsdangerous import BadSignature, URLSafeTimedSerializer
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from handoff_bot.domain.customers import Session, Visitor, attributes_in
from handoff_bot.domain.errors import DeliveryError, Malformed, Unauthentic
from handoff_bot.domain.escalations import NETWORK, STRANGERS
from handoff_bot.domain.files import KINDS, LARGEST, Fetched
from handoff_bot.domain.messages import (
    DeliveryStatus,
    DeliveryUpdate,
    InboundMessage,
    Limits,
    Media,
    OutboundMessage,
    Receipt,
)
from handoff_bot.domain.plain_answers import plain
from handoff_bot.ports import WebhookRequest

# -- sessions of visitors, and identities that the website has verified

LIFETIME = 3600
"""Validity of a session in seconds."""
RENEWABLE = 30 * 24 * 3600
"""Seconds in which an anonymous session can be renewed: a browser keeps its conversation this long."""
_NO_CONTROLS = r"\A[^\x00-\x1f\x7f]*\z"
"""Databases and logs do not accept these in a name."""
_ANONYMOUS, _KNOWN = "visitor:", "user:"


@dataclass(frozen=True)
class Website:
    """Deployment settings of the website chat. Its repr contains no secret.

    Attributes:
        origins: websites that may show the chat, e.g. "https://shop.example.com"; empty for no
            chat.
        secret: signs sessions.
        identity_secret: shared with the website, signs customers' identities; "" for none.
    """

    origins: tuple[str, ...] = ()
    secret: str = field(default="", repr=False)
    identity_secret: str = field(default="", repr=False)


class _Identity(BaseModel):
    """A signed-in customer according to the website. `expires` in seconds since the epoch;
    `attributes` are parsed by `attributes_in`.
    """

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    id: str = Field(min_length=1, max_length=128, pattern=_NO_CONTROLS)
    name: str = Field("", max_length=80, pattern=_NO_CONTROLS)
    expires: int
    attributes: Any = None


class Sessions:
    """Creates and verifies sessions; safe for any number of threads."""

    def __init__(self, website: Website) -> None:
        self._identity_secret = website.identity_secret.encode()
        self._signer = URLSafeTimedSerializer(
            website.secret, salt="webchat-session", signer_kwargs={"digest_method": hashlib.sha256}
        )

    def begin(self, *, before: str = "", identity: str = "") -> Session:
        """Creates a session for the verified customer, else for the previous visitor, else for a
        new one.

        Args:
            before: token of an earlier session, possibly expired.
            identity: signed by the website, see docs/channels/webchat.md.

        Raises:
            Unauthentic: the identity is not signed by the website, or expired.
        """
        if identity:
            return self._session(self._known(identity))
        return self._session(self._returning(before) or _somebody_new())

    def visitor(self, token: str) -> Visitor:
        """Returns the session's visitor.

        Raises:
            Unauthentic: it is not ours, or has expired.
        """
        visitor = self._read(token, LIFETIME)
        if visitor is None:
            raise Unauthentic("the session is not ours or has expired")
        return visitor

    def is_known(self, visitor: Visitor) -> bool:
        """Returns whether the website has verified the visitor's identity."""
        return visitor.address.startswith(_KNOWN)

    def _session(self, visitor: Visitor) -> Session:
        said: list[object] = [visitor.address, visitor.name]
        if visitor.attributes is not None:
            said.append(visitor.attributes)
        token = self._signer.dumps(said)
        return Session(str(token), visitor, LIFETIME)

    def _read(self, token: str, age: int) -> Visitor | None:
        try:
            address, name, *attributes = self._signer.loads(token, max_age=age)
        except BadSignature:
            return None
        return Visitor(address, name, attributes[0] if attributes else None)

    def _returning(self, token: str) -> Visitor | None:
        """Returns the session's visitor, except verified customers: they may have signed out."""
        visitor = self._read(token, RENEWABLE) if token else None
        return visitor if visitor and visitor.address.startswith(_ANONYMOUS) else None

    def _known(self, identity: str) -> Visitor:
        payload, _, signature = identity.partition(".")
        right = hmac.new(self._identity_secret, payload.encode(), hashlib.sha256).hexdigest()
        is_right = hmac.compare_digest(right.encode(), signature.encode())
        if not (self._identity_secret and is_right):
            raise Unauthentic("the identity is not signed by the website")
        try:
            said = _Identity.model_validate_json(urlsafe_b64decode(payload + "=="))
        except (ValueError, ValidationError):
            raise Unauthentic("the identity cannot be read") from None
        if said.expires < time.time():
            raise Unauthentic("the identity has expired")
        attributes = attributes_in(said.attributes)
        return Visitor(_KNOWN + said.id, said.name or said.id, attributes)


def _somebody_new() -> Visitor:
    number = secrets.token_urlsafe(12)
    return Visitor(_ANONYMOUS + number, f"Visitor {number[:4]}")


# -- the channel
# A message is sent when its delivery says so; the visitor's page reads it from the database. So
# sending calls no provider, is safe to repeat, and cannot be lost.

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
