"""What the detector says of one turn of a conversation."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Signal(StrEnum):
    """One kind of evidence that a human is needed."""

    REQUEST = "request"
    SENTIMENT = "sentiment"
    COMPLEXITY = "complexity"
    CONFIDENCE = "confidence"


class Priority(StrEnum):
    """How urgent, most urgent first."""

    URGENT = "urgent"
    HIGH = "high"
    NORMAL = "normal"
    LOW = "low"

    @property
    def rank(self) -> int:
        """0 for the most urgent."""
        return list(Priority).index(self)


class Act(StrEnum):
    """What a short message does that asks for nothing; NONE for any other message."""

    NONE = "none"
    ACCEPT = "accept"
    DECLINE = "decline"
    THANKS = "thanks"
    BYE = "bye"
    HELLO = "hello"


class Mood(StrEnum):
    """How the customer feels by their last words."""

    CALM = "calm"
    TENSE = "tense"
    UPSET = "upset"


@dataclass(frozen=True)
class Turn:
    """One utterance as the AI sees it.

    Attributes:
        role: "customer", "assistant" or "agent"; fixed texts of ours count as the assistant's.
        text: the words.
        context: what stands around them and is not the speaker's own: the quoted message, an ad.
        filled: are they the fields of a form or of an order? They are no small talk, whatever they say, and
            their names show no language.
    """

    role: str
    text: str
    context: str = ""
    filled: bool = False


@dataclass(frozen=True)
class Judgement:
    """What the detector says of the last turn, in the light of the whole conversation.

    Attributes:
        scores: for each signal a probability from 0 to 1.
        reason: the signal that tips it, None when no human is needed.
        priority: how urgent a human is.
        evidence: the customer's own words that show it, "" when there is none. Hostile text.
        summary: one line for the card. Hostile text.
        language: ISO 639-1 of the customer's last words, "" when unsure.
        by: which detector judged ("local", "openai"), for the card and the log.
        act: what small talk it is, so that nobody is needed; NONE for anything else.
        final: False when a longer look would be worth its while.
    """

    scores: dict[Signal, float] = field(default_factory=dict)
    reason: Signal | None = None
    priority: Priority = Priority.NORMAL
    evidence: str = ""
    summary: str = ""
    language: str = ""
    by: str = ""
    act: Act = Act.NONE
    final: bool = True

    @property
    def escalate(self) -> bool:
        """Is a human needed now?"""
        return self.reason is not None

    @property
    def score(self) -> float:
        """The strongest signal, 0 to 1."""
        return max(self.scores.values(), default=0.0)


@dataclass(frozen=True)
class Answer:
    """What the assistant would say.

    Attributes:
        text: plain text in the customer's language.
        confidence: how sure it is that this answers the question, 0 to 1.
        sources: titles of the knowledge it used.
        by: which assistant answered ("local", "openai").
        in_time: did a language model answer within its deadline? None where none was to answer.
    """

    text: str
    confidence: float
    sources: tuple[str, ...] = ()
    by: str = ""
    in_time: bool | None = field(default=None, compare=False)
