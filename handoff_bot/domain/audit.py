"""Audit log entries as values, and what happened to a ticket as sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

PAGE_ROWS = 20

ACTS: dict[str, str] = {
    "escalation.claim": "took over {it}",
    "escalation.release": "released {it} to the queue",
    "escalation.reassign": "assigned {it} to",
    "escalation.resolve": "resolved {it}{tagged}",
    "escalation.return": "returned {it} to the AI",
    "escalation.dismiss": "dismissed {it}: no agent was needed",
    "escalation.snoozed": "snoozed {it}",
    "feedback.sooner": "reported that {it} was escalated too late",
    "ticket.edited": "edited {it}{changes}",
    "setting.changed": "changed the setting “{what}”",
    "canned.changed": "changed the canned replies",
    "channel.purpose": "set the purpose of a Slack channel to {what}:",
    "report.ordered": "exported a file: {what}",
    "contact.forgotten": "deleted the data of {what}",
    "contact.exported": "exported the data of {what}",
    "agent.on": "set their availability to available",
    "agent.off": "set their availability to away",
    "agent.arranged": "changed their hours and capacity",
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
