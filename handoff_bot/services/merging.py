"""Merges contacts that are the same customer: previewed, then done in one transaction."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from handoff_bot.domain.desk import AgentRef
from handoff_bot.domain.events import EventKind
from handoff_bot.domain.results import ActionResult
from handoff_bot.domain.text import many, one_line, spelled
from handoff_bot.domain.tickets import TicketQuery, TicketRow
from handoff_bot.ports import Clock
from handoff_bot.services.delivery import reachability
from handoff_bot.services.outbox import outbox
from handoff_bot.services.tickets.tickets import Tickets
from handoff_bot.storage import contacts, conversations, log
from handoff_bot.storage import escalations as rows
from handoff_bot.storage import tickets as store
from handoff_bot.storage.database import Database
from handoff_bot.storage.models import Conversation, Escalation, Ticket
from handoff_bot.storage.transaction import Transaction

GONE = "This ticket no longer exists, or you may not see it."
SAME = "These tickets already belong to the same customer."
FORGOTTEN = "One of these customers was forgotten."
DONE = "Merged with the customer of ticket #{other}."
TOLD = "{agent} merged this customer with the customer of ticket #{other}.{opted_out}"
OPTED_OUT = " The customer has opted out: no messages can be sent."
WHAT_HAPPENS = (
    "Earlier conversations, tickets, tags, notes and attributes of each are shown for both.",
    "Conversations stay separate, and open ones stay open with their assignees. Replies go where the "
    "customer wrote.",
    "If one has opted out of a channel, both have.",
    "Forgetting or exporting one of them includes the other.",
    "This cannot be undone.",
)
HIDDEN = "and {} that you may not see"
_LONGEST_NAME = 60


@dataclass(frozen=True)
class _Side:
    """A ticket, and all contacts that are its customer."""

    ticket: Ticket
    contact_ids: tuple[int, ...]
    conversations: tuple[Conversation, ...]

    @classmethod
    def of(cls, tx: Transaction, ticket: Ticket) -> _Side:
        ids = tuple(contacts.ids(tx, [ticket.contact_id]))
        return cls(ticket, ids, tuple(contacts.conversations_of(tx, ids)))


class Merging:
    """Finds, previews and merges customers. Who may see which ticket is the caller's to check."""

    def __init__(self, database: Database, clock: Clock, tickets: Tickets) -> None:
        self._database = database
        self._clock = clock
        self._tickets = tickets

    def find(
        self, escalation_id: int, words: str, slack_channels: frozenset[str] | None
    ) -> list[TicketRow]:
        """Returns the newest matching ticket of each other customer; `slack_channels` as in
        `TicketQuery`.
        """
        found = self._tickets.search(TicketQuery(words=words, slack_channels=slack_channels)).rows
        with self._database.read() as tx:
            ours = rows.ticket_of(tx, escalation_id).contact_id
            seen, others = set(contacts.ids(tx, [ours])), []
            for row in found:
                ticket = store.get(tx, row.number)
                if ticket and ticket.contact_id not in seen:
                    seen.update(contacts.ids(tx, [ticket.contact_id]))
                    others.append(row)
        return others

    def may_see(self, number: int, slack_channels: frozenset[str] | None) -> bool:
        query = TicketQuery(words=f"#{number}", slack_channels=slack_channels)
        return bool(self._tickets.search(query).rows)

    def preview(
        self, escalation_id: int, other: int, slack_channels: frozenset[str] | None
    ) -> ActionResult:
        """Returns both customers as text, or why they cannot be merged; `slack_channels` as in
        `TicketQuery`.
        """
        with self._database.read() as tx:
            sides = _sides(tx, escalation_id, other)
            if isinstance(sides, str):
                return ActionResult(False, sides)
            both = ("\n".join(_about(tx, one, slack_channels)) for one in sides)
            return ActionResult(True, "\n\n".join(both))

    def merge(self, escalation_id: int, other: int, agent: AgentRef) -> ActionResult:
        with self._database.write() as tx:
            tx.one_at_a_time("contacts")
            sides = _sides(tx, escalation_id, other)
            if isinstance(sides, str):
                return ActionResult(False, sides)
            ids = [number for one in sides for number in one.contact_ids]
            contacts.merge(tx, ids)
            # An opt-out that was committed after `_sides` counts; a later one waits for this commit.
            for conversation in contacts.hold_conversations_of(tx, ids):
                reachability.join_opt_outs(tx, conversation)
            self._record(tx, escalation_id, sides, agent)
        return ActionResult(True, DONE.format(other=other))

    def _record(
        self, tx: Transaction, escalation_id: int, sides: tuple[_Side, _Side], agent: AgentRef
    ) -> None:
        now = self._clock.now()
        ours, theirs = sides
        log.record(
            tx,
            EventKind.CONTACTS_MERGED,
            now,
            escalation=tx.session.get_one(Escalation, escalation_id),
            agent_id=conversations.agent_row(tx, agent.desk_id, agent.name, now).id,
            what=f"#{theirs.ticket.id}",
        )
        for side, other in ((ours, theirs), (theirs, ours)):
            for conversation in side.conversations:
                escalation = rows.open_of(tx, conversation.id)
                if escalation:
                    opted_out = OPTED_OUT if reachability.refuses(conversation, now) else ""
                    told = TOLD.format(agent=agent.name, other=other.ticket.id, opted_out=opted_out)
                    outbox.notice(tx, escalation, told, now)
                    outbox.update_card(tx, escalation, now)


def _sides(tx: Transaction, escalation_id: int, other: int) -> tuple[_Side, _Side] | str:
    theirs = store.get(tx, other)
    if theirs is None or rows.get(tx, escalation_id) is None:
        return GONE
    sides = _Side.of(tx, rows.ticket_of(tx, escalation_id)), _Side.of(tx, theirs)
    if sides[0].contact_ids == sides[1].contact_ids:
        return SAME
    if any(one.forgotten_at for side in sides for one in side.conversations):
        return FORGOTTEN
    return sides


def _about(tx: Transaction, side: _Side, slack_channels: frozenset[str] | None) -> Iterator[str]:
    """Yields who it is, as far as the agent may see: names and addresses are hostile."""
    tickets = store.of_contacts(tx, side.contact_ids, slack_channels)
    seen = {one.conversation_id for one in tickets}
    shown = [one for one in side.conversations if slack_channels is None or one.id in seen]
    names = dict.fromkeys(conversations.contact_name(tx, one) for one in shown)
    yield f"#{side.ticket.id} {', '.join(one_line(name, _LONGEST_NAME) for name in names)}"
    open_to_agent = {one.escalation_id for one in tickets}
    for one in shown:
        yield ", ".join(_facts(tx, one, open_to_agent))
    hidden = len(side.conversations) - len(shown)
    if hidden:
        yield HIDDEN.format(many(hidden, "conversation"))
    yield many(len(tickets), "ticket")


def _facts(
    tx: Transaction, conversation: Conversation, escalations: Collection[int | None]
) -> Iterator[str]:
    """Yields what is shown of a conversation; of an open escalation only if it is one of these."""
    yield f"{spelled(conversation.channel)}: {one_line(conversation.address, _LONGEST_NAME)}"
    escalation = rows.open_of(tx, conversation.id)
    if escalation and escalation.id in escalations:
        owner = rows.agent(tx, escalation.owner_id)
        yield f"open, assigned to {owner.name}" if owner else "waiting in the queue"
    if conversation.opted_out_at:
        yield "opted out"
