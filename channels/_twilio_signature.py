"""Believes a webhook only when somebody signed it who holds one of our secrets.

The scheme: https://www.twilio.com/docs/usage/webhooks/webhooks-security. Everything in the request is
the sender's word until this has said yes, so the address that was signed is put together from our own
setting, never from Host or X-Forwarded-*.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

from twilio.request_validator import (
    HMAC_SHA1,
    HMAC_SHA256,
    RequestValidator,
    get_signature_algorithm,
)

from handoff_bot.ports import WebhookRequest

logger = logging.getLogger(__name__)

_SIGNATURE = "x-twilio-signature"
_SETTINGS = "x-twilio-webhooks-signature-settings"


class _Repeats(dict[str, list[str]]):
    """A form in which a name may have several values, as RequestValidator asks for them."""

    def getall(self, name: str) -> list[str]:
        """Every value of a name."""
        return self[name]


def is_signed(
    request: WebhookRequest,
    base_url: str,
    auth_tokens: Sequence[str],
    shared_keys: Mapping[str, str],
) -> bool:
    """Is it signed with one of the auth tokens (HMAC-SHA1) or with the shared key it names (HMAC-SHA256)?

    Args:
        base_url: the address that Twilio knows us by, without the path.
        auth_tokens: the current one and the next one; empty ones are passed over.
        shared_keys: secrets by key id.
    """
    signature = request.headers.get(_SIGNATURE, "")
    settings = request.headers.get(_SETTINGS, "")
    algorithm = get_signature_algorithm(settings).upper()
    try:
        return any(
            RequestValidator(secret).validate(
                _signed_url(request, base_url), _signed_content(request), signature, algorithm
            )
            for secret in _secrets(algorithm, settings, auth_tokens, shared_keys)
            if secret  # anybody can sign with an empty one
        )
    except Exception as error:  # whatever a forged request breaks in there, it is not believed
        logger.warning("signature cannot be checked", extra={"error": type(error).__name__})
        return False


def _secrets(
    algorithm: str, settings: str, auth_tokens: Sequence[str], shared_keys: Mapping[str, str]
) -> Sequence[str]:
    """What it may be signed with. The header chooses among our secrets, each for its own algorithm alone."""
    if algorithm == HMAC_SHA1:
        return auth_tokens
    if algorithm == HMAC_SHA256:
        return (shared_keys.get(_key_id(settings), ""),)
    return ()


def _key_id(settings: str) -> str:
    """The `key` of "key=…,algorithm=…"."""
    pairs = (part.partition("=") for part in settings.split(","))
    return next((value.strip() for name, _, value in pairs if name.strip() == "key"), "")


def _signed_url(request: WebhookRequest, base_url: str) -> str:
    query = f"?{request.query}" if request.query else ""
    return f"{base_url.rstrip('/')}{request.path}{query}"


def _signed_content(request: WebhookRequest) -> Mapping[str, list[str]] | str:
    """The form; for JSON the body itself, whose hash is part of the signed query."""
    if request.headers.get("content-type", "").startswith("application/json"):
        return request.body.decode()
    content = _Repeats()
    for name, value in request.form:
        content.setdefault(name, []).append(value)
    return content
