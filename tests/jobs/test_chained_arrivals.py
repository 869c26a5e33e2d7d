"""What an arrival sets in motion is prepared in the transaction that stores it, where a thread is free."""

import threading
from collections import Counter
from contextlib import contextmanager

import pytest
from sqlalchemy import Engine, event

from handoff_bot.clock import SystemClock
from handoff_bot.jobs.handler import ProviderJob, TransactionJob
from handoff_bot.jobs.inbox import Inbox
from handoff_bot.jobs.job import NewJob, enqueue_job
from handoff_bot.jobs.worker import Worker
from handoff_bot.storage.models import Lane, Work

WITHIN = 30
"""Seconds for what takes milliseconds on a quiet machine."""


class Relay(TransactionJob):
    """Has what arrives posted."""

    chained = True
    told = "nobody"

    def __init__(self):
        self.errors = []

    def run(self, tx, job):
        number = job.payload["n"]
        enqueue_job(tx, NewJob("post", "out:1", {"n": number}, job.due_at, key=f"post{number}"))
        if self.errors:
            raise self.errors.pop(0)


class Post(ProviderJob):
    """Calls a provider with it."""

    chained = True
    told = "nobody"

    def __init__(self):
        self.errors = []
        self.calls = []
        self.called = threading.Condition()

    def prepare(self, tx, job):
        if self.errors:
            raise self.errors.pop(0)
        return job.payload["n"]

    def call(self, plan):
        with self.called:
            self.calls.append(plan)
            self.called.notify_all()

    def wait_for(self, count):
        with self.called:
            return self.called.wait_for(lambda: len(self.calls) >= count, WITHIN)


class Rig:
    """A worker whose lanes arrivals start."""

    def __init__(self, database, clock):
        self.database, self.clock = database, clock
        self.relay, self.post = Relay(), Post()
        handlers = {"arrival": self.relay, "post": self.post}
        self.worker = Worker(database, handlers, clock, threads={"in": 2, "out": 2})
        self.worker.attach()
        self.inbox = Inbox(self.worker)

    def arrives(self, number, lane="in:1"):
        return self.inbox.store("arrival", lane, f"key{number}", {"n": number})

    def lane(self, key):
        with self.database.read() as tx:
            return tx.session.get(Lane, key)

    def rows(self):
        with self.database.read() as tx:
            return [
                (row.kind, row.status, row.begun_at is not None)
                for row in tx.session.query(Work).order_by(Work.id)
            ]


@pytest.fixture
def rig(database, clock):
    return Rig(database, clock)


@contextmanager
def commits():
    counted = Counter()

    def commit(connection):
        counted["commits"] += 1

    event.listen(Engine, "commit", commit)
    try:
        yield counted
    finally:
        event.remove(Engine, "commit", commit)


def test_all_of_it_is_one_commit_before_the_provider_is_called(rig):
    with rig.worker.stepping():
        with commits() as counted:
            assert rig.arrives(1)
        assert rig.rows() == [("arrival", "done", False), ("post", "ready", True)]
        assert rig.post.calls == []
        assert counted["commits"] == 1
    assert rig.post.calls == [1]
    assert rig.rows() == [("arrival", "done", False), ("post", "done", False)]


def test_without_a_free_thread_it_is_only_stored(rig):
    assert rig.arrives(1)
    assert rig.rows() == [("arrival", "ready", False)]
    rig.worker.run_until_idle()
    assert rig.post.calls == [1]


def test_the_same_arrival_again_sets_nothing_in_motion(rig):
    with rig.worker.stepping():
        assert rig.arrives(1)
    with rig.worker.stepping():
        assert not rig.arrives(1)
    assert rig.post.calls == [1]


@pytest.mark.parametrize("backend", ["sqlite"])  # elsewhere the lane is locked by its row
def test_an_arrival_that_is_done_in_its_commit_opens_no_lane(rig):
    with rig.worker.stepping():
        assert rig.arrives(1)
        assert rig.lane("in:1") is None
    assert rig.post.calls == [1]


def test_an_arrival_that_still_needs_a_call_leaves_its_lane_leased(rig):
    with rig.worker.stepping():
        assert rig.inbox.store("post", "out:9", "key9", {"n": 9})
        assert rig.lane("out:9").leased_by == rig.worker.heartbeat.id
        assert rig.post.calls == []
    assert rig.post.calls == [9]
    assert rig.lane("out:9").leased_by is None


def test_an_arrival_behind_one_that_waits_is_not_prepared_before_it(rig):
    assert rig.arrives(1)
    with rig.worker.stepping():
        assert rig.arrives(2)
        assert rig.rows() == [("arrival", "ready", False)] * 2
    rig.worker.run_until_idle()
    assert rig.post.calls == [1, 2]


@pytest.mark.parametrize("which", ["relay", "post"])
def test_a_bug_in_what_follows_refuses_no_arrival_and_leaves_no_half_of_it(rig, which):
    getattr(rig, which).errors = [RuntimeError("a bug")]
    with rig.worker.stepping():
        assert rig.arrives(1)
        assert rig.rows() == [("arrival", "ready", False)]
    rig.worker.run_until_idle()
    rig.clock.advance(minutes=5)
    rig.worker.run_until_idle()
    assert rig.post.calls == [1]


def test_arrivals_of_one_lane_that_share_a_commit_keep_their_order(database):
    rig = Rig(database, SystemClock())
    rig.worker.start()
    try:
        for first in range(0, 20, 4):
            arrive_together(rig, range(first, first + 4))
            assert rig.post.wait_for(first + 4)
    finally:
        rig.worker.stop()
    assert rig.post.calls == list(range(20))


def arrive_together(rig, numbers):
    """Each waits for the writer, in order, so that they share a batch."""
    threads = [threading.Thread(target=rig.arrives, args=(number,)) for number in numbers]
    with rig.inbox._writing:
        for waiting, thread in enumerate(threads, 1):
            thread.start()
            while len(rig.inbox._waiting) < waiting:
                threading.Event().wait(0.001)
    for thread in threads:
        thread.join()


def test_arrivals_of_many_lanes_that_share_a_commit_are_each_handled_once(database):
    rig = Rig(database, SystemClock())
    rig.worker.start()
    threads = [
        threading.Thread(target=rig.arrives, args=(number, f"in:{number}")) for number in range(24)
    ]
    try:
        with rig.inbox._writing:
            for thread in threads:
                thread.start()
            while len(rig.inbox._waiting) < len(threads):
                threading.Event().wait(0.001)
        for thread in threads:
            thread.join()
        assert rig.post.wait_for(24)
    finally:
        rig.worker.stop()
    assert sorted(rig.post.calls) == list(range(24))
