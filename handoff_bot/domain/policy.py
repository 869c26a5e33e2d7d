"""Pure decisions: when to escalate on what the AI says of itself, how long a wait is, what a note is."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from handoff_bot.domain.signals import Answer, Judgement, Priority, Signal

UNSURE = 0.35
"""Below this confidence an answer counts as not known."""

DEFAULT_WAIT_MINUTES = 5
NOTE_PREFIXES = ("note:", "!note", "//")


def weigh(judgement: Judgement, answer: Answer | None, *, unsure_before: bool) -> Judgement:
    """The judgement in the light of the answer: not knowing twice in a row needs a human."""
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


def pressed_for_a_person(words: str) -> Judgement:
    """The judgement of a customer who pressed the button for it: there is nothing to weigh."""
    return Judgement(
        scores={Signal.REQUEST: 1.0},
        reason=Signal.REQUEST,
        priority=Priority.NORMAL,
        evidence=words[:200],
        summary="The customer pressed the button for a person.",
        by="customer",
    )


def broken_detector(last_words: str) -> Judgement:
    """What to believe when no detector can judge: a human had better look, once."""
    return Judgement(
        scores={Signal.CONFIDENCE: 1.0},
        reason=Signal.CONFIDENCE,
        priority=Priority.NORMAL,
        evidence=last_words[:200],
        summary="The detector could not judge this message.",
        by="none",
    )


def wait_minutes(waits: Sequence[timedelta], ahead: int) -> int:
    """An honest estimate in whole minutes, at least 1.

    The middle of what others have recently waited, and no less for each two who are ahead in the queue;
    without recent data a fixed guess.
    """
    if not waits:
        return DEFAULT_WAIT_MINUTES + ahead
    middle = sorted(waits)[len(waits) // 2].total_seconds() / 60
    return max(1, math.ceil(middle * (1 + ahead / 2)))


def rating(text: str) -> int | None:
    """The number from 1 to 5 that is all of a message, in any script's digits or as a keycap; else None."""
    digit = text.strip().removesuffix("\u20e3").removesuffix("\ufe0f")
    score = unicodedata.digit(digit, None) if len(digit) == 1 else None
    return score if score is not None and 1 <= score <= 5 else None


def note_text(text: str, prefixes: Sequence[str]) -> str | None:
    """The note without its prefix; None when the text is not marked as a note."""
    start = text.lstrip()
    for prefix in prefixes:
        if prefix and start.casefold().startswith(prefix.casefold()):
            return start[len(prefix) :].strip()
    return None
