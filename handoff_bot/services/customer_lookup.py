"""Asks the team's own system about a customer, as a job: neither messages nor cards wait for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from handoff_bot.jobs.handler import ADMINS, ProviderJob
from handoff_bot.jobs.job import Job, NewJob, enqueue_job
from handoff_bot.ports import Clock, CustomerLookup
from handoff_bot.services.outbox import outbox
from handoff_bot.storage import conversations
from handoff_bot.storage import escalations as rows
from handoff_bot.storage.models import Contact, Conversation
from handoff_bot.storage.transaction import Transaction

LOOK_UP = "customer.look_up"
AGAIN = timedelta(hours=1)
"""What is known of a customer who writes is this old at most."""


def begin(tx: Transaction, conversation: Conversation, clock: Clock) -> None:
    """Enqueues a look-up, unless one was made within the last hour."""
    contact, now = tx.session.get_one(Contact, conversation.contact_id), clock.now()
    if contact.looked_up_at is None or now - contact.looked_up_at >= AGAIN:
        lane = f"customer:{contact.id}"
        payload = {"conversation_id": conversation.id}
        enqueue_job(tx, NewJob(LOOK_UP, lane, payload, due_at=now, key=lane, coalesce=True))


@dataclass(frozen=True)
class Asked:
    """The customer to look up."""

    channel: str
    address: str


class LookUpCustomer(ProviderJob[Asked, Mapping[str, str]]):
    """One look-up. What cannot be looked up is asked again when the customer writes an hour later."""

    repeatable = True
    coalesces = True
    told = ADMINS
    give_up_after = timedelta(minutes=30)

    def __init__(self, system: CustomerLookup | None, clock: Clock) -> None:
        self._system = system
        self._clock = clock

    def prepare(self, tx: Transaction, job: Job) -> Asked | None:
        """Returns None if the customer was forgotten, or there is no system any longer."""
        conversation = self._conversation(tx, job)
        if conversation is None or self._system is None:
            return None
        return Asked(conversation.channel, conversation.address)

    def _conversation(self, tx: Transaction, job: Job) -> Conversation | None:
        found = conversations.hold(tx, int(job.payload["conversation_id"]))
        return None if found.forgotten_at else found

    def call(self, plan: Asked) -> Mapping[str, str]:
        return self._system.look_up(plan.channel, plan.address) if self._system else {}

    def finish(self, tx: Transaction, job: Job, plan: Asked, result: Mapping[str, str]) -> None:
        """Stores the attributes, and updates the open card if they have changed."""
        conversation = self._conversation(tx, job)
        if conversation is None:
            return
        contact, now = tx.session.get_one(Contact, conversation.contact_id), self._clock.now()
        is_new = (contact.looked_up or {}) != result
        tx.set(contact, looked_up=dict(result), looked_up_at=now)
        escalation = rows.open_of(tx, conversation.id)
        if is_new and escalation:
            outbox.update_card(tx, escalation, now)

    def on_failed(self, tx: Transaction, job: Job, plan: Asked | None, error: Exception) -> None:
        """Keeps what was known."""
        conversation = self._conversation(tx, job)
        if conversation:
            contact = tx.session.get_one(Contact, conversation.contact_id)
            tx.set(contact, looked_up_at=self._clock.now())
