"""Offers conversations to available agents, one after another."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from handoff_bot.domain.desk import AgentRef, Button, Post, PostKind
from handoff_bot.domain.errors import DeskError
from handoff_bot.domain.escalations import Status
from handoff_bot.domain.events import EventKind
from handoff_bot.domain.roles import Conversation as About
from handoff_bot.domain.rules import Mode, Route
from handoff_bot.domain.text import duration, spelled
from handoff_bot.jobs.handler import ProviderJob
from handoff_bot.jobs.job import Job, NewJob, enqueue_job
from handoff_bot.ports import Clock, Desk
from handoff_bot.services.escalations import applied_route, availability
from handoff_bot.services.escalations.still_queued import Waiting, still_waiting
from handoff_bot.services.outbox import outbox
from handoff_bot.services.settings import hours
from handoff_bot.services.settings.roles import Roles
from handoff_bot.storage import agents, conversations, log, workspace
from handoff_bot.storage import escalations as rows
from handoff_bot.storage.database import Database
from handoff_bot.storage.models import Agent, Conversation, Escalation
from handoff_bot.storage.transaction import Transaction

OFFER = "offer"
PATIENCE = timedelta(minutes=2)
"""Time to respond to an offer before the next agent is asked, unless a rule sets another."""
AGAIN = timedelta(minutes=1)
"""How often to check whether an agent named by a rule has become available."""

NOBODY_ELSE = "No agents are available."
NOBODY_YET = (
    "No agent named by the routing rule is available. They will get an offer as soon as they are."
)
NOT_KNOWN = (
    "Slack did not return the members of the group for this conversation, so no agent got an offer."
)


DECLINED = "Declined. The next agent is asked."


class Pool(StrEnum):
    """Which agents may receive an offer."""

    ALL = "all"
    RULE = "rule"


def ask_next(
    tx: Transaction,
    escalation: Escalation,
    conversation: Conversation,
    due_at: datetime,
    pool: Pool = Pool.ALL,
) -> None:
    """Enqueues the next offer. An earlier round of offers is superseded."""
    asked = _asked(tx, escalation, conversation.epoch)
    _enqueue(tx, escalation, conversation, len(asked), due_at, pool)


def _enqueue(
    tx: Transaction,
    escalation: Escalation,
    conversation: Conversation,
    number: int,
    due_at: datetime,
    pool: Pool,
) -> None:
    name = f"{escalation.id}:{conversation.epoch}:{number}"
    payload = {
        "escalation_id": escalation.id,
        "epoch": conversation.epoch,
        "number": number,
        "pool": pool.value,
    }
    key = f"offer:{name}:{due_at.timestamp():.0f}"
    enqueue_job(tx, NewJob(OFFER, key, payload, due_at, key=key))


def _asked(tx: Transaction, escalation: Escalation, epoch: int) -> list[int]:
    """Returns the agents already asked in this epoch."""
    return [
        event.agent_id
        for event in log.of_escalation(tx, escalation.id, EventKind.ESCALATION_OFFERED)
        if event.agent_id is not None and event.data.get("epoch") == epoch
    ]


def _let_go(tx: Transaction, escalation: Escalation) -> set[int]:
    """Returns the agents who last released it; they are not asked."""
    released = log.of_escalation(tx, escalation.id, EventKind.ESCALATION_RELEASE)
    return {event.agent_id for event in released[-1:] if event.agent_id is not None}


@dataclass(frozen=True)
class OfferPlan:
    """What to look up in Slack: group members ("" for none), and which agents are in do not disturb
    or barred.

    `source` is the group or Slack channel whose active members count as available, "" for none;
    the agents in `known` have set their availability themselves.
    """

    group_id: str
    may_rest: frozenset[str]
    about: About
    source: str
    known: frozenset[str]


@dataclass(frozen=True)
class Known:
    """What Slack returned: group members (None without a group), agents in do not disturb, barred
    agents, and those who count as available because they are active.
    """

    members: frozenset[str] | None
    resting: frozenset[str]
    barred: frozenset[str]
    active: tuple[AgentRef, ...]


class Offer(ProviderJob[OfferPlan, Known]):
    """Offers to one agent and schedules the next offer."""

    repeatable = True
    told = "the agents, in the thread"

    def __init__(self, desk: Desk, clock: Clock, roles: Roles) -> None:
        self._desk = desk
        self._clock = clock
        self._roles = roles

    def prepare(self, tx: Transaction, job: Job) -> OfferPlan | None:
        """Returns what to look up, or None if another job of this round was answered."""
        now = self._clock.now()
        availability.end_offers(tx, int(job.payload["escalation_id"]), now, {}, until=now)
        found = self._round(tx, job)
        if found is None:
            return None
        by_group = found.route is not None and not found.route.people
        group_id = found.route.group_id if found.route and by_group else ""
        escalation_id = found.waiting.escalation.id
        about = workspace.conversation(tx, escalation_id, self._desk.queue_channel)
        if about is None:
            return None
        may_rest = availability.those_who_may_rest(tx, self._clock.now())
        source = availability.source(tx, about.slack_channel)
        return OfferPlan(group_id, may_rest, about, source, availability.known(tx))

    def call(self, plan: OfferPlan) -> Known:
        members = frozenset(self._desk.members(plan.group_id)) if plan.group_id else None
        active = self._active(plan)
        free = plan.may_rest | active
        asked = free if members is None else free & members
        resting = frozenset(self._desk.resting(asked, self._clock.now()))
        barred = self._roles.those_barred(asked, plan.about)
        agents = tuple(map(self._desk.agent, sorted((active & asked) - barred)))
        return Known(members, resting, barred, agents)

    def _active(self, plan: OfferPlan) -> frozenset[str]:
        """Returns the members who are active; none while Slack does not say."""
        try:
            found = availability.members_of(self._desk, plan.source) if plan.source else ()
            return frozenset(self._desk.active(frozenset(found) - plan.known))
        except DeskError:
            return frozenset()

    def finish(self, tx: Transaction, job: Job, plan: OfferPlan, result: Known) -> None:
        """Sends the offer if it is still needed."""
        found = self._round(tx, job)
        if found is None:
            return
        named = frozenset(found.route.people) if found.route else frozenset()
        if result.members is not None and not result.members:
            outbox.notice(tx, found.waiting.escalation, NOT_KNOWN, found.waiting.now)
        else:
            found.ask(result.members or named, result)

    def on_failed(
        self, tx: Transaction, job: Job, plan: OfferPlan | None, error: Exception
    ) -> None:
        """Leaves the escalation in the queue."""
        escalation = rows.get(tx, int(job.payload["escalation_id"]))
        if escalation and escalation.status == Status.QUEUED:
            outbox.notice(tx, escalation, NOT_KNOWN, self._clock.now())

    def _round(self, tx: Transaction, job: Job) -> _Round | None:
        waiting = still_waiting(tx, job, self._clock.now())
        if waiting is None:
            return None
        asked = _asked(tx, waiting.escalation, waiting.conversation.epoch)
        pool = Pool(job.payload.get("pool", Pool.ALL))
        route = applied_route.route_of(tx, waiting.escalation) if pool is Pool.RULE else None
        is_given_elsewhere = pool is Pool.RULE and route is None
        if len(asked) != job.payload["number"] or is_given_elsewhere:
            return None
        return _Round(waiting, pool, route, asked)


@dataclass(frozen=True)
class _Round:
    """One round of offers: the escalation, its rule (or None) and the agents asked before."""

    waiting: Waiting
    pool: Pool
    route: Route | None
    asked: list[int]

    def ask(self, people: frozenset[str], slack: Known) -> None:
        """Offers to the first free agent of these, or of all.

        Agents in do not disturb come last; barred ones are never asked.
        """
        tx, now = self.waiting.tx, self.waiting.now
        mode = self.route.mode if self.route else Mode.LEAST_BUSY
        besides = {*self.asked, *_let_go(tx, self.waiting.escalation)}
        agents.hold_roster(tx)
        for one in slack.active:
            conversations.agent_row(tx, one.desk_id, one.name, now)
        active = [one.desk_id for one in slack.active]
        free = availability.candidates(tx, now, mode, people, slack.resting, active)
        may = (agent for agent in free if agent.desk_id not in slack.barred)
        chosen = next((agent for agent in may if agent.id not in besides), None)
        if chosen is None:
            self._nobody(people, besides)
            return
        availability.end_offers(tx, self.waiting.escalation.id, now, {})
        patience = timedelta(seconds=self.route.seconds) if self.route else PATIENCE
        until = hours.of_the_team(tx).after(now, patience)
        self._ask(chosen, patience, until)
        self._then(len(self.asked) + 1, until)

    def _then(self, number: int, due_at: datetime) -> None:
        waiting = self.waiting
        about = (waiting.tx, waiting.escalation, waiting.conversation)
        _enqueue(*about, number, due_at, self.pool)

    def _nobody(self, people: frozenset[str], besides: set[int]) -> None:
        """Schedules another check for the agents that a rule names."""
        if self.route and agents.has_others(self.waiting.tx, people, besides):
            self._say_once(NOBODY_YET, may_come=True)
            self._then(len(self.asked), self.waiting.now + AGAIN)
        else:
            self._say_once(NOBODY_ELSE, may_come=False)

    def _say_once(self, words: str, *, may_come: bool) -> None:
        """Posts this once until another agent is asked."""
        tx, escalation, now = self.waiting.tx, self.waiting.escalation, self.waiting.now
        state = {
            "epoch": self.waiting.conversation.epoch,
            "asked": len(self.asked),
            "may_come": may_come,
        }
        said = [
            event.data["state"]
            for event in log.of_escalation(tx, escalation.id, EventKind.OFFERS_ENDED)
        ]
        if state not in said:
            log.record(tx, EventKind.OFFERS_ENDED, now, escalation=escalation, state=state)
            outbox.notice(tx, escalation, words, now)

    def _ask(self, agent: Agent, patience: timedelta, until: datetime) -> None:
        tx, escalation, now = self.waiting.tx, self.waiting.escalation, self.waiting.now
        agent.last_offered_at = now
        epoch = self.waiting.conversation.epoch
        log.record(
            tx,
            EventKind.ESCALATION_OFFERED,
            now,
            escalation=escalation,
            agent_id=agent.id,
            epoch=epoch,
            pool=self.pool.value,
        )
        name = conversations.contact_name(tx, self.waiting.conversation)
        channel = spelled(self.waiting.conversation.channel)
        text = f"{name} is waiting on {channel}. Can you take this?"
        if escalation.summary:
            text = f"{text}\n{escalation.summary}"
        text = f"{text}\nThe next agent gets the offer in {_in_words(patience)}."
        buttons = (Button.ACCEPT, Button.DECLINE)
        post = Post(PostKind.TOLD, text, value=str(escalation.id), buttons=buttons)
        outbox.tell(tx, agent.desk_id, post, now, about=escalation, until=until)


def _in_words(length: timedelta) -> str:
    seconds = int(length.total_seconds())
    if seconds % 60:
        return duration(seconds, "second")
    return duration(seconds // 60, "minute")


class Offers:
    """Agents' responses to offers; accepting is a normal claim."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def decline(self, escalation_id: int, desk_id: str) -> None:
        """Declines the open offer and asks the next agent. An older offer is not affected."""
        with self._database.write() as tx:
            escalation = rows.get(tx, escalation_id)
            if escalation is None or escalation.status != Status.QUEUED:
                return
            conversation = conversations.hold(tx, escalation.conversation_id)
            asked = log.of_escalation(tx, escalation.id, EventKind.ESCALATION_OFFERED)
            agent = rows.agent(tx, asked[-1].agent_id) if asked else None
            if agent and agent.desk_id == desk_id:
                pool, now = Pool(asked[-1].data.get("pool", Pool.ALL)), self._clock.now()
                availability.end_offers(tx, escalation.id, now, {desk_id: DECLINED})
                ask_next(tx, escalation, conversation, now, pool)
