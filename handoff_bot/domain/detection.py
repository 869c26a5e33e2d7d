"""When to escalate: admins' detection rules, and decisions by the AI's results."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum
from functools import lru_cache

from handoff_bot.domain.mcp_servers import AnyLookUp
from handoff_bot.domain.signals import Answer, Judgement, Mood, Priority, Signal, Turn
from handoff_bot.domain.text import many

# -- admins' rules: which signals lead to a handoff, how easily, and for whom

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


# -- decisions by the AI's results, and wait estimates

UNSURE = 0.35
"""Answers below this confidence count as unknown."""

SURE = 0.6
"""Minimum confidence of an automatic answer to a queued customer."""

MOST_CLARIFIED = 2
"""Clarifying questions in a row; instead of another one, the customer gets an agent."""

DEFAULT_WAIT_MINUTES = 5
_TENSE, _UPSET = 0.4, 0.75
"""Sentiment scores from which a customer counts as tense or upset."""


def weigh(judgement: Judgement, answer: Answer | None, *, unsure_before: bool) -> Judgement:
    """Adjusts the judgement by the answer: two unknown answers in a row need an agent."""
    confidence = answer.confidence if answer else 0.0
    if judgement.escalate or confidence >= UNSURE or not unsure_before:
        return judgement
    doubt = max(1.0 - confidence, judgement.scores.get(Signal.CONFIDENCE, 0.0))
    return replace(
        judgement,
        reason=Signal.CONFIDENCE,
        priority=Priority.LOW,
        scores=dict(judgement.scores) | {Signal.CONFIDENCE: doubt},
    )


def clarified(judgement: Judgement, before: int) -> Judgement:
    """Adjusts the judgement by a clarifying question, of which `before` have been asked in a row."""
    if judgement.escalate or before < MOST_CLARIFIED:
        return judgement
    return replace(
        judgement,
        reason=Signal.CONFIDENCE,
        scores=dict(judgement.scores) | {Signal.CONFIDENCE: 1.0},
        summary=f"Still unclear after {many(before, 'question')} back. {judgement.summary}".strip(),
        final=True,
    )


def pressed_for_a_person(words: str) -> Judgement:
    """Judgement for a customer who pressed the button for an agent."""
    return Judgement(
        scores={Signal.REQUEST: 1.0},
        reason=Signal.REQUEST,
        priority=Priority.NORMAL,
        evidence=words[:200],
        summary="Asked for an agent by button.",
        by="customer",
    )


def too_late(words: str) -> Judgement:
    """Judgement for a message received after its messaging window closed."""
    return Judgement(
        scores={Signal.CONFIDENCE: 1.0},
        reason=Signal.CONFIDENCE,
        evidence=words[:200],
        summary=(
            "Sent while Handoff was offline. The messaging window has closed: use an approved "
            "template."
        ),
        by="rules",
    )


def named_a_phrase(phrase: str, words: str) -> Judgement:
    """Judgement for a message with a phrase that always leads to a handoff."""
    return Judgement(
        scores={Signal.REQUEST: 1.0},
        reason=Signal.REQUEST,
        evidence=words[:200],
        summary=f"Said “{phrase}”, a phrase that always leads to a handoff.",
        by="rules",
    )


def enough(rules: Rules, answers: int, judgement: Judgement) -> Judgement | None:
    """Judgement if the AI may not answer: it is paused, has reached its limit of replies, or may not
    answer in this language.
    """
    if rules.paused:
        return replace(
            judgement,
            reason=Signal.CONFIDENCE,
            summary="The AI is paused, so agents answer every customer.",
            by="rules",
            final=True,
        )
    if rules.most_answers and answers >= rules.most_answers:
        return replace(
            judgement,
            reason=Signal.COMPLEXITY,
            summary=f"Still unresolved after {many(answers, 'AI reply', 'AI replies')}.",
            by="rules",
            final=True,
        )
    if rules.languages and judgement.language and judgement.language not in rules.languages:
        return replace(
            judgement,
            reason=Signal.CONFIDENCE,
            summary=f"Writes in a language the AI may not answer in: {judgement.language}.",
            by="rules",
            final=True,
        )
    return None


def announced(judgement: Judgement) -> Judgement:
    """Judgement if the assistant promised an agent: the promise must be kept."""
    return replace(
        judgement,
        reason=Signal.CONFIDENCE,
        summary=judgement.summary or "The AI promised that an agent would take over.",
        final=True,
    )


def opted_out(judgement: Judgement) -> Judgement:
    """Judgement for an opted-out customer who wrote again: the assistant may not answer, so an
    agent must.
    """
    if judgement.escalate:
        return judgement
    summary = f"The customer had opted out and has written again. {judgement.summary}".strip()
    return replace(judgement, reason=Signal.REQUEST, summary=summary, by="rules", final=True)


def ranked(judgement: Judgement, *, vip: bool) -> Judgement:
    """Raises the priority to at least high for a VIP."""
    if vip and judgement.escalate and judgement.priority.rank > Priority.HIGH.rank:
        return replace(judgement, priority=Priority.HIGH)
    return judgement


def mood(judgement: Judgement) -> Mood:
    """Returns the mood by the signals."""
    sentiment = judgement.scores.get(Signal.SENTIMENT, 0.0)
    if judgement.reason is Signal.SENTIMENT or sentiment >= _UPSET:
        return Mood.UPSET
    return Mood.TENSE if sentiment >= _TENSE else Mood.CALM


def broken_detector(last_words: str) -> Judgement:
    """Judgement if no detector works: escalate once, to be safe."""
    return Judgement(
        scores={Signal.CONFIDENCE: 1.0},
        reason=Signal.CONFIDENCE,
        priority=Priority.NORMAL,
        evidence=last_words[:200],
        summary="The detector could not judge this message.",
        by="none",
    )


def wait_minutes(waits: Sequence[timedelta], ahead: int) -> int:
    """Returns a wait estimate in whole minutes, at least 1.

    Median of recent waits, plus as much for each two customers ahead; a fixed default without
    recent data.
    """
    if not waits:
        return DEFAULT_WAIT_MINUTES + ahead
    middle = sorted(waits)[len(waits) // 2].total_seconds() / 60
    return max(1, math.ceil(middle * (1 + ahead / 2)))
