"""Evaluates a customer's turn: does it need an agent, and if not, what is the answer?"""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from handoff_bot.domain import policy
from handoff_bot.domain.conversation_context import ConversationContext
from handoff_bot.domain.errors import ModelError
from handoff_bot.domain.signals import Act, Answer, Judgement, QueueAct
from handoff_bot.ports import Assistant, Detector

logger = logging.getLogger(__name__)

_THREADS = 8
"""Number of answers composed while their turns are still being evaluated."""


@dataclass(frozen=True)
class Question:
    """A customer's turn for the AI.

    Attributes:
        talk: the conversation; its last turn is the customer's.
        vip: True if the contact is a VIP.
        unsure_before: True if the assistant did not know its last answer.
        answers: number of AI answers since an agent last had the conversation, without clarifying
            questions.
        clarified: number of clarifying questions since the last answer.
        wants_person: True if the customer pressed the button for an agent, so no detection is
            needed.
    """

    talk: ConversationContext
    vip: bool = False
    unsure_before: bool = False
    answers: int = 0
    clarified: int = 0
    wants_person: bool = False

    @property
    def words(self) -> str:
        """Returns the customer's last message. Untrusted."""
        return self.talk.turns[-1].text


@dataclass(frozen=True)
class Reaction:
    """The AI's result for a turn; without an answer, an agent is needed.

    Attributes:
        composed: the answer, also where an agent is needed; None if it was not awaited.
    """

    judgement: Judgement
    answer: Answer | None
    composed: Answer | None = None


class TurnEvaluator:
    """The detector and the assistant, combined with the admins' rules."""

    def __init__(self, detector: Detector, assistant: Assistant) -> None:
        self._detector = detector
        self._assistant = assistant
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="answer")

    def close(self) -> None:
        """Stops the threads; pending answers are dropped."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def quick_check(self, question: Question) -> Judgement:
        """Quick check on this machine, without a network request."""
        if question.wants_person:
            return self._about(question, policy.pressed_for_a_person(question.words))
        rules = question.talk.rules
        if phrase := rules.phrase_in(question.words):
            named = policy.named_a_phrase(phrase, question.words)
            return self._ranked(question, self._about(question, named))
        try:
            judgement = self._detector.quick_check(_as_judged(question))
        except ModelError:
            logger.warning("no detector could judge")
            judgement = policy.broken_detector(question.words)
        return self._ranked(question, judgement)

    def screened(self, question: Question) -> Judgement:
        """Quick check, and whether the rules let the AI answer at all."""
        first = self.quick_check(question)
        if (first.escalate and first.final) or first.act is not Act.NONE:
            return first
        enough = policy.enough(question.talk.rules, question.answers, first)
        return self._ranked(question, self._about(question, enough)) if enough else first

    def react(self, question: Question) -> Reaction:
        """Full evaluation: detects, and answers unless an agent is needed."""
        first = self.screened(question)
        if first.escalate and first.final:
            return Reaction(first, None)
        language = first.language or question.talk.language
        if first.final:
            return self._weighed(question, first, self._answer(question, language))
        # The answer is composed in parallel; it is dropped if an agent is needed.
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
        """Combines the evaluation with the answer. The answer must not promise an agent who was not
        requested.
        """
        if answer and self._detector.announces(answer.text):
            return Reaction(self._ranked(question, policy.announced(judgement)), None, answer)
        if answer and answer.is_clarifying:
            weighed = policy.clarified(judgement, question.clarified)
        else:
            weighed = policy.weigh(judgement, answer, unsure_before=question.unsure_before)
        if answer is None and not weighed.escalate:
            weighed = replace(policy.broken_detector(question.words), by=judgement.by)
        weighed = self._ranked(question, weighed)
        return Reaction(weighed, None if weighed.escalate else answer, answer)

    def queue_act(self, words: str) -> QueueAct:
        """Returns what a queued customer's message asks for."""
        return self._detector.queue_act(words)

    def sure_answer(self, question: Question) -> Answer | None:
        """Returns an answer from articles that a queued customer may get, or None."""
        talk = question.talk
        if talk.rules.paused or (
            talk.rules.languages and talk.language not in talk.rules.languages
        ):
            return None
        answer = self._answer(question, talk.language)
        if (
            answer is None
            or answer.is_clarifying
            or not answer.sources
            or answer.confidence < policy.SURE
        ):
            return None
        return None if self._detector.announces(answer.text) else answer

    def _about(self, question: Question, judgement: Judgement) -> Judgement:
        """Adds to a rule's summary what the customer wants."""
        about = self._detector.about(_as_judged(question))
        return replace(judgement, summary=f"{judgement.summary} {about}".strip())

    def _ranked(self, question: Question, judgement: Judgement) -> Judgement:
        return policy.ranked(judgement, vip=question.vip)


def _as_judged(question: Question) -> ConversationContext:
    talk = question.talk
    rules = talk.rules.for_vip() if question.vip else talk.rules
    return replace(talk, turns=rules.without_phrases(talk.turns), rules=rules)
