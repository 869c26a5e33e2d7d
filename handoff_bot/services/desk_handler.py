"""What everything that runs the desk's work shares."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from handoff_bot.domain.desk import Card, Place
from handoff_bot.domain.errors import DeskClosed, DeskError, DeskGone
from handoff_bot.jobs import store
from handoff_bot.jobs.handler import ProviderJob
from handoff_bot.jobs.job import Job
from handoff_bot.ports import Clock, Desk
from handoff_bot.services import alarms, desk_channels, deskwork
from handoff_bot.storage import escalations
from handoff_bot.storage.conversations import id_of
from handoff_bot.storage.database import Database
from handoff_bot.storage.models import Escalation
from handoff_bot.storage.transaction import Transaction

Plan = TypeVar("Plan")
Result = TypeVar("Result")

NO_THREAD = "This conversation has no thread because its card could not be posted."
POSTED_AGAIN = (
    "This is a new card because the earlier card or its thread can no longer be used. The "
    "conversation continues here. Select View conversation to see earlier messages."
)
MOST_CARDS, IN = 3, timedelta(hours=1)
"""Cards of one escalation that may be found gone in this time: a channel may keep no threads at all."""


class DeskHandler(ProviderJob[Plan, Result]):
    """What all of them share. The desk is waited for: it is where people look for what failed."""

    give_up_after = timedelta(days=7)

    def __init__(self, database: Database, desk: Desk, clock: Clock) -> None:
        self._database = database
        self._desk = desk
        self._clock = clock

    def lost(self, tx: Transaction, job: Job, escalation: Escalation, error: Exception) -> None:
        """The card of an escalation is gone: another is posted, unless that has not helped before."""
        number, now = id_of(escalation), self._clock.now()
        thread = escalations.thread_of(tx, number)
        if thread:
            escalations.leave_thread(tx, thread, now)
        if may_have_another(tx, job, number, now):
            deskwork.post_card_again(tx, escalation, now, again_key(job), POSTED_AGAIN)
        else:
            alarms.no_card(tx, escalation, str(error), now, f"lost:{number}:{now:%Y%m%d%H}")


class InThread(DeskHandler[Plan, Result]):
    """Says something below a card; when the card is gone, another is posted first."""

    def thread(self, tx: Transaction, job: Job) -> Place | None:
        """Where the card is; asked once for `cost` and `place`."""
        return escalations.place_of(tx, int(job.payload["escalation_id"]))

    def place(self, tx: Transaction, job: Job) -> Place | None:
        """Where the card is; None when there is nothing to say it to.

        Raises:
            DeskGone: there is no card; `on_retry` has it posted.
            DeskError: it is being posted, or could not be.
        """
        number = int(job.payload["escalation_id"])
        place = self.thread(tx, job)
        if place:
            return place
        own_lane = deskwork.card_lane(number)
        if job.lane != own_lane and store.head(tx, own_lane):
            raise DeskError("The card is still being posted.", permanent=False, retry_after=1)
        if job.lane == own_lane or escalations.get(tx, number) is None:
            return None
        if not may_have_another(tx, job, number, self._clock.now()):
            raise DeskError(NO_THREAD, permanent=True, code="no_thread")
        raise DeskGone(NO_THREAD, "no_thread")

    def on_retry(self, tx: Transaction, job: Job, plan: Plan | None, error: Exception) -> None:
        """What is said in a channel that takes nothing waits; below a card that is gone, for another."""
        number = int(job.payload["escalation_id"])
        thread = escalations.thread_of(tx, number)
        if isinstance(error, DeskClosed) and thread:
            desk_channels.closed(tx, thread.slack_channel, str(error), self._clock.now())
        escalation = escalations.get(tx, number)
        if isinstance(error, DeskGone) and escalation:
            self.lost(tx, job, escalation, error)


def may_have_another(tx: Transaction, job: Job, escalation_id: int, now: datetime) -> bool:
    """Was no card posted again for this job yet, and few enough for its escalation?"""
    if store.status_of(tx, again_key(job)):
        return False
    return escalations.threads_left(tx, escalation_id, now - IN) <= MOST_CARDS


def again_key(job: Job) -> str:
    """The key of the card that is posted again for a job."""
    return f"card:again:{job.id}"


def mark_of(job: Job) -> str:
    """Our own id of a post, by which it is found at the desk after a crash."""
    return f"work-{job.id}"


@dataclass(frozen=True)
class CardPlan:
    """A card to draw; `at` None for a new one."""

    card: Card
    at: Place | None
    mark: str
