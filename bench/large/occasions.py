"""What customers, agents, timers and operators ask of a large database."""

from __future__ import annotations

import itertools
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from handoff_bot.domain.metrics import Choice, Scope
from handoff_bot.domain.tickets import TicketQuery
from handoff_bot.services.escalations.owners import OWNERS
from handoff_bot.services.operators import MessageTraces
from handoff_bot.services.privacy.exporting import Exporting
from handoff_bot.services.privacy.retention import RETAIN
from handoff_bot.services.timers import EVERY
from handoff_bot.storage import contacts, erasures, log, metering, sources
from handoff_bot.storage.database import Database
from handoff_bot.storage.migrate import migrate
from handoff_bot.storage.transaction import Transaction
from tests.desk.conftest import Bureau, at_work
from tests.fakes import FakeChannel, FrozenClock

Occasions = Mapping[str, Callable[[], object]]
DANA = "+15558880001"
KNOWN = "+15570000100"
"""The address of the customer of an old copy."""


@contextmanager
def bureau(database: Database) -> Iterator[Bureau]:
    """A workspace and the bot in it, now; vendors are stand-ins."""
    clock = FrozenClock()
    clock.at = datetime.now(UTC)
    channel = FakeChannel(clock)
    with at_work(database, clock, channel=channel, parts={"channels": {"sms": channel}}) as made:
        made.numbers = itertools.count(time.time_ns())  # providers' ids are new in each run
        yield made


def all_of(at: Bureau, known: str) -> Occasions:
    """Returns name -> what is done, in an order in which each finds what it needs.

    Args:
        known: the address of a customer with a history.
    """
    return {**_talking(at), **_asked(at), **_looked_up(at, known), **_in_the_background(at, known)}


def _talking(at: Bureau) -> Occasions:
    return {
        "a customer's first message": lambda: at.says("hello", DANA),
        "a message that the assistant answers": lambda: at.says("when do you open?", DANA),
        "a message that opens an escalation": lambda: at.says("I want a person", DANA),
        "Take Over": lambda: at.click(at.ana, "claim"),
        "a message in a claimed conversation": lambda: at.says("my order has not come", DANA),
        "an agent's reply": lambda: at.writes(at.ana, "it comes tomorrow"),
        "View conversation": lambda: at.click(at.ana, "view"),
        "a reply in a thread that is not ours": lambda: _elsewhere(at),
    }


def _asked(at: Bureau) -> Occasions:
    metrics, tickets = at.core.metrics, at.core.tickets
    commands = {
        f"/handoff {words}": partial(at.command, who, words)
        for words, who in (
            ("queue", at.ana),
            ("tickets", at.ana),
            ("stats", at.ana),
            ("audit", at.mia),
            ("doctor", at.mia),
        )
    }

    def numbers(choice: Choice) -> object:
        return metrics.numbers(Scope(metrics.period(choice, "UTC")))

    return {
        "App Home": lambda: at.home(at.ana),
        **commands,
        **{f"metrics: {choice.value}": partial(numbers, choice) for choice in Choice},
        "search: a common word": lambda: tickets.search(TicketQuery(words="parcel")),
        "search: a word that no ticket has": lambda: tickets.search(TicketQuery(words="zebrafish")),
    }


def _looked_up(at: Bureau, known: str) -> Occasions:
    now = at.clock.now

    def read(ask: Callable[[Transaction], object]) -> Callable[[], object]:
        def asked() -> object:
            with at.database.write() as tx:
                return ask(tx)

        return asked

    return {
        "customer by address": read(lambda tx: erasures.contacts_at(tx, known)),
        "rows of a contact": read(lambda tx: contacts.counts(tx, 7)),
        "trace of a provider's id": lambda: MessageTraces(at.database).lines("SMnone"),
        "audit log of a person who did little": read(
            lambda tx: log.changes_by_people(tx, 26, None, at.mia)
        ),
        "/metrics, the first scrape": read(lambda tx: metering.advance(tx, now())),
        "/metrics": read(lambda tx: metering.advance(tx, now())),
        "/metrics, the present state": read(lambda tx: metering.state(tx, now())),
        "addresses to read back": read(lambda tx: sources.addresses(tx, "sms", now(), 100)),
        "our numbers to read back": read(lambda tx: sources.recipients(tx, "sms", 100)),
    }


def _in_the_background(at: Bureau, known: str) -> Occasions:
    core = at.core

    def ticks(kind: str) -> None:
        at.clock.advance(seconds=1)
        core.scheduler.tick(kind)
        core.worker.run_until_idle()

    def retained() -> None:
        core.retention.save(["all messages 364"], "bench")
        ticks(RETAIN)

    def exported() -> None:
        with at.database.read() as tx:
            (number, *_) = erasures.contacts_at(tx, known)
        with tempfile.TemporaryDirectory() as folder:
            Exporting(at.database, at.clock).write(number, Path(folder) / "it", "bench")

    def forgotten() -> None:
        (preview, *_) = core.forgetting.preview(known)
        core.forgetting.request(preview.contact_id, "bench")
        core.worker.run_until_idle()

    return {
        "start: migrations": lambda: migrate(at.database),
        # Not that of assignees: it asks Slack about each, and the copies' agents are not in it.
        **{f"timer: {kind}": partial(ticks, kind) for kind in EVERY if kind != OWNERS},
        "retention: a batch": retained,
        "export of a contact": exported,
        "forgetting a contact": forgotten,
    }


def _elsewhere(at: Bureau) -> None:
    ts = at.slack.say(at.ben, at.queue, "lunch?")
    at.slack.say(at.ben, at.queue, "yes", ts)
    at.settle()
