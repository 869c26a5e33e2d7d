"""Connections to Slack are kept open, and one that has gone meanwhile is no failure."""

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from socket import gaierror
from urllib.error import URLError

import pytest
from slack_sdk.errors import SlackApiError

from handoff_bot.slack.client.web_client import KeptAliveClient
from handoff_sandbox.free_port import free_port
from tests.loopback import Loopback


class Slack(Loopback):
    """Speaks HTTP/1.1, as Slack does, and counts connections.

    `stays` is how many calls a connection is good for; `silent` hangs up without an answer.
    """

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.connections = 0
        self.calls = []
        self.stays = 1_000
        self.silent = False
        self.status = 200
        self.closed = threading.Event()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/api/"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 5

    def setup(self):
        super().setup()
        self.server.connections += 1
        self.answered = 0

    def do_POST(self):
        self.server.calls.append(self.rfile.read(int(self.headers["Content-Length"])))
        if self.server.silent:
            self.close_connection = True
            return
        body = json.dumps({"ok": self.server.status == 200, "error": "x"}).encode()
        self.send_response(self.server.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Retry-After", "7")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.answered += 1
        # Without a word of it in the answer, as a server does whose patience with idle clients ends.
        self.close_connection = self.answered >= self.server.stays

    def finish(self):
        super().finish()
        self.request.close()
        self.server.closed.set()

    def log_message(self, *args):
        pass


@pytest.fixture
def slack():
    with serving() as server:
        yield server


@contextmanager
def serving():
    server = Slack()
    server.block_on_close = False  # connections that are kept open end with the client
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def client(slack):
    return KeptAliveClient(token="xoxb-1", base_url=slack.url, timeout=5, retry_handlers=[])


def test_calls_one_after_the_other_share_a_connection(slack, client):
    for number in range(3):
        client.chat_postMessage(channel="C1", text=f"hello {number}")
    assert len(slack.calls) == 3
    assert slack.connections == 1


def test_clients_of_one_process_share_connections(slack, client):
    client.auth_test()
    KeptAliveClient(token="xoxb-2", base_url=slack.url, retry_handlers=[]).auth_test()
    assert slack.connections == 1


def test_a_connection_that_slack_has_closed_is_replaced_and_the_call_is_made_once(slack, client):
    slack.stays = 1
    client.chat_postMessage(channel="C1", text="one")
    assert slack.closed.wait(5)
    client.chat_postMessage(channel="C1", text="two")
    assert slack.connections == 2
    assert len(slack.calls) == 2


def test_a_call_that_gets_no_answer_is_not_made_again(slack, client):
    slack.silent = True
    with pytest.raises(URLError):
        client.chat_postMessage(channel="C1", text="one")
    assert len(slack.calls) == 1


def test_a_refusal_is_slacks_answer_with_its_headers(slack, client):
    slack.status = 429
    with pytest.raises(SlackApiError) as caught:
        client.chat_postMessage(channel="C1", text="one")
    assert caught.value.response.status_code == 429
    assert caught.value.response.headers["Retry-After"] == "7"


def test_the_error_says_that_slack_cannot_be_reached():
    url = f"http://127.0.0.1:{free_port()}/api/"
    with pytest.raises(URLError) as caught:
        KeptAliveClient(token="xoxb-1", base_url=url, retry_handlers=[]).auth_test()
    assert isinstance(caught.value.reason, ConnectionRefusedError)


def test_the_error_says_that_slacks_name_is_not_found(monkeypatch):
    def not_found(*asked, **options):
        raise gaierror("no such name")

    monkeypatch.setattr("socket.getaddrinfo", not_found)
    with pytest.raises(URLError) as caught:
        KeptAliveClient(
            token="xoxb-1", base_url="http://slack.invalid/", retry_handlers=[]
        ).auth_test()
    assert isinstance(caught.value.reason, gaierror)


def test_a_proxy_is_left_to_the_sdk(slack):
    """As if it were the proxy: it is asked for an address that nothing else can reach."""
    client = KeptAliveClient(
        token="xoxb-1",
        base_url="http://slack.invalid/api/",
        proxy=slack.url.removesuffix("/api/"),
        retry_handlers=[],
    )
    assert client.auth_test()["ok"]
    assert len(slack.calls) == 1
