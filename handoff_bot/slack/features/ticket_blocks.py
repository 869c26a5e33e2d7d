"""Renders a ticket in a modal: its fields, its timeline, and the form to edit it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from enum import StrEnum

from pydantic import TypeAdapter

from handoff_bot.domain.escalations import TicketStatus
from handoff_bot.domain.tickets import BY_HAND, LONGEST_SUBJECT, Edit, Happened, TicketView
from handoff_bot.slack.cards.board import permalink
from handoff_bot.slack.cards.card import PRIORITIES, REASONS
from handoff_bot.slack.features.escalation_modals_blocks import SOLVED
from handoff_bot.slack.features.tickets_blocks import STATUSES, TicketAction
from handoff_bot.slack.kit.fields import Number, asking, labelled, menu, modal, read, text_field
from handoff_bot.slack.kit.text import (
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
    spelled,
    words,
)

EDIT = "ticket_edit"


class Field(StrEnum):
    """Fields of the form."""

    SUBJECT = "ticket_subject"
    STATUS = "ticket_status"
    PRIORITY = "ticket_priority"
    ASSIGNEE = "ticket_assignee"
    TAGS = "ticket_tags"


_OUTCOMES = {outcome.value: label for outcome, label in SOLVED.items()} | {
    "returned": "Returned to the AI",
    "not_needed": "Dismissed",
}
_QUOTE = 400
_TIMELINE_WORDS = 150


def render_ticket(view: TicketView, workspace_url: str) -> Block:
    """Renders a ticket: its fields, its timeline and its buttons."""
    row = view.row
    value = f"{row.number}:{view.page}"
    buttons = [labelled(TicketAction.CHANGE, "Edit…", str(row.number))]
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
    return modal(f"Ticket #{row.number}"[:24], blocks, callback_id="ticket", metadata=value)


def _facts(view: TicketView, workspace_url: str) -> Iterator[Block]:
    row = view.row
    owner = f"assigned to {named(row.assignee.name)}" if row.assignee else "unassigned"
    yield plain(f"{STATUSES[row.status]} · {PRIORITIES[row.priority]} · {owner}", 300)
    yield plain(f"{named(row.contact)} on {spelled(row.channel)} · {REASONS[view.reason]}", 300)
    yield mrkdwn(f"Created {moment(row.created_at)}")
    if view.solved_at:
        outcome = _OUTCOMES.get(view.outcome, "Ended")
        yield plain(outcome, 100)
        yield mrkdwn(f"Ended {moment(view.solved_at)}")
    if view.reply_due_at:
        yield mrkdwn(f"⏱️ First reply due {moment(view.reply_due_at)}")
    if view.solve_due_at:
        yield mrkdwn(f"⏱️ Resolution due {moment(view.solve_due_at)}")
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


# -- editing


def render_edit(view: TicketView) -> Block:
    """Renders the form. The modal remembers the shown values, so that only changed fields are saved."""
    subject = text_field(Field.SUBJECT, initial=view.row.subject, most=LONGEST_SUBJECT)
    shown = replace(Edit.of(view), subject=str(subject.get("initial_value", "")))
    tags = text_field(Field.TAGS, initial=" ".join(shown.tags), most=900)
    priorities = {priority.value: label for priority, label in PRIORITIES.items()}
    blocks = [
        asking("Subject", subject),
        asking(
            "Status",
            menu(Field.STATUS, "Choose", _may_become(shown.status), shown.status),
            hint="Solved also resolves the conversation, and the customer is told.",
        ),
        asking("Priority", menu(Field.PRIORITY, "Choose", priorities, shown.priority)),
        asking("Assignee", _chooser(shown.assignee), hint=_ASSIGNEE_HINT, optional=True),
        asking("Tags", tags, hint="Separate tags with commas or spaces.", optional=True),
    ]
    return modal(
        f"Edit #{view.row.number}"[:24],
        blocks,
        callback_id=EDIT,
        submit="Save",
        close="Cancel",
        metadata=_remembered(view.row.number, shown),
    )


_ASSIGNEE_HINT = "If you leave it empty, an open conversation goes back to the queue."


def _may_become(status: TicketStatus) -> Mapping[str, str]:
    allowed = [status, *(one for one in TicketStatus if one in BY_HAND[status])]
    return {one.value: STATUSES[one] for one in allowed}


def _chooser(assignee: str) -> Block:
    """Returns a menu of several people, limited to one: a menu of one person cannot be emptied."""
    chooser: Block = {
        "type": "multi_users_select",
        "action_id": Field.ASSIGNEE,
        "placeholder": plain("Unassigned", 150),
        "max_selected_items": 1,
    }
    return chooser | ({"initial_users": [assignee]} if assignee else {})


def _remembered(number: int, shown: Edit) -> str:
    return json.dumps({"number": number, "shown": asdict(shown)}, ensure_ascii=False)


@dataclass(frozen=True)
class _Remembered:
    number: Number
    shown: Edit


_REMEMBERED = TypeAdapter(_Remembered)


def shown_in(metadata: str) -> tuple[int, Edit] | None:
    """Returns a modal's ticket and the values that it showed; None if the metadata is not valid."""
    held = read(_REMEMBERED, metadata)
    return (held.number, held.shown) if held else None
