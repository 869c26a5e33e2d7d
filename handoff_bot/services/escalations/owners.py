"""Assignees who can no longer answer (deactivated, left the channel) or who keep a customer waiting.

The first lose their conversations: at the customer's next message, when Slack reports a change, and
by a tick. The others are reminded. Agents who are away lose them after a time that admins choose.
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
from handoff_bot.jobs.handler import ADMINS, ProviderJob, TransactionJob
from handoff_bot.jobs.job import Job, NewJob, enqueue_job
from handoff_bot.ports import Clock, Desk
from handoff_bot.services.escalations import availability
from handoff_bot.services.escalations.lifecycle import Escalations
from handoff_bot.services.outbox import outbox
from handoff_bot.services.settings import hours
from handoff_bot.services.settings.roles import Roles
from handoff_bot.services.settings_catalog import live
from handoff_bot.storage import agents, conversations, workspace
from handoff_bot.storage import escalations as rows
from handoff_bot.storage.database import Database
from handoff_bot.storage.models import Agent, Conversation, Escalation
from handoff_bot.storage.transaction import Transaction

logger = logging.getLogger(__name__)

OWNER = "claim.owner"
OWNERS = "tick.owners"
ANSWERS_KEEP = timedelta(seconds=60)
"""Matches the cache time of `slack/client/people.py`."""
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
OUTSIDE = (
    "A conversation of yours is back in the queue, because you are no longer in its Slack channel."
)
AWAY_TOLD = (
    "Your conversation with {name} is back in the queue, because you are away. To continue it, take "
    "it over again."
)


def check(tx: Transaction, escalation: Escalation, clock: Clock, *, away: bool = False) -> None:
    """Enqueues checking the assignee; with `away`, also whether they are away for too long."""
    if escalation.status != Status.CLAIMED:
        return
    lane = f"claim:{escalation.id}"
    payload: dict[str, object] = {"escalation_id": escalation.id}
    key = f"owner:{lane}"
    if away:
        payload, key = payload | {"away": True}, f"away:{lane}"
    enqueue_job(tx, NewJob(OWNER, lane, payload, clock.now(), key=key, coalesce=True))


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
            for escalation in workspace.claimed_by(tx, desk_id):
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

    def __init__(self, roles: Roles, escalations: Escalations, desk: Desk, clock: Clock) -> None:
        self._roles = roles
        self._escalations = escalations
        self._desk = desk
        self._clock = clock

    def prepare(self, tx: Transaction, job: Job) -> OwnerPlan | None:
        """Returns whom to check, or None without an assignee."""
        escalation_id = int(job.payload["escalation_id"])
        found = workspace.conversation(tx, escalation_id, self._desk.queue_channel)
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
        if result in WHY:
            why = WHY[result].format(name=plan.owner.name)
            told = OUTSIDE if result is Refusal.OUTSIDE else ""  # Slack cannot reach the others
        elif job.payload.get("away") and self._is_away_too_long(tx, plan):
            why, told = f"{plan.owner.name} is away", AWAY_TOLD
        else:
            return
        if self._escalations.give_back(tx, plan.escalation_id, plan.owner, why):
            logger.info("owner gone", extra={"escalation_id": plan.escalation_id, "why": result})
            self._tell(tx, job, plan, told)

    def _is_away_too_long(self, tx: Transaction, plan: OwnerPlan) -> bool:
        """Decides once more while the conversation is locked: the assignee may have just answered."""
        escalation = rows.get(tx, plan.escalation_id)
        if escalation is None:
            return False
        conversations.hold(tx, escalation.conversation_id)
        found = overdue_absences(tx, self._clock.now(), plan.escalation_id)
        return any(owner.desk_id == plan.owner.desk_id for _, owner in found)

    def _tell(self, tx: Transaction, job: Job, plan: OwnerPlan, text: str) -> None:
        """Tells the agent who had the conversation."""
        escalation = rows.get(tx, plan.escalation_id)
        if not text or escalation is None:
            return
        conversation = conversations.get(tx, escalation.conversation_id)
        said = text.format(name=conversations.contact_name(tx, conversation))
        outbox.tell(
            tx,
            plan.owner.desk_id,
            Post(PostKind.TOLD, said),
            self._clock.now(),
            key=f"given back:{job.id}",
            about=escalation,
        )


class CheckOwners(TransactionJob):
    """Tick that checks the assignees of all conversations, in batches."""

    told = ADMINS

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def run(self, tx: Transaction, job: Job) -> None:
        in_all = rows.count(tx, Status.CLAIMED)
        rounds = -(-in_all // AT_ONCE) or 1
        offset = int(self._clock.now().timestamp() // 300) % rounds * AT_ONCE
        for escalation in workspace.claimed(tx, AT_ONCE, offset):
            check(tx, escalation, self._clock)


def overdue_absences(
    tx: Transaction, now: datetime, escalation_id: int | None = None
) -> list[tuple[Escalation, Agent]]:
    """Returns the conversations whose assignee is away and has done nothing in them for too long."""
    minutes = live(tx).away_minutes
    if not minutes:
        return []
    holders = agents.with_conversations(tx)
    since = {agent.id: availability.away_since(tx, agent, now) for agent in holders}
    away = {agent_id: at for agent_id, at in since.items() if at}
    if not away:
        return []
    team, longest = hours.of_the_team(tx), timedelta(minutes=minutes)
    return [
        (escalation, owner)
        for escalation, owner, last in agents.assigned_to(tx, away, escalation_id)
        if _is_away_from(escalation, owner, away[owner.id], last, now)
        and team.between(_latest(away[owner.id], escalation.claimed_at, last), now) >= longest
    ]


def _is_away_from(
    escalation: Escalation, owner: Agent, since: datetime, last: datetime | None, now: datetime
) -> bool:
    """Returns False for snoozed conversations, and for those in which the agent has worked, or which
    they were given, after their own hours.
    """
    if escalation.snoozed_until and escalation.snoozed_until > now:
        return False
    claimed_at = escalation.claimed_at
    if availability.is_away(owner, now) or claimed_at is None:
        return True
    return since > _latest(claimed_at, last)


def _latest(*times: datetime | None) -> datetime:
    return max(at for at in times if at)


IDLE = "tick.idle"


class RemindOwner(TransactionJob):
    told = ADMINS

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def run(self, tx: Transaction, job: Job) -> None:
        """Reminds each assignee once per unanswered message, and checks assignees who are away."""
        now = self._clock.now()
        for escalation, _ in overdue_absences(tx, now)[:AT_ONCE]:
            check(tx, escalation, self._clock, away=True)
        minutes = live(tx).reminder_minutes
        if not minutes:
            return
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
