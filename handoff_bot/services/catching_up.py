"""Catch-up after downtime: detects gaps in contact and fetches missed messages.

Each source (a channel's kind, or Slack) has one durable row with its last contact. A tick renews
it, so the start of a gap is known after a kill. Fetched messages use the same keys as live ones, so
a message that a provider delivers again takes effect once.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from handoff_bot import spans
from handoff_bot.domain.desk import Place
from handoff_bot.domain.errors import DeliveryError
from handoff_bot.domain.messages import InboundMessage
from handoff_bot.jobs import store
from handoff_bot.jobs.handler import ADMINS, AnyHandler, ProviderJob, TransactionJob
from handoff_bot.jobs.job import Job, NewJob, enqueue_job, of_arrival, traced
from handoff_bot.ports import Backlog, Clock
from handoff_bot.services.outbox import alarms
from handoff_bot.storage import sources
from handoff_bot.storage.database import Database
from handoff_bot.storage.models import Source
from handoff_bot.storage.sealed import is_readable
from handoff_bot.storage.transaction import Transaction

logger = logging.getLogger(__name__)

CONTACT = "tick.contact"
CATCH_UP = "catch.up"
READ_THREAD = "desk.read"
DESK = "slack"
"""Slack's name among the sources."""

GAP = timedelta(seconds=90)
"""A longer time without contact counts as a gap. The tick runs every 30 seconds."""
OVERLAP = timedelta(minutes=2)
"""How far before its known start a gap is read: clocks differ, and ticks can be late."""
LONGEST = timedelta(days=7)
"""Maximum length of a gap that is read back."""
ON_THE_WAY = timedelta(seconds=30)
"""How long a webhook may take, including retries. Younger messages are not listed, because the
webhook has more data.
"""
LAST_MOMENT = timedelta(seconds=5)
"""The end of a gap that is read later, because its webhooks may still arrive."""
SWEEP = timedelta(minutes=10)
"""How often messages are listed without a detected gap. Webhooks can fail without any sign here."""
THREAD_SWEEP, SWEPT = timedelta(minutes=5), 3
"""How often an assigned thread is read back without a gap, and how many threads per tick."""
MOST_THREADS = 1000
_RECENTLY, _MOST_KNOWN = timedelta(days=7), 100


class CatchingUp:
    """Detects gaps.

    Attributes:
        is_desk_connected: whether Slack events can reach this process.
        was_in_contact: whether another process has been running since a moment.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        backlogs: Mapping[str, Backlog],
        handlers: Mapping[str, AnyHandler],
    ) -> None:
        self._database = database
        self._clock = clock
        self._backlogs = backlogs
        self._handlers = handlers
        self.is_desk_connected: Callable[[], bool] = lambda: True
        self.was_in_contact: Callable[[datetime], bool] = lambda _since: False

    def started(self) -> None:
        """Called at process start: fetches everything since the last contact.

        A process that starts beside another one records no gap, for which all processes would hold
        customers' messages for up to 30 seconds. But that other one need not be what answers
        requests, so messages are listed and threads read all the same.
        """
        with self._database.read() as tx:
            known = [sources.get(tx, name) for name in self._in_contact()]
            before = [source.in_contact_at for source in known if source]
        is_beside = bool(before) and self.was_in_contact(min(before))
        with self._database.write() as tx:
            self.look(tx, GAP if is_beside else timedelta(), has_just_started=True)

    def look(
        self, tx: Transaction, gap: timedelta = GAP, *, has_just_started: bool = False
    ) -> None:
        """Renews the contact of every source and enqueues fetching of possibly missed messages."""
        now = self._clock.now()
        for name in self._in_contact():
            before = sources.beat(tx, name, now, first_read=now + OVERLAP)
            if before is not None and now - before >= gap:
                self._missed(tx, name, before, now)
            elif has_just_started and before is not None:
                self._perhaps_missed(tx, name, before, now)
            elif name != DESK:
                self._sweep(tx, name, now)
        if DESK in self._in_contact():
            for place in sources.threads_to_look_at(tx, now - THREAD_SWEEP, SWEPT):
                read_thread(tx, place, now)

    def _in_contact(self) -> list[str]:
        with_desk = READ_THREAD in self._handlers and self.is_desk_connected()
        return [*self._backlogs, *([DESK] if with_desk else [])]

    def _missed(self, tx: Transaction, name: str, since: datetime, now: datetime) -> None:
        logger.info("catching up", extra={"source": name, "seconds": (now - since).seconds})
        if name == DESK:
            self._read_threads(tx, since, now)
            return
        sources.missed(tx, name, since, now)
        catch_up(tx, name, now)

    def _perhaps_missed(self, tx: Transaction, name: str, since: datetime, now: datetime) -> None:
        """As `_missed`, but makes no live message wait. Backlogs that are never swept are listed too."""
        if name == DESK:
            self._read_threads(tx, since, now)
        else:
            catch_up(tx, name, now + ON_THE_WAY + LAST_MOMENT)

    def _read_threads(self, tx: Transaction, since: datetime, now: datetime) -> None:
        for place in sources.threads_missed(tx, since, MOST_THREADS):
            read_thread(tx, place, now)

    def _sweep(self, tx: Transaction, name: str, now: datetime) -> None:
        source = sources.get(tx, name)
        if source and self._backlogs[name].is_swept and now - source.read_until >= SWEEP:
            catch_up(tx, name, now)


def catch_up(tx: Transaction, source: str, due_at: datetime) -> None:
    """Enqueues listing of a channel's messages."""
    key = f"catch:{source}"
    enqueue_job(tx, NewJob(CATCH_UP, key, {"source": source}, due_at, key=key, coalesce=True))


def read_thread(
    tx: Transaction, place: Place, now: datetime, *, high_priority: bool = False
) -> None:
    """Enqueues reading back a thread."""
    key = f"read:{place.slack_channel}:{place.ts}"
    payload = asdict(place)
    enqueue_job(
        tx,
        NewJob(READ_THREAD, key, payload, now, key=key, coalesce=True, high_priority=high_priority),
    )


class Contact(TransactionJob):
    told = ADMINS

    def __init__(self, catching_up: CatchingUp) -> None:
        self._catching_up = catching_up

    def run(self, tx: Transaction, job: Job) -> None:
        self._catching_up.look(tx)


@dataclass(frozen=True)
class Stretch:
    """A period of a channel's messages to list.

    Attributes:
        until: the end of this period; `end` for the last one. Not after `since` when everything has
            been listed.
        recipients: our own addresses besides the configured ones.
        addresses: customers who wrote recently.
    """

    source: str
    since: datetime
    until: datetime
    end: datetime
    recipients: tuple[str, ...]
    addresses: tuple[str, ...]


class CatchUp(ProviderJob[Stretch, "list[InboundMessage] | DeliveryError"]):
    """Lists customers' messages of a period and stores those that are missing.

    Args:
        store: converts a message into a job and its lane.
    """

    repeatable = True
    coalesces = True
    told = ADMINS
    give_up_after = LONGEST

    def __init__(
        self,
        backlogs: Mapping[str, Backlog],
        clock: Clock,
        store: Callable[[InboundMessage, datetime], NewJob],
    ) -> None:
        self._backlogs = backlogs
        self._clock = clock
        self._store = store

    def prepare(self, tx: Transaction, job: Job) -> Stretch | None:
        """Returns the next period; an empty one when everything has been read.

        Changes nothing: this job's lane is already locked, and `look` locks a source before lanes.
        """
        name = str(job.payload["source"])
        source = sources.get(tx, name)
        backlog = self._backlogs.get(name)
        if source is None or backlog is None:
            return None
        now = self._clock.now()
        begins = max(source.read_until, now - LONGEST)
        end = now - ON_THE_WAY
        if source.unread_until:
            end = max(end, source.unread_until - LAST_MOMENT)
        if begins >= end:
            return Stretch(name, begins, source.read_until, source.read_until, (), ())
        since = begins - OVERLAP
        return Stretch(
            source=name,
            since=since,
            until=min(end, begins + backlog.stretch),
            end=end,
            recipients=tuple(sources.recipients(tx, name, _MOST_KNOWN)),
            addresses=tuple(sources.addresses(tx, name, since - _RECENTLY, _MOST_KNOWN)),
        )

    def call(self, plan: Stretch) -> list[InboundMessage] | DeliveryError:
        """Lists messages from the provider, oldest first. Returns the error if it refuses; the next
        sweep retries.
        """
        if plan.until <= plan.since:
            return []
        backlog = self._backlogs[plan.source]
        try:
            found = backlog.received(plan.since, plan.until, plan.recipients, plan.addresses)
        except DeliveryError as error:
            if not error.permanent:
                raise
            logger.warning("not listed", extra={"source": plan.source, "code": error.code})
            return error
        return sorted(found, key=lambda one: one.sent_at or 0.0)

    def finish(
        self,
        tx: Transaction,
        job: Job,
        plan: Stretch,
        result: list[InboundMessage] | DeliveryError,
    ) -> None:
        """Stores new messages where they belong among the waiting ones, then enqueues the next period."""
        source = sources.get(tx, plan.source)
        if source is None:
            return
        if isinstance(result, DeliveryError):
            alarms.unlisted(tx, plan.source, str(result), self._clock.now())
            sources.read(tx, plan.source, source.read_until, complete=True)
            return
        self._store_new(tx, plan, result)
        if plan.until >= plan.end:
            self._end(tx, source, plan.until)
            return
        sources.read(tx, plan.source, plan.until, complete=False)
        catch_up(tx, plan.source, self._clock.now())

    def _end(self, tx: Transaction, source: Source, until: datetime) -> None:
        """Marks the gap as read. Its last moment is read a little later."""
        if source.unread_until:
            catch_up(tx, source.name, self._clock.now() + ON_THE_WAY + LAST_MOMENT)
        sources.read(tx, source.name, until, complete=True)

    def _store_new(self, tx: Transaction, plan: Stretch, found: list[InboundMessage]) -> None:
        now = self._clock.now()
        new = self._new(tx, plan.source, found)
        # What came live since is listed, too, and may be older than a listed message whose webhook
        # is still on its way.
        places = {one.provider_id: place for place, one in enumerate(found)}
        for lane, rows in self._by_lane(new, now).items():
            live = _live(tx, plan.source, lane)
            store.append_in_order(
                tx,
                [(places[str(row.payload["provider_id"])], row) for row in rows],
                [(places.get(str(job.payload["provider_id"]), len(found)), job) for job in live],
                _append,
            )
        if new:
            logger.info("fetched", extra={"source": plan.source, "messages": len(new)})

    def _new(
        self, tx: Transaction, source: str, found: list[InboundMessage]
    ) -> list[InboundMessage]:
        known: set[str] = set()
        for at in range(0, len(found), 200):
            ids = [one.provider_id for one in found[at : at + 200]]
            known |= sources.known(tx, source, ids)
        return [one for one in found if one.provider_id not in known]

    def _by_lane(self, new: list[InboundMessage], now: datetime) -> dict[str, list[NewJob]]:
        lanes: dict[str, list[NewJob]] = {}
        for one in new:
            row = self._store(one, now)
            lanes.setdefault(row.lane, []).append(row)
        return lanes


def _append(tx: Transaction, row: NewJob) -> None:
    with (
        traced(of_arrival(row.key or "")),
        spans.recorder.arrival(row.kind) if spans.recorder else spans.OFF as arrival,
    ):
        enqueue_job(tx, row)
        if arrival:
            arrival.stored(fresh=True)


def _live(tx: Transaction, source: str, lane: str) -> list[Job]:
    """Returns waiting jobs of live messages. A message that is already stored is being handled by
    its job.
    """
    waiting = [job for job in store.waiting(tx, lane) if is_readable(job.payload)]
    came = [job for job in waiting if job.payload.get("sent_at") is None]
    begun = sources.handled(tx, source, [str(job.payload["provider_id"]) for job in came])
    return [job for job in came if job.payload["provider_id"] not in begun]
