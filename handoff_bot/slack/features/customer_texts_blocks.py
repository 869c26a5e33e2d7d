"""Renders the modal of customer texts: one text for a moment, a language and a reason, with a preview."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from handoff_bot.domain import texts
from handoff_bot.domain.text import LANGUAGES, language_name
from handoff_bot.domain.texts import SILENCEABLE, Moment, allowed
from handoff_bot.slack.cards.card import REASONS
from handoff_bot.slack.features.settings_blocks import SettingsAction
from handoff_bot.slack.kit.fields import ANY, asking, labelled, menu, modal, options, text_field
from handoff_bot.slack.kit.text import (
    Block,
    actions,
    context,
    line,
    plain,
    quote,
    rich,
    section,
    strong,
)

TEXT = "settings_text"

MOMENTS: dict[Moment, str] = {
    Moment.DISCLOSURE: "The AI's introduction",
    Moment.VOICE_NOTE: "A voice note without text",
    Moment.PICTURE: "A picture without text",
    Moment.UNREADABLE: "Another message without text",
    Moment.STARTED: "Escalated: agent requested",
    Moment.POSITION: "Queue position",
    Moment.WAITING_LONG: "Long wait",
    Moment.NOBODY_HERE: "No agent available",
    Moment.OUT_OF_HOURS: "Outside business hours",
    Moment.CALLBACK: "Callback promised",
    Moment.BUSY: "Rate limit: please wait",
    Moment.TAKEN: "Taken over",
    Moment.GREETING: "Greeting",
    Moment.RELEASED: "Back to the queue",
    Moment.TRANSFERRED: "Transferred",
    Moment.RESOLVED: "Closed",
    Moment.RETURNED: "Returned to the AI",
    Moment.DISMISSED: "Dismissed: the AI continues",
    Moment.CSAT: "Satisfaction survey",
    Moment.CSAT_THANKS: "Survey answered",
    Moment.STOPPED: "After STOP",
    Moment.RESUMED: "After START",
    Moment.CORRECTION: "Prefix of a correction",
}


@dataclass(frozen=True)
class ShownText:
    """A text in its modal.

    Attributes:
        moment, language, reason: the key of the text; reason "any" for all.
        template: the current text.
        preview: the text with example values, "" if it is not valid.
        problem: why it cannot be saved, "".
        is_own: True if an admin wrote it.
        is_silent: True if nothing is sent at that moment.
        seen: its newest change when the modal was opened.
    """

    moment: Moment
    language: str
    reason: str
    template: str
    preview: str
    problem: str = ""
    is_own: bool = False
    is_silent: bool = False
    seen: int = 0


def words_of(moment: str, language: str, reason: str) -> str:
    """Returns the name of the field for a text."""
    return f"{SettingsAction.PREVIEW}.{moment}.{language}.{reason}"


def silence_of(moment: Moment) -> str:
    """Returns the name of the field that says whether a text is sent."""
    return f"silent.{moment}"


def render_text(shown: ShownText, banner: str = "") -> Block:
    """Renders a text to choose, edit and preview; `banner` is the result of the last click."""
    blocks: list[Block] = [section(banner)] if banner else []
    blocks += [_choice(shown), _words(shown), *_reads(shown)]
    if shown.is_own:
        blocks.append(actions(labelled(SettingsAction.USUAL, "Reset to default", "usual")))
    if shown.moment in SILENCEABLE:
        blocks.append(_silence(shown))
    return modal(
        "Customer texts",
        blocks,
        callback_id=TEXT,
        submit="Save",
        close="Back",
        metadata=json.dumps([shown.moment, shown.language, shown.reason, shown.seen]),
    )


def _choice(shown: ShownText) -> Block:
    moments = {each.value: label for each, label in MOMENTS.items()}
    reasons = {ANY: "Any reason"} | {each.value: label for each, label in REASONS.items()}
    codes = dict.fromkeys((*texts.languages(), *LANGUAGES))
    languages = {each: language_name(each) for each in codes}
    return actions(
        menu(SettingsAction.MOMENT, "Moment", moments, shown.moment),
        menu(SettingsAction.LANGUAGE, "Language", languages, shown.language),
        menu(SettingsAction.REASON, "Reason", reasons, shown.reason),
    )


def _words(shown: ShownText) -> Block:
    """The block_id names the text: Slack keeps what was typed into a field of the same name."""
    words = text_field(SettingsAction.PREVIEW, initial=shown.template, many_lines=True, most=1500)
    words["dispatch_action_config"] = {"trigger_actions_on": ["on_character_entered"]}
    may = ", ".join(f"{{{name}}}" for name in sorted(allowed(shown.moment))) or "none"
    asked = asking("Text", words, hint=f"Placeholders: {may}.", acts=True)
    return asked | {"block_id": words_of(shown.moment, shown.language, shown.reason)}


def _silence(shown: ShownText) -> Block:
    box: Block = {
        "type": "checkboxes",
        "action_id": silence_of(shown.moment),
        "options": options({"yes": "Send nothing"}),
    }
    if shown.is_silent:
        box["initial_options"] = box["options"]
    return asking("Or", box, optional=True)


def _reads(shown: ShownText) -> Iterator[Block]:
    whose = "This text was written by your team." if shown.is_own else ("This text is the default.")
    if shown.problem:
        yield section(f"⚠️ {shown.problem}")
    elif shown.preview:
        yield rich(line(strong("Preview:")), quote(shown.preview, 1500))
    yield context(plain(whose))
