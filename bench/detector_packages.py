"""Ordinary things people say to machines, in many languages, out of two packages: none needs a human.

home-assistant-intents (Apache-2.0) has templates of spoken commands, chatterbot-corpus (BSD-3-Clause)
small talk.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import yaml

COMMANDS_EACH = 110  # of each language
SMALL_TALK_EACH = 80

_COMMANDS = "ar de en es fr hi id it ja ko nl pl pt-BR ru sv th tr uk vi zh-CN zh-TW"
_SMALL_TALK = {
    "dutch": "nl",
    "english": "en",
    "french": "fr",
    "german": "de",
    "hindi": "hi",
    "hinglish": "hi",
    "indonesian": "id",
    "italian": "it",
    "japanese": "ja",
    "korean": "ko",
    "portuguese": "pt",
    "russian": "ru",
    "spanish": "es",
    "swedish": "sv",
    "thai": "th",
    "traditionalchinese": "zh",
    "turkish": "tr",
    "ukrainian": "uk",
}
_MOODS = "emotion.yml"  # left out: there somebody may be angry
_DEEPEST = 12
_LONGEST = 160
_CLOSING = {"(": ")", "[": "]"}


def package_texts(seed: int) -> Iterator[tuple[str, str, str]]:
    """(source, language, words)."""
    dice = random.Random(seed)  # noqa: S311 - repeatable on purpose, guards nothing
    for name in _COMMANDS.split():
        for words in commands(name, dice):
            yield "smart-home", name[:2], words
    for folder, language in _SMALL_TALK.items():
        for words in _small_talk(folder, dice):
            yield "small-talk", language, words


def commands(name: str, dice: random.Random) -> list[str]:
    """Spoken commands of one of the package's files."""
    path = files("home_assistant_intents") / "data" / f"{name}.json"
    grammar = Grammar(json.loads(path.read_text(encoding="utf-8")), dice)
    found: dict[str, None] = {}
    for sentences in grammar.intents():
        for _ in range(5 if sentences else 0):
            words = grammar.spoken(dice.choice(sentences))
            if len(words) > 3:
                found[words] = None
    return dice.sample(list(found), min(COMMANDS_EACH, len(found)))


def _small_talk(folder: str, dice: random.Random) -> list[str]:
    found: dict[str, None] = {}
    path = files("chatterbot_corpus") / "data" / folder
    for file in sorted(path.iterdir(), key=lambda one: one.name):
        if file.name.endswith(".yml") and file.name != _MOODS:
            talks = yaml.safe_load(file.read_text(encoding="utf-8"))["conversations"]
            found |= {str(line).strip(): None for talk in talks for line in talk}
    lines = [line for line in found if 2 < len(line) < _LONGEST]
    return dice.sample(lines, min(SMALL_TALK_EACH, len(lines)))


class Grammar:
    """Says one sentence of a template: (a|b) one of them, [a] perhaps, <rule> a template, {slot} a word."""

    def __init__(self, language: dict[str, Any], dice: random.Random) -> None:
        self._language = language
        self._dice = dice

    def intents(self) -> list[list[str]]:
        """The templates of each intent."""
        intents = sorted(self._language["intents"].items())
        return [
            [one for block in intent["data"] for one in block["sentences"]] for _, intent in intents
        ]

    def spoken(self, template: str) -> str:
        """One sentence, its spaces tidied."""
        return " ".join(self._any(template, 0, "", 0)[0].split())

    def _any(self, template: str, place: int, end: str, depth: int) -> tuple[str, int]:
        """One of the alternatives from a place up to the closing sign, and where that was."""
        options, words = [], ""
        while place < len(template) and template[place] != end:
            sign = template[place]
            if sign == "|":
                options.append(words)
                words = ""
            elif sign in "([":
                inner, place = self._any(template, place + 1, _CLOSING[sign], depth)
                words += inner if sign == "(" or self._dice.random() < 0.5 else ""
            elif sign in "<{":
                close = template.index(">" if sign == "<" else "}", place)
                words += self._named(sign, template[place + 1 : close], depth)
                place = close
            else:
                words += sign
            place += 1
        return self._dice.choice([*options, words]), place

    def _named(self, sign: str, name: str, depth: int) -> str:
        if depth > _DEEPEST:
            return ""
        if sign == "<":
            return self._any(self._language["expansion_rules"].get(name, ""), 0, "", depth + 1)[0]
        slot = self._language["lists"].get(name.split(":")[0], {})
        if "values" in slot:
            value = self._dice.choice(slot["values"])
            return self._any(value if isinstance(value, str) else value["in"], 0, "", depth + 1)[0]
        return str(self._dice.randint(2, 90)) if "range" in slot else ""
