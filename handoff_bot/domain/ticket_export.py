"""Ticket export: CSV for spreadsheets, JSON for programs."""

from __future__ import annotations

import csv
import io
import json
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, fields
from datetime import datetime

BYTE_ORDER_MARK = "\ufeff"
_FORMULA = frozenset("=+-@\t\r\n")
"""Characters that start a formula (https://owasp.org/www-community/attacks/CSV_Injection)."""
_BEFORE = frozenset("\"'`")
"""Quotes that some spreadsheets strip before parsing."""


_DASHES = frozenset("\u2212\u2010\u2011\u2012\u2013\u2014")
"""Minus signs and dashes that spreadsheets convert to a minus when typed."""
_UNSEEN = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Mn", "Me", "Zs", "Zl", "Zp"})
"""Unicode categories of invisible characters that may precede a formula."""


@dataclass(frozen=True)
class TicketExport:
    """The exported columns of one ticket, in order. Times are aware UTC.

    `subject`, `contact`, `address` and `tags` are hostile.
    """

    number: int
    subject: str
    contact: str
    address: str
    channel: str
    reason: str
    priority: str
    status: str
    assignee: str
    tags: tuple[str, ...]
    outcome: str
    reopened: int
    created_at: datetime
    updated_at: datetime
    solved_at: datetime | None
    reply_due_at: datetime | None
    replied_at: datetime | None
    solve_due_at: datetime | None


COLUMNS = tuple(field.name for field in fields(TicketExport))


def csv_lines(tickets: Iterable[TicketExport]) -> Iterator[str]:
    """Yields the CSV lines, header first, with a byte order mark: without it, Excel assumes
    Windows-1252.
    """
    yield BYTE_ORDER_MARK + _csv_line(COLUMNS)
    for ticket in tickets:
        yield _csv_line(_cell(getattr(ticket, column)) for column in COLUMNS)


def _csv_line(cells: Iterable[str]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\r\n", quoting=csv.QUOTE_ALL).writerow(cells)
    return line.getvalue()


def _cell(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, tuple):
        return harmless(" ".join(value))
    return harmless(value) if isinstance(value, str) else str("" if value is None else value)


def harmless(text: str) -> str:
    """Returns a cell that no spreadsheet treats as a formula: adds an apostrophe where needed.

    Full-width signs count as their ASCII forms. Preceding invisible characters, blanks and quotes
    are ignored.
    """
    for sign in text:
        plain = unicodedata.normalize("NFKC", sign)
        if plain[:1] in _FORMULA or sign in _DASHES:
            return f"'{text}"
        if sign not in _BEFORE and not _is_unseen(sign):
            return text
    return text


def as_written(cell: str) -> str:
    """Reverses `harmless`."""
    return cell[1:] if cell.startswith("'") and harmless(cell[1:]) == cell else cell


def _is_unseen(sign: str) -> bool:
    return sign.isspace() or unicodedata.category(sign) in _UNSEEN


def json_lines(tickets: Iterable[TicketExport]) -> Iterator[str]:
    """Yields one JSON array, one ticket per line."""
    before = "[\n"
    for ticket in tickets:
        yield before + json.dumps(asdict(ticket), default=datetime.isoformat, ensure_ascii=False)
        before = ",\n"
    yield "[]\n" if before == "[\n" else "\n]\n"
