"""Jobs on an encrypted database: one that cannot be decrypted fails by itself, and is kept."""

import pytest
from sqlalchemy import select

from handoff_bot.jobs import handler
from handoff_bot.jobs.handler import ProviderJob
from handoff_bot.jobs.job import WORK, NewJob, enqueue_job
from handoff_bot.jobs.worker import Worker
from handoff_bot.storage.database import Database
from handoff_bot.storage.encryption import Keyring, new_key
from handoff_bot.storage.models import Work


class Recorder(ProviderJob):
    """Writes down the texts that it was called with."""

    batches = True

    def __init__(self) -> None:
        self.calls: list[str] = []

    def batch(self, tx, job):
        return ()

    def prepare(self, tx, job):
        return job.payload

    def call(self, plan):
        self.calls.append(plan["text"])


@pytest.fixture
def sealing(database, database_url):
    opened = Database(database_url, synchronous="off", keyring=Keyring([new_key()]))
    yield opened
    opened.close()


def test_a_job_that_does_not_open_fails_alone_and_runs_after_its_repair(sealing, database, clock):
    recorder, told = Recorder(), []
    worker = Worker(
        sealing,
        {"job": recorder},
        clock,
        threads={"a": 1},
        on_given_up=lambda tx, job, why, now: told.append(why),
    )
    with sealing.write() as tx:
        for text in ("first", "second", "third"):
            enqueue_job(tx, NewJob("job", "a:1", {"text": text}, clock.now()))
    with database.write() as tx:  # without keys: as it is stored
        rows = tx.core.execute(select(WORK.c.id, WORK.c.payload).order_by(WORK.c.id)).all()
        assert all(row.payload.keys() == {"#"} for row in rows)
        number, payload = rows[1]
        damaged = WORK.update().where(WORK.c.id == number)
        tx.core.execute(damaged.values(payload={"#": payload["#"][:-8]}))
    worker.run_until_idle()
    assert recorder.calls == ["first", "third"]
    assert told == ["The job's data cannot be decrypted."]
    with database.write() as tx:
        tx.core.execute(damaged.values(payload=payload))
    with sealing.write() as tx:
        job = handler.failed_job(tx, number)
        handler.make_ready(tx, job, job.payload, clock.now())
    worker.run_until_idle()
    assert recorder.calls == ["first", "third", "second"]
    with sealing.read() as tx:
        assert {row.status for row in tx.session.query(Work)} == {"done"}
