"""Decides which posted messages are evaluated for the customer's mood, and enqueues that.

Messages are evaluated after they are posted, one at a time, and only if the cheap check (half a
millisecond, no transaction) does not find them calm.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from handoff_bot.domain.detection_rules import Rules
from handoff_bot.domain.signals import Mood
from handoff_bot.jobs.enqueuing import enqueue_job
from handoff_bot.jobs.job import NewJob
from handoff_bot.ports import Clock, Detector
from handoff_bot.services.settings import detection_rules
from handoff_bot.storage.models import Escalation, Message
from handoff_bot.storage.transaction import Transaction

MOOD = "mood"
RULES_KEEP = timedelta(seconds=10)
"""Maximum age of the rules that the cheap check uses."""

IN_DOUBT, ALWAYS = "in doubt", "always"


def when(escalation: Escalation) -> str:
    """Returns when messages are evaluated: ALWAYS, or IN_DOUBT while the customer is calm."""
    return IN_DOUBT if escalation.mood in ("", Mood.CALM) else ALWAYS


def ask(tx: Transaction, escalation_id: int, now: datetime) -> None:
    """Enqueues evaluating the customer's last message."""
    key = f"mood:{escalation_id}"
    payload = {"escalation_id": escalation_id}
    enqueue_job(tx, NewJob(MOOD, key, payload, due_at=now, key=key, coalesce=True))


def ask_for_each(tx: Transaction, escalation: Escalation, message: Message, now: datetime) -> None:
    """Enqueues evaluating this message even if later ones follow: its translation needs the language."""
    lane = f"mood:{escalation.id}"
    payload = {"escalation_id": escalation.id, "message_id": message.id}
    enqueue_job(tx, NewJob(MOOD, lane, payload, due_at=now, key=f"mood:of:{message.id}"))


class MoodCheck:
    """The cheap check of posted messages."""

    def __init__(self, detector: Detector, clock: Clock) -> None:
        self._detector = detector
        self._clock = clock
        self._rules = Rules()
        self._rules_until: datetime | None = None
        self.is_busy: Callable[[], bool] = lambda: False
        """Returns whether messages are waiting; their moods are not evaluated then."""

    def refresh(self, tx: Transaction) -> None:
        """Reads the admins' rules again if they are too old."""
        now = self._clock.now()
        if self._rules_until is None or now >= self._rules_until:
            self._rules, self._rules_until = detection_rules.read(tx), now + RULES_KEEP

    def may_matter(self, texts: Iterable[str]) -> bool:
        """Returns whether evaluating a calm customer's texts could change anything. Needs no
        transaction.
        """
        return not self.is_busy() and any(
            self._rules.phrase_in(text) or self._detector.may_matter(text) for text in texts
        )
