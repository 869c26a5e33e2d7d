"""Rate-limit costs and priorities of Slack jobs.

Customers' messages come before card updates, and those before the board. New cards count as
messages, but only a limited number per minute: in a surge the rest is posted late, by priority, and
the board shows them meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from handoff_bot.domain.delivery import ReplyMark
from handoff_bot.domain.desk import Place, Post, PostKind
from handoff_bot.jobs import store
from handoff_bot.jobs.job import Job
from handoff_bot.jobs.rate_limits import BucketCost, Cost
from handoff_bot.services.outbox import outbox
from handoff_bot.storage.models import Escalation
from handoff_bot.storage.transaction import Transaction

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
