"""Which requests may see how the bot is doing."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from ipaddress import ip_address

from flask import Request

_FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Real-Ip", "Via")
"""A request with one of these came through a proxy, whose address is not the client's."""


@dataclass(frozen=True)
class Operators:
    """Operators are known by a token; while there is none, by asking from this machine.

    Args:
        token: METRICS_TOKEN; "" for none.
    """

    token: str = ""

    def has_token(self, request: Request) -> bool:
        """Returns whether a request has the token. Never without a token."""
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        is_same = hmac.compare_digest(given.strip().encode(), self.token.encode())
        return bool(self.token) and is_same and scheme.lower() == "bearer"

    def may_see(self, request: Request) -> bool:
        """Returns whether a request may see details of the health page."""
        return self.has_token(request) or (not self.token and _is_local(request))


def _is_local(request: Request) -> bool:
    if any(name in request.headers for name in _FORWARDED):
        return False
    try:
        return ip_address(request.remote_addr or "").is_loopback
    except ValueError:
        return False
