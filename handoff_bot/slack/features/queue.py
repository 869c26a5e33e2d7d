"""The queue's modal, the Home tab, and "Take next"."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

from slack_bolt import Ack

from handoff_bot.domain.action_result import ActionResult
from handoff_bot.domain.escalations import Step
from handoff_bot.domain.queue import Filter, Whose
from handoff_bot.domain.roles import Action
from handoff_bot.domain.signals import Priority, Signal
from handoff_bot.slack.cards.board import permalink
from handoff_bot.slack.cards.thread import render_words
from handoff_bot.slack.click import Click, Tools, ephemeral, number
from handoff_bot.slack.feature import (
    Body,
    Feature,
    Shortcut,
    ShortcutCall,
    SlashCommand,
    Subject,
    guarded,
)
from handoff_bot.slack.features.home_blocks import REFRESH, render_home, render_presence
from handoff_bot.slack.features.queue_blocks import OWNED, QueueAction, render_queue
from handoff_bot.slack.kit.fields import ANY, modal
from handoff_bot.slack.kit.form import one, word_of
from handoff_bot.slack.kit.text import Block, SlackMessage, section

_LONGEST_WAIT = 366 * 24 * 60
"""Limit in minutes: larger values are not from the menu, and could overflow a date."""
YOURS = "This conversation is now assigned to you."


# -- the modal


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


def _rendered(tools: Tools, wanted: Filter, page: int, desk_id: str, banner: str = "") -> Block:
    wanted = replace(wanted, slack_channels=tools.core.roles.reach(desk_id))
    found = tools.core.queue.page(wanted, page)
    return render_queue(found, wanted, tools.desk.workspace(), banner)


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
    link: str = ""


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
    thread = tools.core.escalations.thread(escalation_id)
    return _Taken(outcome.text or YOURS, permalink(thread, tools.desk.workspace()))


def _answer(tools: Tools, click: Click, taken: _Taken) -> None:
    """Answers with a banner in the Home tab and the modal; elsewhere with an ephemeral message."""
    words = f"{taken.text} {taken.link}".strip()
    if not click.view_id:
        ephemeral(tools.desk, click, words)
    elif click.is_home:
        publish(tools, click.desk_id, words)
    else:
        tools.desk.update_view(
            click.view_id, _rendered(tools, _filter(click), 0, click.desk_id, words)
        )


# -- Home tab


def publish(tools: Tools, desk_id: str, banner: str = "") -> None:
    """Publishes a person's current Home tab."""
    person = tools.desk.person(desk_id)
    home = tools.core.homes.of(
        tools.desk.agent(desk_id),
        person.timezone,
        tools.core.roles.reach(desk_id),
        may_administer=tools.may_administer(desk_id),
    )
    mine = tools.core.availability.of(home.agent)
    view = render_home(home, tools.desk.workspace(), banner, render_presence(mine))
    tools.desk.publish_home(desk_id, view)


def opened(tools: Tools, body: Body) -> None:
    """A person opened the app's Home tab."""
    if body["event"].get("tab") == "home":
        publish(tools, str(body["event"]["user"]))


def refreshed(tools: Tools, click: Click, ack: Ack) -> None:
    """Updates the Home tab."""
    ack()
    publish(tools, click.desk_id)


# -- commands


def list_queue(tools: Tools, asked: SlashCommand) -> SlackMessage | None:
    """`/handoff queue`: opens the modal."""
    _open(tools, asked.trigger_id, asked.desk_id)
    return None


def next_in_words(tools: Tools, asked: SlashCommand) -> SlackMessage:
    """`/handoff next`."""
    reach = tools.core.roles.reach(asked.desk_id)
    found, outcome = tools.core.queue.take_next(tools.desk.agent(asked.desk_id), reach)
    taken = _told(tools, found, outcome)
    return render_words(f"{taken.text} {taken.link}".strip())


def show_from_anywhere(tools: Tools, called: ShortcutCall) -> None:
    """The global shortcut."""
    _open(tools, called.trigger_id, called.desk_id)


FEATURE = Feature(
    clicks={
        QueueAction.SHOW: guarded(Action.SEARCH, show),
        QueueAction.NEXT: guarded(Action.CLAIM, take_next),
        QueueAction.TAKE: guarded(Action.CLAIM, take, Subject.ESCALATION),
        QueueAction.WHOSE: guarded(Action.SEARCH, filtered),
        QueueAction.CHANNEL: guarded(Action.SEARCH, filtered),
        QueueAction.PRIORITY: guarded(Action.SEARCH, filtered),
        QueueAction.REASON: guarded(Action.SEARCH, filtered),
        QueueAction.WAITED: guarded(Action.SEARCH, filtered),
        QueueAction.EARLIER: guarded(Action.SEARCH, turned),
        QueueAction.LATER: guarded(Action.SEARCH, turned),
        REFRESH: guarded(Action.SEARCH, refreshed),
    },
    commands={
        "queue": guarded(Action.SEARCH, list_queue),
        "next": guarded(Action.CLAIM, next_in_words),
    },
    shortcuts={
        "show_queue": Shortcut(
            "View queue",
            "Waiting customers and assigned agents",
            False,
            guarded(Action.SEARCH, show_from_anywhere),
        ),
    },
    events={"app_home_opened": guarded(Action.SEARCH, opened)},
    help=(
        "/handoff queue: view the queue",
        "/handoff next: take the most urgent conversation",
    ),
)
