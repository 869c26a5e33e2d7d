"""The history of the settings and the audit log, for admins."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from slack_bolt import Ack

from handoff_bot.domain.events import AuditPage, Did, EventKind, act
from handoff_bot.domain.signals import Signal
from handoff_bot.domain.text import language_name
from handoff_bot.services.delivery import customer_texts
from handoff_bot.services.escalations import applied_route
from handoff_bot.services.notifications import notifications
from handoff_bot.services.replies import canned, message_templates
from handoff_bot.services.settings import rule_lists
from handoff_bot.services.settings_catalog import SECTIONS
from handoff_bot.services.tickets.ticket_edits import TAGS
from handoff_bot.slack.cards.card import REASONS
from handoff_bot.slack.feature import Click, Feature, SlashCommand, Tools
from handoff_bot.slack.features.admins import by_admins, mention, put
from handoff_bot.slack.features.customer_texts import MOMENTS
from handoff_bot.slack.features.look_ups import LOOK_UPS, look_up_words
from handoff_bot.slack.features.mcp_servers import SERVERS, server_words
from handoff_bot.slack.features.notifications import notice_words
from handoff_bot.slack.features.policy_rows import step_words
from handoff_bot.slack.features.routing import routing_words
from handoff_bot.slack.kit.fields import labelled, modal, person_menu
from handoff_bot.slack.kit.form import Metadata
from handoff_bot.slack.kit.text import (
    Block,
    actions,
    context,
    header,
    moment,
    mrkdwn,
    one_line,
    plain,
    section,
)

HISTORY_PAGE = 30
_SHOWN = 300

_SHARED = {
    "rules.triggers": "Sensitivity of each signal",
    "sla": "SLA targets",
    "hours.lines": "Business hours",
    TAGS: "Tags",
    customer_texts.SILENT: "Customer texts that are switched off",
    applied_route.RULES: "Routing",
    notifications.RULES: "Notifications",
    message_templates.TEMPLATES: "Templates",
    rule_lists.LOOK_UPS: LOOK_UPS.title,
    rule_lists.MCP_SERVERS: SERVERS.title,
}
"""Preferences that hold more than one setting, and those that no section shows."""
_LABELS = {each.key: each.label for one in SECTIONS for each in one.settings} | _SHARED
_IN_WORDS: dict[str, Callable[[Any], str]] = {
    applied_route.RULES: lambda rule: routing_words(applied_route.RULE.validate_python(rule)).text,
    notifications.RULES: lambda rule: notice_words(notifications.RULE.validate_python(rule)).text,
    rule_lists.LOOK_UPS: lambda one: look_up_words(rule_lists.LOOK_UP.validate_python(one)).text,
    rule_lists.MCP_SERVERS: lambda one: (
        server_words(rule_lists.MCP_SERVER.validate_python(one)).text
    ),
    "ladder.rungs": step_words,
    message_templates.TEMPLATES: lambda template: str(template["name"]),
}
"""Text of one entry of a list that is stored as a preference."""


_CHANNEL = re.compile("[CG][A-Z0-9]{2,20}")


class HistoryAction(StrEnum):
    """Action ids of the history."""

    SHOW = "settings_history"
    OLDER = "settings_history_older"
    NEWER = "settings_history_newer"


class AuditAction(StrEnum):
    """Action ids of the audit log."""

    SHOW = "audit_show"
    PERSON = "audit_person"
    EVERYBODY = "audit_everybody"
    OLDER = "audit_older"
    NEWEST = "audit_newest"


# -- history


@dataclass(frozen=True)
class ShownChange:
    """One line of the history; `who` is a desk id or a name of ours, `what` the setting's label."""

    what: str
    before: str
    after: str
    who: str
    at: datetime


def render_history(changes: Sequence[ShownChange], page: int, *, more: bool) -> Block:
    """Renders the changes of settings, newest first."""
    blocks = [header("Changes to settings")]
    for each in changes:
        blocks.append(
            context(
                mrkdwn(moment(each.at)),
                *_who(each.who),
                plain(each.what, 200),
                plain(before_and_after(each.before, each.after)),
            )
        )
    if not changes:
        blocks.append(section("No changes yet." if not page else "No older changes."))
    turns = list(_turns(page, more=more))
    return modal("History", [*blocks, actions(*turns)] if turns else blocks)


def before_and_after(before: str, after: str) -> str:
    """Returns a change of a value, each side on one line."""
    was, will_be = (one_line(each, _SHOWN) or "(not set)" for each in (before, after))
    return f"{was} → {will_be}"


def _turns(page: int, *, more: bool) -> Iterator[Block]:
    if page > 0:
        yield labelled(HistoryAction.NEWER, "Newer", str(page - 1))
    if more:
        yield labelled(HistoryAction.OLDER, "Older", str(page + 1))


def _who(who: str) -> Iterator[Block]:
    """Returns a mention, or the name of an automatic actor."""
    called = mention(who)
    yield mrkdwn(called) if called else plain(who or "Unknown user", 80)


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


# -- the audit log


@dataclass(frozen=True)
class Looking:
    """The person whose actions are shown; "" for all."""

    desk_id: str = ""


LOOKING = Metadata(Looking, Looking())


def render_audit(page: AuditPage, looking: Looking, *, older: bool = False) -> Block:
    """Renders the audit log, newest first; `older` if this is not the newest page."""
    chosen = looking.desk_id if mention(looking.desk_id) else ""
    chooser = person_menu(AuditAction.PERSON, "Filter by person", chosen)
    everybody = labelled(AuditAction.EVERYBODY, "Show everyone", "everybody")
    blocks = [actions(chooser, *([everybody] if looking.desk_id else []))]
    blocks += [_line(each) for each in page.done]
    if not page.done:
        blocks.append(section("No activity yet."))
    turns = list(_audit_turns(page, older=older))
    shown = [*blocks, actions(*turns)] if turns else blocks
    return modal("Audit log", shown, metadata=LOOKING.dump(looking))


def _line(did: Did) -> Block:
    """One sentence: the person, what they did, and to whom or where."""
    it = f"#{did.ticket}" if did.ticket else "a conversation"
    said = act(did.kind, it, what=one_line(did.what, 200), tags=did.tags, data=did.data)
    aim = mention(did.whom) or _slack_channel(did.where)
    aimed = [mrkdwn(aim)] if aim else []
    return context(mrkdwn(moment(did.at)), *_who(did.who), plain(said, 300), *aimed)


def _slack_channel(channel: str) -> str:
    return f"<#{channel}>" if _CHANNEL.fullmatch(channel) else ""


def _audit_turns(page: AuditPage, *, older: bool) -> Iterator[Block]:
    if older:
        yield labelled(AuditAction.NEWEST, "Newest", "newest")
    if page.more:
        yield labelled(AuditAction.OLDER, "Older", str(page.done[-1].event_id))


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
    looking = LOOKING.parse(click.metadata)
    tools.desk.update_view(click.view_id, _audit(tools, looking, click.number))


def _audit(tools: Tools, looking: Looking, before: int | None = None) -> Block:
    page = tools.core.audit.page(before, looking.desk_id)
    named = [_with_label(each) for each in page.done]
    return render_audit(replace(page, done=tuple(named)), looking, older=before is not None)


def _with_label(did: Did) -> Did:
    return replace(did, what=label_of(did.what)) if did.kind == EventKind.SETTING_CHANGED else did


FEATURE = Feature(
    clicks={
        HistoryAction.SHOW: by_admins(open_history),
        HistoryAction.OLDER: by_admins(another_page),
        HistoryAction.NEWER: by_admins(another_page),
        AuditAction.SHOW: by_admins(show_audit),
        AuditAction.PERSON: by_admins(of_one),
        AuditAction.EVERYBODY: by_admins(of_everybody),
        AuditAction.OLDER: by_admins(turned),
        AuditAction.NEWEST: by_admins(turned),
    },
    commands={"audit": by_admins(audit)},
    help=("/handoff audit: audit log",),
)
