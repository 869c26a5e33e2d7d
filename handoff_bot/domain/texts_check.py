"""Checks the catalogues of customer texts, for `handoff texts check`."""

# ruff: noqa: RUF001

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from handoff_bot.domain import texts
from handoff_bot.domain.texts import COUNTED, FALLBACK, Forms, LocalizedText, Moment, Part, names_in

PARTS: tuple[Part, ...] = ("customer", "assistant", "widget")
MOST_SEGMENTS = 4
"""An SMS of more segments costs more than it tells."""
EXAMPLE: dict[str, str | int] = {
    "agent": "Alexandra",
    "wait_minutes": 25,
    "position": 12,
    "ticket": 10423,
    "words": "…",
    "spoken": "…",
}
_NUMBERS = range(201)

_GSM = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    "ÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM_TWICE = frozenset("^{}\\[~]|€\f")
"""GSM 03.38: characters of the extension table take two places."""

_OTHER_ADDRESS = {
    "de": r"du|dich|dir|dein\w*",
    "es": r"usted|ustedes|le|su|sus|quiera|escriba|responda|puede pedir",
    "fr": r"tu|te|toi|ton|ta|tes",
    "it": r"tu|ti|te|tuo|tua|tuoi|tue|puoi|scrivi|chiedi|rispondi|aiutarti",
    "nl": r"je|jij|jou|jouw",
    "pl": r"ty|cię|ci|tobie|twój|twoje|twoja|jesteś|możesz|napisz|czekaj",
    "pt": r"tu|te|teu|tua|contigo|escreve|responde|podes",
    "ru": r"ты|тебя|тебе|твой|твоя|твоё|напиши|ответь",
    "sv": r"ni|er|ert|era",
    "tr": r"sen|seni|sana|senin|yaz|gönderin misin",
    "uk": r"ти|тебе|тобі|твій|твоя|твоє|напиши",
    "id": r"kamu|kau|mu",
    "el": r"εσύ|εσένα|σου|θέλεις|μπορείς|γράψε",
    "hi": r"तुम|तू|तुम्हें|तुम्हारा|तेरा",
    "ja": r"君|お前|してね|だよ",
    "ko": r"너|네가|해줘|했어",
    "zh": r"你|你们",
}
"""Words of the form of address that a language's texts do not use. Spanish and Swedish use the informal
one, Portuguese "você", all others the formal one.
"""
_LEFT_OUT = frozenset({("el", "unsure")})
"""Shown in English on purpose; the catalogue says why."""
_UNSPACED = frozenset({"ja", "ko", "zh"})


@dataclass(frozen=True)
class TextProblem:
    """What is wrong with one text of a language."""

    language: str
    place: str
    problem: str


@dataclass(frozen=True)
class LanguageReport:
    """One language's catalogue.

    Attributes:
        lacks: the parts that it does not have; English is shown instead.
        longest: the text with the most SMS segments, and their number.
    """

    language: str
    problems: tuple[TextProblem, ...]
    lacks: tuple[str, ...]
    longest: tuple[str, int]


def check_languages(chosen: Sequence[str] = ()) -> list[LanguageReport]:
    """Returns a report for each of these languages, by default for all."""
    known = sorted({each for part in PARTS for each in texts.languages(part)})
    return [check_language(each) for each in known if not chosen or each in chosen]


def check_language(language: str) -> LanguageReport:
    catalogue = texts.catalogue(language)
    found: list[TextProblem] = []
    lengths = [(0, "")]
    for part in PARTS:
        if part not in catalogue:
            continue
        for name, problem in _problems(language, part, catalogue[part]):
            found.append(TextProblem(language, f"{part}.{name}", problem))
        if part != "widget":
            lengths += [
                (_segments_of(LocalizedText(language, forms)), f"{part}.{name}")
                for name, forms in catalogue[part].items()
            ]
    count, longest = max(lengths)
    lacks = tuple(part for part in PARTS if part not in catalogue)
    return LanguageReport(language, tuple(found), lacks, (longest, count))


def segments(text: str) -> int:
    """Returns the number of SMS segments: in GSM-7 if every character has a place there, else in UCS-2."""
    if all(one in _GSM or one in _GSM_TWICE for one in text):
        size = len(text) + sum(one in _GSM_TWICE for one in text)
        return 1 if size <= 160 else -(-size // 153)
    size = len(text.encode("utf-16-be")) // 2
    return 1 if size <= 70 else -(-size // 67)


def _segments_of(text: LocalizedText) -> int:
    unknown = dict.fromkeys(names_in(text.template), "…")
    return segments(text.fill(**(unknown | EXAMPLE)))


def _problems(language: str, part: Part, entries: Mapping[str, Forms]) -> Iterator[tuple[str, str]]:
    """Yields names with what is wrong with them."""
    english = texts.catalogue(FALLBACK)[part]
    for name in english:
        if name not in entries and (language, name) not in _LEFT_OUT:
            yield name, "missing"
    for name, forms in entries.items():
        if name not in english:
            yield name, "unknown name"
            continue
        text = LocalizedText(language, forms)
        yield from ((name, each) for each in _of_text(part, name, text, english[name]))


def _of_text(part: Part, name: str, text: LocalizedText, english: Forms) -> Iterator[str]:
    if "other" not in text.forms:
        yield "the plural form other is missing"
        return
    yield from _placeholders(part, name, text, english)
    yield from _plural_forms(part, text)
    pattern = _OTHER_ADDRESS.get(text.language)
    for form in dict.fromkeys(text.forms.values()):
        if pattern and (found := _address(text.language, pattern).search(form)):
            yield f"another form of address: {found[0]}"
    if part != "widget" and (count := _segments_of(text)) > MOST_SEGMENTS:
        yield f"{count} SMS segments, at most {MOST_SEGMENTS}"


def _placeholders(part: Part, name: str, text: LocalizedText, english: Forms) -> Iterator[str]:
    if part == "customer" and (wrong := texts.problem(Moment(name), text.template)):
        yield wrong
    wanted = names_in(english["other"])
    if names_in(text.template) != wanted:
        yield f"placeholders: {_listed(names_in(text.template))} instead of {_listed(wanted)}"
    for category, form in text.forms.items():
        if extra := names_in(form) - wanted:
            yield f"the form {category} has {_listed(extra)}"


def _plural_forms(part: Part, text: LocalizedText) -> Iterator[str]:
    """A number stands with the form of its category; a widget's text may avoid the noun."""
    if not names_in(text.template) & set(COUNTED):
        return
    needed = texts.plural_categories(text.language, _NUMBERS)
    if part == "widget" and len(text.forms) == 1:
        return
    if missing := needed - set(text.forms):
        yield f"plural forms missing: {', '.join(sorted(missing))}"
    if unused := set(text.forms) - needed - {"other"}:
        yield f"plural forms that the language does not have: {', '.join(sorted(unused))}"


def _address(language: str, pattern: str) -> re.Pattern[str]:
    bounded = pattern if language in _UNSPACED else rf"(?<!\w)(?:{pattern})(?!\w)"
    return re.compile(bounded, re.IGNORECASE)


def _listed(names: frozenset[str] | set[str]) -> str:
    return ", ".join(f"{{{name}}}" for name in sorted(names)) or "none"
