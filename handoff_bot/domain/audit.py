"""What people did, as values to show."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

PAGE_ROWS = 20


@dataclass(frozen=True)
class Did:
    """One thing that somebody did.

    Attributes:
        event_id: of the log.
        who: a desk id, or a word of ours for what we did ourselves.
        kind: of the event.
        ticket: its number, None when it was about no conversation.
        whom: the desk id of whoever it was given to, "".
        what: the setting, or what a slack_channel is for; "".
        where: the slack_channel, "".
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
    """Some of it, newest first; `more` when there is something older."""

    done: tuple[Did, ...]
    more: bool
