"""Shared base of the Slack jobs: rate-limit costs, priorities, and blocks that the workspace refuses."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from handoff_bot.domain.desk import Card, Place, Post, PostKind
from handoff_bot.domain.errors import DeskClosed, DeskError, DeskGone
from handoff_bot.domain.messages import ReplyMark
from handoff_bot.jobs import store
from handoff_bot.jobs.handler import ProviderJob
from handoff_bot.jobs.job import Job
from handoff_bot.jobs.rate_limits import BucketCost, Cost
from handoff_bot.ports import Clock, Desk
from handoff_bot.services.outbox import alarms, outbox, slack_channels
from handoff_bot.storage import escalations, workspace
from handoff_bot.storage.database import Database
from handoff_bot.storage.models import Escalation
from handoff_bot.storage.transaction import Transaction

# -- rate-limit costs and priorities
# Customers' messages come before card updates, and those before the board. New cards count as
# messages, but only a limited number per minute: in a surge the rest is posted late, by priority,
# and the board shows them meanwhile.

BOARD_PATIENCE = timedelta(seconds=10)
"""After this time, the board goes before cards: while cards are late, agents work from the board."""

EPHEMERAL: Cost = (BucketCost("whisper"),)
CARD: Cost = (BucketCost("redraw", rank=1),)
BOARD: Cost = (BucketCost("redraw", rank=2, patience=BOARD_PATIENCE),)


def words(slack_channel: str) -> Cost:
    """A message in a thread."""
    return (_post(slack_channel),)


def in_thread(slack_channel: str, job: Job) -> Cost:
    """A message in a thread; a transcript waits behind new messages."""
    if job.payload["post"].get("kind") == PostKind.TRANSCRIPT:
        return (_post(slack_channel, rank=1),)
    return words(slack_channel)


def telling(to: str) -> Cost:
    """A message outside threads, or the first board."""
    return (_post(to, rank=1),)


def new_card(escalation: Escalation, slack_channel: str, *, is_strangers: bool = False) -> Cost:
    """Most urgent first, anonymous visitors after known customers. The card of a claiming agent
    comes first.
    """
    rank = 0 if escalation.owner_id else 1 + 2 * escalation.priority_rank + is_strangers
    return BucketCost(f"card:{slack_channel}", rank), _post(slack_channel)


def _post(slack_channel: str, rank: int = 0) -> BucketCost:
    return BucketCost(f"post:{slack_channel}", rank)


def board(at: Place | None, slack_channel: str) -> Cost:
    """Updating or posting the board."""
    return BOARD if at else telling(slack_channel)


def mark(wanted: ReplyMark | None, shown: ReplyMark | None) -> Cost:
    """A reaction on an agent's message in place of the one that is shown."""
    added = (BucketCost("mark"),) if wanted else ()
    return (BucketCost("unmark"), *added) if shown else added


MOST_POSTS = 12
"""With at most four blocks each, they stay below Slack's limit of 50 blocks."""
MOST_CHARACTERS = 5000
"""In total. They are repeated in the notification text, and Slack refuses slightly above 10,000
characters.
"""

_GATHERED = frozenset({PostKind.CONTACT, PostKind.OURS, PostKind.NOTICE})


def post_of(job: Job) -> Post:
    """Returns the post that a job holds."""
    return outbox.POST_ADAPTER.validate_python(job.payload["post"])


def batch(tx: Transaction, job: Job, now: datetime) -> tuple[Job, ...]:
    """Returns the following jobs that fit into one message, all by the same speaker."""
    return tuple(_fitting(tx, job, now)) if _may_be_gathered(job, now) else ()


def _fitting(tx: Transaction, job: Job, now: datetime) -> Iterator[Job]:
    first = post_of(job)
    room = MOST_CHARACTERS - len(first.spoken)
    for other in store.waiting_behind(tx, job, MOST_POSTS - 1):
        if not _may_be_gathered(other, now):
            return
        post = post_of(other)
        room -= len(post.spoken)
        if room < 0 or _speaker(post) != _speaker(first):
            return
        yield other


def _may_be_gathered(job: Job, now: datetime) -> bool:
    """Excludes posts with reactions, buttons or mentions, and posts that failed together with others."""
    if job.kind != outbox.POST or job.due_at > now or job.error == store.ALONE:
        return False
    post = post_of(job)
    has_more = post.button or post.buttons or post.mentions or post.about or post.feedback
    return post.kind in _GATHERED and not has_more and "message_id" not in job.payload


def _speaker(post: Post) -> tuple[PostKind, str, str]:
    return post.kind, post.name, post.channel


# -- the base of the jobs that post

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


# -- newer blocks that the workspace refuses, remembered for all processes

ASKED_AGAIN = timedelta(days=1)
"""After this time a message tries the block again: Slack may have added it to the workspace."""
READ_AGAIN = timedelta(minutes=1)
"""How long what was read from the database is used."""


class LackingBlocks:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._lock = threading.Lock()
        self._known: frozenset[str] = frozenset()
        self._read_at: datetime | None = None

    def known(self) -> Collection[str]:
        """Returns the types that the workspace refused within ASKED_AGAIN."""
        now = self._clock.now()
        with self._lock:
            if self._read_at is None or not timedelta() <= now - self._read_at < READ_AGAIN:
                with self._database.read() as tx:
                    self._known = workspace.blocks_refused_since(tx, now - ASKED_AGAIN)
                self._read_at = now
            return self._known

    def add(self, types: Collection[str]) -> None:
        """Stores a refusal."""
        with self._database.write() as tx:
            workspace.blocks_refused(tx, types, self._clock.now())
        with self._lock:
            self._read_at = None
