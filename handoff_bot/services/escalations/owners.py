"""Assignees who can no longer answer (deactivated, left the channel) or who keep a customer waiting.

The first lose their conversations: at the customer's next message, when Slack reports a change, and
by a tick. The others are reminded.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta

from handoff_bot.domain.desk import AgentRef, Button, Post, PostKind
from handoff_bot.domain.errors import DeskError
from handoff_bot.domain.escalations import Status
from handoff_bot.domain.roles import Refusal
from handoff_bot.domain.text import duration
from handoff_bot.jobs.enqueuing import enqueue_job
from handoff_bot.jobs.handler import ADMINS, ProviderJob, TransactionJob
from handoff_bot.jobs.job import Job, NewJob
from handoff_bot.ports import Clock, Desk
from handoff_bot.services.escalations.lifecycle import Escalations
from handoff_bot.services.outbox import outbox
from handoff_bot.services.settings.roles import Roles
from handoff_bot.services.settings_catalog import live
from handoff_bot.storage import access, agents, conversations
from handoff_bot.storage import escalations as rows
from handoff_bot.storage.database import Database
from handoff_bot.storage.models import Agent, Conversation, Escalation
from handoff_bot.storage.transaction import Transaction

logger = logging.getLogger(__name__)

OWNER = "claim.owner"
OWNERS = "tick.owners"
ANSWERS_KEEP = timedelta(seconds=60)
"""Matches the cache time of `slack/client/directory.py`."""
MOST_REMEMBERED = 10_000
AT_ONCE = 500
"""Conversations checked per tick; the next tick continues."""

WHY: dict[Refusal, str] = {
    Refusal.BOT: "{name} is an app",
    Refusal.DEACTIVATED: "{name}'s Slack account is deactivated",
    Refusal.STRANGER: "{name} is not a member of this workspace",
    Refusal.GUEST: "{name} is a guest of this workspace",
    Refusal.OUTSIDE: "{name} is no longer in this Slack channel",
}
GIVEN_BACK = "{why}, so the conversation is back in the queue. The customer has been informed."


def check(tx: Transaction, escalation: Escalation, clock: Clock) -> None:
    """Enqueues checking the assignee."""
    if escalation.status != Status.CLAIMED:
        return
    key = f"claim:{escalation.id}"
    payload = {"escalation_id": escalation.id}
    enqueue_job(tx, NewJob(OWNER, key, payload, clock.now(), key=f"owner:{key}", coalesce=True))


class OwnerChecks:
    """Checks at customers' messages, at most once a minute per agent: Slack's answers are cached
    that long.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._checked: OrderedDict[tuple[int, int | None], datetime] = OrderedDict()
        self._guard = threading.Lock()

    def check(self, tx: Transaction, escalation: Escalation) -> None:
        """Enqueues checking the assignee, unless checked recently."""
        who, now = (escalation.id, escalation.owner_id), self._clock.now()
        with self._guard:
            last = self._checked.pop(who, None)
            is_due = last is None or not now - last < ANSWERS_KEEP
            self._checked[who] = now if is_due or last is None else last
            if len(self._checked) > MOST_REMEMBERED:
                self._checked.popitem(last=False)
        if is_due:
            check(tx, escalation, self._clock)


class Owners:
    """Handles Slack's reports about assignees."""

    def __init__(self, database: Database, desk: Desk, clock: Clock) -> None:
        self._database = database
        self._desk = desk
        self._clock = clock

    def changed(self, desk_id: str, slack_channel: str = "") -> None:
        """Handles a change of this person or of their membership in a Slack channel."""
        self._desk.directory.forget_person(desk_id)
        if slack_channel:
            self._desk.directory.forget_channel(slack_channel)
        with self._database.write() as tx:
            for escalation in access.claimed_by(tx, desk_id):
                check(tx, escalation, self._clock)


@dataclass(frozen=True)
class OwnerPlan:
    escalation_id: int
    owner: AgentRef
    slack_channel: str


class CheckOwner(ProviderJob[OwnerPlan, Refusal | None]):
    """Checks the assignee of one conversation in Slack, and releases it if they cannot answer."""

    repeatable = True
    coalesces = True
    told = ADMINS

    def __init__(self, roles: Roles, escalations: Escalations, desk: Desk) -> None:
        self._roles = roles
        self._escalations = escalations
        self._desk = desk

    def prepare(self, tx: Transaction, job: Job) -> OwnerPlan | None:
        """Returns whom to check, or None without an assignee."""
        escalation_id = int(job.payload["escalation_id"])
        found = access.conversation(tx, escalation_id, self._desk.queue_channel)
        if found is None or not found.assignee:
            return None
        owner = AgentRef(found.assignee, found.assignee_name)
        return OwnerPlan(escalation_id, owner, found.slack_channel)

    def call(self, plan: OwnerPlan) -> Refusal | None:
        """Checks in Slack. On errors, the assignee stays, and the next tick checks again."""
        try:
            return self._roles.why_not_an_agent(plan.owner.desk_id, plan.slack_channel)
        except DeskError as error:
            logger.warning("owner not checked", extra={"code": error.code})
            return None

    def finish(self, tx: Transaction, job: Job, plan: OwnerPlan, result: Refusal | None) -> None:
        """Releases the conversation unless it has changed."""
        if result not in WHY:
            return
        why = GIVEN_BACK.format(why=WHY[result].format(name=plan.owner.name))
        if self._escalations.give_back(tx, plan.escalation_id, plan.owner, why):
            logger.info("owner gone", extra={"escalation_id": plan.escalation_id, "why": result})


class CheckOwners(TransactionJob):
    """Tick that checks the assignees of all conversations, in batches."""

    told = ADMINS

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def run(self, tx: Transaction, job: Job) -> None:
        in_all = rows.count(tx, Status.CLAIMED)
        rounds = -(-in_all // AT_ONCE) or 1
        offset = int(self._clock.now().timestamp() // 300) % rounds * AT_ONCE
        for escalation in access.claimed(tx, AT_ONCE, offset):
            check(tx, escalation, self._clock)


IDLE = "tick.idle"


class RemindOwner(TransactionJob):
    told = ADMINS

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def run(self, tx: Transaction, job: Job) -> None:
        """Reminds each assignee once per unanswered message."""
        minutes = live(tx).reminder_minutes
        if not minutes:
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
    text = f"{name} has been waiting {duration(minutes, 'minute')} for your reply."
    post = Post(
        PostKind.TOLD,
        text,
        value=str(escalation.id),
        buttons=(Button.RELEASE,),
    )
    key = f"idle:{escalation.id}:{owner.id}:{since.timestamp():.0f}"
    outbox.tell(tx, owner.desk_id, post, now, key=key, about=escalation)
