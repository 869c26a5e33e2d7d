"""Pure decisions: when to escalate by the AI's results, and wait estimates."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from handoff_bot.domain.detection_rules import Rules
from handoff_bot.domain.signals import Answer, Judgement, Mood, Priority, Signal
from handoff_bot.domain.text import many

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
        summary="The customer selected the button to talk to an agent.",
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
