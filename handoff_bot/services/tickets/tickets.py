"""Tickets: search, view, edit and export."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace

from handoff_bot.domain.action_result import ActionResult
from handoff_bot.domain.desk import AgentRef, Place
from handoff_bot.domain.escalations import TicketStatus
from handoff_bot.domain.signals import Signal
from handoff_bot.domain.sla import SlaTarget
from handoff_bot.domain.ticket_export import TicketExport
from handoff_bot.domain.tickets import (
    EARLIER_ROWS,
    PAGE_ROWS,
    EarlierTicket,
    Edit,
    TicketPage,
    TicketQuery,
    TicketView,
)
from handoff_bot.ports import Clock
from handoff_bot.services.escalations.lifecycle import Escalations
from handoff_bot.services.outbox.ticket_sync import TicketSync
from handoff_bot.services.tickets import ticket_timeline
from handoff_bot.services.tickets.ticket_edits import TicketEdits
from handoff_bot.storage import escalations as rows
from handoff_bot.storage import ticket_export
from handoff_bot.storage import tickets as store
from handoff_bot.storage.database import Database
from handoff_bot.storage.models import DeskThread, Ticket
from handoff_bot.storage.transaction import Transaction

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
        return TicketPage(tuple(found[:PAGE_ROWS]), query, more=len(found) > PAGE_ROWS)

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
            batch = ticket_export.after(tx, query, last, EXPORT_BATCH)
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
    lines, older = ticket_timeline.page(tx, ticket, row.contact, page)
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
