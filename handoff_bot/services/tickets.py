"""Tickets as agents look for them, read them and change them."""

from __future__ import annotations

from collections.abc import Iterator

from handoff_bot.domain.desk import AgentRef, Place
from handoff_bot.domain.endings import Ending
from handoff_bot.domain.escalations import OPEN, Status, Step, TicketStatus
from handoff_bot.domain.messages import Author
from handoff_bot.domain.signals import Signal
from handoff_bot.domain.tickets import (
    LONGEST_SUBJECT,
    PAGE_ROWS,
    TIMELINE_ROWS,
    Edit,
    Happened,
    TicketPage,
    TicketQuery,
    TicketView,
    may_become,
)
from handoff_bot.ports import Clock
from handoff_bot.services import deskwork
from handoff_bot.services.escalations import Escalations
from handoff_bot.services.outcome import Outcome
from handoff_bot.services.tickets_out import TicketsOut
from handoff_bot.storage import agents, conversations, log
from handoff_bot.storage import escalations as rows
from handoff_bot.storage import tickets as store
from handoff_bot.storage.conversations import id_of
from handoff_bot.storage.database import Database
from handoff_bot.storage.models import Escalation, Ticket
from handoff_bot.storage.transaction import Transaction

GONE = "There is no such ticket."
NO_SUBJECT = "A ticket needs a subject."

EVENTS: dict[str, str] = {
    "escalation.opened": "a person was asked for",
    "escalation.claim": "taken",
    "escalation.release": "put back into the queue",
    "escalation.reassign": "assigned",
    "escalation.resolve": "resolved",
    "escalation.return": "returned to the assistant",
    "escalation.dismiss": "not needed",
    "escalation.snoozed": "put aside",
    "escalation.offered": "offered",
    "ticket.created": "ticket made",
    "ticket.reopened": "the customer came back: reopened",
    "ticket.edited": "ticket changed",
    "csat.answered": "rated by the customer",
    "message.failed": "a message did not reach the customer",
}
"""What a timeline tells of the log, in words."""

_SPEAKERS = {Author.ASSISTANT: "Assistant (AI)", Author.SYSTEM: "Automatic text"}


class Tickets:
    """The support records."""

    def __init__(
        self, database: Database, clock: Clock, escalations: Escalations, out: TicketsOut
    ) -> None:
        self._out = out
        self._database = database
        self._clock = clock
        self._escalations = escalations

    def search(self, query: TicketQuery) -> TicketPage:
        """One page of those that fit."""
        with self._database.read() as tx:
            found = store.found(tx, query, PAGE_ROWS + 1)
        return TicketPage(tuple(found[:PAGE_ROWS]), query, more=len(found) > PAGE_ROWS)

    def channels(self) -> list[str]:
        """The kinds of channels to filter by."""
        with self._database.read() as tx:
            return list(store.channels(tx))

    def view(self, number: int, page: int = 0) -> TicketView | None:
        """Everything about one; page 0 of the timeline is its end."""
        with self._database.read() as tx:
            ticket = store.get(tx, number)
            (row,) = store.found(tx, TicketQuery(words=str(number)), 1) if ticket else (None,)
            if ticket is None or row is None:
                return None
            lines = sorted(_timeline(tx, ticket, row.contact), key=lambda line: line.at)
            end = len(lines) - page * TIMELINE_ROWS
            start = max(0, end - TIMELINE_ROWS)
            thread = rows.thread_of(tx, ticket.escalation_id)
            return TicketView(
                row=row,
                escalation_id=ticket.escalation_id,
                reason=Signal(ticket.reason),
                outcome=ticket.outcome,
                tags=store.tags(tx, number),
                reopened=ticket.reopened,
                solved_at=ticket.solved_at,
                thread=Place(thread.slack_channel, thread.ts) if thread else None,
                timeline=tuple(lines[start : max(0, end)]),
                page=page,
                older=start > 0,
                reply_due_at=None if ticket.replied_at else ticket.reply_due_at,
                solve_due_at=None if ticket.solved_at else ticket.solve_due_at,
            )

    # -- changing

    def edit(self, number: int, agent: AgentRef, edit: Edit, to: AgentRef | None) -> Outcome:
        """Change it; what belongs to its conversation is changed there, so that the two always agree.

        Args:
            number: which ticket.
            agent: who changes it.
            edit: how it is to be.
            to: who `edit.assignee` is, None for nobody.
        """
        if not edit.subject.strip():
            return Outcome(False, NO_SUBJECT)
        before = self._before(number)
        if before is None:
            return Outcome(False, GONE)
        ticket, escalation = before
        if not may_become(TicketStatus(ticket.status), edit.status):
            return Outcome(
                False, f"A ticket that is {ticket.status} cannot be {edit.status} by hand."
            )
        is_open = escalation.status in OPEN
        moved = self._move(escalation, agent, edit, to) if is_open else Outcome(True)
        if not moved.done:
            return moved
        with self._database.write() as tx:
            return self._change(tx, number, agent, edit)

    def _before(self, number: int) -> tuple[Ticket, Escalation] | None:
        with self._database.read() as tx:
            ticket = store.get(tx, number)
            escalation = rows.get(tx, ticket.escalation_id) if ticket else None
            return (ticket, escalation) if ticket and escalation else None

    def _move(
        self, escalation: Escalation, agent: AgentRef, edit: Edit, to: AgentRef | None
    ) -> Outcome:
        """The steps of the open conversation that the change amounts to."""
        subject = id_of(escalation)
        owner = self._owner(escalation)
        if edit.status is TicketStatus.SOLVED:
            return self._escalations.take(Step.RESOLVE, subject, agent, Ending(tags=edit.tags))
        if to and to.desk_id != owner:
            return self._escalations.reassign(subject, agent, to)
        if to is None and owner and escalation.status == Status.CLAIMED:
            return self._escalations.hand_back(subject, agent)
        return Outcome(True)

    def _owner(self, escalation: Escalation) -> str:
        with self._database.read() as tx:
            owner = rows.agent(tx, escalation.owner_id)
            return owner.desk_id if owner else ""

    def _change(self, tx: Transaction, number: int, agent: AgentRef, edit: Edit) -> Outcome:
        now = self._clock.now()
        ticket = tx.lock(Ticket, number)
        if ticket is None:
            return Outcome(False, GONE)
        escalation = rows.get(tx, ticket.escalation_id)
        changed = list(_apply(tx, ticket, edit))
        row = conversations.agent_row(tx, agent.desk_id, agent.name, now)
        if escalation and escalation.status not in OPEN:
            changed += _by_hand(tx, ticket, edit)
        if not changed:
            return Outcome(True)
        ticket.updated_at = now
        self._out.changed(tx, number, now)
        log.record(
            tx,
            "ticket.edited",
            now,
            escalation=escalation,
            agent_id=id_of(row),
            ticket=number,
            fields=changed,
        )
        if escalation and "priority" in changed:
            escalation.priority = edit.priority.value
            escalation.priority_rank = edit.priority.rank
            deskwork.redraw(tx, escalation, now)
        return Outcome(True)


def _apply(tx: Transaction, ticket: Ticket, edit: Edit) -> Iterator[str]:
    """What can be changed at any time; says which fields were."""
    subject = edit.subject.strip()[:LONGEST_SUBJECT]
    if subject != ticket.subject:
        ticket.searched = ticket.searched.replace(ticket.subject.casefold(), subject.casefold(), 1)
        ticket.subject = subject
        yield "subject"
    if edit.priority.value != ticket.priority:
        ticket.priority = edit.priority.value
        yield "priority"
    if set(edit.tags) != set(store.tags(tx, id_of(ticket))):
        store.set_tags(tx, id_of(ticket), edit.tags)
        yield "tags"


def _by_hand(tx: Transaction, ticket: Ticket, edit: Edit) -> list[str]:
    """What is changed on the ticket alone, once its conversation has ended."""
    changed = []
    if edit.status.value != ticket.status:
        ticket.status = edit.status.value
        changed.append("status")
    assignee = agents.by_desk_id(tx, edit.assignee) if edit.assignee else None
    if (id_of(assignee) if assignee else None) != ticket.assignee_id:
        ticket.assignee_id = id_of(assignee) if assignee else None
        changed.append("assignee")
    return changed


def _timeline(tx: Transaction, ticket: Ticket, contact: str) -> Iterator[Happened]:
    for event, name in store.events(tx, id_of(ticket)):
        if event.kind in EVENTS:
            yield Happened(event.at, _in_words(event.kind, event.data), name or "")
    first = tx.session.get(Escalation, ticket.escalation_id)
    since = min(ticket.created_at, first.opened_at if first else ticket.created_at)
    for message, name in store.messages(tx, ticket, since):
        author = Author(message.author)
        who = contact if author is Author.CONTACT else name or _SPEAKERS.get(author, "Agent")
        yield Happened(message.created_at, "", who, message.text)
    for note, name in store.notes(tx, id_of(ticket)):
        yield Happened(note.created_at, "note", name, note.text)


def _in_words(kind: str, data: dict[str, object]) -> str:
    words = EVENTS[kind]
    if kind == "csat.answered":
        return f"{words}: {data.get('score')} of 5"
    fields = data.get("fields")
    return f"{words}: {', '.join(map(str, fields))}" if isinstance(fields, list) else words
