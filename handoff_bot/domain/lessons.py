"""What a team's feedback says about single turns."""

from __future__ import annotations

from dataclasses import dataclass

from handoff_bot.domain.signals import Signal
from handoff_bot.domain.talk import Talk


@dataclass(frozen=True)
class Lesson:
    """One turn, and whether a person was needed.

    Attributes:
        talk: the conversation up to that turn.
        signal: the one that it is about; None for all of them.
        needed: was a person needed?
        said_so: did an agent say so? Otherwise it is only what usually follows from what they did.
    """

    talk: Talk
    signal: Signal | None
    needed: bool
    said_so: bool
