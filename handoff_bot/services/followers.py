"""Who follows escalations: what else must happen, in the same transaction, whenever one moves."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from handoff_bot.domain.escalations import Step
from handoff_bot.storage.models import Agent, Conversation, Escalation, Ticket
from handoff_bot.storage.transaction import Transaction


@dataclass(frozen=True)
class Moved:
    """An escalation has just begun, or a step was taken; its rows already show it.

    Attributes:
        tx: the transaction in which it happens: anything slow is enqueued, never done.
        step: None when it has just begun.
        agent: who took the step, None when it has just begun.
    """

    tx: Transaction
    escalation: Escalation
    conversation: Conversation
    ticket: Ticket
    step: Step | None
    agent: Agent | None
    now: datetime


class Follower(Protocol):
    """Called for each escalation that moves."""

    def __call__(self, moved: Moved) -> None:
        """Enqueue what must follow."""
