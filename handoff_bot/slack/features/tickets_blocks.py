"""Renders the search for tickets in a modal: filters and results."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from enum import StrEnum

from handoff_bot.domain.escalations import TicketStatus
from handoff_bot.domain.tickets import (
    Period,
    TicketPage,
    TicketQuery,
    TicketRow,
)
from handoff_bot.slack.cards.card import PRIORITIES, REASONS
from handoff_bot.slack.kit.fields import (
    asking,
    filter_menu,
    labelled,
    modal,
    person_menu,
    text_field,
)
from handoff_bot.slack.kit.text import (
    Block,
    actions,
    moment,
    mrkdwn,
    named,
    one_line,
    plain,
    section,
    spelled,
)

SEARCH = "tickets"


class TicketAction(StrEnum):
    """Action ids of the modals."""

    SHOW = "tickets_show"
    WORDS = "tickets_words"
    STATUS = "tickets_status"
    CHANNEL = "tickets_channel"
    PRIORITY = "tickets_priority"
    REASON = "tickets_reason"
    PERIOD = "tickets_period"
    ASSIGNEE = "tickets_assignee"
    ALL = "tickets_all"
    NEXT = "tickets_next"
    FIRST = "tickets_first"
    OPEN = "ticket_open"
    OLDER = "ticket_older"
    CHANGE = "ticket_change"
    CSV = "tickets_csv"
    JSON = "tickets_json"


STATUSES: dict[TicketStatus, str] = {
    TicketStatus.OPEN: "🔵 Open",
    TicketStatus.PENDING: "🟡 Pending",
    TicketStatus.SOLVED: "✅ Solved",
    TicketStatus.CLOSED: "⚪ Closed",
}

PERIODS: dict[Period, str] = {
    Period.DAY: "Last 24 hours",
    Period.WEEK: "Last 7 days",
    Period.MONTH: "Last 30 days",
    Period.YEAR: "Last 365 days",
}

HINT = "#12, #tag or text"


def render_tickets(
    page: TicketPage, channels: Sequence[str], *, may_export: bool = False, banner: str = ""
) -> Block:
    """Renders the search."""
    blocks: list[Block] = [
        *([section(banner)] if banner else ()),
        asking(
            "Search",
            _acting(text_field(TicketAction.WORDS, initial=page.query.words, hint=HINT, most=100)),
            optional=True,
            acts=True,
        ),
        actions(*_filters(page.query, channels)),
        *map(_row, page.rows),
    ]
    if not page.rows:
        blocks.append(section("No tickets found."))
    blocks += _turns(page, may_export=may_export)
    return modal("Tickets", blocks, callback_id=SEARCH, submit="Search")


def _acting(element: Block) -> Block:
    return element | {"dispatch_action_config": {"trigger_actions_on": ["on_enter_pressed"]}}


def _filters(query: TicketQuery, channels: Sequence[str]) -> Iterator[Block]:
    yield filter_menu(TicketAction.STATUS, "Any status", STATUSES, query.status)
    kinds = {one: spelled(one) for one in channels}
    yield filter_menu(TicketAction.CHANNEL, "Any channel", kinds, query.channel)
    yield filter_menu(TicketAction.PRIORITY, "Any priority", PRIORITIES, query.priority)
    yield filter_menu(TicketAction.REASON, "Any reason", REASONS, query.reason)
    yield filter_menu(TicketAction.PERIOD, "Any time", PERIODS, query.period)
    yield person_menu(TicketAction.ASSIGNEE, "Any assignee", query.assignee or "")


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
        turns.append(labelled(TicketAction.FIRST, "Newest", "first"))
    if page.more:
        last = str(page.rows[-1].number)
        turns.append(labelled(TicketAction.NEXT, "Older tickets", last))
    if replace(page.query, words="", no_number=False, before=None, since=None) != TicketQuery():
        turns.append(labelled(TicketAction.ALL, "Clear filters", "all"))
    if may_export and page.rows:
        turns.append(labelled(TicketAction.CSV, "Export as CSV", "csv", "all results"))
        turns.append(labelled(TicketAction.JSON, "Export as JSON", "json", "all results"))
    if turns:
        yield actions(*turns)
