"""Finds the conversation of a request by the id it carries."""

from __future__ import annotations

from handoff_bot.domain.desk import Place
from handoff_bot.domain.roles import Conversation
from handoff_bot.ports import Desk
from handoff_bot.storage import escalations as rows
from handoff_bot.storage import tickets, workspace
from handoff_bot.storage.database import Database
from handoff_bot.storage.models import Message, Note
from handoff_bot.storage.transaction import Transaction


class Subjects:
    """Every method returns None for an unknown id."""

    def __init__(self, database: Database, desk: Desk) -> None:
        self._database = database
        self._desk = desk

    def escalation(self, escalation_id: int) -> Conversation | None:
        with self._database.read() as tx:
            return self._conversation(tx, escalation_id)

    def note(self, note_id: int) -> Conversation | None:
        with self._database.read() as tx:
            note = tx.session.get(Note, note_id)
            return self._conversation(tx, note.escalation_id) if note else None

    def message(self, message_id: int) -> Conversation | None:
        with self._database.read() as tx:
            message = tx.session.get(Message, message_id)
            if message is None:
                return None
            if message.escalation_id:
                return self._conversation(tx, message.escalation_id)
            found = rows.open_of(tx, message.conversation_id)
            return self._conversation(tx, found.id) if found else None

    def ticket(self, number: int) -> Conversation | None:
        with self._database.read() as tx:
            ticket = tickets.get(tx, number)
            return self._conversation(tx, ticket.escalation_id) if ticket else None

    def thread(self, place: Place) -> Conversation | None:
        """Returns the conversation whose card is at this location."""
        with self._database.read() as tx:
            found = rows.thread_at(tx, place)
            return self._conversation(tx, found.escalation_id) if found else None

    def _conversation(self, tx: Transaction, escalation_id: int) -> Conversation | None:
        return workspace.conversation(tx, escalation_id, self._desk.queue_channel)
