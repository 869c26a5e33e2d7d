"""Looks customers up in the team's own system; docs/admins.md describes what it must answer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from urllib.parse import quote, urlencode, urlsplit

from handoff_bot.connectors.http import Peer
from handoff_bot.domain.customers import attributes_in
from handoff_bot.domain.errors import ConnectorError
from handoff_bot.domain.web_requests import SIGNATURE, signature
from handoff_bot.ports import Clock

_LARGEST = 65_536
_UNKNOWN = 404


class CustomerSystem:
    """Implements `CustomerLookup`: one signed GET, to the operator's host only.

    The customer's address becomes a parameter of the query, so it decides neither host nor path.
    """

    def __init__(self, url: str, secret: str, clock: Clock) -> None:
        self._url = url.partition("#")[0]
        self._secret = secret.encode()
        self._clock = clock
        self._peer = Peer(f"The customer look-up at {urlsplit(url).hostname}", clock)

    def look_up(self, channel: str, address: str) -> Mapping[str, str]:
        asked = urlencode({"channel": channel, "address": address}, quote_via=quote)
        url = f"{self._url}{'&' if '?' in self._url else '?'}{asked}"
        parts = urlsplit(url)
        target = f"{parts.path}?{parts.query}".encode()
        sent_at = int(self._clock.now().timestamp())
        headers = {
            "Accept": "application/json",
            "User-Agent": "Handoff",
            SIGNATURE: signature([self._secret], sent_at, target),
        }
        answer = self._peer.ask("GET", url, headers=headers)
        if answer.status == _UNKNOWN:
            return {}
        if not answer.is_success:
            raise self._peer.refusal(answer, "redirect" if answer.status < 400 else "")
        return attributes_in(self._attributes(answer.body))

    def _attributes(self, body: bytes) -> object:
        try:
            found = json.loads(body) if len(body) <= _LARGEST else None
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict) or not isinstance(found.get("attributes"), dict):
            words = f'{self._peer.name} did not answer {{"attributes": {{…}}}} as JSON.'
            raise ConnectorError(words, permanent=True, code="malformed")
        return found["attributes"]
