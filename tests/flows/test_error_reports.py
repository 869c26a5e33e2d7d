"""The real bot with a stand-in for Sentry: a job that fails by a bug whose error quotes a customer."""

import subprocess
import sys

import pytest

from handoff_bot.clock import SystemClock
from handoff_bot.jobs.job import NewJob, enqueue_job, of_arrival, traced
from handoff_bot.storage.database import Database
from handoff_sandbox.free_port import free_port
from handoff_sandbox.world import ROOT, World
from tests.receiver import Receiver

PRIVATE = "Dana Rivers, +15550144"
pytestmark = pytest.mark.on_sqlite


@pytest.fixture
def sentry():
    with Receiver() as receiver:
        yield receiver


@pytest.fixture
def world(database_url, tmp_path):
    with World(database_url, knowledge=ROOT / "knowledge", log=tmp_path / "log") as made:
        yield made


def dsn(url: str) -> str:
    return url.replace("http://", "http://key@") + "/42"


def test_a_bug_in_a_job_is_reported_with_its_trace_and_nothing_else(world, sentry, database_url):
    trace = of_arrival("sms:SM1")
    database = Database(database_url)
    with traced(trace), database.write() as tx:
        # Its handler expects a number, and the error of Python quotes what it got.
        payload = {"delivery_id": PRIVATE}
        enqueue_job(tx, NewJob("send", f"out:{PRIVATE}", payload, SystemClock().now()))
    database.close()
    world.start_bot(more={"SENTRY_DSN": dsn(sentry.url)})
    world.wait_until_ready()
    sentry.wait_for(lambda: bool(sentry.events()))
    world.stop_bot()
    event = sentry.events()[0]
    assert event["logentry"]["message"] == "work failed"
    assert event["tags"]["trace"] == trace
    assert event["tags"]["kind"] == "send"
    assert event["exception"]["values"][-1]["type"] == "ValueError"
    sent = b"".join(sentry.bodies).decode()
    assert [text for text in (PRIVATE, "Dana", "5550144") if text in sent] == []


def test_the_doctor_warns_of_both_and_does_not_fail_for_them(world):
    nowhere = f"http://127.0.0.1:{free_port()}"
    more = {"SENTRY_DSN": dsn(nowhere), "OTEL_EXPORTER_OTLP_ENDPOINT": nowhere}
    done = subprocess.run(
        [sys.executable, "-m", "handoff_bot", "doctor"],
        env=world.environment(more),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "ok    tracing: warning: 127.0.0.1 does not answer; spans are lost" in done.stdout
    assert "ok    error reports: warning: 127.0.0.1 does not answer" in done.stdout
    assert (done.returncode, done.stderr) == (0, "")
