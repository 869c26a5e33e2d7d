"""Scores of single messages."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from handoff_bot.ai.detector.encoder import Vectors
from handoff_bot.ai.detector.text import Ids
from handoff_bot.domain.signals import Act


@dataclass
class Traces:
    """Data for comparing messages.

    Attributes:
        words: the message.
        ids: sorted features.
        mass: their total weight, rare ones weigh more.
        vector: the unit embedding; None until first needed. Threads may fill it in concurrently,
            because they compute the same.
    """

    words: str
    ids: Ids
    mass: float
    vector: Vectors | None = None


@dataclass(frozen=True)
class Utterance:
    """Scores of one customer message; every score is a probability.

    Attributes:
        meant: by meaning: request, sentiment, serious; the maximum over the message and its
            clauses.
        spelt: same by characters and words.
        whole: same of both together, for the whole message.
        request_words, sentiment_words: the clause with the highest score. Hostile text.
        asks: the parts that ask for an agent.
        yes, no, thanks: kind of short answer.
        stuck: says that the assistant's answer has not helped.
        loud: from 0 to 1, capitals and exclamation marks.
        many: logarithm (base 2) of the number of clauses.
        traces: for comparing messages.
        kinds: kinds of small talk; empty if it has other content.
        plain: its spelling shows so little that its meaning was not computed.
        urgent: mentions danger, health, fraud or the law.
    """

    meant: tuple[float, float, float]
    spelt: tuple[float, float, float]
    whole: tuple[float, float, float]
    request_words: str
    sentiment_words: str
    yes: float
    no: float
    thanks: float
    stuck: float
    loud: float
    many: float
    traces: Traces
    kinds: frozenset[Act] = frozenset()
    plain: bool = False
    asks: frozenset[str] = frozenset()
    urgent: float = 0.0

    @property
    def request(self) -> float:
        """Returns the score of asking for an agent."""
        return (self.meant[0] + self.spelt[0]) / 2

    @property
    def sentiment(self) -> float:
        """Returns the score of anger or despair."""
        return (self.meant[1] + self.spelt[1]) / 2


@dataclass(frozen=True)
class Reply:
    """Scores of one assistant message: offers an agent, does not know, promises an agent."""

    offer: float
    fallback: float
    announcement: float
    traces: Traces


_NOTHING = (0.0, 0.0, 0.0)
SILENCE = Utterance(
    meant=_NOTHING,
    spelt=_NOTHING,
    whole=_NOTHING,
    request_words="",
    sentiment_words="",
    yes=0.0,
    no=0.0,
    thanks=0.0,
    stuck=0.0,
    loud=0.0,
    many=0.0,
    traces=Traces("", np.empty(0, dtype=np.int32), 0.0),
)
"""A message without any letter or symbol."""
