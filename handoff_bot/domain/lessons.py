"""Training examples from the team's feedback on single turns."""

from __future__ import annotations

from dataclasses import dataclass

from handoff_bot.domain.signals import Signal
from handoff_bot.domain.talk import Talk


@dataclass(frozen=True)
class Lesson:
    """One turn, and whether an agent was needed.

    Attributes:
        talk: the conversation up to that turn.
        signal: the signal it is about; None for all.
        needed: True if an agent was needed.
        said_so: True if an agent said so; False if inferred from their actions.
    """

    talk: Talk
    signal: Signal | None
    needed: bool
    said_so: bool
