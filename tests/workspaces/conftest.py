"""Two workspaces in one process: the same ids of people, channels and escalations, different customers."""

import itertools
import shutil
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from werkzeug.serving import make_server

from handoff_bot.ai.detector.local import LocalDetector
from handoff_bot.slack.client import people
from handoff_bot.slack.incoming import app
from handoff_bot.slack.manifest import OPTIONAL_SCOPES, SCOPES
from handoff_bot.storage.encryption import write_new_key
from handoff_bot.workspaces.process import Workspaces, read_process_settings
from handoff_sandbox.slack.stand_in import SlackStandIn
from handoff_sandbox.slack.teams import CLIENT_ID, CLIENT_SECRET, SlackTeams
from handoff_sandbox.twilio import TwilioStandIn
from tests.fakes import FrozenClock
from tests.slack.resting import rest

Json = dict[str, Any]
PUBLIC = "https://bot.example.com"
PATIENCE = 30
LISTENERS = 8
SECRET = "sandbox-signing-secret"
"""One app has one signing secret, whatever workspace a request comes from."""


@dataclass
class Side:
    """One workspace with its people, its provider, and what is served of it."""

    slug: str
    slack: SlackStandIn
    twilio: TwilioStandIn
    folder: Path
    ana: str
    ben: str
    mia: str
    queue: str
    workspaces: Workspaces = field(init=False)

    @property
    def handoff(self):
        """What is served of it now."""
        return self.workspaces.at(self.slug).handoff

    @property
    def core(self):
        return self.handoff.core

    @property
    def database(self):
        return self.core.database

    @property
    def listeners(self):
        return self.handoff.slack._executor

    def settle(self) -> None:
        """Wait until the listeners have come back, and run all work that is due now."""
        rest(self.listeners)
        self.core.worker.run_until_idle()

    def customer_says(self, text: str, number: str) -> int:
        """A customer writes by SMS; says the status of the bot's answer."""
        result = self.twilio.customer_writes("sms", number, text)
        self.settle()
        return result.status

    def cards(self) -> list[Json]:
        """The cards in the queue channel, oldest first."""
        posts = [
            m for m in self.slack.messages(self.queue) if m.get("thread_ts", m["ts"]) == m["ts"]
        ]
        others = ("Queue:", "Setup", "Nobody", "No agent")
        return [
            m
            for m in posts
            if not m["text"].startswith(others) and "waiting for an agent" not in m["text"]
        ]

    def card(self) -> str:
        return str(self.cards()[-1]["ts"])

    def click(self, who: str, action_id: str) -> None:
        self.slack.click(who, self.queue, self.card(), action_id, None)
        self.settle()

    def seen(self) -> str:
        """Everything that this workspace's stand-in of Slack was sent."""
        return "\n".join(
            f"{entry.request}{entry.response}" for entry in self.slack.journal.entries("slack")
        )


@dataclass
class House:
    """The process, and its two workspaces."""

    acme: Side
    beta: Side
    workspaces: Workspaces
    teams: SlackTeams
    address: str
    root: Path

    def sides(self) -> tuple[Side, Side]:
        return self.acme, self.beta


@pytest.fixture(scope="session")
def detector() -> LocalDetector:
    """Loaded once, as a process does."""
    return LocalDetector.load()


@pytest.fixture
def backend() -> str:
    """Most here is about routing; tests/workspaces/test_postgres.py is about schemas."""
    return "sqlite"


@pytest.fixture
def unhurried(monkeypatch: pytest.MonkeyPatch, detector: LocalDetector) -> None:
    """No time-out of Slack's or ours decides a test here."""
    monkeypatch.setattr(people, "_PATIENCE", PATIENCE)
    monkeypatch.setattr(app, "LISTENER_THREADS", LISTENERS)
    monkeypatch.setattr(LocalDetector, "load", lambda: detector)


def write_settings(side: Side, **more: str) -> None:
    """Write the workspace's file."""
    lines = {
        "SLACK_TEAM_ID": side.slack.team_id,
        "SLACK_QUEUE_CHANNEL": side.queue,
        "TWILIO_ACCOUNT_SID": side.twilio.account_sid,
        "TWILIO_AUTH_TOKEN": side.twilio.auth_token,
        "TWILIO_SMS_FROM": side.twilio.sms_number,
        "TWILIO_API_URL": side.twilio.server.url,
        "WEBCHAT_ORIGINS": f"https://{side.slug}.example",
        "WEBCHAT_SECRET": f"webchat-secret-of-{side.slug}-" + "x" * 20,
    }
    text = "".join(f"{name}={value}\n" for name, value in (lines | more).items() if value)
    (side.folder / "settings.env").write_text(text)


def make_side(root: Path, slug: str, number: int, clock: FrozenClock, template: Path) -> Side:
    """A workspace whose ids are those of every other, but for the team's."""
    slack = SlackStandIn(
        deliver="sync",
        ack_deadline=PATIENCE,
        team_id=f"T0{slug.upper()}",
        bot_token=f"xoxb-{slug}",
        signing_secret=SECRET,
        now=lambda: clock.at.timestamp(),
    )
    slack.scopes.granted = (*SCOPES, *OPTIONAL_SCOPES)
    ana, ben = slack.add_person("ana", "Ana"), slack.add_person("ben", "Ben")
    mia = slack.add_person("mia", "Mia", is_admin=True)
    queue = slack.add_channel("queue", [slack.bot_user, ana, ben, mia])
    twilio = TwilioStandIn(
        f"AC{number}" + "0" * 31, f"twilio-token-of-{slug}", f"{PUBLIC}/w/{slug}", now=clock.now
    )
    folder = root / slug
    (folder / "knowledge").mkdir(parents=True)
    (folder / "knowledge" / "hours.md").write_text(f"# Hours\n\nThe shop {slug} opens at nine.\n")
    shutil.copyfile(template, folder / "handoff.db")
    return Side(slug, slack, twilio, folder, ana, ben, mia, queue)


def environment(root: Path, teams: SlackTeams, **more: str) -> dict[str, str]:
    """The environment of the process."""
    return {
        "DATABASE_URL": f"sqlite:///{root.parent / 'installations.db'}",
        "SLACK_SIGNING_SECRET": SECRET,
        "SLACK_API_URL": teams.api_url,
        "SLACK_LIMITS": "none",
        "SQLITE_SYNCHRONOUS": "normal",
        "PUBLIC_BASE_URL": PUBLIC,
        "WORKSPACES_DIR": str(root),
        "METRICS_TOKEN": "m" * 40,
        **more,
    }


@contextmanager
def serving(workspaces: Workspaces, *sides: Side) -> Iterator[str]:
    """The process on loopback, while it lasts; its jobs run only when a test says so."""
    workspaces.start()
    server = make_server("127.0.0.1", 0, workspaces.web, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    address = f"http://127.0.0.1:{server.server_port}"
    for side in sides:
        side.workspaces = workspaces
        side.slack.events_url = f"{address}/slack/events"
        side.twilio.bot_url = f"{address}/w/{side.slug}"
    try:
        yield address
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        workspaces.stop()


@pytest.fixture
def sides(tmp_path: Path, clock: FrozenClock, sqlite_template: Path) -> Iterator[tuple[Side, Side]]:
    """Two workspaces that no process serves yet."""
    root = tmp_path / "workspaces"
    with ExitStack() as stack:
        made = [
            make_side(root, slug, number, clock, sqlite_template)
            for slug, number in zip(("acme", "beta"), itertools.count(1))
        ]
        for side in made:
            stack.enter_context(side.slack)
            stack.enter_context(side.twilio)
        yield made[0], made[1]


@pytest.fixture
def house(sides: tuple[Side, Side], clock: FrozenClock, unhurried: None) -> Iterator[House]:
    """Both by a token in their settings."""
    acme, beta = sides
    with SlackTeams([acme.slack, beta.slack]) as teams:
        for side in sides:
            write_settings(side, SLACK_BOT_TOKEN=side.slack.bot_token)
        environ = environment(acme.folder.parent, teams)
        workspaces = Workspaces(read_process_settings(environ), environ, "web", clock)
        with serving(workspaces, acme, beta) as address:
            yield House(acme, beta, workspaces, teams, address, acme.folder.parent)


def oauth(tmp_path: Path) -> dict[str, str]:
    """The settings of an app that is installed by OAuth."""
    keys = tmp_path / "keys"
    write_new_key(keys)
    return {
        "SLACK_CLIENT_ID": CLIENT_ID,
        "SLACK_CLIENT_SECRET": CLIENT_SECRET,
        "ENCRYPTION_KEY_FILE": str(keys),
    }
