"""Audit log entries as values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

PAGE_ROWS = 20


@dataclass(frozen=True)
class Did:
    """One audit log entry.

    Attributes:
        event_id: id in the event log.
        who: a Slack id, or our own term for automatic actions.
        kind: the event kind.
        ticket: the ticket number, None without a conversation.
        whom: the new assignee's Slack id, or "".
        what: the setting, or a slack_channel's purpose, or "".
        where: the slack_channel, or "".
    """

    event_id: int
    at: datetime
    who: str
    kind: str
    ticket: int | None = None
    whom: str = ""
    what: str = ""
    where: str = ""


@dataclass(frozen=True)
class AuditPage:
    """One page, newest first; `more` is True if older entries exist."""

    done: tuple[Did, ...]
    more: bool
