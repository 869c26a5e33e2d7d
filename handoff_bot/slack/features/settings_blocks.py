"""Renders the modals of the settings: the list of sections, and one section."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pydantic import TypeAdapter

from handoff_bot.domain.settings import Section, Setting, Widget
from handoff_bot.slack.features.canned import CannedAction
from handoff_bot.slack.features.message_templates import TemplateAction
from handoff_bot.slack.features.rules import NOTICES, ROUTING
from handoff_bot.slack.kit.fields import (
    Number,
    asking,
    channels_menu,
    group_menu,
    labelled,
    menu,
    modal,
    people_menu,
    read,
    text_field,
    tick,
)
from handoff_bot.slack.kit.text import (
    Block,
    actions,
    one_line,
    section,
)

SECTION = "settings_section"
_SHOWN = 300


class SettingsAction(StrEnum):
    """Action ids of the settings."""

    SHOW = "settings_show"
    OPEN = "settings_open"
    TEXTS = "settings_texts"
    HISTORY = "settings_history"
    OLDER = "settings_history_older"
    NEWER = "settings_history_newer"
    CHECK = "settings_check"
    AUDIT = "audit_show"
    DOCTOR = "doctor_show"


@dataclass(frozen=True)
class Entry:
    """A modal of its own that the settings link to, by the action id of its button."""

    action: str
    title: str
    description: str


ENTRIES: tuple[Entry, ...] = (
    Entry(
        SettingsAction.TEXTS, "Customer texts", "All automatic messages, by language and reason."
    ),
    Entry(
        CannedAction.SHOW, "Canned replies", ("Prepared replies for agents, in several languages.")
    ),
    Entry(
        TemplateAction.SHOW,
        "Templates",
        ("Messages that WhatsApp allows after its 24-hour window has closed."),
    ),
    Entry(ROUTING.show, ROUTING.title, ROUTING.intro),
    Entry(NOTICES.show, NOTICES.title, NOTICES.intro),
    Entry(SettingsAction.HISTORY, "History", "Who changed which setting, and when."),
    Entry(
        SettingsAction.AUDIT,
        "Audit log",
        ("Who took, released or resolved conversations, and changed settings."),
    ),
    Entry(
        SettingsAction.DOCTOR,
        "Doctor",
        ("Checks of Slack permissions, channels and the language model."),
    ),
)
"""The only list of these modals."""


def render_sections(sections: Sequence[Section], banner: str = "") -> Block:
    """Renders the list of all sections and modals."""
    blocks: list[Block] = [section(banner)] if banner else []
    for each in sections:
        button = labelled(SettingsAction.OPEN, "Open", each.name, each.title)
        blocks.append(_row(each.title, each.description, button))
    for entry in ENTRIES:
        button = labelled(entry.action, "Open", "open", entry.title)
        blocks.append(_row(entry.title, entry.description, button))
    return modal("Settings", blocks)


def _row(title: str, description: str, button: Block) -> Block:
    return section(f"{title}\n{description}") | {"accessory": button}


@dataclass(frozen=True)
class Opened:
    """The section of a modal, and its newest change when the modal was opened."""

    section: str
    seen: Number

    def dump(self) -> str:
        """Returns the `private_metadata` of a modal."""
        return json.dumps({"section": self.section, "seen": self.seen})

    @classmethod
    def parse(cls, metadata: str) -> Opened:
        """Parses `private_metadata`; no section if it is not valid."""
        return read(_OPENED, metadata) or cls("", 0)


_OPENED = TypeAdapter(Opened)


@dataclass(frozen=True)
class Difference:
    """One change that saving would make, or the problem that prevents it.

    Attributes:
        label: the setting's label.
        before, after: the values as text.
        problem: why the value is not valid, "".
    """

    label: str
    before: str = ""
    after: str = ""
    problem: str = ""


def render_section(
    shown: Section,
    values: Mapping[str, Any],
    seen: int = 0,
    differences: Sequence[Difference] | None = None,
) -> Block:
    """Renders one section.

    Args:
        shown: the section.
        values: the preferences by key.
        seen: their newest change.
        differences: what saving would change; None before a preview.
    """
    blocks = [_field(each, each.current(values.get(each.key))) for each in shown.settings]
    blocks.append(actions(labelled(SettingsAction.CHECK, "Preview changes", shown.name)))
    blocks += _differences(differences) if differences is not None else []
    return modal(
        shown.title,
        blocks,
        callback_id=SECTION,
        submit="Save",
        close="Back",
        metadata=Opened(shown.name, seen).dump(),
    )


def _differences(differences: Sequence[Difference]) -> Iterator[Block]:
    for each in differences:
        if each.problem:
            yield section(f"⚠️ {each.label}: {each.problem}")
        else:
            yield section(f"{each.label}\n{before_and_after(each.before, each.after)}")
    if not differences:
        yield section("No changes.")


def before_and_after(before: str, after: str) -> str:
    """Returns a change of a value, each side on one line."""
    was, will_be = (one_line(each, _SHOWN) or "(not set)" for each in (before, after))
    return f"{was} → {will_be}"


def in_words(setting: Setting, value: Any) -> str:
    """Returns a value as text."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return setting.choices.get(str(value), str(value))


def _field(setting: Setting, value: Any) -> Block:
    element = _WIDGETS[setting.widget](setting, value)
    optional = setting.widget is not Widget.CHOICE
    return asking(setting.label, element, hint=setting.hint, optional=optional)


def _choice(setting: Setting, value: Any) -> Block:
    return menu(setting.name, "Choose", setting.choices, str(value))


def _yes_no(setting: Setting, value: Any) -> Block:
    return tick(setting.name, "Yes", chosen=bool(value))


def _line(setting: Setting, value: Any) -> Block:
    shown = f"{value:g}" if isinstance(value, int | float) else str(value or "")
    return text_field(setting.name, initial=shown, most=200)


def _lines(setting: Setting, value: Any) -> Block:
    held = value if isinstance(value, list) else []
    return text_field(setting.name, initial="\n".join(map(str, held)), many_lines=True)


def _people(setting: Setting, value: Any) -> Block:
    held = [str(one) for one in value] if isinstance(value, list) else []
    return people_menu(setting.name, "Choose people", held)


def _group(setting: Setting, value: Any) -> Block:
    """Returns a menu of the groups; a text field for an id if the groups are unknown."""
    return group_menu(setting.name, "No group", setting.choices, str(value or ""))


def _channels(setting: Setting, value: Any) -> Block:
    held = [str(one) for one in value] if isinstance(value, list) else []
    return channels_menu(setting.name, "Choose Slack channels", held)


_WIDGETS = {
    Widget.CHANNELS: _channels,
    Widget.GROUP: _group,
    Widget.CHOICE: _choice,
    Widget.YES_NO: _yes_no,
    Widget.LINE: _line,
    Widget.LINES: _lines,
    Widget.PEOPLE: _people,
}
