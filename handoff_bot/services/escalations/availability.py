"""Agents' availability: status, hours and capacity."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from handoff_bot.domain.desk import AgentRef
from handoff_bot.domain.escalations import Status, Step
from handoff_bot.domain.events import EventKind
from handoff_bot.domain.hours import Availability
from handoff_bot.domain.rules import Mode, Standing, turn_of
from handoff_bot.domain.texts import Moment
from handoff_bot.jobs.handler import ProviderJob
from handoff_bot.jobs.job import Job, NewJob, enqueue_job
from handoff_bot.ports import Clock, Desk
from handoff_bot.services.outbox import outbox, slack_channels
from handoff_bot.services.outbox.outbox import EscalationChanged
from handoff_bot.services.settings import hours
from handoff_bot.services.settings_catalog import live
from handoff_bot.storage import agents, conversations, log
from handoff_bot.storage import escalations as rows
from handoff_bot.storage.database import Database
from handoff_bot.storage.models import Agent
from handoff_bot.storage.transaction import Transaction

YOURS = "This conversation is now assigned to you."
OTHERS_ACTIVE = "availability.others"
"""What Slack said last: when, and whether members who have never set their availability are active."""
CUT_OFF = "availability.cut_off"
"""Whether Slack cannot be reached, because the app was removed from the workspace."""
FRESH = timedelta(minutes=12)
PRESENCE, PRESENCE_LANE = "offer.presence", "offer:presence"


@dataclass(frozen=True)
class PresencePlan:
    """The user group or Slack channel to look up, and the agents who have set their availability."""

    source: str
    known: frozenset[str]


class AgentAvailability:
    """Availability changes by agents."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def come(self, agent: AgentRef, timezone: str) -> None:
        """Sets the agent to available."""
        with self._database.write() as tx:
            row = self._row(tx, agent, timezone)
            row.on_roster, row.is_away, row.away_until = True, False, None
            log.record(tx, EventKind.AGENT_ON, self._clock.now(), agent_id=row.id)

    def leave(self, agent: AgentRef, timezone: str, until: datetime | None) -> None:
        """Sets the agent to away until the given time, or until they return."""
        with self._database.write() as tx:
            row = self._row(tx, agent, timezone)
            row.on_roster, row.is_away, row.away_until = True, True, until
            log.record(tx, EventKind.AGENT_OFF, self._clock.now(), agent_id=row.id)
            check_presence(tx, self._clock.now())

    def arrange(self, agent: AgentRef, capacity: int, lines: Sequence[str], timezone: str) -> None:
        """Sets the agent's capacity and hours."""
        with self._database.write() as tx:
            row = self._row(tx, agent, timezone)
            row.capacity, row.hours, row.timezone = capacity, {"lines": list(lines)}, timezone
            row.on_roster = True
            log.record(tx, EventKind.AGENT_ARRANGED, self._clock.now(), agent_id=row.id)
            check_presence(tx, self._clock.now())

    def _row(self, tx: Transaction, agent: AgentRef, timezone: str) -> Agent:
        row = conversations.agent_row(tx, agent.desk_id, agent.name, self._clock.now())
        row.timezone = row.timezone or timezone
        return row

    def of(self, agent: AgentRef) -> Availability:
        """Returns the agent's current availability."""
        now = self._clock.now()
        with self._database.read() as tx:
            row = agents.by_desk_id(tx, agent.desk_id)
            if row is None:
                by_presence = live(tx).by_presence
                return Availability(False, False, None, True, 0, 0, (), "", by_presence=by_presence)
            return Availability(
                on_roster=row.on_roster,
                is_away=is_away(row, now),
                until=row.away_until if is_away(row, now) else None,
                in_hours=hours.of_an_agent(row).is_open(now),
                load=agents.loads(tx).get(row.id, 0),
                capacity=row.capacity or live(tx).capacity,
                hours=tuple(row.hours.get("lines") or ()),
                timezone=row.timezone,
                own_capacity=row.capacity,
                by_presence=not row.on_roster and live(tx).by_presence,
            )


def is_away(agent: Agent, now: datetime) -> bool:
    """Returns whether the agent has set themselves to away and the time has not passed."""
    return agent.is_away and (agent.away_until is None or agent.away_until > now)


def away_since(tx: Transaction, agent: Agent, now: datetime) -> datetime | None:
    """Returns since when the agent is away or outside their own hours; None if they are not."""
    if is_away(agent, now):
        return agents.left_at(tx, agent.id) or agent.created_at
    return hours.of_an_agent(agent).closed_since(now)


def candidates(
    tx: Transaction,
    now: datetime,
    mode: Mode = Mode.LEAST_BUSY,
    people: Collection[str] = (),
    resting: Collection[str] = (),
    active: Collection[str] = (),
) -> list[Agent]:
    """Returns the agents who can take a conversation now, next in turn first.

    Agents in do not disturb (`resting`) come last. Members who are `active` in Slack count although
    they have never set their availability, after those who have.
    """
    free = _free(tx, _roster(tx, people, active), now, mode)
    return sorted(free, key=lambda agent: (agent.desk_id in resting, agent.desk_id in active))


def _roster(tx: Transaction, people: Collection[str], active: Collection[str] = ()) -> list[Agent]:
    """Returns the given agents, or all, who have ever set their availability or are active."""
    return [one for one in agents.roster(tx, active) if not people or one.desk_id in people]


def source(tx: Transaction, slack_channel: str) -> str:
    """Returns whose members get offers while they are active: the agents' user group, or the Slack
    channel; "" if only agents who have set their availability do.
    """
    if not live(tx).by_presence:
        return ""
    return live(tx).agents_group or slack_channel


def known(tx: Transaction) -> frozenset[str]:
    """Returns the agents who have set their availability themselves; presence does not count."""
    return frozenset(agent.desk_id for agent in agents.roster(tx))


def those_who_may_rest(tx: Transaction, now: datetime) -> frozenset[str]:
    """Returns the available agents whose do-not-disturb status should be checked."""
    return frozenset(agent.desk_id for agent in _free(tx, agents.roster(tx), now))


def _free(
    tx: Transaction, roster: Sequence[Agent], now: datetime, mode: Mode = Mode.LEAST_BUSY
) -> list[Agent]:
    loads, usual = agents.loads(tx), live(tx).capacity
    there = [
        agent
        for agent in roster
        if _is_there(agent, now) and _has_room(agent, loads, agent.capacity or usual)
    ]
    return sorted(there, key=lambda agent: turn_of(mode, _standing(agent, loads)))


def _is_there(agent: Agent, now: datetime) -> bool:
    return not is_away(agent, now) and hours.of_an_agent(agent).is_open(now)


def _has_room(agent: Agent, loads: dict[int, int], capacity: int) -> bool:
    return not capacity or loads.get(agent.id, 0) < capacity


def _standing(agent: Agent, loads: dict[int, int]) -> Standing:
    asked_at = agent.last_offered_at.timestamp() if agent.last_offered_at else 0.0
    return Standing(agent.id, loads.get(agent.id, 0), asked_at)


def first_words(tx: Transaction, now: datetime, people: Collection[str] = ()) -> Moment:
    """Returns the first text for a waiting customer; includes a wait estimate only when an agent is
    available.

    `people` are the agents that a rule names. Agents without any availability status count as
    unknown.
    """
    if not hours.of_the_team(tx).is_open(now):
        return Moment.OUT_OF_HOURS
    if log.preference(tx, CUT_OFF, False):
        return Moment.NOBODY_HERE
    roster = _roster(tx, people)
    if roster and not _free(tx, roster, now):
        return Moment.STARTED if not people and others_are_active(tx, now) else Moment.NOBODY_HERE
    return Moment.STARTED


def others_are_active(tx: Transaction, now: datetime) -> bool:
    """Returns whether a member who has never set their availability was active when Slack was last
    asked. A customer's first text cannot wait for Slack.
    """
    seen = log.preference(tx, OTHERS_ACTIVE, None)
    is_fresh = bool(seen) and datetime.fromisoformat(seen["at"]) >= now - FRESH
    return is_fresh and bool(seen["active"]) and live(tx).by_presence


def check_presence(tx: Transaction, now: datetime) -> None:
    """Enqueues a look at who is active in Slack."""
    enqueue_job(tx, NewJob(PRESENCE, PRESENCE_LANE, {}, now, key=PRESENCE_LANE, coalesce=True))


class CheckPresence(ProviderJob[PresencePlan, bool]):
    """Asks Slack whether other members are active, while all who set their availability are away."""

    repeatable = True
    coalesces = True
    told = "nobody: without an answer, customers hear that the team is busy"
    give_up_after = timedelta(minutes=2)

    def __init__(self, desk: Desk, clock: Clock) -> None:
        self._desk = desk
        self._clock = clock

    def prepare(self, tx: Transaction, job: Job) -> PresencePlan | None:
        """Returns None while an agent is available: nothing depends on the others then."""
        roster = agents.roster(tx)
        where = slack_channels.queue_channel(tx) or self._desk.queue_channel
        about = source(tx, where)
        if not roster or not about or _free(tx, roster, self._clock.now()):
            return None
        return PresencePlan(about, known(tx))

    def call(self, plan: PresencePlan) -> bool:
        return bool(self._desk.active(frozenset(members_of(self._desk, plan.source)) - plan.known))

    def finish(self, tx: Transaction, job: Job, plan: PresencePlan, result: bool) -> None:
        now = self._clock.now()
        log.prefer(tx, OTHERS_ACTIVE, {"at": now.isoformat(), "active": result}, "system", now)


def members_of(desk: Desk, source: str) -> Sequence[str]:
    """Returns the members of a user group or of a Slack channel; see `source`."""
    look = desk.members if source.startswith("S") else desk.channel_members
    return look(source)


def on_escalation_changed(change: EscalationChanged) -> None:
    """Adds an agent who takes a conversation to the roster, and ends open offers of it."""
    if change.step is Step.CLAIM and change.agent:
        change.agent.on_roster = True
    if change.step is not None and change.escalation.status != Status.QUEUED:
        owner = rows.agent(change.tx, change.escalation.owner_id)
        results = {owner.desk_id: YOURS} if owner else {}
        end_offers(change.tx, change.escalation.id, change.now, results)


def end_offers(
    tx: Transaction,
    escalation_id: int,
    now: datetime,
    results: Mapping[str, str],
    until: datetime | None = None,
) -> None:
    """Replaces posted offers: without their buttons, with the agent's result or that they lapsed.

    With `until`, only those that lapse by then. The first result of an offer stays.
    """
    for told, payload in rows.offers(tx, escalation_id, outbox.TELL):
        if until is None or datetime.fromisoformat(payload["until"]) <= until:
            post = outbox.POST_ADAPTER.validate_python(payload["post"])
            footer = results.get(payload["to"], outbox.LAPSED)
            outbox.replace_message(tx, told, post.ended(footer, now), now)
