"""Conversation features: a few numbers per signal, from the scores of its messages."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from handoff_bot.ai.detector.messages import Reply, Traces, Utterance
from handoff_bot.domain.signals import Signal

Likeness = Callable[[Traces, Traces], tuple[float, float]]

_SIMILAR = 0.5
_COPY = 0.8
_RECENT = 3
_TOWARDS_SPELLING = 0.8
_HARDLY_UNKNOWN = 0.2  # below it, confidence stays under 0.1, however similar the messages are


@dataclass(frozen=True)
class Scored:
    """The scored messages since an agent's last one.

    Attributes:
        utterances: the customer's, oldest first; the last one is evaluated. Never empty.
        beside: other waiting messages of the customer, written together with it, so no repetition.
        replies: the assistant's, oldest first.
        answered: the assistant's message right before it, or None.
        declined: True if the customer declined an offered agent within the last few turns.
        spelt_better: from 0 to 1, how far the last message's spelling says more than its meaning.
    """

    utterances: tuple[Utterance, ...]
    replies: tuple[Reply, ...]
    answered: Reply | None
    declined: bool
    beside: tuple[Utterance, ...] = ()
    spelt_better: float = 0.0

    @property
    def last(self) -> Utterance:
        """Returns the evaluated message."""
        return self.utterances[-1]

    @property
    def before(self) -> tuple[Utterance, ...]:
        """Returns the customer's earlier messages."""
        return (*self.utterances[:-1], *self.beside)


def scored(turns: Sequence[Utterance | Reply], waiting: int = 1) -> Scored:
    """Groups scored turns, oldest first; the last `waiting` ones are the customer's."""
    before = turns[-2] if len(turns) > 1 else None
    said = tuple(turn for turn in turns if isinstance(turn, Utterance))
    beside = said[-waiting:-1]
    return Scored(
        utterances=(*said[: len(said) - len(beside) - 1], said[-1]),
        beside=beside,
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


NAMES: dict[Signal, tuple[str, ...]] = {
    Signal.REQUEST: (
        "asks for a person, by meaning",
        "asks for a person, by spelling",
        "asks for a person, the message as a whole",
        "asked before",
        "a long message",
        "declines an offered person",
        "accepts an offered person",
    ),
    Signal.SENTIMENT: (
        "upset, by meaning",
        "upset, by spelling",
        "upset, the message as a whole",
        "was upset before",
        "is upset again",
        "capitals and exclamation marks",
        "a long message",
        "a plain yes, no or thanks",
    ),
    Signal.COMPLEXITY: (
        "a serious matter, by meaning",
        "a serious matter, by spelling",
        "a serious matter, the message as a whole",
        "a long message",
        "like an earlier message, in words",
        "like one of several earlier messages, in words",
        "like the earlier messages, in words",
        "like one of several earlier messages, in meaning",
        "like the earlier messages, in meaning",
        "like even the least similar message, in meaning",
        "how often it was said before",
        "third message or later",
        "a plain yes, no or thanks, to a repetition",
        "what was answered has not helped",
        "what was answered has not helped, again",
        "has not helped, and the assistant repeats itself",
        "the assistant repeats itself",
        "the assistant repeats itself to the same question",
        "has not helped, and much the same is meant as before",
        "third message or later, without help",
        "a plain yes, no or thanks, to what was tried",
    ),
    Signal.CONFIDENCE: (
        "the assistant did not know",
        "the assistant did not know twice",
        "did not know, and the same is asked in like words",
        "did not know, and the same is meant",
        "did not know, and that has not helped",
        "a plain yes, no or thanks",
    ),
}
"""Names of each signal's inputs, in the order of `signal_features`."""


def signal_features(talk: Scored, likeness: Likeness) -> dict[Signal, tuple[float, ...]]:
    """Returns the inputs of each signal's last layer, each about 0 to 1 or a logit."""
    found = [likeness(one.traces, talk.last.traces) for one in talk.utterances[:-1]]
    return {
        Signal.REQUEST: _request(talk),
        Signal.SENTIMENT: _sentiment(talk),
        Signal.COMPLEXITY: (
            *_serious(talk),
            *_repetition(talk, found),
            *_stuck(talk, found, likeness),
        ),
        Signal.CONFIDENCE: _confidence(talk, found),
    }


def _request(talk: Scored) -> tuple[float, ...]:
    offer = talk.answered.offer if talk.answered else 0.0
    yes, no = talk.last.yes, talk.last.no
    earlier = [one.request for one in talk.before[-_RECENT:]]
    return (
        _meaning(talk, 0),
        _logit(talk.last.spelt[0]),
        _logit(talk.last.whole[0]),
        talk.last.request * max(earlier, default=0.0),
        talk.last.many,
        # An answer is one or the other; a word that is "yes" in one language may be "no" in
        # another.
        offer * no if no >= yes else 0.0,
        offer * yes if yes > no else 0.0,
    )


def _sentiment(talk: Scored) -> tuple[float, ...]:
    earlier = [one.sentiment for one in talk.before[-_RECENT:]]
    return (
        _meaning(talk, 1),
        _logit(talk.last.spelt[1]),
        _logit(talk.last.whole[1]),
        max(earlier, default=0.0),
        talk.last.sentiment * max(earlier, default=0.0),
        talk.last.loud,
        talk.last.many,
        _acknowledges(talk.last),
    )


def _meaning(talk: Scored, place: int) -> float:
    """Returns a signal's log-odds by meaning, moved towards those by spelling where these say more."""
    share = _TOWARDS_SPELLING * talk.spelt_better
    meant, spelt = talk.last.meant[place], talk.last.spelt[place]
    return (1.0 - share) * _logit(meant) + share * _logit(spelt)


def _serious(talk: Scored) -> tuple[float, ...]:
    last = talk.last
    return (_logit(last.meant[2]), _logit(last.spelt[2]), _logit(last.whole[2]), last.many)


def _repetition(talk: Scored, found: Sequence[tuple[float, float]]) -> tuple[float, ...]:
    words, sense = [one[0] for one in found], [one[1] for one in found]
    third = float(len(talk.utterances) > 2)
    repeated = sum(max(one) > _SIMILAR for one in found)
    return (
        max(words, default=0.0),
        third * max(words, default=0.0),
        third * _mean(words),
        third * max(sense, default=0.0),
        third * _mean(sense),
        third * min(sense, default=0.0),
        min(repeated, _RECENT) / _RECENT,
        third,
        _acknowledges(talk.last),
    )


def _stuck(
    talk: Scored, found: Sequence[tuple[float, float]], likeness: Likeness
) -> tuple[float, ...]:
    """Only if the assistant has tried to answer."""
    tries = [one.stuck for one in talk.utterances[1:]][-_RECENT:] if talk.replies else []
    stuck, before = (tries[-1] if tries else 0.0), max(tries[:-1], default=0.0)
    sense = [one[1] for one in found]
    third = float(len(talk.utterances) > 2)
    again = _again(talk, likeness)
    return (
        stuck,
        stuck * before,
        stuck * again,
        again,
        again * _mean(sense),
        stuck * third * max(sense, default=0.0),
        third,
        _acknowledges(talk.last),
    )


def _again(talk: Scored, likeness: Likeness) -> float:
    """Returns how much the assistant repeats itself, from 0 to 1."""
    same = [likeness(one.traces, talk.replies[-1].traces)[0] for one in talk.replies[:-1]]
    # Only near-copies count: an assistant's step-by-step forms also resemble each other.
    return max(0.0, max(same, default=0.0) - _COPY) / (1 - _COPY)


def compares_meanings(talk: Scored, likeness: Likeness) -> bool:
    """Returns whether the similarity in meaning of the customer's messages can affect
    `signal_features`.
    """
    if len(talk.utterances) < 2:
        return False
    unknown = talk.answered.fallback if talk.answered else 0.0
    return len(talk.utterances) > 2 or unknown > _HARDLY_UNKNOWN or _again(talk, likeness) > 0


def _confidence(talk: Scored, found: Sequence[tuple[float, float]]) -> tuple[float, ...]:
    now = talk.answered.fallback if talk.answered else 0.0
    before = talk.replies[-2].fallback if len(talk.replies) > 1 else 0.0
    return (
        now,
        now * before,
        now * max((one[0] for one in found), default=0.0),
        now * max((one[1] for one in found), default=0.0),
        now * talk.last.stuck,
        _acknowledges(talk.last),
    )


def _acknowledges(one: Utterance) -> float:
    return max(one.yes, one.no, one.thanks)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def _logit(probability: float) -> float:
    bounded = min(max(probability, 0.001), 0.999)
    return math.log(bounded / (1.0 - bounded))
