"""The real bot with a collector of spans: one trace for one message, also over a restart."""

import json
import subprocess
import sys
import time

import pytest

from handoff_bot import spans
from handoff_bot.jobs.job import of_arrival
from handoff_sandbox.free_port import free_port
from handoff_sandbox.world import ROOT, World
from tests.receiver import PATIENCE, Receiver

DANA = "+15550144"
SID = "SM" + "7" * 32
PERSON = "Dana Rivers asks to talk to a real person please, and her order is 47110815"


@pytest.fixture
def collector():
    with Receiver() as receiver:
        yield receiver


@pytest.fixture
def processes(backend):
    return 2 if backend == "postgresql" else 1


@pytest.fixture
def world(database_url, processes, tmp_path):
    with Served(database_url, knowledge=ROOT / "knowledge", log=tmp_path / "log") as made:
        made.processes = processes
        yield made


class Served(World):
    """A world whose bot exports spans, from each of its processes."""

    processes: int


def start(world: Served, endpoint: str, role: str = "all") -> None:
    arguments = ("-m", "handoff_bot", "serve", "--role", role)
    more = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
        "OTEL_BSP_SCHEDULE_DELAY": "100",
        "WEB_CONCURRENCY": str(world.processes),
    }
    world.start_bot(arguments, more)
    world.wait_until_ready()


def dana_writes(world: World) -> str:
    """Returns the trace of the message in the log."""
    assert world.twilio.customer_writes("sms", DANA, PERSON, sid=SID).status == 200
    return of_arrival(f"sms:{SID}")


def named(collector: Receiver, trace: str) -> dict[str, dict]:
    """The spans of one trace by their names."""
    return {
        span["name"]: span for span in collector.spans() if span["trace"] == spans.trace_id(trace)
    }


def test_a_message_is_one_trace_from_its_webhook_to_slack_and_the_answer(world, collector):
    start(world, collector.url)
    trace = dana_writes(world)
    wanted = {"POST /webhooks/<kind>", "job desk.card", "slack chat.postMessage", "job send"}
    answer = "twilio POST /Accounts/{id}/Messages"
    collector.wait_for(lambda: wanted | {answer} <= named(collector, trace).keys())
    found = named(collector, trace)
    webhook, card = found["POST /webhooks/<kind>"], found["job desk.card"]
    assert webhook["parent"] == ""
    assert card["parent"] == found["job send"]["parent"] == webhook["id"]
    assert found[answer]["parent"] == found["job send"]["id"]
    assert card["attributes"]["handoff.job.queue"] == "desk"
    assert card["attributes"]["handoff.job.attempt"] == 1
    assert webhook["resource"]["service.name"] == "handoff"
    world.stop_bot()
    assert _told(world, SID)[-1] == f"trace in OpenTelemetry: {spans.trace_id(trace)}"
    assert f"trace in the log: {trace}" in _told(world, spans.trace_id(trace))
    sent = b"".join(collector.bodies).decode("latin-1")
    private = ("Dana", "Rivers", "47110815", "real person", "5550144", SID, world.slack.bot_token)
    assert [text for text in private if text in sent] == []


def test_jobs_of_another_process_after_a_restart_join_the_trace(world, collector):
    start(world, collector.url, role="web")  # stores webhooks, and runs no jobs
    trace = dana_writes(world)
    world.stop_bot()
    assert list(named(collector, trace)) == ["POST /webhooks/<kind>"]
    webhook = named(collector, trace)["POST /webhooks/<kind>"]
    start(world, collector.url)
    collector.wait_for(lambda: "slack chat.postMessage" in named(collector, trace))
    world.stop_bot()
    job = named(collector, trace)["job inbound"]
    assert job["parent"] == webhook["id"]
    assert job["resource"]["service.instance.id"] != webhook["resource"]["service.instance.id"]


def test_an_endpoint_that_is_down_costs_one_log_line_and_no_message(world):
    start(world, f"http://127.0.0.1:{free_port()}")
    dana_writes(world)
    world.slack.wait_for(lambda: bool(world.cards()), PATIENCE)
    world.twilio.wait_for(lambda: bool(world.twilio.phone(DANA)), PATIENCE)
    began = time.monotonic()
    world.stop_bot()
    assert time.monotonic() - began < 15  # a supervisor kills after 20
    lines = [json.loads(line) for line in world.log().splitlines() if line.startswith("{")]
    assert len([one for one in lines if "spans" in one["event"]]) <= world.processes
    assert not [one for one in lines if one["level"] == "error"]


def _told(world: World, what: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-m", "handoff_bot", "trace", what],
        env=world.environment(),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()
