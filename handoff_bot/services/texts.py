"""What customers are told: the admins' words where they wrote some, else the product's."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from handoff_bot.domain.escalations import Status
from handoff_bot.domain.signals import Signal
from handoff_bot.domain.templates import names_in
from handoff_bot.domain.texts import SILENCEABLE, TEXTS, Moment, fill, problem, usual
from handoff_bot.services import waits
from handoff_bot.storage import log, visitors
from handoff_bot.storage.models import Conversation, Escalation
from handoff_bot.storage.transaction import Transaction

PREFIX = "text."
ANY = "any"
SILENT = "texts.silent"
"""The preference with the moments at which nothing is said."""

_OF_THE_QUEUE = frozenset({"position", "wait_minutes"})

EXAMPLE: dict[str, str | int] = {"agent": "Ana", "wait_minutes": 5, "position": 2, "ticket": 1042}
"""What a preview is filled with."""


@dataclass(frozen=True)
class Text:
    """One text that can be changed: for a moment, in a language, for a reason (None for all)."""

    moment: Moment
    language: str
    reason: Signal | None = None

    @property
    def key(self) -> str:
        """Its preference."""
        return f"{PREFIX}{self.moment}.{self.language}.{self.reason or ANY}"


def say(
    tx: Transaction,
    moment: Moment,
    conversation: Conversation,
    now: datetime,
    escalation: Escalation | None = None,
    *,
    agent: str = "",
) -> str:
    """The words for a moment of a conversation; "" when the team says nothing then."""
    if moment in silent_moments(tx):
        return ""
    reason = Signal(escalation.reason) if escalation else None
    words = template(tx, Text(moment, conversation.language or "en", reason))
    values = _values(tx, words, escalation, now) if escalation else {}
    return fill(words, agent=agent, **values)


def silent_moments(tx: Transaction) -> frozenset[Moment]:
    """When the team says nothing."""
    stored = log.preference(tx, SILENT, [])
    return frozenset(one for one in SILENCEABLE if isinstance(stored, list) and one in stored)


def template(tx: Transaction, text: Text) -> str:
    """The template that counts: for this reason, else for all; in this language, else in English."""
    written = log.preferences(tx, f"{PREFIX}{text.moment}.")
    for language in dict.fromkeys((text.language, "en")):
        for reason in dict.fromkeys((text.reason, None)):
            own = written.get(f"{language}.{reason or ANY}")
            if isinstance(own, str) and not problem(text.moment, own):
                return own
        if language in TEXTS:
            break
    return usual(text.moment, text.language)


def _values(
    tx: Transaction, template: str, escalation: Escalation, now: datetime
) -> dict[str, str | int]:
    """What the template's placeholders stand for; the queue is asked only where it speaks of it."""
    values: dict[str, str | int] = {"ticket": escalation.ticket_id or ""}
    if names_in(template) & _OF_THE_QUEUE:
        ahead = visitors.ahead(tx, escalation) if escalation.status == Status.QUEUED else 0
        values |= {"position": ahead + 1, "wait_minutes": waits.wait_minutes(tx, now, ahead)}
    return values


def preview(words: str) -> str:
    """How a template reads, filled with examples."""
    return fill(words, **EXAMPLE)
