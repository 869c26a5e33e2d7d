"""The settings: for admins alone, checked again when a window is sent."""

from __future__ import annotations

import json
from typing import Any

from slack_bolt import Ack

from handoff_bot.domain.settings import Section
from handoff_bot.domain.signals import Signal
from handoff_bot.domain.texts import SILENCEABLE, Moment, problem, usual
from handoff_bot.services import texts
from handoff_bot.services.sections import SECTIONS
from handoff_bot.services.texts import SILENT, Text
from handoff_bot.slack.blocks.fields import window
from handoff_bot.slack.blocks.settings import (
    ANY,
    SECTION,
    TEXT,
    SettingsAction,
    ShownChange,
    ShownText,
    draw_history,
    draw_section,
    draw_sections,
    draw_text,
    words_of,
)
from handoff_bot.slack.blocks.text import Block, Drawing, section
from handoff_bot.slack.blocks.thread import draw_words
from handoff_bot.slack.listeners.click import Click, Tools, held
from handoff_bot.slack.listeners.feature import Asked, Body, Feature

ADMINS_ALONE = (
    "Settings are for admins: those of this Slack workspace, and those whom one of them named "
    "under Team."
)
HISTORY_PAGE = 30

_BY_NAME = {each.name: each for each in SECTIONS}


# -- opening


def in_words(tools: Tools, asked: Asked) -> Drawing | None:
    """`/handoff settings`."""
    if not tools.may_administer(asked.desk_id):
        return draw_words(ADMINS_ALONE)
    tools.desk.open_view(asked.trigger_id, draw_sections(SECTIONS))
    return None


def show(tools: Tools, click: Click, ack: Ack) -> None:
    """The button in Home."""
    ack()
    allowed = tools.may_administer(click.desk_id)
    view = draw_sections(SECTIONS) if allowed else window("Settings", [section(ADMINS_ALONE)])
    tools.desk.open_view(click.trigger_id, view)


def open_section(tools: Tools, click: Click, ack: Ack) -> None:
    """One section, on top of the list."""
    ack()
    found = _BY_NAME.get(click.value)
    if found and tools.may_administer(click.desk_id):
        tools.desk.push_view(click.trigger_id, _section(tools, found))


def _section(tools: Tools, shown: Section) -> Block:
    keys = {each.key for each in shown.settings}
    values = {key: tools.core.preferences.get(key, None) for key in keys}
    return draw_section(shown, values, tools.desk.groups())


# -- saving a section


def saved(tools: Tools, body: Body, ack: Ack) -> None:
    """All of a section or nothing: what is wrong is said at its field."""
    view = body["view"]
    who = str(body["user"].get("id", ""))
    found = _BY_NAME.get(_metadata(view).get("section", ""))
    if found is None or not tools.may_administer(who):
        ack(response_action="update", view=window("Settings", [section(ADMINS_ALONE)]))
        return
    state = (view.get("state") or {}).get("values") or {}
    values, errors = _parsed(found, state)
    if errors:
        ack(response_action="errors", errors=errors)
        return
    tools.core.preferences.change_several(_merged(tools, found, values), who)
    ack()


def _metadata(view: Body) -> dict[str, str]:
    try:
        held_there = json.loads(str(view.get("private_metadata") or "{}"))
    except ValueError:
        return {}
    return held_there if isinstance(held_there, dict) else {}


def _parsed(shown: Section, state: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    values: dict[str, Any] = {}
    errors: dict[str, str] = {}
    for each in shown.settings:
        try:
            values[each.name] = each.parse(held(state, each.name))
        except ValueError as error:
            errors[each.name] = str(error)
    return values, errors


def _merged(tools: Tools, shown: Section, values: dict[str, Any]) -> dict[str, Any]:
    """The preferences as they are to be; a value that is the default stays unset."""
    merged: dict[str, Any] = {}
    for each in shown.settings:
        stored = merged.get(each.key, tools.core.preferences.get(each.key, None))
        value = values[each.name]
        if stored is None and value == each.default:
            continue
        merged[each.key] = each.merged(stored, value)
    return merged


# -- texts


def open_texts(tools: Tools, click: Click, ack: Ack) -> None:
    """The texts, on top of the list."""
    ack()
    if tools.may_administer(click.desk_id):
        shown = _shown(tools, Moment.STARTED, "en", ANY)
        tools.desk.push_view(click.trigger_id, draw_text(shown))


def another_text(tools: Tools, click: Click, ack: Ack) -> None:
    """Another moment, language or reason was chosen."""
    ack()
    moment, language, reason = _which(click)
    tools.desk.update_view(click.view_id, draw_text(_shown(tools, moment, language, reason)))


def previewed(tools: Tools, click: Click, ack: Ack) -> None:
    """Show how what is being written reads."""
    ack()
    moment, language, reason = _which(click)
    words = next(iter(click.chosen), "")
    shown = _shown(tools, moment, language, reason, words)
    tools.desk.update_view(click.view_id, draw_text(shown))


def back_to_usual(tools: Tools, click: Click, ack: Ack) -> None:
    """The product's own text again."""
    ack()
    moment, language, reason = _which(click)
    if tools.may_administer(click.desk_id):
        tools.core.preferences.change(_text(moment, language, reason).key, None, click.desk_id)
    tools.desk.update_view(click.view_id, draw_text(_shown(tools, moment, language, reason)))


def _which(click: Click) -> tuple[Moment, str, str]:
    try:
        known = json.loads(click.metadata)
        moment, language, reason = (str(each) for each in known)
    except (TypeError, ValueError):
        moment, language, reason = Moment.STARTED.value, "en", ANY
    moment = next(iter(held(click.state, SettingsAction.MOMENT)), moment)
    language = next(iter(held(click.state, SettingsAction.LANGUAGE)), language)
    reason = next(iter(held(click.state, SettingsAction.REASON)), reason)
    return Moment(moment), language, reason


def _text(moment: Moment, language: str, reason: str) -> Text:
    return Text(moment, language, None if reason == ANY else Signal(reason))


def _shown(
    tools: Tools, moment: Moment, language: str, reason: str, words: str | None = None
) -> ShownText:
    text = _text(moment, language, reason)
    own = tools.core.preferences.get(text.key, None)
    with tools.core.database.read() as tx:
        template = texts.template(tx, text) if words is None else words
    wrong = problem(moment, template)
    return ShownText(
        moment,
        language,
        reason,
        template,
        preview="" if wrong else texts.preview(template),
        problem=wrong,
        is_own=own is not None,
        is_silent=moment in tools.core.preferences.get(SILENT, []),
    )


def text_saved(tools: Tools, body: Body, ack: Ack) -> None:
    """A text that lacks what it must say is refused at its field."""
    view = body["view"]
    who = str(body["user"].get("id", ""))
    if not tools.may_administer(who):
        ack(response_action="update", view=window("Settings", [section(ADMINS_ALONE)]))
        return
    state = (view.get("state") or {}).get("values") or {}
    moment, language, reason = (str(each) for each in json.loads(view["private_metadata"]))
    words = next(iter(held(state, SettingsAction.PREVIEW)), "")
    wrong = problem(Moment(moment), words)
    if wrong:
        ack(response_action="errors", errors={words_of(moment, language, reason): wrong})
        return
    tools.core.preferences.change_several(
        _text_changes(tools, Moment(moment), language, reason, words, state), who
    )
    ack()


def _text_changes(
    tools: Tools, moment: Moment, language: str, reason: str, words: str, state: dict[str, Any]
) -> dict[str, Any]:
    text = _text(moment, language, reason)
    own = tools.core.preferences.get(text.key, None)
    is_usual = own is None and words == usual(moment, language)
    changes: dict[str, Any] = {} if is_usual else {text.key: words}
    if moment in SILENCEABLE:
        silent = [one for one in tools.core.preferences.get(SILENT, []) if one != moment]
        if held(state, f"silent.{moment}"):
            silent.append(moment.value)
        if silent or tools.core.preferences.get(SILENT, []):
            changes[SILENT] = silent
    return changes


# -- history


def open_history(tools: Tools, click: Click, ack: Ack) -> None:
    """The history, on top of the list."""
    ack()
    if tools.may_administer(click.desk_id):
        tools.desk.push_view(click.trigger_id, _history(tools, 0))


def older(tools: Tools, click: Click, ack: Ack) -> None:
    """Another page of it."""
    ack()
    if tools.may_administer(click.desk_id):
        tools.desk.update_view(click.view_id, _history(tools, click.number or 0))


def _history(tools: Tools, page: int) -> Block:
    found = tools.core.preferences.history(HISTORY_PAGE * (page + 1) + 1)
    shown = found[HISTORY_PAGE * page : HISTORY_PAGE * (page + 1)]
    lines = [
        ShownChange(
            key=each.key,
            before=_as_words(each.before["value"]),
            after=_as_words(each.after["value"]),
            who=tools.desk.agent(each.by).name,
            at=each.at,
        )
        for each in shown
    ]
    return draw_history(lines, page, more=len(found) > HISTORY_PAGE * (page + 1))


def _as_words(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


FEATURE = Feature(
    clicks={
        SettingsAction.SHOW: show,
        SettingsAction.OPEN: open_section,
        SettingsAction.TEXTS: open_texts,
        SettingsAction.MOMENT: another_text,
        SettingsAction.LANGUAGE: another_text,
        SettingsAction.REASON: another_text,
        SettingsAction.PREVIEW: previewed,
        SettingsAction.USUAL: back_to_usual,
        SettingsAction.HISTORY: open_history,
        SettingsAction.OLDER: older,
    },
    views={SECTION: saved, TEXT: text_saved},
    commands={"settings": in_words},
    help=("/handoff settings: triggers, customer texts, team, history (admins)",),
)
