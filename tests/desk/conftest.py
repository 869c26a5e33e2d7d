"""The real core and the real Slack side in this process, a workspace on loopback, a fake channel."""

import itertools
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from werkzeug.serving import make_server

from handoff_bot.domain.messages import InboundMessage
from handoff_bot.jobs.rate_limits import Rate
from handoff_bot.services.container import Dependencies, Services
from handoff_bot.slack.client import people
from handoff_bot.slack.incoming import app
from handoff_bot.slack.incoming.app import SlackSide, build_slack
from handoff_bot.slack.manifest import OPTIONAL_SCOPES, SCOPES
from handoff_bot.storage import log
from handoff_bot.storage.database import Database
from handoff_bot.web.application import create_web
from handoff_sandbox.slack.stand_in import SlackStandIn
from handoff_sandbox.slack.ui.interacting import ClickResult
from handoff_sandbox.slack.ui.modals import Submission
from tests.fakes import (
    FakeChannel,
    FrozenClock,
    ScriptedAssistant,
    ScriptedDetector,
    ScriptedLearner,
    ScriptedLibrary,
    ScriptedReader,
    ScriptedRewriter,
    ScriptedToolServers,
    ScriptedTranslator,
    answer_at_once,
)
from tests.slack.resting import rest

Json = dict[str, Any]
DANA = "+15550001"
PATIENCE = 30
"""Seconds for what takes milliseconds when the machine has time for it."""
LISTENERS = 8
"""Threads: all of them are started in each test, to see that they are at rest."""


@dataclass
class Bureau:
    """A team at work: Ana and Ben are agents, Mia is an admin of the workspace; Dana is a customer."""

    database: Database
    clock: FrozenClock
    channel: FakeChannel
    detector: ScriptedDetector
    assistant: ScriptedAssistant
    slack: SlackStandIn
    core: Services
    listeners: ThreadPoolExecutor
    ana: str
    ben: str
    mia: str
    queue: str
    translator: ScriptedTranslator
    rewriter: ScriptedRewriter
    file_reader: ScriptedReader
    learner: ScriptedLearner
    library: ScriptedLibrary
    tool_servers: ScriptedToolServers
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def settle(self) -> None:
        """Wait until the listeners have come back, and run all work that is due now."""
        rest(self.listeners)
        self.core.worker.run_until_idle()

    def later(self, **time: float) -> None:
        """Let time pass, and run what is due then."""
        self.clock.at += timedelta(**time)
        self.settle()

    # -- the customer

    def says(self, text: str, address: str = DANA, **more: Any) -> None:
        """A customer writes."""
        number = next(self.numbers)
        inbound = InboundMessage("sms", f"SMIN{number}", address, "+15559999", text, **more)
        key = f"sms:{inbound.provider_id}"
        self.core.inbox.store("inbound", f"in:sms:{address}", key, asdict(inbound))
        self.settle()

    def heard(self, address: str = DANA) -> list[str]:
        """What has reached a customer."""
        return [message.text for message, _ in self.channel.taken if message.to == address]

    # -- the people in Slack

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
        """The ts of the newest card."""
        return str(self.cards()[-1]["ts"])

    def click(
        self, who: str, action_id: str, *, ts: str = "", value: str | None = None
    ) -> ClickResult:
        """Press a button on the newest card, or on another message."""
        result = self.slack.click(who, self.queue, ts or self.card(), action_id, value)
        self.settle()
        return result

    def chooses_more(self, who: str, kind: str, *, number: int = 1, ts: str = "") -> ClickResult:
        """Choose behind "⋯" of the newest card, or another; `number` is the escalation's id."""
        choice = f"{kind}:{number}"
        result = self.slack.select(who, self.queue, ts or self.card(), "more", choice)
        self.settle()
        return result

    def writes(self, who: str, text: str, *, ts: str = "", **more: Any) -> str:
        """Write in a card's thread; says the reply's ts."""
        reply = self.slack.say(who, self.queue, text, ts or self.card(), **more)
        self.settle()
        return reply

    def command(self, who: str, text: str) -> ClickResult:
        """Type `/handoff text` in the queue channel."""
        result = self.slack.command(who, self.queue, "/handoff", text)
        self.settle()
        return result

    def modal(self, who: str) -> Json:
        """The window that this person has on top."""
        return self.slack.views(who)[-1]

    def sends(self, who: str, values: Json | None = None) -> Submission:
        """Fill in the window on top, and send it."""
        result = self.slack.submit(who, self.modal(who)["id"], values)
        self.settle()
        return result

    def presses(self, who: str, action_id: str, value: str | None = None) -> ClickResult:
        """Press a button in the window on top."""
        result = self.slack.click_view(who, self.modal(who)["id"], action_id, value)
        self.settle()
        return result

    def chooses(self, who: str, action_id: str, choice: Any) -> ClickResult:
        """Choose in a menu of the window on top."""
        result = self.slack.select_view(who, self.modal(who)["id"], action_id, choice)
        self.settle()
        return result

    def home(self, who: str) -> Json:
        """The Home tab, as somebody sees who opens it now."""
        self.slack.open_home(who)
        self.settle()
        return self.slack.home(who) or {}

    def thread(self, ts: str = "") -> list[str]:
        """What is said in a card's thread, the card itself left out; one post may say several things."""
        posts = self.slack.thread(self.queue, ts or self.card())[1:]
        return [said for post in posts for said in post["text"].split(" | ")]

    def whispers(self, who: str) -> list[str]:
        """What one person alone was told."""
        return [message["text"] for message in self.slack.ephemerals(who)]

    def told(self, who: str) -> list[str]:
        """What the bot wrote to somebody directly."""
        with_bot = [c for c in self.slack.channels() if c.kind == "im" and who in c.members]
        return [m["text"] for c in with_bot for m in self.slack.messages(c.id)]


def words(shown: Any) -> str:
    """Every text that a message, window or Home tab shows."""
    if isinstance(shown, dict):
        own = [shown["text"]] if isinstance(shown.get("text"), str) else []
        return "\n".join(own + [words(v) for k, v in shown.items() if isinstance(v, dict | list)])
    if isinstance(shown, list):
        return "\n".join(words(each) for each in shown)
    return ""


@pytest.fixture
def limits() -> Mapping[str, Rate]:
    """How often the desk may be called; when it is limited, Slack enforces its limits, too."""
    return {}


@pytest.fixture
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """No time-out of Slack's or ours decides a test here: how quick the bot is, the real process shows."""
    monkeypatch.setattr(people, "_PATIENCE", PATIENCE)
    monkeypatch.setattr(app, "LISTENER_THREADS", LISTENERS)


@pytest.fixture
def bureau(
    database: Database, clock: FrozenClock, limits: Mapping[str, Rate], unhurried: None
) -> Iterator[Bureau]:
    """Everything, running; the lanes only when told to."""
    channel = FakeChannel(clock)
    parts = {"channels": {"sms": channel}, "limits": limits}
    with at_work(database, clock, channel=channel, parts=parts) as made:
        yield made


@contextmanager
def at_work(
    database: Database,
    clock: FrozenClock,
    *,
    parts: Json,
    kind: type[Bureau] = Bureau,
    **more: Any,
) -> Iterator[Any]:
    """A workspace with its people, and a core that is served in it.

    Args:
        parts: the dependencies of the core that are not the same everywhere: its channels, for example.
        kind: what a test gets at hand, with `more` in its fields.
    """
    slack = SlackStandIn(
        deliver="sync",
        ack_deadline=PATIENCE,
        enforce_limits=bool(parts.get("limits")),
        now=lambda: clock.at.timestamp(),
    )
    slack.scopes.granted = (*SCOPES, *OPTIONAL_SCOPES)
    ana, ben = slack.add_person("ana", "Ana"), slack.add_person("ben", "Ben")
    mia = slack.add_person("mia", "Mia", is_admin=True)
    queue = slack.add_channel("queue", [slack.bot_user, ana, ben, mia])
    fakes: Json = {
        "detector": ScriptedDetector(),
        "assistant": ScriptedAssistant(),
        "translator": ScriptedTranslator(),
        "rewriter": ScriptedRewriter(),
        "learner": ScriptedLearner(),
        "library": ScriptedLibrary(),
        "tool_servers": ScriptedToolServers(),
        "file_reader": ScriptedReader(),
    }
    fakes |= {name: parts.pop(name) for name in fakes.keys() & parts.keys()}
    answer_at_once(database, clock)
    side = build_slack(
        bot_token=slack.bot_token,
        signing_secret=slack.signing_secret,
        app_token="",
        api_url=slack.api_url,
        queue_channel=queue,
    )
    core = Services.build(
        Dependencies(
            database=database,
            desk=side.desk,
            clock=clock,
            tool_tokens={"shop": "mcp.shop.example.com"},
            **fakes,
            **parts,
        )
    )
    with slack, _serving(side, core) as address:
        slack.events_url = address
        yield kind(
            database=database,
            clock=clock,
            slack=slack,
            core=core,
            listeners=side._executor,
            ana=ana,
            ben=ben,
            mia=mia,
            queue=queue,
            **fakes,
            **more,
        )


@pytest.fixture
def taken(bureau: Bureau) -> Bureau:
    """Ana talks to Dana."""
    bureau.says("I want a person")
    bureau.click(bureau.ana, "claim")
    return bureau


@pytest.fixture
def holding(taken: Bureau) -> Bureau:
    """Replies wait for ten seconds."""
    with taken.database.write() as tx:
        log.prefer(tx, "hold_seconds", 10, "test", taken.clock.now())
    return taken


def answers(bureau: Bureau, who: str, action_id: str) -> None:
    """Press a button below what an agent was told last."""
    shown = bureau.slack.ephemerals(who)[-1]
    bureau.slack.click_ephemeral(who, shown["ts"], action_id)
    bureau.settle()


class _serving:  # noqa: N801 - reads as a verb
    """The bot's web side on loopback, while it lasts."""

    def __init__(self, side: SlackSide, core: Services) -> None:
        side.attach(core)
        for listener in side._bolt._listeners:
            listener.ack_timeout = PATIENCE
        self._side = side
        self._server = make_server("127.0.0.1", 0, create_web([side.blueprint]), threaded=True)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    def __enter__(self) -> str:
        self._thread.start()
        return f"http://127.0.0.1:{self._server.server_port}/slack/events"

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._side.stop()
