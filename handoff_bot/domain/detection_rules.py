"""Detection rules set by admins: which signals lead to a handoff, how easily, and for whom."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import lru_cache

from handoff_bot.domain.mcp_servers import AnyLookUp
from handoff_bot.domain.signals import Signal, Turn

_NUMBER = re.compile(r"\+?[\d\s().\-/\u00a0]{5,40}")
DEFAULT_PAUSE = 1.5
LONGEST_PAUSE = 30.0


class Sensitivity(StrEnum):
    """How easily a signal leads to a handoff; `off` never does."""

    OFF = "off"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


def _medium() -> dict[Signal, Sensitivity]:
    return dict.fromkeys(Signal, Sensitivity.MEDIUM)


@dataclass(frozen=True)
class Tuning:
    """Adjustments of the local detector from feedback; see `handoff tune`.

    Attributes:
        shifts: by signal, added to the log-odds of its threshold; above 0 means fewer escalations.
        last_layer: by signal, weights that replace the shipped ones, the constant last.
    """

    shifts: Mapping[Signal, float] = field(default_factory=dict)
    last_layer: Mapping[Signal, tuple[float, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Guidance:
    """How the language model answers, in the team's own words.

    Attributes:
        company: its name, as customers know it.
        tone: such as "friendly, first names".
        never: topics that it does not discuss.
        lines: anything else, such as "For refunds ask for the order number."
    """

    company: str = ""
    tone: str = ""
    never: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()


@dataclass(frozen=True)
class Rules:
    """A team's detection rules.

    Attributes:
        triggers: sensitivity of each signal.
        always: phrases that always lead to a handoff.
        never: phrases that are ignored.
        pause_seconds: silence before an answer, so that consecutive messages are answered once.
        most_answers: AI replies before a handoff; 0 means no limit.
        vips: lowercase addresses of contacts with easy and fast handoff.
        languages: ISO 639-1 codes in which the AI may answer; empty for all.
        tuning: adjustments from feedback.
        answer_short_codes: True if messages from short codes are answered.
        paused: True if the AI answers nothing, so that agents get every conversation.
        guidance: how the language model answers.
        look_ups: the look-ups and tools that are on.
    """

    triggers: Mapping[Signal, Sensitivity] = field(default_factory=_medium)
    always: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    pause_seconds: float = DEFAULT_PAUSE
    most_answers: int = 0
    vips: frozenset[str] = frozenset()
    languages: tuple[str, ...] = ()
    tuning: Tuning = Tuning()
    answer_short_codes: bool = False
    paused: bool = False
    guidance: Guidance = Guidance()
    look_ups: tuple[AnyLookUp, ...] = ()

    def is_vip(self, address: str) -> bool:
        """Returns whether the address is a VIP's."""
        return as_address(address) in self.vips

    def for_vip(self) -> Rules:
        """Returns the rules with every enabled trigger at its highest sensitivity."""
        easy = {
            signal: Sensitivity.OFF if wish is Sensitivity.OFF else Sensitivity.HIGH
            for signal, wish in self.triggers.items()
        }
        return replace(self, triggers=easy)

    def phrase_in(self, words: str) -> str:
        """Returns the first phrase of `always` in the text, or ""."""
        return next((one for one in self.always if _pattern(one).search(words)), "")

    def without_phrases(self, turns: Sequence[Turn]) -> tuple[Turn, ...]:
        """Returns the turns with the phrases of `never` removed from the customer's text."""
        if not self.never:
            return tuple(turns)
        return tuple(
            replace(turn, text=self._without(turn.text)) if turn.role == "customer" else turn
            for turn in turns
        )

    def _without(self, words: str) -> str:
        for phrase in self.never:
            words = _pattern(phrase).sub(" ", words)
        return words


DEFAULTS = Rules()


def as_address(words: str) -> str:
    """Returns the address in comparable form: only the digits of a number."""
    if _NUMBER.fullmatch(words.strip()):
        digits = re.sub(r"\D", "", words)
        return (
            f"+{digits.removeprefix('00')}" if digits.startswith("00") or "+" in words else digits
        )
    return words.strip().casefold()


@lru_cache(maxsize=512)
def _pattern(phrase: str) -> re.Pattern[str]:
    """Returns a regex for the phrase in any case and spacing; whole words, if its script has them."""
    inner = r"\s+".join(map(re.escape, phrase.split())) or r"(?!)"
    start = r"\b" if phrase[:1].isascii() and phrase[:1].isalnum() else ""
    end = r"\b" if phrase[-1:].isascii() and phrase[-1:].isalnum() else ""
    return re.compile(f"{start}{inner}{end}", re.IGNORECASE)
