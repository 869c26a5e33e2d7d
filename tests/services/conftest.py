"""The whole core with fakes at its ports: a customer, a desk, two agents."""

import itertools
from dataclasses import asdict, dataclass, field

import pytest

from handoff_bot.domain.desk import AgentRef, ThreadReply
from handoff_bot.domain.escalations import Step
from handoff_bot.domain.messages import (
    DeliveryStatus,
    DeliveryUpdate,
    InboundMessage,
    OutboundMessage,
)
from handoff_bot.domain.results import ActionResult
from handoff_bot.services.container import Dependencies, Services
from handoff_bot.storage.database import Database
from tests.fakes import (
    FakeChannel,
    FakeDesk,
    FrozenClock,
    ScriptedAssistant,
    ScriptedDetector,
    answer_at_once,
)


@dataclass
class House:
    """Everything a test needs at hand."""

    database: Database
    clock: FrozenClock
    channel: FakeChannel
    desk: FakeDesk
    detector: ScriptedDetector
    assistant: ScriptedAssistant
    core: Services
    numbers: itertools.count = field(default_factory=lambda: itertools.count(1))

    def settle(self) -> None:
        self.core.worker.run_until_idle()

    def says(self, text: str, address: str = "+15550001", settle: bool = True, **more) -> str:
        number = next(self.numbers)
        inbound = InboundMessage(
            channel="sms",
            provider_id=more.pop("provider_id", f"SMIN{number}"),
            address=address,
            recipient="+15559999",
            text=text,
            **more,
        )
        key = f"sms:{inbound.provider_id}"
        self.core.inbox.store("inbound", f"in:sms:{address}", key, asdict(inbound))
        if settle:
            self.settle()
        return inbound.provider_id

    def reports(self, status: DeliveryStatus, sent: OutboundMessage, settle=True, **more) -> None:
        next_id = f"SM{len(self.channel.taken):032d}"  # a report may come before the answer
        known = [r.provider_id for m, r in self.channel.taken if m.oid == sent.oid]
        (provider_id,) = known or [next_id]
        news = DeliveryUpdate("sms", provider_id, sent.oid, status, **more)
        key = f"sms:{provider_id}:{status}:{sent.oid}"
        self.core.inbox.store("delivery", f"news:sms:{sent.oid}", key, asdict(news))
        if settle:
            self.settle()

    def last_sent(self) -> OutboundMessage:
        return self.channel.taken[-1][0]

    def take(self, step: Step, agent: AgentRef, escalation_id: int | None = None) -> ActionResult:
        number = escalation_id or self.desk.card.escalation_id
        outcome = self.core.escalations.take(step, number, agent)
        self.settle()
        return outcome

    def reply_of(self, agent: AgentRef, text: str, ts: str | None = None, **more) -> ThreadReply:
        ts = ts or f"1800000000.{next(self.numbers):06d}"
        return ThreadReply(self.desk.place, ts, agent, text, **more)

    def replies(self, agent: AgentRef, text: str, ts: str | None = None, **more) -> str:
        ts = ts or f"1800000000.{next(self.numbers):06d}"
        self.core.relay.reply(self.reply_of(agent, text, ts, **more))
        self.settle()
        return ts


@pytest.fixture
def ana() -> AgentRef:
    return AgentRef("UANA", "Ana")


@pytest.fixture
def ben() -> AgentRef:
    return AgentRef("UBEN", "Ben")


def build_house(database: Database, clock: FrozenClock, **more) -> House:
    """A house, with more parts than the usual ones."""
    channel, desk = FakeChannel(clock), FakeDesk()
    detector, assistant = ScriptedDetector(), ScriptedAssistant()
    answer_at_once(database, clock)
    parts = Dependencies(
        database=database,
        channels={"sms": channel},
        desk=desk,
        detector=detector,
        assistant=assistant,
        clock=clock,
        base_url="https://bot.example.com",
        **more,
    )
    return House(database, clock, channel, desk, detector, assistant, Services.build(parts))


@pytest.fixture
def house(database, clock) -> House:
    return build_house(database, clock)
