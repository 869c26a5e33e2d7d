"""Mentions the team when a customer starts to wait, unless a notification rule fits.

Slack sends no notification for a plain message in a channel, so a new card mentions the group that
admins chose, or the channel. At most one mention in each interval: a flood of escalations must not
ping the channel each time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import TypeAdapter

from handoff_bot.domain.desk import EVERYONE, HERE, Button, Post, PostKind
from handoff_bot.domain.errors import DeskError
from handoff_bot.domain.escalations import Status
from handoff_bot.domain.events import EventKind, Routed
from handoff_bot.domain.rules import Mode, NotificationRule, audiences_of
from handoff_bot.domain.text import many
from handoff_bot.jobs.handler import ADMINS, ProviderJob
from handoff_bot.jobs.job import Job, NewJob, enqueue_job
from handoff_bot.ports import Clock, Desk
from handoff_bot.services.outbox import outbox, slack_channels
from handoff_bot.services.settings import hours, rule_lists
from handoff_bot.services.settings_catalog import live
from handoff_bot.storage import conversations, log, queue
from handoff_bot.storage.models import Escalation
from handoff_bot.storage.transaction import Transaction

RULES = "notices.rules"
RULE: TypeAdapter[NotificationRule] = TypeAdapter(NotificationRule)
LAST = "mention.last"
"""The last mention: its time, and who holds it, so that a retry may mention again."""

TEAM_MENTION = "notice.team"
LANE = "offer:team"
WAITS = "{who} for an agent."


def is_on(tx: Transaction) -> bool:
    """Returns whether new cards mention the team: those for which no notification rule fits."""
    return bool(_interval(tx))


def called(tx: Transaction, group_id: str = "") -> str:
    """Returns the group to mention, or HERE if admins have set none."""
    return group_id or live(tx).mention_group or live(tx).agents_group or HERE


def of_card(tx: Transaction, escalation: Escalation, now: datetime) -> tuple[str, ...]:
    """Returns whom a new card mentions. What may not be mentioned now is mentioned later, together."""
    if escalation.status != Status.QUEUED or not is_on(tx) or _is_told(tx, escalation):
        return ()
    if not _reserve(tx, f"escalation:{escalation.id}", now):
        later(tx, now)
        return ()
    return (called(tx, escalation.group_id),)


def _is_told(tx: Transaction, escalation: Escalation) -> bool:
    """Whether a notification rule fits, or a routing rule mentions agents or sends them an offer."""
    rules = rule_lists.read(tx, RULES, RULE)
    conversation = conversations.get(tx, escalation.conversation_id)
    if rules and audiences_of(rules, rule_lists.case_of(tx, escalation, conversation)):
        return True
    routed = log.of_escalation(tx, escalation.id, EventKind.ESCALATION_ROUTED)
    routes = [Routed.model_validate(event.data).route for event in routed[-1:]]
    return any(route.people or route.mode is not Mode.FREE for route in routes)


def _interval(tx: Transaction) -> timedelta:
    return timedelta(minutes=live(tx).mention_minutes)


def _last(tx: Transaction) -> tuple[datetime | None, str]:
    last = log.preference(tx, LAST, None) or {}
    return (datetime.fromisoformat(last["at"]), str(last["by"])) if last else (None, "")


def _free_at(tx: Transaction, now: datetime) -> datetime:
    """Returns when the team may be mentioned: in business hours, once in each interval."""
    at, _ = _last(tx)
    free = max(now, at + _interval(tx)) if at else now
    return hours.of_the_team(tx).opens(free) or free


def _reserve(tx: Transaction, by: str, now: datetime) -> bool:
    """Returns whether `by` may mention the team now, and counts it."""
    tx.one_at_a_time("team mention")
    if _last(tx)[1] == by:
        return True
    if _free_at(tx, now) > now:
        return False
    log.prefer(tx, LAST, {"at": now.isoformat(), "by": by}, "system", now)
    return True


def later(tx: Transaction, now: datetime) -> None:
    """Enqueues one mention for all customers who wait then."""
    due_at = _free_at(tx, now)
    key = f"{TEAM_MENTION}:{due_at.timestamp():.0f}"
    enqueue_job(tx, NewJob(TEAM_MENTION, LANE, {}, due_at, key=key))


def awake(desk: Desk, slack_channel: str, called: str) -> str:
    """Returns EVERYONE in place of HERE if no member is active: @here would notify none."""
    if called != HERE:
        return called
    try:
        members = desk.channel_members(slack_channel)
        return HERE if desk.active(members) else EVERYONE
    except DeskError:
        return HERE


@dataclass(frozen=True)
class MentionPlan:
    """How many customers wait, and whom to mention in the queue channel."""

    waiting: int
    called: str
    slack_channel: str


class MentionTeam(ProviderJob[MentionPlan, str]):
    """Mentions the team once for all cards that could not: outside business hours, or in a flood."""

    repeatable = True
    told = ADMINS

    def __init__(self, desk: Desk, clock: Clock) -> None:
        self._desk = desk
        self._clock = clock

    def prepare(self, tx: Transaction, job: Job) -> MentionPlan | None:
        now = self._clock.now()
        waiting = queue.waiting_since(tx, _last(tx)[0], now) if is_on(tx) else 0
        if not waiting:
            return None
        if not _reserve(tx, f"job:{job.id}", now):
            later(tx, now)
            return None
        where = slack_channels.queue_channel(tx) or self._desk.queue_channel
        return MentionPlan(waiting, called(tx), where)

    def call(self, plan: MentionPlan) -> str:
        return awake(self._desk, plan.slack_channel, plan.called)

    def finish(self, tx: Transaction, job: Job, plan: MentionPlan, result: str) -> None:
        who = many(plan.waiting, "customer is waiting", "customers are waiting")
        post = Post(
            PostKind.TOLD,
            WAITS.format(who=who),
            button=Button.SHOW_QUEUE,
            value="queue",
            mentions=(result,),
        )
        outbox.tell(tx, "", post, self._clock.now(), key=f"{TEAM_MENTION}:{job.id}")
