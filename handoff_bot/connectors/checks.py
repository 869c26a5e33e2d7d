"""Health checks of the ticket connectors."""

from __future__ import annotations

from collections.abc import Iterator

from handoff_bot.connectors.customers import CustomerSystem
from handoff_bot.connectors.webhook import WebhookConnector
from handoff_bot.connectors.zendesk import ZendeskConnector
from handoff_bot.domain.errors import ConnectorError
from handoff_bot.domain.results import CheckResult

_WRITERS = ("admin", "agent")


def check_zendesk(sink: ZendeskConnector) -> Iterator[CheckResult]:
    """Checks the token and its permission to write tickets."""
    try:
        role = sink.role()
    except ConnectorError as error:
        yield CheckResult("Zendesk: token", False, f"{error} Check ZENDESK_URL and ZENDESK_TOKEN")
        return
    if role in _WRITERS:
        yield CheckResult("Zendesk: token", True, f"accepted, as {role}")
        return
    words = "not accepted, or not an agent; check ZENDESK_EMAIL and ZENDESK_TOKEN"
    yield CheckResult("Zendesk: token", False, words)


def check_customers(system: CustomerSystem) -> Iterator[CheckResult]:
    """Checks that the look-up answers a signed request about a customer that it does not know."""
    try:
        system.look_up("sms", "+15550000000")
    except ConnectorError as error:
        words = f"{error} It must answer 404, or attributes as JSON"
        yield CheckResult("customer look-up", False, words)
    else:
        yield CheckResult("customer look-up", True, "answered a signed request")


def check_webhook(sink: WebhookConnector) -> Iterator[CheckResult]:
    """Checks that the webhook accepts an event of the type "ping"."""
    try:
        sink.ping()
    except ConnectorError as error:
        yield CheckResult("ticket webhook", False, f"{error} It must answer 2xx to a signed ping")
    else:
        yield CheckResult("ticket webhook", True, "accepted a signed ping")
