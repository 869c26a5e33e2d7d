"""Processor time for each message, and nothing else: `python -m bench.cost`; 3 minutes.

Times on a shared machine say little, but processor time can be compared. Measured in one run: a message in
a claimed conversation, and a question that the assistant answers (detector, answer, message to the
customer). With `--postgres` on PostgreSQL, with as many processes as `--processes` says. With `--profile
FOLDER` and py-spy installed, each load's samples are written there for a flame graph.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from bench.provenance import provenance
from bench.saturation.fire import SAID
from bench.saturation.rates import PATIENCE
from bench.saturation.stage import Databases, Stage, at_rest, get, standing, vendors
from tests import postgres

CONVERSATIONS = 200
NEW = 50_000
"""Customers from this number on have no conversation before."""
QUESTIONS = (
    "When are you open on Saturdays?",
    "How long does shipping to Austria take?",
    "How can I return a pair of shoes?",
    "Which payment methods do you accept?",
)


class Cost:
    """Loads on one bot."""

    def __init__(self, stage: Stage, options: argparse.Namespace) -> None:
        self._stage, self._only = stage, options.load
        self._count, self._rate, self._profile = options.count, options.rate, options.profile

    def measured(self) -> dict[str, dict[str, float]]:
        """Milliseconds of processor a message, by load and process. The first of each is not counted."""
        found: dict[str, dict[str, float]] = {}
        for name, customers, first, warm, said in (
            ("claimed", CONVERSATIONS, 0, SAID, SAID),
            ("assistant", self._count, NEW, ("Hello",), QUESTIONS),
        ):
            if self._only not in ("", name):
                continue
            self._offer(f"{name}warm", customers, first, warm)
            before = self._stage.processor_time()
            with self._sampled(name):
                self._offer(name, customers, first, said)
            after = self._stage.processor_time()
            found[name] = {
                process: round(1000 * (used - before[process]) / self._count, 2)
                for process, used in after.items()
            }
        return found

    def _offer(self, name: str, customers: int, first: int, said: tuple[str, ...]) -> None:
        stage = self._stage
        load = stage.place.load(name, stage.port, self._count, self._rate, customers)
        load = replace(load, first=first, said=said, patience=PATIENCE)
        sent = self._sent()
        fired = stage.fired(stage.fire(load), load.due(self._count) + load.patience + PATIENCE)
        if len(fired.acked) < self._count:
            raise SystemExit(f"{name}: {self._count - len(fired.acked)} messages not accepted")
        if first:
            deadline = time.monotonic() + PATIENCE
            while self._sent() < sent + self._count and time.monotonic() < deadline:
                time.sleep(0.1)
        else:
            stage.wait_for_posts(name, self._count, PATIENCE)
        at_rest(stage.url)

    def _sent(self) -> int:
        return int(get(f"{self._stage.vendors_url}/bench/sent"))

    @contextmanager
    def _sampled(self, name: str) -> Iterator[None]:
        if not self._profile:
            yield
            return
        self._profile.mkdir(exist_ok=True, parents=True)
        command = ["py-spy", "record", "--gil", "--nonblocking", "--subprocesses", "-r", "250"]
        options = ["-f", "raw", "-d", "600", "-o", str(self._profile / f"{name}.txt")]
        pid = ["--pid", str(self._stage.bot.pid)]
        sampler = subprocess.Popen([*command, *options, *pid])  # noqa: S603 - our own process
        try:
            yield
        finally:
            sampler.send_signal(2)
            sampler.wait(30)


@contextmanager
def server_of(options: argparse.Namespace) -> Iterator[str]:
    """The address of a private PostgreSQL server; "" for SQLite."""
    if not options.postgres:
        yield ""
        return
    server = postgres.Cluster(durable=True)
    server.start()
    try:
        yield server.url
    finally:
        server.stop()


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=500, help="messages of each load")
    parser.add_argument("--rate", type=float, default=25.0, help="messages a second")
    parser.add_argument("--load", choices=["claimed", "assistant"], default="")
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--profile", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="handoff-cost-") as name, server_of(options) as server:
        databases = Databases(Path(name), server)
        more = {"WEB_CONCURRENCY": str(options.processes)} if server else {}
        with (
            vendors(databases.place) as vendors_url,
            standing(
                databases.place,
                databases.copy(CONVERSATIONS),
                vendors_url,
                Path(name) / "log",
                more=more,
            ) as stage,
        ):
            found = {**provenance(), "ms": Cost(stage, options).measured()}
    sys.stdout.write(f"{json.dumps(found, indent=2)}\n")


if __name__ == "__main__":
    main()
