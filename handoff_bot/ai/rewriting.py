"""Rewrites, translates and writes with a language model; refuses a text that gained or lost facts."""

from __future__ import annotations

import logging
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from pydantic import BaseModel

from handoff_bot.ai import prompts
from handoff_bot.ai.assistant.learning import LocalLearner
from handoff_bot.ai.assistant.support import without_foreign_addresses
from handoff_bot.ai.impersonal import impersonal
from handoff_bot.ai.language_model import LanguageModel
from handoff_bot.ai.personal_data import Redactor
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
from handoff_bot.domain.replies import Tone
from handoff_bot.domain.text import LANGUAGES, one_line

logger = logging.getLogger(__name__)

# -- translations of single messages

_LONGEST = 4_000
"""In characters; longer messages are not translated."""
_TRANSLATION_GROWTH, _TRANSLATION_SPARE = 6, 200
"""A translation longer than this many times the original, plus a margin, is refused."""

_ADDRESS = re.compile(r"https?://[^\s<>\"]*[^\s<>\".,;:!?)\]]")
# Limited look-ahead: up to the end of a word would take quadratic time.
_CODE = re.compile(r"\b(?=[\w-]{0,64}\d)(?=[\w-]{0,64}[A-Z])(?!\d{1,2}[AP]M\b)[A-Z0-9_-]{4,}\b")
_NUMBER = re.compile(r"\d{2,}")
_CLOCK = re.compile(r"\b\d{1,2}(?:\s?[:hH]\s?\d{2}\b|(?:[:.]\d{2})?\s?[aApP]\.?[mM]\b)")
"""Times of day: 3pm is 15:00 elsewhere."""
_THOUSANDS = re.compile(r"(?<=\d)[.,'\u2019\u00a0\u202f ](?=\d{3}(?!\d))")


class Translated(BaseModel):
    """The language model's answer."""

    translation: str


class OpenAITranslator:
    """Thread-safe."""

    def __init__(self, model: LanguageModel, timeout: float = 8.0) -> None:
        self._model = model
        self._timeout = timeout

    def translate(self, text: str, language: str, contact_id: int | None = None) -> str:
        """Translates the text into this language (ISO 639-1).

        Raises:
            ModelError: not possible now, or the result is not a faithful translation.
        """
        if language not in LANGUAGES or len(text) > _LONGEST:
            raise ModelError("not translatable")
        redactor = Redactor()
        reply = self._model.ask(
            prompts.TRANSLATE.format(language=LANGUAGES[language]),
            prompts.enclosed("message", [prompts.readable(redactor.mask(text))]),
            Translated,
            self._timeout,
            contact_id,
        )
        said = redactor.restore(storable(reply.translation).strip())
        _check(text, said)
        return said


def _check(text: str, said: str) -> None:
    """Links, codes and numbers are essential in support: none may be lost, no link may be added."""
    if not said or len(said) > _TRANSLATION_GROWTH * len(text) + _TRANSLATION_SPARE:
        raise ModelError("malformed answer")
    if facts(text) - facts(said) or without_foreign_addresses(said, text) != said:
        raise ModelError("unfaithful translation")


def facts(text: str) -> Counter[str]:
    numbers = _NUMBER.findall(_THOUSANDS.sub("", _CLOCK.sub("", _in_our_digits(text))))
    return Counter([*_ADDRESS.findall(text), *_CODE.findall(text), *numbers])


def _in_our_digits(text: str) -> str:
    """Numbers may use the target language's digits."""
    return "".join(str(unicodedata.decimal(one, one)) for one in text)


# -- rewritten drafts

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


# -- draft articles

_ARTICLE_GROWTH, _ARTICLE_SPARE = 2, 400
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
        if not title or not text or len(said) > _ARTICLE_GROWTH * len(given) + _ARTICLE_SPARE:
            raise ModelError("malformed answer")
        if facts(said) - facts(given) or without_foreign_addresses(said, given) != said:
            raise ModelError("unfaithful text")
        return replace(local, title=title, text=text[:LONGEST_TEXT])
