"""What `handoff texts check` finds in a catalogue, and that the shipped ones have no problem."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from handoff_bot.cli import main
from handoff_bot.domain import texts, texts_check
from handoff_bot.domain.texts_check import check_language, check_languages, segments

FULL = (
    *("ar", "de", "en", "es", "fr", "it", "ja", "ko"),
    *("nl", "pl", "pt", "ru", "sv", "tr", "uk", "zh"),
)


@pytest.mark.parametrize("report", check_languages(), ids=lambda one: one.language)
def test_no_shipped_text_has_a_problem(report):
    assert report.problems == ()
    assert report.longest[1] <= texts_check.MOST_SEGMENTS


def test_sixteen_languages_have_all_texts_of_a_conversation():
    assert sorted(texts.languages()) == sorted(FULL)


DAMAGES = {
    "a missing text": ("customer", "taken", None, "missing"),
    "an unknown text": ("customer", "takenn", {"other": "x"}, "unknown name"),
    "a missing placeholder": (
        *("customer", "taken", {"other": "Jemand ist da."}),
        "Add the placeholder {agent}.",
    ),
    "a wrong placeholder": (
        *("assistant", "recalled", {"other": "{wrods}"}),
        "placeholders: {wrods} instead of {words}",
    ),
    "a missing plural form": (
        *("customer", "started", {"other": "Noch {wait_minutes} Minuten."}),
        "plural forms missing: one",
    ),
    "a plural form of another language": (
        "customer",
        "started",
        {
            "one": "{wait_minutes} Minute.",
            "few": "{wait_minutes} Minuten.",
            "other": "{wait_minutes} Minuten.",
        },
        "plural forms that the language does not have: few",
    ),
    "another form of address": (
        *("customer", "taken", {"other": "Jetzt spricht {agent} mit dir."}),
        "another form of address: dir",
    ),
    "too long for SMS": (
        *("customer", "resolved", {"other": "ß" * 700}),
        "5 SMS segments, at most 4",
    ),
}


@pytest.mark.parametrize(("part", "name", "forms", "problem"), DAMAGES.values(), ids=DAMAGES)
def test_each_kind_of_problem_is_found_and_exits_with_1(monkeypatch, part, name, forms, problem):
    real = texts.catalogue

    def damaged(language):
        found = {each: dict(entries) for each, entries in real(language).items()}
        if language == "de":
            found[part] = {
                key: text for key, text in found[part].items() if forms or key != name
            } | ({name: forms} if forms else {})
        return found

    monkeypatch.setattr(texts, "catalogue", damaged)
    assert f"{part}.{name}: {problem}" in [
        f"{one.place}: {one.problem}" for one in check_language("de").problems
    ]
    result = CliRunner().invoke(main, ["texts", "check", "de"])
    assert result.exit_code == 1
    assert f"  {part}.{name}: {problem}\n" in result.output


def test_the_command_lists_what_a_language_lacks_and_counts_it_on_demand():
    run = CliRunner().invoke
    said = run(main, ["texts", "check", "th"])
    assert (said.exit_code, "lacks customer, widget (shown in English)" in said.output) == (0, True)
    assert run(main, ["texts", "check", "--strict", "th"]).exit_code == 1
    assert run(main, ["texts", "check", "--strict", "de"]).exit_code == 0
    assert "no texts in xx" in run(main, ["texts", "check", "xx"]).output


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("я" * 70, 1),
        ("я" * 71, 2),
        ("👍" * 35, 1),
        ("👍" * 36, 2),
        ("a" * 307, 3),
    ],
)
def test_segments_are_counted_in_the_alphabet_that_the_text_needs(text, count):
    assert segments(text) == count
