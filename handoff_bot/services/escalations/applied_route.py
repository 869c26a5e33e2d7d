"""How escalations were routed, stored in the event log."""

from __future__ import annotations

from pydantic import TypeAdapter

from handoff_bot.domain.events import EventKind, Routed
from handoff_bot.domain.rules import Route, RoutingRule, first_fitting
from handoff_bot.services.outbox.outbox import EscalationChanged
from handoff_bot.services.settings import rule_lists
from handoff_bot.services.settings.rule_lists import case_of
from handoff_bot.storage import log, workspace
from handoff_bot.storage.models import Escalation
from handoff_bot.storage.transaction import Transaction

RULES = "routing.rules"
RULE: TypeAdapter[RoutingRule] = TypeAdapter(RoutingRule)


def choose(change: EscalationChanged) -> Route | None:
    """Routes a new escalation by the current rules; its rows store the result."""
    tx, escalation = change.tx, change.escalation
    case = case_of(tx, escalation, change.conversation)
    rule = first_fitting(rule_lists.read(tx, RULES, RULE), case)
    if rule is None:
        return None
    if rule.to.slack_channel and not _is_suspended(tx, rule.to.slack_channel):
        escalation.slack_channel = rule.to.slack_channel
    escalation.group_id = rule.to.group_id
    routed = Routed(route=rule.to).model_dump(mode="json")
    log.record(tx, EventKind.ESCALATION_ROUTED, change.now, escalation=escalation, **routed)
    return rule.to


def people_of(tx: Transaction, escalation: Escalation) -> tuple[str, ...]:
    """Returns the Slack ids of the agents that a rule named; empty for all agents or a group."""
    route = route_of(tx, escalation)
    return route.people if route else ()


def _is_suspended(tx: Transaction, slack_channel: str) -> bool:
    row = workspace.known_channel(tx, slack_channel)
    return row is not None and row.suspended_at is not None


def route_of(tx: Transaction, escalation: Escalation) -> Route | None:
    """Returns the stored route, or None if no rule matched or it was reassigned."""
    routed = log.of_escalation(tx, escalation.id, EventKind.ESCALATION_ROUTED)
    if not routed:
        return None
    route = Routed.model_validate(routed[-1].data).route
    return route if route.group_id == escalation.group_id else None
