"""Subscribers to escalation changes; they run in the same transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from handoff_bot.domain.escalations import Step
from handoff_bot.storage.models import Agent, Conversation, Escalation, Ticket
from handoff_bot.storage.transaction import Transaction


@dataclass(frozen=True)
class EscalationChanged:
    """An escalation has just started or changed; its rows already show it.

    Attributes:
        tx: the transaction of the change. Slow work is enqueued, never done here.
        step: None when the escalation has just started.
        agent: who took the action; None when the escalation has just started.
    """

    tx: Transaction
    escalation: Escalation
    conversation: Conversation
    ticket: Ticket
    step: Step | None
    agent: Agent | None
    now: datetime


class Subscriber(Protocol):
    """Called for each escalation change."""

    def __call__(self, change: EscalationChanged) -> None:
        """Enqueues the follow-up work."""
