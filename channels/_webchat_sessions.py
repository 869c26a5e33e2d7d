"""Website visitors: short-lived signed sessions, and identities verified by the website."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from base64 import urlsafe_b64decode
from dataclasses import dataclass, field
from typing import Any

from itsdangerous import BadSignature, URLSafeTimedSerializer
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from handoff_bot.domain.attributes import attributes_in
from handoff_bot.domain.errors import Unauthentic
from handoff_bot.domain.visitors import Session, Visitor

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
