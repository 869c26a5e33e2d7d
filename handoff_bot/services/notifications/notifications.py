"""Notifications about waiting customers, by direct message and by email."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from pydantic import TypeAdapter

from handoff_bot.domain.desk import Place, Post, PostKind
from handoff_bot.domain.errors import ProviderFailure
from handoff_bot.domain.escalations import Status
from handoff_bot.domain.events import EventKind
from handoff_bot.domain.mail import Mail
from handoff_bot.domain.rules import Audience, NotificationRule, audiences_of
from handoff_bot.domain.signals import Priority, Signal
from handoff_bot.domain.text import (
    REASONS,
    TimeUnit,
    duration,
    one_line,
    short_name,
    shorten,
    spelled,
)
from handoff_bot.domain.tickets import key_of
from handoff_bot.jobs.handler import ADMINS, ProviderJob, TransactionJob
from handoff_bot.jobs.job import Job, NewJob, enqueue_job
from handoff_bot.ports import Clock, Desk, Mailer
from handoff_bot.services.outbox import outbox, team_mention
from handoff_bot.services.outbox.outbox import EscalationChanged
from handoff_bot.services.settings import hours, rule_lists
from handoff_bot.services.settings.preferences import Preferences
from handoff_bot.services.settings.rule_lists import RuleSet, Tried, case_of, recent_cases
from handoff_bot.storage import conversations, escalations, log
from handoff_bot.storage import escalations as rows
from handoff_bot.storage.database import Database
from handoff_bot.storage.models import Conversation, Escalation
from handoff_bot.storage.transaction import Transaction

# -- the email as text and HTML

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


# -- sending it

MAIL = "mail"
PATIENCE = timedelta(seconds=10)
"""How long an email waits for the card's link. Not longer: if Slack is down, the email is the only
notification.
"""


class Mails:
    """Enqueues emails; not used without a mail server."""

    def notify(
        self, tx: Transaction, escalation: Escalation, to: str, now: datetime, key: str
    ) -> None:
        """Enqueues an email to one address, once for each key. It is dropped when the customer no
        longer waits.
        """
        payload = {"escalation_id": escalation.id, "to": to}
        enqueue_job(tx, NewJob(MAIL, _lane(to), payload, due_at=now, key=f"mail:{key}"))


def _lane(to: str) -> str:
    return f"mail:{to}"


@dataclass(frozen=True)
class MailPlan:
    """An email to send; `thread` is the target of its link."""

    to: str
    notice: Notice
    thread: Place | None
    id: str
    about: str


class SendMail(ProviderJob[MailPlan, None]):
    """Sends an email. After a crash, it is sent again with the same Message-ID."""

    repeatable = True
    told = "the agents, in the thread"

    def __init__(self, mailer: Mailer | None, desk: Desk, clock: Clock) -> None:
        self._mailer = mailer
        self._desk = desk
        self._clock = clock

    def prepare(self, tx: Transaction, job: Job) -> MailPlan | None:
        """Returns the email, or None if the customer no longer waits or there is no mail server."""
        escalation = escalations.get(tx, int(job.payload["escalation_id"]))
        if self._mailer is None or escalation is None or escalation.status != Status.QUEUED:
            return None
        thread = escalations.place_of(tx, escalation.id)
        now = self._clock.now()
        if thread is None and not job.payload.get("has_waited"):
            payload = job.payload | {"has_waited": True}
            enqueue_job(tx, NewJob(MAIL, job.lane, payload, due_at=now + PATIENCE))
            return None
        ticket = escalations.ticket_of(tx, escalation.id)
        return MailPlan(
            to=str(job.payload["to"]),
            notice=_notice(tx, escalation, ticket.id, now),
            thread=thread,
            id=f"{key_of(ticket.id, ticket.created_at)}-{job.id}",
            about=key_of(ticket.id, ticket.created_at),
        )

    def call(self, plan: MailPlan) -> None:
        if self._mailer is None:
            return
        link = self._desk.link(plan.thread) if plan.thread else ""
        notice = replace(plan.notice, link=link)
        self._mailer.send(mail_about(notice, plan.to, plan.id, plan.about))

    def on_failed(self, tx: Transaction, job: Job, plan: MailPlan | None, error: Exception) -> None:
        """Reports the failure in the thread."""
        escalation = escalations.get(tx, int(job.payload["escalation_id"]))
        if escalation is None:
            return
        ours = isinstance(error, ProviderFailure)
        why = str(error) if ours else "Something went wrong on our side."
        text = f"The e-mail to {job.payload['to']} could not be sent. {why}"
        outbox.notice(tx, escalation, text, self._clock.now())


def _notice(tx: Transaction, escalation: Escalation, ticket: int, now: datetime) -> Notice:
    conversation = conversations.get(tx, escalation.conversation_id)
    return Notice(
        ticket=ticket,
        contact=conversations.contact_name(tx, conversation),
        channel=conversation.channel,
        reason=Signal(escalation.reason),
        priority=Priority(escalation.priority),
        evidence=escalation.evidence,
        summary=escalation.summary,
        waited=now - escalation.opened_at,
        vip=escalation.vip,
    )


# -- rules: each recipient is notified once about a new queued escalation

RULES = team_mention.RULES
RULE = team_mention.RULE
_AUDIENCE: TypeAdapter[Audience] = TypeAdapter(Audience)
NOTICE = "notice"


def on_escalation_changed(change: EscalationChanged) -> None:
    """Enqueues one job per rule, due now or at the end of its quiet hours."""
    if change.step is None:
        announce(change.tx, change.escalation, change.conversation, change.now)


def announce(
    tx: Transaction, escalation: Escalation, conversation: Conversation, now: datetime
) -> None:
    """Notifies by the current priority; no recipient is notified twice about the same escalation."""
    case = case_of(tx, escalation, conversation)
    zone = hours.of_the_team(tx).zone
    for number, to in enumerate(audiences_of(rule_lists.read(tx, RULES, RULE), case)):
        name = f"ladder:notice:{escalation.id}:{case.priority}:{number}"
        to_whom = _AUDIENCE.dump_python(to, mode="json")
        payload = {"escalation_id": escalation.id, "to": to_whom}
        due_at = to.due_at(now, case.priority, zone)
        enqueue_job(tx, NewJob(NOTICE, name, payload, due_at, key=name))


class Notify(TransactionJob):
    """Notifies the recipients of one rule, if the customer still waits."""

    told = ADMINS

    def __init__(self, mails: Mails | None, clock: Clock) -> None:
        self._mails = mails
        self._clock = clock

    def run(self, tx: Transaction, job: Job) -> None:
        """Enqueues one job per message; each is retried separately."""
        escalation = rows.get(tx, int(job.payload["escalation_id"]))
        if escalation is None or escalation.status != Status.QUEUED:
            return
        telling = _Telling(tx, escalation, self._clock.now())
        to = _AUDIENCE.validate_python(job.payload["to"])
        telling.in_slack(to)
        for address in to.emails:
            if self._mails:
                self._mails.notify(tx, escalation, address, telling.now, telling.key(address))
        log.record(tx, EventKind.ESCALATION_NOTIFIED, telling.now, escalation=escalation)


@dataclass(frozen=True)
class _Telling:
    """One notification of an escalation, sent once even if several rules name the recipient."""

    tx: Transaction
    escalation: Escalation
    now: datetime

    def key(self, recipient: str) -> str:
        """Returns the deduplication key of a recipient: a channel with its mention, a person or an
        address.
        """
        return f"notice:{self.escalation.id}:{short_name(recipient.casefold())}"

    def in_slack(self, to: Audience) -> None:
        called = (to.group_id,) if to.group_id else ()
        for place in (to.slack_channel, *to.people):
            if place:
                mentions = called if place == to.slack_channel else ()
                post = Post(PostKind.TOLD, self._words(), mentions=mentions)
                key = self.key(f"{place}:{mentions}")
                outbox.tell(self.tx, place, post, self.now, key=key, about=self.escalation)
        if called and not to.slack_channel:
            post = Post(
                PostKind.NOTICE, "Your group is needed in this conversation.", mentions=called
            )
            key = self.key(to.group_id)
            outbox.post(self.tx, self.escalation, post, self.now, key=key)

    def _words(self) -> str:
        conversation = conversations.get(self.tx, self.escalation.conversation_id)
        who = conversations.contact_name(self.tx, conversation)
        reason = REASONS[Signal(self.escalation.reason)]
        priority = Priority(self.escalation.priority)
        words = (
            f"{who} is waiting on {spelled(conversation.channel)}: {reason}, {priority} priority."
        )
        return f"{words}\n{self.escalation.summary}" if self.escalation.summary else words


class Notifications:
    """Notification rules for admins; `has_mail` says whether email is available."""

    def __init__(self, database: Database, preferences: Preferences, *, has_mail: bool) -> None:
        self._database = database
        self.rules = RuleSet(preferences, RULES, RULE)
        self.has_mail = has_mail

    def tried(self, rule: NotificationRule) -> Tried:
        """Returns how many of the latest conversations the rule would have matched."""
        with self._database.read() as tx:
            cases = recent_cases(tx)
        fit = sum(rule.when.fit(case) for case in cases)
        return Tried(len(cases), fit, fit)
