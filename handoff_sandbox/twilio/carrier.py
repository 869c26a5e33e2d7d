"""The carrier: splits messages into segments, handles STOP and START, delivers, and reports."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

STOP = frozenset({"stop", "unsubscribe", "end", "quit", "stopall", "revoke", "optout", "cancel"})
START = frozenset({"start", "yes", "unstop"})
HELP = frozenset({"help", "info"})

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_ESCAPED = frozenset("^{}\\[~]|€\f")


def segments(text: str) -> int:
    """Returns the number of SMS segments of a text:

    GSM-7 in 160 (153 each if split), else UCS-2 in 70 (67).
    """
    if set(text) <= _BASIC | _ESCAPED:
        size, whole, part = len(text) + sum(c in _ESCAPED for c in text), 160, 153
    else:
        size, whole, part = len(text.encode("utf-16-le")) // 2, 70, 67
    return 1 if size <= whole else -(-size // part)


class AutoReply(StrEnum):
    """The carrier's reply to a keyword, in Twilio's default texts."""

    STOPPED = (
        "You have successfully been unsubscribed. You will not receive any more messages from "
        "this number. Reply START to resubscribe."
    )
    STARTED = (
        "You have successfully been re-subscribed to messages from this number. "
        "Reply HELP for help. Reply STOP to unsubscribe. Msg&Data Rates May Apply."
    )
    HELPED = "Reply STOP to unsubscribe. Msg&Data Rates May Apply."


@dataclass
class OptOuts:
    """Opt-outs by customer and number; a keyword counts only if it is the whole message."""

    _pairs: set[tuple[str, str]] = field(default_factory=set, init=False)

    def hear(self, customer: str, number: str, text: str) -> AutoReply | None:
        """Handles a customer's message to our number; returns the carrier's reply, None for none."""
        pair, word = (customer, number), text.strip().lower()
        if word in HELP:
            return None if pair in self._pairs else AutoReply.HELPED
        if word in STOP and pair not in self._pairs:
            self._pairs.add(pair)
            return AutoReply.STOPPED
        if word in START and pair in self._pairs:
            self._pairs.remove(pair)
            return AutoReply.STARTED
        return None

    def bar(self, customer: str, number: str) -> bool:
        """Whether the customer has opted out of messages from our number."""
        return (customer, number) in self._pairs


@dataclass(frozen=True)
class News:
    """One step of a delivery: its status, the seconds before it, and whether it is reported."""

    step: str
    delay: float
    is_told: bool


@dataclass
class Callbacks:
    """Behaviour of status callbacks.

    Attributes:
        delay: maximum seconds before each callback.
        duplicated, missing: the probability for each callback.
        shuffled: the probability that a message's callbacks lose their order.
        read: the probability that a customer on WhatsApp reads a message.
    """

    delay: float = 0.0
    duplicated: float = 0.0
    missing: float = 0.0
    shuffled: float = 0.0
    read: float = 1.0

    def plan(self, steps: Sequence[str], dice: random.Random) -> list[News]:
        """Returns the callbacks of one message with these steps."""
        order = list(steps)
        if dice.random() < self.shuffled:
            dice.shuffle(order)
        return [
            News(step, dice.uniform(0, self.delay), is_told=dice.random() >= self.missing)
            for step in order
            for _ in range(2 if dice.random() < self.duplicated else 1)
        ]
