"""Tickets in windows: the search, one ticket with its timeline, and the fields to change."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from enum import StrEnum

from handoff_bot.domain.escalations import TicketStatus
from handoff_bot.domain.tickets import (
    BY_HAND,
    LONGEST_SUBJECT,
    Happened,
    TicketPage,
    TicketQuery,
    TicketRow,
    TicketView,
)
from handoff_bot.slack.blocks.board import permalink
from handoff_bot.slack.blocks.buttons import labelled
from handoff_bot.slack.blocks.card import PRIORITIES, REASONS
from handoff_bot.slack.blocks.fields import asking, filter_menu, menu, text_field, window
from handoff_bot.slack.blocks.steps import SOLVED
from handoff_bot.slack.blocks.text import (
    Block,
    actions,
    context,
    header,
    line,
    moment,
    mrkdwn,
    named,
    one_line,
    plain,
    rich,
    section,
    spelled,
    words,
)

SEARCH = "tickets"
EDIT = "ticket_edit"


class TicketAction(StrEnum):
    """What can be done in the windows; the value is the action id."""

    SHOW = "tickets_show"
    WORDS = "tickets_words"
    STATUS = "tickets_status"
    CHANNEL = "tickets_channel"
    PRIORITY = "tickets_priority"
    REASON = "tickets_reason"
    ASSIGNEE = "tickets_assignee"
    NEXT = "tickets_next"
    FIRST = "tickets_first"
    OPEN = "ticket_open"
    OLDER = "ticket_older"
    CHANGE = "ticket_change"


class Field(StrEnum):
    """The fields of the edit window."""

    SUBJECT = "ticket_subject"
    STATUS = "ticket_status"
    PRIORITY = "ticket_priority"
    ASSIGNEE = "ticket_assignee"
    TAGS = "ticket_tags"


STATUSES: dict[TicketStatus, str] = {
    TicketStatus.OPEN: "🔵 Open",
    TicketStatus.PENDING: "🟡 Pending",
    TicketStatus.SOLVED: "✅ Solved",
    TicketStatus.CLOSED: "⚪ Closed",
}

_OUTCOMES = {outcome.value: label for outcome, label in SOLVED.items()} | {
    "returned": "Returned to the assistant",
    "not_needed": "Not needed",
}
_QUOTE = 400
_TIMELINE_WORDS = 150


def draw_tickets(page: TicketPage, channels: Sequence[str]) -> Block:
    """The search window."""
    blocks: list[Block] = [
        asking(
            "Search",
            _acting(text_field(TicketAction.WORDS, hint="#12, or words", most=100)),
            optional=True,
            acts=True,
        ),
        actions(*_filters(page.query, channels)),
        *map(_row, page.rows),
    ]
    if not page.rows:
        blocks.append(section("No ticket fits."))
    blocks += _turns(page)
    return window("Tickets", blocks, callback_id=SEARCH, submit="Search")


def _acting(element: Block) -> Block:
    return element | {"dispatch_action_config": {"trigger_actions_on": ["on_enter_pressed"]}}


def _filters(query: TicketQuery, channels: Sequence[str]) -> Iterator[Block]:
    statuses = {status.value: label for status, label in STATUSES.items()}
    yield filter_menu(TicketAction.STATUS, "Any status", statuses, query.status)
    kinds = {one: spelled(one) for one in channels}
    yield filter_menu(TicketAction.CHANNEL, "Any channel", kinds, query.channel)
    priorities = {priority.value: label for priority, label in PRIORITIES.items()}
    yield filter_menu(TicketAction.PRIORITY, "Any priority", priorities, query.priority)
    reasons = {reason.value: label for reason, label in REASONS.items()}
    yield filter_menu(TicketAction.REASON, "Any reason", reasons, query.reason)
    chooser: Block = {
        "type": "users_select",
        "action_id": TicketAction.ASSIGNEE,
        "placeholder": plain("Any assignee", 150),
    }
    yield chooser | ({"initial_user": query.assignee} if query.assignee else {})


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


def _turns(page: TicketPage) -> Iterator[Block]:
    turns = []
    if page.query.before is not None:
        turns.append(labelled(TicketAction.FIRST, "Newest", "first"))
    if page.more:
        last = str(page.rows[-1].number)
        turns.append(labelled(TicketAction.NEXT, "Older tickets", last))
    if turns:
        yield actions(*turns)


# -- one ticket


def draw_ticket(view: TicketView, workspace_url: str) -> Block:
    """One ticket: its fields, its timeline, and what can be done."""
    row = view.row
    value = f"{row.number}:{view.page}"
    buttons = [labelled(TicketAction.CHANGE, "Change…", str(row.number))]
    if view.older:
        older = labelled(TicketAction.OLDER, "Older", f"{row.number}:{view.page + 1}")
        buttons.append(older)
    if view.page:
        newer = labelled(TicketAction.OPEN, "Newest", str(row.number))
        buttons.append(newer)
    blocks: list[Block] = [
        header(f"#{row.number} {one_line(row.subject, 120)}"),
        context(*_facts(view, workspace_url)),
        actions(*buttons),
        *(block for each in view.timeline for block in _line(each)),
    ]
    return window(f"Ticket #{row.number}"[:24], blocks, callback_id="ticket", metadata=value)


def _facts(view: TicketView, workspace_url: str) -> Iterator[Block]:
    row = view.row
    owner = named(row.assignee.name) if row.assignee else "nobody"
    yield plain(f"{STATUSES[row.status]} · {PRIORITIES[row.priority]} · assigned to {owner}", 300)
    yield plain(f"{named(row.contact)} on {spelled(row.channel)} · {REASONS[view.reason]}", 300)
    yield mrkdwn(f"Made {moment(row.created_at)}")
    if view.solved_at:
        outcome = _OUTCOMES.get(view.outcome, "Ended")
        yield plain(outcome, 100)
        yield mrkdwn(f"Ended {moment(view.solved_at)}")
    if view.reply_due_at or view.solve_due_at:
        due = view.reply_due_at or view.solve_due_at
        yield mrkdwn(f"⏱️ Due {moment(due)}") if due else plain("")
    if view.tags:
        yield plain(" ".join(f"#{tag}" for tag in view.tags), 500)
    if view.reopened:
        yield plain(f"Reopened {view.reopened} time{'s' if view.reopened > 1 else ''}", 60)
    link = permalink(view.thread, workspace_url)
    if link:
        yield mrkdwn(f"<{link}|Open thread>")


def _line(happened: Happened) -> Iterator[Block]:
    who = " ".join(filter(None, (named(happened.who) if happened.who else "", happened.what)))
    yield context(plain(who or "…", _TIMELINE_WORDS), mrkdwn(moment(happened.at)))
    if happened.quote:
        yield rich(line(words(happened.quote, _QUOTE)))


# -- changing


def draw_edit(view: TicketView) -> Block:
    """The fields to change."""
    row = view.row
    allowed = [row.status, *(one for one in TicketStatus if one in BY_HAND[row.status])]
    people: Block = {
        "type": "users_select",
        "action_id": Field.ASSIGNEE,
        "placeholder": plain("Nobody", 150),
    }
    if row.assignee:
        people["initial_user"] = row.assignee.desk_id
    subject = text_field(Field.SUBJECT, initial=row.subject, most=LONGEST_SUBJECT)
    tags = text_field(Field.TAGS, initial=" ".join(view.tags), most=900)
    priorities = {priority.value: label for priority, label in PRIORITIES.items()}
    blocks = [
        asking("Subject", subject),
        asking(
            "Status",
            menu(Field.STATUS, "Choose", {s.value: STATUSES[s] for s in allowed}, row.status),
            hint="Solving it resolves the conversation, and the customer is told.",
        ),
        asking("Priority", menu(Field.PRIORITY, "Choose", priorities, row.priority)),
        asking("Assignee", people, optional=True),
        asking("Tags", tags, hint="Words, with spaces or commas between them.", optional=True),
    ]
    metadata = json.dumps({"number": row.number})
    return window(
        f"Change #{row.number}"[:24],
        blocks,
        callback_id=EDIT,
        submit="Save",
        close="Cancel",
        metadata=metadata,
    )
