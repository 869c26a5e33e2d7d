"""Queries for drafts of articles, and for questions without an answer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func
from sqlmodel import col, select

from handoff_bot.domain.articles import DraftStatus
from handoff_bot.domain.events import EventKind
from handoff_bot.storage.models import ArticleDraft, Conversation, DeskPost, Event, Message, Work
from handoff_bot.storage.transaction import Transaction

KEY = "draft:{id}:"
"""Beginning of the keys of the jobs that post a draft."""


def of_escalation(tx: Transaction, escalation_id: int) -> ArticleDraft | None:
    found = select(ArticleDraft).where(ArticleDraft.escalation_id == escalation_id)
    return tx.session.execute(found).scalar_one_or_none()


def count(tx: Transaction, since: datetime) -> int:
    """Returns the number of drafts since then."""
    found = select(func.count()).select_from(ArticleDraft)
    return tx.session.execute(found.where(col(ArticleDraft.created_at) >= since)).scalar_one()


def titles(tx: Transaction, limit: int) -> list[str]:
    """Returns the titles of the newest drafts that were not approved: those are articles now."""
    found = (
        select(ArticleDraft.title)
        .where(
            col(ArticleDraft.status).in_((DraftStatus.OPEN.value, DraftStatus.REJECTED.value)),
            ArticleDraft.title != "",
        )
        .order_by(col(ArticleDraft.id).desc())
        .limit(limit)
    )
    return list(tx.session.execute(found).scalars())


def posts(tx: Transaction, draft_id: int) -> Sequence[DeskPost]:
    """Returns where a draft was posted."""
    # Posts are found by their escalation, because LIKE does not use an index.
    found = (
        select(DeskPost)
        .join(ArticleDraft, col(ArticleDraft.escalation_id) == DeskPost.escalation_id)
        .join(Work, col(Work.id) == DeskPost.work_id)
        .where(
            ArticleDraft.id == draft_id,
            col(Work.key).startswith(KEY.format(id=draft_id), autoescape=True),
        )
        .order_by(col(DeskPost.id))
    )
    return list(tx.session.execute(found).scalars())


def unanswered(
    tx: Transaction, since: datetime, below: float, limit: int
) -> Sequence[tuple[Message, Conversation]]:
    """Returns customers' messages since then that were answered with less confidence, newest first."""
    confidence = col(Event.data)["answer_confidence"].as_float()
    asked = (
        select(Event.message_id)
        .where(
            Event.kind == EventKind.MESSAGE_CONSIDERED.value,
            col(Event.at) >= since,
            confidence.is_not(None),
            confidence < below,
        )
        .distinct()
    )
    found = (
        select(Message, Conversation)
        .join(Conversation, col(Conversation.id) == Message.conversation_id)
        .where(col(Message.id).in_(asked), Message.text != "")
        .order_by(col(Message.id).desc())
        .limit(limit)
    )
    return [(message, conversation) for message, conversation in tx.session.execute(found)]
