"""Under Slack's limits: words in their threads, cards and board right, beside a writer that calls at once.

300 open conversations, 5 customer messages and 40 changes of cards a second for two minutes, against the
stand-in with Slack's published limits. Run it with `make bench-desk`; it writes bench/results/desk.json.
What the limits allow at all is in docs/adr/0008: see `arithmetic`.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.desk_load import Order, shown
from bench.provenance import provenance
from handoff_sandbox.journal import Entry, Journal
from handoff_sandbox.slack.stand_in import SlackStandIn
from handoff_sandbox.world import ROOT

RESULTS = ROOT / "bench" / "results" / "desk.json"
PATIENCE = 60.0
"""Seconds after the burst within which everything must be right."""
WORDS_WITHIN = 10.0
UPDATES_A_MINUTE = 50
POSTS_A_SECOND = 1


def arithmetic(order: Order) -> dict[str, float]:
    """What Slack's limits allow, whoever writes."""
    posts = POSTS_A_SECOND * len(order.slack_channels)
    return {
        "slack_channels": len(order.slack_channels),
        "posts_a_second_allowed": posts,
        "posts_a_second_wanted": order.words,
        "updates_a_minute_allowed": UPDATES_A_MINUTE,
        "updates_a_minute_wanted": 60 * 2 * order.changes,
        "cards_that_change": order.hot,
        "seconds_to_redraw_them_and_the_board": round(60 * (order.hot + 1) / UPDATES_A_MINUTE, 1),
    }


def run(order: Order) -> dict[str, Any]:
    """The writers, in a process of their own; what each was told."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.desk_load"],
        input=json.dumps(asdict(order)).encode(),
        stdout=subprocess.PIPE,
        cwd=ROOT,
        check=True,
        timeout=1800,
    )
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def judge(told: dict[str, Any], entries: list[Entry]) -> dict[str, Any]:
    """How it went from the first change until patience was over."""
    seen = [entry for entry in entries if told["began"] <= entry.at <= told["closed"]]
    refused = Counter(_method(entry) for entry in seen if entry.status == 429)
    done = [entry for entry in seen if entry.status == 200 and (entry.response or {}).get("ok")]
    took, cards = _latencies(told["words"], done), _right(told["cards"], done)
    board = _right({told["board_ts"]: told["board"]}, done)
    return {
        "calls": dict(Counter(_method(entry) for entry in done)),
        "answered_429": dict(refused),
        "words": len(told["words"]),
        "words_arrived": len(took),
        "words_p50_s": _at(took, len(told["words"]), 0.5),
        "words_p95_s": _at(took, len(told["words"]), 0.95),
        "words_slowest_s": round(took[-1], 2) if took else None,
        "cards": len(told["cards"]),
        "cards_right": len(cards),
        "cards_right_after_s": _after(cards, len(told["cards"]), told["ended"]),
        "board_right_after_s": _after(board, 1, told["ended"]),
    }


def _method(entry: Entry) -> str:
    return entry.path.removeprefix("/api/")


def _latencies(words: dict[str, float], done: list[Entry]) -> list[float]:
    arrived: dict[str, float] = {}
    for entry in done:
        if _method(entry) == "chat.postMessage":
            for text in _shown(entry).splitlines():
                arrived.setdefault(text, entry.at)
    return sorted(arrived[text] - at for text, at in words.items() if text in arrived)


def _right(wanted: dict[str, str], done: list[Entry]) -> list[float]:
    """When each message that shows what it should in the end began to."""
    right: dict[str, float | None] = dict.fromkeys(wanted)
    for entry in done:
        if _method(entry) == "chat.update" and (ts := _ts(entry)) in right:
            right[ts] = (right[ts] or entry.at) if wanted[ts] in _shown(entry) else None
    return sorted(at for at in right.values() if at is not None)


def _ts(entry: Entry) -> str:
    return str((entry.request or {}).get("ts", ""))


def _shown(entry: Entry) -> str:
    blocks = (entry.request or {}).get("blocks") or "[]"
    return shown(json.loads(blocks) if isinstance(blocks, str) else blocks)


def _at(took: list[float], count: int, share: float) -> float | None:
    """A percentile of all of them; None when that one never arrived."""
    number = int(share * (count - 1))
    return round(took[number], 2) if number < len(took) else None


def _after(moments: Iterable[float], count: int, ended: float) -> float | None:
    found = list(moments)
    return round(max(0.0, max(found) - ended), 1) if found and len(found) == count else None


def measure(
    options: argparse.Namespace, hot: int, seconds: float, patience: float, writers: str
) -> Any:
    """One run; the results of each writer."""
    journal = Journal()
    with (
        tempfile.TemporaryDirectory(prefix="handoff-bench-") as folder,
        SlackStandIn(journal, enforce_limits=True, subscriptions=()) as slack,
    ):
        names = [f"queue-{n}" for n in range(options.slack_channels)]
        order = Order(
            database_url=options.database_url or f"sqlite:///{Path(folder) / 'handoff.db'}",
            api_url=slack.api_url,
            bot_token=slack.bot_token,
            slack_channels=[slack.add_channel(name, [slack.bot_user]) for name in names],
            conversations=options.conversations,
            hot=hot,
            words=5,
            changes=40,
            seconds=seconds,
            patience=patience,
            writers=writers.split(),
        )
        told = run(order)
        entries = journal.entries("slack", "/api/*")
        results = {name: judge(one, entries) for name, one in told.items()}
        return {"arithmetic": arithmetic(order), **results}


def main() -> None:
    """Measure, print, and keep the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database-url", default="", help="an empty PostgreSQL instead of SQLite")
    parser.add_argument("--conversations", type=int, default=300)
    parser.add_argument("--slack-channels", type=int, default=8)
    parser.add_argument("--hot", type=int, default=40, help="how many of the cards change")
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument(
        "--even", action="store_true", help="also: all cards change, for 30 seconds"
    )
    parser.add_argument("--dry", action="store_true", help="keep no results")
    options = parser.parse_args()
    result = {
        **provenance(),
        "database": "postgresql" if options.database_url else "sqlite, full",
        "seconds": options.seconds,
        "conversations": options.conversations,
        "some_cards_change": measure(
            options, options.hot, options.seconds, PATIENCE, "paced naive"
        ),
    }
    if options.even:
        every, least = options.conversations, 60 * options.conversations / UPDATES_A_MINUTE
        result["all_cards_change"] = measure(options, every, 30, least * 1.3, "paced")
    text = json.dumps(result, indent=2)
    sys.stdout.write(f"{text}\n")
    if not options.dry:
        RESULTS.write_text(f"{text}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
