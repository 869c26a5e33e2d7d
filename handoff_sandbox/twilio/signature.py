"""Authentication at Twilio's stand-in, and webhook signatures, by the standard library only."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

Fields = Mapping[str, str | Sequence[str]]
"""A form; a repeated field has several values."""


def sign(secret: str, url: str, fields: Fields, algorithm: str = "sha1") -> str:
    """Returns the signature of a webhook: base64 of the HMAC over the address and the sorted form.

    Args:
        secret: the auth token, or a shared key's secret.
        url: as Twilio knows it; its query counts, its fragment does not.
        fields: the form, empty if the body is not a form.
        algorithm: a name that `hashlib` knows.
    """
    form = "".join(name + value for name in sorted(fields) for value in _values(fields[name]))
    signed = url.partition("#")[0] + form
    return base64.b64encode(hmac.digest(secret.encode(), signed.encode(), algorithm)).decode()


def _values(given: str | Sequence[str]) -> list[str]:
    """Repeats of a value count once, and their order does not matter."""
    return [given] if isinstance(given, str) else sorted(set(given))


@dataclass(frozen=True)
class SharedKey:
    """A key of the newer signature scheme: its public id and its secret."""

    name: str
    secret: str = field(repr=False)


@dataclass
class Secrets:
    """The secrets of one account.

    Attributes:
        account_sid: "AC…".
        auth_token: the primary token; it signs webhooks.
        next_auth_token: the secondary token, "" for none; it opens the API and signs nothing.
        api_keys: secrets by key id ("SK…"); they open the API and sign nothing.
        shared_key: signs webhooks instead of the token, by HMAC-SHA256.
    """

    account_sid: str
    auth_token: str = field(repr=False)
    next_auth_token: str = field(default="", repr=False)
    api_keys: dict[str, str] = field(default_factory=dict, repr=False)
    shared_key: SharedKey | None = None

    def promote(self) -> None:
        """Makes the secondary token the primary one; the old primary token is invalid from then on.

        Raises:
            ValueError: there is no secondary token.
        """
        if not self.next_auth_token:
            raise ValueError("there is no secondary token to promote")
        self.auth_token, self.next_auth_token = self.next_auth_token, ""

    def admit(self, user: str, password: str) -> bool:
        """Whether this pair may use the API."""
        if user == self.account_sid:
            known = [self.auth_token, self.next_auth_token]
        else:
            known = [self.api_keys.get(user, "")]
        given = password.encode()
        return any(secret and hmac.compare_digest(secret.encode(), given) for secret in known)

    def headers(self, url: str, fields: Fields) -> dict[str, str]:
        """Returns the signature headers of a webhook."""
        key = self.shared_key
        if key is None:
            return {"X-Twilio-Signature": sign(self.auth_token, url, fields)}
        return {
            "X-Twilio-Signature": sign(key.secret, url, fields, "sha256"),
            "X-Twilio-Webhooks-Signature-Settings": f"key={key.name},algorithm=HMAC_SHA256",
        }
