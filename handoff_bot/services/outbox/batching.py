"""Batches waiting posts for one thread into one Slack message, in order."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from handoff_bot.domain.desk import Post, PostKind
from handoff_bot.jobs import store
from handoff_bot.jobs.job import Job
from handoff_bot.services.outbox import outbox
from handoff_bot.storage.transaction import Transaction

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
    has_more = post.button or post.buttons or post.mentions or post.about
    return post.kind in _GATHERED and not has_more and "message_id" not in job.payload


def _speaker(post: Post) -> tuple[PostKind, str, str]:
    return post.kind, post.name, post.channel
