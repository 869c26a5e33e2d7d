"""Verifies webhook signatures with our secrets.

Documentation: https://www.twilio.com/docs/usage/webhooks/webhooks-security. Nothing in the request
is trusted before the check, so the signed URL is built from our own setting, never from Host or
X-Forwarded-*.
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
    """A form with several values per name, as RequestValidator expects it."""

    def getall(self, name: str) -> list[str]:
        return self[name]


def is_signed(
    request: WebhookRequest,
    base_url: str,
    auth_tokens: Sequence[str],
    shared_keys: Mapping[str, str],
) -> bool:
    """Verifies the signature by an auth token (HMAC-SHA1) or by the named shared key (HMAC-SHA256).

    Args:
        base_url: our base URL as configured at Twilio.
        auth_tokens: the current one and the next one; empty ones are ignored.
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
            if secret  # anyone can sign with an empty one
        )
    except Exception as error:  # a forged request that breaks the validator is refused
        logger.warning("signature cannot be checked", extra={"error": type(error).__name__})
        return False


def _secrets(
    algorithm: str, settings: str, auth_tokens: Sequence[str], shared_keys: Mapping[str, str]
) -> Sequence[str]:
    """Returns the candidate secrets. The header chooses among ours, each only for its own algorithm."""
    if algorithm == HMAC_SHA1:
        return auth_tokens
    if algorithm == HMAC_SHA256:
        return (shared_keys.get(_key_id(settings), ""),)
    return ()


def _key_id(settings: str) -> str:
    """Returns the `key` of "key=…,algorithm=…"."""
    pairs = (part.partition("=") for part in settings.split(","))
    return next((value.strip() for name, _, value in pairs if name.strip() == "key"), "")


def _signed_url(request: WebhookRequest, base_url: str) -> str:
    query = f"?{request.query}" if request.query else ""
    return f"{base_url.rstrip('/')}{request.path}{query}"


def _signed_content(request: WebhookRequest) -> Mapping[str, list[str]] | str:
    """Returns the form; for JSON the body itself, whose hash is part of the signed query."""
    if request.headers.get("content-type", "").startswith("application/json"):
        return request.body.decode()
    content = _Repeats()
    for name, value in request.form:
        content.setdefault(name, []).append(value)
    return content
