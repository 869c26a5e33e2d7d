"""Customer texts: the admins' versions if set, otherwise the defaults."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from handoff_bot.domain.escalations import Status
from handoff_bot.domain.signals import Signal
from handoff_bot.domain.templates import names_in
from handoff_bot.domain.texts import SILENCEABLE, TEXTS, Moment, fill, problem, usual
from handoff_bot.services.delivery import wait_estimate
from handoff_bot.storage import log, visitors
from handoff_bot.storage.models import Conversation, Escalation
from handoff_bot.storage.transaction import Transaction

PREFIX = "text."
ANY = "any"
SILENT = "texts.silent"
"""Setting with the moments at which nothing is sent."""

_OF_THE_QUEUE = frozenset({"position", "wait_minutes"})

EXAMPLE: dict[str, str | int] = {"agent": "Ana", "wait_minutes": 5, "position": 2, "ticket": 1042}
"""Values for previews."""


@dataclass(frozen=True)
class Text:
    """One editable text: for a moment, a language and a reason (None for all)."""

    moment: Moment
    language: str
    reason: Signal | None = None

    @property
    def key(self) -> str:
        """Returns its settings key."""
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
    """Returns the text for a moment of a conversation; "" if it is switched off."""
    if moment in silent_moments(tx):
        return ""
    reason = Signal(escalation.reason) if escalation else None
    words = template(tx, Text(moment, conversation.language or "en", reason))
    values = _values(tx, words, escalation, now) if escalation else {}
    return fill(words, agent=agent, **values)


def silent_moments(tx: Transaction) -> frozenset[Moment]:
    """Returns the moments at which nothing is sent."""
    stored = log.preference(tx, SILENT, [])
    return frozenset(one for one in SILENCEABLE if isinstance(stored, list) and one in stored)


def template(tx: Transaction, text: Text) -> str:
    """Returns the effective template: by reason, else for all; by language, else in English."""
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
    """Returns the placeholders' values. The queue is only read if the template uses it."""
    values: dict[str, str | int] = {"ticket": escalation.ticket_id or ""}
    if names_in(template) & _OF_THE_QUEUE:
        ahead = visitors.ahead(tx, escalation) if escalation.status == Status.QUEUED else 0
        values |= {
            "position": ahead + 1,
            "wait_minutes": wait_estimate.wait_minutes(tx, now, ahead),
        }
    return values


def preview(words: str) -> str:
    """Renders a template with example values."""
    return fill(words, **EXAMPLE)
