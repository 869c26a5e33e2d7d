"""One's own availability: as a line in Home, and as a window."""

from __future__ import annotations

from enum import StrEnum

from handoff_bot.domain.availability import Availability
from handoff_bot.slack.blocks.buttons import labelled
from handoff_bot.slack.blocks.fields import asking, text_field, window
from handoff_bot.slack.blocks.text import Block, actions, context, moment, mrkdwn

ARRANGE = "availability"
CAPACITY, HOURS, TIMEZONE = "my_capacity", "my_hours", "my_timezone"


class Presence(StrEnum):
    """Buttons in Home; the value is the action id."""

    COME = "availability_on"
    LEAVE = "availability_off"
    ARRANGE = "availability_arrange"


def draw_presence(mine: Availability) -> list[Block]:
    """The state in words, and how to change it."""
    change = (
        labelled(Presence.COME, "I am here", "on")
        if mine.is_away or not mine.on_roster
        else labelled(Presence.LEAVE, "I am away", "off")
    )
    buttons = actions(change, labelled(Presence.ARRANGE, "Hours and capacity…", "mine"))
    return [context(mrkdwn(in_words(mine))), buttons]


def in_words(mine: Availability) -> str:
    """In our own words and Slack's dates."""
    load = f"{mine.load} of {mine.capacity}" if mine.capacity else str(mine.load)
    busy = f" · talking to {load}"
    if not mine.on_roster:
        return "⚪ You are not on the roster: nobody is offered to you."
    if mine.is_away:
        back = f" until {moment(mine.until)}" if mine.until else ""
        return f"⚪ You are away{back}{busy}"
    if not mine.in_hours:
        return f"🟡 You are here, outside of your hours{busy}"
    return f"🟢 You are available{busy}"


def draw_arrangement(mine: Availability) -> Block:
    """Hours and capacity."""
    blocks = [
        asking(
            "Conversations at once",
            text_field(CAPACITY, initial=str(mine.own_capacity), most=3),
            hint="0 for the team's usual number.",
            optional=True,
        ),
        asking(
            "My working hours",
            text_field(HOURS, initial="\n".join(mine.hours), many_lines=True, most=600),
            hint="One a line, like mon-fri 9:00-17:00. Nothing for any time.",
            optional=True,
        ),
        asking(
            "My time zone",
            text_field(TIMEZONE, initial=mine.timezone, most=60),
            hint="Like Europe/Berlin.",
            optional=True,
        ),
    ]
    return window("Hours and capacity", blocks, callback_id=ARRANGE, submit="Save", close="Cancel")
