"""The assistant that asks a language model to answer from passages, and the local one when it cannot."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from dataclasses import replace

from pydantic import BaseModel

from handoff_bot.ai import prompts
from handoff_bot.ai.assistant.knowledge import Knowledge
from handoff_bot.ai.assistant.local import LocalAssistant
from handoff_bot.ai.assistant.phrases import small_talk
from handoff_bot.ai.language_model import LanguageModel
from handoff_bot.ai.redaction import Redactor
from handoff_bot.domain.errors import ModelError
from handoff_bot.domain.signals import Answer, Turn

logger = logging.getLogger(__name__)

BY = "openai"

_PASSAGES = 6
_LONGEST = 2_000
_LANGUAGE = re.compile(r"[a-z]{2,3}")
_LINK = re.compile(r"(?:https?://|www\.)[^\s<>\"')\]]+", re.IGNORECASE)
_UNSOURCED = 0.4  # the most an answer is worth that names no passage it came from


class Reply(BaseModel):
    """What the language model answers."""

    answer: str
    confidence: float
    used_sources: list[str]


class OpenAIAssistant:
    """Answers in the customer's language, from passages alone."""

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

    def answer(self, turns: Sequence[Turn], language: str) -> Answer | None:
        """What the model makes of the passages; the local assistant's answer when it fails."""
        local = self._local.answer(turns, language)
        if local is None or small_talk(turns[-1].text, language):
            return local
        redactor = Redactor()
        try:
            return self._ask(turns, language, redactor)
        except ModelError as error:
            logger.warning("language model did not answer", extra={"kind": str(error)})
            return local

    def _ask(self, turns: Sequence[Turn], language: str, redactor: Redactor) -> Answer:
        passages = [hit.passage for hit in self._knowledge.search(turns[-1].text, _PASSAGES)]
        given = prompts.enclosed(
            "passages",
            ({"title": one.title, "heading": one.heading, "text": one.text} for one in passages),
        )
        masked = [replace(turn, text=redactor.mask(turn.text)) for turn in turns[-prompts.TURNS :]]
        spoken = language if _LANGUAGE.fullmatch(language) else "of the customer's last message"
        reply = self._model.ask(
            prompts.ANSWER.format(language=spoken),
            f"{given}\n{prompts.transcript(masked)}",
            Reply,
            self._timeout,
        )
        text = without_foreign_links(reply.answer, " ".join(one.text for one in passages)).strip()
        if not text:
            raise ModelError("empty answer")
        known = {one.title for one in passages}
        sources = tuple(dict.fromkeys(name for name in reply.used_sources if name in known))
        sure = min(max(reply.confidence, 0.0), 1.0)
        return Answer(
            text=redactor.restore(text)[:_LONGEST],
            confidence=sure if sources else min(sure, _UNSOURCED),
            sources=sources,
            by=BY,
        )


def without_foreign_links(text: str, passages: str) -> str:
    """The text without web addresses that no passage holds, whoever talked the model into them."""
    known = {link.rstrip(".,;:!?") for link in _LINK.findall(passages)}
    return _LINK.sub(lambda found: found[0] if found[0].rstrip(".,;:!?") in known else "", text)
