"""Events of the log: their kinds, as stored, and the data that is read in several places."""

from __future__ import annotations

from enum import StrEnum
from typing import NewType

from pydantic import BaseModel, ConfigDict

from handoff_bot.domain.escalations import Step
from handoff_bot.domain.messages import Consent
from handoff_bot.domain.routing import Route


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
