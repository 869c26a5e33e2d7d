"""Translates single messages with a language model; refuses translations that lost or added
something.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

from pydantic import BaseModel

from handoff_bot.ai import prompts
from handoff_bot.ai.assistant.addresses import without_foreign_addresses
from handoff_bot.ai.language_model import LanguageModel
from handoff_bot.ai.redaction import Redactor
from handoff_bot.domain.errors import ModelError
from handoff_bot.domain.messages import storable
from handoff_bot.domain.text import LANGUAGES

_LONGEST = 4_000
"""In characters; longer messages are not translated."""
_GROWTH, _SPARE = 6, 200
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
    if not said or len(said) > _GROWTH * len(text) + _SPARE:
        raise ModelError("malformed answer")
    if facts(text) - facts(said) or without_foreign_addresses(said, text) != said:
        raise ModelError("unfaithful translation")


def facts(text: str) -> Counter[str]:
    numbers = _NUMBER.findall(_THOUSANDS.sub("", _CLOCK.sub("", _in_our_digits(text))))
    return Counter([*_ADDRESS.findall(text), *_CODE.findall(text), *numbers])


def _in_our_digits(text: str) -> str:
    """Numbers may use the target language's digits."""
    return "".join(str(unicodedata.decimal(one, one)) for one in text)
