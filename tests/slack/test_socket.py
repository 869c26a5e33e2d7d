"""Socket Mode: the same app, reached through a connection of its own making."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from handoff_bot.domain.desk import Button
from handoff_bot.domain.escalations import Step
from handoff_bot.slack.incoming.app import start_socket_mode
from tests.slack.payloads import click, event, submission
from tests.slack.sockets import SocketSide, socket_side


@contextmanager
def connected(bolt, **options) -> Iterator[SocketSide]:
    """A bot that is connected, or trying to."""
    with socket_side(**options) as side:
        mode = start_socket_mode(bolt, "xapp-test", side.url, first_pause=0.05)
        try:
            yield side
        finally:
            mode.close()


def test_what_slack_sends_is_answered_as_over_http(bolt, inbox, actions):
    before = set(threading.enumerate())
    with connected(bolt) as side:
        stored = side.sends("events_api", event())
        clicked = side.sends("interactive", click(Button.CLAIM))
        refused = side.sends("interactive", submission(None))
    assert stored is not None
    assert clicked is not None
    assert refused is not None
    assert list(inbox.rows) == ["slack:Ev000000001"]
    assert actions.asked == [(Step.CLAIM, 7, "U0ANA")]
    assert refused["payload"]["response_action"] == "errors"
    assert side.token == "Bearer xapp-test"
    ours = {each for each in threading.enumerate() if not each.name.startswith("slack-listener")}
    assert ours <= before


def test_an_event_that_cannot_be_stored_is_not_acknowledged(bolt, inbox):
    inbox.broken = True
    with connected(bolt) as side:
        assert side.sends("events_api", event(), patience=0.5) is None
        inbox.broken = False
        assert side.sends("events_api", event(), retry_attempt=1) is not None
    assert len(inbox.rows) == 1


def test_the_first_connection_is_tried_until_it_stands(bolt, inbox):
    with connected(bolt, refusals=2) as side:
        assert side.sends("events_api", event()) is not None
    assert (side.refusals, side.opened) == (0, 1)


def test_it_can_be_closed_before_it_ever_connected(bolt):
    before = set(threading.enumerate())
    with socket_side(refusals=1000) as side:
        mode = start_socket_mode(bolt, "xapp-test", side.url, first_pause=0.05)
        mode.close()
    assert set(threading.enumerate()) <= before
