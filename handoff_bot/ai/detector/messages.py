"""What single messages show by themselves, whoever reads them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from handoff_bot.ai.detector.encoder import Vectors
from handoff_bot.ai.detector.text import Ids
from handoff_bot.domain.signals import Act


@dataclass
class Traces:
    """What messages are compared by.

    Attributes:
        words: the message.
        ids: sorted features.
        mass: how much they count, rare ones more.
        vector: the meaning, of length one; None until the message is compared by it. Threads may fill it
            in at the same time, because they fill in the same.
    """

    words: str
    ids: Ids
    mass: float
    vector: Vectors | None = None


@dataclass(frozen=True)
class Utterance:
    """What one customer message shows by itself; every score is a probability.

    Attributes:
        meant: by what it means: request, sentiment, serious; the strongest over the message and its clauses.
        spelt: the same by its characters and words.
        whole: the same of both together, of the message as a whole.
        request_words, sentiment_words: the clause that showed it most. Hostile text.
        yes, no, thanks: what kind of short answer it is.
        stuck: it says that what the assistant answered has not helped.
        loud: from 0 to 1, capitals and exclamation marks.
        many: of how many clauses it is, as a logarithm to the base of 2.
        traces: for comparing messages.
        kinds: what small talk it is; empty when it says anything else as well.
        plain: its spelling shows so little that its meaning was not read.
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

    @property
    def request(self) -> float:
        """How much it asks for a person."""
        return (self.meant[0] + self.spelt[0]) / 2

    @property
    def sentiment(self) -> float:
        """How much anger or despair it shows."""
        return (self.meant[1] + self.spelt[1]) / 2


@dataclass(frozen=True)
class Reply:
    """What one assistant message shows: offers a person, does not know, says that a person comes."""

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
"""A message without any letter or sign."""
