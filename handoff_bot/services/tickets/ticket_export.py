"""Ticket exports requested in Slack."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from pydantic import TypeAdapter

from handoff_bot.domain.desk import Post, PostKind
from handoff_bot.domain.files import File
from handoff_bot.domain.text import many
from handoff_bot.domain.ticket_export import TicketExport, csv_lines, json_lines
from handoff_bot.domain.tickets import TicketQuery
from handoff_bot.services.reporting.reports import Order, Report
from handoff_bot.services.tickets.tickets import all_fitting
from handoff_bot.storage.database import Database

TICKETS = "tickets"
_QUERY = TypeAdapter(TicketQuery)


class Format(StrEnum):
    """File format."""

    CSV = "csv"
    JSON = "json"


@dataclass(frozen=True)
class _Kind:
    lines: Callable[[Iterable[TicketExport]], Iterator[str]]
    content_type: str


_KINDS = {
    Format.CSV: _Kind(csv_lines, "text/csv"),
    Format.JSON: _Kind(json_lines, "application/json"),
}


def lines(form: Format, tickets: Iterable[TicketExport]) -> Iterator[str]:
    return _KINDS[form].lines(tickets)


def order(form: Format, query: TicketQuery) -> Order:
    """Returns the order for an export of all matching tickets, regardless of the page."""
    whole = _QUERY.dump_python(replace(query, before=None), mode="json")
    return {"format": form.value, "query": whole}


class TicketsReport:
    def __init__(self, database: Database) -> None:
        self._database = database

    def __call__(self, order: Order) -> Report:
        """Returns the file and the number of tickets."""
        form = Format(order["format"])
        count = 0

        def counted() -> Iterator[TicketExport]:
            nonlocal count
            for ticket in all_fitting(self._database, _QUERY.validate_python(order["query"])):
                count += 1
                yield ticket

        data = "".join(lines(form, counted())).encode()
        file = File(f"tickets.{form}", _KINDS[form].content_type, data)
        words = f"Your export of {many(count, 'ticket')}."
        return Report((Post(PostKind.TOLD, words),), file)
