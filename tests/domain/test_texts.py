"""The fixed texts: every language has every moment, with the placeholders that English has."""

import string

import pytest

from handoff_bot.domain.texts import TEXTS, Moment, say


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("language", TEXTS)
@pytest.mark.parametrize("moment", Moment)
def test_every_language_is_complete(language, moment):
    assert placeholders(TEXTS[language][moment]) == placeholders(TEXTS["en"][moment])


def test_a_language_we_lack_is_said_in_english():
    assert say(Moment.TAKEN, "xx", agent="Ana") == "Now speaking with Ana."


def test_a_name_cannot_smuggle_a_placeholder():
    assert say(Moment.TAKEN, "en", agent="{wait_minutes}") == "Now speaking with {wait_minutes}."
