"""A website visitor's view: conversation, new messages and state."""

from __future__ import annotations

from collections.abc import Sequence

from handoff_bot.domain.customers import Cursor, Look, Phase, VisitorState
from handoff_bot.domain.escalations import Status
from handoff_bot.domain.messages import DeliveryUpdate, earlier_than
from handoff_bot.ports import Clock
from handoff_bot.services.ai_turns.inbound import inbound_lane
from handoff_bot.services.delivery import customer_texts
from handoff_bot.storage import escalations, visitors
from handoff_bot.storage.database import Database
from handoff_bot.storage.models import Escalation
from handoff_bot.storage.transaction import Transaction

HISTORY = 50
"""Messages of each side per page, also the first one."""


MOST_WAITING = 50
"""Maximum number of a visitor's unprocessed messages: a minute's worth."""


class Visitors:
    """Read-only. Safe for any number of threads."""

    def __init__(self, database: Database, clock: Clock, channel: str) -> None:
        self._database = database
        self._clock = clock
        self._channel = channel

    def look(self, address: str, after: Cursor) -> Look:
        """Returns the visitor's new messages and current state."""
        with self._database.read() as tx:
            conversation_id = visitors.conversation_of(tx, self._channel, address)
            if conversation_id is None:
                return Look((), VisitorState(typing=self._is_typing(tx, address, None)), after)
            lines = visitors.lines(tx, conversation_id, after, HISTORY)
            return Look(
                lines=tuple(lines),
                state=self._state(tx, address, conversation_id),
                cursor=lines[-1].cursor if lines else after,
                is_all=after.is_start or len(lines) < HISTORY,
            )

    def credible(self, address: str, news: Sequence[DeliveryUpdate]) -> list[DeliveryUpdate]:
        """Returns the updates that move a message to this visitor forward; others are dropped."""
        if not news:
            return []
        with self._database.read() as tx:
            known = visitors.statuses(tx, self._channel, address, [one.oid for one in news])
        return [one for one in news if known.get(one.oid) in earlier_than(one.status)]

    def desk_id_of(self, agent_id: int) -> str:
        """Returns an agent's id in Slack; "" if unknown."""
        with self._database.read() as tx:
            return visitors.desk_id_of(tx, agent_id)

    def has_much_waiting(self, address: str) -> bool:
        """Returns whether the visitor's unprocessed messages have reached the limit."""
        with self._database.read() as tx:
            return visitors.has_waiting(tx, inbound_lane(self._channel, address), MOST_WAITING)

    def _state(self, tx: Transaction, address: str, conversation_id: int) -> VisitorState:
        delivered, read = visitors.marks(tx, conversation_id)
        escalation = escalations.open_of(tx, conversation_id)
        if escalation is None:
            typing = self._is_typing(tx, address, conversation_id)
            return VisitorState(typing=typing, delivered=delivered, read=read)
        if escalation.status == Status.QUEUED:
            return self._waiting(tx, escalation, delivered, read)
        owner = escalations.agent(tx, escalation.owner_id)
        name = owner.name if owner else ""
        return VisitorState(
            Phase.AGENT, agent=name, agent_id=escalation.owner_id, delivered=delivered, read=read
        )

    def _waiting(
        self, tx: Transaction, escalation: Escalation, delivered: int, read: int
    ) -> VisitorState:
        ahead = visitors.ahead(tx, escalation)
        left = customer_texts.minutes_left(tx, self._clock.now(), ahead, escalation.opened_at)
        return VisitorState(
            Phase.WAITING, position=ahead + 1, wait_minutes=left, delivered=delivered, read=read
        )

    def _is_typing(self, tx: Transaction, address: str, conversation_id: int | None) -> bool:
        return visitors.is_composing(tx, inbound_lane(self._channel, address), conversation_id)
