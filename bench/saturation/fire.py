"""Load generator: signed webhooks of customers at a steady rate, from a process of its own.

The load is open: a message is due at its time whether or not earlier ones were answered, and how long it took
is counted from then. The messages of one conversation go over one connection, one after another, so that
their order is known.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import urlencode

from handoff_sandbox.twilio import forms, sign

PATH = "/webhooks/sms"
SAID = (
    "My parcel has not arrived yet, could you look where it is?",
    "ok thanks",
    "I ordered the blue one in size M, and the box holds a red one in size L.",
    "How long does it take until the money is back on my card?",
    "yes",
    "The door of the cabinet does not close, I have tried it three times now.",
    "Order 4711, it was paid on Monday.",
    "Is there anything else that you need from me?",
)
"""What customers write, in turn: short and long, as in a conversation that an agent has taken."""


@dataclass(frozen=True)
class Load:
    """What is to be fired.

    Attributes:
        name: lower-case letters; marks the messages.
        first: the number of the first customer.
        customers: how many of them write, in turn.
        rate: messages a second; 0 for all at once.
        connections: at most; fewer when there are fewer customers.
        patience: seconds after the last message was due until the rest is given up.
        public_url: the address that signatures are made over.
    """

    name: str
    port: int
    count: int
    rate: float
    customers: int
    account: str
    auth_token: str
    public_url: str
    to: str
    first: int = 0
    said: tuple[str, ...] | list[str] = SAID
    connections: int = 64
    patience: float = 20.0

    def due(self, number: int) -> float:
        """Seconds after the start."""
        return number / self.rate if self.rate else 0.0

    def request(self, number: int) -> bytes:
        """One signed webhook, as it goes over the wire."""
        text = f"{self.said[number % len(self.said)]} {self.name}x{number:07d}"
        said = forms.Utterance(text)
        sender = address(self.first + number % self.customers)
        sid = f"SM{self.name.encode().hex():0>20.20}{number:012d}"
        form = forms.inbound(self.account, sid, sender, self.to, said)
        body = urlencode(form)
        lines = (
            f"POST {PATH} HTTP/1.1",
            f"Host: 127.0.0.1:{self.port}",
            "Content-Type: application/x-www-form-urlencoded",
            f"X-Twilio-Signature: {sign(self.auth_token, self.public_url + PATH, form)}",
            f"Content-Length: {len(body)}",
        )
        return ("\r\n".join(lines) + f"\r\n\r\n{body}").encode()


@dataclass
class Fired:
    """What came of it: message number -> seconds since the epoch.

    Attributes:
        due: when each was to be sent.
        acked: when each was answered with 200.
        refused: how many got another answer or none.
    """

    due: dict[int, float] = field(default_factory=dict)
    acked: dict[int, float] = field(default_factory=dict)
    refused: int = 0


def address(number: int) -> str:
    """A customer's telephone number."""
    return f"+1555030{number:05d}"


async def fire(load: Load) -> Fired:
    """Send everything; returns `patience` seconds after the last message was due at the latest."""
    lines = min(load.connections, load.customers)
    fired = Fired()
    start = time.time() + 0.2
    fired.due = {number: start + load.due(number) for number in range(load.count)}
    until = start + load.due(load.count - 1) + load.patience
    mine: list[list[int]] = [[] for _ in range(lines)]
    for number in range(load.count):
        mine[number % load.customers % lines].append(number)
    await asyncio.gather(*(_line(load, numbers, fired, until) for numbers in mine))
    return fired


async def _line(load: Load, numbers: list[int], fired: Fired, until: float) -> None:
    """One connection: each message when it is due, and not before the one before it was answered."""
    streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
    for number in numbers:
        await asyncio.sleep(max(0.0, fired.due[number] - time.time()))
        if time.time() > until:
            break
        try:
            streams = streams or await asyncio.open_connection("127.0.0.1", load.port)
            answer = _exchange(*streams, load.request(number))
            status = await asyncio.wait_for(answer, max(0.1, until - time.time()))
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            status = 0
        if status == 200:
            fired.acked[number] = time.time()
            continue
        fired.refused += 1
        if streams:
            streams[1].close()
        streams = None
    if streams:
        streams[1].close()


async def _exchange(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes
) -> int:
    writer.write(request)
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    _, _, after = head.partition(b"content-length:")
    size = int(after.split(b"\r\n", 1)[0]) if after else 0
    await reader.readexactly(size)
    return int(head[9:12])


def main() -> None:
    """Read a `Load` as JSON, print what came of it."""
    fired = asyncio.run(fire(Load(**json.load(sys.stdin))))
    with suppress(BrokenPipeError):  # whoever asked has gone
        json.dump(vars(fired), sys.stdout)


if __name__ == "__main__":
    main()
