"""What came of something that an agent asked for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Outcome:
    """What to tell the agent who asked.

    Attributes:
        done: True when it happened (or already was so).
        text: plain words to whisper; "" when the redrawn card says it all.
    """

    done: bool
    text: str = ""
