"""An upgrade without downtime, for real: an older checkout and this one on one PostgreSQL database.

`python -m bench.upgrade --from COMMIT`, about two minutes. Customers write all the time:

1. The older program serves alone; meanwhile this program migrates the database.
2. Both serve, each half of the customers.
3. This program serves; meanwhile the older one is stopped by SIGTERM.

In each part customers who are new ask for a person. It prints what was lost, came twice or out of order, and
the longest wait, for each part, and exits with 1 if anything was wrong.
"""

from __future__ import annotations

import argparse
import io
import json
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import text

from bench.provenance import provenance
from bench.saturation.fire import Fired, Load
from bench.saturation.stage import (
    PATIENCE,
    Place,
    Stage,
    at_rest,
    claimed_conversation,
    opened,
    standing,
    vendors,
)
from handoff_sandbox.world import ROOT, World
from tests import postgres

Json = dict[str, Any]
Start = Callable[[], AbstractContextManager[Stage]]
ASKS = "I want to talk to a human agent please"
NEW = 10_000
"""The number of the first customer who is new."""


@dataclass(frozen=True)
class Fire:
    """One load that runs: its process, and what was asked for."""

    load: Load
    stage: Stage
    process: subprocess.Popen[bytes]

    def ended(self) -> Fired:
        """What came of it; returns when all is posted or patience has ended."""
        load = self.load
        fired = self.stage.fired(self.process, load.due(load.count) + load.patience + PATIENCE)
        self.stage.wait_for_posts(load.name, len(fired.acked), PATIENCE)
        return fired


class Upgrade:
    """One run.

    Args:
        rate: messages a second, of all customers together.
        seconds: of each part.
        customers: with conversations that an agent has taken.
        askers: new customers in each part.
    """

    def __init__(self, rate: float, seconds: float, customers: int, askers: int) -> None:
        self._rate, self._seconds = rate, seconds
        self._customers, self._askers = customers, askers
        self._asked = 0
        self._latest: dict[int, float] = {}

    def fire(self, stage: Stage, name: str, first: int = 0, customers: int = 0) -> Fire:
        """Begin to fire; by default all customers write."""
        those = customers or self._customers
        rate = self._rate * those / self._customers
        load = stage.place.load(name, stage.port, int(rate * self._seconds), rate, those)
        load = Load(**{**vars(load), "first": first})
        return Fire(load, stage, stage.fire(load))

    def ask(self, stage: Stage, name: str) -> Fire:
        """New customers ask for a person, one a second at most."""
        load = stage.place.load(name, stage.port, self._askers, 2.0, self._askers)
        load = Load(**{**vars(load), "first": NEW + self._asked, "said": [ASKS]})
        self._asked += self._askers
        return Fire(load, stage, stage.fire(load))

    def part(self, what: str, fires: list[Fire], askers: Fire) -> Json:
        """Wait for the loads of one part; returns what came of them."""
        found = dict.fromkeys(("offered", "refused", "lost", "twice", "out_of_order"), 0)
        waits: list[float] = []
        for fire in fires:
            fired, posts = fire.ended(), fire.stage.arrivals(fire.load.name)
            first = {number: min(times) for number, times in posts.items()}
            found["offered"] += len(fired.due)
            found["refused"] += fired.refused
            found["lost"] += len(fired.acked.keys() - first.keys())
            found["twice"] += sum(len(times) > 1 for times in posts.values())
            found["out_of_order"] += self._out_of_order(fire.load, first)
            waits += [first[number] - at for number, at in fired.due.items() if number in first]
        found["refused"] += askers.ended().refused
        return {"part": what, **found, "slowest_ms": round(1000 * max(waits, default=0.0))}

    def _out_of_order(self, load: Load, first: dict[int, float]) -> int:
        """Those posted before an earlier one of the same customer, also of an earlier part."""
        wrong = 0
        for number in sorted(first):
            customer = load.first + number % load.customers
            wrong += first[number] < self._latest.get(customer, 0.0)
            self._latest[customer] = max(first[number], self._latest.get(customer, 0.0))
        return wrong

    def rest(self, url: str, exit_code: int) -> Json:
        """What the database holds in the end."""
        with opened(url) as engine, engine.connect() as connection:

            def rows(query: str) -> dict[str, int]:
                return {str(name): int(count) for name, count in connection.execute(text(query))}

            waiting = (
                "SELECT kind, count(*) FROM work WHERE status = 'ready'"
                " AND due_at < now() - interval '5 seconds' GROUP BY kind"
            )
            failed = "SELECT kind, count(*) FROM work WHERE status = 'failed' GROUP BY kind"
            cards = (
                "SELECT 'cards', count(*) FROM escalation JOIN desk_thread"
                " ON desk_thread.escalation_id = escalation.id"
            )
            return {
                "failed_jobs": rows(failed),
                "overdue_jobs": rows(waiting),
                "cards": rows(cards)["cards"],
                "cards_wanted": self._customers + self._asked,
                "exit_code_of_the_older": exit_code,
            }

    def run(self, url: str, older: Start, newer: Start, migrate: Callable[[], None]) -> Json:
        """All parts.

        Args:
            url: the database.
            older, newer: start a program, and stop it afterwards.
            migrate: the newer program's migration.
        """
        parts: list[Json] = []

        def part(what: str, fires: list[Fire], askers: Fire) -> None:
            parts.append(self.part(what, fires, askers))
            _say(", ".join(f"{name} {value}" for name, value in parts[-1].items()))

        half = self._customers // 2
        rest = self._customers - half
        with older() as old:
            fires, askers = [self.fire(old, "a")], self.ask(old, "qa")
            time.sleep(self._seconds / 4)
            migrate()
            part("the older alone, migrated meanwhile", fires, askers)
            with newer() as new:
                fires = [self.fire(old, "b", 0, half), self.fire(new, "c", half, rest)]
                part("both side by side", fires, self.ask(old, "qb"))
                # The halves change places, so that a conversation moves between the programs.
                fires = [self.fire(new, "d", 0, half), self.fire(old, "e", half, rest)]
                part("the other way round", fires, self.ask(new, "qc"))
                fires, askers = [self.fire(new, "f")], self.ask(new, "qd")
                time.sleep(self._seconds / 4)
                old.bot.send_signal(signal.SIGTERM)
                ended = old.bot.wait(timeout=PATIENCE)
                part("the older one is stopped", fires, askers)
                at_rest(new.url)
                return {"parts": parts, **self.rest(url, ended)}


def is_right(found: Json) -> bool:
    """Whether nothing was lost, doubled, out of order or refused, and no job failed."""
    wrong = ("refused", "lost", "twice", "out_of_order")
    return (
        not any(part[name] for part in found["parts"] for name in wrong)
        and not found["failed_jobs"]
        and not found["overdue_jobs"]
        and found["cards"] == found["cards_wanted"]
        and found["exit_code_of_the_older"] in (0, -signal.SIGTERM)
    )


def upgrade_by(arguments: Sequence[str], place: Place, url: str) -> None:
    """A program migrates, as an operator does."""
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, *arguments, "db", "upgrade"],
        cwd=ROOT,
        env={**place.environment, "DATABASE_URL": url, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    _say(done.stdout.strip())


@contextmanager
def checkout(commit: str, folder: Path) -> Iterator[Path]:
    """The files of a commit."""
    made = folder / "older"
    archive = subprocess.run(  # noqa: S603
        ["git", "archive", commit],  # noqa: S607 - whichever git is installed
        capture_output=True,
        cwd=ROOT,
        check=True,
    )
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as files:
        files.extractall(made, filter="data")
    yield made


@contextmanager
def _launching(root: Path) -> Iterator[None]:
    """Worlds start the bot of another checkout."""
    here = World.launch

    def launch(arguments: Any, environment: Any, log: Path) -> Any:
        with log.open("ab") as output:
            return subprocess.Popen(  # noqa: S603 - our own program
                [sys.executable, *arguments],
                cwd=root,
                env={**environment, "PYTHONPATH": str(root)},
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    World.launch = staticmethod(launch)
    try:
        yield
    finally:
        World.launch = here


def _say(words: str) -> None:
    sys.stderr.write(f"{words}\n")


def main() -> None:
    """Run it once and print the result as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--from", dest="commit", required=True, help="the older commit")
    parser.add_argument("--rate", type=float, default=20.0)
    parser.add_argument("--seconds", type=float, default=10.0, help="of each part")
    parser.add_argument("--customers", type=int, default=20)
    parser.add_argument("--askers", type=int, default=5)
    parser.add_argument("--logs", type=Path, help="keep the logs of both programs here")
    given = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as name,
        postgres.cluster() as url,
        checkout(given.commit, Path(name)) as old,
    ):
        log = given.logs or Path(name)
        log.mkdir(exist_ok=True)
        with _launching(old):
            place = claimed_conversation(url, log, given.customers)
        upgrade = Upgrade(given.rate, given.seconds, given.customers, given.askers)
        with vendors(place) as at:
            found = upgrade.run(
                url,
                lambda: standing(place, url, at, log / "old.log", root=old),
                lambda: standing(place, url, at, log / "new.log"),
                lambda: upgrade_by(["-m", "handoff_bot"], place, url),
            )
    found = {"from": given.commit, **provenance(), **found, "right": is_right(found)}
    sys.stdout.write(json.dumps(found, indent=2) + "\n")
    sys.exit(0 if found["right"] else 1)


if __name__ == "__main__":
    main()
