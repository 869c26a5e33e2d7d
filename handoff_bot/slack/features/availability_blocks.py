"""Renders an agent's availability in the Home tab, and the modal to change it."""

from __future__ import annotations

from enum import StrEnum

from handoff_bot.domain.availability import Availability
from handoff_bot.slack.kit.fields import asking, labelled, modal, text_field
from handoff_bot.slack.kit.text import Block, actions, context, moment, mrkdwn

ARRANGE = "availability"
CAPACITY, HOURS, TIMEZONE = "my_capacity", "my_hours", "my_timezone"


class Presence(StrEnum):
    """Action ids of the buttons in the Home tab."""

    COME = "availability_on"
    LEAVE = "availability_off"
    ARRANGE = "availability_arrange"


def render_presence(mine: Availability) -> list[Block]:
    """Renders the current state and the buttons to change it."""
    change = (
        labelled(Presence.COME, "Set available", "on")
        if mine.is_away or not mine.on_roster
        else labelled(Presence.LEAVE, "Set away", "off")
    )
    buttons = actions(change, labelled(Presence.ARRANGE, "Hours and capacity…", "mine"))
    return [context(mrkdwn(in_words(mine))), buttons]


def in_words(mine: Availability) -> str:
    """Returns the state as text, with Slack's dates."""
    load = f"{mine.load} of {mine.capacity}" if mine.capacity else str(mine.load)
    busy = f" · {load} in progress"
    if not mine.on_roster:
        return "⚪ You're offline. New conversations won't be offered to you."
    if mine.is_away:
        back = f" until {moment(mine.until)}" if mine.until else ""
        return f"⚪ You're away{back}{busy}"
    if not mine.in_hours:
        return f"🟡 You're available, but outside your hours{busy}"
    return f"🟢 You're available{busy}"


def render_arrangement(mine: Availability) -> Block:
    """Renders the modal for hours and capacity."""
    blocks = [
        asking(
            "Capacity (open conversations)",
            text_field(CAPACITY, initial=str(mine.own_capacity), most=3),
            hint="0 = the team's default",
            optional=True,
        ),
        asking(
            "My hours",
            text_field(HOURS, initial="\n".join(mine.hours), many_lines=True, most=600),
            hint="One per line, e.g. mon-fri 9:00-17:00. Leave empty for 24/7.",
            optional=True,
        ),
        asking(
            "My time zone",
            text_field(TIMEZONE, initial=mine.timezone, most=60),
            hint="E.g. Europe/Berlin",
            optional=True,
        ),
    ]
    return modal("Hours and capacity", blocks, callback_id=ARRANGE, submit="Save", close="Cancel")
