"""Tickets: searched in a modal, and exported by admins."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from enum import StrEnum

from slack_bolt import Ack

from handoff_bot.domain.escalations import TicketStatus
from handoff_bot.domain.roles import Action
from handoff_bot.domain.signals import Priority, Signal
from handoff_bot.domain.tickets import Period, TicketPage, TicketQuery, TicketRow
from handoff_bot.services.tickets.tickets import EXPORT, MESSAGES, Format, export_order
from handoff_bot.slack.cards.card import PRIORITIES, REASONS
from handoff_bot.slack.feature import Click, Feature, SlashCommand, Tools, guarded, submits
from handoff_bot.slack.features.admins import by_admins
from handoff_bot.slack.features.ticket import STATUSES, TicketAction
from handoff_bot.slack.kit.fields import ANY, State, filter_menu, held, labelled, modal, person_menu
from handoff_bot.slack.kit.form import Form, Submission, first, one, text, word_of
from handoff_bot.slack.kit.text import (
    Block,
    SlackMessage,
    actions,
    context,
    moment,
    mrkdwn,
    named,
    one_line,
    plain,
    section,
    spelled,
)
from handoff_bot.storage.tickets import MOST_OPENED

ON_ITS_WAY = "You will get the file as a direct message."


class TicketsAction(StrEnum):
    """Action ids of the modals."""

    SHOW = "tickets_show"
    STATUS = "tickets_status"
    CHANNEL = "tickets_channel"
    PRIORITY = "tickets_priority"
    REASON = "tickets_reason"
    PERIOD = "tickets_period"
    ASSIGNEE = "tickets_assignee"
    ALL = "tickets_all"
    NEXT = "tickets_next"
    FIRST = "tickets_first"
    CSV = "tickets_csv"
    JSON = "tickets_json"


PERIODS: dict[Period, str] = {
    Period.DAY: "Last 24 hours",
    Period.WEEK: "Last 7 days",
    Period.MONTH: "Last 30 days",
    Period.YEAR: "Last 365 days",
}


WORDS = text(
    "tickets_words",
    "Search",
    placeholder="#12, #tag or text",
    most=100,
    hint=f"Text is searched in subjects, names and the newest messages (at most {MESSAGES:,}).",
    optional=True,
    acts_on="on_enter_pressed",
    current=lambda query: query.words,
).parsed(first)
BOUNDED = (
    "Stored texts are encrypted, so text was only searched in the newest tickets and messages (at most "
    f"{MOST_OPENED:,} of each)."
)
SEARCH: Form[None] = Form("Tickets", "tickets", (WORDS,), submit="Search", close="Close")


def render_tickets(
    page: TicketPage, channels: Sequence[str], *, may_export: bool = False, banner: str = ""
) -> Block:
    """Renders the search."""
    blocks = [actions(*_filters(page.query, channels)), *map(_row, page.rows)]
    if not page.rows:
        blocks.append(section("No tickets found."))
    if page.is_bounded:
        blocks.append(context(plain(BOUNDED)))
    blocks += _turns(page, may_export=may_export)
    return SEARCH.render(None, page.query, below=blocks, banner=banner)


def _filters(query: TicketQuery, channels: Sequence[str]) -> Iterator[Block]:
    yield filter_menu(TicketsAction.STATUS, "Any status", STATUSES, query.status)
    kinds = {one: spelled(one) for one in channels}
    yield filter_menu(TicketsAction.CHANNEL, "Any channel", kinds, query.channel)
    yield filter_menu(TicketsAction.PRIORITY, "Any priority", PRIORITIES, query.priority)
    yield filter_menu(TicketsAction.REASON, "Any reason", REASONS, query.reason)
    yield filter_menu(TicketsAction.PERIOD, "Any time", PERIODS, query.period)
    yield person_menu(TicketsAction.ASSIGNEE, "Any assignee", query.assignee or "")


def _row(row: TicketRow) -> Block:
    facts = f"{STATUSES[row.status]} · {PRIORITIES[row.priority]} · {named(row.contact)}"
    owner = f" · {named(row.assignee.name)}" if row.assignee else ""
    subject = one_line(row.subject, 120) or "(no subject)"
    return {
        "type": "section",
        "fields": [
            plain(f"#{row.number} {subject}\n{facts} on {spelled(row.channel)}{owner}", 600),
            mrkdwn(moment(row.created_at)),
        ],
        "accessory": labelled(TicketAction.OPEN, "Open", str(row.number), f"#{row.number}"),
    }


def _turns(page: TicketPage, *, may_export: bool) -> Iterator[Block]:
    turns = []
    if page.query.before is not None:
        turns.append(labelled(TicketsAction.FIRST, "Newest", "first"))
    if page.more:
        last = str(page.rows[-1].number)
        turns.append(labelled(TicketsAction.NEXT, "Older tickets", last))
    words_only = replace(page.query, words="", no_number=False, messages_from=None)
    if replace(words_only, before=None, since=None) != TicketQuery():
        turns.append(labelled(TicketsAction.ALL, "Clear filters", "all"))
    if may_export and page.rows:
        turns.append(labelled(TicketsAction.CSV, "Export as CSV", "csv", "all results"))
        turns.append(labelled(TicketsAction.JSON, "Export as JSON", "json", "all results"))
    if turns:
        yield actions(*turns)


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
    order = export_order(word_of(Format, click.value) or Format.CSV, query)
    key = f"{click.desk_id}:{click.trigger_id}"
    tools.core.reports.order(click.desk_id, EXPORT, order, key)
    tools.desk.update_view(click.view_id, _found(tools, click.desk_id, query, ON_ITS_WAY))


def searched(tools: Tools, click: Click, ack: Ack) -> None:
    """The search has changed: shows its newest tickets."""
    ack()
    tools.desk.update_view(click.view_id, _found(tools, click.desk_id, _asked(click.state, None)))


def searched_by_button(tools: Tools, entered: Submission[None], ack: Ack) -> None:
    """The search button of the modal."""
    found = _found(tools, entered.by, _asked(entered.state, None))
    ack(response_action="update", view=found)


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


def _asked(state: State, before: int | None) -> TicketQuery:
    """Parses the modal's menus and fields; an unknown value means any."""
    channel = one(state, TicketsAction.CHANNEL)
    return TicketQuery(
        words=first(held(state, WORDS.id)),
        status=word_of(TicketStatus, one(state, TicketsAction.STATUS)),
        channel=None if channel == ANY else channel,
        reason=word_of(Signal, one(state, TicketsAction.REASON)),
        priority=word_of(Priority, one(state, TicketsAction.PRIORITY)),
        period=word_of(Period, one(state, TicketsAction.PERIOD)),
        assignee=one(state, TicketsAction.ASSIGNEE) or None,
        before=before,
    )


FEATURE = Feature(
    clicks={
        TicketsAction.SHOW: guarded(Action.SEARCH, show),
        WORDS.id: guarded(Action.SEARCH, searched),
        TicketsAction.STATUS: guarded(Action.SEARCH, searched),
        TicketsAction.CHANNEL: guarded(Action.SEARCH, searched),
        TicketsAction.PRIORITY: guarded(Action.SEARCH, searched),
        TicketsAction.REASON: guarded(Action.SEARCH, searched),
        TicketsAction.PERIOD: guarded(Action.SEARCH, searched),
        TicketsAction.ASSIGNEE: guarded(Action.SEARCH, searched),
        TicketsAction.ALL: guarded(Action.SEARCH, all_of_them),
        TicketsAction.FIRST: guarded(Action.SEARCH, searched),
        TicketsAction.NEXT: guarded(Action.SEARCH, next_page),
        TicketsAction.CSV: by_admins(exported),
        TicketsAction.JSON: by_admins(exported),
    },
    views={
        SEARCH.callback_id: guarded(Action.SEARCH, submits(SEARCH, searched_by_button)),
    },
    commands={
        "tickets": guarded(Action.SEARCH, in_words),
    },
    help=("/handoff tickets: search tickets (refund)",),
)
