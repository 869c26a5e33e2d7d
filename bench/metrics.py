"""How long the figures take over an event log of 1,000,000 lines: a year of a busy team.

Run it with `python -m bench.metrics`; with `--database-url postgresql://…` it fills that (empty) database
instead of a temporary SQLite file. It writes bench/results/metrics.json.
"""

from __future__ import annotations

import argparse
import heapq
import itertools
import json
import platform
import random
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import insert, text

from handoff_bot.domain.events import EventKind
from handoff_bot.domain.metrics import Choice, Period, Scope
from handoff_bot.services.reporting.metrics import numbers
from handoff_bot.storage.database import Database
from handoff_bot.storage.migrate import migrate
from handoff_bot.storage.models import Event
from handoff_bot.storage.transaction import table_of

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "bench" / "results" / "metrics.json"
END = datetime(2026, 11, 23, 12, tzinfo=UTC)
YEAR = timedelta(days=365)
CONVERSATIONS = 30_000
AGENTS = 25
BATCH = 20_000
CHANNELS = ("sms", "whatsapp", "webchat", "instagram")
REASONS = ("request", "sentiment", "complexity", "confidence")
PRIORITIES = ("urgent", "high", "normal", "low")
Line = dict[str, Any]


def history(most: int) -> Iterator[Line]:
    """So many lines of a log, oldest first: one customer's message in ten needs a person."""
    chance = random.Random(5)  # noqa: S311 - a benchmark
    numbers_ = itertools.count(1)
    escalation_ids = itertools.count(1)
    per_message = 4.0 + 0.1 * 17
    step = YEAR / (most / per_message)
    later: list[tuple[datetime, int, Line]] = []
    at = END - YEAR
    while True:
        conversation = chance.randrange(1, CONVERSATIONS + 1)
        story = _message(conversation, at, next(numbers_), chance)
        if chance.random() < 0.1:
            story = itertools.chain(story, _escalation(conversation, at, escalation_ids, chance))
        for line in story:
            heapq.heappush(later, (line["at"], next(numbers_), line))
        while later and later[0][0] <= at:
            yield heapq.heappop(later)[2]
        at += step


def _line(kind: str, at: datetime, conversation: int, **more: Any) -> Line:
    columns = {name: more.pop(name, None) for name in ("escalation_id", "message_id", "agent_id")}
    return {"kind": kind, "at": at, "conversation_id": conversation, **columns, "data": more}


def _message(conversation: int, at: datetime, number: int, chance: random.Random) -> Iterator[Line]:
    channel = CHANNELS[conversation % len(CHANNELS)]
    yield _line(EventKind.MESSAGE_RECEIVED, at, conversation, message_id=number, channel=channel)
    scores = {reason: round(chance.random(), 4) for reason in REASONS}
    seen = {"scores": scores, "by": "local", "reason": None}
    later = at + timedelta(seconds=1)
    yield _line(EventKind.MESSAGE_CONSIDERED, later, conversation, message_id=number, **seen)
    for kind, status in ((EventKind.MESSAGE_SENT, "sent"), (EventKind.STATUS_UPDATE, "delivered")):
        yield _line(kind, later, conversation, message_id=number, status=status, author="assistant")


def _escalation(
    conversation: int, at: datetime, ids: Iterator[int], chance: random.Random
) -> Iterator[Line]:
    number, agent = next(ids), chance.randrange(1, AGENTS + 1)
    about = {"escalation_id": number}
    opened = {
        "channel": CHANNELS[conversation % len(CHANNELS)],
        "reason": chance.choice(REASONS),
        "priority": chance.choice(PRIORITIES),
        "by": "local",
        "hours": chance.choice(("open", "closed")),
    }
    yield _line(EventKind.ESCALATION_OPENED, at, conversation, **about, **opened)
    yield _line(EventKind.TICKET_CREATED, at, conversation, **about, ticket=number)
    yield _line(EventKind.CARD_POSTED, at, conversation, **about)
    at += timedelta(seconds=chance.expovariate(1 / 240))
    if chance.random() < 0.1:
        yield _line(EventKind.ESCALATION_DISMISS, at, conversation, **about, agent_id=agent)
        return
    yield _line(EventKind.ESCALATION_CLAIM, at, conversation, **about, agent_id=agent, owner=agent)
    for _ in range(6):
        at += timedelta(seconds=chance.expovariate(1 / 90))
        yield _line(EventKind.REPLY_ACCEPTED, at, conversation, **about, agent_id=agent)
        yield _line(EventKind.MESSAGE_SENT, at, conversation, status="sent", author="agent")
    yield _line(EventKind.ESCALATION_RESOLVE, at, conversation, **about, agent_id=agent)
    if chance.random() < 0.3:
        score = chance.randrange(1, 6)
        yield _line(EventKind.CSAT_ANSWERED, at, conversation, **about, agent_id=agent, score=score)


def fill(database: Database, lines: int) -> float:
    """Write the log; says how many seconds that took."""
    began = time.perf_counter()
    log = itertools.islice(history(lines), lines)
    while batch := list(itertools.islice(log, BATCH)):
        with database.write() as tx:
            tx.core.execute(insert(table_of(Event)), batch)
    with database.engine.begin() as connection:
        connection.execute(text("ANALYZE" if not database.is_sqlite else "PRAGMA optimize"))
    return time.perf_counter() - began


def scopes() -> dict[str, Scope]:
    """What is asked."""
    today, month = (Period.chosen(choice, END) for choice in (Choice.TODAY, Choice.DAYS_30))
    year = Period.last_days(366, END)
    return {
        "today": Scope(today),
        "30 days": Scope(month),
        "30 days, one channel": Scope(month, channel="sms"),
        "30 days, one agent": Scope(month, agent_id=3),
        "a year": Scope(year),
    }


def measure(database: Database, scope: Scope) -> dict[str, float]:
    """The median of three."""
    took = []
    for _ in range(3):
        began = time.perf_counter()
        with database.read() as tx:
            found = numbers(tx, scope)
        took.append((time.perf_counter() - began) * 1000)
    return {"milliseconds": round(statistics.median(took), 1), "escalations": found.escalations}


def run(database: Database, lines: int) -> dict[str, Any]:
    """Fill, ask, tell."""
    migrate(database)
    filled = fill(database, lines)
    return {
        "database": "sqlite" if database.is_sqlite else "postgresql",
        "events": lines,
        "filled_in_seconds": round(filled, 1),
        "asked": {name: measure(database, scope) for name, scope in scopes().items()},
    }


def main() -> None:
    """Measure and keep it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--database-url", default="")
    parser.add_argument("--events", type=int, default=1_000_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="handoff-bench-") as folder:
        url = options.database_url or f"sqlite:///{folder}/handoff.db"
        database = Database(url, synchronous="normal")
        try:
            measured = run(database, options.events)
        finally:
            database.close()
    keep(measured)


def keep(measured: dict[str, Any]) -> None:
    """Into the results, beside the other database's."""
    known = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.is_file() else {}
    git = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],  # noqa: S607 - the developer's own
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    machine = f"{platform.machine()}, Python {platform.python_version()}"
    known[measured["database"]] = measured | {"commit": git.stdout.strip(), "machine": machine}
    RESULTS.write_text(json.dumps(known, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(measured, indent=2))  # noqa: T201 - what it is for


if __name__ == "__main__":
    main()
