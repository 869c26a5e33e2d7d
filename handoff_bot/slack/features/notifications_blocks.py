"""Renders notification rules: their form, and their text in the list."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from enum import StrEnum

from handoff_bot.domain.notifications import NotificationRule
from handoff_bot.slack.features.rules_blocks import RuleWords, condition_fields, condition_text
from handoff_bot.slack.kit.fields import (
    asking,
    channel_menu,
    group_menu,
    people_menu,
    text_field,
    tick,
)
from handoff_bot.slack.kit.text import Block, shorten

NO_MAIL = "No mail server is configured (SMTP_URL), so no emails are sent."


class NoticeField(StrEnum):
    """Action ids of the fields for recipients."""

    CHANNEL = "notices_channel"
    GROUP = "notices_group"
    PEOPLE = "notices_people"
    EMAILS = "notices_emails"
    QUIET = "notices_quiet"
    WAKES = "notices_wakes"


def notice_fields(
    rule: NotificationRule, channels: Collection[str], groups: Mapping[str, str], *, has_mail: bool
) -> Iterator[Block]:
    """Yields the whole form."""
    yield from condition_fields(rule.when, channels)
    to = rule.to
    told = channel_menu(NoticeField.CHANNEL, "None", to.slack_channel)
    yield asking("Post in", told, hint="Invite @Handoff first.", optional=True)
    group = group_menu(NoticeField.GROUP, "No group", groups, to.group_id)
    hint = "In that message; without one, in the conversation's thread."
    yield asking("Mention", group, hint=hint, optional=True)
    people = people_menu(NoticeField.PEOPLE, "None", to.people)
    yield asking("Direct message to", people, optional=True)
    emails = text_field(NoticeField.EMAILS, initial="\n".join(to.emails), many_lines=True)
    hint = "One address per line" if has_mail else NO_MAIL
    yield asking("Email to", emails, hint=hint, optional=True)
    quiet = text_field(NoticeField.QUIET, initial=to.quiet, hint="22:00-7:00", most=20)
    hint = "In the team's time zone. Notifications are held until quiet hours end."
    yield asking("Quiet hours", quiet, hint=hint, optional=True)
    wakes = tick(NoticeField.WAKES, "Notify about urgent conversations anyway", chosen=to.wakes)
    yield asking("During quiet hours", wakes, optional=True)


def notice_words(rule: NotificationRule) -> RuleWords:
    """Returns a rule as text."""
    to = rule.to
    parts = [
        "message in a channel" if to.slack_channel else "",
        "mention of a group" if to.group_id else "",
        "direct message" if to.people else "",
        f"email to {', '.join(to.emails)}" if to.emails else "",
        f"quiet hours {to.quiet}" if to.quiet else "",
        "except urgent conversations" if to.quiet and to.wakes else "",
    ]
    named = tuple(filter(None, (to.slack_channel, to.group_id, *to.people)))
    done = shorten(", ".join(filter(None, parts)), 400)
    return RuleWords(f"{condition_text(rule.when)}\n→ {done}", named)
