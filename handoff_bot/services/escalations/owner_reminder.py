"""Reminds assignees who leave a customer waiting, with a button to release. A claim never expires
silently.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from handoff_bot.domain.amounts import many
from handoff_bot.domain.desk import Button, Post, PostKind
from handoff_bot.jobs.handler import ADMINS, TransactionJob
from handoff_bot.jobs.job import Job
from handoff_bot.ports import Clock
from handoff_bot.services.outbox import outbox
from handoff_bot.storage import agents, conversations, log
from handoff_bot.storage.conversations import id_of
from handoff_bot.storage.models import Agent, Conversation, Escalation
from handoff_bot.storage.transaction import Transaction

IDLE = "tick.idle"
MINUTES = "idle_minutes"
"""Setting for the minutes until an assignee is reminded; 0 disables reminders."""
DEFAULT_MINUTES = 10


class RemindOwner(TransactionJob):
    told = ADMINS

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def run(self, tx: Transaction, job: Job) -> None:
        """Reminds each assignee once per unanswered message."""
        minutes = log.preference(tx, MINUTES, DEFAULT_MINUTES)
        if not isinstance(minutes, int) or minutes <= 0:
            return
        now = self._clock.now()
        for escalation, conversation, owner in agents.silent(
            tx, now - timedelta(minutes=minutes), now
        ):
            _remind(tx, escalation, conversation, owner, now)


def _remind(
    tx: Transaction,
    escalation: Escalation,
    conversation: Conversation,
    owner: Agent,
    now: datetime,
) -> None:
    since = conversation.last_inbound_at or escalation.opened_at
    name = conversations.contact_name(tx, conversation)
    minutes = int((now - since).total_seconds() // 60)
    text = f"{name} has been waiting {many(minutes, 'minute')} for your reply."
    post = Post(
        PostKind.TOLD,
        text,
        value=str(id_of(escalation)),
        buttons=(Button.RELEASE,),
    )
    key = f"idle:{id_of(escalation)}:{id_of(owner)}:{since.timestamp():.0f}"
    outbox.tell(tx, owner.desk_id, post, now, key=key, about=escalation)
