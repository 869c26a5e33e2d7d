"""Writes draft articles with a language model; refuses a text that gained facts or links."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace

from pydantic import BaseModel

from handoff_bot.ai import prompts
from handoff_bot.ai.assistant.addresses import without_foreign_addresses
from handoff_bot.ai.assistant.learning import LocalLearner
from handoff_bot.ai.impersonal import impersonal
from handoff_bot.ai.language_model import LanguageModel
from handoff_bot.ai.redaction import Redactor
from handoff_bot.ai.translating import facts
from handoff_bot.domain.articles import (
    GAP,
    LONGEST_TEXT,
    LONGEST_TITLE,
    Article,
    Taught,
    Unanswered,
)
from handoff_bot.domain.errors import ModelError
from handoff_bot.domain.messages import storable
from handoff_bot.domain.text import one_line

logger = logging.getLogger(__name__)

_GROWTH, _SPARE = 2, 400
"""A draft longer than this many times the agent's answer, plus a margin, is refused."""


class Written(BaseModel):
    """The language model's article."""

    useful: bool
    title: str
    text: str


class OpenAILearner:
    """Lets a language model write what the local draft says; the local draft if it cannot."""

    def __init__(self, model: LanguageModel, local: LocalLearner, timeout: float = 8.0) -> None:
        self._model = model
        self._local = local
        self._timeout = timeout

    def groups(self, asked: Sequence[Unanswered]) -> Sequence[Unanswered]:
        """Returns the groups as LocalLearner does."""
        return self._local.groups(asked)

    def draft(self, taught: Taught, drafted: Sequence[str] = ()) -> Article | None:
        """Returns a draft as LocalLearner does; None also if the model sees no use in it."""
        local = self._local.draft(taught, drafted)
        if local is None:
            return None
        try:
            return self._written(local, taught)
        except ModelError as error:
            logger.warning("article is drafted without the model", extra={"kind": str(error)})
            return local

    def _written(self, local: Article, taught: Taught) -> Article | None:
        redactor = Redactor()
        given = f"{local.title}\n{local.text}"
        asked = [prompts.readable(redactor.mask(local.title))]
        answered = [prompts.readable(redactor.mask(local.text))]
        reply = self._model.ask(
            prompts.ARTICLE.format(gap=GAP),
            f"{prompts.enclosed('question', asked)}\n{prompts.enclosed('answer', answered)}",
            Written,
            self._timeout,
            taught.contact_id,
        )
        if not reply.useful:
            return None
        title = one_line(impersonal(storable(reply.title), taught.names), LONGEST_TITLE)
        text = impersonal(storable(reply.text), taught.names).strip()
        said = f"{title}\n{text}"
        if not title or not text or len(said) > _GROWTH * len(given) + _SPARE:
            raise ModelError("malformed answer")
        if facts(said) - facts(given) or without_foreign_addresses(said, given) != said:
            raise ModelError("unfaithful text")
        return replace(local, title=title, text=text[:LONGEST_TEXT])
