"""Tickets as CSV and JSON: the same columns, nothing a spreadsheet would run."""

import csv
import io
import json
from datetime import UTC, datetime

import pytest

from handoff_bot.domain.tickets import (
    BYTE_ORDER_MARK,
    COLUMNS,
    TicketExport,
    as_written,
    csv_lines,
    harmless,
    json_lines,
)

AT = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)


def ticket(**changes):
    made = {
        "number": 7,
        "subject": 'Where is "my" parcel,\nplease?',
        "contact": "Dana",
        "address": "+15550001",
        "channel": "sms",
        "reason": "request",
        "priority": "high",
        "status": "open",
        "assignee": "",
        "tags": ("late", "parcel"),
        "outcome": "",
        "reopened": 0,
        "created_at": AT,
        "updated_at": AT,
        "solved_at": None,
        "reply_due_at": AT,
        "replied_at": None,
        "solve_due_at": None,
    }
    return TicketExport(**(made | changes))


def read_csv(*tickets):
    return list(
        csv.DictReader(io.StringIO("".join(csv_lines(tickets)).removeprefix(BYTE_ORDER_MARK)))
    )


def test_csv_begins_with_the_mark_by_which_excel_knows_utf_8():
    data = "".join(csv_lines([ticket(contact="Jürgen Müller")])).encode()
    assert data.startswith(b"\xef\xbb\xbf")
    assert data.count(b"\xef\xbb\xbf") == 1
    assert "Jürgen Müller" in data.decode("utf-8-sig")


def test_csv_has_a_heading_and_a_row_for_each():
    (row,) = read_csv(ticket())
    assert tuple(row) == COLUMNS
    assert row["subject"] == 'Where is "my" parcel,\nplease?'
    assert row["tags"] == "late parcel"
    assert (row["created_at"], row["solved_at"]) == ("2026-11-23T09:30:00+00:00", "")
    assert read_csv() == []


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =1", "\u00a0=1"],
    ids=["equals", "plus", "minus", "at", "tab", "return", "line", "space", "no-break space"],
)
def test_no_cell_is_a_formula(text):
    assert harmless(text) == f"'{text}"
    (row,) = read_csv(ticket(subject=text, contact=text, tags=(text,)))
    for column in ("subject", "contact", "tags"):
        assert row[column].startswith("'")


@pytest.mark.parametrize(
    "sign", ["=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20"]
)
@pytest.mark.parametrize(
    "before", ["", " ", "\u3000", "\ufeff", "\u200b", '"', "'", "\x00", " \u2060'"]
)
def test_no_sign_of_any_width_begins_a_formula_whatever_hides_it(before, sign):
    text = f"{before}{sign}cmd|' /C calc'!A0"
    assert harmless(text) == f"'{text}"
    assert as_written(harmless(text)) == text
    (row,) = read_csv(ticket(subject=text))
    assert row["subject"] == f"'{text}"


@pytest.mark.parametrize("text", ["Dana", "2 - 1", "'quoted' words", "", "'", "ü=1", "字"])
def test_other_words_stay_as_they_are(text):
    assert harmless(text) == text
    assert as_written(text) == text


def test_a_phone_number_is_kept_from_being_a_sum():
    (row,) = read_csv(ticket())
    assert row["address"] == "'+15550001"


@pytest.mark.parametrize("count", [0, 1, 3])
def test_json_is_one_array(count):
    found = json.loads("".join(json_lines(ticket(number=n) for n in range(count))))
    assert [one["number"] for one in found] == list(range(count))
    assert all(tuple(one) == COLUMNS for one in found)
    assert all(one["tags"] == ["late", "parcel"] for one in found)


def test_every_cell_is_quoted_so_that_no_separator_splits_it():
    (heading, line) = csv_lines([ticket(subject="a;b")])
    assert heading.removeprefix(BYTE_ORDER_MARK).startswith('"')
    assert '"a;b"' in line
