"""Fixtures for Slack's side."""

from collections.abc import Iterator

import pytest
from slack_sdk.web import WebClient

from handoff_bot.slack.desk import SlackDesk
from tests.fakes import FrozenClock
from tests.slack.wire import ScriptedApi, scripted_api


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
