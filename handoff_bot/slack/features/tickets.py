"""Tickets: searched, read and edited in modals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from slack_bolt import Ack

from handoff_bot.domain.escalations import TicketStatus, tags_of
from handoff_bot.domain.roles import Action
from handoff_bot.domain.signals import Priority, Signal
from handoff_bot.domain.tickets import Edit, Period, TicketQuery
from handoff_bot.services.tickets import ticket_export
from handoff_bot.services.tickets.ticket_edits import GONE, NO_SUBJECT
from handoff_bot.services.tickets.ticket_export import Format
from handoff_bot.slack.cards.thread import render_words
from handoff_bot.slack.click import Click, Tools, number, sender
from handoff_bot.slack.feature import Body, Feature, SlashCommand, Subject, guarded
from handoff_bot.slack.features.admins import by_admins
from handoff_bot.slack.features.ticket_blocks import (
    EDIT,
    Field,
    render_edit,
    render_ticket,
    shown_in,
)
from handoff_bot.slack.features.tickets_blocks import SEARCH, TicketAction, render_tickets
from handoff_bot.slack.kit.fields import ANY, modal
from handoff_bot.slack.kit.form import filled_in, held, one, word_of
from handoff_bot.slack.kit.text import Block, SlackMessage, section

NO_NUMBER = "Add a ticket number: /handoff ticket 12"
OLD_MODAL = "This is from an older version. Close it and start again."
ON_ITS_WAY = "You will get the file as a direct message."


# -- searching


def in_words(tools: Tools, asked: SlashCommand) -> SlackMessage | None:
    """`/handoff tickets`, `/handoff tickets refund`."""
    _open(tools, asked.trigger_id, asked.desk_id, TicketQuery(words=asked.words))
    return None


def show(tools: Tools, click: Click, ack: Ack) -> None:
    """The button in the Home tab."""
    ack()
    _open(tools, click.trigger_id, click.desk_id, TicketQuery())


def _open(tools: Tools, trigger_id: str, desk_id: str, query: TicketQuery) -> None:
    view_id = tools.desk.open_view(trigger_id, modal("Tickets", [section("Loading…")]))
    tools.desk.update_view(view_id, _found(tools, desk_id, query))


def _found(tools: Tools, desk_id: str, query: TicketQuery, banner: str = "") -> Block:
    tickets, may_export = tools.core.tickets, tools.may_administer(desk_id)
    query = replace(query, slack_channels=tools.core.roles.reach(desk_id))
    return render_tickets(
        tickets.search(query), tickets.channels(), may_export=may_export, banner=banner
    )


def exported(tools: Tools, click: Click, ack: Ack) -> None:
    """Exports all results as a file in a direct message."""
    ack()
    query = tools.core.tickets.search(_asked(click.state, None)).query
    order = ticket_export.order(word_of(Format, click.value) or Format.CSV, query)
    key = f"{click.desk_id}:{click.trigger_id}"
    tools.core.reports.order(click.desk_id, ticket_export.TICKETS, order, key)
    tools.desk.update_view(click.view_id, _found(tools, click.desk_id, query, ON_ITS_WAY))


def searched(tools: Tools, click: Click, ack: Ack) -> None:
    """The search has changed: shows its newest tickets."""
    ack()
    tools.desk.update_view(click.view_id, _found(tools, click.desk_id, _asked(click.state, None)))


def searched_by_button(tools: Tools, body: Body, ack: Ack) -> None:
    """The search button of the modal."""
    ack(response_action="update", view=_found(tools, sender(body), _asked(filled_in(body), None)))


def next_page(tools: Tools, click: Click, ack: Ack) -> None:
    """Older tickets of the same search."""
    ack()
    tools.desk.update_view(
        click.view_id, _found(tools, click.desk_id, _asked(click.state, click.number))
    )


def all_of_them(tools: Tools, click: Click, ack: Ack) -> None:
    """Clears the filters; the search text stays."""
    ack()
    words = _asked(click.state, None).words
    tools.desk.update_view(click.view_id, _found(tools, click.desk_id, TicketQuery(words=words)))


def _asked(state: Mapping[str, Any], before: int | None) -> TicketQuery:
    """Parses the modal's menus and fields; an unknown value means any."""
    channel = one(state, TicketAction.CHANNEL)
    return TicketQuery(
        words=next(iter(held(state, TicketAction.WORDS)), ""),
        status=word_of(TicketStatus, one(state, TicketAction.STATUS)),
        channel=None if channel == ANY else channel,
        reason=word_of(Signal, one(state, TicketAction.REASON)),
        priority=word_of(Priority, one(state, TicketAction.PRIORITY)),
        period=word_of(Period, one(state, TicketAction.PERIOD)),
        assignee=one(state, TicketAction.ASSIGNEE) or None,
        before=before,
    )


# -- one ticket


def ticket_in_words(tools: Tools, asked: SlashCommand) -> SlackMessage | None:
    """`/handoff ticket 12`."""
    wanted = number(asked.words.removeprefix("#"))
    if wanted is None:
        return render_words(NO_NUMBER)
    view = tools.core.tickets.view(wanted)
    if view is None:
        return render_words(GONE)
    tools.desk.open_view(asked.trigger_id, render_ticket(view, tools.desk.workspace()))
    return None


def open_ticket(tools: Tools, click: Click, ack: Ack) -> None:
    """Opens a ticket on top of the search, or replaces another page of the ticket."""
    ack()
    shown = _ticket(tools, click.number or 0, 0)
    if click.metadata:
        tools.desk.update_view(click.view_id, shown)
    else:
        tools.desk.push_view(click.trigger_id, shown)


def older(tools: Tools, click: Click, ack: Ack) -> None:
    """An earlier page of its timeline."""
    ack()
    which, _, page = click.value.partition(":")
    shown = _ticket(tools, number(which) or 0, number(page) or 0)
    tools.desk.update_view(click.view_id, shown)


def _ticket(tools: Tools, which: int, page: int) -> Block:
    view = tools.core.tickets.view(which, page)
    if view is None:
        return modal("Ticket", [section(GONE)])
    return render_ticket(view, tools.desk.workspace())


# -- editing


def change(tools: Tools, click: Click, ack: Ack) -> None:
    """Opens the form, on top of the ticket."""
    ack()
    view = tools.core.tickets.view(click.number or 0)
    if view:
        tools.desk.push_view(click.trigger_id, render_edit(view))


def changed(tools: Tools, body: Body, ack: Ack) -> None:
    """Saves a ticket: problems are reported next to the field, changes are shown in the modal below."""
    about = shown_in(str(body["view"].get("private_metadata") or ""))
    if about is None:
        ack(response_action="update", view=modal("Ticket", [section(OLD_MODAL)]))
        return
    which, shown = about
    wanted = _wanted(body, shown)
    problem = _problem(tools, which, sender(body), shown, wanted)
    if problem:
        ack(response_action="errors", errors=problem)
        return
    ack()
    below = str(body["view"].get("previous_view_id") or "")
    if below:
        tools.desk.update_view(below, _ticket(tools, which, 0))


def _problem(tools: Tools, which: int, who: str, shown: Edit, wanted: Edit) -> dict[str, str]:
    """Saves the ticket; returns the problem and its field."""
    if not wanted.subject.strip():
        return {Field.SUBJECT: NO_SUBJECT}
    view = tools.core.tickets.view(which) if wanted.assignee else None
    if view and (problem := tools.why_not_to(wanted.assignee, view.escalation_id)):
        return {Field.ASSIGNEE: problem}
    to = tools.desk.agent(wanted.assignee) if wanted.assignee else None
    outcome = tools.core.tickets.edit(which, tools.agent(who), shown, wanted, to)
    if outcome.done:
        return {}
    at = Field.ASSIGNEE if shown.status is wanted.status else Field.STATUS
    return {at: outcome.text}


def _wanted(body: Body, shown: Edit) -> Edit:
    state = filled_in(body)
    chosen = {field: next(iter(held(state, field)), "") for field in Field}
    return Edit(
        subject=chosen[Field.SUBJECT],
        priority=word_of(Priority, chosen[Field.PRIORITY]) or shown.priority,
        status=word_of(TicketStatus, chosen[Field.STATUS]) or shown.status,
        assignee=chosen[Field.ASSIGNEE],
        tags=tags_of(chosen[Field.TAGS]),
    )


FEATURE = Feature(
    clicks={
        TicketAction.SHOW: guarded(Action.SEARCH, show),
        TicketAction.WORDS: guarded(Action.SEARCH, searched),
        TicketAction.STATUS: guarded(Action.SEARCH, searched),
        TicketAction.CHANNEL: guarded(Action.SEARCH, searched),
        TicketAction.PRIORITY: guarded(Action.SEARCH, searched),
        TicketAction.REASON: guarded(Action.SEARCH, searched),
        TicketAction.PERIOD: guarded(Action.SEARCH, searched),
        TicketAction.ASSIGNEE: guarded(Action.SEARCH, searched),
        TicketAction.ALL: guarded(Action.SEARCH, all_of_them),
        TicketAction.FIRST: guarded(Action.SEARCH, searched),
        TicketAction.NEXT: guarded(Action.SEARCH, next_page),
        TicketAction.OPEN: guarded(Action.SEE, open_ticket, Subject.TICKET),
        TicketAction.OLDER: guarded(Action.SEE, older, Subject.TICKET),
        TicketAction.CHANGE: guarded(Action.EDIT, change, Subject.TICKET),
        TicketAction.CSV: by_admins(exported),
        TicketAction.JSON: by_admins(exported),
    },
    views={
        EDIT: guarded(Action.EDIT, changed, Subject.TICKET),
        SEARCH: guarded(Action.SEARCH, searched_by_button),
    },
    commands={
        "tickets": guarded(Action.SEARCH, in_words),
        "ticket": guarded(Action.SEE, ticket_in_words, Subject.TICKET),
    },
    help=(
        "/handoff tickets: search tickets (refund)",
        "/handoff ticket 12: one ticket with its timeline",
    ),
)
