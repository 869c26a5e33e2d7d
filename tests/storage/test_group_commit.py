"""Transactions on SQLite that wait for their turn share one commit; each fails by itself."""

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import event, text

from handoff_bot.domain.errors import DatabaseAway
from handoff_bot.storage.database import Database
from handoff_bot.storage.transaction import MOST_MEMBERS

PATIENCE = 30.0


class Crowd:
    """Writers that all wait while the first one is busy, and the commits that they cost."""

    def __init__(self, path):
        self.database = Database(f"sqlite:///{path}/handoff.db", synchronous="normal")
        with self.database.write() as tx:
            tx.core.execute(text("CREATE TABLE thing (n INTEGER PRIMARY KEY)"))
        self.commits = 0
        event.listen(self.database.engine, "commit", self._committed)

    def _committed(self, connection):
        self.commits += 1

    def run(self, *bodies):
        """Run them at once, the first before the others; what each of them raised, None for nothing."""
        is_busy, all_wait = threading.Event(), threading.Event()

        def first():
            with self.database.write() as tx:
                is_busy.set()
                assert all_wait.wait(PATIENCE)
                bodies[0](tx)

        def other(body):
            with self.database.write() as tx:
                body(tx)

        with ThreadPoolExecutor(len(bodies)) as pool:
            begun = [pool.submit(first)]
            assert is_busy.wait(PATIENCE)
            for number, body in enumerate(bodies[1:], 1):
                begun.append(pool.submit(other, body))
                while len(self.database._group._waiting) < number:
                    threading.Event().wait(0.001)
            all_wait.set()
            return [each.exception(PATIENCE) for each in begun]

    def numbers(self):
        with self.database.read() as tx:
            return [row.n for row in tx.core.execute(text("SELECT n FROM thing ORDER BY n"))]


@pytest.fixture
def crowd(tmp_path):
    made = Crowd(tmp_path)
    yield made
    made.database.close()


def insert(number):
    return lambda tx: tx.core.execute(text("INSERT INTO thing VALUES (:n)"), {"n": number})


def fail(number):
    def body(tx):
        insert(number)(tx)
        raise KeyError(number)

    return body


def test_those_who_wait_share_one_commit(crowd):
    assert crowd.run(*map(insert, range(10))) == [None] * 10
    assert (crowd.numbers(), crowd.commits) == (list(range(10)), 1)


@pytest.mark.parametrize("bad", range(4))
def test_what_fails_is_undone_by_itself(crowd, bad):
    bodies = [fail(n) if n == bad else insert(n) for n in range(4)]
    raised = crowd.run(*bodies)
    assert [type(one) for one in raised if one] == [KeyError]
    assert isinstance(raised[bad], KeyError)
    assert crowd.numbers() == [n for n in range(4) if n != bad]


def test_a_refused_row_undoes_no_other_row(crowd):
    raised = crowd.run(insert(1), insert(2), insert(1), insert(3))
    assert [one is None for one in raised] == [True, True, False, True]
    assert crowd.numbers() == [1, 2, 3]


def test_a_crowd_is_committed_in_parts(crowd):
    count = MOST_MEMBERS + 10
    assert crowd.run(*map(insert, range(count))) == [None] * count
    assert crowd.numbers() == list(range(count))
    assert crowd.commits >= 2


def test_nobody_is_told_that_it_is_stored_when_the_commit_fails(crowd):
    def refuse(connection):
        raise sqlite3.OperationalError("disk I/O error")

    event.listen(crowd.database.engine, "commit", refuse, once=True)
    raised = crowd.run(*map(insert, range(5)))
    assert {type(one) for one in raised} == {DatabaseAway}
    assert crowd.numbers() == []
    assert crowd.run(insert(7)) == [None]


def test_all_fail_when_sqlite_has_undone_the_whole_transaction(crowd):
    """As it does by itself when the disk is full; the connection would go on without a transaction."""

    def disk_full(tx):
        tx.core.connection.dbapi_connection.execute("ROLLBACK")
        insert(9)(tx)

    raised = crowd.run(insert(1), insert(2), disk_full, insert(3))
    assert [isinstance(one, DatabaseAway) for one in raised[:2]] == [True, True]
    assert raised[2] is not None
    assert raised[3] is None
    assert crowd.numbers() in ([3], [3, 9])


def test_who_has_no_turn_in_time_is_refused(crowd):
    with crowd.database.write() as tx, ThreadPoolExecutor(1) as pool:
        insert(1)(tx)

        def impatient():
            with crowd.database.write(patience=0.05) as other:
                insert(2)(other)

        assert isinstance(pool.submit(impatient).exception(PATIENCE), DatabaseAway)
    assert crowd.numbers() == [1]
    assert crowd.run(insert(3)) == [None]


def test_a_wait_for_another_process_ends_soon_after_the_time_asked_for(crowd):
    """An arrival's sender hangs up after 15 s; what an earlier transaction waited does not count."""
    for asked in (15.0, 12.0, 14.0, 8.3, 0.05, 12.0):
        with crowd.database.write(patience=asked) as tx:
            waits = tx.core.execute(text("PRAGMA busy_timeout")).scalar_one() / 1000
        assert asked <= waits <= asked + 2


def test_the_writers_connection_is_kept_until_a_failure_and_given_back_at_the_end(crowd):
    def used():
        with crowd.database.write() as tx:
            return tx.core.connection.dbapi_connection

    kept = used()
    assert used() is kept

    def twice(tx):
        insert(1)(tx)
        insert(1)(tx)

    assert crowd.run(twice) != [None]
    assert crowd.run(insert(2)) == [None]
    with crowd.database.engine.connect() as other:  # as migrations do, beside the kept one
        assert other.execute(text("SELECT n FROM thing")).scalars().all() == [2]
    crowd.database.close()
    assert crowd.database.engine.pool.checkedout() == 0
