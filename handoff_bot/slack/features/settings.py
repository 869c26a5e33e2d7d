"""The settings, for admins only; the role is checked again when a modal is submitted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from slack_bolt import Ack

from handoff_bot.domain.settings import Section, Widget
from handoff_bot.services.settings_catalog import SECTIONS, TRANSLATION
from handoff_bot.services.translation.translating import NO_MODEL
from handoff_bot.slack.click import Click, Tools, sender
from handoff_bot.slack.feature import Body, Feature, SlashCommand
from handoff_bot.slack.features import notifications, routing
from handoff_bot.slack.features.admins import by_admins, put, refused_in_modal
from handoff_bot.slack.features.customer_texts import first_text
from handoff_bot.slack.features.history import history_page
from handoff_bot.slack.features.settings_blocks import (
    SECTION,
    Difference,
    Opened,
    SettingsAction,
    in_words,
    render_section,
    render_sections,
)
from handoff_bot.slack.kit.form import filled_in, held
from handoff_bot.slack.kit.text import Block

CHANGED_MEANWHILE = "Another admin has changed these settings. Go back and open them again."
UNCHANGED = "No changes."

_BY_NAME = {each.name: each for each in SECTIONS}
_MODALS: Mapping[str, Callable[[Tools], Block]] = {
    "texts": first_text,
    "history": history_page,
    "routing": routing.MODALS.render,
    "notifications": notifications.MODALS.render,
}
"""Modals of their own that `/handoff settings NAME` opens."""


# -- opening


def asked_for(tools: Tools, asked: SlashCommand) -> None:
    """`/handoff settings`, or one section by its name."""
    name = asked.words.casefold()
    found = _known(tools, name)
    if found:
        view = _section(tools, found)
    elif name in _MODALS:
        view = _MODALS[name](tools)
    else:
        view = render_sections(SECTIONS)
    tools.desk.open_view(asked.trigger_id, view)


def show(tools: Tools, click: Click, ack: Ack) -> None:
    """The button in the Home tab."""
    ack()
    put(tools, click, render_sections(SECTIONS))


def open_section(tools: Tools, click: Click, ack: Ack) -> None:
    """Opens one section, on top of the list."""
    ack()
    found = _known(tools, click.value)
    if found:
        put(tools, click, _section(tools, found))


def _known(tools: Tools, name: str) -> Section | None:
    found = _BY_NAME.get(name)
    if found and any(each.widget is Widget.GROUP for each in found.settings):
        return found.with_groups(tools.desk.groups())
    if found is TRANSLATION and not tools.core.interpreter.has_model:
        switch, *others = found.settings
        return replace(found, settings=(replace(switch, hint=NO_MODEL), *others))
    return found


def _section(tools: Tools, shown: Section) -> Block:
    seen = tools.core.preferences.newest_change(_keys(shown))
    return render_section(shown, _stored(tools, shown), seen)


def _keys(shown: Section) -> set[str]:
    return {each.key for each in shown.settings}


def _stored(tools: Tools, shown: Section) -> dict[str, Any]:
    return {key: tools.core.preferences.get(key, None) for key in _keys(shown)}


# -- input


def checked(tools: Tools, click: Click, ack: Ack) -> None:
    """Previews the changes; the input stays."""
    ack()
    opened = Opened.parse(click.metadata)
    found = _known(tools, opened.section)
    if found is None:
        return
    stored = _stored(tools, found)
    values, errors = _parsed(found, click.state)
    shown = render_section(found, stored, opened.seen, _differences(found, stored, values, errors))
    tools.desk.update_view(click.view_id, shown)


def _parsed(shown: Section, state: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Returns the valid values, and the problems by field."""
    values: dict[str, Any] = {}
    errors: dict[str, str] = {}
    for each in shown.settings:
        try:
            values[each.name] = each.parse(held(state, each.name))
        except ValueError as error:
            errors[each.name] = str(error)
    return values, errors


def _differences(
    shown: Section, stored: Mapping[str, Any], values: Mapping[str, Any], errors: Mapping[str, str]
) -> list[Difference]:
    found: list[Difference] = []
    for each in shown.settings:
        now = each.current(stored.get(each.key))
        if each.name in errors:
            found.append(Difference(each.label, problem=errors[each.name]))
        elif values[each.name] != now:
            after = in_words(each, values[each.name])
            found.append(Difference(each.label, in_words(each, now), after))
    return found


# -- saving


def saved(tools: Tools, body: Body, ack: Ack) -> None:
    """Saves a whole section or nothing; problems are reported next to the field."""
    view = body["view"]
    opened = Opened.parse(str(view.get("private_metadata") or ""))
    found = _known(tools, opened.section)
    if found is None:
        ack(response_action="update", view=refused_in_modal(tools))
        return
    stored = _stored(tools, found)
    values, errors = _parsed(found, filled_in(body))
    if not errors and not tools.core.preferences.change_several(
        _merged(found, stored, values), sender(body), opened.seen
    ):
        errors = {found.settings[0].name: CHANGED_MEANWHILE}
    if errors:
        ack(response_action="errors", errors=errors)
        return
    labels = [each.label for each in _differences(found, stored, values, {})]
    _closed(tools, view, ack, f"Saved: {', '.join(labels)}." if labels else UNCHANGED)


def _merged(shown: Section, stored: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the changed preferences."""
    merged: dict[str, Any] = {}
    for each in shown.settings:
        value = values[each.name]
        if value != each.current(stored.get(each.key)):
            before = merged.get(each.key, stored.get(each.key))
            merged[each.key] = each.merged(before, value)
    return merged


def _closed(tools: Tools, view: Body, ack: Ack, words: str) -> None:
    """Goes back to the list, which shows the result."""
    below = str(view.get("previous_view_id") or "")
    if not below:
        ack(response_action="update", view=render_sections(SECTIONS, words))
        return
    ack()
    tools.desk.update_view(below, render_sections(SECTIONS, words))


FEATURE = Feature(
    clicks={
        SettingsAction.SHOW: by_admins(show),
        SettingsAction.OPEN: by_admins(open_section),
        SettingsAction.CHECK: by_admins(checked),
    },
    views={SECTION: by_admins(saved)},
    commands={"settings": by_admins(asked_for)},
    help=("/handoff settings: triggers, customer texts, team, history (admins)",),
)
