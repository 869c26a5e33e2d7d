"""The catalogues of texts: complete, with the placeholders that English has, in forms that exist."""

import string
import subprocess
import sys
from pathlib import Path

import pytest
from babel import Locale

from handoff_bot.domain import texts
from handoff_bot.domain.texts import Moment, default, fill, say, usual, written

FILES = sorted(path.stem for path in Path(texts.__file__).with_name("locale").glob("*.toml"))
ENGLISH = texts.catalogue("en")
CATEGORIES = {"zero", "one", "two", "few", "many", "other"}


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("language", FILES)
def test_every_catalogue_has_all_texts_of_its_parts_with_the_placeholders_of_english(language):
    catalogue = texts.catalogue(language)
    assert catalogue.keys() <= ENGLISH.keys()
    for part, held in catalogue.items():
        missing = ENGLISH[part].keys() - held.keys()
        assert not missing or part == "assistant", f"{part} lacks {missing}"
        for name, forms in held.items():
            wanted = placeholders(ENGLISH[part][name]["other"])
            assert placeholders(forms["other"]) == wanted, name
            assert all(placeholders(form) <= wanted for form in forms.values()), name
            assert all(form.strip() for form in forms.values()), name


@pytest.mark.parametrize("language", FILES)
def test_every_catalogue_speaks_a_language_of_cldr_and_uses_no_form_that_it_lacks(language):
    rules = Locale(language)
    known = {rules.plural_form(number) for number in range(1000)} | {"other"}
    catalogue = texts.catalogue(language)
    for held in catalogue.values():
        for name, forms in held.items():
            assert forms.keys() <= known, name
    if "widget" in catalogue:
        assert catalogue["widget"]["direction"] == {"other": rules.text_direction}


def test_the_bot_starts_without_reading_catalogues_or_cldr():
    code = (
        "import sys, app, handoff_bot.cli, handoff_bot.domain.texts as texts;"
        "sys.exit('babel' in sys.modules or texts.catalogue.cache_info().misses)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_every_moment_has_a_default_text_and_every_default_text_a_moment():
    assert set(ENGLISH["customer"]) == {moment.value for moment in Moment}


def test_a_language_we_lack_is_said_in_english():
    assert say(Moment.TAKEN, "xx", agent="Ana") == "Now speaking with Ana."


@pytest.mark.parametrize("language", ["../locale/de", "", "DE", "de.toml", "\0", "*"])
def test_what_is_no_language_names_no_file(language):
    assert texts.catalogue(language) == {}
    assert usual(Moment.TAKEN, language) == usual(Moment.TAKEN, "en")


def test_a_name_cannot_smuggle_a_placeholder():
    assert say(Moment.TAKEN, "en", agent="{wait_minutes}") == "Now speaking with {wait_minutes}."


def test_an_admins_text_has_one_form_and_the_unchanged_default_keeps_its_own():
    theirs = written(Moment.STARTED, "de", "Noch {wait_minutes} Minuten, Ticket {ticket}.")
    assert fill(theirs, wait_minutes=1, ticket=7) == "Noch 2 Minuten, Ticket 7."
    for language in ("de", "it"):
        same = written(Moment.STARTED, language, usual(Moment.STARTED, language))
        assert same == default(Moment.STARTED, language)
        assert {"one", "other"} == set(same.forms)
