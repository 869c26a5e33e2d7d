"""Trouble that a person can switch on and off, in plain words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from handoff_sandbox.faults import Faults
from handoff_sandbox.twilio.carrier import Callbacks

SLOW = 2.0
"""Seconds that a slow service takes longer."""
HURRY = 5
"""Seconds that a refused bot is told to wait."""
SOMETIMES = 0.3
LATE = 4.0
"""Seconds by which a delivery report comes late, at the most."""


@dataclass(frozen=True)
class Switch:
    """One of them; `fault` are the arguments of Faults.add, or `callbacks` what delivery reports do."""

    name: str
    label: str
    help: str
    service: str
    fault: dict[str, Any] | None = None
    callbacks: dict[str, float] | None = None


_SLACK_CALLS = "/api/chat.*"
_TWILIO_CALLS = "/2010-04-01/*"

SWITCHES: tuple[Switch, ...] = (
    Switch(
        "slack-slow",
        "Slow Slack",
        f"Every call to Slack takes {SLOW:.0f} seconds longer.",
        "slack",
        {"path": "/api/*", "latency": SLOW},
    ),
    Switch(
        "slack-429",
        "Slack says: too many requests",
        f"Posts and updates are refused with 429; the bot is told to wait {HURRY} seconds.",
        "slack",
        {"path": _SLACK_CALLS, "status": 429, "retry_after": HURRY},
    ),
    Switch(
        "slack-500",
        "Slack has an error",
        "Posts and updates are answered with 500.",
        "slack",
        {"path": _SLACK_CALLS, "status": 500},
    ),
    Switch(
        "slack-drop",
        "Slack loses its answers",
        "Three posts in ten take effect, but the bot never hears so.",
        "slack",
        {"path": _SLACK_CALLS, "drop": "after", "probability": SOMETIMES},
    ),
    Switch(
        "twilio-slow",
        "Slow Twilio",
        f"Every message to a phone takes {SLOW:.0f} seconds longer.",
        "twilio",
        {"path": _TWILIO_CALLS, "latency": SLOW},
    ),
    Switch(
        "twilio-429",
        "Twilio says: too many requests",
        "Messages to phones are refused with 429.",
        "twilio",
        {"path": _TWILIO_CALLS, "status": 429},
    ),
    Switch(
        "twilio-500",
        "Twilio has an error",
        "Messages to phones are answered with 500; nobody knows whether they were taken.",
        "twilio",
        {"path": _TWILIO_CALLS, "status": 500},
    ),
    Switch(
        "twilio-drop",
        "Twilio loses its answers",
        "Three messages in ten reach the phone, but the bot never hears so.",
        "twilio",
        {"path": _TWILIO_CALLS, "drop": "after", "probability": SOMETIMES},
    ),
    Switch(
        "callbacks-late",
        "Late delivery reports",
        f"Reports of deliveries come up to {LATE:.0f} seconds late.",
        "twilio",
        callbacks={"delay": LATE},
    ),
    Switch(
        "callbacks-twice",
        "Doubled delivery reports",
        "Every report comes twice.",
        "twilio",
        callbacks={"duplicated": 1.0},
    ),
    Switch(
        "callbacks-shuffled",
        "Shuffled delivery reports",
        "Reports come in any order.",
        "twilio",
        callbacks={"shuffled": 1.0},
    ),
)


class Switches:
    """Which are on; turning one sets the services' faults anew."""

    def __init__(self, slack: Faults, twilio: Faults, callbacks: Callbacks) -> None:
        self._faults = {"slack": slack, "twilio": twilio}
        self._callbacks = callbacks
        self._on: set[str] = set()

    def shown(self) -> list[dict[str, object]]:
        """All of them, as the page takes them."""
        return [
            {"name": one.name, "label": one.label, "help": one.help, "on": one.name in self._on}
            for one in SWITCHES
        ]

    def turn(self, name: str, *, on: bool) -> None:
        """Turn one.

        Raises:
            LookupError: there is no such switch.
        """
        if name not in {one.name for one in SWITCHES}:
            raise LookupError(f"There is no switch {name!r}.")
        (self._on.add if on else self._on.discard)(name)
        self._apply()

    def _apply(self) -> None:
        for faults in self._faults.values():
            faults.clear()
        normal = Callbacks()
        for name in ("delay", "duplicated", "shuffled"):
            setattr(self._callbacks, name, getattr(normal, name))
        for one in SWITCHES:
            if one.name in self._on:
                self._strike(one)

    def _strike(self, one: Switch) -> None:
        if one.fault:
            add: Callable[..., None] = self._faults[one.service].add
            add(**one.fault)
        for name, value in (one.callbacks or {}).items():
            setattr(self._callbacks, name, value)
