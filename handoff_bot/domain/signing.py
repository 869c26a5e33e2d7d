"""The signature of requests to the team's own systems: webhooks, customer systems and look-ups."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence

SIGNATURE = "Handoff-Signature"
"""Name of the header."""


def signature(secrets: Sequence[bytes], sent_at: int, content: bytes) -> str:
    """Returns the header: the time in Unix seconds, and an HMAC-SHA256 by each secret over time and
    content.
    """
    signed = str(sent_at).encode() + b"." + content
    signatures = [hmac.new(secret, signed, hashlib.sha256).hexdigest() for secret in secrets]
    return ",".join([f"t={sent_at}", *(f"v1={one}" for one in signatures)])
