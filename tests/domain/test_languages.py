"""Languages by code or name."""

import pytest

from handoff_bot.domain.languages import CODES, NAMES, code_in, name_of

SAID = {
    "a code": ("en", "en"),
    "in capitals": (" EN ", "en"),
    "a name": ("german", "de"),
    "a country": ("us", ""),
    "nothing": ("", ""),
    "a locale": ("en-US", ""),
}


@pytest.mark.parametrize(("words", "code"), SAID.values(), ids=SAID)
def test_a_language_is_known_by_its_code_or_its_name(words, code):
    assert code_in(words) == code


def test_every_name_belongs_to_a_code():
    assert NAMES.keys() <= CODES
    assert (name_of("de"), name_of("zu")) == ("German", "zu")
