"""What the AI makes of a customer's turn: does it need a person, and if not, what is the answer."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from handoff_bot.domain import policy
from handoff_bot.domain.errors import ModelError
from handoff_bot.domain.rules import Rules
from handoff_bot.domain.signals import Act, Answer, Judgement
from handoff_bot.domain.talk import Talk
from handoff_bot.ports import Assistant, Detector

logger = logging.getLogger(__name__)

_THREADS = 8
"""Answers that are composed while their turn is still being judged."""


@dataclass(frozen=True)
class Question:
    """One customer's turn for the AI.

    Attributes:
        talk: the conversation; its last turn is the customer's.
        vip: True when the contact is one of the admins' VIPs.
        unsure_before: True when the assistant did not know its last answer.
        answers: how often the assistant has answered since a person was last here.
        wants_person: True when they pressed a button for it, so that nobody need be asked.
    """

    talk: Talk
    vip: bool = False
    unsure_before: bool = False
    answers: int = 0
    wants_person: bool = False

    @property
    def words(self) -> str:
        """What the customer said last. Hostile text."""
        return self.talk.turns[-1].text


@dataclass(frozen=True)
class Reaction:
    """What the AI makes of a turn; without an answer a person is needed.

    Attributes:
        composed: the answer that there would have been, also where a person is needed; None when none
            was waited for.
    """

    judgement: Judgement
    answer: Answer | None
    composed: Answer | None = None


class Reacting:
    """The detector and the assistant, under the admins' rules."""

    def __init__(self, detector: Detector, assistant: Assistant) -> None:
        self._detector = detector
        self._assistant = assistant
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="answer")

    def close(self) -> None:
        """Let go of the threads; who waits for an answer gets none."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def glance(self, question: Question) -> Judgement:
        """What can be said at once, without a network."""
        if question.wants_person:
            return policy.pressed_for_a_person(question.words)
        rules = question.talk.rules
        if phrase := rules.phrase_in(question.words):
            return self._ranked(question, policy.named_a_phrase(phrase, question.words))
        try:
            judgement = self._detector.glance(_as_judged(question))
        except ModelError:
            logger.warning("no detector could judge")
            judgement = policy.broken_detector(question.words)
        return self._ranked(question, judgement)

    def may_matter(self, text: str, rules: Rules) -> bool:
        """Could a judgement of these words say more than that all is calm? In half a millisecond."""
        return bool(rules.phrase_in(text)) or self._detector.may_matter(text)

    def react(self, question: Question) -> Reaction:
        """The whole of it: judged, and answered unless a person is needed."""
        first = self.glance(question)
        if first.escalate and first.final:
            return Reaction(first, None)
        is_small_talk = first.act is not Act.NONE
        if not is_small_talk and (
            enough := policy.enough(question.talk.rules, question.answers, first)
        ):
            return Reaction(self._ranked(question, enough), None)
        language = first.language or question.talk.language
        if first.final:
            return self._weighed(question, first, self._answer(question, language))
        # The answer is composed meanwhile; if a person is needed, nobody waits for it.
        waiting = self._pool.submit(self._answer, question, language)
        judgement = self._judged(question, first)
        if judgement.escalate:
            waiting.cancel()
            return Reaction(judgement, None)
        return self._weighed(question, judgement, waiting.result())

    def _judged(self, question: Question, first: Judgement) -> Judgement:
        try:
            return self._ranked(question, self._detector.judge(_as_judged(question)))
        except ModelError:
            logger.warning("no detector could take a longer look")
            return replace(first, final=True)

    def _answer(self, question: Question, language: str) -> Answer | None:
        try:
            return self._assistant.answer(question.talk, language)
        except ModelError:
            logger.warning("no assistant could answer")
            return None

    def _weighed(self, question: Question, judgement: Judgement, answer: Answer | None) -> Reaction:
        """The judgement in the light of the answer, which must not promise what nobody has arranged."""
        if answer and self._detector.announces(answer.text):
            return Reaction(self._ranked(question, policy.announced(judgement)), None, answer)
        weighed = policy.weigh(judgement, answer, unsure_before=question.unsure_before)
        if answer is None and not weighed.escalate:
            weighed = replace(policy.broken_detector(question.words), by=judgement.by)
        weighed = self._ranked(question, weighed)
        return Reaction(weighed, None if weighed.escalate else answer, answer)

    def _ranked(self, question: Question, judgement: Judgement) -> Judgement:
        return policy.ranked(judgement, vip=question.vip)


def _as_judged(question: Question) -> Talk:
    talk = question.talk
    rules = talk.rules.for_vip() if question.vip else talk.rules
    return replace(talk, turns=rules.without_phrases(talk.turns), rules=rules)
