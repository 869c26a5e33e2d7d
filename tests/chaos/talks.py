"""Conversations of many customers with one agent at once, and a gate that holds a vendor's answers back."""

import hashlib
import threading
import time
from collections import Counter
from collections.abc import Callable
from fnmatch import fnmatchcase

from handoff_sandbox.faults import Fault, Faults
from handoff_sandbox.world import World

LONGEST_HELD = 8.0
"""Seconds; the bot waits ten for Slack and Twilio."""
PATIENCE = 100
"""Seconds that a slow machine may take for what takes one."""


class Gate:
    """While it is closed, requests to a stand-in are in flight: they have arrived and are not taken.

    A request that is held for longer than its client waits is dropped: that client has asked whether
    it was taken, and sent it again.
    """

    def __init__(self, faults: Faults, pattern: str) -> None:
        self._strike, self._pattern = faults.strike, pattern
        self._changed = threading.Condition()
        self._is_closed = False
        self.held = 0
        faults.strike = self._hold  # type: ignore[method-assign]

    def close(self) -> None:
        """Hold requests from here on."""
        self._is_closed = True

    def open(self) -> None:
        """Let all go on."""
        with self._changed:
            self._is_closed = False
            self._changed.notify_all()

    def wait_for(self, count: int) -> None:
        """Until so many are held."""
        with self._changed:
            assert self._changed.wait_for(lambda: self.held >= count, PATIENCE), "nothing in flight"

    def _hold(self, path):
        began = time.monotonic()
        if fnmatchcase(path, self._pattern):
            with self._changed:
                self.held += 1
                self._changed.notify_all()
                self._changed.wait_for(lambda: not self._is_closed)
                self.held -= 1
        if time.monotonic() - began > LONGEST_HELD:
            return Fault(path, drop="before")
        return self._strike(path)


class Talks:
    """So many customers, all with Ana."""

    def __init__(self, world: World, count: int) -> None:
        self.world = world
        self.numbers = range(count)
        self.cards: dict[int, str] = {}
        self.refused: list[int] = []
        self.sends = Gate(world.twilio.faults, "*/Messages.json")
        self.posts = Gate(world.slack.faults, "/api/chat.postMessage")
        world.slack.retries = (0.3,) * 600

    @staticmethod
    def address(number: int) -> str:
        return f"+1555030{number:04d}"

    def open(self) -> None:
        """Every customer asks for a person, and Ana takes them all."""
        for number in self.numbers:
            self.ask(number)
        slack = self.world.slack
        slack.wait_for(lambda: len(self.world.cards()) == len(self.numbers), PATIENCE)
        for number in self.numbers:
            self.cards[number] = self.card_of(number)
            assert (
                slack.click(self.world.ana, self.world.queue, self.cards[number], "claim").status
                == 200
            )
        self.until(
            lambda: all(any("I'm Ana" in body for body in self.phone(n)) for n in self.numbers)
        )

    def ask(self, number: int) -> None:
        """A customer asks for a person."""
        self.insist(number, "I want to talk to a human agent please")

    def insist(self, number: int, text: str) -> list[tuple[int, float]]:
        """The same message until it is acknowledged; says how each try was answered, and after how long."""
        sid = f"SM{hashlib.sha256(f'{number} {text}'.encode()).hexdigest()[:32]}"
        answers: list[tuple[int, float]] = []
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            began = time.monotonic()
            answer = self.world.twilio.customer_writes("sms", self.address(number), text, sid=sid)
            answers.append((answer.status, time.monotonic() - began))
            if answer.status == 200:
                return answers
            time.sleep(0.2)
        raise TimeoutError("a webhook was never acknowledged")

    def card_of(self, number: int) -> str:
        return next(str(m["ts"]) for m in self.world.cards() if self.address(number) in m["text"])

    def cards_of(self, number: int) -> int:
        """How many cards there are for a customer."""
        shown = self.world.slack.messages(self.world.queue)
        return sum(self.address(number) in m["text"] for m in shown if "thread_ts" not in m)

    def reply(self, number: int, text: str) -> None:
        """Ana writes; Slack tries again until the bot has it."""
        self.world.slack.say(self.world.ana, self.world.queue, text, self.cards[number])

    def phone(self, number: int) -> list[str]:
        return [message.body for message in self.world.twilio.phone(self.address(number))]

    def until(self, happened: Callable[[], bool], patience: float = PATIENCE) -> float:
        """Wait for it; says how many seconds it took."""
        began = time.monotonic()
        while not happened():
            assert time.monotonic() - began < patience, "it did not come about"
            threading.Event().wait(0.05)
        return time.monotonic() - began

    def doubled(self) -> list[tuple[str, str]]:
        """Returns each message that a customer has received twice, with the customer's number."""
        sent = Counter(
            (one.to, one.body)
            for one in self.world.twilio.messages()
            if one.direction == "outbound-api"
        )
        return [(to, body) for (to, body), count in sent.items() if count > 1]

    def in_thread(self, number: int, text: str) -> int:
        """How often a text is shown in a customer's thread, below the card, which may quote it."""
        card = self.cards[number]
        posts = self.world.slack.thread(self.world.queue, card)
        below = (post for post in posts if post["ts"] != card)
        return sum(str(post.get("blocks", "")).count(text) for post in below)
