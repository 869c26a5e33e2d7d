"""For operators: backups, failed jobs, and what happened to a message."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from handoff_bot import spans
from handoff_bot.domain.desk import CLOCKS_APART
from handoff_bot.domain.messages import DeliveryStatus
from handoff_bot.domain.results import ActionResult, CheckResult
from handoff_bot.domain.text import many
from handoff_bot.jobs import handler
from handoff_bot.jobs.handler import GivenUp
from handoff_bot.jobs.job import of_job
from handoff_bot.ports import Clock
from handoff_bot.services import home
from handoff_bot.services.catching_up import OVERLAP
from handoff_bot.services.delivery import inbound_files, outbound_files, sending
from handoff_bot.services.outbox import outbox
from handoff_bot.storage import (
    conversations,
    deliveries,
    escalations,
    message_trace,
    resealing,
    restored,
)
from handoff_bot.storage.backups import refuse_missing, store_of
from handoff_bot.storage.database import Database
from handoff_bot.storage.models import Delivery, Event, Message, Ticket
from handoff_bot.storage.transaction import Transaction

# -- backup, restore and check of the whole database
# A restored database is in the past. What was waiting to be sent may have been sent since, so it is
# looked up at Twilio and Slack first. What came in since was answered by a bot that no longer
# exists, so it is not fetched again unless an operator asks for it.

LOOKED_UP = (
    *(sending.SEND, outbox.CARD, outbox.POST, outbox.BOARD),
    *(inbound_files.FILE, home.SHOW),
)
"""Kinds of jobs whose effect is found at its provider."""
DONE = "Restored {file}, with schema {revision}. Start the bot when you are ready."
PENDING = "Looked up at Slack and Twilio before sending: {count}."
ARRIVED = (
    "Received but not yet handled at the time of the backup: {count}. The bot handles them when it "
    "starts, even if they were handled after the backup. To check first, start it with "
    "HOLD_OUTGOING=true."
)
NOT_FETCHED = "Messages since the backup are not fetched. To fetch them, use --missed-since."
NEEDS = (
    "Texts and files are encrypted; to read them, ENCRYPTION_KEY_FILE must hold the key {keys}, which "
    "is in no backup"
)
FETCHED = "The bot fetches messages since {since:%Y-%m-%d %H:%M} UTC when it starts."


class Backups:
    """Operations on one database, which need not exist or be migrated.

    Args:
        url: the database URL.
    """

    def __init__(self, url: str, clock: Clock) -> None:
        self._url = url
        self._clock = clock

    def back_up(self, file: Path) -> str:
        """Writes a backup, while bots run. Raises BackupError."""
        store_of(self._url).back_up(file)
        with _opened(self._url) as database, database.read() as tx:
            needed = resealing.keys(tx)
        needs = f". {_needs(needed)}" if needed else ""
        return f"{file}: {file.stat().st_size:,} bytes{needs}"

    def restore(
        self, file: Path, *, replace: bool = False, missed_since: datetime | None = None
    ) -> list[str]:
        """Restores a backup, migrated. Returns what the operator should know.

        Args:
            replace: also if the database is not empty.
            missed_since: from when on the bot fetches messages; None for those after the restore.

        Raises:
            BackupError, SchemaError: nothing was changed, or the text says what was.
        """
        report: list[str] = []

        def settle(database: Database, revision: str) -> None:
            now = self._clock.now()
            since = missed_since or now
            contact = restored.Contact(since + OVERLAP, since + CLOCKS_APART)
            found = restored.settle(database, revision, LOOKED_UP, contact)
            report.append(DONE.format(file=file, revision=found.revision))
            if found.pending:
                report.append(PENDING.format(count=many(found.pending, "waiting job")))
            if found.arrived:
                report.append(ARRIVED.format(count=many(found.arrived, "job")))
            with database.write() as tx:
                needed = resealing.declare(tx)
            if needed:
                report.append(_needs(needed))

        store_of(self._url).restore(file, replace=replace, settle=settle)
        report.append(FETCHED.format(since=missed_since) if missed_since else NOT_FETCHED)
        return report

    def check(self) -> Iterator[CheckResult]:
        """Checks the data, without changing or migrating it. Raises BackupError without a database."""
        refuse_missing(self._url)
        with _opened(self._url) as database:
            yield from restored.checks(database)
            with database.read() as tx:
                needed = resealing.keys(tx)
            if needed:
                yield CheckResult("encryption", True, _needs(needed))


@contextmanager
def _opened(url: str) -> Iterator[Database]:
    database = Database(url)
    try:
        yield database
    finally:
        database.close()


def _needs(keys: Collection[str]) -> str:
    """Says which keys a database or its backup needs."""
    return NEEDS.format(keys=", ".join(sorted(keys)))


# -- failed jobs: list, inspect, retry and dismiss
# Customers' texts and addresses are only shown on request.

UNKNOWN = "Job {id} has not failed, or it was already retried or dismissed."
AGAIN = "Job {id} will be retried."
SENT_AGAIN = (
    "The message of job {id} has since been sent again or withdrawn, so the job was dismissed."
)
DISMISSED = "Job {id} was dismissed."
NONE = "No failed jobs."
_NAMED = frozenset({"in", "mail"})
"""Queues whose lane names contain an address."""


class Jobs:
    """Operations on failed jobs, each in one transaction."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def lines(self, limit: int) -> Iterator[str]:
        """Returns the newest failed jobs, one per line."""
        with self._database.read() as tx:
            found = handler.given_up(tx, limit)
        if not found:
            yield NONE
            return
        yield f"{'id':>8}  {'kind':<16}{'lane':<24}{'given up (UTC)':<18}{'tries':>5}  error"
        for job in found:
            at = f"{job.finished_at:%Y-%m-%d %H:%M}" if job.finished_at else ""
            start = f"{job.id:>8}  {job.kind:<16}{_lane(job):<24}{at:<18}"
            yield f"{start}{job.attempts:>5}  {job.error}"

    def describe(self, job_id: int, *, with_text: bool = False) -> list[str]:
        """Describes one job; empty if it does not exist. `with_text` includes its payload."""
        with self._database.read() as tx:
            job = handler.find_failed(tx, job_id)
            about = list(_about(tx, job)) if job else []
        if job is None:
            return []
        found = {
            "id": job.id,
            "kind": job.kind,
            "lane": job.lane if with_text else _lane(job),
            "due": f"{job.first_due_at:%Y-%m-%d %H:%M:%S} UTC",
            "given up": f"{job.finished_at:%Y-%m-%d %H:%M:%S} UTC" if job.finished_at else "",
            "tries": job.attempts,
            "error": job.error,
        }
        lines = [f"{name:<13} {value}" for name, value in [*found.items(), *about]]
        if with_text:
            lines.append(json.dumps(job.payload, indent=2, ensure_ascii=False))
        return lines

    def retry(self, job_id: int) -> ActionResult:
        """Retries a job before the other jobs of its lane."""
        with self._database.write() as tx:
            job = handler.failed_job(tx, job_id)
            if job is None:
                return ActionResult(False, UNKNOWN.format(id=job_id))
            now = self._clock.now()
            renew = _RENEWED.get(job.kind)
            payload = renew(self, tx, job) if renew else job.payload
            if payload is None:
                handler.dismiss_failed(tx, job, now)
                return ActionResult(False, SENT_AGAIN.format(id=job_id))
            handler.make_ready(tx, job, payload, now)
            return ActionResult(True, AGAIN.format(id=job_id))

    def dismiss(self, job_id: int) -> ActionResult:
        """Dismisses a job without running it."""
        with self._database.write() as tx:
            job = handler.failed_job(tx, job_id)
            if job is None:
                return ActionResult(False, UNKNOWN.format(id=job_id))
            handler.dismiss_failed(tx, job, self._clock.now())
            return ActionResult(True, DISMISSED.format(id=job_id))

    def _with_new_delivery(self, tx: Transaction, job: GivenUp) -> dict[str, Any] | None:
        """Replaces a failed delivery with a new one, as the Retry button does."""
        old = deliveries.get(tx, int(job.payload["delivery_id"]))
        now = self._clock.now()
        if old is None or not deliveries.supersede(tx, old.id, now):
            return None
        new = deliveries.add(tx, old.message_id, old.part, old.text, now, old.file)
        return {**job.payload, "delivery_id": new.id}

    def _with_files(self, tx: Transaction, job: GivenUp) -> dict[str, Any] | None:
        """Enqueues the parts that need the file after it."""
        message = tx.session.get(Message, int(job.payload["message_id"]))
        if message is None:
            return None
        conversation = conversations.hold(tx, message.conversation_id)
        now, again = self._clock.now(), 0
        for part in deliveries.current(tx, message.id):
            is_lacking = part.status == DeliveryStatus.FAILED and part.file == job.payload["token"]
            if is_lacking and deliveries.supersede(tx, part.id, now):
                new = deliveries.add(tx, message.id, part.part, part.text, now, part.file)
                sending.enqueue(tx, conversation, new, now)
                again += 1
        return job.payload if again else None


_RENEWED: dict[str, Callable[[Jobs, Transaction, GivenUp], dict[str, Any] | None]] = {
    sending.SEND: Jobs._with_new_delivery,
    outbound_files.COLLECT: Jobs._with_files,
}
"""Kinds of jobs whose failure changed more than the job itself."""


def _lane(job: GivenUp) -> str:
    queue = job.lane.partition(":")[0]
    return f"{queue}:…" if queue in _NAMED else job.lane


def _about(tx: Transaction, job: GivenUp) -> Iterator[tuple[str, object]]:
    """Yields the conversation and the ticket of the job, if known."""
    payload = job.payload
    conversation_id = payload.get("conversation_id")
    escalation = escalations.get(tx, int(payload.get("escalation_id") or payload.get("about") or 0))
    message = _message(tx, payload)
    if escalation is None and message and message.escalation_id:
        escalation = escalations.get(tx, message.escalation_id)
    if escalation:
        conversation_id = escalation.conversation_id
        yield "escalation", escalation.id
        yield "ticket", f"#{escalation.ticket_id}"
    elif payload.get("ticket_id") and tx.session.get(Ticket, int(payload["ticket_id"])):
        yield "ticket", f"#{payload['ticket_id']}"
    if message and conversation_id is None:
        conversation_id = message.conversation_id
    if conversation_id:
        yield "conversation", conversation_id


def _message(tx: Transaction, payload: dict[str, Any]) -> Message | None:
    delivery = deliveries.get(tx, int(payload.get("delivery_id") or 0))
    number = delivery.message_id if delivery else payload.get("message_id")
    return tx.session.get(Message, int(number)) if number else None


# -- what happened to a message: when, how often it was tried, and why it failed

_PERMALINK = re.compile(r"/archives/[A-Z0-9]+/p(\d{10})(\d{6})\b")
_TS = re.compile(r"\d{9,}\.\d{6}")
_TICKET = re.compile(r"#(\d+)|(\d{1,9})")
_TRACE = re.compile(r"([0-9a-f]{12})(?:[0-9a-f]{20})?")
_SHOWN = ("channel", "status", "author", "code", "reason", "by", "model", "priority", "answered_by")
"""Data of events that is shown: our own terms."""


@dataclass(frozen=True)
class _Line:
    at: datetime
    text: str


class MessageTraces:
    """Reads only; texts and addresses are shown on request."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def lines(self, what: str, *, with_text: bool = False) -> list[str]:
        """Returns what happened to a message, a ticket's messages, or those of a log line; empty if
        unknown.

        Args:
            what: a provider's id, a Slack timestamp or permalink, a ticket's number, or a trace, as the
                log or OpenTelemetry shows it.
        """
        with self._database.read() as tx:
            messages = _find(tx, what.strip())
            return list(_lines(tx, messages, with_text=with_text)) if messages else []


def _find(tx: Transaction, what: str) -> Sequence[Message]:
    if link := _PERMALINK.search(what):
        return message_trace.by_desk_ts(tx, f"{link[1]}.{link[2]}")
    if _TS.fullmatch(what):
        return message_trace.by_desk_ts(tx, what)
    if found := message_trace.by_provider_id(tx, what):
        return found
    if ticket := _TICKET.fullmatch(what):
        return message_trace.of_ticket(tx, int(ticket[1] or ticket[2]))
    trace = _TRACE.fullmatch(what)
    return message_trace.of_trace(tx, trace[1]) if trace else ()


def _lines(tx: Transaction, messages: Sequence[Message], *, with_text: bool) -> Iterator[str]:
    ids = [one.id for one in messages]
    parts = message_trace.deliveries(tx, ids)
    keys = [f"{one.channel}:{one.provider_id}" for one in messages if one.provider_id]
    about = message_trace.jobs(tx, ids, [one.id for one in parts], keys=keys)
    traces = {of_job(job.payload) for job in about} - {""}
    jobs = message_trace.jobs(tx, ids, [one.id for one in parts], traces, keys)
    lines = [
        *(_Line(one.created_at, _of_message(one, with_text=with_text)) for one in messages),
        *(_Line(one.begun_at or one.updated_at, _of_part(one)) for one in parts),
        *(_Line(one.at, _of_event(one)) for one in message_trace.events(tx, ids)),
        *(_Line(job.first_due_at, _of_job(job)) for job in jobs),
    ]
    for line in sorted(lines, key=lambda each: each.at):
        yield f"{line.at:%Y-%m-%d %H:%M:%S.%f}"[:-3] + f"  {line.text}"
    yield f"trace in the log: {', '.join(sorted(traces)) or 'its jobs are no longer stored'}"
    if traces:
        yield f"trace in OpenTelemetry: {', '.join(map(spans.trace_id, sorted(traces)))}"


def _of_message(one: Message, *, with_text: bool) -> str:
    place = f", Slack {one.desk_channel} {one.desk_ts}" if one.desk_ts else ""
    known = f", {one.provider_id}" if one.provider_id else ""
    text = f": {one.text!r}" if with_text else ""
    about = f"conversation {one.conversation_id}, {len(one.text)} characters"
    return f"message {one.id}: {one.channel} {one.direction} by {one.author}{known}{place}, {about}{text}"


def _of_part(one: Delivery) -> str:
    known = f", {one.provider_id}" if one.provider_id else ""
    again = ", replaced by a retry" if one.superseded_at else ""
    error = f", error {one.error_code}: {one.error}" if one.error_code or one.error else ""
    last = f", last change {one.updated_at:%H:%M:%S}"
    return f"delivery {one.id}, part {one.part + 1}: {one.status}{known}{last}{again}{error}"


def _of_event(one: Event) -> str:
    data = ", ".join(f"{name} {one.data[name]}" for name in _SHOWN if one.data.get(name))
    return f"event {one.kind}{f': {data}' if data else ''}"


def _of_job(job: Any) -> str:
    end = (
        f", finished {job.finished_at:%H:%M:%S}"
        if job.finished_at
        else f", due {job.due_at:%H:%M:%S}"
    )
    tries = f", {job.attempts + (job.status == 'done')} attempts"
    error = f", error: {job.error}" if job.error else ""
    return f"job {job.id} {job.kind}: {job.status}{tries}{end}{error}"
