"""Every channel in turn, and a Twilio that answers as it is told."""

from collections.abc import Iterator

import pytest
import responses

from handoff_bot.channels import TWILIO
from handoff_bot.ports import Channel
from tests.channels.builders import ACCOUNT


@pytest.fixture(params=TWILIO)
def kind(request: pytest.FixtureRequest) -> str:
    """Every channel in turn."""
    return str(request.param)


@pytest.fixture
def channel(kind: str) -> Channel:
    """The channel of this kind."""
    return TWILIO[kind](ACCOUNT)


@pytest.fixture
def api() -> Iterator[responses.RequestsMock]:
    """Stands in for the network: whatever is not registered fails, as does what is never asked for."""
    with responses.RequestsMock() as mock:
        yield mock
