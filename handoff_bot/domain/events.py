"""Events of the log: their kinds and data, and audit log entries as sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, NewType

from pydantic import BaseModel, ConfigDict

from handoff_bot.domain.escalations import Step
from handoff_bot.domain.messages import Consent
from handoff_bot.domain.rules import Route

# -- kinds, as stored, and the data that is read in several places


class EventKind(StrEnum):
    """Kind of an event. The log is append-only, so a stored kind keeps its spelling."""

    AGENT_ARRANGED = "agent.arranged"
    AGENT_OFF = "agent.off"
    AGENT_ON = "agent.on"
    ARTICLE_CHANGED = "article.changed"
    ARTICLE_REJECTED = "article.rejected"
    CANNED_CHANGED = "canned.changed"
    CARD_POSTED = "card.posted"
    CHANNEL_PURPOSE = "channel.purpose"
    CHANNEL_RESUMED = "channel.resumed"
    CHANNEL_SUSPENDED = "channel.suspended"
    CONSENT_HELP = "consent.help"
    CONSENT_START = "consent.start"
    CONSENT_STOP = "consent.stop"
    CONTACT_EXPORTED = "contact.exported"
    CONTACT_FORGOTTEN = "contact.forgotten"
    CONTACTS_MERGED = "contact.merged"
    CSAT_ANSWERED = "csat.answered"
    CSAT_ASKED = "csat.asked"
    ESCALATION_CLAIM = "escalation.claim"
    ESCALATION_DISMISS = "escalation.dismiss"
    ESCALATION_HELD = "escalation.held"
    DISMISS_REASON = "escalation.not_needed"
    ESCALATION_NOTIFIED = "escalation.notified"
    ESCALATION_OFFERED = "escalation.offered"
    ESCALATION_OPENED = "escalation.opened"
    ESCALATION_PRIORITY = "escalation.priority"
    ESCALATION_REASSIGN = "escalation.reassign"
    ESCALATION_RELEASE = "escalation.release"
    ESCALATION_RESOLVE = "escalation.resolve"
    ESCALATION_RETURN = "escalation.return"
    ESCALATION_ROUTED = "escalation.routed"
    ESCALATION_SNOOZED = "escalation.snoozed"
    OFFERS_ENDED = "escalation.unoffered"
    ESCALATION_WOKEN = "escalation.woken"
    AI_FEEDBACK = "feedback.ai"
    ESCALATED_LATE = "feedback.sooner"
    FILE_NOT_SHOWN = "file.not_shown"
    FILE_SHOWN = "file.shown"
    POLICY_STEP = "ladder.rung"
    LOOK_UP = "lookup.made"
    MESSAGE_CONSIDERED = "message.considered"
    MESSAGE_DROPPED = "message.dropped"
    MESSAGE_FAILED = "message.failed"
    MESSAGE_JUDGED = "message.judged"
    STATUS_UPDATE = "message.news"
    MESSAGE_RECEIVED = "message.received"
    MESSAGE_RETRIED = "message.retried"
    MESSAGE_SENT = "message.sent"
    MESSAGE_UNANSWERED = "message.unanswered"
    MODEL_BACK = "model.back"
    MODEL_DOWN = "model.down"
    NOTE_HELD = "note.held"
    NOTE_KEPT = "note.kept"
    REPLY_ACCEPTED = "reply.accepted"
    REPLY_DELETED = "reply.deleted"
    REPLY_EDITED = "reply.edited"
    REPORT_ORDERED = "report.ordered"
    SETTING_CHANGED = "setting.changed"
    SLA_BREACH = "sla.late"
    SLA_WARNING = "sla.near"
    TICKET_CREATED = "ticket.created"
    TICKET_EDITED = "ticket.edited"
    TICKET_REOPENED = "ticket.reopened"


STEPS = {step: EventKind(f"escalation.{step}") for step in Step}
CONSENTS = {consent: EventKind(f"consent.{consent}") for consent in Consent}
CLAIMED = (EventKind.ESCALATION_CLAIM, EventKind.ESCALATION_REASSIGN)
"""Kinds that give an escalation an assignee."""
ENDED = (
    EventKind.ESCALATION_RESOLVE,
    EventKind.ESCALATION_RETURN,
    EventKind.ESCALATION_DISMISS,
)
OF_ESCALATIONS = "escalation."
"""Beginning of the kinds that may change the queue."""

ConnectorKind = NewType("ConnectorKind", str)


def of_connector(name: str, outcome: str) -> ConnectorKind:
    """Returns the kind of a connector's event, as "ticket.zendesk.failed"."""
    return ConnectorKind(f"ticket.{name}.{outcome}")


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True)


class Rated(_Data):
    """Data of CSAT_ANSWERED: 1 to 5, and what the customer added."""

    score: int
    comment: str = ""


class Routed(_Data):
    """Data of ESCALATION_ROUTED."""

    route: Route


class SlaReminded(_Data):
    """Data of SLA_WARNING and SLA_BREACH: the SLA target, and when it is due in ISO format."""

    promise: str = ""
    due: str = ""


# -- the audit log, and what happened to a ticket, as sentences

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
