"""Failed jobs for operators: list, inspect, retry and dismiss.

Customers' texts and addresses are only shown on request.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from handoff_bot.domain.action_result import ActionResult
from handoff_bot.domain.delivery import DeliveryStatus
from handoff_bot.jobs import failures
from handoff_bot.jobs.failures import GivenUp
from handoff_bot.ports import Clock
from handoff_bot.services.delivery import outbound_files, sending
from handoff_bot.storage import conversations, deliveries
from handoff_bot.storage import escalations as rows
from handoff_bot.storage.database import Database
from handoff_bot.storage.models import Message, Ticket
from handoff_bot.storage.transaction import Transaction

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
            found = failures.given_up(tx, limit)
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
            job = failures.find(tx, job_id)
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
            job = failures.get(tx, job_id)
            if job is None:
                return ActionResult(False, UNKNOWN.format(id=job_id))
            now = self._clock.now()
            renew = _RENEWED.get(job.kind)
            payload = renew(self, tx, job) if renew else job.payload
            if payload is None:
                failures.dismiss(tx, job, now)
                return ActionResult(False, SENT_AGAIN.format(id=job_id))
            failures.ready(tx, job, payload, now)
            return ActionResult(True, AGAIN.format(id=job_id))

    def dismiss(self, job_id: int) -> ActionResult:
        """Dismisses a job without running it."""
        with self._database.write() as tx:
            job = failures.get(tx, job_id)
            if job is None:
                return ActionResult(False, UNKNOWN.format(id=job_id))
            failures.dismiss(tx, job, self._clock.now())
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
    escalation = rows.get(tx, int(payload.get("escalation_id") or payload.get("about") or 0))
    message = _message(tx, payload)
    if escalation is None and message and message.escalation_id:
        escalation = rows.get(tx, message.escalation_id)
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
