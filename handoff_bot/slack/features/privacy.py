"""`/handoff forget` and `/handoff retention`: each shows what it deletes before an admin confirms it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from slack_bolt import Ack

from handoff_bot.domain.text import many
from handoff_bot.services.privacy.forgetting import UNKNOWN, Preview
from handoff_bot.services.privacy.retention import RetentionPreview
from handoff_bot.slack.cards.thread import render_words
from handoff_bot.slack.feature import Feature, SlashCommand, Tools, submits
from handoff_bot.slack.features.admins import by_admins
from handoff_bot.slack.kit.fields import modal
from handoff_bot.slack.kit.form import Form, Metadata, Submission, text
from handoff_bot.slack.kit.text import (
    WARNING,
    Block,
    SlackMessage,
    context,
    plain,
    section,
    shorten,
    told,
)

FORGET_TITLE, RETENTION_TITLE = "Forget a customer", "Retention"
NAME_ONE = "Name a customer: /handoff forget CONTACT. Use an id, an address, or channel:address."
FOR_GOOD = (
    "This cannot be undone. It deletes the customer's messages, files and addresses here, the "
    "bot's posts in Slack, and what the channel's provider and connected systems store."
)
MEANWHILE = "A message that arrives later begins a new contact. You will get the receipt here."
OFF = "Retention is off: nothing is deleted by age."
SAVED = "Saved. What is older is deleted within the next hour, and then every hour."
_LINKED = re.compile(r"<(?:tel|mailto):([^|>]+)(?:\|[^>]*)?>")
MORE = "And {}."
LATER = "At most {} contacts at once: enter the command again for {}."
MOST_AT_ONCE = 50
"""Contacts: Slack waits three seconds for the requests."""
_MOST, _LONGEST = 5, 1500
_LONGEST_RULES = 3000


class PrivacyView(StrEnum):
    """Callback ids."""

    FORGET = "privacy_forget"
    RULES = "privacy_rules"
    CONFIRM = "privacy_confirm"


@dataclass(frozen=True)
class Forgotten:
    """The contacts to forget."""

    contacts: tuple[int, ...]


@dataclass(frozen=True)
class Confirmed:
    """The rules that were shown."""

    lines: tuple[str, ...]


FORGET: Form[Forgotten] = Form(
    FORGET_TITLE, PrivacyView.FORGET, (), Metadata(Forgotten), submit="Delete for good"
)
LINES = text(
    "rules",
    "Delete what is older",
    many_lines=True,
    most=_LONGEST_RULES,
    optional=True,
    hint="One per line: all messages 365, sms files 30, all notes 90, all jobs 30, all log 365",
    current="\n".join,
)
RULES: Form[None] = Form(RETENTION_TITLE, PrivacyView.RULES, (LINES,), submit="Preview")
CONFIRM: Form[Confirmed] = Form(
    RETENTION_TITLE, PrivacyView.CONFIRM, (), Metadata(Confirmed), submit="Delete and save"
)


def render_forget(found: Sequence[Preview]) -> Block:
    """Renders what would be deleted. Names and addresses are hostile."""
    # Those that are being forgotten come last: a customer may be more contacts than are requested.
    ordered = sorted(found, key=lambda one: bool(one.state))
    about = Forgotten(tuple(one.contact_id for one in ordered[:MOST_AT_ONCE]))
    below = [section(shorten("\n".join(one.lines()), _LONGEST)) for one in ordered[:_MOST]]
    below += [context(plain(line)) for line in _unlisted(len(about.contacts), len(found))]
    return FORGET.render(
        about, below=[*below, told(f"{WARNING}{FOR_GOOD}"), context(plain(MEANWHILE))]
    )


def _unlisted(requested: int, found: int) -> Iterator[str]:
    """Yields how many contacts are not shown one by one."""
    if requested > _MOST:
        yield MORE.format(many(requested - _MOST, "more contact"))
    if found > requested:
        yield LATER.format(requested, many(found - requested, "other contact"))


def render_rules(lines: Sequence[str]) -> Block:
    """Renders the rules for editing."""
    below = [] if lines else [context(plain(OFF))]
    return RULES.render(None, lines, below=below)


def render_confirmation(found: Sequence[RetentionPreview]) -> Block:
    """Renders what the rules delete as soon as they are saved."""
    about = Confirmed(tuple(one.rule.line() for one in found))
    told = "\n".join(one.line() for one in found) or OFF
    return CONFIRM.render(about, below=[section(shorten(told, _LONGEST))])


def render_done(title: str, said: str) -> Block:
    """Renders the result."""
    return modal(title, [section(said)])


def forget(tools: Tools, asked: SlashCommand) -> SlackMessage | None:
    """`/handoff forget CONTACT` opens the preview."""
    given = _LINKED.sub(r"\1", asked.words).strip()
    if not given:
        return render_words(NAME_ONE)
    found = tools.core.forgetting.preview(given)
    if not found:
        return render_words(UNKNOWN)
    tools.desk.open_view(asked.trigger_id, render_forget(found))
    return None


def forgotten(tools: Tools, entered: Submission[Forgotten], ack: Ack) -> None:
    """Starts what was shown."""
    ids = entered.about.contacts
    said = [tools.core.forgetting.request(one, entered.by).text for one in ids]
    said[_MOST:] = _unlisted(len(ids), len(ids))
    ack(response_action="update", view=render_done(FORGET_TITLE, "\n".join(said)))


def retention(tools: Tools, asked: SlashCommand) -> None:
    """`/handoff retention` opens the rules."""
    tools.desk.open_view(asked.trigger_id, render_rules(tools.core.retention.lines()))


def previewed(tools: Tools, entered: Submission[None], ack: Ack) -> None:
    """Shows what the entered rules delete."""
    try:
        found = tools.core.retention.preview(entered[LINES].splitlines())
    except ValueError as error:
        raise LINES.invalid(str(error)) from error
    ack(response_action="update", view=render_confirmation(found))


def confirmed(tools: Tools, entered: Submission[Confirmed], ack: Ack) -> None:
    """Saves the rules that were shown."""
    lines = entered.about.lines
    tools.core.retention.save(lines, entered.by)
    ack(response_action="update", view=render_done(RETENTION_TITLE, SAVED if lines else OFF))


FEATURE = Feature(
    commands={"forget": by_admins(forget), "retention": by_admins(retention)},
    views={
        PrivacyView.FORGET.value: by_admins(submits(FORGET, forgotten)),
        PrivacyView.RULES.value: by_admins(submits(RULES, previewed)),
        PrivacyView.CONFIRM.value: by_admins(submits(CONFIRM, confirmed)),
    },
    help=(
        "/handoff forget CONTACT: delete everything about a customer",
        "/handoff retention: how long messages and files are kept",
    ),
)
