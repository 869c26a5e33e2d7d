"""Messaging windows: until when a channel allows free text, and a warning before it closes."""

from __future__ import annotations

from datetime import datetime, timedelta

from handoff_bot.domain.desk import Button, Post, PostKind
from handoff_bot.domain.messages import Limits
from handoff_bot.jobs.handler import ADMINS, TransactionJob
from handoff_bot.jobs.job import Job
from handoff_bot.ports import Clock
from handoff_bot.services.outbox import outbox
from handoff_bot.storage import conversations
from handoff_bot.storage import escalations as rows
from handoff_bot.storage.models import Agent, Conversation, Escalation
from handoff_bot.storage.transaction import Transaction

CLOSING = "tick.messaging_window"
AHEAD = timedelta(hours=1)
"""How long before the end the agent is warned, and how stale a card may be."""

CLOSED = "window_closed"
"""Our own error code for messages that are not even tried."""
WORDS = "WhatsApp's 24-hour window has closed. Use an approved template."
TAKEN_LATE_WITHOUT = (
    "The messaging window has closed, so the customer was not told that you took over. You "
    "can reply once they write again."
)
TAKEN_LATE = (
    "The messaging window has closed, so the customer was not told that you took over. "
    "Send an approved template first."
)
NUDGE = (
    "⌛ The messaging window closes in one hour. After that, you can only send approved "
    "templates until the customer writes again."
)


def heard(
    tx: Transaction, conversation: Conversation, limits: Limits, at: datetime, now: datetime
) -> None:
    """The customer has written: the window is open again."""
    if limits.reply_window_hours is None:
        return
    before = conversation.window_closes_at
    closes_at = at + timedelta(hours=limits.reply_window_hours)
    conversation.window_closes_at = max(closes_at, before or closes_at)
    is_later = before is None or closes_at - before >= AHEAD
    escalation = rows.open_of(tx, conversation.id) if is_later else None
    if escalation:
        outbox.update_card(tx, escalation, now)


def offer_template(
    tx: Transaction, escalation: Escalation, limits: Limits, owner: Agent, now: datetime
) -> None:
    """Tell the agent who takes over that only a template can be sent first, with a button for it."""
    newest = conversations.newest_message_id(tx, escalation.conversation_id)
    buttons = (Button.USE_TEMPLATE,) if limits.templates and newest else ()
    text = TAKEN_LATE if buttons else TAKEN_LATE_WITHOUT
    post = Post(
        PostKind.NOTICE, text, value=str(newest), buttons=buttons, mentions=(owner.desk_id,)
    )
    outbox.post(tx, escalation, post, now)


def is_closed(conversation: Conversation, now: datetime) -> bool:
    """Would free text be refused?"""
    return conversation.window_closes_at is not None and conversation.window_closes_at <= now


class Closing(TransactionJob):
    """Tells of windows that are about to close, each once."""

    told = ADMINS

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def run(self, tx: Transaction, job: Job) -> None:
        """Say it in each thread."""
        now = self._clock.now()
        for escalation, closes_at in rows.closing(tx, now, now + AHEAD):
            _nudge(tx, escalation, closes_at, now)


def _nudge(tx: Transaction, escalation: Escalation, closes_at: datetime, now: datetime) -> None:
    owner = rows.agent(tx, escalation.owner_id)
    post = Post(PostKind.NOTICE, NUDGE, mentions=(owner.desk_id,) if owner else ())
    key = f"window:{escalation.id}:{closes_at.timestamp():.0f}"
    outbox.post(tx, escalation, post, now, key=key)
