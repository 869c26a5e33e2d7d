"""Tickets: search, view, timeline and export."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import TypeAdapter

from handoff_bot.domain.desk import AgentRef, Place, Post, PostKind
from handoff_bot.domain.escalations import TicketStatus
from handoff_bot.domain.events import ACTS, OF_ESCALATIONS, EventKind, act
from handoff_bot.domain.files import File
from handoff_bot.domain.messages import Author
from handoff_bot.domain.results import ActionResult
from handoff_bot.domain.signals import Signal
from handoff_bot.domain.text import REASONS, many
from handoff_bot.domain.tickets import (
    EARLIER_ROWS,
    PAGE_ROWS,
    SLA_LABELS,
    TIMELINE_ROWS,
    EarlierTicket,
    Edit,
    Happened,
    SlaTarget,
    TicketExport,
    TicketPage,
    TicketQuery,
    TicketView,
    csv_lines,
    json_lines,
)
from handoff_bot.ports import Clock
from handoff_bot.services.escalations.lifecycle import Escalations
from handoff_bot.services.outbox import view_models
from handoff_bot.services.outbox.ticket_sync import TicketSync
from handoff_bot.services.reporting.metrics import Order, Report
from handoff_bot.services.tickets.ticket_edits import TicketEdits
from handoff_bot.storage import escalations
from handoff_bot.storage import escalations as rows
from handoff_bot.storage import tickets as store
from handoff_bot.storage.database import Database
from handoff_bot.storage.models import DeskThread, Event, Message, Ticket
from handoff_bot.storage.transaction import Transaction

# -- the timeline: events, messages and notes in one order, page by page

HAPPENED: dict[str, str] = {
    EventKind.ESCALATION_OPENED: "{it} was escalated: {reason}",
    EventKind.ESCALATION_WOKEN: "The snooze of {it} ended",
    EventKind.ESCALATION_OFFERED: "{it} was offered to {who}",
    EventKind.ESCALATION_PRIORITY: "The priority of {it} was raised to {priority}",
    EventKind.TICKET_CREATED: "{it} was created",
    EventKind.TICKET_REOPENED: "{it} was reopened: the customer wrote again",
    EventKind.SLA_WARNING: "The {target} of {it} is due soon",
    EventKind.SLA_BREACH: "The {target} of {it} is overdue",
    EventKind.CSAT_ANSWERED: "The customer rated {it}: {score} of 5",
    EventKind.MESSAGE_FAILED: "A message to the customer was not delivered",
}
"""Event kind -> its sentence, for events without an author."""
ACTIONS = (
    *(kind for kind in ACTS if kind.startswith(OF_ESCALATIONS)),
    EventKind.TICKET_EDITED,
)
EVENTS = (*HAPPENED, *ACTIONS)
"""Events shown in the timeline."""
AUTOMATIC = "Handoff"
"""Author of automatic actions."""

_SPEAKERS = {Author.ASSISTANT: "Assistant (AI)", Author.SYSTEM: "Automatic message"}
_TARGETS: dict[object, str] = {target.value: label for target, label in SLA_LABELS.items()}


def timeline_page(
    tx: Transaction, ticket: Ticket, contact: str, number: int
) -> tuple[tuple[Happened, ...], bool]:
    """Returns one page, oldest first, and whether earlier entries exist; page 0 is the end of the
    timeline.
    """
    most = (number + 1) * TIMELINE_ROWS
    lines = sorted(_newest(tx, ticket, contact, most + 1), key=lambda line: line.at)
    end = max(0, len(lines) - number * TIMELINE_ROWS)
    return tuple(lines[max(0, len(lines) - most) : end]), len(lines) > most


def _newest(tx: Transaction, ticket: Ticket, contact: str, most: int) -> Iterator[Happened]:
    """Yields the newest entries of each kind, which include the newest of all."""
    for event, name in store.events(tx, ticket.id, EVENTS, most):
        until = event.data.get("until") if event.kind == EventKind.ESCALATION_SNOOZED else None
        yield Happened(
            event.at,
            _sentence(tx, ticket, event, name or ""),
            until=datetime.fromisoformat(until) if until else None,
        )
    for message, name in store.messages(tx, ticket, most):
        yield Happened(
            message.created_at,
            "",
            _speaker(message, name, contact),
            view_models.in_words(message),
        )
    for note, name in store.notes(tx, ticket.id, most):
        yield Happened(note.created_at, "wrote a note:", name, note.text)


def _speaker(message: Message, agent: str | None, contact: str) -> str:
    author = Author(message.author)
    if author is Author.CONTACT:
        return contact
    return agent or _SPEAKERS.get(author, "Agent")


def _sentence(tx: Transaction, ticket: Ticket, event: Event, who: str) -> str:
    it, data = f"#{ticket.id}", event.data
    if event.kind in HAPPENED:
        return HAPPENED[event.kind].format(
            it=it,
            who=who or AUTOMATIC,
            reason=_reason(data.get("reason")),
            priority=data.get("priority"),
            target=_TARGETS.get(data.get("promise"), "SLA target"),
            score=data.get("score"),
        )
    tags = store.tags(tx, ticket.id) if event.kind == EventKind.ESCALATION_RESOLVE else ()
    did = act(event.kind, it, tags=tags, data=data)
    whom = _whom(tx, data) if event.kind == EventKind.ESCALATION_REASSIGN else ""
    return " ".join(filter(None, (who or AUTOMATIC, did, whom)))


def _reason(value: object) -> str:
    return next(
        (words for reason, words in REASONS.items() if reason == value), "an agent is needed"
    )


def _whom(tx: Transaction, data: Mapping[str, Any]) -> str:
    owner = escalations.agent(tx, data.get("owner"))
    return owner.name if owner else "an agent"


# -- search and view

EXPORT_BATCH = 500
MESSAGES = 200_000
"""Number of newest messages that are searched: of 1,000,000, that takes up to a second."""


class Tickets:
    def __init__(
        self,
        database: Database,
        clock: Clock,
        escalations: Escalations,
        out: TicketSync,
        channels: Collection[str] = (),
    ) -> None:
        self._database = database
        self._clock = clock
        self._edits = TicketEdits(clock, escalations, out)
        self._channels = sorted(channels)

    def search(self, query: TicketQuery) -> TicketPage:
        """Returns one page of matches; digits that are not a ticket number are searched as text.

        Words are found in subjects and names of all tickets, and in the newest messages.
        """
        if query.period:
            query = replace(query, since=query.period.start(self._clock.now()))
        with self._database.read() as tx:
            if query.terms:
                oldest = store.newest_message(tx) - MESSAGES + 1
                query = replace(query, messages_from=oldest)
            found = store.found(tx, query, PAGE_ROWS + 1)
            if not found and query.may_be_words:
                query = replace(query, no_number=True)
                found = store.found(tx, query, PAGE_ROWS + 1)
            is_bounded = bool(query.terms) and store.is_search_bounded(tx)
        more = len(found) > PAGE_ROWS
        return TicketPage(tuple(found[:PAGE_ROWS]), query, more, is_bounded)

    def channels(self) -> list[str]:
        """Returns the kinds of channels to filter by."""
        return self._channels

    def view(self, number: int, page: int = 0) -> TicketView | None:
        """Returns a ticket with one page of its timeline; page 0 is the end."""
        with self._database.read() as tx:
            return _view(tx, number, page)

    def earlier(
        self, number: int, slack_channels: frozenset[str] | None
    ) -> tuple[EarlierTicket, ...]:
        """Returns the customer's latest conversations before a ticket, as far as the agent may see
        them; `slack_channels` as in `TicketQuery`.
        """
        with self._database.read() as tx:
            ticket = store.get(tx, number)
            if ticket is None:
                return ()
            found = store.earlier(tx, ticket, slack_channels, EARLIER_ROWS)
            return tuple(_earlier(*each) for each in found)

    def numbers_of(self, escalation_ids: Collection[int]) -> dict[int, int]:
        """Returns escalation id -> ticket number."""
        with self._database.read() as tx:
            return store.numbers_of(tx, escalation_ids)

    def escalation_of(self, number: int) -> int | None:
        """Returns the current escalation of a ticket, None if there is no such ticket."""
        with self._database.read() as tx:
            ticket = store.get(tx, number)
            return ticket.escalation_id if ticket else None

    def edit(
        self, number: int, agent: AgentRef, shown: Edit, wanted: Edit, to: AgentRef | None
    ) -> ActionResult:
        """Edits a ticket. Changes that belong to its conversation are made there, so that both
        always agree.

        Args:
            number: the ticket number.
            agent: who edits it.
            shown: the fields as the agent saw them; unchanged fields keep their current values.
            wanted: the new fields.
            to: the agent of `wanted.assignee`, None to unassign.
        """
        with self._database.write() as tx:
            return self._edits.edit(tx, number, agent, shown, wanted, to)


def all_fitting(database: Database, query: TicketQuery) -> Iterator[TicketExport]:
    """Yields all matching tickets, oldest first, in batches: memory and transactions stay bounded."""
    last = 0
    while True:
        with database.read() as tx:
            batch = store.exports_after(tx, query, last, EXPORT_BATCH)
        yield from batch
        if len(batch) < EXPORT_BATCH:
            return
        last = batch[-1].number


def _earlier(ticket: Ticket, thread: DeskThread | None) -> EarlierTicket:
    place = Place(thread.slack_channel, thread.ts) if thread else None
    status = TicketStatus(ticket.status)
    return EarlierTicket(ticket.id, ticket.created_at, status, ticket.outcome, place)


def _view(tx: Transaction, number: int, page: int) -> TicketView | None:
    ticket = store.get(tx, number)
    row = store.row(tx, number) if ticket else None
    if ticket is None or row is None:
        return None
    lines, older = timeline_page(tx, ticket, row.contact, page)
    return TicketView(
        row=row,
        escalation_id=ticket.escalation_id,
        reason=Signal(ticket.reason),
        outcome=ticket.outcome,
        tags=store.tags(tx, number),
        reopened=ticket.reopened,
        solved_at=ticket.solved_at,
        thread=rows.place_of(tx, ticket.escalation_id),
        timeline=lines,
        page=page,
        older=older,
        reply_due_at=store.open_due(ticket, SlaTarget.REPLY),
        solve_due_at=store.open_due(ticket, SlaTarget.SOLVE),
    )


# -- exports requested in Slack

EXPORT = "tickets"
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


def export_lines(form: Format, tickets: Iterable[TicketExport]) -> Iterator[str]:
    return _KINDS[form].lines(tickets)


def export_order(form: Format, query: TicketQuery) -> Order:
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

        data = "".join(export_lines(form, counted())).encode()
        file = File(f"tickets.{form}", _KINDS[form].content_type, data)
        words = f"Your export of {many(count, 'ticket')}."
        return Report((Post(PostKind.TOLD, words),), file)
