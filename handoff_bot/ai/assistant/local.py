"""The local assistant: quotes the passage that answers, or says that it is not sure."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cache

from handoff_bot.ai.assistant.follow_ups import leans_on_earlier, may_lean, topic
from handoff_bot.ai.assistant.knowledge import Hit, Knowledge
from handoff_bot.ai.assistant.phrases import (
    RECALLED,
    UNSURE,
    after_refusal,
    pleasantry,
    say,
)
from handoff_bot.ai.assistant.words import telling_stems
from handoff_bot.ai.detector.local import LocalDetector
from handoff_bot.domain.conversation_context import ConversationContext
from handoff_bot.domain.signals import Act, Answer, Turn
from handoff_bot.domain.texts import FALLBACK

BY = "local"

_FLOOR = 0.5
_LONGEST, _SHORTEST = 900, 240
"""Characters of a passage: as the only answer, and among several."""
_CANDIDATES = 12
_HOLDS_MOST, _HOLDS_ALL = 0.5, 0.999
"""Minimum share of the last question in a passage that was found with an earlier one."""
_QUOTED = 80
_FEWEST_SHARED, _MOSTLY = 2, 0.6
"""Minimum number and share of a question's words in an agent's message to count as its answer."""

# Logistic regression on the sample questions in tests/ai/questions.py (is the best passage the
# right one?): coverage, BM25 rank, similarity in meaning, constant. The second row is for a
# knowledge base without an encoder, with the headings' coverage in place of the similarity.
_HELD, _RANK, _NEAR, _CONSTANT = 1.0, 0.17, 9.71, -4.94
_HELD_ALONE, _HEADED_ALONE, _RANK_ALONE, _CONSTANT_ALONE = 2.59, 0.92, 0.47, -5.0
_HIGHEST_RANK = 12.0  # ranks grow with a question's length, certainty does not


class LocalAssistant:
    """Answers from passages. Thread-safe.

    Args:
        act_of: classifies small talk in the last turns; by default with the shipped detector.
    """

    def __init__(
        self, knowledge: Knowledge, act_of: Callable[[ConversationContext], Act] | None = None
    ) -> None:
        self._knowledge = knowledge
        self._act_of = act_of or _shipped_detector().act_of

    def is_small_talk(self, talk: ConversationContext) -> bool:
        """Returns whether the waiting turns are only small talk."""
        return self._act_of(talk) is not Act.NONE

    def answer(self, talk: ConversationContext, language: str) -> Answer | None:
        """Returns quoted passages, an agent's earlier message, or "I'm not sure" with an offer.

        Answers each waiting turn in order, in one answer. None if the last turn is not the
        customer's or has no text.
        """
        turns = talk.turns
        if not turns or turns[-1].role != "customer" or not turns[-1].text.strip():
            return None
        alone = [one for one in talk.each() if one.turns[-1].text.strip()]
        acts = [self._act_of(one) for one in alone]
        asked = [one.turns[-1] for one, act in zip(alone, acts, strict=True) if act is Act.NONE]
        if not asked:
            return Answer(pleasantry(acts[-1], language), confidence=1.0, by=BY)
        before = turns[: len(turns) - talk.waiting]
        answers = [self._answer((*before, *asked[: n + 1]), language) for n in range(len(asked))]
        return answers[0] if len(answers) == 1 else _together(asked, answers, language)

    def _answer(self, turns: Sequence[Turn], language: str) -> Answer:
        said = turns[-1].text
        asked = topic(turns) if may_lean(said) else ""
        question = f"{asked} {said}" if asked and leans_on_earlier(said) else said
        best = self._best(said, asked, language)
        if rest := after_refusal(said):
            found = filter(None, (best, self._best(rest, "", language)))
            best = max(found, key=certainty, default=None)
        confidence = certainty(best) if best else 0.0
        if recalled := _recalled(turns, question, language, confidence):
            return recalled
        if best is None or confidence < _FLOOR:
            return Answer(say(UNSURE, language), confidence=confidence, by=BY)
        text = _shortened(best.passage.text, _LONGEST)
        return Answer(text, confidence=confidence, sources=(best.passage.title,), by=BY)

    def _best(self, said: str, earlier: str, language: str) -> Hit | None:
        """Returns the best passage; uses the earlier question only for a follow-up.

        A passage without the last question's words is no answer, however well it matches the
        earlier question.
        """
        by_itself = self._likeliest(self._knowledge.search(said, _CANDIDATES), language)
        sure = certainty(by_itself) if by_itself else 0.0
        leans = leans_on_earlier(said)
        if not earlier or (sure >= _FLOOR and not leans):
            return by_itself
        hits = self._knowledge.search(said, _CANDIDATES, earlier)
        least = _HOLDS_MOST if leans else _HOLDS_ALL
        together = self._likeliest([hit for hit in hits if hit.own >= least], language)
        if together is None:
            return by_itself
        says_little = len(telling_stems(said)) < _FEWEST_SHARED
        is_clear = certainty(together) >= _FLOOR
        if is_clear and ((leans and says_little) or certainty(together) > sure):
            return together
        return by_itself

    def _likeliest(self, hits: Sequence[Hit], language: str) -> Hit | None:
        """Prefers passages in the customer's language, if there are any."""
        spoken = language if language in self._knowledge.languages() else FALLBACK
        readable = [hit for hit in hits if hit.passage.locale in {spoken, ""} or not language]
        return max(readable or hits, key=certainty, default=None)


def _recalled(
    turns: Sequence[Turn], question: str, language: str, confidence: float
) -> Answer | None:
    """Returns an agent's message about it if it matches better than the knowledge base."""
    stems = telling_stems(question)
    written = [turn.text for turn in turns if turn.role == "agent"]
    if len(stems) < _FEWEST_SHARED or not written:
        return None
    shares = [sum(stem in telling_stems(words) for stem in stems) / len(stems) for words in written]
    best = max(shares)
    if best < _MOSTLY or best <= confidence:
        return None
    words = _shortened(written[len(shares) - 1 - shares[::-1].index(best)], _LONGEST)
    return Answer(say(RECALLED, language, words=words), confidence=best, by=BY)


def certainty(hit: Hit) -> float:
    """Returns the probability, 0 to 1, that the passage contains the answer."""
    rank = min(hit.rank, _HIGHEST_RANK)
    margin = _HELD * hit.covered + _RANK * rank + _NEAR * hit.near + _CONSTANT
    if not hit.near:
        margin = _HELD_ALONE * hit.covered + _HEADED_ALONE * hit.headed + _RANK_ALONE * rank
        margin += _CONSTANT_ALONE
    return 1.0 / (1.0 + math.exp(-margin))


def _together(asked: Sequence[Turn], answers: Sequence[Answer], language: str) -> Answer:
    """Combines answers: known ones first, each once and in order, then unknown ones."""
    known = dict.fromkeys(one for one in answers if one.confidence >= _FLOOR)
    room = max(_SHORTEST, _LONGEST // max(1, len(known)))
    parts = [_shortened(one.text, room) for one in known]
    doubts = [
        f"“{_shortened(' '.join(one.text.split()), _QUOTED)}”"
        for one, answer in zip(asked, answers, strict=True)
        if answer.confidence < _FLOOR
    ]
    if doubts:
        unsure = say(UNSURE, language)
        parts.append("\n".join([*dict.fromkeys(doubts), unsure]) if known else unsure)
    return Answer(
        text="\n\n".join(dict.fromkeys(parts)),
        confidence=max(one.confidence for one in answers),
        sources=tuple(dict.fromkeys(name for one in known for name in one.sources)),
        by=BY,
    )


@cache
def _shipped_detector() -> LocalDetector:
    return LocalDetector.load()


def _shortened(text: str, longest: int) -> str:
    """Returns the first paragraphs that fit a phone's screen."""
    if len(text) <= longest:
        return text
    cut = text[:longest].rsplit("\n\n", 1)[0]
    return cut if len(cut) < longest else text[: longest - 1].rsplit(" ", 1)[0] + "…"
