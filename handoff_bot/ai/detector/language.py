"""Detects the customer's language: by script, and within a script of many languages by a small model."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache

from handoff_bot.ai.detector.heads import softmax
from handoff_bot.ai.detector.model import Model
from handoff_bot.ai.detector.text import clip, spelling
from handoff_bot.domain.texts import languages

Chances = Mapping[str, float]
"""Probabilities by ISO 639-1 code; empty for a text without a language."""

_SURE = 0.5
_FEWEST = 2  # letters; "ok" is not enough
_MANY = 12
"""Letters from which a text speaks for itself; of a shorter one each letter less counts less."""

_LONGEST = 400  # in characters

_SPOKEN, _HEARD = 8.0, 4.0
"""How much likelier a language is that the customer wrote before, or that they were addressed in."""

_UNSUPPORTED = 0.05
"""How much likelier a language is for which the product has no texts."""

_CERTAIN = 0.9

_BY_SCRIPT = {
    "HIRAGANA": "ja", "KATAKANA": "ja", "HANGUL": "ko", "THAI": "th", "CJK": "zh", "GREEK": "el",
    "HEBREW": "he", "BENGALI": "bn", "TAMIL": "ta", "TELUGU": "te", "GEORGIAN": "ka",
    "ARMENIAN": "hy", "GUJARATI": "gu", "GURMUKHI": "pa", "MALAYALAM": "ml", "KANNADA": "kn",
    "SINHALA": "si", "KHMER": "km", "LAO": "lo", "MYANMAR": "my", "ETHIOPIC": "am",
}  # fmt: skip
_MODELLED = {
    "LATIN": frozenset(),
    "CYRILLIC": frozenset({"ru", "uk", "bg", "sr", "mk"}),
    "ARABIC": frozenset({"ar", "fa", "ur"}),
    "DEVANAGARI": frozenset({"hi", "ne"}),
}
"""Scripts of several languages, and which ones; Latin has all the others of the model."""

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
    "a an and at be can do for has i in is me much my not of on or our so the to was we will"
)
_ALSO_ENGLISH = frozenset(_ALSO_ENGLISH_TEXT.split())
_UKRAINIAN = frozenset("іїєґ")


def language_chances(words: str, model: Model) -> Chances:
    """Returns the probability of each language that the text may be in."""
    words = clip(words[: 2 * _LONGEST])[:_LONGEST]
    letters = list(filter(str.isalpha, words.casefold()))
    if len(letters) < _FEWEST and not any(ord(letter) > 0x2E80 for letter in letters):
        return {}
    scripts = Counter({"LATIN": 1} if words.isascii() else map(_script, letters))
    if scripts["HIRAGANA"] or scripts["KATAKANA"]:
        return {"ja": 1.0}
    script = scripts.most_common(1)[0][0]
    if script not in _MODELLED:
        return {_BY_SCRIPT[script]: 1.0} if script in _BY_SCRIPT else {}
    if script == "LATIN" and _is_english(words):
        return {"en": 1.0}
    if script == "CYRILLIC" and _UKRAINIAN & set(letters):
        return {"uk": 1.0}
    return _by_spelling(words, model, _MODELLED[script], min(1.0, len(letters) / _MANY))


def _by_spelling(words: str, model: Model, only: frozenset[str], length: float) -> Chances:
    found = softmax(length * model.spelling.logits(spelling(words))).tolist()
    less = _UNSUPPORTED ** (1.0 - length)
    return _shares(
        {
            code: found[place] * (1.0 if is_supported else less)
            for place, code, is_supported in _considered(model.languages, only)
        }
    )


@lru_cache(maxsize=16)
def _considered(
    modelled: tuple[str, ...], only: frozenset[str]
) -> tuple[tuple[int, str, bool], ...]:
    """Returns (place in the model, code, whether the product has texts in it) of these languages; of
    those of Latin script for none.
    """
    others = frozenset().union(*_MODELLED.values()) - {"hi"}  # also written in Latin letters
    supported = frozenset(languages())
    return tuple(
        (place, code, code in supported)
        for place, code in enumerate(modelled)
        if (code in only if only else code not in others)
    )


def _shares(chances: Chances) -> dict[str, float]:
    total = sum(chances.values())
    return {code: chance / total for code, chance in chances.items()} if total else {}


def is_modelled(words: str) -> bool:
    """Returns whether all letters belong to a script of several languages."""
    letters = [letter for letter in words if letter.isalpha()]
    return bool(letters) and all(_script(letter) in _MODELLED for letter in letters)


@lru_cache(maxsize=4096)
def _script(letter: str) -> str:
    return unicodedata.name(letter, "?").split()[0].split("-")[0]


def _is_english(words: str) -> bool:
    """Returns whether at least half of the words, and at least two, are small English ones."""
    said = _WORD.findall(words.casefold())
    own = sum(word in _ENGLISH for word in said)
    small = own + sum(word in _ALSO_ENGLISH for word in said)
    return own > 0 and small >= max(2, len(said) / 2)


def conversation_language(
    said: Sequence[str], heard: Sequence[str], chances: Callable[[str], Chances]
) -> str:
    """Returns the language of the last message that shows one, given those of the others; "" if unsure.

    "ok" after three German messages is German, and a short first message is rather in the language of
    the greeting than in one like it.

    Args:
        said: the customer's messages, oldest first.
        heard: the assistant's.
        chances: the languages that a text may be in.
    """
    for place in range(len(said) - 1, -1, -1):
        spoken, addressed = _certain(said[:place], chances), _certain(heard, chances)
        weighed = _shares(
            {
                code: chance * (_SPOKEN if code in spoken else _HEARD if code in addressed else 1.0)
                for code, chance in chances(said[place]).items()
            }
        )
        best = max(weighed, key=weighed.__getitem__, default="")
        if best and weighed[best] >= _SURE:
            return best
    return ""


def _certain(texts: Iterable[str], chances: Callable[[str], Chances]) -> set[str]:
    found = (chances(words) for words in texts)
    return {code for one in found for code, chance in one.items() if chance >= _CERTAIN}
