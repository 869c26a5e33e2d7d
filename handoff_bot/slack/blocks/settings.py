"""The windows of the settings: the list of sections, one section, a text with its preview, the history."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from handoff_bot.domain.settings import Section, Setting, Widget
from handoff_bot.domain.texts import SILENCEABLE, TEXTS, Moment, allowed
from handoff_bot.slack.blocks.buttons import labelled
from handoff_bot.slack.blocks.canned import CannedAction
from handoff_bot.slack.blocks.card import REASONS
from handoff_bot.slack.blocks.fields import asking, menu, options, text_field, window
from handoff_bot.slack.blocks.text import (
    Block,
    actions,
    context,
    header,
    line,
    moment,
    mrkdwn,
    one_line,
    plain,
    quote,
    rich,
    section,
    strong,
)

SECTION = "settings_section"
TEXT = "settings_text"


class SettingsAction(StrEnum):
    """What can be clicked in the settings; the value is the action id."""

    SHOW = "settings_show"
    OPEN = "settings_open"
    TEXTS = "settings_texts"
    HISTORY = "settings_history"
    OLDER = "settings_history_older"
    MOMENT = "text_moment"
    LANGUAGE = "text_language"
    REASON = "text_reason"
    PREVIEW = "text_words"
    USUAL = "text_usual"


ANY = "any"

MOMENTS: dict[Moment, str] = {
    Moment.DISCLOSURE: "The assistant's first words",
    Moment.STARTED: "Started: a person was asked for",
    Moment.POSITION: "Position in the queue",
    Moment.WAITING_LONG: "Waiting too long",
    Moment.NOBODY_HERE: "Nobody is free",
    Moment.OUT_OF_HOURS: "Out of hours",
    Moment.CALLBACK: "We will get back to you",
    Moment.TAKEN: "Taken",
    Moment.GREETING: "Greeting",
    Moment.RELEASED: "Back into the queue",
    Moment.TRANSFERRED: "Transferred",
    Moment.RESOLVED: "Closed",
    Moment.RETURNED: "Returned to the assistant",
    Moment.DISMISSED: "The assistant carries on",
    Moment.CSAT: "How did we do?",
    Moment.CSAT_THANKS: "Thanks for the rating",
    Moment.STOPPED: "After STOP",
    Moment.RESUMED: "After START",
}

LANGUAGES = {"en": "English", "es": "Spanish", "de": "German", "fr": "French", "pt": "Portuguese"}


@dataclass(frozen=True)
class Entry:
    """A window of its own that the settings lead to, by the action id of its button."""

    action: str
    title: str
    description: str


ENTRIES: tuple[Entry, ...] = (
    Entry(
        SettingsAction.TEXTS, "Customer texts", "Every fixed text, for each language and reason."
    ),
    Entry(CannedAction.SHOW, "Canned replies", "What agents keep ready, in several languages."),
    Entry(SettingsAction.HISTORY, "History", "Who changed what, and when."),
)
"""The only list of them: a new one is one line."""


def draw_sections(sections: Sequence[Section], banner: str = "") -> Block:
    """The list of everything that can be set."""
    blocks: list[Block] = [section(banner)] if banner else []
    for each in sections:
        button = labelled(SettingsAction.OPEN, "Open", each.name, each.title)
        blocks.append(_row(each.title, each.description, button))
    for entry in ENTRIES:
        button = labelled(entry.action, "Open", "open", entry.title)
        blocks.append(_row(entry.title, entry.description, button))
    return window("Settings", blocks)


def _row(title: str, description: str, button: Block) -> Block:
    return section(f"{title}\n{description}") | {"accessory": button}


def draw_section(
    shown: Section, values: Mapping[str, Any], groups: Mapping[str, str] | None = None
) -> Block:
    """One section: `values` are the preferences by key, `groups` the workspace's user groups."""
    blocks = [
        _field(
            replace(each, choices=groups or {}) if each.widget is Widget.GROUP else each,
            each.current(values.get(each.key)),
        )
        for each in shown.settings
    ]
    metadata = json.dumps({"section": shown.name})
    return window(
        shown.title,
        blocks,
        callback_id=SECTION,
        submit="Save",
        close="Cancel",
        metadata=metadata,
    )


def _field(setting: Setting, value: Any) -> Block:
    element = _WIDGETS[setting.widget](setting, value)
    optional = setting.widget is not Widget.CHOICE
    return asking(setting.label, element, hint=setting.hint, optional=optional)


def _choice(setting: Setting, value: Any) -> Block:
    return menu(setting.name, "Choose", setting.choices, str(value))


def _yes_no(setting: Setting, value: Any) -> Block:
    shown = options({"yes": "Yes"})
    box: Block = {"type": "checkboxes", "action_id": setting.name, "options": shown}
    return box | ({"initial_options": shown} if value else {})


def _line(setting: Setting, value: Any) -> Block:
    shown = f"{value:g}" if isinstance(value, int | float) else str(value or "")
    return text_field(setting.name, initial=shown, most=200)


def _lines(setting: Setting, value: Any) -> Block:
    held = value if isinstance(value, list) else []
    return text_field(setting.name, initial="\n".join(map(str, held)), many_lines=True)


def _people(setting: Setting, value: Any) -> Block:
    element: Block = {
        "type": "multi_users_select",
        "action_id": setting.name,
        "placeholder": plain("Choose people", 150),
    }
    held = [str(one) for one in value] if isinstance(value, list) else []
    return element | ({"initial_users": held} if held else {})


def _group(setting: Setting, value: Any) -> Block:
    """A menu of the groups; where they are not known, their id can be typed."""
    if not setting.choices:
        return text_field(setting.name, initial=str(value or ""), hint="S0123ABCD", most=30)
    return menu(setting.name, "Choose a group", setting.choices, str(value or ""))


_WIDGETS = {
    Widget.GROUP: _group,
    Widget.CHOICE: _choice,
    Widget.YES_NO: _yes_no,
    Widget.LINE: _line,
    Widget.LINES: _lines,
    Widget.PEOPLE: _people,
}


# -- texts


@dataclass(frozen=True)
class ShownText:
    """A text in its window.

    Attributes:
        moment, language, reason: which one; reason "any" for all.
        template: what it says now.
        preview: how that reads, "" when it cannot be filled.
        problem: why it cannot be saved, "".
        is_own: True when an admin wrote it.
        is_silent: True when nothing is said at that moment.
    """

    moment: Moment
    language: str
    reason: str
    template: str
    preview: str
    problem: str = ""
    is_own: bool = False
    is_silent: bool = False


def words_of(moment: str, language: str, reason: str) -> str:
    """The name of the field that holds a text."""
    return f"{SettingsAction.PREVIEW}.{moment}.{language}.{reason}"


def draw_text(shown: ShownText) -> Block:
    """Choose a text, change it, and see how it reads."""
    moments = {each.value: label for each, label in MOMENTS.items()}
    reasons = {ANY: "For any reason"} | {each.value: label for each, label in REASONS.items()}
    languages = {each: LANGUAGES.get(each, each) for each in TEXTS}
    may = ", ".join(f"{{{name}}}" for name in sorted(allowed(shown.moment))) or "none"
    words = text_field(SettingsAction.PREVIEW, initial=shown.template, many_lines=True, most=1500)
    words["dispatch_action_config"] = {"trigger_actions_on": ["on_character_entered"]}
    # Named after its text: of a field with the same name Slack keeps what was typed into it.
    asked = asking("Text", words, hint=f"Placeholders: {may}.", acts=True) | {
        "block_id": words_of(shown.moment, shown.language, shown.reason)
    }
    blocks: list[Block] = [
        actions(
            menu(SettingsAction.MOMENT, "Moment", moments, shown.moment),
            menu(SettingsAction.LANGUAGE, "Language", languages, shown.language),
            menu(SettingsAction.REASON, "Reason", reasons, shown.reason),
        ),
        asked,
        *_reads(shown),
        actions(labelled(SettingsAction.USUAL, "Back to the usual text", "usual")),
    ]
    if shown.moment in SILENCEABLE:
        box: Block = {
            "type": "checkboxes",
            "action_id": f"silent.{shown.moment}",
            "options": options({"yes": "Say nothing at this moment"}),
        }
        if shown.is_silent:
            box["initial_options"] = box["options"]
        blocks.append(asking("Or", box, optional=True))
    metadata = json.dumps([shown.moment, shown.language, shown.reason])
    return window(
        "Customer texts",
        blocks,
        callback_id=TEXT,
        submit="Save",
        close="Back",
        metadata=metadata,
    )


def _reads(shown: ShownText) -> Iterator[Block]:
    whose = "written by your team" if shown.is_own else "the product's own"
    if shown.problem:
        yield section(f"⚠️ {shown.problem}")
    elif shown.preview:
        yield rich(line(strong("This is how it reads:")), quote(shown.preview, 1500))
    yield context(plain(f"This text is {whose}."))


# -- history


@dataclass(frozen=True)
class ShownChange:
    """One line of the history; `who` is a desk id or a word of ours."""

    key: str
    before: str
    after: str
    who: str
    at: datetime


def draw_history(changes: Sequence[ShownChange], page: int, *, more: bool) -> Block:
    """Who changed what, newest first."""
    blocks: list[Block] = [header("Who changed what")]
    for each in changes:
        blocks.append(
            context(
                plain(f"{each.who or 'Somebody'} · {each.key}", 200),
                mrkdwn(moment(each.at)),
                plain(f"{one_line(each.before, 300) or '-'} → {one_line(each.after, 300) or '-'}"),
            )
        )
    if not changes:
        blocks.append(section("Nothing was changed yet."))
    if more:
        blocks.append(actions(labelled(SettingsAction.OLDER, "Older", str(page + 1))))
    return window("History", blocks)
