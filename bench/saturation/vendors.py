"""Fast stand-in for Slack and Twilio, in a process of its own: answers at once and remembers what arrived.

The sandbox's stand-ins check everything and keep everything, and cost more than the bot on the same machine.
This one answers what the bot was given by them before (`canned`), and looks only for the marks of `fire`.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
import uuid
from typing import Any
from urllib.parse import parse_qs

MARK = re.compile(rb"\b([a-z]+)x(\d{7})\b")
"""How a message of the load generator is marked: the name of the run, and its number."""
HEAD_END = b"\r\n\r\n"
Json = dict[str, Any]
NOTHING_LISTED: Json = {
    "messages": [],
    "conversations": [],
    "next_page_uri": None,
    "meta": {"key": "conversations", "next_page_url": None},
}
"""Twilio has nothing that the bot has missed; until it knows, new messages wait."""


class Arrivals:
    """When each marked message was first posted, and how often; when each phone was first written to."""

    def __init__(self) -> None:
        self._runs: dict[str, dict[int, list[float]]] = {}
        self._phones: dict[str, float] = {}
        self.sent = 0

    def post(self, body: bytes) -> None:
        """One post may hold several messages; its fallback text repeats those of its blocks."""
        now = time.time()
        for name, number in set(MARK.findall(body)):
            self._runs.setdefault(name.decode(), {}).setdefault(int(number), []).append(now)

    def send(self, to: str) -> None:
        """A customer was written to."""
        self._phones.setdefault(to, time.time())
        self.sent += 1

    def count(self, name: str) -> int:
        """Different messages of a run that were posted."""
        return len(self._runs.get(name, {}))

    def of(self, name: str) -> Json:
        """Message number -> when it was posted, each time."""
        return {str(number): times for number, times in self._runs.get(name, {}).items()}

    def phones(self) -> dict[str, float]:
        """Address -> when it was first written to."""
        return dict(self._phones)


class Vendors:
    """Answers requests; nothing is checked and nothing is refused."""

    def __init__(self, canned: Json) -> None:
        self._canned = canned
        self._posts = 0
        self.arrivals = Arrivals()

    def answer(self, verb: str, path: str, body: bytes) -> tuple[int, Any]:
        """The status and the JSON for a request."""
        if path.startswith("/bench/"):
            return 200, self._tell(*path.split("/")[2:])
        if verb == "GET":
            return 200, NOTHING_LISTED
        if path.endswith("/Messages.json"):
            return 201, self._sent(body)
        method = path.rpartition("/")[2].partition("?")[0]
        if method == "chat.postMessage":
            self.arrivals.post(body)
        return 200, self._slack(method, body)

    def _tell(self, question: str, name: str = "") -> Any:
        if question == "count":
            return self.arrivals.count(name)
        if question == "sent":
            return self.arrivals.sent
        return self.arrivals.phones() if question == "phones" else self.arrivals.of(name)

    def _slack(self, method: str, body: bytes) -> Json:
        if method.startswith("chat."):
            self._posts += 1
            said = _fields(body)
            ts = said.get("ts") or f"{int(time.time())}.{self._posts % 1_000_000:06d}"
            message = {"type": "message", "ts": ts, "text": said.get("text", "")}
            if "thread_ts" in said:
                message["thread_ts"] = said["thread_ts"]
            return {"ok": True, "channel": said.get("channel", ""), "ts": ts, "message": message}
        known = self._canned.get(method)
        if known is None:
            return {"ok": True, "messages": [], "response_metadata": {"next_cursor": ""}}
        asked = _fields(body)
        subject = asked.get("user") or asked.get("channel") or ""
        return dict(known.get(subject) or next(iter(known.values())))

    def _sent(self, body: bytes) -> Json:
        form = _fields(body)
        self.arrivals.send(form.get("To", ""))
        at = "Mon, 23 Nov 2026 05:00:00 +0000"
        return {
            "sid": f"SM{uuid.uuid4().hex}",
            "account_sid": "AC" + "0" * 32,
            "status": "queued",
            "to": form.get("To"),
            "from": form.get("From"),
            "body": form.get("Body"),
            "num_segments": "1",
            "num_media": "0",
            "direction": "outbound-api",
            "api_version": "2010-04-01",
            "date_created": at,
            "date_updated": at,
            "date_sent": None,
            "error_code": None,
            "error_message": None,
            "messaging_service_sid": None,
            "price": None,
            "price_unit": "USD",
            "uri": "/",
            "subresource_uris": {},
        }


def _fields(body: bytes) -> dict[str, str]:
    if body[:1] == b"{":
        return {name: str(value) for name, value in json.loads(body).items()}
    return {name: values[0] for name, values in parse_qs(body.decode()).items()}


class Connection(asyncio.Protocol):
    """One kept connection of HTTP/1.1."""

    def __init__(self, vendors: Vendors) -> None:
        self._vendors = vendors
        self._buffer = b""
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way to answer."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer each request that is complete."""
        self._buffer += data
        while (end := self._buffer.find(HEAD_END)) >= 0:
            head = self._buffer[:end].decode("latin-1")
            size = _length(head)
            begin = end + len(HEAD_END)
            if len(self._buffer) < begin + size:
                return
            body, self._buffer = self._buffer[begin : begin + size], self._buffer[begin + size :]
            verb, path, _ = head.split(" ", 2)
            self._answer(verb, path, body)

    def _answer(self, verb: str, path: str, body: bytes) -> None:
        status, content = self._vendors.answer(verb, path, body)
        text = json.dumps(content).encode()
        head = (
            f"HTTP/1.1 {status} OK\r\nContent-Type: application/json\r\nContent-Length: {len(text)}"
        )
        self._transport.write(head.encode() + HEAD_END + text)


def _length(head: str) -> int:
    found = re.search(r"(?im)^content-length: *(\d+)", head)
    return int(found[1]) if found else 0


async def serve(port: int, canned: Json) -> None:
    """Answer on loopback until the process is ended."""
    vendors = Vendors(canned)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(vendors), "127.0.0.1", port, backlog=1024)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), json.load(sys.stdin)))
