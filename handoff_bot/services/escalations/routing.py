"""Routing: sends queued escalations where the admins' rules say, assigns them or offers them there."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from handoff_bot.domain.desk import Post, PostKind
from handoff_bot.domain.escalations import Step
from handoff_bot.domain.results import ActionResult, Code
from handoff_bot.domain.roles import Conversation as About
from handoff_bot.domain.rules import Route, RoutingRule, first_fitting
from handoff_bot.jobs.handler import ProviderJob
from handoff_bot.jobs.job import Job, NewJob, enqueue_job
from handoff_bot.ports import Clock, Desk
from handoff_bot.services.escalations import applied_route, availability, offers
from handoff_bot.services.escalations.lifecycle import Escalations
from handoff_bot.services.escalations.offers import AGAIN, NOBODY_YET, NOT_KNOWN
from handoff_bot.services.escalations.still_queued import NOBODY, Waiting, still_waiting
from handoff_bot.services.outbox import outbox
from handoff_bot.services.outbox.outbox import EscalationChanged
from handoff_bot.services.settings import hours
from handoff_bot.services.settings.preferences import Preferences
from handoff_bot.services.settings.roles import Roles
from handoff_bot.services.settings.rule_lists import RuleSet, Tried, recent_cases
from handoff_bot.storage import agents, workspace
from handoff_bot.storage.database import Database
from handoff_bot.storage.models import Agent, Conversation, Escalation
from handoff_bot.storage.transaction import Transaction

# -- assignment

ASSIGN = "routing.assign"
SOON = timedelta(seconds=1)
"""Retry delay while the assistant's last message is being sent."""


def begin(
    tx: Transaction, escalation: Escalation, conversation: Conversation, due_at: datetime
) -> None:
    """Enqueues the assignment."""
    payload = {"escalation_id": escalation.id, "epoch": conversation.epoch}
    _enqueue(tx, payload, due_at)


def _enqueue(tx: Transaction, payload: Mapping[str, Any], due_at: datetime) -> None:
    key = f"offer:assign:{payload['escalation_id']}:{payload['epoch']}:{due_at.timestamp():.3f}"
    enqueue_job(tx, NewJob(ASSIGN, key, dict(payload), due_at, key=key))


@dataclass(frozen=True)
class AssignPlan:
    """The escalation to assign and the route that decides."""

    escalation_id: int
    route: Route
    may_rest: frozenset[str]
    about: About


class Assign(ProviderJob[AssignPlan, ActionResult]):
    """Assigns an escalation to the next agent of its route. Retries until an agent is free or has
    claimed it.
    """

    repeatable = True
    told = "the agents, in the thread"

    def __init__(self, escalations: Escalations, desk: Desk, clock: Clock, roles: Roles) -> None:
        self._escalations = escalations
        self._roles = roles
        self._desk = desk
        self._clock = clock

    def prepare(self, tx: Transaction, job: Job) -> AssignPlan | None:
        """Returns what to assign, or None if the escalation is no longer waiting where the rule put
        it.
        """
        waiting = still_waiting(tx, job, self._clock.now())
        route = applied_route.route_of(tx, waiting.escalation) if waiting else None
        if waiting is None or route is None:
            return None
        may_rest = availability.those_who_may_rest(tx, self._clock.now())
        about = workspace.conversation(tx, waiting.escalation.id, self._desk.queue_channel)
        return AssignPlan(waiting.escalation.id, route, may_rest, about) if about else None

    def call(self, plan: AssignPlan) -> ActionResult:
        """Chooses an agent and assigns in one transaction, so a retry after a crash finds it
        assigned.
        """
        people = frozenset(plan.route.people)
        if plan.route.group_id and not people:
            people = frozenset(self._desk.members(plan.route.group_id))
            if not people:
                return ActionResult(False, NOT_KNOWN, Code.NO_AGENT_KNOWN)

        asked = plan.may_rest & people if people else plan.may_rest
        resting = frozenset(self._desk.resting(asked, self._clock.now()))
        barred = self._roles.those_barred(asked, plan.about)

        def choose(tx: Transaction) -> Agent | None:
            return _choose(tx, plan.route, people, resting, barred, self._clock.now())

        return self._escalations.assign(plan.escalation_id, NOBODY, choose)

    def finish(self, tx: Transaction, job: Job, plan: AssignPlan, result: ActionResult) -> None:
        """Enqueues a retry unless the escalation has moved."""
        waiting = None if result.done else still_waiting(tx, job, self._clock.now())
        if waiting is None:
            return
        if result.code is Code.NO_AGENT_KNOWN:
            outbox.notice(tx, waiting.escalation, NOT_KNOWN, waiting.now)
        elif result.code is Code.NO_AGENT_AVAILABLE:
            _later(waiting)
        else:
            _enqueue(tx, job.payload, waiting.now + SOON)

    def on_failed(
        self, tx: Transaction, job: Job, plan: AssignPlan | None, error: Exception
    ) -> None:
        """Leaves the escalation in the queue."""
        waiting = still_waiting(tx, job, self._clock.now())
        if waiting:
            outbox.notice(tx, waiting.escalation, NOT_KNOWN, waiting.now)


def _choose(
    tx: Transaction,
    route: Route,
    people: frozenset[str],
    resting: frozenset[str],
    barred: frozenset[str],
    now: datetime,
) -> Agent | None:
    agents.hold_roster(tx)
    free = availability.candidates(tx, now, route.mode, people, resting)
    chosen = next((agent for agent in free if agent.desk_id not in barred), None)
    if chosen:
        chosen.last_offered_at = now
    return chosen


def _later(waiting: Waiting) -> None:
    """Says once in the thread that no agent is available."""
    payload = waiting.job.payload
    if not payload.get("again"):
        outbox.notice(waiting.tx, waiting.escalation, NOBODY_YET, waiting.now)
    _enqueue(waiting.tx, payload | {"again": True}, waiting.now + AGAIN)


# -- routes and offers


def on_escalation_changed(change: EscalationChanged) -> None:
    """Routes an escalation, and offers it now and after each release."""
    if change.step is None:
        route = applied_route.choose(change)
        if route and route.people and not route.is_offered:
            words = Post(PostKind.NOTICE, "This conversation is for you.", mentions=route.people)
            outbox.post(change.tx, change.escalation, words, change.now)
    elif change.step is Step.RELEASE:
        route = applied_route.route_of(change.tx, change.escalation)
    else:
        return
    if route and route.is_offered:
        _offer(change, route)


def _offer(change: EscalationChanged, route: Route) -> None:
    """Offers during business hours only."""
    about = (change.tx, change.escalation, change.conversation, _opening(change))
    if route.assigns:
        begin(*about)
    else:
        offers.ask_next(*about, offers.Pool.RULE)


def _opening(change: EscalationChanged) -> datetime:
    return hours.of_the_team(change.tx).opens(change.now) or change.now


class Routing:
    """Routing rules for admins.

    Attributes:
        rules: the rules.
        channels: the available kinds of channels.
    """

    def __init__(
        self, database: Database, preferences: Preferences, channels: Collection[str]
    ) -> None:
        self._database = database
        self.rules = RuleSet(preferences, applied_route.RULES, applied_route.RULE)
        self.channels = tuple(channels)

    def tried(self, rules: list[RoutingRule], number: int) -> Tried:
        """Previews rule `number` on the latest conversations."""
        with self._database.read() as tx:
            cases = recent_cases(tx)
        fit = sum(rules[number].when.fit(case) for case in cases)
        decided = sum(first_fitting(rules, case) is rules[number] for case in cases)
        return Tried(len(cases), fit, decided)
