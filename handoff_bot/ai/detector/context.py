"""What the whole conversation shows: a few numbers for each signal, from the scores of its messages."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from handoff_bot.ai.detector.model import Reply, Utterance
from handoff_bot.ai.detector.text import Ids
from handoff_bot.domain.signals import Signal

Likeness = Callable[[Ids, Ids], float]

_SIMILAR = 0.5
_COPY = 0.8
_RECENT = 3


@dataclass(frozen=True)
class Scored:
    """The stretch of a conversation since an agent last spoke, its messages scored.

    Attributes:
        utterances: the customer's, oldest first; the last one is judged. Never empty.
        replies: the assistant's, oldest first.
        answered: the assistant's message right before the judged one, None when there is none.
        declined: True when the customer refused an offered person within the last few turns.
    """

    utterances: tuple[Utterance, ...]
    replies: tuple[Reply, ...]
    answered: Reply | None
    declined: bool

    @property
    def last(self) -> Utterance:
        """The judged message."""
        return self.utterances[-1]


def scored(turns: Sequence[Utterance | Reply]) -> Scored:
    """Sort out scored turns, oldest first; the last one is the customer's."""
    before = turns[-2] if len(turns) > 1 else None
    return Scored(
        utterances=tuple(turn for turn in turns if isinstance(turn, Utterance)),
        replies=tuple(turn for turn in turns if isinstance(turn, Reply)),
        answered=before if isinstance(before, Reply) else None,
        declined=_declined(turns),
    )


def _declined(turns: Sequence[Utterance | Reply]) -> bool:
    recent = turns[-2 * _RECENT - 1 :]
    return any(
        isinstance(offer, Reply)
        and isinstance(answer, Utterance)
        and offer.offer * answer.no > _SIMILAR
        for offer, answer in pairwise(recent)
    )


def signal_features(talk: Scored, likeness: Likeness) -> dict[Signal, tuple[float, ...]]:
    """The inputs of each signal's last step, each about 0 to 1 or a logit."""
    return {
        Signal.REQUEST: _request(talk),
        Signal.SENTIMENT: _sentiment(talk),
        Signal.COMPLEXITY: _complexity(talk, likeness),
        Signal.CONFIDENCE: _confidence(talk, likeness),
    }


def _request(talk: Scored) -> tuple[float, ...]:
    offer = talk.answered.offer if talk.answered else 0.0
    yes, no = talk.last.yes, talk.last.no
    # An answer is one or the other; a word that is "yes" in one language may be "no" in another.
    accepted = offer * yes if yes > no else 0.0
    declined = offer * no if no >= yes else 0.0
    asked = 1.0 - (1.0 - talk.last.request) * (1.0 - accepted)
    return (_logit(asked), accepted, declined)


def _sentiment(talk: Scored) -> tuple[float, ...]:
    earlier = [one.sentiment for one in talk.utterances[-1 - _RECENT : -1]]
    return (_logit(talk.last.sentiment), max(earlier, default=0.0), _acknowledges(talk.last))


def _complexity(talk: Scored, likeness: Likeness) -> tuple[float, ...]:
    alike = _likenesses(talk, likeness)
    repeated = sum(one > _SIMILAR for one in alike)
    third = float(len(talk.utterances) > 2)
    same = [likeness(one.ids, talk.replies[-1].ids) for one in talk.replies[:-1]]
    # Only near-copies count: forms that an assistant fills in step by step resemble each other too.
    again = max(0.0, max(same, default=0.0) - _COPY) / (1 - _COPY)
    return (
        max(alike, default=0.0),
        third * max(alike, default=0.0),
        third * _mean(alike),
        min(repeated, _RECENT) / _RECENT,
        again,
        again * _mean(alike),
        third,
        _acknowledges(talk.last),
    )


def _confidence(talk: Scored, likeness: Likeness) -> tuple[float, ...]:
    now = talk.answered.fallback if talk.answered else 0.0
    before = talk.replies[-2].fallback if len(talk.replies) > 1 else 0.0
    insists = now * max(_likenesses(talk, likeness), default=0.0)
    return (now, now * before, insists, _acknowledges(talk.last))


def _likenesses(talk: Scored, likeness: Likeness) -> list[float]:
    return [likeness(one.ids, talk.last.ids) for one in talk.utterances[:-1]]


def _acknowledges(one: Utterance) -> float:
    return max(one.yes, one.no, one.thanks)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def _logit(probability: float) -> float:
    bounded = min(max(probability, 0.001), 0.999)
    return math.log(bounded / (1.0 - bounded))
