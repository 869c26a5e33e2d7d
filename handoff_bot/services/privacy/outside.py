"""Deletes what Slack, the channels' providers and connected systems hold of a contact, item by item."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from handoff_bot.domain.desk import Place
from handoff_bot.domain.errors import ProviderFailure
from handoff_bot.jobs.handler import ADMINS, ProviderJob
from handoff_bot.jobs.job import Job, NewJob, enqueue_job
from handoff_bot.jobs.rate_limits import BucketCost, Cost
from handoff_bot.ports import Clock, Desk, Eraser, TicketConnector
from handoff_bot.storage import erasures
from handoff_bot.storage.transaction import Transaction

ERASE = "privacy.erase"
DELETED, GONE, LISTED, STAYS, FAILED = "deleted", "already gone", "read", "stays", "failed"
REFUSED = "not deleted: {why}"
LONGEST_WHY = 200
MORE = timedelta(days=15)
"""Twilio may need up to 14 days until a message is final and can be deleted (error 20009)."""

SOON, LATER = timedelta(seconds=1), timedelta(minutes=1)
"""Pauses until a provider is asked what is left: after new messages, and for those in delivery."""


class Kind(StrEnum):
    """What an item is, as receipts call it."""

    THREAD = "Slack threads"
    POST = "Slack messages by the bot"
    FILE = "Slack files by the bot"
    OTHERS = "Slack messages by people, for a workspace admin"
    STORED = "Lists of stored messages"
    MESSAGE = "Messages at the channel's provider"
    TICKET = "Tickets in connected systems"


@dataclass(frozen=True)
class ErasePlan:
    item_id: int
    erasure_id: int
    what: Kind
    target: Mapping[str, Any]


@dataclass(frozen=True)
class Erased:
    """The outcome, "" to call again; with items found, and what is remembered for the next call."""

    outcome: str
    found: tuple[tuple[str, str, Any], ...] = ()
    target: Mapping[str, Any] = field(default_factory=dict)


def enqueue_item(tx: Transaction, item_id: int, due_at: datetime) -> None:
    """Enqueues the deletion of one item, once at a time."""
    key = f"privacy:item:{item_id}"
    payload = {"item_id": item_id}
    enqueue_job(tx, NewJob(ERASE, key, payload, due_at=due_at, key=key, coalesce=True))


class Erase(ProviderJob[ErasePlan, Erased]):
    """Deletes one item. Deleting again is harmless everywhere."""

    repeatable = True
    coalesces = True
    told = ADMINS
    give_up_after = MORE

    def __init__(
        self,
        desk: Desk,
        erasers: Mapping[str, Eraser],
        connectors: Mapping[str, TicketConnector],
        clock: Clock,
        go_on: Callable[[Transaction, int, datetime], None],
    ) -> None:
        self._desk = desk
        self._erasers = erasers
        self._connectors = connectors
        self._clock = clock
        self._go_on = go_on

    def cost(self, tx: Transaction, job: Job) -> Cost:
        """Deletions in Slack have a budget of their own, so that they delay nothing."""
        item = erasures.item(tx, int(job.payload["item_id"]))
        budget = _BUDGETS.get(item.what) if item else None
        return (BucketCost(budget, rank=1),) if budget else ()

    def prepare(self, tx: Transaction, job: Job) -> ErasePlan | None:
        item = erasures.item(tx, int(job.payload["item_id"]))
        if item is None or item.outcome:
            return None
        return ErasePlan(item.id, item.erasure_id, Kind(item.what), item.target)

    def call(self, plan: ErasePlan) -> Erased:
        return _CALLS[plan.what](self, plan.target)

    def finish(self, tx: Transaction, job: Job, plan: ErasePlan, result: Erased) -> None:
        """Adds what was found, and reports when nothing is left."""
        now = self._clock.now()
        new = erasures.add_items(tx, plan.erasure_id, result.found)
        outcome = result.outcome
        if plan.what is Kind.STORED and result.found:
            # Asked again until nothing is listed, or only what cannot be deleted.
            is_waiting = erasures.is_waiting(tx, plan.erasure_id, Kind.MESSAGE)
            outcome = "" if is_waiting else LISTED
        erasures.settle_item(tx, plan.item_id, outcome, result.target or plan.target)
        for number in new:
            enqueue_item(tx, number, now)
        if not outcome:
            pause = timedelta() if plan.what is Kind.THREAD else SOON if new else LATER
            enqueue_item(tx, plan.item_id, now + pause)
        self._go_on(tx, plan.erasure_id, now)

    def on_failed(
        self, tx: Transaction, job: Job, plan: ErasePlan | None, error: Exception
    ) -> None:
        """Says in the receipt what stays. Errors of providers contain no personal data."""
        item = erasures.item(tx, int(job.payload["item_id"]))
        if item is None:
            return
        is_ours = not isinstance(error, ProviderFailure)
        why = FAILED if is_ours else REFUSED.format(why=str(error)[:LONGEST_WHY])
        erasures.settle_item(tx, item.id, why, item.target)
        self._go_on(tx, item.erasure_id, self._clock.now())

    # -- the calls

    def _thread(self, target: Mapping[str, Any]) -> Erased:
        page = self._desk.posted_in(_place(target), str(target["cursor"]))
        found = (
            *((Kind.POST, _name(one), vars(one)) for one in page.posts),
            *((Kind.FILE, one, {"id": one}) for one in page.files),
            *((Kind.OTHERS, _name(one), vars(one)) for one in page.by_others),
        )
        return Erased("" if page.cursor else LISTED, found, {**target, "cursor": page.cursor})

    def _post(self, target: Mapping[str, Any]) -> Erased:
        return Erased(DELETED if self._desk.delete_post(_place(target)) else GONE)

    def _file(self, target: Mapping[str, Any]) -> Erased:
        return Erased(DELETED if self._desk.delete_file(str(target["id"])) else GONE)

    def _others(self, target: Mapping[str, Any]) -> Erased:
        return Erased(STAYS)

    def _stored(self, target: Mapping[str, Any]) -> Erased:
        channel, address = str(target["channel"]), str(target["address"])
        recipient, until = str(target["recipient"]), datetime.fromisoformat(target["until"])
        known = erasures.Address(channel, address, recipient)
        listed = self._erasers[channel].stored(address, recipient, until)
        found = ((Kind.MESSAGE.value, one, {**vars(known), "provider_id": one}) for one in listed)
        return Erased(LISTED, tuple(found))

    def _message(self, target: Mapping[str, Any]) -> Erased:
        eraser = self._erasers[str(target["channel"])]
        where = str(target["address"]), str(target["recipient"])
        return Erased(DELETED if eraser.erase(str(target["provider_id"]), *where) else GONE)

    def _ticket(self, target: Mapping[str, Any]) -> Erased:
        connector = self._connectors.get(str(target["sink"]))
        if connector is None:
            return Erased("not told: no longer connected")
        key, number = str(target["key"]), int(target["number"])
        return Erased(connector.forget(key, number, str(target["external_id"])))


_BUDGETS: Mapping[str, str] = {
    Kind.THREAD: "replies",
    Kind.POST: "erase_post",
    Kind.FILE: "erase_file",
}
"""Kind of item -> its budget of Slack's limits."""
_CALLS: Mapping[Kind, Callable[[Erase, Mapping[str, Any]], Erased]] = {
    Kind.THREAD: Erase._thread,
    Kind.POST: Erase._post,
    Kind.FILE: Erase._file,
    Kind.OTHERS: Erase._others,
    Kind.STORED: Erase._stored,
    Kind.MESSAGE: Erase._message,
    Kind.TICKET: Erase._ticket,
}


def _place(target: Mapping[str, Any]) -> Place:
    return Place(str(target["slack_channel"]), str(target["ts"]))


def _name(place: Place) -> str:
    return f"{place.slack_channel}:{place.ts}"
