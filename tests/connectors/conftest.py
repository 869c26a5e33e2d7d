"""A ticket, and those who keep it: Zendesk's stand-in, and a receiver that checks every signature."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask, request

from handoff_bot.connectors.webhook import WebhookConnector
from handoff_bot.connectors.zendesk import Account, ZendeskConnector
from handoff_bot.domain.escalations import TicketStatus
from handoff_bot.domain.signals import Priority, Signal
from handoff_bot.domain.tickets import TicketRecord, key_of
from handoff_sandbox.server import Faults, Journal, Server
from handoff_sandbox.zendesk import ZendeskStandIn

ROOT = Path(__file__).resolve().parents[2]
CREATED = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
RECORD = TicketRecord(
    key=key_of(12, CREATED),
    revision=1,
    number=12,
    subject="Where is my parcel?",
    contact="Dana",
    address="+15550001",
    channel="whatsapp",
    reason=Signal.REQUEST,
    priority=Priority.HIGH,
    status=TicketStatus.OPEN,
    assignee="",
    tags=(),
    outcome="",
    summary="The parcel is a week late.",
    created_at=CREATED,
    updated_at=CREATED,
    link="https://acme.slack.test/archives/C1/p1",
)
TAKEN = replace(RECORD, status=TicketStatus.PENDING, assignee="Ana", revision=2)
SOLVED = replace(TAKEN, status=TicketStatus.SOLVED, outcome="answered", revision=3)


def verify_of_the_documents():
    """The receiver's side, as docs/tickets.md shows it."""
    text = (ROOT / "docs" / "tickets.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", text, re.S)
    names = {}
    exec(code, names)  # noqa: S102 - our own document
    return names["verify"]


class Receiver:
    """Somebody's web server: takes what is signed with its secret, and refuses everything else."""

    def __init__(self, secret, clock):
        self.journal, self.faults = Journal(), Faults()
        self.events, self.refused = [], 0
        self._secret, self._clock, self._verify = secret, clock, verify_of_the_documents()
        self._server = Server(self._app(), "webhook", self.journal, self.faults)
        self.url = f"{self._server.url}/handoff"

    def _app(self):
        app = Flask("receiver")

        @app.post("/handoff")
        def receive():
            header = request.headers.get("Handoff-Signature", "")
            body = request.get_data(cache=True)
            if not self._verify(self._secret, header, body, self._clock.now().timestamp()):
                self.refused += 1
                return "", 401
            event = request.get_json()
            assert event["id"] == request.headers["Handoff-Event-Id"]
            if event["id"] not in [known["id"] for known in self.events]:
                self.events.append(event)
            return "", 204

        @app.post("/moved")
        def moved():
            return "", 302, {"Location": self.url}

        return app

    def __enter__(self):
        self._server.start()
        return self

    def __exit__(self, *_):
        self._server.stop()


@pytest.fixture
def receiver(clock):
    with Receiver("old-secret", clock) as running:
        yield running


@pytest.fixture
def webhook(receiver, clock):
    return WebhookConnector(receiver.url, ["old-secret", "new-secret"], clock)


@pytest.fixture
def zendesk(clock):
    with ZendeskStandIn(now=clock.now) as running:
        yield running


@pytest.fixture
def sink(zendesk, clock):
    return ZendeskConnector(Account(zendesk.url, zendesk.email, zendesk.token), clock)
