"""Text objects, blocks, charts and tables within Slack's limits, and plainer forms of a message."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from handoff_bot.domain.desk import EVERYONE, HERE
from handoff_bot.domain.report import MOST_POINTS, Cell, Chart, Point, Table
from handoff_bot.domain.text import clean as clean
from handoff_bot.domain.text import one_line as one_line
from handoff_bot.domain.text import shorten as shorten
from handoff_bot.domain.text import spelled as spelled
from handoff_bot.domain.text import split_text

# -- text objects and blocks: escaped, cut to Slack's limits, never able to ping, format or link
# Text by contacts (and models) goes into `plain_text` and `rich_text` elements, which Slack does
# not parse. `mrkdwn` holds only our own text and Slack's dates.

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


# -- plainer forms of a message, for when Slack refuses its layout

PLAINER = "(Slack could not show this message in its usual layout.)"
"""Stands below every plainer form, so that readers know that there is more."""
WHOLE = 12_000
"""Characters of a message without blocks; Slack truncates a text after 40,000."""
SHORT = 3_000
"""Characters that Slack always accepts: it refuses the text of an update from 4,000 on."""

BASIC = frozenset({"actions", "context", "divider", "header", "image", "rich_text", "section"})
"""Types of blocks that every workspace has. Slack rolls out newer types workspace by workspace."""

_MARKUP = re.compile(r"<([^<>|]*)(?:\|([^<>]*))?>")
_FORMATTING = re.compile(r"([*_~`])")
_NO_FORMATTING = "\\1\u200b"
"""An invisible space, put behind it: `chat.update` has no argument that switches formatting off."""


@dataclass(frozen=True)
class Form:
    """One form of a message.

    Attributes:
        blocks: None for text only.
        is_full: the original form, under the speaker's name.
        is_marked: carries metadata, by which the message is found after a crash.
    """

    text: str
    blocks: list[Block] | None
    is_full: bool = False
    is_marked: bool = True


def forms(rendered: SlackMessage, named: SlackMessage | None = None, hint: str = "") -> list[Form]:
    """Returns the original message, then plainer forms. None of them leaves customers' markup active.

    Args:
        named: the message with the speaker's name in it, where `rendered` leaves the name to the sender.
        hint: what to do where no buttons are shown.
    """
    written = named or rendered
    source = written.blocks if written.basic is None else written.basic
    literal = "\n".join(_lines(source)) or NOTHING
    called = [block for block in source if _calls(block)]
    found = [Form(rendered.text, rendered.blocks, is_full=True)]
    if rendered.basic is not None:
        found.append(Form(rendered.text, rendered.basic, is_full=True))
    buttons = [block for block in source if block.get("type") == "actions"]
    if buttons:
        room = SECTION_LIMIT - len(PLAINER) - 1
        shown: Block = {
            "type": "section",
            "text": plain(f"{shorten(literal, room)}\n{PLAINER}", SECTION_LIMIT),
        }
        found.append(Form(rendered.text, [*called, shown, *buttons]))
    below = f"{PLAINER}\n{hint}" if hint else PLAINER
    calls = "".join(f"{_markup(block)}\n" for block in called)
    for limit in (WHOLE, SHORT):
        words = _FORMATTING.sub(_NO_FORMATTING, escape(shorten(literal, limit)))
        found.append(Form(f"{calls}{words}\n{below}", None))
    return found


def _lines(blocks: Iterable[Any]) -> Iterator[str]:
    """Yields the text of blocks, line by line."""
    for block in blocks:
        if block.get("type") in ("actions", "divider"):
            continue
        text = " ".join(filter(None, map(_text, _parts(block))))
        if text:
            yield text


def _calls(block: Any) -> bool:
    """Whether the text mentions people; only our own markup can."""
    markup = _markup(block)
    return "<@" in markup or "<!subteam" in markup


def _markup(block: Any) -> str:
    text = block.get("text")
    return str(text["text"]) if isinstance(text, dict) and text.get("type") == "mrkdwn" else ""


def _parts(block: Any) -> Sequence[Any]:
    text = [block["text"]] if isinstance(block.get("text"), dict) else []
    return [*text, *block.get("fields", ()), *block.get("elements", ())]


def _text(part: Any) -> str:
    """Returns the text of a text object of any kind."""
    if "elements" in part:
        ends = "\n" if part.get("type") == "rich_text_list" else ""
        return ends.join(map(_text, part["elements"]))
    text = part.get("text") or part.get("alt_text") or ""
    if isinstance(text, dict):
        return _text(text)
    return _without_markup(text) if part.get("type") == "mrkdwn" else str(text)


def _without_markup(text: str) -> str:
    """Renders our own markup as plain text: dates and links by their labels, mentions as nothing."""

    def shown(found: re.Match[str]) -> str:
        target, label = found[1], found[2]
        if label:
            return f"{label} ({target})" if target.startswith("http") else label
        return target if target.startswith("http") else ""

    spelled = _MARKUP.sub(shown, text)
    return spelled.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&").strip()


# -- charts and tables as Slack's own blocks, and as text for workspaces without these blocks
# Limits: https://docs.slack.dev/reference/block-kit/blocks/data-visualization-block and
# https://docs.slack.dev/reference/block-kit/blocks/data-table-block. Both blocks are for messages.

TITLE_LIMIT = 50
DATA_LABEL_LIMIT = 20
CELL_LIMIT = 60
MOST_ROWS = 100
MOST_CHARACTERS = 4_000
"""Of all cells. Slack documents 20,000, older copies 10,000, and a message has other texts too."""
PAGE_SIZE = 20
MOST_TEXT = 1_500
"""Characters of a table or chart as text."""


def chart_block(chart: Chart) -> Block:
    """Returns a bar chart of at most MOST_POINTS points; Slack draws two of them in a message."""
    points = chart.points[:MOST_POINTS]
    labels = list(_unique(point.label for point in points))
    data = [
        {"label": label, "value": point.value} for label, point in zip(labels, points, strict=True)
    ]
    series = {"name": one_line(chart.unit, DATA_LABEL_LIMIT), "data": data}
    axes = {"categories": labels, "y_label": one_line(chart.unit, TITLE_LIMIT)}
    return {
        "type": "data_visualization",
        "title": one_line(chart.title, TITLE_LIMIT),
        "chart": {"type": "bar", "series": [series], "axis_config": axes},
    }


def chart_text(chart: Chart) -> Block:
    """Returns the chart's points as a list."""
    return _listed(chart.title, map(_spoken, chart.points))


def table_block(table: Table) -> Block:
    """Returns a table that Slack sorts and pages; rows above the limits are left out, and counted."""
    header = [{"type": "raw_text", "text": one_line(each, CELL_LIMIT)} for each in table.columns]
    rows = [[_cell(cell) for cell in row] for row in table.rows]
    kept = rows[: _fitting(rows)]
    of_all = f" ({len(kept)} of {len(rows)})" if len(kept) < len(rows) else ""
    return {
        "type": "data_table",
        "caption": f"{table.caption}{of_all}",
        "page_size": PAGE_SIZE,
        "rows": [header, *kept],
    }


def table_text(table: Table) -> Block:
    """Returns the rows as a list: a cell with a value under its column's name."""
    return _listed(table.caption, (_row(table.columns, row) for row in table.rows))


def _spoken(point: Point) -> str:
    return f"{point.label}: {point.shown}"


def _unique(labels: Iterable[str]) -> Iterator[str]:
    """Slack requires unique categories; an hour comes twice when clocks are put back."""
    seen: Counter[str] = Counter()
    for label in labels:
        seen[label] += 1
        again = f" ({seen[label]})" if seen[label] > 1 else ""
        yield f"{one_line(label, DATA_LABEL_LIMIT - len(again))}{again}"


def _cell(cell: Cell) -> dict[str, object]:
    text = named(cell.text, CELL_LIMIT)
    if cell.value is None:
        return {"type": "raw_text", "text": text}
    return {"type": "raw_number", "value": cell.value, "text": text}


def _fitting(rows: list[list[dict[str, object]]]) -> int:
    """Returns how many rows stay within Slack's limits."""
    length = 0
    for number, row in enumerate(rows[:MOST_ROWS]):
        length += sum(len(str(cell["text"])) for cell in row)
        if length > MOST_CHARACTERS:
            return number
    return min(len(rows), MOST_ROWS)


def _row(columns: tuple[str, ...], row: tuple[Cell, ...]) -> str:
    texts = (
        named(cell.text, CELL_LIMIT)
        if cell.value is None
        else f"{column}: {named(cell.text, CELL_LIMIT)}"
        for column, cell in zip(columns, row, strict=True)
    )
    return " · ".join(texts)


def _listed(title: str, lines: Iterable[str]) -> Block:
    every = list(lines)
    shown: list[str] = []
    length = 0
    for each in every:
        length += len(each)
        if length > MOST_TEXT:
            break
        shown.append(each)
    if len(shown) < len(every):
        shown.append(f"… and {len(every) - len(shown)} more")
    return rich(line(strong(title)), bullets(*(line(words(each, 400)) for each in shown)))
