"""Rows older than a retention rule allows: counted, and blanked or deleted in batches."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Table, and_, func, select, true, update

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
from handoff_bot.storage.conversations import different
from handoff_bot.storage.models import ContactAddress, SettingChange, Work, retained
from handoff_bot.storage.transaction import Transaction, table_of

WORK, CHANGE = table_of(Work), table_of(SettingChange)
_OPEN = [status.value for status in OPEN]


# A rule finds its rows in an index by age that holds only rows with content. What a rule has blanked
# is not read again, and a rule that finds nothing reads nothing, however many messages there are.


def _of_channel(table: Table, rule: RetentionRule, others: Collection[str]) -> Any:
    """Condition on the channel of a row's conversation, asked for each row that is old enough."""
    here = select(CONVERSATION.c.id).where(CONVERSATION.c.id == table.c.conversation_id)
    if rule.channel:
        return here.where(CONVERSATION.c.channel == rule.channel).exists()
    if others:
        return here.where(CONVERSATION.c.channel.not_in(list(others))).exists()
    return true()


def _is_settled(table: Table) -> Any:
    """Condition that no agent works on a row's conversation."""
    is_open = select(ESCALATION.c.conversation_id).where(ESCALATION.c.status.in_(_OPEN))
    return table.c.conversation_id.not_in(is_open)


def _messages(rule: RetentionRule, before: datetime, others: Collection[str]) -> Any:
    channels = [rule.channel] if rule.channel else _CHANNELS
    where: ColumnElement[bool] = MESSAGE.c.channel.in_(channels)
    if not rule.channel and others:
        where = and_(where, MESSAGE.c.channel.not_in(list(others)))
    is_old = MESSAGE.c.created_at < before
    return and_(where, is_old, retained("message"), _is_settled(MESSAGE))


def _notes(rule: RetentionRule, before: datetime, others: Collection[str]) -> Any:
    is_old = NOTE.c.created_at < before
    return and_(is_old, retained("note"), _of_channel(NOTE, rule, others), _is_settled(NOTE))


def _files(rule: RetentionRule, before: datetime, others: Collection[str]) -> Any:
    return and_(ATTACHMENT.c.created_at < before, _of_channel(ATTACHMENT, rule, others))


def _jobs(_rule: RetentionRule, before: datetime, _others: Collection[str]) -> Any:
    return and_(WORK.c.status == "failed", WORK.c.finished_at < before)


def _log(_rule: RetentionRule, before: datetime, _others: Collection[str]) -> Any:
    return CHANGE.c.at < before


_CHANNELS = different(table_of(ContactAddress).c.channel)
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
    """Blanks or deletes at most `limit` rows; returns how many."""
    table, where = _WHERE[rule.what]
    # In no order: sorting by id would read all rows that are old enough for each batch.
    found = select(table.c.id).where(where(rule, now - rule.age, others)).limit(limit)
    ids = sorted(tx.core.execute(found).scalars())
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
    theirs = ESCALATION.c.conversation_id.in_(select(MESSAGE.c.conversation_id).where(mine))
    copied = select(ESCALATION.c.id).where(theirs, ESCALATION.c.message_id.in_(ids))
    escalations = list(tx.core.execute(copied).scalars())
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
