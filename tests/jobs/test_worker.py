"""Jobs in lanes: order, leases, retries, begun and done, given up; on both databases."""

import threading
from collections import defaultdict
from datetime import timedelta

import pytest

from handoff_bot.clock import SystemClock
from handoff_bot.domain.errors import DeliveryError, OutcomeUnknown
from handoff_bot.jobs import handler, leases, store
from handoff_bot.jobs.handler import ProviderJob
from handoff_bot.jobs.job import NewJob, enqueue_job
from handoff_bot.jobs.worker import Worker
from handoff_bot.storage import models
from handoff_bot.storage.database import Database
from handoff_bot.storage.models import Work


class Recorder(ProviderJob):
    """Writes down what it was called with, and fails as told."""

    def __init__(self, repeatable: bool = False) -> None:
        self.repeatable = repeatable
        self.calls: list = []
        self.errors: list[Exception] = []
        self.failed: list = []
        self.found: list = []
        self.asked = 0

    def prepare(self, tx, job):
        return job.payload

    def call(self, plan):
        self.calls.append(plan["n"])
        if self.errors:
            raise self.errors.pop(0)

    def recover(self, job, begun_at):
        self.asked += 1
        return self.found.pop(0) if self.found else None

    def on_failed(self, tx, job, plan, error):
        self.failed.append(job.payload["n"])


def temporary() -> DeliveryError:
    return DeliveryError("busy", permanent=False)


def permanent() -> DeliveryError:
    return DeliveryError("no such number", permanent=True)


@pytest.fixture
def recorder():
    return Recorder()


@pytest.fixture
def worker(database, clock, recorder):
    return Worker(database, {"job": recorder}, clock, threads={"a": 4, "b": 4})


def enqueue(database, clock, n, lane="a:1", **options):
    with database.write() as tx:
        enqueue_job(tx, NewJob("job", lane, {"n": n}, clock.now(), **options))


def statuses(database) -> dict:
    with database.read() as tx:
        rows = tx.session.query(Work)  # besides, the admins are told of what is given up
        return {row.payload["n"]: row.status for row in rows if "n" in row.payload}


def test_rows_of_a_lane_run_in_order(worker, database, clock, recorder):
    for n in range(60):
        enqueue(database, clock, n)
    worker.run_until_idle()
    assert recorder.calls == list(range(60))


def test_a_failing_row_holds_its_lane_and_no_other(worker, database, clock, recorder):
    recorder.errors = [temporary()]
    for n, lane in enumerate(["a:1", "a:1", "b:2"]):
        enqueue(database, clock, n, lane)
    worker.run_until_idle()
    assert recorder.calls == [0, 2]
    clock.advance(seconds=1)
    worker.run_until_idle()
    assert recorder.calls == [0, 2, 0, 1]


def test_the_provider_says_when_to_come_back(worker, database, clock, recorder):
    recorder.errors = [DeliveryError("slow down", permanent=False, retry_after=30)]
    enqueue(database, clock, 1)
    worker.run_until_idle()
    clock.advance(seconds=29)
    worker.run_until_idle()
    assert recorder.calls == [1]
    clock.advance(seconds=2)
    worker.run_until_idle()
    assert recorder.calls == [1, 1]


def test_a_hopeless_row_is_given_up_and_the_lane_goes_on(worker, database, clock, recorder):
    recorder.errors = [permanent()]
    enqueue(database, clock, 1)
    enqueue(database, clock, 2)
    worker.run_until_idle()
    assert recorder.failed == [1]
    assert statuses(database) == {1: "failed", 2: "done"}


def test_temporary_trouble_is_given_up_after_its_time(worker, database, clock, recorder):
    enqueue(database, clock, 1)
    for _ in range(8):
        recorder.errors = [temporary()]
        worker.run_until_idle()
        clock.advance(hours=1)
    assert recorder.failed == [1]
    assert len(recorder.calls) == 6  # four hours, and the try that found them over


def test_a_bug_is_tried_five_times_and_tells_nothing_of_what_it_held(
    worker, database, clock, recorder
):
    enqueue(database, clock, 1)
    for _ in range(7):
        recorder.errors = [RuntimeError("+15551234567 said: my secret")]
        worker.run_until_idle()
        clock.advance(minutes=2)
    assert len(recorder.calls) == 5
    with database.read() as tx:
        (error,) = [row.error for row in tx.session.query(Work) if row.kind == "job"]
    assert error == "RuntimeError"


NEWER = "from a newer version"


@pytest.fixture
def newer(database, clock, recorder):
    """A worker of the version that knows the kind."""
    return Worker(database, {"job": recorder, NEWER: recorder}, clock, threads={"a": 4, "b": 4})


def attempts(database) -> list[int]:
    with database.read() as tx:
        return [row.attempts for row in tx.session.query(Work).order_by(Work.id)]


def test_a_job_of_an_unknown_kind_is_left_to_a_newer_program(
    worker, newer, database, clock, recorder
):
    with database.write() as tx:
        enqueue_job(tx, NewJob(NEWER, "a:1", {"n": 1}, clock.now()))
    enqueue(database, clock, 2)
    enqueue(database, clock, 3, "a:2")
    for _ in range(20):
        worker.run_until_idle()
        clock.advance(seconds=5)
    assert recorder.calls == [3], "its lane keeps its order, the others run"
    assert attempts(database) == [0, 0, 0]
    clock.advance(minutes=1)
    newer.run_until_idle()
    assert recorder.calls == [3, 1, 2]
    assert set(statuses(database).values()) == {"done"}


def test_a_lane_is_looked_at_more_seldom_the_longer_no_newer_program_comes(worker, database, clock):
    with database.write() as tx:
        enqueue_job(tx, NewJob(NEWER, "a:1", {"n": 1}, clock.now()))
    looked = 0
    for _ in range(1200):
        looked += worker.run_until_idle()
        clock.advance(seconds=1)
    assert 20 <= looked <= 40, "at 1, 2, 4 … 64 seconds, then once a minute for 20 minutes"


def test_a_job_of_an_unknown_kind_fails_when_no_newer_program_came_within_an_hour(
    worker, database, clock
):
    with database.write() as tx:
        enqueue_job(tx, NewJob(NEWER, "a:1", {"n": 1}, clock.now()))
    worker.run_until_idle()
    clock.advance(minutes=59)
    worker.run_until_idle()
    assert attempts(database) == [0]
    for _ in range(6):
        clock.advance(minutes=2)
        worker.run_until_idle()
    assert statuses(database) == {1: "failed"}


def test_a_job_of_an_unknown_kind_that_was_due_long_ago_is_left_for_an_hour_too(
    worker, newer, database, clock, recorder
):
    """It waited behind another job, or all processes were stopped."""
    with database.write() as tx:
        enqueue_job(tx, NewJob(NEWER, "a:1", {"n": 1}, clock.now()))
    clock.advance(minutes=61)
    for _ in range(80):
        worker.run_until_idle()
        clock.advance(seconds=40)
    assert attempts(database) == [0]
    newer.run_until_idle()
    assert recorder.calls == [1]


def test_an_unknown_outcome_is_looked_up_before_the_call_is_made_again(
    worker, database, clock, recorder
):
    recorder.errors = [OutcomeUnknown("timeout")]
    enqueue(database, clock, 1)
    worker.run_until_idle()
    recorder.found = [({"n": 1}, "receipt")]
    clock.advance(minutes=1)
    worker.run_until_idle()
    assert recorder.calls == [1]
    assert recorder.asked == 1
    assert statuses(database) == {1: "done"}


def test_what_had_no_effect_is_called_again(worker, database, clock, recorder):
    recorder.errors = [OutcomeUnknown("timeout")]
    enqueue(database, clock, 1)
    worker.run_until_idle()
    clock.advance(minutes=1)
    worker.run_until_idle()
    assert (recorder.calls, recorder.asked) == ([1, 1], 1)


def test_a_repeatable_row_is_never_marked_as_begun(database, clock):
    recorder = Recorder(repeatable=True)
    recorder.errors = [temporary()]
    worker = Worker(database, {"job": recorder}, clock, threads={"a": 1})
    enqueue(database, clock, 1)
    worker.run_until_idle()
    with database.read() as tx:
        assert tx.session.query(Work).one().begun_at is None


def test_a_key_makes_work_unique_for_ever(worker, database, clock, recorder):
    for _ in range(2):
        enqueue(database, clock, 1, key="sms:SM1")
        worker.run_until_idle()
    assert recorder.calls == [1]


def test_redraws_that_wait_are_one(worker, database, clock, recorder):
    recorder.coalesces = True
    for n in range(5):
        enqueue(database, clock, n, key="draw:1", coalesce=True)
    worker.run_until_idle()
    enqueue(database, clock, 5, key="draw:1", coalesce=True)
    worker.run_until_idle()
    assert recorder.calls == [0, 5]


def test_a_dead_workers_lane_is_taken_over_and_its_begun_row_is_looked_up(
    database, clock, recorder
):
    enqueue(database, clock, 1)
    with database.write() as tx:  # a worker that leased, began, and was killed
        leases.join(tx, "dead", clock.now() + timedelta(seconds=5))
        leases.lease(tx, "dead", "a", clock.now(), 1)
        job = store.head(tx, "a:1")
        assert job
        store.begin(tx, job, clock.now())
    survivor = Worker(database, {"job": recorder}, clock, threads={"a": 1})
    assert survivor.run_until_idle() == 0
    clock.advance(seconds=6)
    survivor.run_until_idle()
    assert (recorder.asked, recorder.calls) == (1, [1])


def test_a_worker_that_lost_its_lease_commits_nothing(database, clock):
    class Slow(Recorder):
        def call(self, plan):
            super().call(plan)
            with database.write() as tx:  # meanwhile somebody else takes the lane over
                tx.change(models.Worker, alive_until=clock.now() - timedelta(seconds=1))
                leases.join(tx, "other", clock.now() + timedelta(hours=1))
                leases.lease(tx, "other", "a", clock.now(), 1)

    slow = Slow()
    enqueue(database, clock, 1)
    Worker(database, {"job": slow}, clock, threads={"a": 1}).run_until_idle()
    assert statuses(database) == {1: "ready"}


class Counted(ProviderJob):
    """Notes what it was called for, by lane, until there have been so many calls."""

    def __init__(self, calls, *, chained=False):
        self.chained = chained
        self.done = defaultdict(list)
        self.finished = threading.Event()
        self._left = calls
        self._guard = threading.Lock()

    def prepare(self, tx, job):
        return job

    def call(self, plan):
        with self._guard:
            self.done[plan.lane].append(plan.payload["n"])
            self._left -= 1
            if not self._left:
                self.finished.set()


@pytest.mark.parametrize("workers", [1, 3])
def test_threads_keep_the_order_of_every_lane(database, workers):
    """Real threads, real clock: 12 lanes, 240 rows, by one and by three workers at once."""
    clock, counted = SystemClock(), Counted(240)
    several = [
        Worker(database, {"job": counted}, clock, threads={"a": 4}, poll=0.1)
        for _ in range(workers)
    ]
    for one in several:
        one.start()
    try:
        for n in range(20):
            with database.write() as tx:
                for lane in range(12):
                    enqueue_job(tx, NewJob("job", f"a:{lane}", {"n": n}, clock.now()))
            several[n % workers].wake()
        assert counted.finished.wait(60)
    finally:
        for one in several:
            one.stop()
    assert counted.done == {f"a:{lane}": list(range(20)) for lane in range(12)}


@pytest.mark.parametrize("workers", [1, 2])
def test_threads_go_on_with_lanes_that_wait_for_one(database, database_url, workers):
    """As in operation, where workers start what is enqueued: more lanes than threads, in order, once."""
    clock, counted = SystemClock(), Counted(400, chained=True)
    databases = [database, *(Database(database_url) for _ in range(workers - 1))]
    several = [Worker(one, {"job": counted}, clock, threads={"a": 3}) for one in databases]
    for one in several:
        one.attach()
        one.start()
    try:
        for n in range(10):
            for lane in range(40):
                with databases[lane % workers].write() as tx:
                    enqueue_job(tx, NewJob("job", f"a:{lane}", {"n": n}, clock.now()))
        assert counted.finished.wait(60)
    finally:
        for one in several:
            one.stop()
            one.detach()
        for one in databases[1:]:
            one.close()
    assert counted.done == {f"a:{lane}": list(range(10)) for lane in range(40)}
    assert all(one._free == {"a": 3} for one in several)


def test_a_job_that_is_due_later_takes_no_thread_until_then(worker, database, clock, recorder):
    worker.attach()
    try:
        with worker.stepping():
            with database.write() as tx:
                enqueue_job(tx, NewJob("job", "a:1", {"n": 1}, clock.now() + timedelta(minutes=1)))
                enqueue_job(tx, NewJob("job", "a:2", {"n": 2}, clock.now()))
            with database.read() as tx:
                held = {lane.key: lane.grant is not None for lane in tx.session.query(models.Lane)}
    finally:
        worker.detach()
    assert held == {"a:1": False, "a:2": True}
    assert recorder.calls == [2]
    clock.advance(minutes=1)
    worker.run_until_idle()
    assert recorder.calls == [2, 1]


def test_a_row_appended_while_the_lane_is_let_go_of_is_not_stranded(database, database_url, clock):
    """While a worker looks for the next row of its lane and finds none, another process appends one."""
    if database.is_sqlite:
        pytest.skip("one writer at a time: it cannot happen")
    recorder = Recorder(repeatable=True)
    worker = Worker(database, {"job": recorder}, clock, threads={"a": 1})
    other = Database(database_url)
    original, appended = leases.check_lease, []

    def append_meanwhile(tx, lane, grant):
        original(tx, lane, grant)
        if store.head(tx, lane) is None and not appended:
            appended.append(threading.Thread(target=enqueue, args=(other, clock, 2)))
            appended[0].start()
            appended[0].join(0.3)  # it waits for the lane, or has committed

    enqueue(database, clock, 1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(leases, "check_lease", append_meanwhile)
        worker.run_until_idle()
    appended[0].join()
    worker.run_until_idle()
    other.close()
    assert recorder.calls == [1, 2]


def test_picking_a_redraw_up_and_asking_for_another_cannot_deadlock(database, database_url, clock):
    """One holds the lane and wants the row; the other must not hold the row and want the lane."""
    if database.is_sqlite:
        pytest.skip("one writer at a time: it cannot happen")
    other, errors, asking = Database(database_url), [], []

    def ask():
        try:
            with other.write() as tx:
                enqueue_job(
                    tx, NewJob("job", "a:draw", {"n": 2}, clock.now(), key="draw", coalesce=True)
                )
        except Exception as error:
            errors.append(error)

    original = store.forget_key

    def ask_meanwhile(tx, job):
        original(tx, job)
        if not asking:
            asking.append(threading.Thread(target=ask))
            asking[0].start()
            asking[0].join(0.3)

    recorder = Recorder(repeatable=True)
    recorder.coalesces = True
    worker = Worker(database, {"job": recorder}, clock, threads={"a": 1})
    enqueue(database, clock, 1, "a:draw", key="draw", coalesce=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "forget_key", ask_meanwhile)
        worker.run_until_idle()
    asking[0].join()
    worker.run_until_idle()
    other.close()
    assert errors == []
    assert recorder.calls == [1, 2]


def test_a_retry_of_a_call_of_unknown_outcome_says_nothing_of_a_later_call(
    worker, database, clock, recorder
):
    """Nobody knows of either call whether it had an effect; then the first one turns out to have had one."""
    recorder.batches = True
    enqueue(database, clock, 1)
    recorder.errors = [OutcomeUnknown("no answer") for _ in range(9)]
    worker.run_until_idle()
    with database.write() as tx:
        job = store.head(tx, "a:1")
        store.fail(tx, job, clock.now(), "no answer")
    clock.advance(minutes=1)
    enqueue(database, clock, 2, lane="a:1")
    worker.run_until_idle()
    assert (recorder.calls, statuses(database)) == ([1, 2], {1: "failed", 2: "ready"})

    with database.write() as tx:
        handler.make_ready(tx, handler.failed_job(tx, 1), {"n": 1}, clock.now())
    recorder.found, recorder.errors = [({"n": 1}, "receipt")], []
    clock.advance(minutes=1)
    worker.run_until_idle()
    assert (recorder.calls, statuses(database)) == ([1, 2, 2], {1: "done", 2: "done"})


def test_nothing_found_is_believed_only_once_the_effect_must_have_appeared(
    database, clock, recorder
):
    """The worker that began the call may only be slow, and its request on its way."""
    settle = timedelta(seconds=5)
    worker = Worker(database, {"job": recorder}, clock, threads={"a": 1}, settle=settle)
    recorder.errors = [OutcomeUnknown("no response")]
    with database.write() as tx:
        enqueue_job(tx, NewJob("job", "a:1", {"n": 1}, due_at=clock.now()))
    for seconds in (0, 2, 2):
        clock.advance(seconds=seconds)
        worker.run_until_idle()
    assert (recorder.calls, recorder.asked) == ([1], 1)
    clock.advance(seconds=3)
    worker.run_until_idle()
    assert (recorder.calls, recorder.asked) == ([1, 1], 2)


def test_what_is_found_is_not_waited_for(database, clock, recorder):
    settle = timedelta(seconds=5)
    worker = Worker(database, {"job": recorder}, clock, threads={"a": 1}, settle=settle)
    recorder.errors, recorder.found = [OutcomeUnknown("no response")], [({"n": 1}, None)]
    with database.write() as tx:
        enqueue_job(tx, NewJob("job", "a:1", {"n": 1}, due_at=clock.now()))
    worker.run_until_idle()
    clock.advance(seconds=2)
    worker.run_until_idle()
    assert recorder.calls == [1]
    with database.read() as tx:
        assert store.head(tx, "a:1") is None
