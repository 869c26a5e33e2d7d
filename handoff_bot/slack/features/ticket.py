"""One ticket in a modal: its fields and its timeline, and the form to edit it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from slack_bolt import Ack

from handoff_bot.domain.escalations import TicketStatus, tags_of
from handoff_bot.domain.roles import Action
from handoff_bot.domain.signals import Priority
from handoff_bot.domain.tickets import (
    BY_HAND,
    LONGEST_SUBJECT,
    EarlierTicket,
    Edit,
    Happened,
    TicketView,
)
from handoff_bot.services.tickets.ticket_edits import GONE, NO_SUBJECT
from handoff_bot.slack.cards.card import OUTCOMES, PRIORITIES, REASONS, permalink, render_earlier
from handoff_bot.slack.cards.thread import render_words
from handoff_bot.slack.feature import (
    Click,
    Feature,
    SlashCommand,
    Subject,
    Tools,
    guarded,
    number,
    submits,
)
from handoff_bot.slack.kit.fields import Number, labelled, modal
from handoff_bot.slack.kit.form import (
    Form,
    Metadata,
    Submission,
    choice,
    first,
    member,
    people,
    text,
)
from handoff_bot.slack.kit.text import (
    Block,
    SlackMessage,
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
    shorten,
    spelled,
    words,
)

NO_NUMBER = "Add a ticket number: /handoff ticket 12"
_QUOTE = 400
_TIMELINE_WORDS = 150


class TicketAction(StrEnum):
    """Action ids of the buttons."""

    OPEN = "ticket_open"
    OLDER = "ticket_older"
    CHANGE = "ticket_change"


STATUSES: dict[TicketStatus, str] = {
    TicketStatus.OPEN: "🔵 Open",
    TicketStatus.PENDING: "🟡 Pending",
    TicketStatus.SOLVED: "✅ Solved",
    TicketStatus.CLOSED: "⚪ Closed",
}


def render_ticket(
    view: TicketView, workspace_url: str, earlier: Sequence[EarlierTicket] = ()
) -> Block:
    """Renders a ticket: its fields, earlier conversations of the customer, its timeline and its
    buttons.
    """
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
        *render_earlier(earlier, workspace_url),
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
        outcome = OUTCOMES.get(view.outcome, "Ended")
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
    until = [mrkdwn(f"until {moment(happened.until)}")] if happened.until else []
    yield context(plain(who or "…", _TIMELINE_WORDS), *until, mrkdwn(moment(happened.at)))
    if happened.quote:
        yield rich(line(words(happened.quote, _QUOTE)))


def ticket_in_words(tools: Tools, asked: SlashCommand) -> SlackMessage | None:
    """`/handoff ticket 12`."""
    wanted = number(asked.words.removeprefix("#"))
    if wanted is None:
        return render_words(NO_NUMBER)
    if tools.core.tickets.escalation_of(wanted) is None:
        return render_words(GONE)
    tools.desk.open_view(asked.trigger_id, _ticket(tools, wanted, 0, asked.desk_id))
    return None


def open_ticket(tools: Tools, click: Click, ack: Ack) -> None:
    """Opens a ticket on top of the search, or replaces another page of the ticket."""
    ack()
    shown = _ticket(tools, click.number or 0, 0, click.desk_id)
    if click.metadata:
        tools.desk.update_view(click.view_id, shown)
    else:
        tools.desk.push_view(click.trigger_id, shown)


def older(tools: Tools, click: Click, ack: Ack) -> None:
    """An earlier page of its timeline."""
    ack()
    which, _, page = click.value.partition(":")
    shown = _ticket(tools, number(which) or 0, number(page) or 0, click.desk_id)
    tools.desk.update_view(click.view_id, shown)


def _ticket(tools: Tools, which: int, page: int, desk_id: str) -> Block:
    view = tools.core.tickets.view(which, page)
    if view is None:
        return modal("Ticket", [section(GONE)])
    earlier = tools.core.tickets.earlier(which, tools.core.roles.reach(desk_id)) if not page else ()
    return render_ticket(view, tools.desk.workspace(), earlier)


# -- editing


@dataclass(frozen=True)
class Editing:
    """The ticket of a modal, and the values that it showed, so that only changed fields are saved."""

    number: Number
    shown: Edit


SUBJECT = text(
    "ticket_subject", "Subject", most=LONGEST_SUBJECT, current=lambda shown: shown.subject
).parsed(first)
STATUS = choice(
    "ticket_status",
    "Status",
    {},
    hint="Solved also resolves the conversation, and the customer is told.",
    current=lambda shown: shown.status,
).parsed(member(TicketStatus, None))
PRIORITY = choice(
    "ticket_priority", "Priority", PRIORITIES, current=lambda shown: shown.priority
).parsed(member(Priority, None))
ASSIGNEE = people(
    "ticket_assignee",
    "Assignee",
    "Unassigned",
    most=1,  # a menu of one person cannot be emptied
    hint="If you leave it empty, an open conversation goes back to the queue.",
    optional=True,
    current=lambda shown: filter(None, [shown.assignee]),
).parsed(first)
TAGS = text(
    "ticket_tags",
    "Tags",
    most=900,
    hint="Separate tags with commas or spaces.",
    optional=True,
    current=lambda shown: " ".join(shown.tags),
).parsed(lambda entered: tags_of(first(entered)))
EDIT = Form(
    "Ticket",
    "ticket_edit",
    (SUBJECT, STATUS, PRIORITY, ASSIGNEE, TAGS),
    Metadata(Editing),
    stale_title="Ticket",
)


def render_edit(view: TicketView) -> Block:
    """Renders the form."""
    shown = replace(Edit.of(view), subject=shorten(view.row.subject, LONGEST_SUBJECT))
    form = replace(EDIT, title=f"Edit #{view.row.number}"[:24])
    form = form.having(STATUS.offering(_may_become(shown.status)))
    return form.render(Editing(view.row.number, shown), shown)


def _may_become(status: TicketStatus) -> Mapping[str, str]:
    allowed = [status, *(one for one in TicketStatus if one in BY_HAND[status])]
    return {one.value: STATUSES[one] for one in allowed}


def change(tools: Tools, click: Click, ack: Ack) -> None:
    """Opens the form, on top of the ticket."""
    ack()
    view = tools.core.tickets.view(click.number or 0)
    if view:
        tools.desk.push_view(click.trigger_id, render_edit(view))


def changed(tools: Tools, entered: Submission[Editing], ack: Ack) -> None:
    """Saves a ticket: changes are shown in the modal below."""
    _save(tools, entered, _wanted(entered))
    ack()
    if entered.below:
        tools.desk.update_view(entered.below, _ticket(tools, entered.about.number, 0, entered.by))


def _save(tools: Tools, entered: Submission[Editing], wanted: Edit) -> None:
    which, shown = entered.about.number, entered.about.shown
    if not wanted.subject.strip():
        raise SUBJECT.invalid(NO_SUBJECT)
    if refused := tools.core.tags.refusal(wanted.tags, shown.tags):
        raise TAGS.invalid(refused)
    view = tools.core.tickets.view(which) if wanted.assignee else None
    if view and (problem := tools.why_not_to(wanted.assignee, view.escalation_id)):
        raise ASSIGNEE.invalid(problem)
    to = tools.desk.agent(wanted.assignee) if wanted.assignee else None
    outcome = tools.core.tickets.edit(which, tools.agent(entered.by), shown, wanted, to)
    if not outcome.done:
        at = ASSIGNEE if shown.status is wanted.status else STATUS
        raise at.invalid(outcome.text)


def _wanted(entered: Submission[Editing]) -> Edit:
    shown = entered.about.shown
    return Edit(
        subject=entered[SUBJECT],
        priority=entered[PRIORITY] or shown.priority,
        status=entered[STATUS] or shown.status,
        assignee=entered[ASSIGNEE],
        tags=entered[TAGS],
    )


FEATURE = Feature(
    clicks={
        TicketAction.OPEN: guarded(Action.SEE, open_ticket, Subject.TICKET),
        TicketAction.OLDER: guarded(Action.SEE, older, Subject.TICKET),
        TicketAction.CHANGE: guarded(Action.EDIT, change, Subject.TICKET),
    },
    views={EDIT.callback_id: guarded(Action.EDIT, submits(EDIT, changed), Subject.TICKET)},
    commands={"ticket": guarded(Action.SEE, ticket_in_words, Subject.TICKET)},
    help=("/handoff ticket 12: one ticket with its timeline",),
)
