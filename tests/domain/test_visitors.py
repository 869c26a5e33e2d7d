"""A reader's place in a conversation."""

import pytest

from handoff_bot.domain.customers import Cursor
from handoff_bot.domain.errors import Malformed


@pytest.mark.parametrize("cursor", [Cursor(), Cursor(1, 0), Cursor(12, 345)], ids=str)
def test_a_place_is_read_as_it_was_written(cursor):
    assert Cursor.parse(str(cursor)) == cursor


def test_nothing_is_the_beginning():
    assert Cursor.parse("").is_start
    assert not Cursor(1, 0).is_start


@pytest.mark.parametrize("text", ["x", "1", "1.2.3", "-1.0", "1." + "9" * 19, "²."])
def test_what_we_did_not_write_is_no_place(text):
    with pytest.raises(Malformed):
        Cursor.parse(text)
