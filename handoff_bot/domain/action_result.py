"""Result of an agent's action."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ActionResult:
    """What to tell the agent.

    Attributes:
        done: True when it happened or was already done.
        text: plain text for an ephemeral message; "" when the updated card says it all.
    """

    done: bool
    text: str = ""
