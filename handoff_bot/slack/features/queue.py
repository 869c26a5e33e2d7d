"""The queue's modal, with filters and up to fifteen rows per page, and "Take next"."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum

from slack_bolt import Ack

from handoff_bot.domain.desk import EMPTY, Filter, Place, Post, PostKind, QueuePage, Whose
from handoff_bot.domain.escalations import Step
from handoff_bot.domain.results import ActionResult
from handoff_bot.domain.roles import Action
from handoff_bot.domain.signals import Priority, Signal
from handoff_bot.services.escalations.availability import YOURS
from handoff_bot.slack.cards.card import PRIORITIES, REASONS, banner_of, held_in_words, permalink
from handoff_bot.slack.cards.thread import render_post, render_words
from handoff_bot.slack.feature import (
    Click,
    Feature,
    Shortcut,
    ShortcutCall,
    SlashCommand,
    Subject,
    Tools,
    ephemeral,
    guarded,
    number,
)
from handoff_bot.slack.features import home
from handoff_bot.slack.features.home import HomeAction, render_row
from handoff_bot.slack.kit.fields import ANY, filter_menu, labelled, menu, modal, turns
from handoff_bot.slack.kit.form import one, word_of
from handoff_bot.slack.kit.text import (
    Block,
    SlackMessage,
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
WHICH = "Add a ticket number: /handoff take 12"
NO_SUCH_TICKET = "Ticket #{number} does not exist."
_LONGEST_WAIT = 366 * 24 * 60
"""Limit in minutes: larger values are not from the menu, and could overflow a date."""


class QueueAction(StrEnum):
    """Action ids of the filters and pages."""

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


def render_queue(
    page: QueuePage, shown: Filter, workspace_url: str, banner: str = "", link: str = ""
) -> Block:
    """Renders the modal.

    Args:
        page: its data.
        shown: the filter of this page.
        workspace_url: the base of links to threads, "" for no links.
        banner: the result of the last click, at the top.
        link: the address of the thread that the result is about, or "".
    """
    blocks = banner_of(banner, link)
    blocks.append(actions(*_filters(page, shown)))
    blocks.append(context(plain(_totals(page))))
    for row in page.rows:
        blocks.append(render_row(row, workspace_url))
    if not page.rows:
        blocks.append(section(_nothing(page, shown)))
    blocks += _held(page)
    others = turns(QueueAction.EARLIER, QueueAction.LATER, page.page, page.pages)
    blocks.append(actions(labelled(HomeAction.NEXT, "Take next", "window"), *others))
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
    return f"{EMPTY} 🎉" if shown.whose is Whose.WAITING else "No conversations."


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


# -- listeners


def show(tools: Tools, click: Click, ack: Ack) -> None:
    """Opens the modal."""
    ack()
    _open(tools, click.trigger_id, click.desk_id)


def _open(tools: Tools, trigger_id: str, desk_id: str) -> None:
    view_id = tools.desk.open_view(trigger_id, modal("Queue", [section("Loading…")]))
    tools.desk.update_view(view_id, _rendered(tools, Filter(), 0, desk_id))


def filtered(tools: Tools, click: Click, ack: Ack) -> None:
    """Another filter: shows its first page."""
    ack()
    tools.desk.update_view(click.view_id, _rendered(tools, _filter(click), 0, click.desk_id))


def turned(tools: Tools, click: Click, ack: Ack) -> None:
    """Another page of the same filter."""
    ack()
    tools.desk.update_view(
        click.view_id, _rendered(tools, _filter(click), click.number or 0, click.desk_id)
    )


def _rendered(
    tools: Tools, wanted: Filter, page: int, desk_id: str, banner: str = "", link: str = ""
) -> Block:
    wanted = replace(wanted, slack_channels=tools.core.roles.reach(desk_id))
    found = tools.core.queue.page(wanted, page)
    return render_queue(found, wanted, tools.desk.workspace(), banner, link)


def _filter(click: Click) -> Filter:
    """Parses the menus of the modal; an unknown value means any."""
    waited = number(_choice(click, QueueAction.WAITED) or "")
    chosen = _choice(click, QueueAction.WHOSE) or ""
    somebody = chosen.removeprefix(OWNED) if chosen.startswith(OWNED) else ""
    whose = Whose.CLAIMED if somebody else word_of(Whose, chosen) or Whose.WAITING
    mine = click.desk_id if whose is Whose.MINE else None
    return Filter(
        whose=whose,
        channel=_choice(click, QueueAction.CHANNEL),
        priority=word_of(Priority, _choice(click, QueueAction.PRIORITY)),
        reason=word_of(Signal, _choice(click, QueueAction.REASON)),
        waited=timedelta(minutes=min(waited, _LONGEST_WAIT)) if waited else None,
        owner=somebody or mine,
    )


def _choice(click: Click, action: QueueAction) -> str | None:
    found = one(click.state, action)
    return None if found in ("", ANY) else found


# -- taking


@dataclass(frozen=True)
class _Taken:
    """The answer to an agent who took a conversation, or tried to."""

    text: str
    thread: Place | None = None


def take(tools: Tools, click: Click, ack: Ack) -> None:
    """Claims this conversation, and shows the result where the agent clicked."""
    if click.number is None:
        ack()
        return
    agent = tools.desk.agent(click.desk_id)
    outcome = tools.core.escalations.take(Step.CLAIM, click.number, agent)
    ack()
    _answer(tools, click, _told(tools, click.number, outcome))


def take_next(tools: Tools, click: Click, ack: Ack) -> None:
    """Claims the most urgent conversation."""
    reach = tools.core.roles.reach(click.desk_id)
    escalation_id, outcome = tools.core.queue.take_next(tools.desk.agent(click.desk_id), reach)
    ack()
    _answer(tools, click, _told(tools, escalation_id, outcome))


def _told(tools: Tools, escalation_id: int | None, outcome: ActionResult) -> _Taken:
    if not outcome.done or escalation_id is None:
        return _Taken(outcome.text)
    return _Taken(outcome.text or YOURS, tools.core.escalations.thread(escalation_id))


def _answer(tools: Tools, click: Click, taken: _Taken) -> None:
    """Answers with a banner in the Home tab and the modal; elsewhere with an ephemeral message."""
    words, link = taken.text, permalink(taken.thread, tools.desk.workspace())
    if not click.view_id:
        ephemeral(tools.desk, click, words)
    elif click.is_home:
        home.publish(tools, click.desk_id, words, link)
    else:
        tools.desk.update_view(
            click.view_id, _rendered(tools, _filter(click), 0, click.desk_id, words, link)
        )


# -- commands


def list_queue(tools: Tools, asked: SlashCommand) -> SlackMessage | None:
    """`/handoff queue`: opens the modal."""
    _open(tools, asked.trigger_id, asked.desk_id)
    return None


def next_in_words(tools: Tools, asked: SlashCommand) -> SlackMessage:
    """`/handoff next`."""
    return render_post(next_taken(tools, asked.desk_id), tools.desk.workspace())


def next_taken(tools: Tools, desk_id: str) -> Post:
    """Claims the most urgent conversation for an agent; returns the result with a link."""
    reach = tools.core.roles.reach(desk_id)
    return _post(_told(tools, *tools.core.queue.take_next(tools.desk.agent(desk_id), reach)))


def take_by_number(tools: Tools, asked: SlashCommand) -> SlackMessage:
    """`/handoff take 12`."""
    wanted = number(next(iter(asked.words.split()), "").removeprefix("#"))
    if wanted is None:
        return render_words(WHICH)
    return render_post(ticket_taken(tools, wanted, asked.desk_id), tools.desk.workspace())


def ticket_taken(tools: Tools, ticket: int, desk_id: str) -> Post:
    """Claims a ticket's conversation for an agent; returns the result with a link."""
    escalation_id = tools.core.tickets.escalation_of(ticket)
    if escalation_id is None:
        return Post(PostKind.TOLD, NO_SUCH_TICKET.format(number=ticket))
    outcome = tools.core.escalations.take(Step.CLAIM, escalation_id, tools.desk.agent(desk_id))
    return _post(_told(tools, escalation_id, outcome))


def _post(taken: _Taken) -> Post:
    return Post(PostKind.TOLD, taken.text, about=taken.thread)


def show_from_anywhere(tools: Tools, called: ShortcutCall) -> None:
    """The global shortcut."""
    _open(tools, called.trigger_id, called.desk_id)


FEATURE = Feature(
    clicks={
        HomeAction.QUEUE: guarded(Action.SEARCH, show),
        HomeAction.NEXT: guarded(Action.CLAIM, take_next),
        HomeAction.TAKE: guarded(Action.CLAIM, take, Subject.ESCALATION),
        QueueAction.WHOSE: guarded(Action.SEARCH, filtered),
        QueueAction.CHANNEL: guarded(Action.SEARCH, filtered),
        QueueAction.PRIORITY: guarded(Action.SEARCH, filtered),
        QueueAction.REASON: guarded(Action.SEARCH, filtered),
        QueueAction.WAITED: guarded(Action.SEARCH, filtered),
        QueueAction.EARLIER: guarded(Action.SEARCH, turned),
        QueueAction.LATER: guarded(Action.SEARCH, turned),
    },
    commands={
        "queue": guarded(Action.SEARCH, list_queue),
        "next": guarded(Action.CLAIM, next_in_words),
        "take": guarded(Action.CLAIM, take_by_number, Subject.TICKET),
    },
    shortcuts={
        "show_queue": Shortcut(
            "View queue",
            "Waiting customers and assigned agents",
            False,
            guarded(Action.SEARCH, show_from_anywhere),
        ),
    },
    help=(
        "/handoff queue: view the queue",
        "/handoff next: take the most urgent conversation",
        "/handoff take 12: take over the conversation of ticket 12",
    ),
)
