"""Forgets a contact: previewed, requested, then done by jobs, with a receipt.

A request takes the contact's addresses away at once, so a message that arrives later is a
stranger's. The jobs go on where they were interrupted: what remains is in the database.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from handoff_bot.domain.desk import Post, PostKind
from handoff_bot.domain.errors import DeskError
from handoff_bot.domain.escalations import OPEN, Status, Step, TicketStatus
from handoff_bot.domain.events import EventKind
from handoff_bot.domain.results import ActionResult
from handoff_bot.domain.text import many, spelled
from handoff_bot.domain.tickets import key_of
from handoff_bot.jobs.handler import ADMINS, ProviderJob
from handoff_bot.jobs.job import Job, NewJob, enqueue_job
from handoff_bot.ports import Clock
from handoff_bot.services.outbox import outbox
from handoff_bot.services.outbox.ticket_sync import SYSTEMS
from handoff_bot.services.privacy.outside import Kind, enqueue_item
from handoff_bot.storage import contacts, conversations, erasures, log, tickets
from handoff_bot.storage import escalations as rows
from handoff_bot.storage.database import Database
from handoff_bot.storage.models import Contact, Erasure, Escalation, Ticket
from handoff_bot.storage.transaction import Transaction

FORGET = "privacy.forget"
AGAIN = timedelta(seconds=1)
PAGE = 2000
"""Jobs looked at in one transaction: about 50 ms on SQLite."""
UNKNOWN = "No contact has this id or address."
RUNNING = "Contact {id} is being forgotten since {at:%Y-%m-%d %H:%M} UTC."
DONE = "Contact {id} was forgotten on {at:%Y-%m-%d %H:%M} UTC."
BEGUN = "Contact {id} is being forgotten. The receipt follows when everything is done."
BACKUPS = (
    "Backups are not reached: delete those made before {at:%Y-%m-%d %H:%M} UTC, or let them expire."
)
LEFT = (
    "Not reached: e-mails to the team, files that admins exported, and ephemeral messages in Slack, "
    "which disappear when Slack reloads.",
    "The language model's provider keeps requests as its terms say, usually up to 30 days.",
)


class ForgetStep(StrEnum):
    """What an erasure does next, in this order."""

    STOP = "stop"
    """Cancels waiting jobs, and waits for those that run."""
    BLANK = "blank"
    """Notes what is outside the database, and blanks the rows."""
    OUTSIDE = "outside"
    """Waits for everything outside the database."""
    SWEEP = "sweep"
    """Blanks done jobs, settings and lanes."""
    PURGE = "purge"
    """Empties SQLite's log."""
    DONE = "done"


@dataclass(frozen=True)
class Preview:
    """What would be forgotten of one contact.

    Attributes:
        name, addresses: personal data (hostile).
        rows: number of rows by table.
        outside: lines about other systems.
        state: a sentence if it was requested already, "" otherwise.
    """

    contact_id: int
    name: str = ""
    addresses: tuple[str, ...] = ()
    rows: Mapping[str, int] | None = None
    outside: tuple[str, ...] = ()
    state: str = ""

    def lines(self) -> Iterator[str]:
        """Yields the preview as text."""
        yield f"Contact {self.contact_id}: {self.name or 'no name'}"
        if self.state:
            yield f"  {self.state}"
            return
        for one in self.addresses:
            yield f"  address: {one}"
        for table, number in (self.rows or {}).items():
            yield f"  {table}: {many(number, 'row')}"
        for line in self.outside:
            yield f"  {line}"


def forget_lane(erasure_id: int) -> str:
    return f"privacy:{erasure_id}"


def go_on(tx: Transaction, erasure_id: int, now: datetime) -> None:
    """Enqueues the next step, once."""
    key = forget_lane(erasure_id)
    payload = {"erasure_id": erasure_id}
    enqueue_job(tx, NewJob(FORGET, key, payload, due_at=now, key=key, coalesce=True))


class Forgetting:
    """Previews, requests and receipts."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def preview(self, given: str) -> list[Preview]:
        """Returns what would be forgotten of the contacts with this id or address."""
        with self._database.read() as tx:
            return [_preview(tx, one) for one in erasures.contacts_at(tx, given.strip())]

    def request(self, contact_id: int, by: str) -> ActionResult:
        """Starts to forget a contact; a second request does nothing more."""
        with self._database.write() as tx:
            if tx.lock(Contact, contact_id) is None:
                return ActionResult(False, UNKNOWN)
            known = erasures.of_contact(tx, contact_id)
            if known and not erasures.addresses(tx, contact_id):
                return ActionResult(True, _state(known))
            now = self._clock.now()
            _end_escalations(tx, contact_id, now)
            counts = contacts.counts(tx, contact_id)
            erasure = erasures.begin(
                tx, contact_id, by, ForgetStep.STOP.value, now, {"rows": counts, "notes": []}
            )
            log.record(tx, EventKind.CONTACT_FORGOTTEN, now, by=by, what=f"contact {contact_id}")
            outbox.update_board(tx, now)
            go_on(tx, erasure.id, now)
            return ActionResult(True, BEGUN.format(id=contact_id))

    def receipt(self, contact_id: int) -> list[str]:
        """Returns the receipt of a contact's newest erasure; empty if there is none."""
        with self._database.read() as tx:
            found = erasures.of_contact(tx, contact_id)
            return list(receipt_lines(found)) if found else []


def _state(erasure: Erasure) -> str:
    if erasure.finished_at:
        return DONE.format(id=erasure.contact_id, at=erasure.finished_at)
    return RUNNING.format(id=erasure.contact_id, at=erasure.requested_at)


def receipt_lines(erasure: Erasure) -> Iterator[str]:
    """Yields a receipt; it contains no personal data."""
    yield _state(erasure)
    yield f"Requested by {erasure.requested_by} on {erasure.requested_at:%Y-%m-%d %H:%M} UTC."
    for table, number in erasure.receipt.get("rows", {}).items():
        yield f"Database, {table}: {many(number, 'row')} blanked or deleted."
    for what, found in erasure.receipt.get("outside", {}).items():
        for outcome, number in found.items():
            yield f"{what}: {number}, {outcome}"
    yield from erasure.receipt.get("notes", ())


def _preview(tx: Transaction, contact_id: int) -> Preview:
    known = erasures.of_contact(tx, contact_id)
    addresses = erasures.addresses(tx, contact_id)
    if known and not addresses:
        return Preview(contact_id, state=_state(known))
    return Preview(
        contact_id,
        tx.session.get_one(Contact, contact_id).name,
        tuple(f"{one.channel}: {one.address}" for one in addresses),
        contacts.counts(tx, contact_id),
        tuple(_outside(tx, contact_id)),
    )


def _outside(tx: Transaction, contact_id: int) -> Iterator[str]:
    threads = len(erasures.slack_threads(tx, contact_id))
    if threads:
        yield f"Slack: the bot's posts and files in {many(threads, 'thread')}"
    for channel in dict.fromkeys(one.channel for one in erasures.addresses(tx, contact_id)):
        yield f"{spelled(channel)}: messages and files that its provider stores, if any"
    for sink, name in SYSTEMS.items():
        number = sum(
            bool(tickets.external_id(tx, one.id, sink)) for one in erasures.tickets(tx, contact_id)
        )
        if number:
            yield f"{name}: {many(number, 'ticket')}"
    yield "Backups are not reached."


def _end_escalations(tx: Transaction, contact_id: int, now: datetime) -> None:
    """Ends open escalations without a word to anyone: there is no customer any longer."""
    for number in erasures.open_escalations(tx, contact_id, [one.value for one in OPEN]):
        escalation = tx.session.get_one(Escalation, number)
        conversation = conversations.hold(tx, escalation.conversation_id)
        newest = conversations.newest_message_id(tx, conversation.id)
        values = {"status": Status.RETURNED.value, "closed_at": now, "settled_message_id": newest}
        if not rows.step(tx, number, Step.RETURN, **values):
            continue
        tx.session.refresh(escalation)
        ticket = rows.ticket_of(tx, number)
        tx.set(ticket, status=TicketStatus.SOLVED.value, solved_at=now, updated_at=now)
        status = TicketStatus.SOLVED.value
        log.record(
            tx,
            EventKind.ESCALATION_RETURN,
            now,
            escalation=escalation,
            owner=None,
            ticket_status=status,
        )


class Forget(ProviderJob[int, bool]):
    """Does one step of an erasure, and enqueues the next one."""

    repeatable = True
    coalesces = True
    told = ADMINS
    give_up_after = timedelta(days=7)

    def __init__(
        self,
        database: Database,
        clock: Clock,
        connectors: Collection[str],
        erasers: Collection[str],
    ) -> None:
        self._database = database
        self._clock = clock
        self._connectors = tuple(connectors)
        self._erasers = frozenset(erasers)

    def prepare(self, tx: Transaction, job: Job) -> int | None:
        """Does a step within the transaction; only `purge` needs a call."""
        erasure = erasures.held(tx, int(job.payload["erasure_id"]))
        if erasure is None or erasure.step == ForgetStep.DONE:
            return None
        if erasure.step == ForgetStep.PURGE:
            return erasure.id
        _DOES[ForgetStep(erasure.step)](self, tx, erasure)
        return None

    def call(self, plan: int) -> bool:
        if not self._database.purge():
            raise DeskError("The database's log is in use.", permanent=False, retry_after=5)
        return True

    def finish(self, tx: Transaction, job: Job, plan: int, result: bool) -> None:
        """Completes the receipt. Nothing personal is written after the purge."""
        erasure = erasures.held(tx, plan)
        if erasure is None or erasure.finished_at:
            return
        now = self._clock.now()
        notes = [BACKUPS.format(at=now), *LEFT]
        receipt = {**erasure.receipt, "notes": notes}
        tx.set(erasure, step=ForgetStep.DONE.value, finished_at=now, receipt=receipt)
        post = Post(PostKind.TOLD, "\n".join(receipt_lines(erasure)))
        if erasure.requested_by.startswith(("U", "W")):
            outbox.tell(tx, erasure.requested_by, post, now, key=f"{FORGET}:{plan}")

    # -- the steps

    def _stop(self, tx: Transaction, erasure: Erasure) -> None:
        now = self._clock.now()
        found = erasures.traces(tx, erasure)
        swept = erasures.sweep(tx, found, erasure.position, PAGE, now, waiting=True)
        is_busy = swept.is_busy or bool(erasure.receipt.get("busy"))
        if swept.last is not None:
            tx.set(erasure, position=swept.last, receipt={**erasure.receipt, "busy": is_busy})
            go_on(tx, erasure.id, now)
            return
        receipt = {name: one for name, one in erasure.receipt.items() if name != "busy"}
        tx.set(erasure, position=0, receipt=receipt)
        if is_busy:
            go_on(tx, erasure.id, now + AGAIN)
            return
        self._next(tx, erasure, ForgetStep.BLANK)

    def _blank(self, tx: Transaction, erasure: Erasure) -> None:
        contact_id = erasure.contact_id
        erasures.add_items(tx, erasure.id, self._items(tx, erasure))
        personal = [one.address for one in erasures.addresses_of(erasure)]
        name = tx.session.get_one(Contact, contact_id).name
        contacts.blank_events(tx, contact_id, [*personal, name])
        erasures.scrub_settings(tx, personal)
        contacts.blank_contact(tx, contact_id)
        now = self._clock.now()
        for number in erasures.waiting_items(tx, erasure.id):
            enqueue_item(tx, number, now)
        self._next(tx, erasure, ForgetStep.OUTSIDE)

    def _items(self, tx: Transaction, erasure: Erasure) -> Iterator[tuple[str, str, Any]]:
        for channel, ts in sorted(erasures.slack_threads(tx, erasure.contact_id)):
            yield Kind.THREAD, f"{channel}:{ts}", {"slack_channel": channel, "ts": ts, "cursor": ""}
        for channel, ts in sorted(erasures.slack_posts(tx, erasure.contact_id)):
            yield Kind.POST, f"{channel}:{ts}", {"slack_channel": channel, "ts": ts}
        until = erasure.requested_at.isoformat()
        for one in erasures.addresses_of(erasure):
            if one.channel in self._erasers:
                yield Kind.STORED, f"{one.channel}:{one.address}", {**vars(one), "until": until}
        for channel, provider_id, address, recipient in erasures.provider_ids(
            tx, erasure.contact_id
        ):
            if channel in self._erasers:
                known = erasures.Address(channel, address, recipient)
                yield Kind.MESSAGE, provider_id, {**vars(known), "provider_id": provider_id}
        for ticket in erasures.tickets(tx, erasure.contact_id):
            yield from self._tickets(tx, ticket)

    def _tickets(self, tx: Transaction, ticket: Ticket) -> Iterator[tuple[str, str, Any]]:
        for sink in self._connectors:
            target = {
                "sink": sink,
                "key": key_of(ticket.id, ticket.created_at),
                "number": ticket.id,
                "external_id": tickets.external_id(tx, ticket.id, sink),
            }
            yield Kind.TICKET, f"{sink}:{ticket.id}", target

    def _await(self, tx: Transaction, erasure: Erasure) -> None:
        if not erasures.waiting_items(tx, erasure.id):
            self._next(tx, erasure, ForgetStep.SWEEP)

    def _sweep(self, tx: Transaction, erasure: Erasure) -> None:
        now = self._clock.now()
        found = erasures.traces(tx, erasure)
        swept = erasures.sweep(tx, found, erasure.position, PAGE, now, waiting=False)
        if swept.last is not None:
            tx.set(erasure, position=swept.last)
            go_on(tx, erasure.id, now)
            return
        contacts.blank_contact(tx, erasure.contact_id)
        erasures.drop_lanes(tx, found)
        tx.set(
            erasure,
            addresses=[],
            receipt={**erasure.receipt, "outside": erasures.outcomes(tx, erasure.id)},
        )
        erasures.drop_items(tx, erasure.id)
        outbox.update_board(tx, now)
        self._next(tx, erasure, ForgetStep.PURGE)

    def _next(self, tx: Transaction, erasure: Erasure, step: ForgetStep) -> None:
        tx.set(erasure, step=step.value, position=0)
        go_on(tx, erasure.id, self._clock.now())


_DOES = {
    ForgetStep.STOP: Forget._stop,
    ForgetStep.BLANK: Forget._blank,
    ForgetStep.OUTSIDE: Forget._await,
    ForgetStep.SWEEP: Forget._sweep,
}
