"""Every number stands with the word that its language wants: "1 minute", "دقيقتين", "3 Minuten"."""

import ast
import re
from collections.abc import Iterator

import pytest
from babel import Locale

from handoff_bot.domain import texts
from handoff_bot.domain.text import duration, many
from handoff_bot.domain.texts import COUNTED, LocalizedText, Part
from tests.texts.test_sentences import filled, product_trees

NUMBERS = (0, 1, 2, 5, 11, 21, 101)
VALUES: dict[str, str | int] = {"position": 3}
UNINFLECTED = {
    "waitingAt": frozenset(texts.languages("widget")),  # a place: "number 1"
    "tooFast": frozenset(texts.languages("widget")),  # "s"
    "unread": frozenset({"en", "es", "de", "nl", "pl", "tr"}),  # no noun, and no ending
}
"""Texts whose words are the same for every number, in these languages."""


def counted() -> Iterator[tuple[Part, str, LocalizedText]]:
    parts: tuple[Part, ...] = ("customer", "assistant", "widget")
    for part in parts:
        for language in texts.languages(part):
            for name in texts.catalogue(language)[part]:
                text = texts.find(part, name, language)
                if any(f"{{{each}}}" in text.template for each in COUNTED):
                    yield part, name, text


def test_every_text_with_a_number_has_the_forms_of_its_language_and_uses_them():
    found = list(counted())
    assert {name for _, name, _ in found} == {
        *("started", "position", "released"),
        *("waitingAt", "minutes", "tooFast", "unread"),
    }
    for part, name, text in found:
        rule = Locale(text.language).plural_form
        if text.language in UNINFLECTED.get(name, ()):
            assert list(text.forms) == ["other"], (part, name, text.language)
            continue
        for number in NUMBERS:
            values = VALUES | dict.fromkeys(COUNTED, number)
            form = text.forms[rule(number)]
            assert text.fill(**values) == form.format_map(values), (part, name, number)


WAITS = {
    "en": "0 minutes|1 minute|2 minutes|5 minutes|11 minutes|21 minutes|101 minutes",
    "es": "0 minutos|1 minuto|2 minutos|5 minutos|11 minutos|21 minutos|101 minutos",
    "de": "0 Minuten|1 Minute|2 Minuten|5 Minuten|11 Minuten|21 Minuten|101 Minuten",
    "fr": "0 minute|1 minute|2 minutes|5 minutes|11 minutes|21 minutes|101 minutes",
    "pt": "0 minuto|1 minuto|2 minutos|5 minutos|11 minutos|21 minutos|101 minutos",
}


@pytest.mark.parametrize(("language", "waits"), WAITS.items(), ids=WAITS)
@pytest.mark.parametrize("name", ["started", "position", "released"])
def test_a_wait_is_told_with_the_right_word(name, language, waits):
    text = texts.find("customer", name, language)
    for number, wait in zip(NUMBERS, waits.split("|"), strict=True):
        told = text.fill(wait_minutes=number, position=3)
        assert re.search(rf" {wait}\.$", told), told


WIDGET = {
    ("minutes", "ar"): "0 دقيقة|دقيقة واحدة|دقيقتان|5 دقائق|11 دقيقة|21 دقيقة|101 دقيقة",
    ("unread", "ar"): "0 غير مقروءة|1 غير مقروءة|رسالتان غير مقروءتين|5 غير مقروءة|11 غير مقروءة|"
    "21 غير مقروءة|101 غير مقروءة",
    ("unread", "fr"): "0 non lu|1 non lu|2 non lus|5 non lus|11 non lus|21 non lus|101 non lus",
    ("unread", "it"): "0 non letti|1 non letto|2 non letti|5 non letti|11 non letti|21 non letti|"
    "101 non letti",
    ("unread", "pt"): "0 não lida|1 não lida|2 não lidas|5 não lidas|11 não lidas|21 não lidas|"
    "101 não lidas",
    ("minutes", "ru"): "0 минут|1 минуты|2 минут|5 минут|11 минут|21 минуты|101 минуты",
    ("unread", "uk"): "0 непрочитаних|1 непрочитане|2 непрочитані|5 непрочитаних|11 непрочитаних|"
    "21 непрочитане|101 непрочитане",
    ("minutes", "sv"): "0 minuter|1 minut|2 minuter|5 minuter|11 minuter|21 minuter|101 minuter",
    ("minutes", "ja"): "0分|1分|2分|5分|11分|21分|101分",
}


@pytest.mark.parametrize(("key", "told"), WIDGET.items(), ids="-".join)
def test_the_widget_counts_with_the_right_word(key, told):
    text = texts.find("widget", *key)
    for number, words in zip(NUMBERS, told.split("|"), strict=True):
        assert words in text.fill(minutes=number, n=number)


UNITS = ("second", "minute", "hour", "day")


@pytest.mark.parametrize("unit", UNITS)
def test_agents_read_durations_with_the_right_word(unit):
    assert [duration(number, unit) for number in (*NUMBERS, 1204)] == [
        f"0 {unit}s",
        f"1 {unit}",
        *(f"{number} {unit}s" for number in (2, 5, 11, 21, 101)),
        f"1,204 {unit}s",
    ]


def test_agents_read_counts_with_the_right_word():
    assert [many(number, "customer asks", "customers ask") for number in NUMBERS] == [
        "0 customers ask",
        "1 customer asks",
        *(f"{number} customers ask" for number in (2, 5, 11, 21, 101)),
    ]
    assert (many(1, "reply", "replies"), many(1204, "ticket")) == ("1 reply", "1,204 tickets")


NUMBERED = re.compile(
    r"(?<!most )(?<!Limit of )(?<!limit is )\{\} (?:more )?"
    r"(?:second|minute|hour|day|customer|agent|message|escalation|conversation|ticket|file|problem"
    r"|answer|reply|replie|rule|row|job|error)s?\b"
)
"""A variable number before a noun. After these words stands a constant above one."""


def test_no_text_in_the_code_writes_a_noun_behind_a_number_by_itself():
    found = {
        text
        for tree in product_trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr) and NUMBERED.search(text := filled(node))
    }
    assert found == set()
