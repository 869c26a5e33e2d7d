"""Languages by code or name."""

import pytest

from handoff_bot.domain.languages import NAMES, code_in, is_code, name_of

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
    assert code_in(words) == code


def test_every_name_belongs_to_a_code():
    assert all(is_code(code) and name == name_of(code) for code, name in NAMES.items())
    assert (name_of("de"), name_of("zu"), name_of("xx")) == ("German", "Zulu", "xx")
    assert NAMES["bn"] == "Bengali"
