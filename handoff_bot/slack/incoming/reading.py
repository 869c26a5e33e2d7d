"""Reads threads back: messages that agents wrote while Slack's events could not reach us.

`conversations.replies` is a tier 3 method. Apps that are distributed outside of Slack's Marketplace get one
request a minute and 15 messages a page, which paging and Retry-After allow for.
https://docs.slack.dev/reference/methods/conversations.replies
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from handoff_bot import spans
from handoff_bot.domain.desk import CLOCKS_APART, Place
from handoff_bot.domain.errors import DeskError
from handoff_bot.jobs import store
from handoff_bot.jobs.handler import ADMINS, ProviderJob
from handoff_bot.jobs.job import Job, NewJob, enqueue_job, of_arrival, traced
from handoff_bot.jobs.rate_limits import BucketCost, Cost
from handoff_bot.ports import Clock
from handoff_bot.services.replies.thread_replies import is_known
from handoff_bot.slack.desk import SlackDesk
from handoff_bot.slack.incoming.arrivals import KIND, lane_of, thread_of
from handoff_bot.storage import sources
from handoff_bot.storage.transaction import Transaction

logger = logging.getLogger(__name__)

Json = dict[str, Any]

BUDGET = "replies"
READ_BACK = "read_back"
"""Marks an event that was read back, not sent by Slack."""
STILL_EDITED = timedelta(days=1)
"""How old a reply may be for an edit within the gap to be found: Slack lists replies by when they were
written, not by when they were edited.
"""
MOST_PAGES = 20
_ABOUT_OTHERS = frozenset({"message_changed", "message_deleted"})
"""Subtypes of events whose ts is not the ts of a message."""


@dataclass(frozen=True)
class Reading:
    """A thread to read back: from the start of the gap, with replies since `oldest`."""

    place: Place
    since: datetime
    oldest: datetime
    begun_at: datetime


@dataclass(frozen=True)
class Found:
    """The messages of a thread, oldest first, and our own id there."""

    messages: tuple[Json, ...]
    own_id: str


class ReadThread(ProviderJob[Reading, Found]):
    """Reads one thread, and stores missed messages as the events that Slack would have sent."""

    repeatable = True
    coalesces = True
    told = ADMINS
    give_up_after = timedelta(hours=24)

    def __init__(self, desk: SlackDesk, clock: Clock) -> None:
        self._desk = desk
        self._clock = clock

    def cost(self, tx: Transaction, job: Job) -> Cost:
        """Reading has a rate limit of its own."""
        return (BucketCost(BUDGET, rank=1),)

    def prepare(self, tx: Transaction, job: Job) -> Reading | None:
        """Returns where to read from; None if the escalation has ended and nothing was missed."""
        place = Place(job.payload["slack_channel"], job.payload["ts"])
        thread = sources.thread(tx, place)
        if thread is None:
            return None
        read = thread.read_until or thread.created_at
        since = min(thread.unread_since or read, read) - CLOCKS_APART
        oldest = since - STILL_EDITED if thread.unread_since else since
        return Reading(place, since, oldest, self._clock.now())

    def call(self, plan: Reading) -> Found:
        """Page through it."""
        try:
            messages = tuple(self._desk.replies(plan.place, plan.oldest, MOST_PAGES))
        except DeskError as error:
            if not error.permanent:
                raise
            logger.warning("thread not read back", extra={"code": error.code})
            messages = ()
        return Found(messages, self._desk.own_id())

    def finish(self, tx: Transaction, job: Job, plan: Reading, result: Found) -> None:
        """Stores missed messages before everything that waits in the thread's lane."""
        events = list(_events(tx, plan, result))
        if events:
            self._store(tx, events)
        sources.thread_read(tx, plan.place, plan.begun_at)

    def _store(self, tx: Transaction, events: list[Json]) -> None:
        now = self._clock.now()
        lane = lane_of(events[0]["event"])
        live = [job for job in store.waiting(tx, lane) if not job.payload.get(READ_BACK)]
        for event in events:
            with (
                traced(of_arrival(event["event_id"])),
                spans.recorder.arrival(KIND) if spans.recorder else spans.OFF as arrival,
            ):
                enqueue_job(tx, NewJob(KIND, lane, event, due_at=now, key=event["event_id"]))
                if arrival:
                    arrival.stored(fresh=True)
        store.put_last(tx, live)
        logger.info("replies fetched", extra={"events": len(events)})

    def on_failed(self, tx: Transaction, job: Job, plan: Reading | None, error: Exception) -> None:
        """After a day of failed retries, live events are no longer held back."""
        if plan:
            sources.thread_read(tx, plan.place, plan.begun_at)


def _events(tx: Transaction, plan: Reading, found: Found) -> Iterator[Json]:
    for message in sorted(found.messages, key=lambda one: str(one.get("ts"))):
        ts = message.get("ts")
        if not isinstance(ts, str) or ts == plan.place.ts or not message.get("user"):
            continue
        event = _event(tx, plan, message, ts)
        if event:
            yield {
                "type": "event_callback",
                "event": event,
                "event_id": _key(plan.place, ts, _edited(message)),
                "authorizations": [{"user_id": found.own_id, "is_bot": True}],
                "is_ext_shared_channel": True,  # possibly present: files.info is called for each file
                READ_BACK: True,
            }


def _key(place: Place, ts: str, edited: str = "") -> str:
    return f"{READ_BACK}:{place.slack_channel}:{ts}:{edited}"


def heard(tx: Transaction, event: Mapping[str, Any], now: datetime) -> None:
    """Records that a live event was handled.

    Without it, an event that left no trace, such as a refused one, would be handled again when the
    thread is read back.
    """
    thread, ts = thread_of(event), event.get("ts")
    if thread is None or not isinstance(ts, str) or event.get("subtype") in _ABOUT_OTHERS:
        return
    if sources.thread(tx, thread) and not is_known(tx, thread.slack_channel, ts):
        store.count_as_done(tx, KIND, lane_of(event), _key(thread, ts), now)


def _event(tx: Transaction, plan: Reading, message: Mapping[str, Any], ts: str) -> Json | None:
    """Returns the event that Slack would have sent; None for a known message."""
    channel = plan.place.slack_channel
    said = {**message, "thread_ts": plan.place.ts}
    since = plan.since.timestamp()
    if not is_known(tx, channel, ts):
        is_new = _seconds(ts) >= since
        return {**said, "type": "message", "channel": channel} if is_new else None
    if _seconds(_edited(message)) < since:
        return None
    # Without the previous text; handling the same edit again changes nothing.
    return {
        "type": "message",
        "subtype": "message_changed",
        "channel": channel,
        "message": said,
        "previous_message": {"ts": ts, "thread_ts": plan.place.ts, "user": message["user"]},
        "ts": _edited(message),
    }


def _edited(message: Mapping[str, Any]) -> str:
    """Time of the last edit, "" for never."""
    edited = message.get("edited")
    ts = edited.get("ts") if isinstance(edited, dict) else None
    return ts if isinstance(ts, str) else ""


def _seconds(ts: str) -> float:
    try:
        return float(ts)
    except ValueError:
        return 0.0
