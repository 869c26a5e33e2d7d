"""Detects the customer's language: by script, and within Latin script by a small model."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable
from functools import lru_cache

from handoff_bot.ai.detector.heads import softmax
from handoff_bot.ai.detector.model import Model
from handoff_bot.ai.detector.text import clip, spelling

_SURE = 0.55
_FEWEST = 2  # letters; "ok" is not enough

_BY_SCRIPT = {
    "HIRAGANA": "ja",
    "KATAKANA": "ja",
    "HANGUL": "ko",
    "ARABIC": "ar",
    "DEVANAGARI": "hi",
    "THAI": "th",
    "CYRILLIC": "ru",
    "CJK": "zh",
    "GREEK": "el",
    "HEBREW": "he",
}
_WORD = re.compile(r"[^\W\d_]+")
# Short English questions look like Swedish ones by spelling ("is it in stock"): their small words
# differ.
_ENGLISH_TEXT = """
any are could did does have how it more one please should there this what when where which who why with would
you your
"""
_ENGLISH = frozenset(_ENGLISH_TEXT.split())
"""Words that no other language has."""
_ALSO_ENGLISH_TEXT = (
    "a an and at be can do for has i in is me my not of on or our so the to was we will"
)
_ALSO_ENGLISH = frozenset(_ALSO_ENGLISH_TEXT.split())
_UKRAINIAN = frozenset("іїєґ")


def language_of(words: str, model: Model) -> str:
    """Returns the ISO 639-1 code, "" if unsure."""
    letters = [letter for letter in clip(words)[:400].casefold() if letter.isalpha()]
    if len(letters) < _FEWEST and not any(ord(letter) > 0x2E80 for letter in letters):
        return ""
    scripts = Counter(_script(letter) for letter in letters)
    if scripts["HIRAGANA"] or scripts["KATAKANA"]:
        return "ja"
    script = scripts.most_common(1)[0][0]
    if script == "LATIN":
        return _latin(words, model)
    if script == "CYRILLIC" and _UKRAINIAN & set(letters):
        return "uk"
    return _BY_SCRIPT.get(script, "")


@lru_cache(maxsize=4096)
def _script(letter: str) -> str:
    return unicodedata.name(letter, "?").split()[0].split("-")[0]


def _latin(words: str, model: Model) -> str:
    if _is_english(words):
        return "en"
    found = softmax(model.spelling.logits(spelling(words)))
    best = int(found.argmax())
    return model.languages[best] if found[best] >= _SURE else ""


def _is_english(words: str) -> bool:
    """Returns whether at least half of the words, and at least two, are small English ones."""
    said = _WORD.findall(clip(words)[:400].casefold())
    own = sum(word in _ENGLISH for word in said)
    small = own + sum(word in _ALSO_ENGLISH for word in said)
    return own > 0 and small >= max(2, len(said) / 2)


def last_language(messages: list[str], name: Callable[[str], str]) -> str:
    """Returns the language of the last message that shows one: "ok" after three German messages is
    German.
    """
    return next(filter(None, map(name, reversed(messages))), "")
