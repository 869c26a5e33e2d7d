"""The relay of a claimed message in one process: `python -m bench.relay [--against CHECKOUT]`; 2 minutes.

Processor time from the webhook's WSGI request to the finished post in Slack, without the HTTP server.
With another checkout, or with `--encrypted`, both are measured in turn, batch by batch, so that other
load meets both. With `--calls` the calls of Python functions are counted instead, which no other load
changes.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

CALM = ("ok thanks", "yes", "Order 4711, it was paid on Monday.", "It is the blue one, size M.")
"""Messages whose mood nobody needs to look at: only the relay is measured."""
CUSTOMERS = 200
PATIENCE = 60.0


class Child:
    """One checkout's bot, in a process of its own that is given WSGI requests by its standard input."""

    def __init__(self, checkout: Path, environment: dict[str, str], log: Path) -> None:
        self.batches: list[float] = []
        self.log = log
        self.last: dict[str, Any] = {}
        with log.open("ab") as errors:
            self.process = subprocess.Popen(  # noqa: S603 - our own program
                [sys.executable, __file__, "--child"],
                cwd=checkout,
                env={**environment, "PYTHONPATH": str(checkout)},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        self.ask({})

    def ask(self, command: dict[str, Any]) -> dict[str, Any]:
        assert self.process.stdin  # noqa: S101 - for the type checker
        assert self.process.stdout  # noqa: S101
        self.process.stdin.write(json.dumps(command) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise SystemExit(f"a bot has ended: {self.log.read_text()[-2000:]}")
        return dict(json.loads(answer))

    def close(self) -> None:
        assert self.process.stdin  # noqa: S101 - for the type checker
        self.process.stdin.close()
        try:
            self.process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self.process.kill()


@contextmanager
def _child(checkout: Path, environment: dict[str, str], log: Path) -> Iterator[Child]:
    child = Child(checkout, environment, log)
    try:
        yield child
    finally:
        child.close()


def _variants(options: argparse.Namespace, folder: Path) -> dict[str, tuple[Path, dict[str, str]]]:
    """Returns what is measured, by name: a checkout, and settings besides the usual ones."""
    variants: dict[str, tuple[Path, dict[str, str]]] = {"this": (Path.cwd(), {})}
    if options.against:
        variants["other"] = (options.against.resolve(), {})
    if options.encrypted:
        from handoff_bot.storage.encryption import write_new_key

        write_new_key(folder / "keys")
        variants["encrypted"] = (Path.cwd(), {"ENCRYPTION_KEY_FILE": str(folder / "keys")})
    return variants


def _measured(options: argparse.Namespace) -> dict[str, Any]:
    from bench.cost import server_of
    from bench.provenance import provenance
    from bench.saturation.stage import Databases, vendors

    with (
        tempfile.TemporaryDirectory(prefix="handoff-relay-") as name,
        server_of(options) as server,
        ExitStack() as stack,
    ):
        folder = Path(name)
        databases = Databases(folder, server)
        children: dict[str, tuple[Child, str]] = {}
        for which, (checkout, settings) in _variants(options, folder).items():
            url = stack.enter_context(vendors(databases.place))
            pointed = {
                "DATABASE_URL": databases.copy(CUSTOMERS),
                "SLACK_API_URL": f"{url}/api/",
                "TWILIO_API_URL": url,
                "RELAY_CALLS": "1" if options.calls else "",
            }
            environment = {**databases.place.environment, **pointed, **settings}
            child = stack.enter_context(_child(checkout, environment, folder / "log"))
            children[which] = (child, url)
        _run(options, children, databases.place)
        found = {which: _shown(child, options) for which, (child, _) in children.items()}
        return {**provenance(), "messages": options.count, "rounds": options.rounds, **found}


def _run(options: argparse.Namespace, children: dict[str, tuple[Child, str]], place: Any) -> None:
    """Measures the children in turn."""
    from bench.saturation.stage import get

    for number in range(options.rounds + 1):  # the first one only warms up
        order = list(children) if number % 2 else list(children)[::-1]
        for which in order:
            child, url = children[which]
            tag = f"round{'abcdefghijklmnopqrstuvwxyz'[number // 26]}{chr(97 + number % 26)}"
            load = place.load(tag, 0, options.count, 0, CUSTOMERS)
            child.ask({"load": vars(load) | {"said": CALM}, "pause": options.pause})
            deadline = time.monotonic() + PATIENCE
            while int(get(f"{url}/bench/count/{tag}")) < options.count:
                if time.monotonic() > deadline:
                    raise SystemExit("not all messages were posted")
                time.sleep(0.05)
            time.sleep(0.3)
            child.last = child.ask({"done": True})
            if number:
                child.batches.append(child.last["ms"] / options.count)


def _shown(child: Child, options: argparse.Namespace) -> dict[str, Any]:
    if options.calls:
        layers = {name: round(n / options.count, 1) for name, n in child.last["calls"].items()}
        return {"calls": round(sum(layers.values())), "layers": layers}
    ordered = sorted(child.batches)
    return {
        "median_ms": round(statistics.median(ordered), 2),
        "p10_ms": round(ordered[len(ordered) // 10], 2),
        "batches_ms": [round(one, 2) for one in child.batches],
    }


# -- the child


def _serve() -> None:
    sys.path[:] = [os.getcwd(), *sys.path[1:]]
    calls: Counter[str] = Counter()
    if os.environ["RELAY_CALLS"]:
        _count(calls)
    from bench.saturation.fire import Load
    from handoff_bot.app import build  # of the checkout that is measured
    from handoff_bot.serving import SWITCH_INTERVAL
    from handoff_bot.settings import read_settings

    sys.setswitchinterval(SWITCH_INTERVAL)
    bot = build(read_settings())
    bot.start()
    sys.stdin.readline()
    time.sleep(2)
    _answer({})
    began, before = 0.0, Counter[str]()
    for line in sys.stdin:
        command = json.loads(line)
        if "done" in command:
            used = (time.process_time() - began) * 1000
            _answer({"ms": used, "calls": Counter(dict.copy(calls)) - before})
            continue
        load = Load(**command["load"])
        requests = [_environ(load.request(number)) for number in range(load.count)]
        began, before = time.process_time(), Counter(dict.copy(calls))
        for environ in requests:
            time.sleep(command["pause"])
            b"".join(bot.web(environ, _start))
        _answer({})
    bot.stop()


def _answer(content: dict[str, Any]) -> None:
    sys.stdout.write(f"{json.dumps(content)}\n")
    sys.stdout.flush()


def _start(status: str, _headers: object, _error: object = None) -> Any:
    if not status.startswith("200"):
        raise SystemExit(status)


def _environ(raw: bytes) -> dict[str, Any]:
    from handoff_bot.serving.wsgi import environ_of

    head, _, body = raw.partition(b"\r\n\r\n")
    request, *lines = head.split(b"\r\n")
    headers = [tuple(line.split(b": ", 1)) for line in lines]
    scope = {
        "method": "POST",
        "raw_path": request.split(b" ")[1],
        "query_string": b"",
        "http_version": "1.1",
        "server": ("127.0.0.1", 80),
        "client": ("127.0.0.1", 1),
        "headers": [(name.lower(), value) for name, value in headers],
    }
    return environ_of(scope, body)


LAYERS = ("handoff_bot/jobs", "handoff_bot/storage", "handoff_bot/services", "handoff_bot/slack")
PACKAGES = ("sqlalchemy", "sqlmodel", "pydantic", "slack_sdk", "urllib3", "flask", "werkzeug")


def _count(calls: Counter[str]) -> None:
    import threading

    known: dict[str, str] = {}

    def layer(path: str) -> str:
        parts = [one for one in (*LAYERS, *PACKAGES, "handoff_bot", "twilio") if one in path]
        return parts[0] if parts else path.rpartition("/")[2]

    def called(frame: Any, event: str, _argument: object) -> None:
        if event == "call":
            path = frame.f_code.co_filename
            name = known.get(path) or known.setdefault(path, layer(path))
            calls[name] += 1

    threading.setprofile(called)
    sys.setprofile(called)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--against", type=Path, help="another checkout")
    parser.add_argument("--count", type=int, default=100, help="messages of a batch")
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--pause", type=float, default=0.02, help="seconds between messages")
    parser.add_argument("--calls", action="store_true")
    parser.add_argument("--encrypted", action="store_true", help="also with ENCRYPTION_KEY_FILE")
    parser.add_argument("--postgres", action="store_true")
    options = parser.parse_args()
    if options.child:
        _serve()
        return
    sys.stdout.write(f"{json.dumps(_measured(options), indent=2)}\n")


if __name__ == "__main__":
    main()
