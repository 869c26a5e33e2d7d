"""Training examples from the team's feedback on single turns."""

from __future__ import annotations

from dataclasses import dataclass

from handoff_bot.domain.conversation_context import ConversationContext
from handoff_bot.domain.signals import Signal


@dataclass(frozen=True)
class TrainingExample:
    """One turn, and whether an agent was needed.

    Attributes:
        talk: the conversation up to that turn.
        signal: the signal it is about; None for all.
        needed: True if an agent was needed.
        said_so: True if an agent said so; False if inferred from their actions.
    """

    talk: ConversationContext
    signal: Signal | None
    needed: bool
    said_so: bool
