"""Leases: whose a lane is, however late a heartbeat is and whatever leaves a lane; on both databases."""

import contextlib
import itertools
import threading
from datetime import timedelta

import pytest
from sqlalchemy import text

from handoff_bot.clock import SystemClock
from handoff_bot.domain.errors import DatabaseAway, DeliveryError, LeaseLost
from handoff_bot.jobs import leases, store
from handoff_bot.jobs.handler import AWAY_ATTEMPTS
from handoff_bot.jobs.job import NewJob, enqueue_job, enqueuer_of
from handoff_bot.jobs.leases import Heartbeat
from handoff_bot.jobs.worker import Worker
from handoff_bot.storage import models, transaction
from handoff_bot.storage.database import Database
from handoff_bot.storage.models import Lane, Work
from tests.jobs.test_worker import Recorder, enqueue, statuses

LEASE = 5.0
PATIENCE = 60


@pytest.fixture
def recorder():
    return Recorder()


@pytest.fixture
def worker(database, clock, recorder):
    return Worker(database, {"job": recorder}, clock, threads={"a": 4}, ttl=LEASE)


def leased(database, clock, worker="me", limit=1):
    with database.write() as tx:
        return leases.lease(tx, worker, "a", clock.now(), limit)


def join(database, clock, worker, seconds=LEASE):
    with database.write() as tx:
        leases.join(tx, worker, clock.now() + timedelta(seconds=seconds))


@pytest.mark.parametrize("seconds", [0, 4, 6, 3600])
def test_a_worker_never_leases_a_lane_that_it_holds(database, clock, seconds):
    enqueue(database, clock, 1)
    join(database, clock, "me")
    assert list(leased(database, clock)) == ["a:1"]
    clock.advance(seconds=seconds)
    assert leased(database, clock) == {}
    with database.read() as tx:
        assert leases.next_due(tx, clock.now(), "me") == {}


@pytest.mark.parametrize(("seconds", "taken"), [(0, []), (4, []), (6, ["a:1"])])
def test_another_worker_leases_a_lane_when_its_holder_is_silent_for_too_long(
    database, clock, seconds, taken
):
    enqueue(database, clock, 1)
    join(database, clock, "me")
    leased(database, clock)
    clock.advance(seconds=seconds)
    join(database, clock, "other")
    assert list(leased(database, clock, "other")) == taken


@pytest.mark.parametrize("seconds", [0, 4, 6])
def test_one_worker_whose_heartbeat_is_late_makes_a_call_once(
    worker, database, clock, recorder, seconds
):
    """Its dispatcher looks for lanes while a thread of its own waits for the provider."""

    def meanwhile():
        clock.advance(seconds=seconds)
        assert not worker.run_once()

    enqueue(database, clock, 1)
    recorder.call = calling(recorder, meanwhile)
    worker.run_until_idle()
    assert (recorder.calls, recorder.asked, statuses(database)) == ([1], 0, {1: "done"})


def calling(recorder, meanwhile):
    """The call of a recorder, during which something happens, once."""
    plain = recorder.call

    def call(plan):
        plain(plan)
        recorder.call = plain
        meanwhile()

    return call


def test_what_an_old_lease_wrote_down_does_not_count_under_a_new_one(database, clock):
    """The same worker leases the lane again; a thread of before is still there."""
    enqueue(database, clock, 1)
    join(database, clock, "me")
    old = leased(database, clock)["a:1"]
    clock.advance(seconds=6)
    join(database, clock, "other")
    with database.write() as tx:
        leases.release(
            tx, "a:1", leases.lease(tx, "other", "a", clock.now(), 1)["a:1"], clock.now()
        )
    new = leased(database, clock)["a:1"]
    for write in (
        lambda tx: leases.check_lease(tx, "a:1", old),
        lambda tx: leases.release(tx, "a:1", old, None),
    ):
        with pytest.raises(LeaseLost), database.write() as tx:
            write(tx)
    with database.write() as tx:
        leases.check_lease(tx, "a:1", new)


def test_a_worker_leases_no_lane_that_its_thread_still_runs_even_if_others_had_it_since(
    worker, database, clock, recorder
):
    def others_take_it_over_and_give_it_back():
        clock.advance(seconds=6)
        join(database, clock, "other")
        with database.write() as tx:
            leases.bury(tx, dead_since=clock.now())
            taken = leases.lease(tx, "other", "a", clock.now(), 1)
            leases.release(tx, "a:1", taken["a:1"], clock.now())
        assert not worker.run_once()

    enqueue(database, clock, 1)
    recorder.call = calling(recorder, others_take_it_over_and_give_it_back)
    assert worker.run_once()
    assert statuses(database) == {1: "ready"}
    recorder.found = [({"n": 1}, "receipt")]
    worker.run_until_idle()
    assert (recorder.calls, recorder.asked, statuses(database)) == ([1], 1, {1: "done"})


@pytest.mark.parametrize("beats", [False, True], ids=["no beat", "a late beat"])
def test_a_thread_frozen_right_before_its_call_does_not_make_it_when_others_have_the_lane(
    worker, database, database_url, clock, recorder, beats
):
    """Also when another of its threads wakes first, and tells the database that the worker lives."""
    plain, others = worker._run._confirm, Database(database_url)

    def frozen(lane, grant, since):
        clock.advance(seconds=6)
        join(others, clock, "other")
        leased(others, clock, "other")
        if beats:
            worker.heartbeat.prolong()
        plain(lane, grant, since)

    worker._run._confirm = frozen
    enqueue(database, clock, 1)
    worker.run_once()
    others.close()
    assert recorder.calls == []
    with database.read() as tx:  # it has left the lane, and nothing has failed
        assert (tx.session.get_one(Lane, "a:1").leased_by, statuses(database)) == (
            "other",
            {1: "ready"},
        )
        assert tx.session.get_one(Work, 1).error == ""


def test_a_late_worker_whose_lanes_nobody_took_goes_on_with_its_call(
    worker, database, clock, recorder
):
    plain = recorder.prepare

    def prepare(tx, job):
        clock.advance(seconds=6)
        return plain(tx, job)

    recorder.prepare = prepare
    enqueue(database, clock, 1)
    worker.run_once()
    assert (recorder.calls, statuses(database)) == ([1], {1: "done"})


def test_a_heartbeat_waits_for_no_other_transaction(database_url, database, clock):
    """On SQLite behind the writer's turn, on PostgreSQL for a pool whose connections are all taken."""
    small = Database(database_url, pool_size=1)
    taken = [small.write() for _ in range(0 if small.is_sqlite else 5)]
    for one in taken:
        assert one.__enter__().core
    if small._group:
        small._group._take_turn(until=0.0)
    with small.heartbeat() as tx:
        leases.join(tx, "me", clock.now() + timedelta(hours=1))
    for one in taken:
        one.__exit__(None, None, None)
    small.close()
    with database.read() as tx:
        assert [row.id for row in tx.session.query(models.Worker)] == ["me"]


def test_burying_the_dead_waits_for_none_of_them(database_url, database, clock):
    if database.is_sqlite:
        pytest.skip("no locks on rows")
    join(database, clock, "frozen")
    clock.advance(seconds=60)
    other = Database(database_url)
    with other.write() as holding:
        holding.session.get(models.Worker, "frozen", with_for_update=True)
        with database.heartbeat() as tx:
            leases.bury(tx, dead_since=clock.now())
    other.close()


def test_a_frozen_process_does_not_keep_its_locks_for_ever(database):
    """PostgreSQL ends the transaction of a client that is silent; others wait for its locks until then."""
    if database.is_sqlite:
        pytest.skip("a setting of PostgreSQL's")
    with database.write() as tx:
        setting = text("SHOW idle_in_transaction_session_timeout")
        assert tx.core.execute(setting).scalar_one() == "15s"


# -- whatever leaves a lane


class Awaited(Recorder):
    """Says when all its jobs were called, in real threads."""

    def __init__(self, count):
        super().__init__()
        self.is_done = threading.Event()
        self.count = count

    def finish(self, tx, job, plan, result):
        self.count -= 1
        if not self.count:
            self.is_done.set()


@pytest.fixture
def working(database, monkeypatch):
    """Starts lanes with real threads and the real clock."""
    monkeypatch.setattr(leases, "REST", timedelta())
    monkeypatch.setattr("handoff_bot.jobs.handler.FIRST_DELAY", 0.01)
    begun = []

    def start(handler, threads=2):
        worker = Worker(
            database, {"job": handler}, SystemClock(), threads={"a": threads}, poll=0.05
        )
        begun.append(worker)
        worker.attach()
        worker.start()
        return worker

    yield start
    for worker in begun:
        worker.stop()


def broken_once(monkeypatch, module, name, error):
    """A function that fails the first time."""
    plain, errors = getattr(module, name), [error]

    def broken(*args, **kwargs):
        if errors:
            raise errors.pop()
        return plain(*args, **kwargs)

    monkeypatch.setattr(module, name, broken)


@pytest.mark.parametrize("error", [RuntimeError("a bug"), DatabaseAway("gone")])
@pytest.mark.parametrize(
    ("module", "name"),
    [
        (store, "head"),
        (store, "begin"),
        (store, "complete"),
        (leases, "release"),
        (store, "retry_at"),
    ],
)
def test_whatever_leaves_a_lane_lets_it_go(
    database, monkeypatch, working, caplog, module, name, error
):
    handler = Awaited(2)
    handler.errors = [DeliveryError("busy", permanent=False)]
    broken_once(monkeypatch, module, name, error)
    working(handler)
    for n in (1, 2):
        enqueue(database, SystemClock(), n)
    assert handler.is_done.wait(PATIENCE)
    assert "failed" in caplog.text or "left" in caplog.text or "waits" in caplog.text


@pytest.mark.parametrize("permanent", [False, True])
def test_a_handler_that_fails_in_handling_its_failure_does_not_hold_its_lane(
    worker, database, clock, recorder, permanent
):
    def fail(*_):
        raise RuntimeError("a bug in on_retry or on_failed")

    recorder.on_retry = recorder.on_failed = fail
    recorder.errors = [DeliveryError("no", permanent=permanent) for _ in range(2)]
    for n in (1, 2):
        enqueue(database, clock, n)
    for _ in range(4):
        worker.run_until_idle()
        clock.advance(minutes=2)
    assert statuses(database) == {1: "failed" if permanent else "done", 2: "done"}


def test_an_outcome_is_recorded_when_the_database_is_back_and_the_call_not_made_again(
    worker, database, clock, recorder, monkeypatch
):
    monkeypatch.setattr("handoff_bot.jobs.runner.RECORD_AGAIN", 0.0)
    away = [DatabaseAway("gone") for _ in range(3)]

    def finish(tx, job, plan, result):
        if away:
            raise away.pop()

    recorder.finish = finish
    enqueue(database, clock, 1)
    worker.run_until_idle()
    assert (recorder.calls, recorder.asked, statuses(database)) == ([1], 0, {1: "done"})


def test_a_lane_of_a_commit_that_nobody_confirmed_is_run(database, monkeypatch, working):
    """The database has committed, and its answer was lost: the lane is leased, and no thread has it."""
    handler = Awaited(1)
    working(handler)
    plain = transaction._Batch.end
    dialect, this_thread = database.engine.dialect, threading.get_ident()
    commit = dialect.do_commit

    def commit_and_lose_the_answer(connection):
        commit(connection)
        if threading.get_ident() == this_thread:
            monkeypatch.setattr(dialect, "do_commit", commit)
            raise DatabaseAway("connection lost")

    def end_without_an_answer(batch, error=None):
        monkeypatch.setattr(transaction._Batch, "end", plain)
        plain(batch, error or DatabaseAway("connection lost"))

    def enqueue_and_lose_the_answer():
        with database.write() as tx:
            enqueue_job(tx, NewJob("job", "a:1", {"n": 1}, SystemClock().now()))
            enqueuer_of(tx).flush()
            if database.is_sqlite:
                monkeypatch.setattr(transaction._Batch, "end", end_without_an_answer)
            else:
                monkeypatch.setattr(dialect, "do_commit", commit_and_lose_the_answer)

    with pytest.raises(DatabaseAway):
        enqueue_and_lose_the_answer()
    assert handler.is_done.wait(PATIENCE)


def test_the_slots_of_threads_that_were_left_are_free_again(database, monkeypatch, working):
    handler = Awaited(20)
    errors = [RuntimeError("a bug") for _ in range(8)]
    plain = store.head

    def head(tx, lane):
        if errors:
            raise errors.pop()
        return plain(tx, lane)

    monkeypatch.setattr(store, "head", head)
    working(handler)
    for n in range(20):
        enqueue(database, SystemClock(), n, f"a:{n % 5}")
    assert handler.is_done.wait(PATIENCE)
    with database.read() as tx:
        assert {row.status for row in tx.session.query(Work)} <= {"done", "ready"}
        assert tx.session.query(Lane).count() == 5


# -- a job that loses the database


END = "SELECT pg_terminate_backend(pg_backend_pid())"


def losing(recorder, database):
    """Its preparation ends as if PostgreSQL had closed the connection, or with that."""
    tried = []

    def prepare(tx, job):
        tried.append(job.payload["n"])
        if job.payload["n"] == 1 and database.is_sqlite:
            raise DatabaseAway("gone")
        if job.payload["n"] == 1:
            tx.core.execute(text(END))
        return job.payload

    recorder.prepare = prepare
    return tried


def tries(database):
    with database.read() as tx:
        return {row.payload["n"]: row.attempts for row in tx.session.query(Work) if row.payload}


def test_a_job_that_loses_the_database_rests_and_is_given_up_after_its_time(
    worker, database, clock, recorder
):
    tried = losing(recorder, database)
    for n in (1, 2):
        enqueue(database, clock, n)
    worker.run_until_idle(limit=3)
    assert (tried, tries(database)) == ([1], {1: 1, 2: 0})
    for _ in range(AWAY_ATTEMPTS - 2):
        clock.advance(minutes=2)
        worker.run_until_idle(limit=3)
    clock.advance(hours=4)
    assert statuses(database) == {1: "ready", 2: "ready"}
    worker.run_until_idle(limit=3)
    assert tried == [1] * AWAY_ATTEMPTS + [2]
    assert (recorder.failed, statuses(database)) == ([1], {1: "failed", 2: "done"})


def test_the_end_of_a_long_outage_gives_no_job_up(worker, database, clock, recorder):
    """A job tried often for another reason meets a connection that the outage has closed."""
    enqueue(database, clock, 1)
    recorder.errors = [DeliveryError("busy", permanent=False) for _ in range(30)]
    for _ in range(30):
        worker.run_until_idle()
        clock.advance(minutes=2)
    clock.advance(hours=9)
    losing(recorder, database)
    worker.run_until_idle()
    assert (recorder.failed, statuses(database)) == ([], {1: "ready"})


def unanswered(monkeypatch, database, *places, committed=False):
    """These writing transactions, counted from now, fail at once, or after their commit."""
    plain, numbers = database.write, itertools.count(1)

    @contextlib.contextmanager
    def write(patience=PATIENCE):
        is_lost = next(numbers) in places
        if is_lost and not committed:
            raise DatabaseAway("gone")
        with plain(patience) as tx:
            yield tx
        if is_lost:
            raise DatabaseAway("no response")

    monkeypatch.setattr(database, "write", write)


def test_an_outage_counts_as_no_try_of_the_jobs_that_meet_it(
    worker, database, clock, recorder, monkeypatch
):
    enqueue(database, clock, 1)
    unanswered(monkeypatch, database, 2, 3)  # the preparation, and the record of its failure
    with pytest.raises(DatabaseAway):
        worker.run_once()
    monkeypatch.undo()
    assert tries(database) == {1: 0}


def test_a_job_whose_preparation_was_committed_without_a_response_is_looked_up_first(
    worker, database, clock, recorder, monkeypatch
):
    enqueue(database, clock, 1)
    unanswered(monkeypatch, database, 2, committed=True)
    worker.run_until_idle()
    recorder.found = [({"n": 1}, "receipt")]
    clock.advance(minutes=1)
    worker.run_until_idle()
    assert (recorder.calls, recorder.asked, statuses(database)) == ([], 1, {1: "done"})


# -- is another worker at it already?


@pytest.fixture
def beside(database):
    """Makes heartbeats with the system's clock; their threads end with the test."""
    made = []

    def make(*, beats):
        stopping = threading.Event()
        heartbeat = Heartbeat(database, SystemClock(), 1.0, stopping)
        heartbeat.sign_on(sole=False)
        thread = threading.Thread(target=heartbeat.beat)
        made.append((stopping, thread))
        if beats:
            thread.start()
        return heartbeat

    yield make
    for stopping, thread in made:
        stopping.set()
        if thread.is_alive():
            thread.join()


def test_a_worker_that_beats_is_company(beside):
    beside(beats=True)
    mine, contact = beside(beats=False), SystemClock().now()
    assert mine.has_company_since(contact)


def test_a_killed_worker_is_no_company_although_its_heartbeat_has_not_expired(beside):
    beside(beats=False)
    mine, contact = beside(beats=False), SystemClock().now()
    assert not mine.has_company_since(contact)


def test_workers_that_started_with_this_one_are_no_company(beside):
    contact = SystemClock().now()
    beside(beats=True)
    assert not beside(beats=False).has_company_since(contact)


def test_a_worker_of_a_program_that_does_not_say_since_when_it_runs_is_company(database, beside):
    other = beside(beats=True)
    with database.write() as tx:
        tx.core.execute(text("UPDATE worker SET joined_at = NULL WHERE id = :id"), {"id": other.id})
    assert beside(beats=False).has_company_since(SystemClock().now())
