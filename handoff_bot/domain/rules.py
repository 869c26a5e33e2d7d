"""What admins decide about when a person is needed: which signals count, how easily, and for whom."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import lru_cache

from handoff_bot.domain.signals import Signal, Turn

_NUMBER = re.compile(r"\+?[\d\s().\-/\u00a0]{5,40}")
DEFAULT_PAUSE = 1.5
LONGEST_PAUSE = 30.0


class Sensitivity(StrEnum):
    """How easily a signal calls for a person; `off` never does."""

    OFF = "off"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


def _medium() -> dict[Signal, Sensitivity]:
    return dict.fromkeys(Signal, Sensitivity.MEDIUM)


@dataclass(frozen=True)
class Tuning:
    """What a team's feedback taught the local detector; see `handoff tune`.

    Attributes:
        shifts: by signal, added to the log-odds of its threshold; above 0 means fewer escalations.
        last_layer: by signal, weights that stand for the shipped ones, the constant last.
    """

    shifts: Mapping[Signal, float] = field(default_factory=dict)
    last_layer: Mapping[Signal, tuple[float, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Rules:
    """The settings of a team.

    Attributes:
        triggers: how easily each signal calls for a person.
        always: phrases that call for a person wherever they stand.
        never: phrases that are not looked at when a message is judged.
        pause_seconds: how long a customer must be silent before they are answered, so that what they
            write in one go is answered once.
        most_answers: how often the assistant may answer before a person takes over; 0 is no limit.
        vips: addresses, in small letters, of contacts who get a person easily and soon.
        languages: ISO 639-1 codes in which the assistant may answer; empty for all.
        tuning: what feedback changed.
        answer_short_codes: True when texts from short codes are answered like those from phones.
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

    def is_vip(self, address: str) -> bool:
        """Is the contact at this address one of them?"""
        return as_address(address) in self.vips

    def for_vip(self) -> Rules:
        """The same, every trigger that is on at its easiest."""
        easy = {
            signal: Sensitivity.OFF if wish is Sensitivity.OFF else Sensitivity.HIGH
            for signal, wish in self.triggers.items()
        }
        return replace(self, triggers=easy)

    def phrase_in(self, words: str) -> str:
        """The first phrase of `always` that these words hold, "" when none."""
        return next((one for one in self.always if _pattern(one).search(words)), "")

    def without_phrases(self, turns: Sequence[Turn]) -> tuple[Turn, ...]:
        """The turns as they are judged: what the customer said, less the phrases of `never`."""
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
    """An address as it is compared: of a number its digits alone, however it was written."""
    if _NUMBER.fullmatch(words.strip()):
        digits = re.sub(r"\D", "", words)
        return (
            f"+{digits.removeprefix('00')}" if digits.startswith("00") or "+" in words else digits
        )
    return words.strip().casefold()


@lru_cache(maxsize=512)
def _pattern(phrase: str) -> re.Pattern[str]:
    """The phrase in any case and spacing; whole words, where its script has them."""
    inner = r"\s+".join(map(re.escape, phrase.split())) or r"(?!)"
    start = r"\b" if phrase[:1].isascii() and phrase[:1].isalnum() else ""
    end = r"\b" if phrase[-1:].isascii() and phrase[-1:].isalnum() else ""
    return re.compile(f"{start}{inner}{end}", re.IGNORECASE)
