"""What happened to a message, for operators: when, how often it was tried, and why it failed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from handoff_bot.jobs.job import of_job
from handoff_bot.storage import message_trace as rows
from handoff_bot.storage.database import Database
from handoff_bot.storage.models import Delivery, Event, Message
from handoff_bot.storage.transaction import Transaction

_PERMALINK = re.compile(r"/archives/[A-Z0-9]+/p(\d{10})(\d{6})\b")
_TS = re.compile(r"\d{9,}\.\d{6}")
_TICKET = re.compile(r"#(\d+)|(\d{1,9})")
_TRACE = re.compile(r"[0-9a-f]{12}")
_SHOWN = ("channel", "status", "author", "code", "reason", "by", "model", "priority", "answered_by")
"""Data of events that is shown: our own terms."""


@dataclass(frozen=True)
class _Line:
    at: datetime
    text: str


class MessageTraces:
    """Reads only; texts and addresses are shown on request."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def lines(self, what: str, *, with_text: bool = False) -> list[str]:
        """Returns what happened to a message, a ticket's messages, or those of a log line; empty if
        unknown.

        Args:
            what: a provider's id, a Slack timestamp or permalink, a ticket's number, or a trace.
        """
        with self._database.read() as tx:
            messages = _find(tx, what.strip())
            return list(_lines(tx, messages, with_text=with_text)) if messages else []


def _find(tx: Transaction, what: str) -> Sequence[Message]:
    if link := _PERMALINK.search(what):
        return rows.by_desk_ts(tx, f"{link[1]}.{link[2]}")
    if _TS.fullmatch(what):
        return rows.by_desk_ts(tx, what)
    if found := rows.by_provider_id(tx, what):
        return found
    if ticket := _TICKET.fullmatch(what):
        return rows.of_ticket(tx, int(ticket[1] or ticket[2]))
    return rows.of_trace(tx, what) if _TRACE.fullmatch(what) else ()


def _lines(tx: Transaction, messages: Sequence[Message], *, with_text: bool) -> Iterator[str]:
    ids = [one.id for one in messages]
    parts = rows.deliveries(tx, ids)
    keys = [f"{one.channel}:{one.provider_id}" for one in messages if one.provider_id]
    about = rows.jobs(tx, ids, [one.id for one in parts], keys=keys)
    traces = {of_job(job.payload) for job in about} - {""}
    jobs = rows.jobs(tx, ids, [one.id for one in parts], traces, keys)
    lines = [
        *(_Line(one.created_at, _of_message(one, with_text=with_text)) for one in messages),
        *(_Line(one.begun_at or one.updated_at, _of_part(one)) for one in parts),
        *(_Line(one.at, _of_event(one)) for one in rows.events(tx, ids)),
        *(_Line(job.first_due_at, _of_job(job)) for job in jobs),
    ]
    for line in sorted(lines, key=lambda each: each.at):
        yield f"{line.at:%Y-%m-%d %H:%M:%S.%f}"[:-3] + f"  {line.text}"
    yield f"trace in the log: {', '.join(sorted(traces)) or 'its jobs are no longer stored'}"


def _of_message(one: Message, *, with_text: bool) -> str:
    place = f", Slack {one.desk_channel} {one.desk_ts}" if one.desk_ts else ""
    known = f", {one.provider_id}" if one.provider_id else ""
    text = f": {one.text!r}" if with_text else ""
    about = f"conversation {one.conversation_id}, {len(one.text)} characters"
    return f"message {one.id}: {one.channel} {one.direction} by {one.author}{known}{place}, {about}{text}"


def _of_part(one: Delivery) -> str:
    known = f", {one.provider_id}" if one.provider_id else ""
    again = ", replaced by a retry" if one.superseded_at else ""
    error = f", error {one.error_code}: {one.error}" if one.error_code or one.error else ""
    last = f", last change {one.updated_at:%H:%M:%S}"
    return f"delivery {one.id}, part {one.part + 1}: {one.status}{known}{last}{again}{error}"


def _of_event(one: Event) -> str:
    data = ", ".join(f"{name} {one.data[name]}" for name in _SHOWN if one.data.get(name))
    return f"event {one.kind}{f': {data}' if data else ''}"


def _of_job(job: Any) -> str:
    end = (
        f", finished {job.finished_at:%H:%M:%S}"
        if job.finished_at
        else f", due {job.due_at:%H:%M:%S}"
    )
    tries = f", {job.attempts + (job.status == 'done')} attempts"
    error = f", error: {job.error}" if job.error else ""
    return f"job {job.id} {job.kind}: {job.status}{tries}{end}{error}"
