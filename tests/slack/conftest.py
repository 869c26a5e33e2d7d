"""Fixtures for Slack's side."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from flask.testing import FlaskClient
from slack_bolt import App
from slack_sdk.web import WebClient
from werkzeug.test import TestResponse

from handoff_bot.domain.desk import AgentRef, TranscriptPage
from handoff_bot.domain.escalations import Step
from handoff_bot.domain.results import ActionResult
from handoff_bot.services.container import Services
from handoff_bot.slack.desk import SlackDesk
from handoff_bot.slack.feature import Tools
from handoff_bot.slack.incoming.app import build_bolt, slack_events
from handoff_bot.web.application import create_web
from tests.fakes import FrozenClock
from tests.slack import builders, payloads
from tests.slack.resting import rest
from tests.slack.wire import Reply, ScriptedApi, scripted_api


@pytest.fixture
def api() -> Iterator[ScriptedApi]:
    """A Web API that does what it is told."""
    with scripted_api() as made:
        yield made


@pytest.fixture
def web_client(api: ScriptedApi) -> WebClient:
    """The unchanged SDK, talking to it."""
    return WebClient(token="xoxb-test", base_url=api.url, timeout=2, retry_handlers=[])


@pytest.fixture
def desk(web_client: WebClient, clock: FrozenClock) -> SlackDesk:
    """The desk, on that Web API."""
    return SlackDesk(web_client, "C0QUEUE", clock)


@pytest.fixture
def known_people(api: ScriptedApi) -> None:
    """Slack knows who everybody is, and opens windows."""
    person = {"id": "U", "profile": {"display_name": "Ana"}}
    api.will("users.info", *(Reply({"ok": True, "user": person}) for _ in range(5)))
    api.will("views.open", *(Reply({"ok": True, "view": {"id": "V1"}}) for _ in range(2)))


class EverybodyMay:
    """Roles that nobody is refused by; roles have tests of their own."""

    def why_not(self, *_: object) -> None:
        return None

    def may_administer(self, _desk_id: str) -> bool:
        return False

    def reach(self, _desk_id: str) -> None:
        return None


class NothingKnown:
    """No conversation is known by any id."""

    def _unknown(self, _id: object) -> None:
        return None

    escalation = note = message = ticket = thread = _unknown


@dataclass
class FakeCore:
    """Services that remember what they were asked, and answer as they are told."""

    outcome: ActionResult = field(default_factory=lambda: ActionResult(True))
    asked: list[tuple[Any, ...]] = field(default_factory=list)
    before: Callable[[], object] = lambda: None
    pages: int = 3
    slow: bool = False
    roles: EverybodyMay = field(default_factory=EverybodyMay)
    subjects: NothingKnown = field(default_factory=NothingKnown)

    def __post_init__(self) -> None:
        self.escalations = self.decisions = self.interpreter = self.feedback = self

    def _do(self, *what: Any) -> ActionResult:
        self.before()
        self.asked.append(what)
        return self.outcome

    def take(self, step: Step, escalation_id: int, agent: AgentRef) -> ActionResult:
        return self._do(step, escalation_id, agent.desk_id)

    def transcript(self, escalation_id: int, page: int) -> TranscriptPage | None:
        self.asked.append(("transcript", escalation_id, page))
        return builders.page(2, number=page, pages=self.pages) if escalation_id == 7 else None

    def send_held(self, note_id: int, agent: AgentRef) -> ActionResult:
        return self._do("send_held", note_id, agent.desk_id)

    def keep_as_note(self, note_id: int, agent: AgentRef) -> ActionResult:
        return self._do("keep_as_note", note_id, agent.desk_id)

    def retry(self, message_id: int, agent: AgentRef) -> ActionResult:
        return self._do("retry", message_id, agent.desk_id)

    def send_correction(self, correction_id: int, agent: AgentRef) -> ActionResult:
        return self._do("send_correction", correction_id, agent.desk_id)

    def translate_again(self, note_id: int, agent: AgentRef) -> ActionResult:
        return self._do("translate_again", note_id, agent.desk_id)

    def send_as_written(self, note_id: int, agent: AgentRef) -> ActionResult:
        return self._do("send_as_written", note_id, agent.desk_id)

    def is_at_work(self) -> bool:
        return self.slow

    def came_late(self, escalation_id, agent):
        return self._do("came_late", escalation_id, agent.desk_id)


@dataclass
class FakeInbox:
    """Durable for as long as a test lasts; `broken` makes it fail."""

    rows: dict[str, tuple[str, str, dict[str, object]]] = field(default_factory=dict)
    broken: bool = False

    def store(self, kind: str, lane: str, key: str, payload: dict[str, object]) -> bool:
        if self.broken:
            raise RuntimeError("the database is away")
        if key in self.rows:
            return False
        self.rows[key] = (kind, lane, payload)
        return True


@pytest.fixture
def actions() -> FakeCore:
    return FakeCore()


@pytest.fixture
def inbox() -> FakeInbox:
    return FakeInbox()


@pytest.fixture
def executor() -> Iterator[ThreadPoolExecutor]:
    """The listeners' threads; all of them have ended when the test has."""
    with ThreadPoolExecutor(8, "slack-listener") as pool:
        yield pool
    assert not [each for each in threading.enumerate() if each.name.startswith("slack-listener")]


@pytest.fixture
def bolt(web_client, actions, desk, inbox, executor) -> App:
    """Our Bolt app."""
    return build_bolt(
        client=web_client,
        signing_secret=payloads.SECRET,
        tools=Tools(desk, cast(Services, actions)),
        inbox=inbox,
        executor=executor,
    )


@dataclass
class Slack:
    """Sends what Slack sends, signed, to our route."""

    http: FlaskClient
    executor: ThreadPoolExecutor

    def sends(self, body: str, content_type: str, **headers: str) -> TestResponse:
        """Send it, and wait until the listeners have ended."""
        signed = payloads.signed(body) | headers
        answer = self.http.post(
            "/slack/events", data=body.encode(), headers=signed, content_type=content_type
        )
        self.settle()
        return answer

    def settle(self) -> None:
        """Wait until every thread of the pool has come back from what it was doing."""
        rest(self.executor)


@pytest.fixture
def slack(bolt, executor) -> Slack:
    """Slack, on the other side of our route."""
    web = create_web([slack_events(bolt, payloads.SECRET)])
    return Slack(web.test_client(), executor)
