"""The history of the settings and the audit log, for admins."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from slack_bolt import Ack

from handoff_bot.domain.audit import Did
from handoff_bot.domain.signals import Signal
from handoff_bot.domain.text import language_name
from handoff_bot.services.delivery import customer_texts
from handoff_bot.services.escalations import applied_route, sla
from handoff_bot.services.notifications import notifications
from handoff_bot.services.replies import canned, message_templates
from handoff_bot.services.settings_catalog import SECTIONS
from handoff_bot.slack.cards.card import REASONS
from handoff_bot.slack.click import Click, Tools
from handoff_bot.slack.feature import Feature, SlashCommand
from handoff_bot.slack.features.admins import by_admins, put
from handoff_bot.slack.features.customer_texts_blocks import MOMENTS
from handoff_bot.slack.features.history_blocks import (
    AuditAction,
    Looking,
    ShownChange,
    render_audit,
    render_history,
)
from handoff_bot.slack.features.notifications_blocks import notice_words
from handoff_bot.slack.features.routing_blocks import routing_words
from handoff_bot.slack.features.settings_blocks import SettingsAction
from handoff_bot.slack.kit.text import Block

HISTORY_PAGE = 30

_SHARED = {
    "rules.triggers": "Sensitivity of each signal",
    sla.MINUTES: "SLA targets",
    customer_texts.SILENT: "Customer texts that are switched off",
    applied_route.RULES: "Routing",
    notifications.RULES: "Notifications",
    message_templates.TEMPLATES: "Templates",
}
"""Preferences that hold more than one setting, and those that no section shows."""
_LABELS = {each.key: each.label for one in SECTIONS for each in one.settings} | _SHARED
_IN_WORDS: dict[str, Callable[[Any], str]] = {
    applied_route.RULES: lambda rule: routing_words(applied_route.RULE.validate_python(rule)).text,
    notifications.RULES: lambda rule: notice_words(notifications.RULE.validate_python(rule)).text,
    message_templates.TEMPLATES: lambda template: str(template["name"]),
}
"""Text of one entry of a list that is stored as a preference."""


# -- history


def open_history(tools: Tools, click: Click, ack: Ack) -> None:
    """Opens the history, on top of the list."""
    ack()
    put(tools, click, history_page(tools))


def another_page(tools: Tools, click: Click, ack: Ack) -> None:
    """Another page."""
    ack()
    tools.desk.update_view(click.view_id, history_page(tools, click.number or 0))


def history_page(tools: Tools, page: int = 0) -> Block:
    """Renders one page of the history."""
    found = tools.core.preferences.history(HISTORY_PAGE + 1, offset=HISTORY_PAGE * page)
    lines = [
        ShownChange(
            what=label_of(each.key),
            before=_as_words(each.before["value"], each.key),
            after=_as_words(each.after["value"], each.key),
            who=each.by,
            at=each.at,
        )
        for each in found[:HISTORY_PAGE]
    ]
    return render_history(lines, page, more=len(found) > HISTORY_PAGE)


def label_of(key: str) -> str:
    """Returns a preference's label; its key if it has none."""
    match key.split("."):
        case ["canned", name, language]:
            return f"Canned reply “{name}”, {_language(language)}"
        case ["text", moment, language, reason]:
            return f"Customer text “{_moment(moment)}”, {_language(language)}, {_reason(reason)}"
    return _LABELS.get(key, key)


def _language(code: str) -> str:
    return "any language" if code == canned.ANY else language_name(code)


def _moment(moment: str) -> str:
    return next((label for each, label in MOMENTS.items() if each == moment), moment)


def _reason(reason: str) -> str:
    found = next((each for each in Signal if each == reason), None)
    return f"when: {REASONS[found]}" if found else "any reason"


def _as_words(value: Any, key: str) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(_entry(one, key) for one in value) or "none"
    if isinstance(value, dict):
        return ", ".join(f"{name}: {held}" for name, held in value.items())
    return value if isinstance(value, str) else json.dumps(value)


def _entry(value: Any, key: str) -> str:
    try:
        return _IN_WORDS.get(key, str)(value)
    except (KeyError, TypeError, ValueError):  # stored by another version
        return str(value)


# -- audit log


def audit(tools: Tools, asked: SlashCommand) -> None:
    """`/handoff audit`."""
    tools.desk.open_view(asked.trigger_id, _audit(tools, Looking()))


def show_audit(tools: Tools, click: Click, ack: Ack) -> None:
    """The button in the settings, and back to the newest entries of all people."""
    ack()
    put(tools, click, _audit(tools, Looking()))


def of_one(tools: Tools, click: Click, ack: Ack) -> None:
    """Filters by a person."""
    ack()
    looking = Looking(next(iter(click.chosen), ""))
    tools.desk.update_view(click.view_id, _audit(tools, looking))


def of_everybody(tools: Tools, click: Click, ack: Ack) -> None:
    """Shows all people again."""
    ack()
    tools.desk.update_view(click.view_id, _audit(tools, Looking()))


def turned(tools: Tools, click: Click, ack: Ack) -> None:
    """Another page."""
    ack()
    looking = Looking.parse(click.metadata)
    tools.desk.update_view(click.view_id, _audit(tools, looking, click.number))


def _audit(tools: Tools, looking: Looking, before: int | None = None) -> Block:
    page = tools.core.audit.page(before, looking.desk_id)
    named = [_with_label(each) for each in page.done]
    return render_audit(replace(page, done=tuple(named)), looking, older=before is not None)


def _with_label(did: Did) -> Did:
    return replace(did, what=label_of(did.what)) if did.kind == "setting.changed" else did


FEATURE = Feature(
    clicks={
        SettingsAction.HISTORY: by_admins(open_history),
        SettingsAction.OLDER: by_admins(another_page),
        SettingsAction.NEWER: by_admins(another_page),
        SettingsAction.AUDIT: by_admins(show_audit),
        AuditAction.PERSON: by_admins(of_one),
        AuditAction.EVERYBODY: by_admins(of_everybody),
        AuditAction.OLDER: by_admins(turned),
        AuditAction.NEWEST: by_admins(turned),
    },
    commands={"audit": by_admins(audit)},
    help=("/handoff audit: audit log (admins)",),
)
