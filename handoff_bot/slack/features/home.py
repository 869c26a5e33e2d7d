"""The Home tab: the agent's conversations, the queue, today's metrics, and buttons to everything else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import StrEnum

from slack_bolt import Ack

from handoff_bot.domain import report
from handoff_bot.domain.desk import EMPTY, BoardRow, Home, MyRow
from handoff_bot.domain.hours import Availability
from handoff_bot.domain.roles import Action
from handoff_bot.slack.cards.card import PRIORITIES, REASONS, banner_of, permalink
from handoff_bot.slack.cards.thread import render_words
from handoff_bot.slack.feature import Body, Click, Feature, SlashCommand, Tools, guarded
from handoff_bot.slack.features import setup
from handoff_bot.slack.features.admins import by_admins
from handoff_bot.slack.features.settings import SettingsAction
from handoff_bot.slack.features.setup import SetupAction
from handoff_bot.slack.features.stats import StatsAction
from handoff_bot.slack.features.tickets import TicketsAction
from handoff_bot.slack.kit.fields import labelled
from handoff_bot.slack.kit.text import (
    Block,
    SlackMessage,
    actions,
    context,
    date,
    header,
    moment,
    mrkdwn,
    named,
    plain,
    section,
    spelled,
)

_MOST_MINE = 20
ALL_SET = "Setup is complete: all steps are done."


class HomeAction(StrEnum):
    """Action ids of the buttons in the Home tab; some are also in the queue's modal."""

    REFRESH = "home_refresh"
    QUEUE = "queue_show"
    NEXT = "queue_next"
    TAKE = "queue_take"


class Presence(StrEnum):
    """Action ids of the buttons for the availability."""

    COME = "availability_on"
    LEAVE = "availability_off"
    ARRANGE = "availability_arrange"


def render_home(
    home: Home,
    workspace_url: str,
    banner: str = "",
    presence: Sequence[Block] = (),
    checklist: Sequence[Block] = (),
    link: str = "",
) -> Block:
    """Renders the Home tab.

    Args:
        home: its data.
        workspace_url: the base of links to threads, "" for no links.
        banner: the result of the last click, at the top.
        presence: the agent's availability, with its buttons.
        checklist: what is left to set up, for admins.
        link: the address of the thread that the banner is about, or "".
    """
    blocks = banner_of(banner, link)
    blocks += [
        *checklist,
        *presence,
        actions(
            labelled(HomeAction.NEXT, "Take next", "home") | {"style": "primary"},
            labelled(HomeAction.QUEUE, "View queue", "home"),
            labelled(TicketsAction.SHOW, "Tickets", "home"),
            labelled(StatsAction.SHOW, "Reports", "home"),
            *([labelled(SettingsAction.SHOW, "Settings", "home")] if home.may_administer else ()),
            labelled(HomeAction.REFRESH, "Refresh", "home"),
        ),
        header(f"Your conversations: {home.mine_in_all}"),
        *_mine(home, workspace_url),
        header(f"Queue: {home.waits} waiting · {home.claimed} in progress"),
        *_waiting(home, workspace_url),
        header("Today"),
        section(_today(home)),
    ]
    return {"type": "home", "blocks": blocks}


def _mine(home: Home, workspace_url: str) -> Iterator[Block]:
    for mine in home.mine[:_MOST_MINE]:
        yield _my_row(mine, workspace_url)
    rest = home.mine_in_all - len(home.mine[:_MOST_MINE])
    if rest > 0:
        yield context(plain(f"… and {rest} more. View queue lists them by assignee."))
    if not home.mine:
        yield context(plain("You have no open conversations."))


def _my_row(mine: MyRow, workspace_url: str) -> Block:
    row = mine.row
    who = f"{PRIORITIES[row.priority]} · {named(row.contact)} on {spelled(row.channel)}"
    state = "✍️ Waiting for your reply" if mine.waits_for_me else "💬 Waiting for the customer"
    since = date(mine.said_at or row.opened_at, "{ago}")
    link = permalink(row.thread, workspace_url)
    return {
        "type": "section",
        "fields": [
            plain(f"{who}\n{state}", 300),
            mrkdwn(f"{since}\n<{link}|Open thread>" if link else since),
        ],
    }


def _waiting(home: Home, workspace_url: str) -> Iterator[Block]:
    for row in home.waiting:
        yield render_row(row, workspace_url)
    if home.waits > len(home.waiting):
        rest = home.waits - len(home.waiting)
        yield context(plain(f"… and {rest} more, less urgent. View queue lists them all."))
    if not home.waits:
        yield context(plain(EMPTY))


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
        block["accessory"] = labelled(HomeAction.TAKE, "Take Over", value, who)
    return block


def _state(row: BoardRow) -> Block | None:
    if row.owner:
        return plain(f"🟢 Assigned to {named(row.owner.name)}", 200)
    if row.snoozed_until:
        return mrkdwn(f"💤 Snoozed until {moment(row.snoozed_until)}")
    return None


def _today(home: Home) -> str:
    mine = f"\nYou: {report.of_agent(home.mine_today)}" if home.mine_today else ""
    return f"{report.headline(home.today)}{mine}"


def render_presence(mine: Availability) -> list[Block]:
    """Renders the current state and the buttons to change it."""
    change = (
        labelled(Presence.COME, "Set available", "on")
        if mine.is_away or not mine.on_roster
        else labelled(Presence.LEAVE, "Set away", "off")
    )
    leave = [labelled(Presence.LEAVE, "Set away", "off")] if mine.by_presence else []
    arrange = labelled(Presence.ARRANGE, "Hours and capacity…", "mine")
    buttons = actions(change, *leave, arrange)
    return [context(mrkdwn(presence_text(mine))), buttons]


def presence_text(mine: Availability) -> str:
    """Returns the state as text, with Slack's dates."""
    load = f"{mine.load} of {mine.capacity}" if mine.capacity else str(mine.load)
    busy = f" · {load} in progress"
    if mine.by_presence:
        return "🟢 You get offers while you're active in Slack."
    if not mine.on_roster:
        return "⚪ You're offline. New conversations won't be offered to you."
    if mine.is_away:
        back = f" until {moment(mine.until)}" if mine.until else ""
        return f"⚪ You're away{back}{busy}"
    if not mine.in_hours:
        return f"🟡 You're available, but outside your hours{busy}"
    return f"🟢 You're available{busy}"


# -- listeners


def publish(tools: Tools, desk_id: str, banner: str = "", link: str = "") -> None:
    """Publishes a person's current Home tab."""
    person = tools.desk.person(desk_id)
    home = tools.core.homes.of(
        tools.desk.agent(desk_id),
        person.timezone,
        tools.core.roles.reach(desk_id),
        may_administer=tools.may_administer(desk_id),
    )
    mine = tools.core.availability.of(home.agent)
    steps = setup.shown(tools) if home.may_administer else ()
    checklist = setup.render_steps(steps) if steps else ()
    workspace = tools.desk.workspace()
    view = render_home(home, workspace, banner, render_presence(mine), checklist, link)
    tools.desk.publish_home(desk_id, view)


def opened(tools: Tools, body: Body) -> None:
    """A person opened the app's Home tab."""
    if body["event"].get("tab") == "home":
        publish(tools, str(body["event"]["user"]))


def refreshed(tools: Tools, click: Click, ack: Ack) -> None:
    """Updates the Home tab."""
    ack()
    publish(tools, click.desk_id)


def kept(tools: Tools, click: Click, ack: Ack) -> None:
    """An admin keeps the default of a setup step."""
    tools.core.first_steps.keep(click.value, click.desk_id)
    _changed(tools, click, ack)


def dismissed(tools: Tools, click: Click, ack: Ack) -> None:
    """An admin dismisses the setup checklist."""
    tools.core.first_steps.dismiss(click.desk_id)
    _changed(tools, click, ack)


def _changed(tools: Tools, click: Click, ack: Ack) -> None:
    tools.core.first_steps.changed()
    ack()
    publish(tools, click.desk_id)


def settings_saved(tools: Tools, desk_id: str) -> None:
    """An admin saved something: ticks the setup steps that are done now."""
    if not tools.core.first_steps.is_open():
        return
    tools.core.first_steps.changed()
    publish(tools, desk_id)


def set_up(tools: Tools, asked: SlashCommand) -> SlackMessage:
    """`/handoff setup`: shows the setup checklist, also after it was dismissed."""
    tools.core.first_steps.dismiss(asked.desk_id, dismissed=False)
    tools.core.first_steps.changed()
    steps = setup.shown(tools)
    return setup.render_checklist(steps) if steps else render_words(ALL_SET)


FEATURE = Feature(
    clicks={
        HomeAction.REFRESH: guarded(Action.SEARCH, refreshed),
        SetupAction.KEEP: by_admins(kept),
        SetupAction.DISMISS: by_admins(dismissed),
    },
    commands={"setup": by_admins(set_up)},
    help=("/handoff setup: the setup checklist",),
    events={"app_home_opened": guarded(Action.SEARCH, opened)},
)
