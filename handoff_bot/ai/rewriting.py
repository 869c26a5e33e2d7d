"""Rewrites an agent's draft with a language model; refuses a text that gained facts or links."""

from __future__ import annotations

from pydantic import BaseModel

from handoff_bot.ai import prompts
from handoff_bot.ai.assistant.addresses import without_foreign_addresses
from handoff_bot.ai.language_model import LanguageModel
from handoff_bot.ai.redaction import Redactor
from handoff_bot.ai.translating import facts
from handoff_bot.domain.drafts import Tone
from handoff_bot.domain.errors import ModelError
from handoff_bot.domain.messages import storable

LONGEST = 4_000
"""In characters; longer drafts are not rewritten."""
_GROWTH, _SPARE = 2, 300
"""A text longer than this many times the original, plus a margin, is refused."""

_WISHES = {
    Tone.SHORTER: "at most half as long, with every fact that the customer needs",
    Tone.FRIENDLIER: "warmer and friendlier, about as long, without exaggeration",
}


class Rewritten(BaseModel):
    """The language model's answer."""

    reply: str


class OpenAIRewriter:
    """Thread-safe."""

    def __init__(self, model: LanguageModel, timeout: float = 8.0) -> None:
        self._model = model
        self._timeout = timeout

    def rewrite(self, text: str, tone: Tone, contact_id: int | None = None) -> str:
        """Returns the text in this tone, in its own language.

        Raises:
            ModelError: not possible now, or the result says more than the original.
        """
        if tone not in _WISHES or len(text) > LONGEST:
            raise ModelError("not rewritable")
        redactor = Redactor()
        answer = self._model.ask(
            prompts.REWRITE.format(wish=_WISHES[tone]),
            prompts.enclosed("reply", [prompts.readable(redactor.mask(text))]),
            Rewritten,
            self._timeout,
            contact_id,
        )
        said = redactor.restore(storable(answer.reply).strip())
        if not said or len(said) > _GROWTH * len(text) + _SPARE:
            raise ModelError("malformed answer")
        if facts(said) - facts(text) or without_foreign_addresses(said, text) != said:
            raise ModelError("unfaithful text")
        return said
