"""Renders the modal of the queue: filters, then up to fifteen rows per page."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

from handoff_bot.domain.desk import BoardRow
from handoff_bot.domain.queue import Filter, QueuePage, Whose
from handoff_bot.slack.cards.board import held_in_words, permalink
from handoff_bot.slack.cards.card import PRIORITIES, REASONS
from handoff_bot.slack.kit.fields import filter_menu, labelled, menu, modal, turns
from handoff_bot.slack.kit.text import (
    Block,
    actions,
    context,
    date,
    moment,
    mrkdwn,
    named,
    one_line,
    plain,
    section,
    spelled,
)

QUEUE = "queue"
OWNED = "agent:"
"""Prefix of an agent's desk id in the menu that filters by assignee."""
_SAID = 120
NOTHING_NOW = "An agent with no open conversations"


class QueueAction(StrEnum):
    """Action ids of the queue's modal and of the Home tab."""

    SHOW = "queue_show"
    NEXT = "queue_next"
    TAKE = "queue_take"
    WHOSE = "queue_whose"
    CHANNEL = "queue_channel"
    PRIORITY = "queue_priority"
    REASON = "queue_reason"
    WAITED = "queue_waited"
    EARLIER = "queue_page_earlier"
    LATER = "queue_page_later"


_WHOSE = {
    Whose.WAITING: "Waiting",
    Whose.MINE: "Mine",
    Whose.CLAIMED: "In progress",
    Whose.OPEN: "All open",
}
_WAITED = {"5": "5 minutes or more", "15": "15 minutes or more", "60": "1 hour or more"}


def render_queue(page: QueuePage, shown: Filter, workspace_url: str, banner: str = "") -> Block:
    """Renders the modal.

    Args:
        page: its data.
        shown: the filter of this page.
        workspace_url: the base of links to threads, "" for no links.
        banner: the result of the last click, at the top.
    """
    blocks: list[Block] = [section(banner)] if banner else []
    blocks.append(actions(*_filters(page, shown)))
    blocks.append(context(plain(_totals(page))))
    for row in page.rows:
        blocks.append(render_row(row, workspace_url))
    if not page.rows:
        blocks.append(section(_nothing(page, shown)))
    blocks += _held(page)
    others = turns(QueueAction.EARLIER, QueueAction.LATER, page.page, page.pages)
    blocks.append(actions(labelled(QueueAction.NEXT, "Take next", "window"), *others))
    return modal("Queue", blocks, callback_id=QUEUE)


def _totals(page: QueuePage) -> str:
    where = f" · page {page.page + 1} of {page.pages}" if page.pages > 1 else ""
    return f"{page.found} shown · {page.waiting} waiting in total{where}"


def _held(page: QueuePage) -> Iterator[Block]:
    """Yields the customers who wait for room in the queue."""
    if not page.held_in_all:
        return
    yield section(f"⏳ {held_in_words(page.held_in_all)}")
    for row in page.held:
        said = one_line(row.text, _SAID)
        text = f"{named(row.contact)} on {spelled(row.channel)} · “{said}”"
        since = f"Since {moment(row.held_at)} ({date(row.held_at, '{ago}')})"
        yield context(plain(text, 300), mrkdwn(since))
    if page.held_in_all > len(page.held):
        yield context(plain(f"… and {page.held_in_all - len(page.held)} more."))


def _nothing(page: QueuePage, shown: Filter) -> str:
    if page.waiting and shown != Filter():
        return "No conversations match these filters."
    return "No customers are waiting. 🎉" if shown.whose is Whose.WAITING else "No conversations."


def _filters(page: QueuePage, shown: Filter) -> Iterator[Block]:
    waited = str(int(shown.waited.total_seconds() // 60)) if shown.waited else ""
    channels = {one: spelled(one) for one in page.channels}
    if shown.channel and shown.channel not in channels:
        channels[shown.channel] = spelled(shown.channel)
    whose = {each.value: _WHOSE[each] for each in Whose}
    whose |= {f"{OWNED}{one.desk_id}": f"Assigned to {named(one.name)}" for one in page.owners}
    is_somebodys = shown.owner and shown.whose is not Whose.MINE
    chosen = f"{OWNED}{shown.owner}" if is_somebodys else shown.whose.value
    if chosen not in whose:
        whose[chosen] = NOTHING_NOW
    yield menu(QueueAction.WHOSE, "Status", whose, chosen)
    yield filter_menu(QueueAction.CHANNEL, "Any channel", channels, shown.channel)
    yield filter_menu(QueueAction.PRIORITY, "Any priority", PRIORITIES, shown.priority)
    yield filter_menu(QueueAction.REASON, "Any reason", REASONS, shown.reason)
    yield filter_menu(QueueAction.WAITED, "Any wait", _WAITED, waited)


def render_row(row: BoardRow, workspace_url: str) -> Block:
    """Renders one conversation: customer, reason, waiting time, and the matching button."""
    who = f"{named(row.contact)} on {spelled(row.channel)}"
    vip = "⭐ VIP · " if row.vip else ""
    what = f"{PRIORITIES[row.priority]} · {vip}{who}\n{REASONS[row.reason]}"
    link = permalink(row.thread, workspace_url)
    when = f"Since {moment(row.opened_at)} ({date(row.opened_at, '{ago}')})"
    block: Block = {
        "type": "section",
        "fields": [plain(what, 300), mrkdwn(f"{when}\n<{link}|Open thread>" if link else when)],
    }
    fields = block["fields"]
    state = _state(row)
    if state and isinstance(fields, list):
        fields.append(state)
    if row.owner is None:
        value = str(row.escalation_id)
        block["accessory"] = labelled(QueueAction.TAKE, "Take Over", value, who)
    return block


def _state(row: BoardRow) -> Block | None:
    if row.owner:
        return plain(f"🟢 Assigned to {named(row.owner.name)}", 200)
    if row.snoozed_until:
        return mrkdwn(f"💤 Snoozed until {moment(row.snoozed_until)}")
    return None
