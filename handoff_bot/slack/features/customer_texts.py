"""Customer texts: one for a moment, a language and a reason; previewed while typing, and saved by admins."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, NamedTuple

from slack_bolt import Ack

from handoff_bot.domain import texts as domain_texts
from handoff_bot.domain.signals import Signal
from handoff_bot.domain.text import LANGUAGES, language_name
from handoff_bot.domain.texts import SILENCEABLE, Moment, allowed, problem
from handoff_bot.services.delivery import customer_texts
from handoff_bot.services.delivery.customer_texts import CHANGED_MEANWHILE, Text
from handoff_bot.slack.cards.card import REASONS
from handoff_bot.slack.feature import Click, Feature, Tools, submits
from handoff_bot.slack.features.admins import by_admins, put
from handoff_bot.slack.kit.fields import ANY, Number, State, held, labelled, menu
from handoff_bot.slack.kit.form import Field, Form, Metadata, Submission, first, text, tick, word_of
from handoff_bot.slack.kit.text import (
    WARNING,
    Block,
    actions,
    context,
    line,
    plain,
    quote,
    rich,
    strong,
    told,
)

FIRST = Text(Moment.STARTED, "en")
SAVED = "Saved. Customers get this text from now on."
BACK = "Reset. Customers get the default text again."
LONGEST = 1500


class TextAction(StrEnum):
    """Action ids of the menus and the buttons."""

    SHOW = "settings_texts"
    MOMENT = "text_moment"
    LANGUAGE = "text_language"
    REASON = "text_reason"
    USUAL = "text_usual"


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
    Moment.LEFT: "The customer left the queue",
    Moment.CSAT: "Satisfaction survey",
    Moment.CSAT_THANKS: "Survey answered",
    Moment.STOPPED: "After STOP",
    Moment.RESUMED: "After START",
    Moment.CORRECTION: "Prefix of a correction",
    Moment.COPY_NOT_SENT: "Copy by e-mail failed",
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


class Key(NamedTuple):
    """The text of a modal; `seen` is its newest change when the modal was opened."""

    moment: str
    language: str
    reason: str = ANY
    seen: Number = 0

    @property
    def text(self) -> Text:
        """Returns the text; the first one for an unknown moment."""
        known = word_of(Moment, self.moment)
        return Text(known, self.language, word_of(Signal, self.reason)) if known else FIRST


WORDS = text(
    "text_words",
    "Text",
    many_lines=True,
    most=LONGEST,
    acts_on="on_character_entered",
    current=lambda shown: shown.template,
).parsed(first)
FORM = Form(
    "Customer texts",
    "settings_text",
    (WORDS,),
    Metadata(Key, Key(FIRST.moment, FIRST.language)),
    close="Back",
)


def _words(moment: Moment, language: str, reason: str) -> Field[str]:
    """The block_id names the text: Slack keeps what was typed into a field of the same name."""
    may = ", ".join(f"{{{name}}}" for name in sorted(allowed(moment))) or "none"
    block_id = f"{WORDS.id}.{moment}.{language}.{reason}"
    return replace(WORDS, block_id=block_id, hint=f"Placeholders: {may}.")


def _silence(moment: Moment) -> Field[bool]:
    return tick(
        f"silent.{moment}",
        "Or",
        "Send nothing",
        optional=True,
        current=lambda shown: shown.is_silent,
    )


def render_text(shown: ShownText, banner: str = "") -> Block:
    """Renders a text to choose, edit and preview; `banner` is the result of the last click."""
    words = _words(shown.moment, shown.language, shown.reason)
    parts: list[Field[Any] | Block] = [_choice(shown), words, *_reads(shown)]
    if shown.is_own:
        parts.append(actions(labelled(TextAction.USUAL, "Reset to default", "usual")))
    if shown.moment in SILENCEABLE:
        parts.append(_silence(shown.moment))
    key = Key(shown.moment, shown.language, shown.reason, shown.seen)
    return replace(FORM, parts=parts).render(key, shown, banner=banner)


def _choice(shown: ShownText) -> Block:
    codes = dict.fromkeys((*domain_texts.languages(), *LANGUAGES))
    languages = {each: language_name(each) for each in codes}
    return actions(
        menu(TextAction.MOMENT, "Moment", MOMENTS, shown.moment),
        menu(TextAction.LANGUAGE, "Language", languages, shown.language),
        menu(TextAction.REASON, "Reason", {ANY: "Any reason"} | REASONS, shown.reason),
    )


def _reads(shown: ShownText) -> Iterator[Block]:
    whose = "This text was written by your team." if shown.is_own else ("This text is the default.")
    if shown.problem:
        yield told(f"{WARNING}{shown.problem}")
    elif shown.preview:
        yield rich(line(strong("Preview:")), quote(shown.preview, LONGEST))
    yield context(plain(whose))


# -- listeners


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
    chosen = _chosen(click.metadata, click.state)
    tools.desk.update_view(click.view_id, render_text(_shown(tools, chosen.text)))


def previewed(tools: Tools, click: Click, ack: Ack) -> None:
    """Previews the text while it is typed."""
    ack()
    chosen = _chosen(click.metadata, click.state)
    shown = _shown(tools, chosen.text, next(iter(click.chosen), ""))
    tools.desk.update_view(click.view_id, render_text(replace(shown, seen=chosen.seen)))


def back_to_usual(tools: Tools, click: Click, ack: Ack) -> None:
    """Resets a text to its default."""
    ack()
    chosen = _chosen(click.metadata, click.state)
    gone = tools.core.customer_texts.reset(chosen.text, click.desk_id, chosen.seen)
    banner = BACK if gone else CHANGED_MEANWHILE
    tools.desk.update_view(click.view_id, render_text(_shown(tools, chosen.text), banner))


def text_saved(tools: Tools, entered: Submission[Key], ack: Ack) -> None:
    """A text that lacks a required placeholder is refused at its field.

    The modal stays open for the next text.
    """
    text, seen = entered.about.text, entered.about.seen
    silent = entered[_silence(text.moment)]
    wrong = tools.core.customer_texts.save(
        text, entered[WORDS], entered.by, silent=silent, seen=seen
    )
    if wrong:
        raise _words(text.moment, text.language, text.reason or ANY).invalid(wrong)
    ack(response_action="update", view=render_text(_shown(tools, text), SAVED))


def _chosen(metadata: str, state: State) -> Key:
    """Returns the text that the modal's menus name."""
    known = FORM.received(metadata, state).about
    text = known.text
    moment = next(iter(held(state, TextAction.MOMENT)), text.moment)
    language = next(iter(held(state, TextAction.LANGUAGE)), text.language)
    reason = next(iter(held(state, TextAction.REASON)), text.reason or ANY)
    return Key(moment, language, reason, known.seen)


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
        TextAction.SHOW: by_admins(open_texts),
        TextAction.MOMENT: by_admins(another_text),
        TextAction.LANGUAGE: by_admins(another_text),
        TextAction.REASON: by_admins(another_text),
        WORDS.id: by_admins(previewed),
        TextAction.USUAL: by_admins(back_to_usual),
    },
    views={FORM.callback_id: by_admins(submits(FORM, text_saved))},
)
