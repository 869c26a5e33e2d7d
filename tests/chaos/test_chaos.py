"""Real SIGKILLs while 500 messages flow both ways through providers in trouble. Invariants 1 to 4 and 6.

Nothing that was acknowledged is lost, nothing is doubled, nothing is out of order, and no message of the
AI arrives after a claim.
"""

import random
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from handoff_sandbox.world import ROOT, World

CONVERSATIONS = 20
EACH_WAY = 250
ROUNDS = 6
PATIENCE = 150


class Chaos:
    """One run: customers and an agent who insist, and a bot that keeps dying."""

    def __init__(self, world: World, seed: int) -> None:
        self.world = world
        self.dice = random.Random(seed)
        self.cards: dict[str, str] = {}
        self.said: dict[str, list[str]] = {}
        self.replied: dict[str, list[str]] = {}
        self.before: dict[str, int] = {}
        world.slack.retries = (0.1,) * 600

    @staticmethod
    def address(number: int) -> tuple[str, str]:
        channel = "whatsapp" if number % 2 else "sms"
        return channel, f"+1555020{number:04d}"

    def to(self, number: int) -> str:
        channel, address = self.address(number)
        return f"whatsapp:{address}" if channel == "whatsapp" else address

    def insist(self, number: int, text: str) -> None:
        """The same message until it is acknowledged: what was not, was promised to nobody."""
        channel, address = self.address(number)
        sid = f"SM{abs(hash((number, text))):032x}"[:34]
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if self.world.twilio.customer_writes(channel, address, text, sid=sid).status == 200:
                return
            time.sleep(0.05)
        raise TimeoutError("a webhook was never acknowledged")

    def open_all(self) -> None:
        """Every customer asks for a human, and Ana takes them all."""
        for number in range(CONVERSATIONS):
            self.insist(number, "I want to talk to a human agent please")
        slack = self.world.slack

        def found() -> dict[str, str]:
            return {
                self.to(number): message["ts"]
                for message in self.world.cards()
                for number in range(CONVERSATIONS)
                if self.address(number)[1] in message["text"]
            }

        slack.wait_for(lambda: len(found()) == CONVERSATIONS, 60)
        self.cards = found()
        for ts in self.cards.values():
            self.claim(ts)
        twilio = self.world.twilio
        everybody = list(self.cards)
        twilio.wait_for(
            lambda: all(any("I'm Ana" in m.body for m in twilio.phone(to)) for to in everybody), 60
        )
        self.before = {to: len(twilio.phone(to)) for to in everybody}

    def claim(self, ts: str) -> None:
        """Ana clicks until Slack shows her no warning."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            world = self.world
            if world.slack.click(world.ana, world.queue, ts, "claim").status == 200:
                return
        raise TimeoutError("a click was never acknowledged")

    def talk(self) -> list[threading.Thread]:
        """500 messages, both ways; each conversation's in order."""
        plans: list[list[tuple[int, str, str]]] = [[] for _ in range(10)]
        for n in range(EACH_WAY):
            number = n % CONVERSATIONS
            to = self.to(number)
            words, reply = f"word {n} from the customer", f"reply {n} from Ana"
            self.said.setdefault(to, []).append(words)
            self.replied.setdefault(to, []).append(reply)
            plans[number % 10] += [(number, "in", words), (number, "out", reply)]
        threads = [threading.Thread(target=self.follow, args=(plan,)) for plan in plans]
        for thread in threads:
            thread.start()
        return threads

    def follow(self, plan: list[tuple[int, str, str]]) -> None:
        for number, way, text in plan:
            if way == "in":
                self.insist(number, text)
            else:
                self.reply(number, text)

    def reply(self, number: int, text: str) -> None:
        """Ana writes, and waits until the bot has it: Slack's retries keep no order among events."""
        slack = self.world.slack
        ts = slack.say(self.world.ana, self.world.queue, text, self.cards[self.to(number)])
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if any(d.is_delivered for d in slack.events(lambda event: event.get("ts") == ts)):
                return
            time.sleep(0.05)
        raise TimeoutError("an event was never acknowledged")

    def trouble(self) -> None:
        """Both providers answer 429 and 500, are slow, and hang up before and after the deed."""
        for faults, path in (
            (self.world.twilio.faults, "*/Messages.json"),
            (self.world.slack.faults, "/api/chat.*"),
        ):
            faults.add(path, status=500, probability=0.03)
            faults.add(path, status=429, retry_after=1, probability=0.03)
            faults.add(path, drop="before", probability=0.03)
            faults.add(path, drop="after", probability=0.03)
            faults.add(path, latency=0.1, probability=0.1)
        callbacks = self.world.twilio.callbacks
        callbacks.duplicated, callbacks.shuffled, callbacks.missing, callbacks.delay = (
            0.2,
            0.2,
            0.1,
            0.3,
        )

    def kill_again_and_again(self, more: dict[str, str]) -> None:
        """At random moments from outside, and between any two recorded steps from inside."""
        for _ in range(ROUNDS):
            self.world.kill_bot()
            number, when = self.dice.randint(3, 60), self.dice.choice(["before", "after"])
            lives = self.lives()
            self.world.start_bot(("-m", "tests.chaos.mortal", str(number), when), more)
            self.wait_for_life(lives)
            time.sleep(self.dice.uniform(0.0, 2.5))
        self.world.kill_bot()

    def lives(self) -> int:
        """How many bots have begun to work."""
        return self.world.log().count('"event": "started"')

    def wait_for_life(self, known: int) -> None:
        """Until another one has, or has killed itself before; a slow machine may take its time."""
        deadline = time.monotonic() + PATIENCE
        while self.lives() == known and self.world.is_up():
            assert time.monotonic() < deadline, "the bot does not begin to work"
            time.sleep(0.05)

    def settle(self) -> None:
        """Wait until everything that was promised has happened."""
        slack, twilio = self.world.slack, self.world.twilio
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if all(
                set(self.said[to]) <= set(self.in_thread(to))
                and set(self.replied[to]) <= {m.body for m in twilio.phone(to)}
                for to in self.cards
            ):
                time.sleep(1)  # for a duplicate to show itself
                return
            time.sleep(0.2)
        slack.drain(1)

    def in_thread(self, to: str) -> list[str]:
        """The customer's words in their thread."""
        posts = self.world.slack.thread(self.world.queue, self.cards[to])
        shown = [text for post in posts for text in literal(post.get("blocks", []))]
        return [text for text in shown if text in self.said.get(to, [])]


def literal(blocks: list[dict]) -> list[str]:
    """What a post says in its rich text: one post may hold several messages of a customer."""
    rich = [block for block in blocks if block["type"] == "rich_text"]
    return [
        leaf.get("text", "")
        for block in rich
        for line in block["elements"]
        for leaf in line["elements"]
    ]


@pytest.fixture
def chaos(database_url: str, tmp_path: Path):
    world = World(database_url, knowledge=ROOT / "knowledge", log=tmp_path / "bot.log")
    with world:
        yield Chaos(world, seed=int(time.time()))


@pytest.mark.timeout(400)
def test_nothing_is_lost_doubled_or_out_of_order(chaos: Chaos, backend: str):
    more = {"WEB_CONCURRENCY": "2"} if backend == "postgresql" else {}
    world = chaos.world
    world.start_bot(more=more)
    world.wait_until_ready()
    chaos.open_all()
    chaos.trouble()
    threads = chaos.talk()
    chaos.kill_again_and_again(more)
    world.start_bot(more=more)
    world.wait_until_ready()
    for thread in threads:
        thread.join(PATIENCE)
    world.slack.drain(PATIENCE)
    world.twilio.faults.clear()
    world.slack.faults.clear()
    chaos.settle()

    report: list[tuple[str, str, object]] = []
    for to in chaos.cards:
        heard = chaos.in_thread(to)
        phone = [m.body for m in world.twilio.phone(to)][chaos.before[to] :]
        report += [("lost to Slack", to, w) for w in set(chaos.said[to]) - set(heard)]
        report += [("lost to the phone", to, w) for w in set(chaos.replied[to]) - set(phone)]
        report += [("twice in Slack", to, w) for w, n in Counter(heard).items() if n > 1]
        report += [("twice on the phone", to, w) for w, n in Counter(phone).items() if n > 1]
        if heard != chaos.said[to]:
            report.append(("order in Slack", to, heard))
        if [text for text in phone if text in chaos.replied[to]] != chaos.replied[to]:
            report.append(("order on the phone", to, phone))
        report += [("not Ana's", to, w) for w in phone if w not in chaos.replied[to]]
    assert report == []
