"""How much memory so many visitors cost who only wait: `python -m bench.idle_visitors`."""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import socket
import tempfile
import time
import uuid
from pathlib import Path
from urllib.parse import urlsplit

import requests

from handoff_sandbox.world import ROOT, World

ORIGIN = "http://127.0.0.1:1"
RESULT = Path(__file__).parent / "results" / "idle_visitors.json"
PATIENCE = 60.0
"""Seconds to wait for anything."""


def main() -> None:
    """Measure, print, and keep the result when asked to."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--visitors", type=int, default=1000)
    arguments.add_argument("--write", action="store_true", help=f"write {RESULT.name}")
    options = arguments.parse_args()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with tempfile.TemporaryDirectory(prefix="handoff-bench-") as folder:
        files = Path(folder)
        url = f"sqlite:///{files / 'handoff.db'}"
        with World(url, knowledge=ROOT / "knowledge", log=files / "log") as world:
            result = measure(world, options.visitors)
    text = json.dumps(result, indent=2)
    print(text)  # noqa: T201 - a command's output
    if options.write:
        RESULT.write_text(text + "\n", encoding="utf-8")


def measure(world: World, visitors: int) -> dict[str, object]:
    """The bot's memory without and with visitors, and whether the last of them still hears."""
    settings = {
        "WEBCHAT_ORIGINS": ORIGIN,
        "WEBCHAT_SECRET": "bench" * 8,
        "WEBCHAT_VISITORS": str(visitors + 10),
        "TRUSTED_PROXIES": "1",  # each visitor has an address of their own, as behind a real proxy
    }
    for _ in range(2):  # the second start finds its tables made, as every start but the first does
        world.stop_bot()
        world.start_bot(more=settings)
        world.wait_until_ready()
    session = requests.Session()
    session.trust_env = False
    tokens = [_token(session, world)]
    before = _memory()
    streams = [_stream(world, tokens[0], 0)]
    from_outside = _tokens(settings, visitors - 1)
    streams += [_stream(world, token, n) for n, token in enumerate(from_outside, 1)]
    idle = _memory()
    cpu_before = _cpu()
    time.sleep(5)
    cpu = (_cpu() - cpu_before) / 5
    heard = _hear(session, world, tokens[0], streams[0])
    webhook = world.twilio.customer_writes("sms", "+15550199", "hello")
    for stream in streams:
        stream.close()
    return {
        "visitors": visitors,
        "bot_mb": round(before, 1),
        "with_visitors_mb": round(idle, 1),
        "kb_each": round((idle - before) * 1024 / visitors, 1),
        "idle_cpu_share": round(cpu, 3),
        "answer_reached_a_stream_ms": round(heard * 1000),
        "webhook_status_meanwhile": webhook.status,
        "python": platform.python_version(),
        "machine": platform.machine(),
    }


def _tokens(settings: dict[str, str], count: int) -> list[str]:
    """Sessions of visitors from all over the world: over HTTP the rate limit of one address holds."""
    from handoff_bot.channels.webchat import Sessions, Website

    sessions = Sessions(Website((ORIGIN,), settings["WEBCHAT_SECRET"]))
    return [sessions.begin().token for _ in range(count)]


def _token(session: requests.Session, world: World) -> str:
    answer = session.post(
        f"{world.bot_url}/chat/session", json={}, headers={"Origin": ORIGIN}, timeout=PATIENCE
    )
    return str(answer.json()["token"])


def _stream(world: World, token: str, number: int) -> socket.socket:
    """A stream that has begun: its first event has come."""
    parts = urlsplit(world.bot_url)
    stream = socket.create_connection((str(parts.hostname), parts.port or 80), PATIENCE)
    lines = [
        "GET /chat/events HTTP/1.1",
        f"Host: {parts.netloc}",
        f"Authorization: Bearer {token}",
        f"Origin: {ORIGIN}",
        f"X-Forwarded-For: 10.0.{number // 256}.{number % 256}",
    ]
    stream.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
    _read_until(stream, b"event: state")
    return stream


def _read_until(stream: socket.socket, wanted: bytes) -> None:
    seen = b""
    while wanted not in seen:
        more = stream.recv(65536)
        if not more:
            raise ConnectionError(seen[:200].decode(errors="replace"))
        seen += more


def _hear(session: requests.Session, world: World, token: str, stream: socket.socket) -> float:
    """Seconds from a visitor's message to the assistant's answer in their stream."""
    began = time.monotonic()
    session.post(
        f"{world.bot_url}/chat/messages",
        json={"id": str(uuid.uuid4()), "text": "How long does delivery take?"},
        headers={"Origin": ORIGIN, "Authorization": f"Bearer {token}"},
        timeout=PATIENCE,
    ).raise_for_status()
    _read_until(stream, b'"author": "assistant"')
    return time.monotonic() - began


def _memory() -> float:
    """MB of memory that the process which serves holds (RSS)."""
    return _kb(_bot(), "status", "VmRSS:") / 1024


def _cpu() -> float:
    """Seconds of processor time that the bot has used."""
    fields = _stat(_bot())
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _bot() -> int:
    """The process that serves: the child of the one we started."""
    (started,) = _children(os.getpid())
    (serves,) = _children(started)
    return serves


def _children(parent: int) -> list[int]:
    numbers = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]
    return [number for number in numbers if _parent(number) == parent]


def _parent(pid: int) -> int:
    try:
        return int(_stat(pid)[1])
    except OSError:  # it has ended meanwhile
        return 0


def _stat(pid: int) -> list[str]:
    """What /proc says of a process, from its state on."""
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()


def _kb(pid: int, file: str, name: str) -> int:
    for line in Path(f"/proc/{pid}/{file}").read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1])
    return 0


if __name__ == "__main__":
    main()
