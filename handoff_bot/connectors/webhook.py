"""Sends tickets as signed requests to the operator's URL; docs/tickets.md describes the receiver."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from handoff_bot.connectors.http import Peer
from handoff_bot.domain.errors import ConnectorError
from handoff_bot.domain.tickets import TicketRecord
from handoff_bot.domain.web_requests import SIGNATURE, signature
from handoff_bot.ports import Clock

EVENT_ID = "Handoff-Event-Id"
CHANGED = "ticket.changed"
FORGOTTEN = "ticket.forgotten"
PING = "ping"

_NOT_OF_THE_TICKET = frozenset({"revision"})


class WebhookConnector:
    """Implements `TicketConnector`: each state of a ticket is one POST.

    Args:
        secrets: each of them signs, which allows rotation without a gap.
    """

    def __init__(self, url: str, secrets: Sequence[str], clock: Clock) -> None:
        self._url = url
        self._secrets = [secret.encode() for secret in secrets]
        self._clock = clock
        self._peer = Peer(f"The webhook at {urlsplit(url).hostname}", clock)

    def put(self, record: TicketRecord, external_id: str) -> str:
        ticket = {k: v for k, v in asdict(record).items() if k not in _NOT_OF_THE_TICKET}
        event = {"type": CHANGED, "revision": record.revision, "ticket": ticket}
        # A repeated state has the same id; another state of the same job does not.
        self._post(event, hashlib.sha256(_json(event)).hexdigest()[:32])
        return ""

    def forget(self, key: str, number: int, external_id: str) -> str:
        """Tells the receiver to delete what it holds about the ticket's customer."""
        event = {"type": FORGOTTEN, "ticket": {"key": key, "number": number}}
        self._post(event, hashlib.sha256(_json(event)).hexdigest()[:32])
        return "ticket webhook: told to forget; the receiver deletes"

    def ping(self) -> None:
        """Sends a test event.

        Raises:
            ConnectorError: it was not accepted.
        """
        now = self._clock.now().isoformat()
        self._post({"type": PING}, hashlib.sha256(now.encode()).hexdigest()[:32])

    def _post(self, event: dict[str, Any], event_id: str) -> None:
        body = _json({"id": f"evt_{event_id}", **event})
        sent_at = int(self._clock.now().timestamp())
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "Handoff",
            EVENT_ID: f"evt_{event_id}",
            SIGNATURE: signature(self._secrets, sent_at, body),
        }
        answer = self._peer.ask("POST", self._url, data=body, headers=headers)
        if 300 <= answer.status < 400:
            words = (
                f"{self._peer.name} redirects, and redirects are not followed. Set the final "
                "address."
            )
            raise ConnectorError(words, permanent=True, code=str(answer.status))
        if not answer.is_success:
            raise self._peer.refusal(answer)


def _json(content: object) -> bytes:
    """Returns JSON without spaces, times as RFC 3339 in UTC."""
    return json.dumps(content, default=_plain, ensure_ascii=False, separators=(",", ":")).encode()


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    raise TypeError(type(value).__name__)
