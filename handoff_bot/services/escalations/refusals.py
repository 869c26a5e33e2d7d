"""Refusal messages for agents' actions."""

from __future__ import annotations

from datetime import datetime, timedelta

from handoff_bot.domain.escalations import Status
from handoff_bot.storage import escalations as rows
from handoff_bot.storage.models import Escalation
from handoff_bot.storage.transaction import Transaction


def someone_elses(tx: Transaction, escalation: Escalation) -> str:
    """Returns the refusal when another agent has the conversation."""
    return (
        f"{_name(tx, escalation.owner_id)} has this conversation. "
        "Use Assign… to take it over first."
    )


def where_it_is(tx: Transaction, escalation: Escalation, now: datetime) -> str:
    """The escalation's status does not allow this action."""
    if escalation.status == Status.CLAIMED:
        since = now - (escalation.claimed_at or now)
        return f"{_name(tx, escalation.owner_id)} took this {_ago(since)}."
    if escalation.status == Status.QUEUED:
        return "No agent has this conversation yet. Select Take Over first."
    return (
        f"{_name(tx, escalation.closed_by_id)} already closed this conversation "
        f"({escalation.status})."
    )


def _ago(since: timedelta) -> str:
    seconds = int(since.total_seconds())
    if seconds < 5:
        return "just now"
    if seconds < 60:
        return f"{seconds} s ago"
    minutes = seconds // 60
    return f"{minutes} min ago" if minutes < 60 else f"{minutes // 60} h ago"


def _name(tx: Transaction, agent_id: int | None) -> str:
    agent = rows.agent(tx, agent_id)
    return agent.name if agent else "Another agent"
