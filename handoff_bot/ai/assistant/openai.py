"""Answers with a language model from passages, and with the local assistant as fallback."""

from __future__ import annotations

import logging
import re
from dataclasses import replace

from pydantic import BaseModel

from handoff_bot.ai import prompts
from handoff_bot.ai.assistant.addresses import without_foreign_addresses
from handoff_bot.ai.assistant.conversation_search import passages_for
from handoff_bot.ai.assistant.knowledge import Knowledge
from handoff_bot.ai.assistant.local import LocalAssistant
from handoff_bot.ai.language_model import LanguageModel, Probability
from handoff_bot.ai.redaction import Redactor
from handoff_bot.domain.conversation_context import ConversationContext
from handoff_bot.domain.errors import ModelError
from handoff_bot.domain.messages import storable
from handoff_bot.domain.signals import Answer

logger = logging.getLogger(__name__)

BY = "openai"

_ADDRESSES = frozenset({"EMAIL", "PHONE"})
_LONGEST = 2_000
_LANGUAGE = re.compile(r"[a-z]{2,3}")
_UNSOURCED = 0.4  # maximum confidence of an answer that cites no passage


class Reply(BaseModel):
    """The language model's answer."""

    answer: str
    confidence: Probability
    used_sources: list[str]


class OpenAIAssistant:
    """Answers in the customer's language, only from passages."""

    def __init__(
        self,
        model: LanguageModel,
        knowledge: Knowledge,
        local: LocalAssistant,
        timeout: float = 8.0,
    ) -> None:
        self._model = model
        self._knowledge = knowledge
        self._local = local
        self._timeout = timeout

    def answer(self, talk: ConversationContext, language: str) -> Answer | None:
        """Returns the model's answer from passages, or the local assistant's if the model fails."""
        local = self._local.answer(talk, language)
        if local is None or self._local.is_small_talk(talk):
            return local
        redactor = Redactor()
        try:
            return self._ask(talk, language, redactor)
        except ModelError as error:
            logger.warning("language model did not answer", extra={"kind": str(error)})
            return replace(local, in_time=False)

    def _ask(self, talk: ConversationContext, language: str, redactor: Redactor) -> Answer:
        turns = talk.turns
        passages = passages_for(self._knowledge, turns)
        given = prompts.enclosed(
            "passages",
            ({"title": one.title, "heading": one.heading, "text": one.text} for one in passages),
        )
        hints = prompts.enclosed("hints", [{"hint": redactor.mask(one)} for one in talk.hints])
        masked = prompts.masked(turns, redactor.mask)
        spoken = language if _LANGUAGE.fullmatch(language) else "of the customer's last message"
        reply = self._model.ask(
            prompts.ANSWER.format(language=spoken),
            f"{given}\n{hints}\n{prompts.transcript(masked)}",
            Reply,
            self._timeout,
            talk.contact_id,
        )
        known = "\n".join(one.text for one in passages)
        said = without_foreign_addresses(storable(reply.answer)[:_LONGEST], known)
        # A mask's value could let the customer's own text bring a URL into the answer.
        text = redactor.restore(said, never=_ADDRESSES).strip()
        if not text:
            raise ModelError("empty answer")
        titles = {one.title: one.source for one in passages}
        used = (titles[name] for name in reply.used_sources if name in titles)
        sources = tuple(dict.fromkeys(used))
        return Answer(
            text=text,
            confidence=reply.confidence if sources else min(reply.confidence, _UNSOURCED),
            sources=sources,
            by=BY,
            in_time=True,
        )
