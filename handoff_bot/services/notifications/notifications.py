"""Notifications: each recipient named by the admins' rules is notified once about a new queued
escalation.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pydantic import TypeAdapter

from handoff_bot.domain.desk import Post, PostKind
from handoff_bot.domain.escalations import Status
from handoff_bot.domain.events import EventKind
from handoff_bot.domain.notifications import Audience, NotificationRule, fitting
from handoff_bot.domain.signals import Priority, Signal
from handoff_bot.domain.text import REASONS, short_name, spelled
from handoff_bot.jobs.enqueuing import enqueue_job
from handoff_bot.jobs.handler import ADMINS, TransactionJob
from handoff_bot.jobs.job import Job, NewJob
from handoff_bot.ports import Clock
from handoff_bot.services.notifications.mail import Mails
from handoff_bot.services.outbox import outbox, team_mention
from handoff_bot.services.outbox.escalation_events import EscalationChanged
from handoff_bot.services.settings import hours, rule_lists
from handoff_bot.services.settings.preferences import Preferences
from handoff_bot.services.settings.rule_lists import RuleSet, Tried, case_of, recent_cases
from handoff_bot.storage import conversations, log
from handoff_bot.storage import escalations as rows
from handoff_bot.storage.database import Database
from handoff_bot.storage.models import Conversation, Escalation
from handoff_bot.storage.transaction import Transaction

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
    for number, to in enumerate(fitting(rule_lists.read(tx, RULES, RULE), case)):
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
