"""Renders the email about a waiting customer as text and HTML."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from datetime import timedelta

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from handoff_bot.domain.mail import Mail
from handoff_bot.domain.signals import Priority, Signal
from handoff_bot.domain.text import REASONS, TimeUnit, duration, one_line, shorten, spelled

_NAME = 60
_WORDS = 1000
_WIDTH = 72
TEMPLATES = Environment(
    loader=PackageLoader("handoff_bot.services.notifications"),
    autoescape=select_autoescape(["html"]),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


@dataclass(frozen=True)
class Notice:
    """A waiting customer.

    Attributes:
        ticket: the ticket number.
        contact: the customer's name or address (untrusted).
        channel: the channel's kind.
        evidence: the customer's own text, or "" (untrusted).
        summary: one line by the AI, or "" (untrusted).
        waited: time in the queue.
        link: URL of the thread, or "" if not known yet.
    """

    ticket: int
    contact: str
    channel: str
    reason: Signal
    priority: Priority
    evidence: str
    summary: str
    waited: timedelta
    vip: bool = False
    link: str = ""


def mail_about(notice: Notice, to: str, mail_id: str, thread: str) -> Mail:
    who = one_line(notice.contact, _NAME) or "A customer"
    where = spelled(notice.channel)
    urgency = notice.priority.value.capitalize()
    subject = f"[{urgency}] {who} is waiting on {where} (#{notice.ticket})"
    said = {
        "subject": subject,
        "who": who,
        "where": where,
        "urgency": urgency,
        "ticket": notice.ticket,
        "vip": notice.vip,
        "reason": REASONS[notice.reason],
        "evidence": shorten(notice.evidence, _WORDS),
        "summary": one_line(notice.summary, _WORDS),
        "waited": spoken(notice.waited),
        "link": notice.link if notice.link.startswith(("https://", "http://")) else "",
    }
    text = TEMPLATES.get_template("waiting.txt").render(
        said
        | {
            "evidence": _wrapped(said["evidence"], "> "),
            "summary": _wrapped(said["summary"], "  "),
        }
    )
    html = TEMPLATES.get_template("waiting.html").render(said)
    return Mail(to=to, subject=subject, text=text, html=html, id=mail_id, thread=thread)


def spoken(waited: timedelta) -> str:
    """Returns the duration in its two largest units."""
    minutes = int(waited.total_seconds() // 60)
    if minutes < 1:
        return "less than a minute"
    days, rest = divmod(minutes, 24 * 60)
    hours, minutes = divmod(rest, 60)
    parts: list[tuple[int, TimeUnit]] = [(days, "day"), (hours, "hour"), (minutes, "minute")]
    return " ".join([duration(count, unit) for count, unit in parts if count][:2])


def _wrapped(words: object, prefix: str) -> str:
    """Wraps and prefixes each line, so that customer text cannot be mistaken for ours."""
    lines = [
        piece
        for line in str(words).splitlines()
        for piece in textwrap.wrap(line, _WIDTH - len(prefix)) or [""]
    ]
    return "\n".join(f"{prefix}{line}".rstrip() for line in lines)
