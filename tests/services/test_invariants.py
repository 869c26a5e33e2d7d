"""Random interleavings of everything that can happen, crashes included: invariants 1 to 8 hold."""

import itertools
import random
import shutil
import tempfile
from collections import defaultdict
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from handoff_bot.domain.desk import AgentRef, Place, ThreadReply
from handoff_bot.domain.errors import DeliveryError, DeskError, DeskOutcomeUnknown, OutcomeUnknown
from handoff_bot.domain.escalations import Status, Step
from handoff_bot.domain.messages import DeliveryStatus, DeliveryUpdate, InboundMessage, overall
from handoff_bot.jobs.handler import ProviderJob
from handoff_bot.jobs.rate_limits import Rate
from handoff_bot.services.container import Dependencies, Services
from handoff_bot.services.replies.thread_replies import is_known
from handoff_bot.storage import deliveries, escalations
from handoff_bot.storage.database import Database
from handoff_bot.storage.models import (
    Conversation,
    Delivery,
    Escalation,
    Message,
    Note,
    Ticket,
    Work,
)
from tests import postgres
from tests.conftest import compile_once
from tests.fakes import (
    FakeChannel,
    FakeDesk,
    FrozenClock,
    OutcomeUnknownAfter,
    ScriptedAssistant,
    ScriptedDetector,
)

CUSTOMERS = ["+15550001", "+15550002"]
AGENTS = [AgentRef(f"U{name.upper()}", name) for name in ("Ana", "Ben", "Cem")]
STEPS = [Step.RELEASE, Step.RESOLVE, Step.RETURN, Step.DISMISS]
RANK = list(DeliveryStatus)
LIMITS = {
    "post": Rate(timedelta(seconds=2), burst=4),
    "card": Rate(timedelta(seconds=4), burst=2),
    "redraw": Rate(timedelta(seconds=2), burst=2),
}


class Killed(BaseException):
    """kill -9: nothing catches it, nothing is tidied up."""


class HearReply(ProviderJob):
    """What the desk's listeners do with a stored event."""

    repeatable = True

    def __init__(self, machine):
        self.machine = machine

    def prepare(self, tx, job):
        return job.payload

    def call(self, plan):
        place, agent = Place(**plan["place"]), AgentRef(**plan["agent"])
        with self.machine.database.read() as tx:
            known = is_known(tx, place.slack_channel, f"9.{plan['n']}")
        owner = self.machine.owner_at(place)
        self.machine.core.relay.reply(ThreadReply(place, f"9.{plan['n']}", agent, plan["text"]))
        stays = plan["text"].startswith("note:") or owner != agent.desk_id
        if stays and not known:
            self.machine.inside.add(plan["text"])


class Machine(RuleBasedStateMachine):
    """One database, a process that dies now and then, providers that misbehave."""

    address, template, compilers = "", "", None  # set by the test that runs it

    def __init__(self):
        super().__init__()
        self.clock = FrozenClock()
        self.database = Database(self.fresh_database(), synchronous="off")
        compile_once(self.database, self.compilers)
        self.channel = FakeChannel(self.clock)
        self.desk = FakeDesk()
        self.channel.before_send = [self.watch_the_wire]
        self.numbers = itertools.count(1)
        self.said: dict[str, list[str]] = defaultdict(list)
        self.webhooks: list = []
        self.replied: dict[str, AgentRef] = {}
        self.inside: set[str] = set()
        self.die: list[str] = []
        self.claim_on_send: AgentRef | None = None
        self.statuses: dict[int, DeliveryStatus] = {}
        self.boot()

    def fresh_database(self):
        if not self.address:
            self.folder = tempfile.TemporaryDirectory()
            return f"sqlite:///{shutil.copy(self.template, Path(self.folder.name) / 'h.db')}"
        return postgres.create_database(self.address, "machine", self.template)

    def boot(self):
        self.core = Services.build(
            Dependencies(
                database=self.database,
                channels={"sms": self.channel},
                desk=self.desk,
                detector=ScriptedDetector(),
                assistant=ScriptedAssistant(),
                clock=self.clock,
                jitter=random.Random(7),
                limits=LIMITS,
            )
        )
        self.core.handlers["reply"] = HearReply(self)

    # -- what may happen

    @rule(who=st.sampled_from(CUSTOMERS), wants_human=st.booleans())
    def customer_writes(self, who, wants_human):
        text = f"{'human' if wants_human else 'c'}-{next(self.numbers)}."
        webhook = InboundMessage("sms", f"SM-{text}", who, "+1999", text)
        self.said[who].append(text)
        self.webhooks.append(webhook)
        self.deliver(webhook)

    @precondition(lambda self: self.webhooks)
    @rule(which=st.integers(0, 10_000))
    def webhook_comes_again(self, which):
        self.deliver(self.webhooks[which % len(self.webhooks)])

    def deliver(self, webhook):
        key = f"sms:{webhook.provider_id}"
        self.core.inbox.store("inbound", f"in:sms:{webhook.address}", key, asdict(webhook))

    @rule(agent=st.sampled_from(AGENTS), newest=st.booleans())
    def agent_presses_take_over(self, agent, newest):
        numbers = self.escalations()
        if numbers:
            self.core.escalations.take(Step.CLAIM, numbers[-1 if newest else 0], agent)

    @rule(agent=st.sampled_from(AGENTS), step=st.sampled_from(STEPS))
    def agent_takes_a_step(self, agent, step):
        for number in self.escalations()[-2:]:
            self.core.escalations.take(step, number, agent)

    @rule(agent=st.sampled_from(AGENTS), to=st.sampled_from(AGENTS))
    def agent_assigns(self, agent, to):
        for number in self.escalations()[-1:]:
            self.core.escalations.reassign(number, agent, to)

    @rule(agent=st.sampled_from(AGENTS), note=st.booleans(), twice=st.booleans())
    def agent_writes(self, agent, note, twice):
        places = list(self.desk.cards)
        if not places:
            return
        number = next(self.numbers)
        text = f"{'note: n' if note else 'a'}-{number}."
        self.replied[text] = agent
        payload = {"place": asdict(places[-1]), "n": number, "agent": asdict(agent), "text": text}
        for copy in range(2 if twice else 1):
            self.core.inbox.store("reply", f"slack:{places[-1].ts}", f"ev:{number}:{copy}", payload)

    @rule(agent=st.sampled_from(AGENTS), take=st.booleans())
    def agent_decides_on_a_held_note(self, agent, take):
        with self.database.read() as tx:
            held = tx.session.query(Note).filter_by(held=True).order_by(Note.id).first()
        if held is None:
            return
        if not take:
            self.core.decisions.keep_as_note(held.id, agent)
        elif self.core.decisions.send_held(held.id, agent).text == "Sent to the customer.":
            self.inside.discard(held.text)

    @precondition(lambda self: self.channel.taken)
    @rule(
        which=st.integers(0, 10_000),
        status=st.sampled_from(["sent", "delivered", "read", "failed", "accepted"]),
    )
    def provider_reports(self, which, status):
        sent, receipt = self.channel.taken[which % len(self.channel.taken)]
        news = DeliveryUpdate("sms", receipt.provider_id, sent.oid, DeliveryStatus(status))
        key = f"sms:{receipt.provider_id}:{status}:"
        self.core.inbox.store("delivery", f"news:{sent.oid}", key, asdict(news))

    @rule(
        what=st.sampled_from(
            [
                DeliveryError("busy", permanent=False),
                DeliveryError("landline", permanent=True),
                OutcomeUnknown("lost before"),
                OutcomeUnknownAfter("lost after"),
            ]
        )
    )
    def provider_is_in_trouble(self, what):
        self.channel.troubles.append(what)

    @rule(lost=st.booleans())
    def desk_is_in_trouble(self, lost):
        if lost:
            self.desk.lost_answers.append(DeskOutcomeUnknown("lost"))
        else:
            self.desk.troubles.append(DeskError("busy", permanent=False, retry_after=2))

    @rule(agent=st.sampled_from(AGENTS))
    def somebody_claims_during_the_next_send(self, agent):
        self.claim_on_send = agent

    @rule(when=st.sampled_from(["before send", "after send", "before post", "after post"]))
    def process_will_be_killed(self, when):
        self.die.append(when)

    @rule(lanes=st.integers(1, 6))
    def worker_runs(self, lanes):
        for _ in range(lanes):
            if not self.run_one():
                break

    @rule(seconds=st.sampled_from([0.2, 1, 7, 90]))
    def time_passes(self, seconds):
        self.clock.advance(seconds=seconds)

    # -- how it happens

    def run_one(self):
        channel_send, desk_post, desk_card = (
            self.channel.send,
            self.desk.post,
            self.desk.render_card,
        )
        self.channel.send = self.mortal(channel_send, "send")
        self.desk.post = self.mortal(desk_post, "post")
        self.desk.render_card = self.mortal(desk_card, "post")
        try:
            return self.core.worker.run_once()
        except Killed:
            self.boot()  # another process, on the same database; the dead one's lease runs out
            return True
        finally:
            self.channel.send, self.desk.post, self.desk.render_card = (
                channel_send,
                desk_post,
                desk_card,
            )

    def mortal(self, call, name):
        def wrapped(*args):
            if f"before {name}" in self.die:
                self.die.remove(f"before {name}")
                raise Killed
            result = call(*args)
            if f"after {name}" in self.die:
                self.die.remove(f"after {name}")
                raise Killed
            return result

        return wrapped

    def watch_the_wire(self, message):
        """Invariant 4, at the last possible moment: as the call is made."""
        if self.claim_on_send:
            agent, self.claim_on_send = self.claim_on_send, None
            for number in self.escalations()[-1:]:
                self.core.escalations.take(Step.CLAIM, number, agent)
        with self.database.read() as tx:
            delivery = tx.session.query(Delivery).filter_by(oid=message.oid).one()
            row = tx.session.get_one(Message, delivery.message_id)
            claimed = (
                tx.session.query(Escalation)
                .filter_by(conversation_id=row.conversation_id, status=Status.CLAIMED)
                .count()
            )
        assert not (claimed and row.epoch is not None), "an AI message left after a claim"

    def escalations(self):
        with self.database.read() as tx:
            return [row.id for row in tx.session.query(Escalation).order_by(Escalation.id)]

    def owner_at(self, place):
        card = self.desk.cards[place]
        with self.database.read() as tx:
            row = tx.session.get_one(Escalation, card.escalation_id)
            if row.status != Status.CLAIMED:
                return None
            owner = escalations.agent(tx, row.owner_id)
            return owner.desk_id if owner else None

    # -- what always holds

    def check_statuses(self):
        with self.database.read() as tx:
            for row in tx.session.query(Delivery):
                now = DeliveryStatus(row.status)
                was = self.statuses.get(row.id, DeliveryStatus.QUEUED)
                reached = {DeliveryStatus.QUEUED, DeliveryStatus.SENDING}
                assert now in reached or RANK.index(now) >= RANK.index(was), (was, now)
                if now not in reached:
                    self.statuses[row.id] = now
                else:
                    assert was in reached, "invariant 7: a status went backwards"

    def teardown(self):
        try:
            self.settle()
            self.check_statuses()
            self.check_nothing_is_lost_or_doubled()
            self.check_order()
            self.check_nothing_leaked()
        finally:
            self.database.close()
            if not self.address:
                self.folder.cleanup()

    def settle(self):
        """All troubles end, time passes, and everything comes to rest."""
        self.die, self.claim_on_send = [], None
        self.channel.troubles, self.desk.troubles, self.desk.lost_answers = [], [], []
        for round_number in range(200):
            while self.run_one():
                pass
            if not self.waiting():
                return
            # What is tried again comes soon; what was promised to customers may be due in days.
            self.clock.advance(seconds=90 if round_number < 100 else 3600)
        assert self.waiting() == []

    def waiting(self):
        with self.database.read() as tx:
            rows = tx.session.query(Work).filter_by(status="ready")
            return [(row.kind, row.error) for row in rows]

    def check_nothing_is_lost_or_doubled(self):
        with self.database.read() as tx:
            heard = [row.text for row in tx.session.query(Message).filter_by(direction="inbound")]
            outbound = list(tx.session.query(Message).filter_by(direction="outbound"))
            states = deliveries.statuses(tx, [row.id for row in outbound])
            kept = {row.text for row in tx.session.query(Note)}
            open_ones = [
                row.conversation_id
                for row in tx.session.query(Escalation)
                if row.status in (Status.QUEUED, Status.CLAIMED)
            ]
            tickets = {row.id for row in tx.session.query(Ticket)}
            ticketed = {row.ticket_id for row in tx.session.query(Escalation)}
        assert sorted(heard) == sorted(text for texts in self.said.values() for text in texts)
        assert len(open_ones) == len(set(open_ones))
        # A customer who comes back soon continues their ticket, so one may have several escalations.
        assert ticketed == tickets
        assert len(self.escalations()) == len(self.desk.cards)
        for row in outbound:
            state = overall(states[row.id])
            assert state not in (DeliveryStatus.QUEUED, DeliveryStatus.SENDING)
            oids = self.oids(row.id)
            times = sum(message.oid in oids for message, _ in self.channel.taken)
            left = state not in (DeliveryStatus.FAILED, DeliveryStatus.DROPPED)
            assert times == 1 if left else times <= 1, (row.text, state, times)
        sent_texts = {row.text for row in outbound}
        for text in self.replied:
            note = text.removeprefix("note: ")
            assert text in sent_texts or note in kept, f"reply lost: {text}"

    def oids(self, message_id):
        with self.database.read() as tx:
            return {row.oid for row in tx.session.query(Delivery).filter_by(message_id=message_id)}

    def check_order(self):
        with self.database.read() as tx:
            for conversation in tx.session.query(Conversation):
                rows = (
                    tx.session.query(Message)
                    .filter_by(conversation_id=conversation.id)
                    .order_by(Message.id)
                )
                inbound = [row.text for row in rows if row.direction == "inbound"]
                assert inbound == self.said[conversation.address]
                written = [row.text for row in rows if row.direction == "outbound"]
                phone = [m.text for m, _ in self.channel.taken if m.to == conversation.address]
                assert _is_subsequence(phone, written), (phone, written)
        for place, posts in self.desk.threads.items():
            words = [post.text for post in posts if post.kind == "contact"]
            said = next(
                texts for texts in [*self.said.values(), []] if not words or words[0] in texts
            )
            assert _is_subsequence(words, said), (place, words, said)

    def check_nothing_leaked(self):
        leaked = {text for text in self.channel.phone if text in self.inside}
        assert leaked == set()


def _is_subsequence(part: list[str], whole: list[str]) -> bool:
    rest = iter(whole)
    return all(text in rest for text in part)


@pytest.mark.thorough
@pytest.mark.parametrize("examples", [40])
def test_the_invariants_hold_on_sqlite(examples, sqlite_template, compilers):
    run_state_machine_as_test(
        type("OnSqlite", (Machine,), {"template": sqlite_template, "compilers": compilers}),
        settings=settings(
            max_examples=examples,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.explicit, Phase.reuse, Phase.generate],
        ),
    )


def test_the_invariants_hold_on_postgresql(postgres_server, postgres_template, compilers):
    places = {"address": postgres_server, "template": postgres_template, "compilers": compilers}
    run_state_machine_as_test(
        type("OnPostgres", (Machine,), places),
        settings=settings(
            max_examples=8,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.explicit, Phase.reuse, Phase.generate],
        ),
    )
