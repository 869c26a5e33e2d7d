"""Slow clients by the hundred, and signed requests between them.

`python -m tests.attacks.slow` attacks a bot of its own and prints a table for docs/security.md.
"""

import contextlib
import hashlib
import hmac
import http.client
import itertools
import json
import os
import resource
import socket
import statistics
import tempfile
import threading
import time
import uuid
from pathlib import Path
from urllib.parse import urlencode

from handoff_sandbox.twilio import sign
from handoff_sandbox.world import PUBLIC, ROOT, World

ORIGIN = "https://shop.example.com"
WEBSITE = {"WEBCHAT_ORIGINS": ORIGIN, "WEBCHAT_SECRET": "attacks-secret-" * 4}
SOCKETS = 500
PATIENCE = 30.0
FORM = "application/x-www-form-urlencoded"

_POST = f"POST /webhooks/sms HTTP/1.1\r\nHost: bot.example.com\r\nContent-Type: {FORM}\r\n"
KINDS = {
    "silent": (b"", b""),
    "slow head": (b"POST /webhooks/sms HTTP/1.1\r\nHost: bot.example.com\r\nX-Slow: ", b"a"),
    "silent body": (f"{_POST}Content-Length: 1000\r\n\r\n".encode(), b""),
    "dripping body": (f"{_POST}Content-Length: 1000\r\n\r\n".encode(), b"a"),
    "slow chunks": (f"{_POST}Transfer-Encoding: chunked\r\n\r\n".encode(), b"1\r\na\r\n"),
}
"""Kind of client -> what it sends at once, and what it goes on to send every second."""
FLOOD = b"GET /healthz HTTP/1.1\r\nHost: bot.example.com\r\n\r\n" * 200
"""200 requests of one client at once, who never reads an answer."""


def allow_files() -> None:
    """As many open files as the system lets us have."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


class Slow:
    """So many slow clients, for as long as the block lasts."""

    def __init__(self, port: int, begin: bytes, more: bytes = b"", count: int = SOCKETS) -> None:
        self._more = more
        self._ended = threading.Event()
        self.open: list[socket.socket] = []
        for _ in range(count):
            self.open.append(_client(port, begin))
        self._thread = threading.Thread(target=self._drip)

    def __enter__(self) -> "Slow":
        if self._more:
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        if self._more:
            self._thread.join()
        for one in self.open:
            one.close()

    def _drip(self) -> None:
        while not self._ended.wait(1.0):
            for one in self.open:
                with contextlib.suppress(OSError):  # it was closed, as it should be
                    one.send(self._more)

    def closed(self) -> int:
        """How many of them the bot has closed by now."""
        return sum(is_closed(one) for one in self.open)


def _client(port: int, begin: bytes) -> socket.socket:
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    made.settimeout(PATIENCE)
    made.connect(("127.0.0.1", port))
    with contextlib.suppress(OSError):  # it had to make room for another
        made.sendall(begin)
    made.setblocking(False)
    return made


def is_closed(one: socket.socket) -> bool:
    """Has the other side closed it?"""
    try:
        return one.recv(1, socket.MSG_PEEK) == b"" or _has_hung_up(one)
    except BlockingIOError:
        return False
    except OSError:
        return True


def _has_hung_up(one: socket.socket) -> bool:
    """With an unread answer before the end: the state of TCP tells."""
    state = one.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]
    return state in (7, 8)  # CLOSE, CLOSE_WAIT


class Signed:
    """Posts signed requests to a bot."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._numbers = itertools.count()

    def webhook(self) -> tuple[int, float]:
        """An SMS arrives: status, and seconds to the answer."""
        sid = f"SM{uuid.uuid4().hex}"
        form = self._world.twilio.inbound_form("sms", "+15550123", f"n {next(self._numbers)}", sid)
        signature = sign(self._world.twilio.auth_token, f"{PUBLIC}/webhooks/sms", form)
        headers = {"Content-Type": FORM, "X-Twilio-Signature": signature}
        return self._post("/webhooks/sms", urlencode(form), headers)

    def event(self) -> tuple[int, float]:
        """Somebody writes in the queue channel: status, and seconds to the answer."""
        world, now = self._world, str(int(time.time()))
        said = {
            "type": "message",
            "channel": world.queue,
            "user": world.ana,
            "text": "hello",
            "ts": f"{now}.{next(self._numbers):06d}",
        }
        body = json.dumps(
            {
                "type": "event_callback",
                "event_id": f"Ev{uuid.uuid4().hex}",
                "team_id": "T0",
                "api_app_id": "A0",
                "event": said,
            }
        )
        key = world.slack.signing_secret.encode()
        digest = hmac.new(key, f"v0:{now}:{body}".encode(), hashlib.sha256).hexdigest()
        headers = {
            "Content-Type": "application/json",
            "X-Slack-Request-Timestamp": now,
            "X-Slack-Signature": f"v0={digest}",
        }
        return self._post("/slack/events", body, headers)

    def _post(self, path: str, body: str, headers: dict[str, str]) -> tuple[int, float]:
        began = time.monotonic()
        line = http.client.HTTPConnection("127.0.0.1", self._world.port, timeout=PATIENCE)
        try:
            line.request("POST", path, body, headers)
            answer = line.getresponse()
            answer.read()
            return answer.status, time.monotonic() - began
        except OSError:
            return 0, time.monotonic() - began
        finally:
            line.close()

    def seconds(self, times: int = 5) -> list[float]:
        """How long answers take; all must be given."""
        made = [post() for _ in range(times) for post in (self.webhook, self.event)]
        assert {status for status, _ in made} == {200}, made
        return [took for _, took in made]


def serving_process(world: World) -> int:
    """The process that serves: the child of the one that was started."""
    (child,) = _children(_started(world))
    return child


def _started(world: World) -> int:
    process = world._process
    assert process is not None
    return process.pid


def _children(parent: int) -> list[int]:
    numbers = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]
    return [number for number in numbers if _parent(number) == parent]


def _parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
    except OSError:
        return 0


def memory(pid: int) -> float:
    """MB that a process holds (RSS)."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def _report() -> None:
    allow_files()
    with tempfile.TemporaryDirectory(prefix="handoff-attack-") as folder:
        url = f"sqlite:///{folder}/handoff.db"
        for name, more in (("without", {}), ("with", WEBSITE)):
            with World(url, knowledge=ROOT / "knowledge", log=Path(folder) / "log") as world:
                world.start_bot(more=more)
                world.wait_until_ready()
                _attack(world, name)


def _attack(world: World, name: str) -> None:
    signed = Signed(world)
    signed.seconds()
    calm = signed.seconds(10)
    print(f"{name} website, calm: median {_ms(calm)} ms, slowest {max(calm) * 1000:.0f} ms")  # noqa: T201
    for kind in KINDS:
        with Slow(world.port, *KINDS[kind]) as slow:
            made = [post() for _ in range(10) for post in (signed.webhook, signed.event)]
            took = [seconds for _, seconds in made]
            answered = sum(status == 200 for status, _ in made)
            print(  # noqa: T201
                f"| {SOCKETS} {kind}, {name} website | {answered} of {len(made)} answered | "
                f"median {_ms(took)} ms, slowest {max(took) * 1000:.0f} ms | closed {slow.closed()} |"
            )


def _ms(took: list[float]) -> str:
    return f"{statistics.median(took) * 1000:.0f}"


if __name__ == "__main__":
    _report()
