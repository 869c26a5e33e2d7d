"""What customers and agents wrote while the bot was down arrives once, in order, when it is back."""

from pathlib import Path

import pytest

from handoff_sandbox.movable_time import MovableTime
from handoff_sandbox.world import ROOT, World

DANA, EVA = "+15550144", "+15550155"
PATIENCE = 40


class Outage:
    """A world whose bot can be away for hours."""

    def __init__(self, world: World, time: MovableTime, clock: Path) -> None:
        self.world, self.time, self._clock = world, time, clock

    def starts(self) -> None:
        self.world.start_bot(("-m", "handoff_sandbox.bot", str(self._clock)))
        self.world.wait_until_ready()

    def phone(self, address: str) -> list[str]:
        return [sent.body for sent in self.world.twilio.phone(address) if sent.sender != address]

    def heard(self, address: str, text: str) -> None:
        self.world.twilio.wait_for(
            lambda: any(text in said for said in self.phone(address)), PATIENCE
        )

    def thread(self, ts: str) -> list[str]:
        posts = self.world.slack.thread(self.world.queue, ts)[1:]
        return [said for post in posts for said in post["text"].split(" | ")]

    def shown(self, ts: str, text: str) -> None:
        self.world.slack.wait_for(lambda: any(text in said for said in self.thread(ts)), PATIENCE)


@pytest.fixture
def outage(database_url: str, tmp_path: Path):
    clock = tmp_path / "clock"
    time = MovableTime(clock)
    with World(
        database_url, knowledge=ROOT / "knowledge", log=tmp_path / "log", now=time.now
    ) as world:
        world.slack.retries = ()
        made = Outage(world, time, clock)
        made.starts()
        yield made


@pytest.mark.timeout(240)
def test_two_hours_away_lose_nothing_and_double_nothing(outage):
    world, twilio, slack = outage.world, outage.world.twilio, outage.world.slack
    twilio.customer_writes("sms", DANA, "I want to talk to a human")
    slack.wait_for(lambda: bool(world.cards()), PATIENCE)
    ts = str(world.cards()[0]["ts"])
    slack.click(world.ana, world.queue, ts, "claim")
    outage.heard(DANA, "I'm Ana")

    world.kill_bot()
    outage.time.forward(1800)
    replies = [slack.say(world.ana, world.queue, f"reply {n}", ts) for n in (1, 2, 3)]
    sids = [f"SM{n:032d}" for n in (1, 2, 3)]
    for n, sid in enumerate(sids, 1):
        assert twilio.customer_writes("sms", DANA, f"word {n}", sid=sid).status != 200
    asked = "SM" + "9" * 32
    question = "What are your opening hours?"
    assert twilio.customer_writes("whatsapp", EVA, question, sid=asked).status != 200
    outage.time.forward(5400)
    slack.drain(PATIENCE)
    outage.starts()

    eva = f"whatsapp:{EVA}"
    outage.heard(DANA, "reply 3")
    outage.shown(ts, "word 3")
    outage.heard(eva, "automated assistant")
    for n, sid in enumerate(sids, 1):
        assert twilio.customer_writes("sms", DANA, f"word {n}", sid=sid).status == 200
    assert twilio.customer_writes("whatsapp", EVA, question, sid=asked).status == 200
    for reply in replies:
        for delivery in slack.events(lambda event, reply=reply: event.get("ts") == reply):
            slack.redeliver(delivery.event_id)
    slack.drain(PATIENCE)
    slack.say(world.ana, world.queue, "reply 4", ts)
    twilio.customer_writes("sms", DANA, "word 4")
    outage.heard(DANA, "reply 4")
    outage.shown(ts, "word 4")

    assert [said for said in outage.phone(DANA) if said.startswith("reply")] == [
        f"reply {n}" for n in (1, 2, 3, 4)
    ]
    words = [said.rpartition(": ")[2] for said in outage.thread(ts)]
    assert [said for said in words if said.startswith("word")] == [
        f"word {n}" for n in (1, 2, 3, 4)
    ]
    assert len(outage.phone(eva)) == 1
