"""English senses of support terms in 21 languages: compares a question with articles in another language.

The encoder knows sixteen languages, and single words worse than sentences. glossary.txt holds own
words, written by a language model: no native speaker has checked them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

GLOSSARY = Path(__file__).with_name("glossary.txt")

_LONGEST = 400
"""Characters of a question that are read."""
_FUNCTION, _ASKING = "-", "?"
_LANGUAGES_TEXT = "de fr es it pt nl sv pl uk ru tr ar he hi id vi th ja zh ko el"
_LANGUAGES = frozenset(_LANGUAGES_TEXT.split())
_WORD = re.compile(r"[\w\u0300-\u036f\u0591-\u05c7\u064b-\u0652\u0900-\u0963]+")
_MARKS = re.compile("[\u0300-\u036f]")
_ACCENTED = frozenset(["sv", "vi"])
"""Languages in which words differ by accents only, and are written with them."""
_CASE = re.compile(r"(?<=\w{3})['\u2019](?:\w{1,2}|d[ae]n|n[ia]n|y[i\u0131u\u00fc])\b")
"""Turkish endings after a name."""
_UNSPACED = frozenset(["ja", "th", "zh"])
_ENDINGS = 5
"""Length from which an entry also stands for longer words: the languages inflect."""
_SHORTEST = {"ko": 2, "ar": 3, "he": 3, "hi": 3, "tr": 4}
"""Same in languages of short words with endings."""
_COMPOUNDING = frozenset(["de", "nl", "sv"])
_SHORTEST_PART = 4
_INFLECTING = frozenset(["el", "pl", "ru", "uk"])
_PREFIXES = {
    "ar": re.compile("(?:[وف]?(?:ال|بال|لل|ك|ب|ل)|[وف])(?=..)"),
    "he": re.compile("[ושמ]?[הבלמכ](?=..)|[ושמ](?=...)"),
}
"""Letters that these languages write before a word, for "and", "the", "in"."""


@dataclass(frozen=True)
class Term:
    """A word or phrase of a question.

    Attributes:
        text: as it stands there, in lower case and without accents.
        senses: English words and phrases, the most usual first; none for an unknown word.
        is_content: whether it says what the question is about; other terms only ask ("how long") or
            join words.
    """

    text: str
    senses: tuple[str, ...] = ()
    is_content: bool = True

    @property
    def is_function(self) -> bool:
        """Whether it only joins words."""
        return not (self.senses or self.is_content)


@dataclass(frozen=True)
class _Entry:
    text: str
    is_open: bool
    senses: tuple[str, ...]
    is_content: bool


def terms(question: str, language: str) -> list[Term]:
    """Returns the terms of a question in their order; none for a language without a glossary."""
    if language not in _LANGUAGES:
        return []
    entries = _entries(language)
    text = _folded(_CASE.sub("", question[:_LONGEST]), language)
    return list(_unspaced(text, entries) if language in _UNSPACED else _spaced(text, language))


def in_english(found: list[Term]) -> str:
    """Returns the terms' usual senses in their order, with the unknown words between them."""
    said = (one.senses[0] if one.senses else one.text for one in found if not one.is_function)
    return " ".join(dict.fromkeys(said))


def _spaced(text: str, language: str) -> Iterator[Term]:
    entries, shortest = _entries(language), _SHORTEST.get(language, _ENDINGS)
    prefix = _PREFIXES.get(language)
    at = 0
    while word := _WORD.search(text, at):
        starts = [word.start()]
        if prefix and (before := prefix.match(text, word.start(), word.end())):
            starts.append(before.end())
        hit = next(filter(None, (_longest(text, one, entries, shortest) for one in starts)), None)
        if hit is None:
            at = word.end()
            yield Term(word[0])
            continue
        entry, rest, at = hit
        yield Term(text[word.start() : at], entry.senses, entry.is_content)
        if language in _COMPOUNDING and entry.is_content:
            yield from _rest(text, rest, at, entries)


def _rest(text: str, start: int, end: int, entries: dict[str, list[_Entry]]) -> Iterator[Term]:
    """Yields the terms of a compound's later parts; its unknown parts, unless they are endings."""
    for at in range(start, end - _SHORTEST_PART + 1):
        hit = _longest(text, at, entries, _SHORTEST_PART)
        if hit and hit[0].is_content and len(hit[0].text) >= _SHORTEST_PART:
            if at - start >= _ENDINGS:
                yield Term(text[start:at])
            yield Term(text[at:end], hit[0].senses)
            return
    if end - start >= _ENDINGS:
        yield Term(text[start:end])


def _longest(
    text: str, start: int, entries: dict[str, list[_Entry]], shortest: int
) -> tuple[_Entry, int, int] | None:
    """Returns the longest entry that begins there, where it ends, and where its last word ends."""
    for entry in entries.get(text[start], ()):
        if not text.startswith(entry.text, start):
            continue
        end = start + len(entry.text)
        rest = _WORD.match(text, end)
        if rest is None:
            return entry, end, end
        if entry.is_open or len(entry.text) >= shortest:
            return entry, end, rest.end()
    return None


def _unspaced(text: str, entries: dict[str, list[_Entry]]) -> Iterator[Term]:
    at = unknown = 0
    while at < len(text):
        hit = next(
            (one for one in entries.get(text[at], ()) if text.startswith(one.text, at)), None
        )
        if hit is None:
            at += 1
            continue
        yield from _unknown(text[unknown:at])
        at = unknown = at + len(hit.text)
        yield Term(hit.text, hit.senses, hit.is_content)
    yield from _unknown(text[unknown:])


def _unknown(text: str) -> Iterator[Term]:
    """Yields words, except for single letters: the rest of a form."""
    yield from (Term(one) for one in _WORD.findall(text) if len(one) > 1)


@lru_cache(maxsize=32)
def _entries(language: str) -> dict[str, list[_Entry]]:
    """Returns the entries by their first letter, longer ones first."""
    found: dict[str, list[_Entry]] = {}
    mark = f" {language} "
    for line in GLOSSARY.read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            continue
        head, *columns = line.split("|")
        own = next((one for one in columns if one.startswith(mark)), "")
        is_content = head[0] not in (_FUNCTION, _ASKING)
        senses = tuple(filter(None, (one.strip(" -?") for one in head.split(","))))
        for each in filter(None, map(str.strip, own[len(mark) :].split(","))):
            text = _folded(each.rstrip("*"), language)
            found.setdefault(text[0], []).append(
                _Entry(text, each.endswith("*"), senses, is_content)
            )
    for name, sense in _names(language):
        text = _folded(name, language)
        found.setdefault(text[0], []).append(_Entry(text, len(text) > _ENDINGS, (sense,), True))
    return {letter: sorted(each, key=lambda one: -len(one.text)) for letter, each in found.items()}


def _names(language: str) -> Iterator[tuple[str, str]]:
    """Yields the names of countries and days with the English ones; without a last letter where it
    is an ending.
    """
    from babel import Locale  # about 15 ms with its data

    own, english = Locale(language), Locale("en")
    days = own.days["stand-alone"]
    each = [
        (days[width][day], english.days["stand-alone"]["wide"][day])
        for width in (("wide", "abbreviated") if language in _UNSPACED else ("wide",))
        for day in range(7)
    ]
    each += [
        (own.territories[code], name)
        for code, name in english.territories.items()
        if code in own.territories and code.isalpha()
    ]
    for name, sense in each:
        yield (name[:-1] if language in _INFLECTING and len(name) > _ENDINGS else name), sense


def _folded(text: str, language: str) -> str:
    folded = unicodedata.normalize("NFKC", text).casefold()
    if language in _ACCENTED:
        return folded
    return unicodedata.normalize("NFC", _MARKS.sub("", unicodedata.normalize("NFD", folded)))
