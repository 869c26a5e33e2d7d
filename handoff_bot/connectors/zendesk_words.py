"""A ticket's subject, status, tags and internal notes in Zendesk."""

from __future__ import annotations

import re

from handoff_bot.domain.escalations import TicketStatus
from handoff_bot.domain.text import REASONS, one_line, spelled
from handoff_bot.domain.tickets import TicketRecord

STATUSES: dict[TicketStatus, str] = {
    TicketStatus.OPEN: "open",
    TicketStatus.PENDING: "pending",
    TicketStatus.SOLVED: "solved",
    TicketStatus.CLOSED: "solved",  # "closed" cannot be changed again, but a customer may come back
}

_SUBJECT = 150
_NAME = 100
_LINE = 1000
_STATE = re.compile(r"Handoff #\d+: [^\n]*")
_EMAIL = re.compile(r"[^@\s,;<>\"]{1,64}@[^@\s,;<>\"]{1,255}\.[^@\s,;<>\"]{2,}")
_NOT_IN_TAGS = re.compile(r"[^\w/:.-]+")


def subject(record: TicketRecord) -> str:
    return _literal(one_line(record.subject, _SUBJECT)) or f"Handoff #{record.number}"


def requester(record: TicketRecord) -> str:
    """Returns the contact's name, never empty."""
    return _literal(one_line(record.contact, _NAME)) or "A customer"


def is_email(address: str) -> bool:
    """Returns whether Zendesk accepts this as an email address."""
    return _EMAIL.fullmatch(address) is not None


def tags(record: TicketRecord) -> tuple[str, ...]:
    """Returns the ticket's tags and its origin. Zendesk's tags have no spaces."""
    given = ("handoff", f"handoff_{record.channel}", *record.tags)
    return tuple(dict.fromkeys(filter(None, (_NOT_IN_TAGS.sub("_", tag.lower()) for tag in given))))


def state(record: TicketRecord) -> str:
    """Returns the first line of our notes, which gives the state."""
    line = f"Handoff #{record.number}: {record.status.value}"
    if record.assignee:
        line += (
            f", {'by' if record.is_over else 'with'} {_literal(one_line(record.assignee, _NAME))}"
        )
    if record.outcome:
        line += f" ({record.outcome.replace('_', ' ')})"
    return f"{line}."


def state_in(note: str) -> str:
    """Returns the state in a note, "" if the note is not ours."""
    found = _STATE.match(note)
    return found.group().rstrip() if found else ""


def opening(record: TicketRecord) -> str:
    """Returns the first note: customer, channel, reason, link."""
    who = f"{requester(record)} ({_literal(one_line(record.address, _NAME))})"
    lines = [
        state(record),
        "",
        f"{who} on {spelled(record.channel)}: {REASONS[record.reason]}",
        f"Summary: {_literal(one_line(record.summary, _LINE))}" if record.summary else "",
        f"Conversation: {record.link}" if record.link else "",
    ]
    return "\n".join(lines).rstrip()


def _literal(text: str) -> str:
    """Escapes hostile text, because Zendesk expands placeholders in agents' comments."""
    return re.sub(r"\{(?=[{%])", "{ ", text)
