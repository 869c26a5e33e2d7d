"""Audit log entries as values, and what happened to a ticket as sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from handoff_bot.domain.events import EventKind

PAGE_ROWS = 20

ACTS: dict[str, str] = {
    EventKind.ESCALATION_CLAIM: "took over {it}",
    EventKind.ESCALATION_RELEASE: "released {it} to the queue",
    EventKind.ESCALATION_REASSIGN: "assigned {it} to",
    EventKind.ESCALATION_RESOLVE: "resolved {it}{tagged}",
    EventKind.ESCALATION_RETURN: "returned {it} to the AI",
    EventKind.ESCALATION_DISMISS: "dismissed {it}: no agent was needed",
    EventKind.ESCALATION_SNOOZED: "snoozed {it}",
    EventKind.ESCALATED_LATE: "reported that {it} was escalated too late",
    EventKind.TICKET_EDITED: "edited {it}{changes}",
    EventKind.SETTING_CHANGED: "changed the setting “{what}”",
    EventKind.ARTICLE_CHANGED: "changed an article",
    EventKind.ARTICLE_REJECTED: "rejected a draft article",
    EventKind.CANNED_CHANGED: "changed the canned replies",
    EventKind.CHANNEL_PURPOSE: "chose “{what}” as the purpose of",
    EventKind.REPORT_ORDERED: "exported a file: {what}",
    EventKind.CONTACT_FORGOTTEN: "deleted the data of {what}",
    EventKind.CONTACT_EXPORTED: "exported the data of {what}",
    EventKind.CONTACTS_MERGED: "merged the customer of {it} with the customer of {what}",
    EventKind.AGENT_ON: "set their availability to available",
    EventKind.AGENT_OFF: "set their availability to away",
    EventKind.AGENT_ARRANGED: "changed their hours and capacity",
}
"""Event kind -> what its author did, to follow the name; an assignee follows the text."""


def act(
    kind: str,
    it: str,
    *,
    what: str = "",
    tags: Sequence[str] = (),
    data: Mapping[str, Any] | None = None,
) -> str:
    """Returns what a person did, to follow the name: "resolved #12, tagged refund".

    Args:
        kind: the event's kind.
        it: the ticket, such as "#12".
        what: the setting, purpose or contact that it is about.
        tags: the ticket's tags.
        data: the event's data.
    """
    shown = ACTS.get(kind, "{kind}")
    tagged = f", tagged {', '.join(tags)}" if tags else ""
    named = kind.replace(".", " ").replace("_", " ")
    changes = changes_in(data or {})
    return shown.format(it=it, what=what, tagged=tagged, changes=changes, kind=named)


def changes_in(data: Mapping[str, Any]) -> str:
    """Returns the changed fields, with new values that are our own terms: ": priority high, tags"."""
    values = data.get("values") or {}
    after = {name: both[1] for name, both in values.items() if isinstance(both[1], str)}
    named = (
        f"{name} {after[name]}" if name in after else name for name in data.get("fields") or ()
    )
    listed = ", ".join(named)
    return f": {listed}" if listed else ""


@dataclass(frozen=True)
class Did:
    """One audit log entry.

    Attributes:
        event_id: id in the event log.
        who: a Slack id, or our own term for automatic actions.
        kind: the event kind.
        ticket: the ticket number, None without a conversation.
        whom: the new assignee's Slack id, or "".
        tags: the ticket's tags, if it was resolved.
        data: the event's data.
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
    tags: tuple[str, ...] = ()
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class AuditPage:
    """One page, newest first; `more` is True if older entries exist."""

    done: tuple[Did, ...]
    more: bool
