"""The words inside blocks: made safe, cut to Slack's limits, never able to ping, format or link.

What contacts (and models) wrote goes into `plain_text` and `rich_text` elements, which Slack does not
parse; `mrkdwn` holds our own words and Slack's dates alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from handoff_bot.domain.messages import storable
from handoff_bot.domain.splitting import split_text

Block = dict[str, object]

SECTION_LIMIT = 3000
HEADER_LIMIT = 150
BUTTON_LIMIT = 75
LABEL_LIMIT = 75
NAME_LIMIT = 60
NOTIFICATION_LIMIT = 300

NOTHING = "(no text)"
"""Stands where a text would be empty, which Slack refuses."""

_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
"""Control characters, and those that turn the direction of whatever stands behind them."""

_SPELLINGS = {"sms": "SMS", "rcs": "RCS", "whatsapp": "WhatsApp", "webchat": "web chat"}


@dataclass(frozen=True)
class Drawing:
    """A message at the desk.

    Attributes:
        text: what notifications and screen readers say; escaped.
        blocks: what is shown.
    """

    text: str
    blocks: list[Block]


def clean(text: str) -> str:
    """Text without what cannot be shown or would disturb what stands around it."""
    return _CONTROLS.sub("", storable(text)).strip()


def shorten(text: str, limit: int) -> str:
    """Clean text of at most `limit` characters, ending in … when something was left out."""
    text = clean(text)
    beginning = text[: 2 * limit]  # the rest cannot matter, and may be very long
    pieces = split_text(beginning, limit)
    if len(pieces) <= 1 and beginning == text:
        return text
    return f"{split_text(beginning, limit - 1)[0]}…"


def one_line(text: str, limit: int) -> str:
    """Shortened, with all white space (line breaks too) as single spaces."""
    return shorten(" ".join(clean(text[: 4 * limit]).split()), limit)


def named(name: str, limit: int = NAME_LIMIT) -> str:
    """A name on one line, never empty."""
    return one_line(name, limit) or "Somebody"


def spelled(channel: str) -> str:
    """A channel's kind as people write it."""
    return _SPELLINGS.get(channel, channel.replace("_", " ").capitalize())


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
