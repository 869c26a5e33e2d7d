"""Shared base of the jobs that post to Slack."""

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
from handoff_bot.services.outbox import alarms, outbox, slack_channels
from handoff_bot.storage import escalations
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
"""Maximum number of cards posted again per escalation in this time. A channel may not keep threads
at all.
"""


class DeskHandler(ProviderJob[Plan, Result]):
    """Base of all Slack jobs. They wait for Slack, because Slack is where failures are reported."""

    give_up_after = timedelta(days=7)

    def __init__(self, database: Database, desk: Desk, clock: Clock) -> None:
        self._database = database
        self._desk = desk
        self._clock = clock

    def lost(self, tx: Transaction, job: Job, escalation: Escalation, error: Exception) -> None:
        """Posts another card after the card was deleted, unless that did not help before."""
        number, now = escalation.id, self._clock.now()
        thread = escalations.thread_of(tx, number)
        if thread:
            escalations.leave_thread(tx, thread, now)
        if may_have_another(tx, job, number, now):
            outbox.post_card_again(tx, escalation, now, again_key(job), POSTED_AGAIN)
        else:
            alarms.no_card(tx, escalation, str(error), now, f"lost:{number}:{now:%Y%m%d%H}")


class InThread(DeskHandler[Plan, Result]):
    """Base of jobs that post in a card's thread. If the card is gone, another one is posted first."""

    def place(self, tx: Transaction, job: Job) -> Place | None:
        """Returns the card's location, or None if there is no thread to post in.

        Raises:
            DeskGone: the card does not exist; `on_retry` posts it again.
            DeskError: the card is still being posted, or could not be posted.
        """
        number = int(job.payload["escalation_id"])
        place = escalations.place_of(tx, number)
        if place:
            return place
        own_lane = outbox.card_lane(number)
        if job.lane != own_lane and store.head(tx, own_lane):
            raise DeskError("The card is still being posted.", permanent=False, retry_after=1)
        if job.lane == own_lane or escalations.get(tx, number) is None:
            return None
        if not may_have_another(tx, job, number, self._clock.now()):
            raise DeskError(NO_THREAD, permanent=True, code="no_thread")
        raise DeskGone(NO_THREAD, "no_thread")

    def on_retry(self, tx: Transaction, job: Job, plan: Plan | None, error: Exception) -> None:
        """Waits for the closed channel, or for the new card if the card is gone."""
        number = int(job.payload["escalation_id"])
        thread = escalations.thread_of(tx, number)
        if isinstance(error, DeskClosed) and thread:
            slack_channels.closed(tx, thread.slack_channel, str(error), self._clock.now())
        escalation = escalations.get(tx, number)
        if isinstance(error, DeskGone) and escalation:
            self.lost(tx, job, escalation, error)


def may_have_another(tx: Transaction, job: Job, escalation_id: int, now: datetime) -> bool:
    """Returns whether no card was posted again for this job and the escalation's limit is not
    reached.
    """
    if store.status_of(tx, again_key(job)):
        return False
    return escalations.threads_left(tx, escalation_id, now - IN) <= MOST_CARDS


def again_key(job: Job) -> str:
    """Returns the key of the card that is posted again for a job."""
    return f"card:again:{job.id}"


def mark_of(job: Job) -> str:
    """Returns our own id of a post, by which it is found in Slack after a crash."""
    return f"work-{job.id}"


@dataclass(frozen=True)
class CardPlan:
    """A card to render; `at` is None for a new one."""

    card: Card
    at: Place | None
    mark: str
