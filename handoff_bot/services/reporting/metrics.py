"""Metrics of a scope, computed from the event log, and the reports that show them."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from pydantic import TypeAdapter

from handoff_bot.domain import report
from handoff_bot.domain.desk import Post, PostKind
from handoff_bot.domain.events import EventKind
from handoff_bot.domain.files import File
from handoff_bot.domain.metrics import (
    AGAIN,
    SOON,
    AgentNumbers,
    Choice,
    Lengths,
    Numbers,
    Period,
    Scope,
    Slice,
)
from handoff_bot.domain.replies import Verdict
from handoff_bot.jobs.job import Job, NewJob, enqueue_job
from handoff_bot.jobs.rate_limits import Cost
from handoff_bot.ports import Clock, Desk
from handoff_bot.services.outbox import alarms, outbox, slack_job
from handoff_bot.services.outbox.slack_job import DeskHandler, mark_of
from handoff_bot.services.settings import hours
from handoff_bot.storage import agents, log, metrics
from handoff_bot.storage.database import Database
from handoff_bot.storage.metrics import Ended, Opened, Stretch
from handoff_bot.storage.transaction import Transaction

# -- reports requested in Slack: created by a job and sent as direct messages

REPORT = "desk.report"
FAILED = "Your report could not be created. {why} Request it again, or ask an admin."

Order = Mapping[str, Any]
"""JSON description of a report."""


@dataclass(frozen=True)
class Report:
    """Direct messages; the first one carries the file, if there is one."""

    posts: tuple[Post, ...]
    file: File | None = None


Maker = Callable[[Order], Report]


class Reports:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def order(self, to: str, kind: str, order: Order, key: str) -> None:
        """Enqueues a report for a person (Slack id), once for each key."""
        payload = {"to": to, "kind": kind, "order": dict(order)}
        with self._database.write() as tx:
            now = self._clock.now()
            work = NewJob(REPORT, f"tell:{to}", payload, due_at=now, key=f"report:{key}")
            enqueue_job(tx, work)
            log.record(tx, EventKind.REPORT_ORDERED, now, what=kind, by=to)


@dataclass(frozen=True)
class Ordered:
    to: str
    kind: str
    order: Order
    mark: str


class HandOver(DeskHandler[Ordered, tuple[Post, ...]]):
    """Creates a report, sends its first message and enqueues the others, each with its own retries
    and rate-limit cost. At least once: a duplicate after a crash is harmless.
    """

    repeatable = True
    told = "the person who asked for the report"

    def __init__(
        self, database: Database, desk: Desk, clock: Clock, makers: Mapping[str, Maker]
    ) -> None:
        super().__init__(database, desk, clock)
        self._makers = makers

    def cost(self, tx: Transaction, job: Job) -> Cost:
        return slack_job.telling(job.payload["to"])

    def prepare(self, tx: Transaction, job: Job) -> Ordered:
        said = job.payload
        return Ordered(said["to"], said["kind"], said["order"], mark_of(job))

    def call(self, plan: Ordered) -> tuple[Post, ...]:
        """Returns the messages that are left."""
        made = self._makers[plan.kind](plan.order)
        first, *others = made.posts
        if made.file:
            self._desk.hand(plan.to, made.file, first, plan.mark)
        else:
            self._desk.tell(plan.to, first, plan.mark)
        return tuple(others)

    def finish(self, tx: Transaction, job: Job, plan: Ordered, result: tuple[Post, ...]) -> None:
        now = self._clock.now()
        for number, post in enumerate(result, 1):
            outbox.tell(tx, plan.to, post, now, key=f"report.post:{job.id}:{number}")

    def on_failed(self, tx: Transaction, job: Job, plan: Ordered | None, error: Exception) -> None:
        """Tells the person that the report failed."""
        post = Post(PostKind.TOLD, FAILED.format(why=alarms.why(error)))
        now = self._clock.now()
        outbox.tell(tx, str(job.payload["to"]), post, now, key=f"report.failed:{job.id}")


# -- the metrics
# docs/metrics.md defines each.


class Metrics:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def numbers(self, scope: Scope, width: int = 1) -> Numbers:
        """Returns the metrics; each of their slices is `width` hours, days or months."""
        with self._database.read() as tx:
            return numbers(tx, scope, width)

    def period(self, choice: Choice, timezone: str) -> Period:
        """Returns an offered period in the given time zone."""
        return Period.chosen(choice, self._clock.now(), timezone)

    def last_days(self, number: int, timezone: str = "UTC") -> Period:
        """Returns today and the days before it, `number` in total."""
        return Period.last_days(number, self._clock.now(), timezone)

    def timezone(self) -> str:
        """Returns the team's time zone, for reports without a requesting agent."""
        with self._database.read() as tx:
            return hours.of_the_team(tx).zone.key

    def agents(self) -> dict[int, str]:
        """Returns all agents who have ever had a conversation, by id."""
        with self._database.read() as tx:
            return {row.id: row.name for row in agents.owners(tx)}

    def agent_id(self, desk_id: str) -> int | None:
        """Returns our id of an agent, or None if unknown."""
        with self._database.read() as tx:
            row = agents.by_desk_id(tx, desk_id)
            return row.id if row else None

    def channels(self) -> tuple[str, ...]:
        """Returns the kinds of channels that customers have written on."""
        with self._database.read() as tx:
            return metrics.channels(tx)


def numbers(tx: Transaction, scope: Scope, width: int = 1) -> Numbers:
    opened, ended = metrics.opened(tx, scope), metrics.ended(tx, scope)
    waits = metrics.waits(tx, scope)
    lengths = _lengths(waits)
    told = [one for one in opened if one.hours]
    resolved = [one for one in ended if one.how == EventKind.ESCALATION_RESOLVE]
    model_turns, model_in_time = metrics.model_turns(tx, scope)
    feedback = metrics.feedback(tx, scope)
    return Numbers(
        conversations=metrics.conversations(tx, scope),
        escalated=len({one.conversation_id for one in opened}),
        escalations=len(opened),
        reasons=_most_first(one.reason for one in opened),
        priorities=_most_first(one.priority for one in opened),
        channels=_most_first(one.channel for one in opened),
        hours_known=len(told),
        out_of_hours=sum(one.hours == hours.CLOSED for one in told),
        escalated_again=sum(map(_is_again, opened)),
        waited=Lengths.of(lengths),
        waited_briefly=sum(length <= SOON for length in lengths),
        replied=Lengths.of(_lengths(metrics.first_replies(tx, scope))),
        ended=len(ended),
        resolved=len(resolved),
        returned=sum(one.how == EventKind.ESCALATION_RETURN for one in ended),
        not_needed=sum(one.how == EventKind.ESCALATION_DISMISS for one in ended),
        abandoned=sum(
            one.how != EventKind.ESCALATION_DISMISS and not one.was_taken for one in ended
        ),
        resolution=Lengths.of(_lengths(one.lasted for one in resolved)),
        undelivered=metrics.failures(tx, scope),
        ratings=metrics.ratings(tx, scope),
        model_turns=model_turns,
        model_in_time=model_in_time,
        ai_rated=sum(feedback.values()),
        ai_helpful=feedback.get(Verdict.GOOD, 0),
        agents=_of_agents(tx, scope, resolved),
        slices=tuple(_slices(scope.period, opened, waits, width)),
    )


def _lengths(stretches: Iterable[Stretch]) -> list[timedelta]:
    # Clocks of several machines can differ slightly; a wait is never negative.
    return [max(one.until - one.since, timedelta()) for one in stretches]


def _most_first(words: Iterable[str]) -> Mapping[str, int]:
    counts = Counter(words)
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _is_again(one: Opened) -> bool:
    return one.ended_before is not None and one.at - one.ended_before <= AGAIN


def _of_agents(
    tx: Transaction, scope: Scope, resolved: Sequence[Ended]
) -> tuple[AgentNumbers, ...]:
    taken, names = metrics.taken(tx, scope), metrics.names(tx)
    solved = Counter(one.agent_id for one in resolved if one.agent_id)
    replies: dict[int, list[Stretch]] = defaultdict(list)
    for agent_id, stretch in metrics.own_replies(tx, scope):
        replies[agent_id].append(stretch)
    rows = [
        AgentNumbers(
            agent_id,
            names.get(agent_id, ""),
            taken.get(agent_id, 0),
            solved[agent_id],
            Lengths.of(_lengths(replies[agent_id])),
        )
        for agent_id in {*taken, *solved, *replies}
    ]
    return tuple(sorted(rows, key=lambda row: (-row.taken, -row.resolved, row.agent_id)))


def _slices(
    period: Period, opened: Sequence[Opened], waits: Sequence[Stretch], width: int
) -> Iterable[Slice]:
    starts = [one.since for one in period.slices()][::width]
    began = Counter(bisect_right(starts, one.at) - 1 for one in opened)
    waited: dict[int, list[Stretch]] = defaultdict(list)
    for wait in waits:
        waited[bisect_right(starts, wait.until) - 1].append(wait)
    for number, start in enumerate(starts):
        yield Slice(start, began[number], Lengths.of(_lengths(waited[number])).median)


FIGURES = "figures"

_SCOPE = TypeAdapter(Scope)


def order(scope: Scope) -> Order:
    """Returns the order for a report of this scope."""
    return dict(_SCOPE.dump_python(scope, mode="json"))


class MetricsReport:
    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def __call__(self, order: Order) -> Report:
        """Returns the charts with the numbers behind them, and the agents."""
        scope = _SCOPE.validate_python(order)
        period = scope.period
        found = self._metrics.numbers(scope, period.slice_width(report.MOST_POINTS))
        text = report.summary(found, report.title(scope), period)
        charts = tuple(report.charts(found, period))
        posts = [Post(PostKind.TOLD, text, charts=charts, table=report.breakdown(found))]
        agents = report.of_agents(found)
        if agents:
            posts.append(Post(PostKind.TOLD, f"Agents · {report.title(scope)}", table=agents))
        return Report(tuple(posts))
