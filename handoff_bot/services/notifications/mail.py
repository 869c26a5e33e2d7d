"""Email notifications to the team about waiting customers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from handoff_bot.domain.desk import Place
from handoff_bot.domain.errors import ProviderFailure
from handoff_bot.domain.escalations import Status
from handoff_bot.domain.signals import Priority, Signal
from handoff_bot.domain.tickets import key_of
from handoff_bot.jobs.enqueuing import enqueue_job
from handoff_bot.jobs.handler import ProviderJob
from handoff_bot.jobs.job import Job, NewJob
from handoff_bot.ports import Clock, Desk, Mailer
from handoff_bot.services.notifications.mail_content import Notice, mail_about
from handoff_bot.services.outbox import outbox
from handoff_bot.storage import conversations, escalations
from handoff_bot.storage.models import Escalation
from handoff_bot.storage.transaction import Transaction

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
