"""Socket Mode, with Bolt's own handler: events, clicks, commands and windows without a request URL."""

import logging
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from slack_bolt import App
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from websocket import WebSocketBadStatusException, create_connection

from tests.sandbox.slack.conftest import TIMEOUT


@pytest.fixture
def app(slack):
    client = WebClient(slack.bot_token, base_url=slack.api_url, timeout=TIMEOUT)
    with ThreadPoolExecutor(max_workers=4) as executor:
        yield App(
            client=client,
            signing_secret=slack.signing_secret,
            listener_executor=executor,
            logger=logging.getLogger("tests.bolt"),
        )


@pytest.fixture
def connect(slack, app):
    """Connects the app, as often as it is called; all end with the test."""
    handlers = []

    def connect():
        client = WebClient(slack.app_token, base_url=slack.api_url, timeout=TIMEOUT)
        handler = SocketModeHandler(app, slack.app_token, web_client=client)
        handlers.append(handler)
        handler.connect()
        slack.wait_for_sockets(len(handlers), TIMEOUT)
        return handler

    yield connect
    for handler in handlers:
        hang_up(slack, handler)


def hang_up(slack, handler):
    """Let Slack end the connection: a client that ends it waits for its socket's timeout first."""
    client = handler.client
    client.auto_reconnect_enabled = False
    client.current_session_state.terminated = True
    slack._slack.courier.socket.close()
    client.current_session_runner.shutdown()
    handler.close()


@pytest.fixture
def heard(app):
    """Texts of messages that reached the listener."""
    texts = []
    app.event("message")(lambda event: texts.append(event["text"]))
    return texts


def test_an_event_goes_by_the_socket(slack, connect, heard, ana, queue):
    connect()
    slack.say(ana, queue, "Hello")
    slack.drain(TIMEOUT)
    assert [reply.status for reply in slack.events()[0].replies] == [200]
    (entry,) = slack.journal.entries("slack", "events_api")
    assert (entry.method, entry.direction) == ("SOCKET", "out")


def test_events_come_in_order_and_whole(slack, app, connect, ana, queue):
    heard = []
    app.event("message")(lambda ack: ack())

    @app.middleware
    def remember(body, next):
        heard.append(body["event_id"])
        next()

    connect()
    for number in range(10):
        slack.say(ana, queue, "ü" * 2000 + str(number))
    slack.drain(TIMEOUT)
    assert heard == [delivery.event_id for delivery in slack.events()]


def test_a_click_goes_by_the_socket(slack, app, client, connect, ana, queue):
    seen = threading.Event()
    app.action("claim")(lambda ack: (ack(), seen.set()))
    connect()
    text = {"type": "plain_text", "text": "Take"}
    button = {"type": "button", "action_id": "claim", "text": text}
    blocks = [{"type": "actions", "elements": [button]}]
    card = client.chat_postMessage(channel=queue, text="Card", blocks=blocks)["ts"]
    assert slack.click(ana, queue, card, "claim").error == ""
    assert seen.wait(TIMEOUT)


def test_a_command_is_answered_by_the_socket(slack, app, connect, ana, queue):
    app.command("/queue")(lambda ack: ack("Nothing waits."))
    connect()
    slack.command(ana, queue, "/queue")
    assert [one["text"] for one in slack.ephemerals(ana)] == ["Nothing waits."]


def test_a_window_is_answered_by_the_socket(slack, app, client, connect, ana):
    app.view("v")(lambda ack: ack(response_action="errors", errors={"b": "No"}))
    connect()
    title = {"type": "plain_text", "text": "Hi"}
    trigger = slack._slack.triggers.give(ana)
    view = {"type": "modal", "callback_id": "v", "title": title, "blocks": []}
    view_id = client.views_open(trigger_id=trigger, view=view)["view"]["id"]
    assert slack.submit(ana, view_id).errors == {"b": "No"}


def test_what_nobody_handles_is_not_acknowledged(slack, app, connect, ana):
    connect()
    slack._socket._deadline = 0.2
    assert slack.shortcut(ana, "nothing").error == "operation_timeout"


def test_a_connection_that_breaks_before_the_answer_fails_the_click(slack, app, connect, ana):
    def hang_up_on_slack(ack):
        handler.client.auto_reconnect_enabled = False
        slack._slack.courier.socket.close()

    app.shortcut("next")(hang_up_on_slack)
    handler = connect()
    assert slack.shortcut(ana, "next").error == "dispatch_failed"


def test_a_retry_says_so(slack, app, connect, ana, queue):
    retries = []

    @app.middleware
    def remember(req, next):
        retries.append(req.headers["x-slack-retry-num"][0])
        next()

    app.event("message")(lambda: None)
    connect()
    slack.say(ana, queue, "Hello", duplicates=1)
    slack.drain(TIMEOUT)
    assert retries == ["0", "1"]


def test_two_connections_share_the_traffic(slack, connect, heard, ana, queue):
    for _ in range(2):
        connect()
    for number in range(4):
        slack.say(ana, queue, str(number))
    slack.drain(TIMEOUT)
    assert all(delivery.is_delivered for delivery in slack.events())


def test_the_bot_connects_anew_when_it_is_asked_to(slack, connect, heard, ana, queue):
    handler = connect()
    before = handler.client.session_id()
    slack.refresh_sockets()
    slack.journal.wait_for(
        lambda entry: (
            entry.path == "/api/apps.connections.open"
            and len(slack.journal.entries(path=entry.path)) == 2
        ),
        TIMEOUT,
    )
    slack.retries = (0.1,) * 20
    slack.say(ana, queue, "Hello")
    slack.drain(TIMEOUT)
    assert handler.client.session_id() != before
    assert slack.events()[0].is_delivered


def test_a_bot_that_hangs_up_is_no_longer_there(slack, connect, heard, ana, queue):
    hang_up(slack, connect())
    slack.wait_for_sockets(0, TIMEOUT)
    slack.say(ana, queue, "Hello")
    slack.drain(TIMEOUT)
    assert slack.events()[0].replies[0].failure == "connection_failed"


def test_a_connection_needs_the_app_token_and_a_fresh_ticket(slack, client):
    with pytest.raises(SlackApiError, match="not_allowed_token_type"):
        client.apps_connections_open(app_token=slack.bot_token)
    link = slack.url.replace("http", "ws") + "/link/?ticket=none"
    with pytest.raises(WebSocketBadStatusException) as caught:
        create_connection(link, timeout=TIMEOUT)
    assert caught.value.status_code == 403


def test_nobody_connects(slack):
    with pytest.raises(TimeoutError):
        slack.wait_for_sockets(1, 0.01)
