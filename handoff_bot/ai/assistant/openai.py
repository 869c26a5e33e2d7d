"""Answers with a language model from passages, and with the local assistant as fallback."""

from __future__ import annotations

import logging
import re
import time
import traceback
from collections.abc import Sequence
from dataclasses import asdict, replace

from pydantic import BaseModel

from handoff_bot.ai import prompts
from handoff_bot.ai.assistant.addresses import without_foreign_addresses
from handoff_bot.ai.assistant.articles import Passage
from handoff_bot.ai.assistant.conversation_search import has_earlier_question, passages_for
from handoff_bot.ai.assistant.knowledge import Knowledge
from handoff_bot.ai.assistant.local import LocalAssistant
from handoff_bot.ai.assistant.phrases import UNSURE, say
from handoff_bot.ai.assistant.research import MOST_ROUNDS, Research
from handoff_bot.ai.assistant.support import unsupported
from handoff_bot.ai.assistant.words import may_be_about
from handoff_bot.ai.language_model import Calls, LanguageModel, Probability
from handoff_bot.ai.redaction import Redactor
from handoff_bot.domain.conversation_context import ConversationContext
from handoff_bot.domain.detection_rules import Guidance
from handoff_bot.domain.errors import ModelError
from handoff_bot.domain.messages import storable
from handoff_bot.domain.signals import Answer, Evidence, Turn
from handoff_bot.ports import LookUps

logger = logging.getLogger(__name__)

BY = "openai"

_ADDRESSES = frozenset({"EMAIL", "PHONE"})
_LONGEST = 2_000
_LONGEST_QUERY = 300
_LANGUAGE = re.compile(r"[a-z]{2,3}")
_UNSOURCED = 0.4  # maximum confidence of an answer that cites no passage
_MOST_EVIDENCE = 4


class Reply(BaseModel):
    """The language model's answer."""

    answer: str
    confidence: Probability
    used_sources: list[str]
    clarifies: bool = False


class Query(BaseModel):
    """The language model's search query."""

    query: str


class OpenAIAssistant:
    """Answers in the customer's language, only from passages and look-ups.

    Args:
        timeout: seconds of an answer with its look-ups.
        query_seconds: seconds to rewrite a follow-up as a search query; 0 for never.
        look_ups: None if the model may look nothing up.
    """

    def __init__(
        self,
        model: LanguageModel,
        knowledge: Knowledge,
        local: LocalAssistant,
        timeout: float = 8.0,
        *,
        query_seconds: float = 0.0,
        look_ups: LookUps | None = None,
    ) -> None:
        self._model = model
        self._knowledge = knowledge
        self._local = local
        self._timeout = timeout
        self._query_seconds = query_seconds
        self._look_ups = look_ups

    def answer(self, talk: ConversationContext, language: str) -> Answer | None:
        """Returns the model's answer from passages, or the local assistant's if the model fails, or
        if its answer states what its evidence does not hold.
        """
        local = self._local.answer(talk, language)
        if local is None or self._local.is_small_talk(talk):
            return local
        try:
            return self._ask(talk, language)
        except ModelError as error:
            logger.warning("language model did not answer", extra={"kind": str(error)})
            return replace(_permitted(local, talk, language), in_time=False)

    def _ask(self, talk: ConversationContext, language: str) -> Answer:
        redactor = Redactor()
        research = Research(self._look_ups, talk, redactor)
        turns = prompts.masked(talk.turns, redactor.mask)
        passages = self._passages(talk, turns, redactor)
        given = prompts.enclosed(
            "passages",
            ({"title": one.title, "heading": one.heading, "text": one.text} for one in passages),
        )
        hints = prompts.enclosed("hints", [{"hint": redactor.mask(one)} for one in talk.hints])
        spoken = language if _LANGUAGE.fullmatch(language) else "of the customer's last message"
        instructions = prompts.ANSWER.format(language=spoken) + _guidance(talk.rules.guidance)
        data = f"{given}\n{hints}\n{prompts.transcript(turns)}"
        reply = self._reply(instructions, data, talk, research)
        evidence = [*research.evidence, *(_as_evidence(one) for one in passages)]
        said = research.restored(storable(reply.answer)[:_LONGEST])
        # The model may put the customer's words into its arguments: they prove nothing.
        customer = [turn.text for turn in talk.turns if turn.role == "customer"]
        text = _checked(said, _known(evidence, talk), [*customer, *research.arguments])
        # A mask's value could let the customer's own text bring a URL into the answer.
        return _answer(reply, redactor.restore(text, never=_ADDRESSES).strip(), evidence, passages)

    def _passages(
        self, talk: ConversationContext, masked: Sequence[Turn], redactor: Redactor
    ) -> list[Passage]:
        if not self._query_seconds or not has_earlier_question(talk.turns):
            return passages_for(self._knowledge, talk.turns)
        try:
            asked = self._model.ask(
                prompts.QUERY,
                prompts.transcript(masked),
                Query,
                self._query_seconds,
                talk.contact_id,
            )
        except ModelError as error:
            logger.warning("search query not rewritten", extra={"kind": str(error)})
            return passages_for(self._knowledge, talk.turns)
        query = redactor.restore(storable(asked.query).strip()[:_LONGEST_QUERY])
        return passages_for(self._knowledge, talk.turns, query)

    def _reply(
        self,
        instructions: str,
        data: str,
        talk: ConversationContext,
        research: Research,
    ) -> Reply:
        if not research.tools:
            return self._model.ask(instructions, data, Reply, self._timeout, talk.contact_id)
        deadline = time.monotonic() + self._timeout
        for number in range(MOST_ROUNDS + 1):
            said = self._model.ask_or_call(
                instructions,
                data,
                Reply,
                deadline - time.monotonic(),
                talk.contact_id,
                tools=research.tools,
                exchanges=research.exchanges,
                may_call=number < MOST_ROUNDS,
            )
            if not isinstance(said, Calls):
                return said
            research.call(said.all, deadline - time.monotonic())
        raise ModelError("too many calls")


def _permitted(local: Answer, talk: ConversationContext, language: str) -> Answer:
    """Returns the local answer, or "not sure" if it or the question may be about a topic that is
    never discussed: an article that mentions it would be quoted.
    """
    topics = talk.rules.guidance.never
    asked = [turn.text for turn in talk.turns[-talk.waiting :]]
    quoted = [f"{one.title}\n{one.heading}" for one in local.evidence]
    text = "\n".join([*asked, local.text, *quoted])
    if not any(may_be_about(topic, text) for topic in topics):
        return local
    return Answer(say(UNSURE, language), confidence=0.0, by=local.by)


def _checked(said: str, known: str, customer: Sequence[str]) -> str:
    """Returns the answer as it is sent.

    Raises:
        ModelError: it is empty, or states what its evidence does not hold.
    """
    if not _is_supported(Redactor.unmarked(said), known, "\n".join(customer)):
        raise ModelError("unsupported answer")
    text = without_foreign_addresses(said, known)
    if not text.strip():
        raise ModelError("empty answer")
    return text


def _is_supported(said: str, known: str, customer: str) -> bool:
    """An answer that cannot be checked counts as unsupported: a retry would fail, and cost, again."""
    try:
        return not unsupported(said, known, customer)
    except Exception as error:
        # The message of the exception may hold a part of the answer.
        at = traceback.extract_tb(error.__traceback__)[-1]
        kind = f"{type(error).__name__} in {at.name}"
        logger.error("an answer could not be checked", extra={"kind": kind})  # noqa: TRY400
        return False


def _answer(
    reply: Reply, text: str, evidence: Sequence[Evidence], passages: Sequence[Passage]
) -> Answer:
    if not text:
        raise ModelError("empty answer")
    titles = [name for name in reply.used_sources if any(one.title == name for one in evidence)]
    named = {one.title: one.source for one in passages}
    sources = tuple(dict.fromkeys(named.get(name, name) for name in titles))
    used = [one for one in evidence if one.is_look_up or one.title in titles]
    is_sure = bool(sources) or reply.clarifies
    return Answer(
        text=text,
        confidence=reply.confidence if is_sure else min(reply.confidence, _UNSOURCED),
        sources=sources,
        by=BY,
        in_time=True,
        asks=reply.clarifies,
        evidence=tuple(used[:_MOST_EVIDENCE]),
    )


def _as_evidence(passage: Passage) -> Evidence:
    return Evidence(passage.title, passage.text, passage.heading)


def _known(evidence: Sequence[Evidence], talk: ConversationContext) -> str:
    """Returns all texts that the answer may take numbers and addresses from: also the team's own.

    Without the arguments of look-ups, which are their evidence's headings.
    """
    guidance = talk.rules.guidance
    agents = [turn.text for turn in talk.turns if turn.role == "agent"]
    headings = [one.heading for one in evidence if not one.is_look_up]
    texts = [f"{one.title}\n{one.text}" for one in evidence]
    return "\n".join([*texts, *headings, *agents, *talk.hints, guidance.company, *guidance.lines])


def _guidance(guidance: Guidance) -> str:
    """Returns the part of the instructions with the team's guidance, "" without any."""
    given = {name: value for name, value in asdict(guidance).items() if value}
    names = {"never": "never discuss", "lines": "guidance"}
    items = [{names.get(name, name): value} for name, value in given.items()]
    return prompts.GUIDANCE.format(guidance=prompts.enclosed("guidance", items)) if items else ""
