"""The admins' list of notification rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from handoff_bot.domain import settings
from handoff_bot.domain.rules import Audience, NotificationRule, Quiet
from handoff_bot.domain.text import many
from handoff_bot.slack.feature import Tools
from handoff_bot.slack.features.rules import (
    NOTICES,
    Opened,
    RuleModals,
    RuleWords,
    condition_text,
    conditions_in,
    postable,
    rule_form,
)
from handoff_bot.slack.kit.fields import Entered
from handoff_bot.slack.kit.form import Field, Submission, channel, group, people, text, tick
from handoff_bot.slack.kit.text import shorten

NOBODY = "Choose who is notified."
NO_MAIL = (
    "No mail server is configured, so no e-mails can be sent. Ask the person who runs the server to set "
    "SMTP_URL."
)


def _quiet(entered: Entered) -> str:
    hours = settings.line(entered)
    if hours:
        Quiet.parse(hours)
    return hours


CHANNEL = channel(
    "notices_channel",
    "Post in",
    "None",
    hint="Invite @Handoff first.",
    optional=True,
    current=lambda rule: rule.to.slack_channel,
)
GROUP = group(
    "notices_group",
    "Mention",
    hint="In that message; without one, in the conversation's thread.",
    optional=True,
    current=lambda rule: rule.to.group_id,
)
PEOPLE = people(
    "notices_people",
    "Direct message to",
    "None",
    optional=True,
    current=lambda rule: rule.to.people,
)
EMAILS = text(
    "notices_emails",
    "E-mail to",
    many_lines=True,
    hint="One address per line",
    optional=True,
    current=lambda rule: "\n".join(rule.to.emails),
).parsed(settings.emails)
QUIET = text(
    "notices_quiet",
    "Quiet hours",
    placeholder="22:00-7:00",
    most=20,
    hint="In the team's time zone. Notifications are held until quiet hours end.",
    optional=True,
    current=lambda rule: rule.to.quiet,
).parsed(_quiet)
WAKES = tick(
    "notices_wakes",
    "During quiet hours",
    "Notify about urgent conversations anyway",
    optional=True,
    current=lambda rule: rule.to.wakes,
)
FORM = rule_form(NOTICES, CHANNEL, GROUP, PEOPLE, EMAILS, QUIET, WAKES)


def notice_words(rule: NotificationRule) -> RuleWords:
    """Returns a rule as text."""
    to = rule.to
    parts = [
        "message in a channel" if to.slack_channel else "",
        "mention of a group" if to.group_id else "",
        "direct message" if to.people else "",
        f"e-mail to {', '.join(to.emails)}" if to.emails else "",
        f"quiet hours {to.quiet}" if to.quiet else "",
        "except urgent conversations" if to.quiet and to.wakes else "",
    ]
    named = tuple(filter(None, (to.slack_channel, to.group_id, *to.people)))
    done = shorten(", ".join(filter(None, parts)), 400)
    return RuleWords(f"{condition_text(rule.when)}\n→ {done}", named)


def _offered(tools: Tools) -> Sequence[Field[Any]]:
    emails = EMAILS if tools.core.notices.has_mail else replace(EMAILS, hint=NO_MAIL)
    return GROUP.offering(tools.desk.groups()), emails


def _parsed(tools: Tools, entered: Submission[Opened]) -> NotificationRule:
    to = Audience(
        slack_channel=postable(tools, entered, CHANNEL),
        group_id=entered[GROUP],
        people=entered[PEOPLE],
        emails=(*entered[EMAILS],),
        quiet=entered[QUIET],
        wakes=entered[WAKES],
    )
    if to.emails and not tools.core.notices.has_mail:
        raise EMAILS.invalid(NO_MAIL)
    if to.is_nobody():
        raise EMAILS.invalid(NOBODY)
    return NotificationRule(conditions_in(entered), to)


def _preview(tools: Tools, rules: list[NotificationRule], which: int) -> str:
    tried = tools.core.notices.tried(rules[which])
    if not tried.of:
        return "No escalations yet to test the rule on."
    escalations = many(tried.of, "escalation")
    return f"Tested on the last {escalations}: the rule would have applied to {tried.fit}."


MODALS = RuleModals(
    kind=NOTICES,
    book=lambda tools: tools.core.notices.rules,
    form=FORM,
    offered=_offered,
    parse=_parsed,
    in_words=notice_words,
    preview=_preview,
    empty=NotificationRule(),
)
FEATURE = MODALS.feature("/handoff notices: who is notified when a customer enters the queue")
