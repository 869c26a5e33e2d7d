"""Manual ticket edits, and the team's tags."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from handoff_bot.domain.desk import AgentRef
from handoff_bot.domain.escalations import (
    LONGEST_TAG,
    OPEN,
    Resolution,
    Status,
    Step,
    TicketStatus,
    tags_of,
)
from handoff_bot.domain.events import EventKind
from handoff_bot.domain.results import ActionResult
from handoff_bot.domain.text import one_line
from handoff_bot.domain.tickets import LONGEST_SUBJECT, Edit, may_become
from handoff_bot.ports import Clock
from handoff_bot.services.escalations import applied_route, waiting_policy
from handoff_bot.services.escalations.lifecycle import Escalations
from handoff_bot.services.notifications import notifications
from handoff_bot.services.outbox import outbox
from handoff_bot.services.outbox.ticket_sync import TicketSync
from handoff_bot.services.settings.preferences import Preferences
from handoff_bot.services.settings_catalog import live
from handoff_bot.storage import conversations, log
from handoff_bot.storage import escalations as rows
from handoff_bot.storage import tickets as store
from handoff_bot.storage.database import Database
from handoff_bot.storage.models import Agent, Escalation, Ticket
from handoff_bot.storage.transaction import Transaction

# -- the team's tags: those that admins have added, and those in use

TAGS = "tags"
RULES = (applied_route.RULES, notifications.RULES)
EXISTS = "This tag already exists."
NO_TAG = f"Enter one word of at most {LONGEST_TAG} characters, without commas."
TAG_GONE = "This tag no longer exists."
NOT_LISTED = "Not in the team's list of tags: {tags}. Admins add tags with /handoff tags."


@dataclass(frozen=True)
class KnownTag:
    """A tag, and the number of tickets that have it."""

    name: str
    tickets: int = 0


@dataclass(frozen=True)
class OfferedTags:
    """The tags that agents choose from, and whether they may add others."""

    names: tuple[str, ...]
    may_add: bool


class TagList:
    def __init__(self, database: Database, preferences: Preferences) -> None:
        self._database = database
        self._preferences = preferences

    def all(self) -> Sequence[KnownTag]:
        """Returns all tags by name."""
        with self._database.read() as tx:
            return [KnownTag(name, count) for name, count in sorted(_known(tx).items())]

    def offered(self) -> OfferedTags:
        with self._database.read() as tx:
            return OfferedTags(tuple(sorted(_known(tx))), live(tx).new_tags)

    def refusal(self, wanted: Sequence[str], held: Sequence[str] = ()) -> str:
        """Returns why an agent may not give a ticket these tags, or ""; `held` it has already."""
        if not set(wanted) - set(held):
            return ""
        offered = self.offered()
        unknown = [one for one in wanted if one not in (*offered.names, *held)]
        return "" if offered.may_add or not unknown else NOT_LISTED.format(tags=", ".join(unknown))

    def get(self, name: str) -> KnownTag | None:
        return next((tag for tag in self.all() if tag.name == name), None)

    def add(self, typed: str, by: str) -> str:
        """Adds a tag; returns why not, or ""."""
        name = tag_in(typed)
        if not name:
            return NO_TAG
        with self._database.write() as tx:
            tx.one_at_a_time("settings")  # rules are written back whole
            known = _known(tx)
            if name in known:
                return EXISTS
            self._preferences.change_in(tx, TAGS, sorted({*known, name}), by)
        return ""

    def rename(self, old: str, typed: str, by: str) -> str:
        """Renames a tag on all tickets and in rules, or merges it into another; returns why not, or ""."""
        name = tag_in(typed)
        if not name:
            return NO_TAG
        with self._database.write() as tx:
            tx.one_at_a_time("settings")  # rules are written back whole
            known = _known(tx)
            if old not in known:
                return TAG_GONE
            store.rename_tag(tx, old, name)
            self._change(tx, sorted({*known, name} - ({old} - {name})), old, [name], by)
        return ""

    def remove(self, name: str, by: str) -> None:
        """Removes a tag from the list, from all tickets and from rules."""
        with self._database.write() as tx:
            tx.one_at_a_time("settings")  # rules are written back whole
            known = _known(tx)
            store.remove_tag(tx, name)
            self._change(tx, sorted({*known} - {name}), name, [], by)

    def _change(self, tx: Transaction, names: list[str], old: str, new: list[str], by: str) -> None:
        self._preferences.change_in(tx, TAGS, names, by)
        for key in RULES:
            rules = log.preference(tx, key, [])
            if isinstance(rules, list):
                changed = [_with_tag(rule, old, new) for rule in rules]
                self._preferences.change_in(tx, key, changed, by)


def tag_in(typed: str) -> str:
    """Returns the tag in its stored form; "" if it is none, or more than one."""
    found = tags_of(typed)
    is_one = len(found) == 1 and len(typed.strip().lstrip("#")) <= LONGEST_TAG
    return found[0] if is_one else ""


def _known(tx: Transaction) -> dict[str, int]:
    held = log.preference(tx, TAGS, [])
    listed = dict.fromkeys(map(str, held), 0) if isinstance(held, list) else {}
    return {**listed, **store.tag_counts(tx)}


def _with_tag(rule: Any, old: str, new: list[str]) -> Any:
    """Returns a stored rule with another tag. A rule whose only tag is removed keeps it: without any,
    it would apply to every customer.
    """
    when = rule.get("when") if isinstance(rule, dict) else None
    if not isinstance(when, dict):
        return rule
    tags = when.get("tags")
    if not isinstance(tags, list) or old not in tags:
        return rule
    changed = list(dict.fromkeys(each for tag in tags for each in (new if tag == old else [tag])))
    return {**rule, "when": {**when, "tags": changed or tags}}


# -- edits that keep a ticket and its conversation consistent

GONE = "This ticket does not exist."
NO_SUBJECT = "Enter a subject."

Values = dict[str, list[object]]
"""Field -> values before and after, as ids and our own terms; free text is left out."""


@dataclass(frozen=True)
class _Editing:
    """An edit in progress; the conversation and the ticket are locked."""

    tx: Transaction
    ticket: Ticket
    escalation: Escalation
    agent: AgentRef
    shown: Edit
    wanted: Edit
    to: AgentRef | None
    now: datetime
    changes: Values = field(default_factory=dict)

    @property
    def fields(self) -> frozenset[str]:
        return self.wanted.changed(self.shown)

    @property
    def is_open(self) -> bool:
        return self.escalation.status in OPEN


class TicketEdits:
    def __init__(self, clock: Clock, escalations: Escalations, out: TicketSync) -> None:
        self._clock = clock
        self._escalations = escalations
        self._out = out

    def edit(
        self,
        tx: Transaction,
        number: int,
        agent: AgentRef,
        shown: Edit,
        wanted: Edit,
        to: AgentRef | None,
    ) -> ActionResult:
        """Applies all changes, or none with a reason; see `Tickets.edit`."""
        held = _hold(tx, number)
        if held is None:
            return ActionResult(False, GONE)
        ticket, escalation = held
        editing = _Editing(tx, ticket, escalation, agent, shown, wanted, to, self._clock.now())
        why_not = _why_not(editing)
        if why_not:
            return ActionResult(False, why_not)
        moved = self._move(editing) if editing.is_open else ActionResult(True)
        if moved.done:
            self._change(editing)
        return moved

    def _move(self, editing: _Editing) -> ActionResult:
        """Applies the action on the open conversation that the edit implies."""
        tx, subject, agent = editing.tx, editing.escalation.id, editing.agent
        if "status" in editing.fields and editing.wanted.status is TicketStatus.SOLVED:
            return self._escalations.take_in(tx, Step.RESOLVE, subject, agent, Resolution())
        if "assignee" not in editing.fields:
            return ActionResult(True)
        if editing.to:
            return self._escalations.reassign_in(tx, subject, agent, editing.to)
        if editing.escalation.status == Status.CLAIMED:
            return self._escalations.hand_back_in(tx, subject, agent)
        return ActionResult(True)

    def _change(self, editing: _Editing) -> None:
        """Applies the changes of the ticket itself."""
        tx, ticket, now = editing.tx, editing.ticket, editing.now
        author = conversations.agent_row(tx, editing.agent.desk_id, editing.agent.name, now)
        for name, before, after in _apply(editing):
            editing.changes[name] = [before, after]
        if not editing.changes:
            return
        ticket.updated_at = now
        self._out.changed(tx, ticket.id, now)
        if not editing.is_open:
            outbox.update_card(tx, editing.escalation, now)
        _record(editing, author)
        if "priority" in editing.changes:
            waiting_policy.follow_priority(
                tx, editing.escalation, ticket, editing.wanted.priority, now
            )


def _hold(tx: Transaction, number: int) -> tuple[Ticket, Escalation] | None:
    """Locks the ticket and its newest escalation; the conversation first, as everywhere."""
    found = store.get(tx, number)
    if found is None:
        return None
    conversations.hold(tx, found.conversation_id)
    ticket = tx.lock(Ticket, number) or found
    escalation = rows.get(tx, ticket.escalation_id)
    return (ticket, escalation) if escalation else None


def _why_not(editing: _Editing) -> str:
    if not one_line(editing.wanted.subject, LONGEST_SUBJECT):
        return NO_SUBJECT
    now, then = TicketStatus(editing.ticket.status), editing.wanted.status
    if "status" in editing.fields and not may_become(now, then):
        return f"A ticket with status {now} cannot be set to {then} manually."
    return ""


def _apply(editing: _Editing) -> Iterator[tuple[str, object, object]]:
    """Changes the rows and yields each field with its old and new value; None for free text."""
    ticket, wanted = editing.ticket, editing.wanted
    subject = one_line(wanted.subject, LONGEST_SUBJECT)
    if "subject" in editing.fields and subject != ticket.subject:
        conversation = conversations.get(editing.tx, ticket.conversation_id)
        ticket.subject = subject
        ticket.searched = store.searched(
            subject, conversations.contact_name(editing.tx, conversation)
        )
        yield "subject", None, None
    if "priority" in editing.fields and wanted.priority.value != ticket.priority:
        yield "priority", ticket.priority, wanted.priority.value
        ticket.priority = wanted.priority.value
    if "tags" in editing.fields and _retag(editing):
        yield "tags", None, None
    if not editing.is_open:
        yield from _by_hand(editing)


def _retag(editing: _Editing) -> bool:
    """Applies only added and removed tags, so that concurrent changes by others stay."""
    number = editing.ticket.id
    before = store.tags(editing.tx, number)
    gone = set(editing.shown.tags) - set(editing.wanted.tags)
    after = list(dict.fromkeys([*before, *editing.wanted.tags]))
    after = [tag for tag in after if tag not in gone]
    store.set_tags(editing.tx, number, after)
    return set(after) != set(before)


def _by_hand(editing: _Editing) -> Iterator[tuple[str, object, object]]:
    """Yields changes of the ticket only, after its conversation has ended."""
    ticket, wanted = editing.ticket, editing.wanted
    if "status" in editing.fields and wanted.status.value != ticket.status:
        yield "status", ticket.status, wanted.status.value
        ticket.status = wanted.status.value
    if "assignee" in editing.fields and (assignee := _assignee_id(editing)) != ticket.assignee_id:
        yield "assignee", ticket.assignee_id, assignee
        ticket.assignee_id = assignee


def _assignee_id(editing: _Editing) -> int | None:
    to = editing.to
    if to is None:
        return None
    return conversations.agent_row(editing.tx, to.desk_id, to.name, editing.now).id


def _record(editing: _Editing, author: Agent) -> None:
    log.record(
        editing.tx,
        EventKind.TICKET_EDITED,
        editing.now,
        escalation=editing.escalation,
        agent_id=author.id,
        ticket=editing.ticket.id,
        fields=list(editing.changes),
        values={name: both for name, both in editing.changes.items() if both != [None, None]},
    )
