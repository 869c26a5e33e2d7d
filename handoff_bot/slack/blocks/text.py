"""The words inside blocks: made safe, cut to Slack's limits, never able to ping, format or link.

What contacts (and models) wrote goes into `plain_text` and `rich_text` elements, which Slack does not
parse; `mrkdwn` holds our own words and Slack's dates alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from handoff_bot.domain.words import clean as clean
from handoff_bot.domain.words import one_line as one_line
from handoff_bot.domain.words import shorten as shorten
from handoff_bot.domain.words import spelled as spelled

Block = dict[str, object]

SECTION_LIMIT = 3000
HEADER_LIMIT = 150
BUTTON_LIMIT = 75
LABEL_LIMIT = 75
NAME_LIMIT = 60
NOTIFICATION_LIMIT = 300

_ID = re.compile("[CGSUW][A-Z0-9]{2,20}")

NOTHING = "(no text)"
"""Stands where a text would be empty, which Slack refuses."""


@dataclass(frozen=True)
class Drawing:
    """A message at the desk.

    Attributes:
        text: what notifications and screen readers say; escaped.
        blocks: what is shown.
    """

    text: str
    blocks: list[Block]


def named(name: str, limit: int = NAME_LIMIT) -> str:
    """A name on one line, never empty."""
    return one_line(name, limit) or "Unknown"


def escape(text: str) -> str:
    """Text that Slack shows as it is where it would read `<…>` and `&…;` as instructions."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def notification(text: str, limit: int = NOTIFICATION_LIMIT) -> str:
    """The top-level text of a message."""
    return escape(one_line(text, limit)) or NOTHING


def plain(text: str, limit: int = SECTION_LIMIT) -> Block:
    """A text object that Slack does not parse, without emoji codes."""
    return {"type": "plain_text", "text": shorten(text, limit) or NOTHING, "emoji": False}


def mrkdwn(text: str) -> Block:
    """A text object in Slack's markup, for our own words only."""
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def mention(desk_id: str) -> str:
    """A person, a user group or a slack_channel in markup, by its id; "" for what is no id."""
    if not _ID.fullmatch(desk_id):
        return ""
    form = {"S": "<!subteam^{}>", "C": "<#{}>", "G": "<#{}>"}.get(desk_id[0], "<@{}>")
    return form.format(desk_id)


def date(at: datetime, pattern: str) -> str:
    """A moment in markup, which the client renders in the reader's own time zone."""
    return f"<!date^{int(at.timestamp())}^{pattern}|{at:%Y-%m-%d %H:%M UTC}>"


def moment(at: datetime) -> str:
    """Day and time, in markup."""
    return date(at, "{date_short_pretty} {time}")


def header(text: str) -> Block:
    """A line in large letters."""
    return {"type": "header", "text": plain(text, HEADER_LIMIT)}


def section(text: str) -> Block:
    """A paragraph that Slack does not parse."""
    return {"type": "section", "text": plain(text)}


def context(*elements: Block) -> Block:
    """A line in small letters, at most ten elements."""
    return {"type": "context", "elements": list(elements)}


def actions(*buttons: Block) -> Block:
    """A row of buttons."""
    return {"type": "actions", "elements": list(buttons)}


def rich(*parts: Block) -> Block:
    """A block of literal text."""
    return {"type": "rich_text", "elements": list(parts)}


def line(*elements: Block) -> Block:
    """A paragraph in a `rich` block."""
    return {"type": "rich_text_section", "elements": list(elements)}


def quote(text: str, limit: int) -> Block:
    """Somebody's own words, literally, in a `rich` block."""
    return {"type": "rich_text_quote", "elements": [words(text, limit)]}


def bullets(*lines: Block) -> Block:
    """A list of `line`s in a `rich` block."""
    return {"type": "rich_text_list", "style": "bullet", "elements": list(lines)}


def words(text: str, limit: int) -> Block:
    """Literal text in a `rich` block."""
    return {"type": "text", "text": shorten(text, limit) or NOTHING}


def strong(label: str) -> Block:
    """A label of ours in bold, exactly as it is, in a `rich` block."""
    return {"type": "text", "text": label, "style": {"bold": True}}
