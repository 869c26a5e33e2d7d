"""The local assistant: quotes the passage that answers, or says that it is not sure."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

from handoff_bot.ai.assistant import evidence
from handoff_bot.ai.assistant.evidence import holds, searchable
from handoff_bot.ai.assistant.folder import language_of
from handoff_bot.ai.assistant.knowledge import Hit, Knowledge
from handoff_bot.ai.assistant.phrases import (
    NO,
    OTHER_LANGUAGE,
    RECALLED,
    ROBOT,
    UNSURE,
    WHICH,
    WHICH_END,
    YES,
    after_refusal,
    asks_whether_robot,
    pleasantry,
    say,
)
from handoff_bot.ai.assistant.questions import (
    is_form,
    leans_on_earlier,
    may_lean,
    questions_in,
    topic,
)
from handoff_bot.ai.assistant.reading import decisive, heading, is_yes, quote
from handoff_bot.ai.assistant.words import telling_stems, words_of
from handoff_bot.ai.detector.local import LocalDetector
from handoff_bot.domain.conversation_context import ConversationContext
from handoff_bot.domain.signals import Act, Answer, Evidence, Turn
from handoff_bot.domain.texts import FALLBACK, languages

BY = "local"

_FLOOR = 0.48
"""A passage must be more likely to answer than not."""
_LONGEST, _SHORTEST = 900, 240
"""Characters of a passage: as the only answer, and among several."""
_CANDIDATES = 12
_HOLDS_MOST, _HOLDS_ALL = 0.5, 0.999
"""Minimum share of the last question in a passage that was found with an earlier one."""
_QUOTED = 80
_MOST_OPTIONS, _FEW_WORDS = 3, 4
_CHOSEN = 0.9
"""Certainty of a passage that the customer chose."""
_FEWEST_SHARED, _MOSTLY = 2, 0.6
"""Minimum number and share of a question's words in an agent's message to count as its answer."""

# Logistic regression for a knowledge base without an encoder: coverage, the headings' coverage, BM25
# rank, constant. With an encoder `evidence` decides.
_HELD_ALONE, _HEADED_ALONE, _RANK_ALONE, _CONSTANT_ALONE = 2.59, 0.92, 0.47, -5.0
_HIGHEST_RANK = 12.0  # ranks grow with a question's length, certainty does not

_OWN_FIRST = 0.5
"""A passage in the customer's language needs this share of the certainty of one in another."""
_TRANSLATED = 0.15
"""How much nearer in meaning a passage is at most than its translation into the question's language."""
_MAYBE, _SECOND = 0.36, 0.15
"""Minimum certainty of the best and of the second passage to ask which of them is meant."""
_OPTION = re.compile(r"^(\d)\. (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class _Found:
    """The best passage, and the others that were candidates, each with its certainty."""

    hit: Hit | None = None
    sure: float = 0.0
    others: tuple[tuple[float, Hit], ...] = ()


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
        """Returns whether the waiting turns are only small talk, or ask whether this is a robot."""
        return self._act_of(talk) is not Act.NONE or asks_whether_robot(talk.turns[-1].text)

    def knows(self, question: str, language: str) -> bool:
        """Returns whether an article answers the question."""
        return self._best(question, "", language).sure >= _FLOOR

    def answer(self, talk: ConversationContext, language: str) -> Answer | None:
        """Returns quoted passages, an agent's earlier message, or "I'm not sure" with an offer.

        Answers each waiting turn in order, in one answer. None if the last turn is not the
        customer's or has no text.
        """
        turns = talk.turns
        if not turns or turns[-1].role != "customer" or not turns[-1].text.strip():
            return None
        if chosen := self._chosen(turns, language):
            return chosen
        alone = [one for one in talk.each() if one.turns[-1].text.strip()]
        acts = [self._act_of(one) for one in alone]
        asked = [one.turns[-1] for one, act in zip(alone, acts, strict=True) if act is Act.NONE]
        if not asked:
            return Answer(pleasantry(acts[-1], language), confidence=1.0, by=BY)
        before = turns[: len(turns) - talk.waiting]
        answers = [self._turn((*before, *asked[: n + 1]), language) for n in range(len(asked))]
        return answers[0] if len(answers) == 1 else _together(asked, answers, language)

    def _turn(self, turns: Sequence[Turn], language: str) -> Answer:
        """Answers each question of one message."""
        last = turns[-1]
        if asks_whether_robot(last.text):
            return Answer(say(ROBOT, language), confidence=1.0, by=BY)
        parts = [replace(last, text=text) for text in questions_in(last.text)]
        if len(parts) > 1:
            # A later question goes on from those before it in the message, not from an earlier message.
            others = tuple(one for one in turns[:-1] if one.role != "customer")
            answers = [self._answer((*turns[:-1], parts[0]), language)]
            answers += [
                self._answer((*others, *parts[: n + 1]), language) for n in range(1, len(parts))
            ]
            if any(one.confidence >= _FLOOR for one in answers):
                return _together(parts, answers, language)
        return self._answer(turns, language)

    def _chosen(self, turns: Sequence[Turn], language: str) -> Answer | None:
        """Returns the passage that the customer chose of those the assistant named last."""
        if len(turns) < 2 or turns[-2].role != "assistant":
            return None
        offered = _options(turns[-2].text)
        heading = _choice(turns[-1].text, offered)
        asked = next((one.text for one in reversed(turns[:-2]) if one.role == "customer"), "")
        if not heading or not asked:
            return None
        hits = self._knowledge.search(f"{asked} {heading}", _CANDIDATES, language=language)
        hit = next((one for one in hits if _named(one) == heading), None)
        return self._quoted(replace(_Found(hit), sure=_CHOSEN), asked, language) if hit else None

    def _answer(self, turns: Sequence[Turn], language: str) -> Answer:
        said = turns[-1].text
        if is_form(said):
            return Answer(say(UNSURE, language), confidence=0.0, by=BY)
        asked = topic(turns) if may_lean(said) else ""
        question = f"{asked} {said}" if asked and leans_on_earlier(said) else said
        best = self._best(said, asked, language)
        if rest := after_refusal(said):
            best = max(best, self._best(rest, "", language), key=lambda one: one.sure)
        if recalled := _recalled(turns, question, language, best.sure):
            return recalled
        if best.sure >= _FLOOR and any(map(str.isalpha, said)):
            return self._quoted(best, said, language)
        return _asked_back(best, language) or Answer(
            say(UNSURE, language), confidence=best.sure, by=BY
        )

    def _quoted(self, found: _Found, question: str, language: str) -> Answer:
        """Quotes what answers, with yes or no before it where the passage says so."""
        assert found.hit is not None  # noqa: S101 - a certainty above 0 has a passage
        hit = found.hit
        text = _shortened(quote(hit, question), _LONGEST)
        verdict = is_yes(question, hit)
        if verdict is not None:
            text = f"{say(YES if verdict else NO, hit.passage.locale or language)} {decisive(hit)}"
        elif above := heading(hit, question, text):
            text = f"{above}\n{text}"
        if _is_foreign(hit, question, language):
            note = say(
                OTHER_LANGUAGE, language, spoken=_language_name(hit.passage.locale, language)
            )
            text = f"{note}\n{text}"
        passage = hit.passage
        return Answer(
            text,
            confidence=found.sure,
            sources=(passage.source,),
            by=BY,
            evidence=(Evidence(passage.title, passage.text, passage.heading),),
        )

    def _best(self, said: str, earlier: str, language: str) -> _Found:
        """Returns the best passage; uses the earlier question only for a follow-up.

        A passage without the last question's words is no answer, however well it matches the
        earlier question.
        """
        by_itself = self._likeliest(
            self._knowledge.search(said, _CANDIDATES, language=language), language
        )
        leans = leans_on_earlier(said)
        if not earlier or (by_itself.sure >= _FLOOR and not leans):
            return by_itself
        hits = self._knowledge.search(said, _CANDIDATES, earlier, language)
        least = _HOLDS_MOST if leans else _HOLDS_ALL
        together = self._likeliest(hits, language, least)
        if together.hit is None:
            return by_itself
        says_little = len(telling_stems(said)) < _FEWEST_SHARED
        is_clear = together.sure >= _FLOOR
        if is_clear and ((leans and says_little) or together.sure > by_itself.sure):
            return together
        return by_itself

    def _likeliest(self, hits: Sequence[Hit], language: str, least: float = 0.0) -> _Found:
        """Returns the best passage in the customer's language if one answers, else in English, else
        in any.
        """
        sure = [(each, hit) for each, hit in zip(certainties(hits), hits, strict=True)]
        kept = sorted((pair for pair in sure if pair[1].own >= least), key=lambda pair: -pair[0])
        if not kept:
            return _Found()
        for spoken in ({language, ""}, {FALLBACK, ""}):
            mine = [pair for pair in kept if pair[1].passage.locale in spoken]
            if language and mine and _is_first(mine, kept):
                return _Found(mine[0][1], mine[0][0], tuple(mine))
        return _Found(kept[0][1], kept[0][0], tuple(kept))


def _is_first(mine: Sequence[tuple[float, Hit]], every: Sequence[tuple[float, Hit]]) -> bool:
    """Returns whether passages of a language are preferred to the likeliest one of all.

    They are if one may answer, or if one is about as near in meaning: then it is the likeliest
    one's translation, and its words, which can be compared better, show that it does not answer.
    """
    nearest = max(hit.near for _, hit in mine)
    return mine[0][0] >= min(_FLOOR, _OWN_FIRST * every[0][0]) or (
        nearest >= every[0][1].near - _TRANSLATED
    )


def _options(text: str) -> dict[str, str]:
    """Returns the numbered headings of a message in which the assistant asked which is meant."""
    first = text.strip().partition("\n")[0]
    is_ours = any(say(WHICH, language) in text for language in languages("assistant"))
    return dict(_OPTION.findall(text)) if first and is_ours else {}


def _choice(said: str, offered: Mapping[str, str]) -> str:
    """Returns the heading that a reply chooses by its number or its words, else ""."""
    words = [str(int(one)) if one.isdecimal() else one for one in words_of(said)]
    numbers = [one for one in words if one in offered]
    if len(numbers) == 1 and len(words) <= _FEW_WORDS:
        return offered[numbers[0]]
    named = [one for one in offered.values() if words and words_of(one) == words]
    return named[0] if named else ""


def _asked_back(found: _Found, language: str) -> Answer | None:
    """Asks which of the likeliest passages is meant, if more than one may hold the answer."""
    if found.sure < _MAYBE:
        return None
    near = [hit for sure, hit in found.others if sure >= _SECOND]
    names = list(dict.fromkeys(map(_named, near)))[:_MOST_OPTIONS]
    if len(names) < 2:
        return None
    options = "\n".join(f"{number}. {name}" for number, name in enumerate(names, 1))
    text = f"{say(WHICH, language)}\n{options}\n{say(WHICH_END, language)}"
    return Answer(text, confidence=found.sure, by=BY, choices=tuple(names))


def _named(hit: Hit) -> str:
    return " ".join((hit.passage.heading or hit.passage.title).split())


def _is_foreign(hit: Hit, question: str, language: str) -> bool:
    """Returns whether the passage is in another language than the customer's.

    A question that shares most of its words with it is in its language, whatever the detector says.
    """
    locale = hit.passage.locale
    if not language or not locale or locale == language:
        return False
    known = searchable(f"{hit.passage.title} {hit.passage.heading} {hit.passage.text}")
    stems = telling_stems(question)
    shared = sum(holds(known, one) for one in stems)
    return language_of(question) != locale and shared < _HOLDS_MOST * len(stems)


def _language_name(code: str, language: str) -> str:
    from babel import Locale  # about 15 ms with its data

    return str(Locale(language).languages.get(code, code))


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


def certainties(hits: Sequence[Hit]) -> list[float]:
    """Returns for each passage of a search the probability, 0 to 1, that it contains the answer."""
    if not any(hit.near for hit in hits):
        return [_by_words(hit) for hit in hits]
    return [float(one) for one in evidence.shipped().chances([hit.marks for hit in hits])]


def _by_words(hit: Hit) -> float:
    rank = min(hit.rank, _HIGHEST_RANK)
    margin = _HELD_ALONE * hit.covered + _HEADED_ALONE * hit.headed + _RANK_ALONE * rank
    return 1.0 / (1.0 + math.exp(-margin - _CONSTANT_ALONE))


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
        evidence=tuple(dict.fromkeys(each for one in known for each in one.evidence)),
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
