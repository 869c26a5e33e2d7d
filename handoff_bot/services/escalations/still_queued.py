"""Guard for jobs about a waiting customer: checks that the wait is still the same."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from handoff_bot.domain.desk import AgentRef
from handoff_bot.domain.escalations import Status
from handoff_bot.domain.texts import Moment
from handoff_bot.jobs.job import Job, NewJob, enqueue_job
from handoff_bot.services.delivery import customer_texts
from handoff_bot.services.delivery.sending import Channels
from handoff_bot.storage import conversations
from handoff_bot.storage import escalations as rows
from handoff_bot.storage.models import Conversation, Escalation
from handoff_bot.storage.transaction import Transaction

NOBODY = AgentRef("handoff", "Handoff")
"""The agent of automatic actions."""


@dataclass(frozen=True)
class Waiting:
    """A customer in the same wait for which a job was enqueued."""

    tx: Transaction
    escalation: Escalation
    conversation: Conversation
    job: Job
    now: datetime


def still_waiting(tx: Transaction, job: Job, now: datetime) -> Waiting | None:
    """Returns None if the escalation has moved; delays the job while snoozed."""
    found = rows.get(tx, int(job.payload["escalation_id"]))
    if found is None:
        return None
    conversation = conversations.hold(tx, found.conversation_id)
    escalation = rows.get(tx, found.id) or found
    if escalation.status != Status.QUEUED or conversation.epoch != job.payload["epoch"]:
        return None
    if escalation.snoozed_until and escalation.snoozed_until > now:
        _put_off(tx, job, escalation.snoozed_until)
        return None
    return Waiting(tx, escalation, conversation, job, now)


def tell(waiting: Waiting, moment: Moment, channels: Channels) -> bool:
    """Sends the text of this moment, only while the customer waits."""
    about = customer_texts.About(
        waiting.tx, waiting.conversation, waiting.escalation, channels, waiting.now
    )
    return customer_texts.tell(about, moment, epoch_bound=True)


def _put_off(tx: Transaction, job: Job, until: datetime) -> None:
    name = f"{job.lane}:{until.timestamp():.0f}"
    enqueue_job(tx, NewJob(job.kind, name, job.payload, until, key=name))
