"""From a signed webhook to the post in Slack: at 40 a second, and with 800 a second offered for 2 seconds.

Beside the floor (a bare Flask application, served the same way) in the same run; read the ratios. Run it
with `make bench`; it writes bench/results/main_path.json.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import requests

from bench.load import Shot
from bench.provenance import provenance
from handoff_bot.sandbox.twilio import sign
from handoff_bot.sandbox.world import PUBLIC, ROOT, World, free_port

RESULTS = ROOT / "bench" / "results" / "main_path.json"
CONVERSATIONS = 20
FORM = "application/x-www-form-urlencoded"
BARE = {"LOG_LEVEL": "warning", "SLACK_LIMITS": "none"}
"""Our own work alone: forty posts a second are more than Slack takes; bench.desk measures its limits."""


def shots(world: World, name: str, rate: int, seconds: float) -> list[Shot]:
    """Signed SMS webhooks of the open conversations, at a steady rate."""
    made = []
    for number in range(int(rate * seconds)):
        form = world.twilio.inbound_form(
            "sms", address(number % CONVERSATIONS), f"{name} {number}.", f"SM{name}{number:026d}"
        )
        url = f"{PUBLIC}/webhooks/sms"
        headers = {
            "Content-Type": FORM,
            "X-Twilio-Signature": sign(world.twilio.auth_token, url, form),
        }
        made.append(Shot(number / rate, "/webhooks/sms", urlencode(form), headers))
    return made


def address(number: int) -> str:
    """A customer's number."""
    return f"+1555030{number:04d}"


def fire(
    port: int, made: list[Shot], connections: int, patience: float
) -> dict[str, dict[str, float]]:
    """Fire from a process of its own; see bench.load."""
    order = {
        "host": "127.0.0.1",
        "port": port,
        "shots": [asdict(shot) for shot in made],
        "connections": connections,
        "patience": patience,
    }
    done = subprocess.run(
        [sys.executable, "-m", "bench.load"],
        input=json.dumps(order).encode(),
        stdout=subprocess.PIPE,
        cwd=ROOT,
        check=True,
        timeout=120,
    )
    answer: dict[str, dict[str, float]] = json.loads(done.stdout)
    return answer


def open_conversations(world: World) -> None:
    """Everybody asks for a human and is taken over, so that their words go straight to Slack."""
    for number in range(CONVERSATIONS):
        world.twilio.customer_writes("sms", address(number), "I want to talk to a human agent")

    world.slack.wait_for(lambda: len(world.cards()) == CONVERSATIONS, 60)
    for card in world.cards():
        world.slack.click(world.ana, world.queue, card["ts"], "claim")
    world.twilio.wait_for(lambda: len(world.twilio.messages()) >= CONVERSATIONS * 3, 60)
    for number in range(CONVERSATIONS):
        world.twilio.customer_writes("sms", address(number), f"warm {number}.")
    wait_for_posts(world, "warm", CONVERSATIONS, 20)
    time.sleep(2)  # marks, moods and redraws come to rest


def posted(world: World) -> dict[str, float]:
    """When each customer's words reached Slack, by "<name> <number>"."""
    found: dict[str, float] = {}
    for entry in world.journal.entries("slack", "/api/chat.postMessage"):
        for text in said((entry.response or {}).get("message", {})):
            found.setdefault(text.rstrip("."), entry.at)
    return found


def said(message: dict[str, Any]) -> list[str]:
    """What a post shows literally; it may hold several messages of a customer."""
    rich = [block for block in message.get("blocks") or () if block["type"] == "rich_text"]
    return [
        leaf.get("text", "")
        for block in rich
        for line in block["elements"]
        for leaf in line["elements"]
    ]


def steady(world: World) -> dict[str, float]:
    """40 a second for 5 seconds: milliseconds from the webhook's sending to the post's arrival."""
    made = shots(world, "steady", 40, 5)
    sent = fire(world.port, made, 4, 5)["sent"]
    wait_for_posts(world, "steady", len(made), 20)
    arrived = posted(world)
    took = sorted((arrived[f"steady {n}"] - at) * 1000 for n, at in sent.items())
    return {
        "messages": len(made),
        "arrived": len(took),
        "median_ms": round(statistics.median(took), 2),
        "p99_ms": round(took[int(0.99 * (len(took) - 1))], 2),
    }


def wait_for_posts(world: World, name: str, count: int, seconds: float) -> int:
    """Until so many of them are in Slack, or the time is over; says how many are."""
    deadline = time.monotonic() + seconds
    arrived = 0
    while arrived < count and time.monotonic() < deadline:
        arrived = sum(key.startswith(f"{name} ") for key in posted(world))
        time.sleep(0.2)
    return arrived


def overload(world: World) -> dict[str, float]:
    """800 a second offered for 2 seconds: acknowledged a second while offered, and nothing lost."""
    made = shots(world, "burst", 800, 2)
    fired = fire(world.port, made, 64, 8)
    first = min(fired["sent"].values())
    in_time = sum(at <= first + 2 for at in fired["acked"].values())
    arrived = wait_for_posts(world, "burst", len(fired["acked"]), 90)
    texts = [key for key in posted(world) if key.startswith("burst ")]
    lost = [n for n in fired["acked"] if f"burst {n}" not in texts]
    return {
        "offered": len(made),
        "acked_in_2_s": in_time,
        "acks_per_s": round(in_time / 2, 1),
        "acked": len(fired["acked"]),
        "arrived_in_slack": arrived,
        "lost": len(lost),
    }


def floor() -> dict[str, float]:
    """What a bare Flask application acknowledges under the same fire."""
    port = free_port()
    command = [sys.executable, "-m", "bench.floor", str(port)]
    process = subprocess.Popen(command, cwd=ROOT)  # noqa: S603 - our own program
    try:
        wait_until_up(port)
        body = urlencode({"Body": "hello", "From": "+1555", "MessageSid": "SM1", "To": "+1556"})
        headers = {"Content-Type": FORM}
        made = [Shot(n / 800, "/webhooks/sms", body, headers) for n in range(1600)]
        fired = fire(port, made, 64, 8)
        first = min(fired["sent"].values())
        in_time = sum(at <= first + 2 for at in fired["acked"].values())
        return {"offered": len(made), "acked_in_2_s": in_time, "acks_per_s": round(in_time / 2, 1)}
    finally:
        process.terminate()
        process.wait(timeout=20)


def wait_until_up(port: int) -> None:
    """Until the floor answers."""
    for _ in range(200):
        try:
            requests.get(f"http://127.0.0.1:{port}/healthz", timeout=1)
        except requests.RequestException:
            time.sleep(0.05)
        else:
            return
    raise TimeoutError("the floor does not answer")


def measure(database_url: str, synchronous: str) -> dict[str, object]:
    """One bot, both loads."""
    with tempfile.TemporaryDirectory(prefix="handoff-bench-") as folder:
        url = database_url or f"sqlite:///{Path(folder) / 'handoff.db'}"
        with World(url, knowledge=ROOT / "knowledge", log=Path(folder) / "log") as world:
            world.start_bot(more=BARE | {"SQLITE_SYNCHRONOUS": synchronous})
            world.wait_until_ready()
            open_conversations(world)
            return {"steady": steady(world), "overload": overload(world)}


def main() -> None:
    """Measure, print, and keep the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database-url", default="", help="PostgreSQL instead of SQLite")
    parser.add_argument("--synchronous", default="full", choices=["full", "normal"])
    options = parser.parse_args()
    bare = floor()
    ours = measure(options.database_url, options.synchronous)
    overloaded = ours["overload"]
    assert isinstance(overloaded, dict)  # noqa: S101 - for the type checker
    result = {
        **provenance(),
        "database": "postgresql" if options.database_url else f"sqlite, {options.synchronous}",
        "floor": bare,
        **ours,
        "acks_of_floor": round(overloaded["acks_per_s"] / bare["acks_per_s"], 3),
    }
    text = json.dumps(result, indent=2)
    sys.stdout.write(f"{text}\n")
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(f"{text}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
