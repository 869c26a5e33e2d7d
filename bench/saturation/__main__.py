"""Saturation: where messages fall behind, and what one costs: `make bench`, `python -m bench.saturation`.

About ten minutes; with --quick two, and then nothing is written. It writes bench/results/saturation.json and
the table in bench/README.md that is made of it.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.provenance import provenance
from bench.saturation.overload import overload
from bench.saturation.rates import Rates, Run, knee_of
from bench.saturation.report import RESULTS, write_tables
from bench.saturation.stage import Databases, Stage, standing, vendors
from handoff_sandbox.world import PUBLIC
from tests import postgres

OLD = 1_000_000


@dataclass(frozen=True)
class Plan:
    """How long to look.

    Attributes:
        burst: seconds that what is offered at once should take.
        step, overload: seconds at each rate, and at twice the knee.
        cases: (processes on PostgreSQL or 0 for SQLite, conversations, old messages).
    """

    burst: float = 5.0
    step: float = 5.0
    overload: float = 60.0
    cases: tuple[tuple[int, int, int], ...] = (
        (0, 200, 0),
        (0, 20, 0),
        (0, 2000, 0),
        (0, 200, OLD),
        (1, 200, 0),
        (2, 200, 0),
    )


QUICK = Plan(burst=3.0, step=3.0, overload=10.0, cases=((0, 200, 0), (2, 200, 0)))


class Bench:
    """All that is measured in one go.

    Attributes:
        knee: of the first case; the others' cost is measured at half of it, so that it can be compared.
    """

    def __init__(self, plan: Plan, folder: Path, synchronous: str) -> None:
        self._plan, self._folder, self._synchronous = plan, folder, synchronous
        self._log = folder / "log"
        self.knee = 0.0

    def floor(self, sqlite: Databases) -> dict[str, Any]:
        """A bare Flask application in the bot's place."""
        token = sqlite.place.environment["TWILIO_AUTH_TOKEN"]
        with vendors(sqlite.place) as url:
            arguments = (token, PUBLIC, f"{url}/api/")

            def command(port: int) -> list[str]:
                return ["-m", "bench.saturation.floor", str(port), *arguments]

            with standing(sqlite.place, "", url, self._log, command=command) as stage:
                rates = Rates(stage, 200)
                burst = rates.burst(self._plan.burst)
                steps = rates.knee(burst.per_second * 0.7, self._plan.step, _tell)
                return {"burst": burst.shown(), "knee": knee_of(steps), "bot_ms": steps[0].bot_ms}

    def case(self, databases: Databases, processes: int, conversations: int, old: int) -> Any:
        """One database, one number of processes."""
        _say(f"{processes or 'SQLite'}, {conversations} conversations, {old} old messages")
        began = time.monotonic()
        url = databases.copy(conversations, old)
        copied = time.monotonic() - began
        more = {"SQLITE_SYNCHRONOUS": self._synchronous}
        if processes:
            more["WEB_CONCURRENCY"] = str(processes)
        with (
            vendors(databases.place) as vendors_url,
            standing(
                databases.place, url, vendors_url, self._log, more=more, postgres=databases.pid
            ) as stage,
        ):
            found = self._measured(stage, conversations)
            first = not self.knee
            self.knee = self.knee or found["knee"]
            if first and self.knee:
                _say(f"overload: {2 * self.knee:.0f}/s for {self._plan.overload:.0f} s")
                seconds = self._plan.overload
                found["overload"] = overload(stage, url, self.knee, seconds, conversations)
        return {
            "database": f"postgresql, {processes}" if processes else f"sqlite, {self._synchronous}",
            "conversations": conversations,
            "old_messages": old,
            "copied_in_s": round(copied, 1),
            **found,
        }

    def _measured(self, stage: Stage, customers: int) -> dict[str, Any]:
        rates = Rates(stage, customers)
        burst = rates.burst(self._plan.burst)
        _tell(burst)
        steps = rates.knee(burst.per_second * 0.7, self._plan.step, _tell)
        cost_rate = (self.knee or knee_of(steps) or burst.per_second) / 2
        cost = rates.run(max(50, int(cost_rate * self._plan.step * 1.5)), cost_rate)
        _tell(cost)
        return {
            "knee": knee_of(steps),
            "burst": burst.shown(),
            "cost": cost.shown(),
            "steps": [step.shown() for step in steps],
        }


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def _tell(run: Run) -> None:
    rate = f"{run.rate}/s" if run.rate else "all at once"
    kept = "kept up" if run.keeps_up else f"behind by {run.behind_s} s"
    right = "" if run.is_right else f", LOST {run.lost} TWICE {run.twice} ORDER {run.out_of_order}"
    _say(
        f"  {rate}: {run.arrived} of {run.offered}, {kept}, {run.per_second}/s, "
        f"median {run.median_ms} ms, {run.bot_ms} ms of processor a message{right}"
    )


@contextmanager
def _postgres(folder: Path) -> Iterator[Databases]:
    """Databases on a private server that keeps what it has committed."""
    server = postgres.Cluster(durable=True)
    server.start()
    try:
        pid = int((server.folder / "data" / "postmaster.pid").read_text().split()[0])
        yield Databases(folder, server.url, pid)
    finally:
        server.stop()


def measure(plan: Plan, synchronous: str, *, with_postgres: bool) -> dict[str, Any]:
    """Everything."""
    with tempfile.TemporaryDirectory(prefix="handoff-bench-") as name:
        folder = Path(name)
        bench = Bench(plan, folder, synchronous)
        sqlite = Databases(folder)
        _say("floor: a bare Flask application that posts at once and keeps nothing")
        floor = bench.floor(sqlite)
        server = _postgres(folder) if with_postgres else nullcontext(sqlite)
        with server as other:
            cases = [
                bench.case(other if processes else sqlite, processes, conversations, old)
                for processes, conversations, old in plan.cases
                if with_postgres or not processes
            ]
    return {**provenance(), "floor": floor, "cases": cases}


def main() -> None:
    """Measure, print, and keep the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two minutes; nothing is written")
    parser.add_argument("--synchronous", default="full", choices=["full", "normal"])
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))  # so that what was started is ended
    plan = QUICK if options.quick else Plan()
    has_postgres = postgres.binaries() is not None
    result = measure(plan, options.synchronous, with_postgres=has_postgres)
    text = json.dumps(result, indent=2)
    sys.stdout.write(f"{text}\n")
    if not options.quick:
        RESULTS.write_text(f"{text}\n", encoding="utf-8")
        write_tables()


if __name__ == "__main__":
    main()
