"""Languages by code or name."""

import pytest

from handoff_bot.domain.text import LANGUAGES, is_language, language_in, language_name

SAID = {
    "a code": ("en", "en"),
    "in capitals": (" EN ", "en"),
    "a name": ("german", "de"),
    "a country": ("us", ""),
    "nothing": ("", ""),
    "a locale": ("en-US", ""),
    "a name that no menu offers": ("Icelandic", "is"),
    "a name that is better known than CLDR's": ("Bengali", "bn"),
    "CLDR's name for it": ("bangla", "bn"),
    "three letters": ("gsw", ""),
}


@pytest.mark.parametrize(("words", "code"), SAID.values(), ids=SAID)
def test_a_language_is_known_by_its_code_or_its_name(words, code):
    assert language_in(words) == code


def test_every_name_belongs_to_a_code():
    assert all(
        is_language(code) and name == language_name(code) for code, name in LANGUAGES.items()
    )
    assert (language_name("de"), language_name("zu"), language_name("xx")) == (
        "German",
        "Zulu",
        "xx",
    )
    assert LANGUAGES["bn"] == "Bengali"
