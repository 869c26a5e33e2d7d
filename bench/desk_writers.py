"""The two writers that bench.desk compares: ours, which keeps to Slack's limits, and a naive one."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from handoff_bot.ai.detector.local import LocalDetector
from handoff_bot.clock import SystemClock
from handoff_bot.domain.desk import Place, Post
from handoff_bot.domain.errors import DeskError, DeskLimited
from handoff_bot.domain.signals import Priority
from handoff_bot.jobs.handler import Registry
from handoff_bot.jobs.rate_limits import RateLimiter
from handoff_bot.jobs.worker import Worker
from handoff_bot.services.container import QUEUES
from handoff_bot.services.outbox import outbox, view_models
from handoff_bot.services.outbox.outbox import MoodCheck
from handoff_bot.services.outbox.posts import desk_job_kinds
from handoff_bot.services.outbox.updates import BOARD_PLACE
from handoff_bot.slack.desk import SlackDesk
from handoff_bot.slack.limits import LIMITS
from handoff_bot.storage import escalations, log
from handoff_bot.storage.database import Database
from handoff_bot.storage.models import DeskThread, Escalation

NAIVE_THREADS = 16
"""For words, and as many again for drawings, so that words wait for words alone."""


class Paced:
    """Ours: a row of work for each change."""

    def __init__(self, database: Database, desk: SlackDesk) -> None:
        self._database, self._clock = database, SystemClock()
        check = MoodCheck(LocalDetector.load(), self._clock)
        self._worker = Worker(
            database,
            Registry(QUEUES, desk_job_kinds(database, desk, self._clock, check)),
            self._clock,
            threads=QUEUES,
            sole=True,
            limiter=RateLimiter(LIMITS),
        )
        self._worker.attach()
        self._worker.start()

    def say(self, escalation_id: int, post: Post) -> None:
        """Enqueue it."""
        with self._database.write() as tx:
            outbox.post(tx, _known(escalations.get(tx, escalation_id)), post, self._clock.now())

    def change(self, escalation_id: int, state: str, priority: Priority) -> None:
        """Change the row, and enqueue its redrawing."""
        with self._database.write() as tx:
            row = _change(_known(escalations.get(tx, escalation_id)), state, priority)
            outbox.update_card(tx, row, self._clock.now())

    def close(self) -> None:
        """Leave the rest."""
        self._worker.detach()
        self._worker.stop()


class Naive:
    """One call for each change, at once; told to slow down, it waits as told and tries again."""

    def __init__(self, database: Database, desk: SlackDesk) -> None:
        self._database, self._desk, self._clock = database, desk, SystemClock()
        self._words = ThreadPoolExecutor(NAIVE_THREADS)
        self._drawings = ThreadPoolExecutor(NAIVE_THREADS)
        self._is_over = threading.Event()

    def say(self, escalation_id: int, post: Post) -> None:
        """Post it."""
        with self._database.read() as tx:
            place = place_of(escalations.thread_of(tx, escalation_id))
        self._words.submit(self._insist, lambda: self._desk.post(place, [post], ""))

    def change(self, escalation_id: int, state: str, priority: Priority) -> None:
        """Change the row, redraw the card, redraw the board."""
        with self._database.write() as tx:
            row = _change(_known(escalations.get(tx, escalation_id)), state, priority)
            card, place = (
                view_models.card(tx, row),
                place_of(escalations.thread_of(tx, escalation_id)),
            )
            board, at = (
                view_models.board(tx, self._clock.now()),
                log.preference(tx, BOARD_PLACE, None),
            )
        self._drawings.submit(self._insist, lambda: self._desk.render_card(card, place, ""))
        self._drawings.submit(self._insist, lambda: self._desk.render_board(board, Place(**at), ""))

    def _insist(self, call: Callable[[], object]) -> None:
        while not self._is_over.is_set():
            try:
                call()
            except DeskLimited as error:
                self._is_over.wait(error.retry_after or 1)
            except DeskError:
                self._is_over.wait(1)
            else:
                return

    def close(self) -> None:
        """Give the rest up."""
        self._is_over.set()
        for pool in (self._words, self._drawings):
            pool.shutdown(cancel_futures=True)


def _known(row: Escalation | None) -> Escalation:
    if row is None:
        raise LookupError("no such escalation")
    return row


def place_of(thread: DeskThread | None) -> Place:
    if thread is None:
        raise LookupError("no such thread")
    return Place(thread.slack_channel, thread.ts)


def _change(row: Escalation, state: str, priority: Priority) -> Escalation:
    """What the card and the board both show."""
    row.summary, row.priority, row.priority_rank = state, priority, priority.rank
    return row
