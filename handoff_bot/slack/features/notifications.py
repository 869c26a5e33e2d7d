"""The admins' list of notification rules."""

from __future__ import annotations

from collections.abc import Sequence

from handoff_bot.domain import settings
from handoff_bot.domain.notifications import Audience, NotificationRule, Quiet
from handoff_bot.domain.text import many
from handoff_bot.slack.click import Tools, held
from handoff_bot.slack.features.notifications_blocks import NoticeField, notice_fields, notice_words
from handoff_bot.slack.features.rules import (
    RuleModals,
    State,
    Wrong,
    channel,
    checked,
    conditions_in,
    group,
)
from handoff_bot.slack.features.rules_blocks import NOTICES
from handoff_bot.slack.kit.text import Block

NOBODY = "Choose who is notified."


def _quiet(filled: tuple[str, ...]) -> str:
    words = settings.line(filled)
    if words:
        Quiet.parse(words)
    return words


def _fields(tools: Tools, rule: NotificationRule) -> Sequence[Block]:
    channels, groups = tools.core.routing.channels, tools.desk.groups()
    return list(notice_fields(rule, channels, groups, has_mail=tools.core.notices.has_mail))


def _parsed(tools: Tools, state: State) -> NotificationRule:
    to = Audience(
        slack_channel=channel(tools, state, NoticeField.CHANNEL),
        group_id=group(state, NoticeField.GROUP),
        people=held(state, NoticeField.PEOPLE),
        emails=tuple(checked(settings.emails, state, NoticeField.EMAILS)),
        quiet=checked(_quiet, state, NoticeField.QUIET),
        wakes=bool(held(state, NoticeField.WAKES)),
    )
    if to.is_nobody():
        raise Wrong(NoticeField.EMAILS, NOBODY)
    return NotificationRule(conditions_in(state), to)


def _preview(tools: Tools, rules: list[NotificationRule], which: int) -> str:
    tried = tools.core.notices.tried(rules[which])
    if not tried.of:
        return "No escalations yet to test the rule on."
    escalations = many(tried.of, "escalation")
    return f"Tested on the last {escalations}: the rule would have applied to {tried.fit}."


MODALS = RuleModals(
    kind=NOTICES,
    book=lambda tools: tools.core.notices.rules,
    fields=_fields,
    parse=_parsed,
    in_words=notice_words,
    preview=_preview,
    empty=NotificationRule(),
)
FEATURE = MODALS.feature(
    "/handoff notices: who is notified when a customer enters the queue (admins)"
)
