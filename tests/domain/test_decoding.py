"""Text files as people save them are read rightly or refused in words."""

import codecs

import pytest

from handoff_bot.domain.text import decoded

WESTERN = "Die Rückgabe dauert fünf Tage… für 4,90 €.\nÇa coûte “peu”, señor."
READABLE = {
    "UTF-8": (WESTERN.encode(), ""),
    "UTF-8 with a mark": (codecs.BOM_UTF8 + WESTERN.encode(), ""),
    "UTF-16 little end first": (codecs.BOM_UTF16_LE + WESTERN.encode("utf-16-le"), ""),
    "UTF-16 big end first": (codecs.BOM_UTF16_BE + WESTERN.encode("utf-16-be"), ""),
    "UTF-32": (codecs.BOM_UTF32_LE + WESTERN.encode("utf-32-le"), ""),
    "Windows-1252": (WESTERN.encode("cp1252"), "Windows-1252"),
}
OTHER_SCRIPTS = {
    "Russian": "Доставка занимает три дня.".encode("cp1251"),
    "Polish": "Proszę zwrócić paczkę, łatwo i szybko, gęślą jaźń.".encode("cp1250"),
    "Greek": "Λοιπόν, παράδοση διαρκεί τρεις ημέρες.".encode("cp1253"),
    "Japanese": "返品は三十日以内です。".encode("shift_jis"),
    "a picture": b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00",
    "half of a UTF-16 character": codecs.BOM_UTF16_LE + b"a\x00b",
}


@pytest.mark.parametrize(("data", "guessed"), READABLE.values(), ids=READABLE)
def test_files_of_common_editors_and_spreadsheets_are_read(data, guessed):
    found = decoded(data)

    assert (found.text, found.guessed) == (WESTERN, guessed)


def test_utf_16_without_a_mark_is_read_and_named_as_a_guess():
    assert decoded("name,text\r\na,b".encode("utf-16-le")).text == "name,text\na,b"
    assert decoded("name,text".encode("utf-16-be")).guessed == "UTF-16"


@pytest.mark.parametrize("data", OTHER_SCRIPTS.values(), ids=OTHER_SCRIPTS)
def test_files_that_would_come_out_garbled_are_refused_in_words(data):
    with pytest.raises(ValueError, match=r"UTF-8|not a text file"):
        decoded(data)
