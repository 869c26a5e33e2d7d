"""Rows older than a retention rule allows: counted, and blanked or deleted in batches."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Table, and_, func, or_, select, update

from handoff_bot.domain.escalations import OPEN
from handoff_bot.domain.rules import Retained, RetentionRule
from handoff_bot.storage import contacts
from handoff_bot.storage.contacts import (
    ATTACHMENT,
    CONVERSATION,
    DELIVERY,
    DRAFT,
    ESCALATION,
    MESSAGE,
    NOTE,
    TICKET,
)
from handoff_bot.storage.models import SettingChange, Work
from handoff_bot.storage.transaction import Transaction, table_of

WORK, CHANGE = table_of(Work), table_of(SettingChange)
_OPEN = [status.value for status in OPEN]


def _of_channel(
    table: Table, rule: RetentionRule, others: Collection[str], *, is_settled: bool
) -> Any:
    """Conditions on a row's conversation: its channel, and that no agent works on it."""
    here = select(CONVERSATION.c.id)
    if rule.channel:
        here = here.where(CONVERSATION.c.channel == rule.channel)
    elif others:
        here = here.where(CONVERSATION.c.channel.not_in(list(others)))
    conditions = [table.c.conversation_id.in_(here)]
    if is_settled:
        is_open = select(ESCALATION.c.conversation_id).where(ESCALATION.c.status.in_(_OPEN))
        conditions.append(table.c.conversation_id.not_in(is_open))
    return and_(*conditions)


def _messages(rule: RetentionRule, before: datetime, others: Collection[str]) -> Any:
    has_content = or_(MESSAGE.c.text != "", MESSAGE.c.provider_id.is_not(None))
    where = _of_channel(MESSAGE, rule, others, is_settled=True)
    return and_(MESSAGE.c.created_at < before, has_content, where)


def _notes(rule: RetentionRule, before: datetime, others: Collection[str]) -> Any:
    where = _of_channel(NOTE, rule, others, is_settled=True)
    return and_(NOTE.c.created_at < before, NOTE.c.text != "", where)


def _files(rule: RetentionRule, before: datetime, others: Collection[str]) -> Any:
    where = _of_channel(ATTACHMENT, rule, others, is_settled=False)
    return and_(ATTACHMENT.c.created_at < before, where)


def _jobs(_rule: RetentionRule, before: datetime, _others: Collection[str]) -> Any:
    return and_(WORK.c.status == "failed", WORK.c.finished_at < before)


def _log(_rule: RetentionRule, before: datetime, _others: Collection[str]) -> Any:
    return CHANGE.c.at < before


_Where = Callable[[RetentionRule, datetime, Collection[str]], Any]
_WHERE: Mapping[Retained, tuple[Table, _Where]] = {
    Retained.MESSAGES: (MESSAGE, _messages),
    Retained.NOTES: (NOTE, _notes),
    Retained.FILES: (ATTACHMENT, _files),
    Retained.JOBS: (WORK, _jobs),
    Retained.LOG: (CHANGE, _log),
}


def count(tx: Transaction, rule: RetentionRule, now: datetime, others: Collection[str]) -> int:
    """Returns how many rows a rule would blank or delete; `others` are channels with rules of their
    own.
    """
    table, where = _WHERE[rule.what]
    found = select(func.count()).select_from(table).where(where(rule, now - rule.age, others))
    return tx.core.execute(found).scalar_one()


def apply(
    tx: Transaction, rule: RetentionRule, now: datetime, others: Collection[str], limit: int
) -> int:
    """Blanks or deletes at most `limit` rows, oldest first; returns how many."""
    table, where = _WHERE[rule.what]
    found = select(table.c.id).where(where(rule, now - rule.age, others))
    ids = list(tx.core.execute(found.order_by(table.c.id).limit(limit)).scalars())
    if ids:
        _REMOVE.get(rule.what, _remove)(tx, table, ids)
    return len(ids)


def _remove(tx: Transaction, table: Table, ids: list[int]) -> None:
    contacts.blank(tx, table, table.c.id.in_(ids))


def _remove_messages(tx: Transaction, table: Table, ids: list[int]) -> None:
    """Also blanks what was copied from the messages: deliveries, summaries, subjects, drafts, done
    jobs.
    """
    mine = table.c.id.in_(ids)
    stored_by = select(table.c.work_id).where(mine)
    _blank_jobs(tx, and_(WORK.c.id.in_(stored_by), WORK.c.status != "ready"))
    contacts.blank(tx, DELIVERY, DELIVERY.c.message_id.in_(ids))
    copied = ESCALATION.c.message_id.in_(ids)
    escalations = list(tx.core.execute(select(ESCALATION.c.id).where(copied)).scalars())
    contacts.blank(tx, ESCALATION, ESCALATION.c.id.in_(escalations))
    contacts.blank(tx, DRAFT, DRAFT.c.escalation_id.in_(escalations))
    contacts.blank(tx, TICKET, TICKET.c.escalation_id.in_(escalations))
    contacts.blank(tx, table, mine)


def _remove_jobs(tx: Transaction, table: Table, ids: list[int]) -> None:
    """Dismisses failed jobs without their content; their keys still prevent repetitions."""
    _blank_jobs(tx, table.c.id.in_(ids))


def _blank_jobs(tx: Transaction, where: Any) -> None:
    for number, lane, status in tx.core.execute(
        select(WORK.c.id, WORK.c.lane, WORK.c.status).where(where)
    ).all():
        tx.core.execute(
            update(WORK)
            .where(WORK.c.id == number)
            .values(
                status="dismissed" if status == "failed" else status,
                payload={},
                error="",
                lane=contacts.nameless(lane),
            )
        )


_REMOVE: Mapping[Retained, Callable[[Transaction, Table, list[int]], None]] = {
    Retained.MESSAGES: _remove_messages,
    Retained.JOBS: _remove_jobs,
}
