"""Drafts of the next reply, for agents to edit and send. A draft is never sent automatically."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace

from handoff_bot.domain.conversation_context import ConversationContext
from handoff_bot.domain.errors import ModelError
from handoff_bot.domain.escalations import OPEN, Status
from handoff_bot.domain.policy import UNSURE
from handoff_bot.ports import Assistant
from handoff_bot.services.ai_turns import answering
from handoff_bot.storage import conversations
from handoff_bot.storage import escalations as rows
from handoff_bot.storage.database import Database

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Draft:
    """A draft; `text` is "" when the assistant has no answer.

    Attributes:
        sources: titles of the articles used.
        claims: True when the conversation is unassigned, so sending claims it.
    """

    text: str
    sources: tuple[str, ...]
    claims: bool


class Drafting:
    def __init__(self, database: Database, assistant: Assistant) -> None:
        self._database = database
        self._assistant = assistant

    def draft(self, escalation_id: int) -> Draft | None:
        """Returns a draft from the knowledge base and the conversation, or None if the escalation
        is closed.

        Calls a model outside any transaction and may take seconds.
        """
        with self._database.read() as tx:
            escalation = rows.get(tx, escalation_id)
            if escalation is None or escalation.status not in OPEN:
                return None
            conversation = conversations.get(tx, escalation.conversation_id)
            talk = _until_the_customer(answering.question(tx, conversation).talk)
            claims = escalation.status == Status.QUEUED
        text, sources = self._ask(talk) if talk else ("", ())
        return Draft(text, sources, claims)

    def _ask(self, talk: ConversationContext) -> tuple[str, tuple[str, ...]]:
        try:
            answer = self._assistant.answer(talk, talk.language)
        except ModelError:
            logger.warning("no draft: the model cannot answer now")
            return "", ()
        if answer is None or answer.confidence < UNSURE:
            return "", ()
        return answer.text, answer.sources


def _until_the_customer(talk: ConversationContext) -> ConversationContext | None:
    """Returns the conversation up to the customer's last message."""
    last = max((n for n, turn in enumerate(talk.turns) if turn.role == "customer"), default=-1)
    if last < 0:
        return None
    return replace(talk, turns=talk.turns[: last + 1], settled=min(talk.settled, last))
