"""Text objects and blocks: escaped, cut to Slack's limits, never able to ping, format or link.

Text by contacts (and models) goes into `plain_text` and `rich_text` elements, which Slack does not parse.
`mrkdwn` holds only our own text and Slack's dates.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from handoff_bot.domain.desk import EVERYONE, HERE
from handoff_bot.domain.splitting import split_text
from handoff_bot.domain.text import clean as clean
from handoff_bot.domain.text import one_line as one_line
from handoff_bot.domain.text import shorten as shorten
from handoff_bot.domain.text import spelled as spelled

Block = dict[str, object]

SECTION_LIMIT = 3000
LONGEST_TOLD = 3600
"""Characters of a text in several sections. With a table, and the notification, a message stays below
10,000, above which Slack refuses it.
"""
HEADER_LIMIT = 150
ALERT = "alert"
ALERT_LIMIT = 200
BUTTON_LIMIT = 75
LABEL_LIMIT = 75
NAME_LIMIT = 60
NOTIFICATION_LIMIT = 300

_FROM_THE_RIGHT = frozenset({"R", "AL"})
_ID = re.compile("[CGSUW][A-Z0-9]{2,20}")

NOTHING = "(no text)"
"""Replaces an empty text, which Slack refuses."""


@dataclass(frozen=True)
class SlackMessage:
    """A rendered message.

    Attributes:
        text: for notifications and screen readers; escaped.
        blocks: the visible blocks.
        basic: the same content without blocks that a workspace may not have; None if there are none.
    """

    text: str
    blocks: list[Block]
    basic: list[Block] | None = None


def named(name: str, limit: int = NAME_LIMIT) -> str:
    """Returns a name on one line, never empty."""
    return one_line(name, limit) or "Unknown"


def escape(text: str) -> str:
    """Escapes text in which Slack would read `<…>` and `&…;` as markup."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def notification(text: str, limit: int = NOTIFICATION_LIMIT) -> str:
    """Returns the top-level text of a message."""
    return escape(one_line(text, limit)) or NOTHING


def plain(text: str, limit: int = SECTION_LIMIT) -> Block:
    """Returns a text object that Slack does not parse, without emoji codes."""
    return {"type": "plain_text", "text": shorten(text, limit) or NOTHING, "emoji": False}


def in_order(text: str) -> str:
    """Returns the text with a left-to-right mark at its end, if a part is written from the right.

    Without it, what follows would be shown in reverse order, such as a rating after an Arabic tag.
    """
    is_turned = any(unicodedata.bidirectional(char) in _FROM_THE_RIGHT for char in text)
    return f"{text}\u200e" if is_turned else text


def mrkdwn(text: str) -> Block:
    """Returns a text object in Slack's markup, for our own text only."""
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def mention(desk_id: str) -> str:
    """Returns the mention of a person, a user group or a slack_channel by its id; "" if it is not an id.

    Also HERE and EVERYONE, which stand for the members of the Slack channel.
    """
    if desk_id in (HERE, EVERYONE):
        return f"<!{desk_id}>"
    if not _ID.fullmatch(desk_id):
        return ""
    form = {"S": "<!subteam^{}>", "C": "<#{}>", "G": "<#{}>"}.get(desk_id[0], "<@{}>")
    return form.format(desk_id)


def called(desk_id: str) -> Block:
    """Returns the mention of a user group, or of HERE or EVERYONE, in a `rich` block."""
    if desk_id in (HERE, EVERYONE):
        return {"type": "broadcast", "range": desk_id}
    return {"type": "usergroup", "usergroup_id": desk_id}


def date(at: datetime, pattern: str) -> str:
    """Returns a moment in markup, which the client renders in the reader's time zone."""
    return f"<!date^{int(at.timestamp())}^{pattern}|{at:%Y-%m-%d %H:%M UTC}>"


def moment(at: datetime) -> str:
    """Returns day and time, in markup."""
    return date(at, "{date_short_pretty} {time}")


def header(text: str) -> Block:
    """Returns a header block."""
    return {"type": "header", "text": plain(text, HEADER_LIMIT)}


def section(text: str) -> Block:
    """Returns a section that Slack does not parse."""
    return {"type": "section", "text": plain(text)}


def sections(text: str) -> list[Block]:
    """Returns a long text as several sections; only what exceeds LONGEST_TOLD is cut."""
    text = shorten(text, LONGEST_TOLD)
    pieces = split_text(text, SECTION_LIMIT)
    return [section(piece) for piece in pieces] if len(pieces) > 1 else [section(text)]


WARNING = "⚠️ "
"""Beginning of a text that warns."""


def told(text: str) -> Block:
    """Returns a section, or for a text that warns an alert, for modals only. A long one is not cut."""
    warning = text.removeprefix(WARNING)
    if warning == text or len(warning) > ALERT_LIMIT:
        return section(text)
    return {"type": ALERT, "level": "warning", "text": plain(warning, ALERT_LIMIT)}


def without_alerts(view: Block) -> Block:
    """Returns a modal whose alerts are sections."""
    return view | {"blocks": [_as_section(block) for block in _blocks(view)]}


def has_alerts(view: Block) -> bool:
    return any(block["type"] == ALERT for block in _blocks(view))


def _blocks(view: Block) -> list[Any]:
    blocks = view["blocks"]
    return blocks if isinstance(blocks, list) else []


def _as_section(block: Any) -> Block:
    return section(f"{WARNING}{block['text']['text']}") if block["type"] == ALERT else block


def context(*elements: Block) -> Block:
    """Returns a context block of at most ten elements."""
    return {"type": "context", "elements": list(elements)}


def actions(*buttons: Block) -> Block:
    """Returns a row of buttons."""
    return {"type": "actions", "elements": list(buttons)}


def rich(*parts: Block) -> Block:
    """Returns a rich text block, for text that Slack does not parse."""
    return {"type": "rich_text", "elements": list(parts)}


def line(*elements: Block) -> Block:
    """Returns a paragraph of a `rich` block."""
    return {"type": "rich_text_section", "elements": list(elements)}


def quote(text: str, limit: int) -> Block:
    """Returns a quotation of literal text, in a `rich` block."""
    return {"type": "rich_text_quote", "elements": [words(text, limit)]}


def bullets(*lines: Block) -> Block:
    """Returns a list of `line`s, in a `rich` block."""
    return {"type": "rich_text_list", "style": "bullet", "elements": list(lines)}


def words(text: str, limit: int) -> Block:
    """Returns literal text, in a `rich` block."""
    return {"type": "text", "text": shorten(text, limit) or NOTHING}


def strong(label: str) -> Block:
    """Returns a bold label of ours, in a `rich` block."""
    return {"type": "text", "text": label, "style": {"bold": True}}
