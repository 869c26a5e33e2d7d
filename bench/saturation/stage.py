"""What is measured stands here: a database with conversations, the bot on it, and the stand-in beside."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
import urllib.parse
import urllib.request
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, make_url, text

from bench.saturation import copies, processes
from bench.saturation.fire import Fired, Load, address
from handoff_sandbox.free_port import free_port
from handoff_sandbox.world import PUBLIC, ROOT, World

BARE = {"LOG_LEVEL": "warning", "SLACK_LIMITS": "none"}
"""Our own work only: what Slack's rate limits cost is measured by bench.desk."""
PATIENCE = 60.0
TEMPLATE = "bench_template"


@dataclass(frozen=True)
class Place:
    """What the bot must be told, and what the stand-in answers: taken from the sandbox's world.

    Attributes:
        canned: method of Slack -> what it is asked about -> the answer.
    """

    environment: dict[str, str]
    canned: dict[str, dict[str, Any]]

    def load(self, name: str, port: int, count: int, rate: float, customers: int) -> Load:
        """What `fire` needs to know."""
        return Load(
            name=name,
            port=port,
            count=count,
            rate=rate,
            customers=customers,
            account=self.environment["TWILIO_ACCOUNT_SID"],
            auth_token=self.environment["TWILIO_AUTH_TOKEN"],
            public_url=PUBLIC,
            to=self.environment["TWILIO_SMS_FROM"],
        )


def claimed_conversation(
    url: str, folder: Path, customers: int = 1, more: Mapping[str, str] = BARE
) -> Place:
    """Customers ask for a person and are taken over; the database is at rest afterwards."""
    with World(url, knowledge=ROOT / "knowledge", log=folder / "template.log") as world:
        world.start_bot(more=more)
        world.wait_until_ready(PATIENCE)
        for number in range(customers):
            world.twilio.customer_writes("sms", address(number), "I want to talk to a human agent")
        world.slack.wait_for(lambda: len(world.cards()) == customers, PATIENCE)
        for card in world.cards():
            world.slack.click(world.ana, world.queue, str(card["ts"]), "claim")
        world.twilio.wait_for(lambda: len(world.twilio.messages()) >= 3 * customers, PATIENCE)
        world.twilio.drain(PATIENCE)
        at_rest(world.bot_url)
        return Place(world.environment(BARE), _canned(world))


def _canned(world: World) -> dict[str, dict[str, Any]]:
    """The sandbox's answers to what the bot asks about people and places."""

    def ask(method: str, **about: str) -> Any:
        form = urllib.parse.urlencode(about).encode()
        headers = {"Authorization": f"Bearer {world.slack.bot_token}"}
        request = urllib.request.Request(world.slack.api_url + method, form, headers)  # noqa: S310
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:  # noqa: S310 - loopback
            return json.load(answer)

    people = (world.ana, world.ben, world.mia, world.slack.bot_user)
    return {
        "auth.test": {"": ask("auth.test")},
        "users.info": {person: ask("users.info", user=person) for person in people},
        "users.list": {"": ask("users.list")},
        "conversations.info": {world.queue: ask("conversations.info", channel=world.queue)},
        "conversations.members": {world.queue: ask("conversations.members", channel=world.queue)},
        "conversations.list": {"": ask("conversations.list")},
    }


def get(url: str) -> Any:
    """The JSON at an address on loopback."""
    with urllib.request.urlopen(url, timeout=PATIENCE) as answer:  # noqa: S310 - loopback
        return json.load(answer)


def at_rest(bot_url: str, seconds: float = PATIENCE) -> None:
    """Wait until no job has been due for a second; redraws and moods come after what was asked for."""
    deadline = time.monotonic() + seconds
    quiet = 0
    while quiet < 3 and time.monotonic() < deadline:
        lanes = get(f"{bot_url}/healthz")["lanes"].values()
        quiet = quiet + 1 if all(lane["lag_seconds"] == 0 for lane in lanes) else 0
        time.sleep(0.4)


class Databases:
    """Copies of one prepared database, each as cheap as copying a file.

    Args:
        server: the address of a PostgreSQL server, "" for SQLite.
        pid: the server's first process.
    """

    def __init__(self, folder: Path, server: str = "", pid: int = 0) -> None:
        self._folder, self._server, self.pid = folder, server, pid
        self._template = self._create(TEMPLATE)
        self.place = claimed_conversation(self._template, folder)

    def copy(self, conversations: int, old_messages: int = 0) -> str:
        """The address of a database with so many claimed conversations, and so much history."""
        name = f"b{uuid.uuid4().hex}"
        if self._server:
            url = self._create(name, TEMPLATE)
        else:
            url = f"sqlite:///{self._folder / name}.db"
            shutil.copyfile(make_url(self._template).database or "", make_url(url).database or "")
        with opened(url) as engine, engine.begin() as connection:
            if not self._server:
                _hurry(connection)
            copies.open_conversations(connection, conversations)
            if old_messages:
                copies.old_messages(connection, old_messages, conversations)
        return url

    def _create(self, name: str, template: str = "template1") -> str:
        if not self._server:
            return f"sqlite:///{self._folder / name}.db"
        with opened(self._server) as engine, engine.connect() as connection:
            outside = connection.execution_options(isolation_level="AUTOCOMMIT")
            outside.execute(text(f"CREATE DATABASE {name} TEMPLATE {template}"))
        return make_url(self._server).set(database=name).render_as_string(hide_password=False)


@contextmanager
def opened(url: str) -> Iterator[Engine]:
    engine = _engine(url)
    try:
        yield engine
    finally:
        engine.dispose()


def _engine(url: str) -> Engine:
    parsed = make_url(url)
    if parsed.drivername.startswith("postgresql"):
        parsed = parsed.set(drivername="postgresql+psycopg")
    return create_engine(parsed)


def _hurry(connection: Connection) -> None:
    """What is copied can be copied again, so SQLite need not keep it safe meanwhile."""
    for pragma in ("journal_mode = off", "synchronous = off", "cache_size = -400000"):
        connection.exec_driver_sql(f"PRAGMA {pragma}")


@dataclass
class Stage:
    """A bot that is up, and the stand-in for its vendors."""

    place: Place
    url: str
    vendors_url: str
    bot: subprocess.Popen[bytes]
    port: int
    postgres: int = 0

    def fire(self, load: Load) -> subprocess.Popen[bytes]:
        """Begin to fire, in another process; `fired` waits for its end."""
        command = [sys.executable, "-m", "bench.saturation.fire"]
        process = subprocess.Popen(  # noqa: S603 - our own program
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT
        )
        assert process.stdin  # noqa: S101 - for the type checker
        process.stdin.write(json.dumps(asdict(load)).encode())
        process.stdin.close()
        process.stdin = None
        return process

    def fired(self, process: subprocess.Popen[bytes], seconds: float) -> Fired:
        """What came of it."""
        out, _ = process.communicate(timeout=seconds)
        answer = json.loads(out)
        numbers = {
            name: {int(n): at for n, at in answer[name].items()} for name in ("due", "acked")
        }
        return Fired(**numbers, refused=answer["refused"])

    def arrivals(self, name: str) -> dict[int, list[float]]:
        """When each message of a run was posted, each time."""
        found = get(f"{self.vendors_url}/bench/arrivals/{name}")
        return {int(number): times for number, times in found.items()}

    def wait_for_posts(self, name: str, count: int, seconds: float) -> bool:
        """Until so many different messages of a run were posted; False when the time is over."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if int(get(f"{self.vendors_url}/bench/count/{name}")) >= count:
                return True
            time.sleep(0.1)
        return False

    def health(self) -> dict[str, Any]:
        """The health page; {} when it does not answer in time."""
        try:
            return dict(get(f"{self.url}/healthz"))
        except (OSError, ValueError):
            return {}

    def processor_time(self) -> dict[str, float]:
        """Seconds so far: of the bot's first process, of those that serve, of PostgreSQL."""
        found: dict[str, float] = {}
        used = processes.seconds(processes.group(self.bot.pid))
        for number, (pid, taken) in enumerate(sorted(used.items())):
            found["bot, first process" if pid == self.bot.pid else f"bot, process {number}"] = taken
        if self.postgres:
            found["postgresql"] = sum(processes.seconds(processes.family(self.postgres)).values())
        return found


@contextmanager
def vendors(place: Place) -> Iterator[str]:
    """The stand-in's address, while it runs."""
    port = free_port()
    command = [sys.executable, "-m", "bench.saturation.vendors", str(port)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, cwd=ROOT)  # noqa: S603
    assert process.stdin  # noqa: S101 - for the type checker
    process.stdin.write(json.dumps(place.canned).encode())
    process.stdin.close()
    url = f"http://127.0.0.1:{port}"
    try:
        _until_answered(f"{url}/bench/count/none", process)
        yield url
    finally:
        _end(process)


@contextmanager
def standing(
    place: Place,
    database_url: str,
    vendors_url: str,
    log: Path,
    *,
    more: Mapping[str, str] | None = None,
    postgres: int = 0,
    command: Callable[[int], list[str]] | None = None,
    root: Path = ROOT,
) -> Iterator[Stage]:
    """The bot of a checkout on this database (or what `command` makes of a port), while it runs."""
    port = free_port()
    pointed = {
        "PORT": str(port),
        "DATABASE_URL": database_url,
        "SLACK_API_URL": f"{vendors_url}/api/",
        "TWILIO_API_URL": vendors_url,
    }
    arguments = command(port) if command else ["app.py"]
    with log.open("ab") as output:
        bot = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, *arguments],
            cwd=root,
            env={**place.environment, **pointed, "PYTHONPATH": str(root), **(more or {})},
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    url = f"http://127.0.0.1:{port}"
    try:
        _until_answered(f"{url}/healthz", bot)
        at_rest(url)  # it has asked the vendors what it missed
        yield Stage(place, url, vendors_url, bot, port, postgres)
    finally:
        _end(bot)


def _until_answered(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        try:
            get(url)
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise TimeoutError(f"{process.args!r} does not answer")


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(timeout=30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(timeout=30)
