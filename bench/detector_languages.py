"""What naming the language is learned from: written phrases, commands, and words by their frequency."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Iterator

from wordfreq import top_n_list, word_frequency

from bench.detector_packages import commands
from handoff_bot.ai.detector.language import is_modelled

WRITTEN_EACH, MADE_EACH, MADE_OF_UNWRITTEN = 600, 400, 800
_WORDS = 3_000
_SHORTEST, _LONGEST = 2, 9  # in words
_FLAT = 0.6
"""Frequencies to this power, so that rarer words are learned too."""

LISTS = {
    "bg": "bg", "ca": "ca", "cs": "cs", "da": "da", "de": "de", "en": "en", "es": "es", "fa": "fa",
    "fi": "fi", "fr": "fr", "ar": "ar", "hi": "hi", "hr": "sh", "hu": "hu", "id": "id", "is": "is",
    "it": "it", "lt": "lt", "lv": "lv", "mk": "mk", "ms": "ms", "nl": "nl", "no": "nb", "pl": "pl",
    "pt": "pt", "ro": "ro", "ru": "ru", "sk": "sk", "sl": "sl", "sv": "sv", "tl": "fil", "tr": "tr",
    "uk": "uk", "ur": "ur", "vi": "vi",
}  # fmt: skip
"""wordfreq's list of words of each language."""

COMMANDS = {
    "af": "af", "bg": "bg", "ca": "ca", "cs": "cs", "da": "da", "et": "et", "eu": "eu", "fa": "fa",
    "fi": "fi", "ga": "ga", "gl": "gl", "hr": "hr", "hu": "hu", "is": "is", "lt": "lt", "lv": "lv",
    "ms": "ms", "ne": "ne", "no": "nb", "ro": "ro", "sk": "sk", "sl": "sl", "sr": "sr",
    "sw": "sw", "ur": "ur", "cy": "cy",
}  # fmt: skip
"""home-assistant-intents' file of each language that has no written phrases."""


def language_texts(said: Iterable[tuple[str, str]], seed: int) -> Iterator[tuple[str, str]]:
    """(language, words), from what is written in each language and what is made of its words."""
    dice = random.Random(seed)  # noqa: S311 - repeatable on purpose, guards nothing
    written: dict[str, dict[str, None]] = defaultdict(dict)
    for language, words in said:
        if len(written[language]) < WRITTEN_EACH and is_modelled(words):
            written[language][words] = None
    for language in sorted({*written, *LISTS, *COMMANDS}):
        mine = written[language]
        if language in LISTS:
            count = MADE_EACH if mine else MADE_OF_UNWRITTEN
            made = _made(LISTS[language], count, dice)
        else:
            made = []
        ordered = commands(COMMANDS[language], dice) if language in COMMANDS else []
        for words in (*mine, *made, *filter(is_modelled, ordered)):
            yield language, words


def _made(name: str, count: int, dice: random.Random) -> list[str]:
    words = [word for word in top_n_list(name, _WORDS) if is_modelled(word)]
    weights = [word_frequency(word, name) ** _FLAT for word in words]
    sizes = (dice.randint(_SHORTEST, _LONGEST) for _ in range(count))
    return [" ".join(dice.choices(words, weights, k=size)) for size in sizes]
