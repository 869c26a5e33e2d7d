"""Customer texts: chosen, previewed while typing, and saved by admins."""

from __future__ import annotations

from dataclasses import replace

from pydantic import TypeAdapter
from slack_bolt import Ack

from handoff_bot.domain.signals import Signal
from handoff_bot.domain.texts import Moment, problem
from handoff_bot.services.delivery import customer_texts
from handoff_bot.services.delivery.customer_texts import CHANGED_MEANWHILE, Text
from handoff_bot.slack.click import Click, Tools, filled_in, held, sender, word_of
from handoff_bot.slack.feature import Body, Feature
from handoff_bot.slack.features.admins import by_admins, put
from handoff_bot.slack.features.customer_texts_blocks import (
    TEXT,
    ShownText,
    render_text,
    silence_of,
    words_of,
)
from handoff_bot.slack.features.settings_blocks import SettingsAction
from handoff_bot.slack.kit.fields import ANY, Number, read
from handoff_bot.slack.kit.text import Block

_METADATA = TypeAdapter(tuple[str, str, str, Number])

FIRST = Text(Moment.STARTED, "en")
SAVED = "Saved. Customers get this text from now on."
BACK = "Reset. Customers get the default text again."


def first_text(tools: Tools) -> Block:
    """The text that is shown first."""
    return render_text(_shown(tools, FIRST))


def open_texts(tools: Tools, click: Click, ack: Ack) -> None:
    """Opens the texts, on top of the list."""
    ack()
    put(tools, click, first_text(tools))


def another_text(tools: Tools, click: Click, ack: Ack) -> None:
    """Another moment, language or reason was chosen."""
    ack()
    tools.desk.update_view(click.view_id, render_text(_shown(tools, _chosen(click))))


def previewed(tools: Tools, click: Click, ack: Ack) -> None:
    """Previews the text while it is typed."""
    ack()
    words = next(iter(click.chosen), "")
    shown = _shown(tools, _chosen(click), words)
    shown = replace(shown, seen=_seen(click.metadata))
    tools.desk.update_view(click.view_id, render_text(shown))


def back_to_usual(tools: Tools, click: Click, ack: Ack) -> None:
    """Resets a text to its default."""
    ack()
    text = _chosen(click)
    gone = tools.core.customer_texts.reset(text, click.desk_id, _seen(click.metadata))
    words = BACK if gone else CHANGED_MEANWHILE
    tools.desk.update_view(click.view_id, render_text(_shown(tools, text), words))


def text_saved(tools: Tools, body: Body, ack: Ack) -> None:
    """A text that lacks a required placeholder is refused at its field.

    The modal stays open for the next text.
    """
    view = body["view"]
    state = filled_in(body)
    metadata = str(view.get("private_metadata") or "")
    text, seen = _parsed(metadata), _seen(metadata)
    words = next(iter(held(state, SettingsAction.PREVIEW)), "")
    silent = bool(held(state, silence_of(text.moment)))
    wrong = tools.core.customer_texts.save(text, words, sender(body), silent=silent, seen=seen)
    if wrong:
        ack(response_action="errors", errors={_field(text): wrong})
        return
    ack(response_action="update", view=render_text(_shown(tools, text), SAVED))


def _field(text: Text) -> str:
    return words_of(text.moment, text.language, text.reason or ANY)


def _parsed(metadata: str) -> Text:
    """Returns the modal's text; the first one if it names none."""
    held = read(_METADATA, metadata)
    return _text(*held[:3]) if held else FIRST


def _seen(metadata: str) -> int:
    """Returns the text's newest change when the modal was rendered."""
    held = read(_METADATA, metadata)
    return held[3] if held else 0


def _text(moment: str, language: str, reason: str) -> Text:
    """Returns the chosen text; the first one for an unknown moment."""
    known = word_of(Moment, moment)
    return Text(known, language, word_of(Signal, reason)) if known else FIRST


def _chosen(click: Click) -> Text:
    """Returns the text that the modal's menus name."""
    known = _parsed(click.metadata)
    moment = next(iter(held(click.state, SettingsAction.MOMENT)), known.moment)
    language = next(iter(held(click.state, SettingsAction.LANGUAGE)), known.language)
    reason = next(iter(held(click.state, SettingsAction.REASON)), known.reason or ANY)
    return _text(moment, language, reason)


def _shown(tools: Tools, text: Text, words: str | None = None) -> ShownText:
    wording = tools.core.customer_texts.of(text)
    template = wording.template if words is None else words
    wrong = problem(text.moment, template)
    return ShownText(
        text.moment,
        text.language,
        text.reason or ANY,
        template,
        preview="" if wrong else customer_texts.preview(text, template),
        problem=wrong,
        is_own=wording.is_own,
        is_silent=wording.is_silent,
        seen=wording.seen,
    )


FEATURE = Feature(
    clicks={
        SettingsAction.TEXTS: by_admins(open_texts),
        SettingsAction.MOMENT: by_admins(another_text),
        SettingsAction.LANGUAGE: by_admins(another_text),
        SettingsAction.REASON: by_admins(another_text),
        SettingsAction.PREVIEW: by_admins(previewed),
        SettingsAction.USUAL: by_admins(back_to_usual),
    },
    views={TEXT: by_admins(text_saved)},
)
