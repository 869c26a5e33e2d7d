"""Faults that a visitor can switch on and off."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from handoff_sandbox.faults import Faults
from handoff_sandbox.twilio.carrier import Callbacks

SLOW = 2.0
"""Additional seconds of a slow service."""
HURRY = 5
"""Retry-After of refused requests, in seconds."""
SOMETIMES = 0.3
LATE = 4.0
"""Maximum delay of a status callback, in seconds."""


@dataclass(frozen=True)
class Switch:
    """One switch;

    `fault` are the arguments of Faults.add, or `callbacks` the behaviour of status callbacks.
    """

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
        "Slack rate limit",
        f"Posts and updates are refused with 429; the bot is told to wait {HURRY} seconds.",
        "slack",
        {"path": _SLACK_CALLS, "status": 429, "retry_after": HURRY},
    ),
    Switch(
        "slack-500",
        "Slack server error",
        "Posts and updates are answered with 500.",
        "slack",
        {"path": _SLACK_CALLS, "status": 500},
    ),
    Switch(
        "slack-drop",
        "Lost Slack responses",
        "Three posts in ten take effect, but the bot gets no response.",
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
        "Twilio rate limit",
        "Messages to phones are refused with 429.",
        "twilio",
        {"path": _TWILIO_CALLS, "status": 429},
    ),
    Switch(
        "twilio-500",
        "Twilio server error",
        "Messages to phones are answered with 500; whether Twilio accepted them is unknown.",
        "twilio",
        {"path": _TWILIO_CALLS, "status": 500},
    ),
    Switch(
        "twilio-drop",
        "Lost Twilio responses",
        "Three messages in ten reach the phone, but the bot gets no response.",
        "twilio",
        {"path": _TWILIO_CALLS, "drop": "after", "probability": SOMETIMES},
    ),
    Switch(
        "callbacks-late",
        "Late status callbacks",
        f"Status callbacks come up to {LATE:.0f} seconds late.",
        "twilio",
        callbacks={"delay": LATE},
    ),
    Switch(
        "callbacks-twice",
        "Duplicate status callbacks",
        "Every status callback comes twice.",
        "twilio",
        callbacks={"duplicated": 1.0},
    ),
    Switch(
        "callbacks-shuffled",
        "Shuffled status callbacks",
        "Status callbacks come in any order.",
        "twilio",
        callbacks={"shuffled": 1.0},
    ),
)


class Switches:
    """The state of all switches; each change resets the services' faults."""

    def __init__(self, slack: Faults, twilio: Faults, callbacks: Callbacks) -> None:
        self._faults = {"slack": slack, "twilio": twilio}
        self._callbacks = callbacks
        self._on: set[str] = set()

    def shown(self) -> list[dict[str, object]]:
        """Returns all switches in the page's format."""
        return [
            {"name": one.name, "label": one.label, "help": one.help, "on": one.name in self._on}
            for one in SWITCHES
        ]

    def turn(self, name: str, *, on: bool) -> None:
        """Switches one fault.

        Raises:
            LookupError: the switch does not exist.
        """
        if name not in {one.name for one in SWITCHES}:
            raise LookupError(f"Unknown switch: {name!r}.")
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
