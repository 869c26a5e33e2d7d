"""Tries the AI's guidance on the latest conversations, before it is saved. Customers get nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from slack_bolt import Ack

from handoff_bot.domain.detection import Guidance
from handoff_bot.domain.replies import Previewed
from handoff_bot.services.settings_catalog import GUIDANCE, key_of
from handoff_bot.slack.feature import Click, Feature, Tools
from handoff_bot.slack.features.admins import by_admins
from handoff_bot.slack.features.settings import (
    FORM,
    SettingsAction,
    render_section,
    section_form,
    stored_values,
)
from handoff_bot.slack.kit.form import Invalid
from handoff_bot.slack.kit.text import (
    WARNING,
    Block,
    context,
    line,
    one_line,
    plain,
    quote,
    rich,
    section,
    strong,
    told,
)

ASKING = "Asking the AI about the latest conversations…"
NO_MODEL = "Guidance needs a language model (OPENAI_API_KEY)."
NOTHING_ASKED = "No customer has asked anything yet."
TRIED = "Nothing was sent or saved. Look-ups were left out. The cost counts towards the daily cap."
NOT_BY_MODEL = "With this guidance (the model did not answer, so quoted from an article):"
_QUESTION, _ANSWER = 200, 700


def render_previews(found: Sequence[Previewed] | None) -> list[Block]:
    """Renders each question with the AI's last message and its answer with the guidance."""
    if found is None:
        return [told(f"{WARNING}{NO_MODEL}")]
    if not found:
        return [section(NOTHING_ASKED)]
    return [*(_preview(one) for one in found), context(plain(TRIED))]


def _preview(one: Previewed) -> Block:
    return rich(*_lines(one))


def _lines(one: Previewed) -> Iterator[Block]:
    yield line(strong("Customer:"))
    yield quote(one_line(one.question, _QUESTION), _QUESTION)
    if one.before:
        yield line(strong("The AI's last message:"))
        yield quote(one_line(one.before, _ANSWER), _ANSWER)
    yield line(strong(NOT_BY_MODEL if one.by == "local" else "With this guidance:"))
    yield quote(one_line(one.after or "No answer", _ANSWER), _ANSWER)


def tried(tools: Tools, click: Click, ack: Ack) -> None:
    """Asks the AI with the guidance in the modal; what is entered stays."""
    ack()
    entered = FORM.received(click.metadata, click.state)
    stored = stored_values(tools, GUIDANCE)

    def show(*more: Block) -> None:
        view = render_section(GUIDANCE, stored, entered.about.seen, more=more)
        tools.desk.update_view(click.view_id, view)

    try:
        values = section_form(GUIDANCE).values(entered)
    except Invalid as wrong:
        show(told(f"{WARNING}{wrong}"))
        return
    show(section(ASKING))
    guidance = Guidance(
        company=values[key_of("company")],
        tone=values[key_of("tone")],
        never=tuple(values[key_of("never_discuss")]),
        lines=tuple(values[key_of("guidance")]),
    )
    show(*render_previews(tools.core.drafting.previewed(guidance)))


FEATURE = Feature(clicks={SettingsAction.ASK: by_admins(tried)})
