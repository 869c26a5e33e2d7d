"""Renders the board: the queue in a pinned message, and as a short answer to a command."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from handoff_bot.domain.desk import Board, BoardRow, Button, Place
from handoff_bot.domain.escalations import TicketStatus
from handoff_bot.domain.queue import EMPTY
from handoff_bot.domain.text import many
from handoff_bot.domain.tickets import EarlierTicket
from handoff_bot.slack.cards.card import OUTCOMES, PRIORITIES, REASONS
from handoff_bot.slack.kit.fields import button
from handoff_bot.slack.kit.text import (
    Block,
    SlackMessage,
    context,
    date,
    header,
    moment,
    mrkdwn,
    named,
    notification,
    plain,
    section,
    spelled,
)

MOST_ROWS = 15


def render_board(board: Board, workspace_url: str) -> SlackMessage:
    """Renders the queue, most urgent first.

    Args:
        board: the rows; only the first 15 are shown, the others are counted.
        workspace_url: the base of links to threads ("https://acme.slack.com/"), "" for no links.
    """
    totals = f"{board.waiting} waiting · {board.claimed} in progress"
    rows = [_row(row, workspace_url) for row in board.rows[:MOST_ROWS]]
    blocks = [header(f"Queue: {totals}"), *rows, *_rest(board, len(rows))]
    return SlackMessage(notification(f"Queue: {totals}"), blocks)


def _row(row: BoardRow, workspace_url: str) -> Block:
    who = f"{named(row.contact)} on {spelled(row.channel)}"
    what = f"{PRIORITIES[row.priority]} · {who}\n{REASONS[row.reason]}"
    when = f"Since {moment(row.opened_at)} ({date(row.opened_at, '{ago}')})"
    link = permalink(row.thread, workspace_url)
    return {
        "type": "section",
        "fields": [plain(what, 300), mrkdwn(f"{when}\n<{link}|Open thread>" if link else when)],
        "accessory": button(Button.CLAIM, str(row.escalation_id), who),
    }


def _rest(board: Board, shown: int) -> Iterator[Block]:
    if board.waiting > shown:
        yield context(plain(f"… and {board.waiting - shown} more, less urgent."))
    if not board.waiting:
        yield context(plain(EMPTY))
    if board.held:
        yield context(plain(f"⏳ {held_in_words(board.held)}"))


def held_in_words(count: int) -> str:
    """Says how many customers wait for room in the queue."""
    who = many(count, "more customer asks", "more customers ask")
    return f"{who} for an agent, and will join the queue when the limits for anonymous visitors allow it."


def banner_of(text: str, link: str = "") -> list[Block]:
    """Returns the result of a click, with a link to its thread; nothing without a text."""
    return [*([section(text)] if text else ()), *link_to(link)]


def link_to(link: str) -> list[Block]:
    """Returns the link to a thread, with a label; nothing if its address is unknown."""
    return [context(mrkdwn(f"<{link}|Open thread>"))] if link else []


def render_earlier(earlier: Sequence[EarlierTicket], workspace_url: str) -> list[Block]:
    """Renders the customer's earlier conversations: number, day, outcome and link."""
    if not earlier:
        return []
    lines = (_earlier(each, permalink(each.thread, workspace_url)) for each in earlier)
    said = "\n".join(["Earlier conversations:", *lines])
    return [{"type": "section", "text": mrkdwn(said)}]


def _earlier(ticket: EarlierTicket, link: str) -> str:
    ended = OUTCOMES.get(ticket.outcome, "Ended")
    is_open = ticket.status in (TicketStatus.OPEN, TicketStatus.PENDING)
    facts = [f"#{ticket.number}", date(ticket.created_at, "{date_short_pretty}")]
    facts.append("Open" if is_open else ended)
    return "• " + " · ".join([*facts, *([f"<{link}|Open thread>"] if link else [])])


def permalink(thread: Place | None, workspace_url: str) -> str:
    """Returns the address of a thread; "" if it is unknown."""
    if thread is None or not workspace_url.startswith("http"):
        return ""
    name = thread.ts.replace(".", "")
    return f"{workspace_url.rstrip('/')}/archives/{thread.slack_channel}/p{name}"
