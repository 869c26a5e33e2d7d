"""The texts that customers read: one catalogue for each language, the TOML files in this folder.

A text whose number changes its words has a form for each plural category (CLDR) of its language.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from handoff_bot.domain import templates

FALLBACK = "en"
COUNTED = ("wait_minutes", "minutes", "n")
"""Placeholders whose number chooses the plural form. A position in a queue does not."""

Part = Literal["customer", "assistant", "widget"]
Forms = Mapping[str, str]
"""Plural category -> text. A text without plural forms has only "other"."""

_FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class LocalizedText:
    """A text in one language, whose plural rules apply."""

    language: str
    forms: Forms

    @property
    def template(self) -> str:
        """Returns the form of most numbers. Only this form must contain all placeholders."""
        return self.forms["other"]

    def fill(self, **values: str | int) -> str:
        """Renders the form that fits the number; values are inserted literally, never parsed."""
        number = next((int(values[name]) for name in COUNTED if name in values), 0)
        return templates.fill(choose(self.language, number, self.forms), **values)


def choose(language: str, number: int, forms: Forms) -> str:
    """Returns the form for a number by the language's plural rules."""
    if len(forms) == 1:
        return forms["other"]
    return forms.get(_plural_rule(language)(number), forms["other"])


@cache
def _plural_rule(language: str) -> Callable[[int], str]:
    from babel import Locale  # 13 ms with its data; most commands need none of it

    return Locale(language).plural_form


@cache
def catalogue(language: str) -> Mapping[str, Mapping[str, Forms]]:
    """Returns all texts of a language by part and name; empty if there is no catalogue."""
    if language not in _languages():
        return {}
    parts = tomllib.loads((_FOLDER / f"{language}.toml").read_text(encoding="utf-8"))
    return {
        part: {
            name: text if isinstance(text, dict) else {"other": text}
            for name, text in texts.items()
        }
        for part, texts in parts.items()
    }


@cache
def _languages() -> frozenset[str]:
    return frozenset(path.stem for path in _FOLDER.glob("*.toml"))


def speaks(language: str, part: Part) -> bool:
    return part in catalogue(language)


def languages(part: Part) -> tuple[str, ...]:
    """Returns the languages that have this part, English first."""
    others = sorted(_languages() - {FALLBACK})
    return tuple(each for each in (FALLBACK, *others) if speaks(each, part))


def text(part: Part, name: str, language: str) -> LocalizedText:
    """Returns a text in a language, or in English."""
    found = catalogue(language).get(part, {}).get(name)
    if found is None:
        return LocalizedText(FALLBACK, catalogue(FALLBACK)[part][name])
    return LocalizedText(language, found)
