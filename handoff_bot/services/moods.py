"""While a person is wanted or talks: the card shows how the customer feels by their last words."""

from __future__ import annotations

from datetime import datetime

from handoff_bot.domain import policy
from handoff_bot.domain.signals import Judgement, Priority
from handoff_bot.services import deskwork, urgency
from handoff_bot.storage import escalations as rows
from handoff_bot.storage import log
from handoff_bot.storage.conversations import id_of
from handoff_bot.storage.models import Escalation
from handoff_bot.storage.transaction import Transaction


def follow(tx: Transaction, escalation: Escalation, judgement: Judgement, now: datetime) -> bool:
    """The escalation as the customer's last words show it; True when its ticket has changed with it.

    Its mood goes both ways, its priority only up: what was urgent stays so until somebody has looked.
    """
    mood = policy.mood(judgement)
    rises = judgement.escalate and judgement.priority.rank < escalation.priority_rank
    if mood == escalation.mood and not rises:
        return False
    escalation.mood = mood
    if rises:
        _raise(tx, escalation, judgement.priority, now)
    deskwork.redraw(tx, escalation, now)
    return rises


def _raise(tx: Transaction, escalation: Escalation, priority: Priority, now: datetime) -> None:
    log.record(
        tx,
        "escalation.priority",
        now,
        escalation=escalation,
        before=escalation.priority,
        priority=priority.value,
    )
    urgency.follow(tx, escalation, rows.ticket_of(tx, id_of(escalation)), priority, now)
