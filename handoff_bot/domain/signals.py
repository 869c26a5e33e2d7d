"""Results of the detector and the assistant for one turn."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Signal(StrEnum):
    """A kind of evidence that an agent is needed."""

    REQUEST = "request"
    SENTIMENT = "sentiment"
    COMPLEXITY = "complexity"
    CONFIDENCE = "confidence"


class Priority(StrEnum):
    """Priorities, most urgent first."""

    URGENT = "urgent"
    HIGH = "high"
    NORMAL = "normal"
    LOW = "low"

    @property
    def rank(self) -> int:
        """Returns 0 for the most urgent."""
        return list(Priority).index(self)


class Act(StrEnum):
    """Kind of small talk; NONE for any other message."""

    NONE = "none"
    ACCEPT = "accept"
    DECLINE = "decline"
    THANKS = "thanks"
    BYE = "bye"
    HELLO = "hello"


class QueueAct(StrEnum):
    """What a queued customer asks for."""

    WAIT = "wait"
    LEAVE = "leave"
    QUESTION = "question"
    OTHER = "other"


class Mood(StrEnum):
    """The customer's mood by their last message, calmest first."""

    CALM = "calm"
    TENSE = "tense"
    UPSET = "upset"

    @property
    def rank(self) -> int:
        """Returns 0 for the calmest."""
        return list(Mood).index(self)


@dataclass(frozen=True)
class Turn:
    """One message as the AI sees it.

    Attributes:
        role: "customer", "assistant" or "agent"; fixed texts count as the assistant's.
        text: the text.
        context: content that is not the author's own: the quoted message, an ad.
        filled: True for fields of a form or an order. They are never small talk, and their names
            show no language.
    """

    role: str
    text: str
    context: str = ""
    filled: bool = False


@dataclass(frozen=True)
class Judgement:
    """The detector's result for the last turn, with the whole conversation as context.

    Attributes:
        scores: probability of each signal, 0 to 1.
        reason: the deciding signal, None if no agent is needed.
        priority: the priority of an escalation.
        evidence: the customer's own text that shows it, or "". Hostile text.
        summary: one line for the card. Hostile text.
        language: ISO 639-1 of the customer's last message, "" if unsure.
        by: the detector ("local", "openai"), for the card and the log.
        act: kind of small talk, if no agent is needed; otherwise NONE.
        final: False if a full evaluation would be worthwhile.
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
        return self.reason is not None

    @property
    def score(self) -> float:
        """Returns the highest signal, 0 to 1."""
        return max(self.scores.values(), default=0.0)


@dataclass(frozen=True)
class Evidence:
    """What an answer is based on: a passage of an article, or a look-up's result (untrusted).

    Attributes:
        title: of the article, or the look-up's name.
        heading: of the passage, "" for none.
    """

    title: str
    text: str
    heading: str = ""
    is_look_up: bool = False


@dataclass(frozen=True)
class Answer:
    """The assistant's answer.

    Attributes:
        text: plain text in the customer's language.
        confidence: how sure it is that this answers the question, 0 to 1.
        sources: titles of the articles used.
        by: the assistant ("local", "openai").
        in_time: whether a language model answered within its deadline; None if none was asked.
        choices: what the customer can choose from, if the answer asks which of them is meant.
        asks: True for a clarifying question without choices.
        evidence: what it is based on.
    """

    text: str
    confidence: float
    sources: tuple[str, ...] = ()
    by: str = ""
    in_time: bool | None = field(default=None, compare=False)
    choices: tuple[str, ...] = ()
    asks: bool = False
    evidence: tuple[Evidence, ...] = ()

    @property
    def is_clarifying(self) -> bool:
        """Returns whether it asks what the customer means, and so answers nothing yet."""
        return self.asks or bool(self.choices)
