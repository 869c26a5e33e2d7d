"""Merging two customers: searched, confirmed with what will happen, done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from slack_bolt import Ack

from handoff_bot.domain.roles import Action
from handoff_bot.domain.tickets import TicketRow
from handoff_bot.services.merging import GONE, WHAT_HAPPENS
from handoff_bot.slack.feature import Click, Feature, Subject, Tools, guarded, number, submits
from handoff_bot.slack.kit.fields import Number, modal
from handoff_bot.slack.kit.form import Form, Metadata, Submission, choice, text
from handoff_bot.slack.kit.text import (
    Block,
    bullets,
    context,
    line,
    named,
    plain,
    rich,
    section,
    shorten,
    spelled,
    words,
)

TITLE = "Merge customers"
NONE_FOUND = "No ticket of another customer was found. Try a name, a number or text."
NONE_CHOSEN = "Choose a customer."
_LONGEST = 1500


class MergeAction(StrEnum):
    """Action id of the button in a conversation."""

    OPEN = "merge_open"


@dataclass(frozen=True)
class About:
    """The conversation of a modal, and the chosen ticket of the other customer, 0 for none yet."""

    escalation_id: Number
    other: Number = 0


ABOUT = Metadata(About)
WORDS = text(
    "merge_words",
    "The other customer",
    placeholder="Dana, #12 or text",
    most=100,
    hint="A name, a ticket number, or text of a ticket. You find the tickets that you may see.",
)
SEARCH = Form(TITLE, "merge_search", (WORDS,), ABOUT, submit="Search", close="Back")
OTHER = choice("merge_other", "The other customer", {}, placeholder="Choose a customer")
CHOOSE = Form(TITLE, "merge_choose", (OTHER,), ABOUT, submit="Next", close="Back")
CONFIRM: Form[About] = Form(TITLE, "merge_confirm", (), ABOUT, submit="Merge", close="Back")


def render_search(escalation_id: int) -> Block:
    """Renders the search."""
    return SEARCH.render(About(escalation_id))


def render_choice(about: About, found: Sequence[TicketRow]) -> Block:
    """Renders the found customers, each by a ticket. Names are hostile."""
    choices = {str(row.number): _label(row) for row in found}
    return CHOOSE.having(OTHER.offering(choices)).render(about)


def _label(row: TicketRow) -> str:
    return f"{named(row.contact, 24)} on {spelled(row.channel)} · #{row.number} {row.subject}"


def render_confirmation(about: About, both: str) -> Block:
    """Renders who is merged, and what will happen."""
    listed = bullets(*(line(words(each, 200)) for each in WHAT_HAPPENS))
    return CONFIRM.render(about, below=[section(shorten(both, _LONGEST)), rich(listed)])


def opened(tools: Tools, click: Click, ack: Ack) -> None:
    """The button in a conversation opens the search on top of it."""
    ack()
    if click.number is not None:
        tools.desk.push_view(click.trigger_id, render_search(click.number))


def searched(tools: Tools, entered: Submission[About], ack: Ack) -> None:
    """Shows the customers that were found."""
    reach = tools.core.roles.reach(entered.by)
    found = tools.core.merging.find(entered.about.escalation_id, entered[WORDS], reach)
    if not found:
        raise WORDS.invalid(NONE_FOUND)
    ack(response_action="update", view=render_choice(entered.about, found))


def chosen(tools: Tools, entered: Submission[About], ack: Ack) -> None:
    """Shows what will happen."""
    other = number(entered[OTHER])
    if other is None:
        raise OTHER.invalid(NONE_CHOSEN)
    about = About(entered.about.escalation_id, other)
    reach = tools.core.roles.reach(entered.by)
    if not tools.core.merging.may_see(other, reach):
        raise OTHER.invalid(GONE)
    both = tools.core.merging.preview(about.escalation_id, other, reach)
    if not both.done:
        raise OTHER.invalid(both.text)
    ack(response_action="update", view=render_confirmation(about, both.text))


def merged(tools: Tools, entered: Submission[About], ack: Ack) -> None:
    """Merges them, if the agent may still see both."""
    about = entered.about
    said = GONE
    if tools.core.merging.may_see(about.other, tools.core.roles.reach(entered.by)):
        agent = tools.agent(entered.by)
        said = tools.core.merging.merge(about.escalation_id, about.other, agent).text
    ack(response_action="update", view=modal(TITLE, [context(plain(said))]))


FEATURE = Feature(
    clicks={MergeAction.OPEN: guarded(Action.EDIT, opened, Subject.ESCALATION)},
    views={
        SEARCH.callback_id: guarded(Action.EDIT, submits(SEARCH, searched), Subject.ESCALATION),
        CHOOSE.callback_id: guarded(Action.EDIT, submits(CHOOSE, chosen), Subject.ESCALATION),
        CONFIRM.callback_id: guarded(Action.EDIT, submits(CONFIRM, merged), Subject.ESCALATION),
    },
)
