"""The two transports to the bot: signed HTTP requests, and envelopes over its Socket Mode connection."""

from __future__ import annotations

import hashlib
import hmac
import json
import queue
import threading
import time
import uuid
from contextlib import suppress
from typing import Any, Literal, NamedTuple
from urllib.parse import urlencode, urlsplit

import requests
from simple_websocket import ConnectionClosed
from simple_websocket import Server as WebSocket

from handoff_sandbox.journal import UNANSWERED, Entry, Journal, readable
from handoff_sandbox.slack.payloads import Json

ACK_DEADLINE = 3.0
"""Seconds that the bot has to answer."""

Kind = Literal["events_api", "interactive", "slash_commands"]
Failure = Literal["", "http_timeout", "http_error", "connection_failed"]


class Parcel(NamedTuple):
    """One request to the bot; `attempt` counts Slack's retries from 0."""

    kind: Kind
    payload: Json
    attempt: int = 0
    reason: str = ""


class Reply(NamedTuple):
    """The response: the parsed body (a dict, text or ""), and the error, if any."""

    status: int
    body: Any
    failure: Failure
    wants_no_retry: bool = False


class HttpLink:
    """Posts to the bot's request URL, signed with the signing secret.

    `url` is "" while the bot has no address. `deadline` is in seconds.
    """

    def __init__(self, signing_secret: str, url: str, journal: Journal, deadline: float) -> None:
        self.url = url
        self._deadline = deadline
        self._secret = signing_secret.encode()
        self._journal = journal
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers["User-Agent"] = "Slackbot 1.0 (+https://api.slack.com/robots)"
        # A restarted bot must not look like one that dropped a request.
        self._session.headers["Connection"] = "close"

    @property
    def is_open(self) -> bool:
        """Whether there is an address."""
        return bool(self.url)

    def send(self, parcel: Parcel) -> Reply:
        """Delivers once and waits for the response until the deadline."""
        body, headers = self._sealed(parcel)
        try:
            with self._session.post(
                self.url,
                data=body,
                headers=headers,
                timeout=self._deadline,
                allow_redirects=False,
            ) as answer:
                reply = _read(answer)
        except requests.Timeout:
            reply = Reply(UNANSWERED, "", "http_timeout")
        except requests.RequestException:
            reply = Reply(UNANSWERED, "", "connection_failed")
        self._journal.add(_entry("POST", urlsplit(self.url).path, parcel, reply))
        return reply

    def close(self) -> None:
        """Closes the connections."""
        self._session.close()

    def _sealed(self, parcel: Parcel) -> tuple[bytes, dict[str, str]]:
        """Returns the body and its headers, signed."""
        body, content_type = _encode(parcel)
        stamp = str(int(time.time()))
        digest = hmac.new(self._secret, f"v0:{stamp}:".encode() + body, hashlib.sha256)
        headers = {
            "Content-Type": content_type,
            "X-Slack-Request-Timestamp": stamp,
            "X-Slack-Signature": f"v0={digest.hexdigest()}",
        }
        if parcel.attempt:
            headers["X-Slack-Retry-Num"] = str(parcel.attempt)
            headers["X-Slack-Retry-Reason"] = parcel.reason
        return body, headers


def _encode(parcel: Parcel) -> tuple[bytes, str]:
    form = "application/x-www-form-urlencoded"
    match parcel.kind:
        case "events_api":
            return json.dumps(parcel.payload).encode(), "application/json"
        case "interactive":
            return urlencode({"payload": json.dumps(parcel.payload)}).encode(), form
    return urlencode(parcel.payload).encode(), form


def _read(answer: requests.Response) -> Reply:
    body = readable(answer.headers.get("Content-Type", ""), answer.content)
    return Reply(
        answer.status_code,
        body,
        "" if answer.status_code in range(200, 300) else "http_error",
        answer.headers.get("X-Slack-No-Retry") == "1",
    )


def _entry(method: str, path: str, parcel: Parcel, reply: Reply) -> Entry:
    request = {name: value for name, value in parcel.payload.items() if name != "token"}
    return Entry(time.time(), "slack", "out", method, path, request, reply.status, reply.body)


class SocketLink:
    """The app's Socket Mode connections; like Slack, it distributes envelopes among them in turn."""

    def __init__(self, app_id: str, journal: Journal, deadline: float) -> None:
        self._app_id = app_id
        self._deadline = deadline
        self._journal = journal
        self._sockets: list[_Socket] = []
        self._turn = 0
        self.changed = threading.Condition()

    @property
    def count(self) -> int:
        """The number of open connections."""
        return len(self._sockets)

    def serve(self, environ: dict[str, Any]) -> None:
        """Serves one websocket until it closes."""
        environ["werkzeug.socket"].settimeout(None)
        socket = _Socket(WebSocket(environ))
        socket.send(self._hello())
        with self.changed:
            self._sockets.append(socket)
            self.changed.notify_all()
        try:
            socket.read_acks()
        finally:
            with self.changed:
                self._sockets.remove(socket)
                self.changed.notify_all()

    def send(self, parcel: Parcel) -> Reply:
        """Delivers once and waits for the acknowledgement until the deadline."""
        with self.changed:
            if not self._sockets:
                return Reply(UNANSWERED, "", "connection_failed")
            self._turn += 1
            socket = self._sockets[self._turn % len(self._sockets)]
        reply = socket.ask(_envelope(parcel), self._deadline)
        self._journal.add(_entry("SOCKET", parcel.kind, parcel, reply))
        return reply

    def refresh(self) -> None:
        """Asks the bot to reconnect, as Slack does every few hours."""
        self._tell_all({"type": "disconnect", "reason": "refresh_requested"})

    def close(self) -> None:
        """Closes every connection."""
        with self.changed:
            sockets = list(self._sockets)
        for socket in sockets:
            socket.close()

    def _tell_all(self, message: Json) -> None:
        with self.changed:
            sockets = list(self._sockets)
        for socket in sockets:
            socket.send(message)

    def _hello(self) -> Json:
        return {
            "type": "hello",
            "num_connections": len(self._sockets) + 1,
            "connection_info": {"app_id": self._app_id},
            "debug_info": {"host": "stand-in", "approximate_connection_time": 18060},
        }


def _envelope(parcel: Parcel) -> Json:
    envelope: Json = {
        "envelope_id": str(uuid.uuid4()),
        "type": parcel.kind,
        "payload": parcel.payload,
        "accepts_response_payload": parcel.kind != "events_api",
    }
    if parcel.kind == "events_api":
        envelope |= {"retry_attempt": parcel.attempt, "retry_reason": parcel.reason}
    return envelope


class _Socket:
    """One websocket, and its envelopes that wait for their acknowledgement."""

    def __init__(self, websocket: WebSocket) -> None:
        self._websocket = websocket
        self._sending = threading.Lock()
        self._waiting: dict[str, queue.SimpleQueue[Reply]] = {}

    def send(self, message: Json) -> bool:
        """False if the connection is closed."""
        with self._sending:
            try:
                self._websocket.send(json.dumps(message))
            except (ConnectionClosed, OSError):
                return False
            return True

    def ask(self, envelope: Json, deadline: float) -> Reply:
        """Sends an envelope and waits for its acknowledgement."""
        answers = self._waiting[envelope["envelope_id"]] = queue.SimpleQueue()
        try:
            if not self.send(envelope):
                return Reply(UNANSWERED, "", "connection_failed")
            return answers.get(timeout=deadline)
        except queue.Empty:
            return Reply(UNANSWERED, "", "http_timeout")
        finally:
            del self._waiting[envelope["envelope_id"]]

    def read_acks(self) -> None:
        """Passes on acknowledgements until the connection ends."""
        with suppress(ConnectionClosed):
            while True:
                ack = json.loads(self._websocket.receive())
                answers = self._waiting.get(ack.get("envelope_id", ""))
                if answers:
                    answers.put(Reply(200, ack.get("payload", ""), ""))
        for answers in list(self._waiting.values()):
            answers.put(Reply(UNANSWERED, "", "connection_failed"))

    def close(self) -> None:
        """Closes the connection."""
        with suppress(ConnectionClosed, OSError):
            self._websocket.close()
        self._websocket.event.set()  # otherwise `receive` would wait for the other side's close


class Courier:
    """Uses the request URL if there is one, else the socket."""

    def __init__(self, http: HttpLink, socket: SocketLink) -> None:
        self.http, self.socket = http, socket

    def send(self, parcel: Parcel) -> Reply:
        """Delivers once and waits for the response."""
        return self.http.send(parcel) if self.http.is_open else self.socket.send(parcel)

    def close(self) -> None:
        """Closes all connections."""
        self.socket.close()
        self.http.close()
