"""Which charts, tables, alerts and feedback buttons Slack accepts.

Where Slack's pages differ from one another, the stricter limit holds: 101 rows of a table.
https://docs.slack.dev/reference/block-kit/blocks/data-visualization-block and its neighbours.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from handoff_sandbox.slack.payloads import Json
from handoff_sandbox.slack.validation.checks import (
    Check,
    Fields,
    anything,
    at,
    items_of,
    object_of,
    one_of,
    plain_text,
    string_of,
    text_of,
    whole_number,
    word_of,
)

CHARTS_IN_A_MESSAGE = 2
TABLE_CHARACTERS = 20_000
"""Of all cells of a message."""
_LEVELS = ("default", "info", "warning", "error", "success")


def _number(value: Any, pointer: str) -> Iterator[str]:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not math.isfinite(value):
        yield at("must be a finite number", pointer)


def _positive(value: Any, pointer: str) -> Iterator[str]:
    problems = list(_number(value, pointer))
    yield from problems
    if not problems and value <= 0:
        yield at("must be greater than 0", pointer)


_POINT = object_of({"label!": string_of(20, least=1), "value!": _number})
_SERIES = object_of({"name!": string_of(20, least=1), "data!": items_of(20, _POINT)})
_AXES = object_of(
    {
        "categories!": items_of(20, string_of(20, least=1)),
        "x_label": string_of(50),
        "y_label": string_of(50),
    }
)
_PLOT = object_of({"series!": items_of(12, _SERIES), "axis_config!": _AXES})


def _plot(value: Json, pointer: str) -> Iterator[str]:
    """Checks that each series has one value for each category."""
    problems = list(_PLOT(value, pointer))
    yield from problems
    if problems:
        return
    categories = value["axis_config"]["categories"]
    if len(set(categories)) < len(categories):
        yield at("categories must be unique", f"{pointer}/axis_config/categories")
    names = [series["name"] for series in value["series"]]
    if len(set(names)) < len(names):
        yield at("names must be unique", f"{pointer}/series")
    for number, series in enumerate(value["series"]):
        if sorted(point["label"] for point in series["data"]) != sorted(categories):
            yield at("one value for each category", f"{pointer}/series/{number}/data")


_SEGMENT = object_of({"label!": string_of(20, least=1), "value!": _positive})
_CHART = one_of(
    {
        "area": _plot,
        "bar": _plot,
        "line": _plot,
        "pie": object_of({"segments!": items_of(12, _SEGMENT)}),
    }
)
_RAW_TEXT = object_of({"text!": string_of(TABLE_CHARACTERS, least=1)})
_RAW_NUMBER = object_of({"text!": string_of(TABLE_CHARACTERS, least=1), "value!": _number})
_HEADER = one_of({"raw_text": _RAW_TEXT, "raw_number": _RAW_NUMBER})
_CELL = one_of({"raw_text": _RAW_TEXT, "raw_number": _RAW_NUMBER, "rich_text": anything})
_ROWS = items_of(101, items_of(20, _CELL), least=2)


def _rows(value: Any, pointer: str) -> Iterator[str]:
    problems = list(_ROWS(value, pointer))
    yield from problems
    if problems:
        return
    yield from items_of(20, _HEADER)(value[0], f"{pointer}/0")
    for number, row in enumerate(value):
        if len(row) != len(value[0]):
            yield at("all rows must have the same number of cells", f"{pointer}/{number}")


def _table(block: Fields) -> Check:
    fields = object_of(
        block
        | {
            "rows!": _rows,
            "caption!": string_of(TABLE_CHARACTERS, least=1),
            "page_size": whole_number(1, 100),
            "row_header_column_index": whole_number(0, 19),
        }
    )

    def check(value: Json, pointer: str) -> Iterator[str]:
        problems = list(fields(value, pointer))
        yield from problems
        if not problems and value.get("row_header_column_index", 0) >= len(value["rows"][0]):
            yield at("no such column", f"{pointer}/row_header_column_index")

    return check


_SIDE = object_of(
    {
        "text!": plain_text(75),
        "value!": string_of(2000),
        "accessibility_label": string_of(75),
    }
)
_FEEDBACK = object_of(
    {"action_id": string_of(255), "positive_button!": _SIDE, "negative_button!": _SIDE}
)
_ICON = object_of(
    {
        "icon!": word_of("trash"),
        "text!": plain_text(75),
        "action_id": string_of(255),
        "value": string_of(2000),
        "accessibility_label": string_of(75),
        "confirm": anything,
        "visible_to_user_ids": items_of(10, string_of(30)),
    }
)


def of_messages(block: Fields) -> dict[str, Check]:
    """Returns the rules of the blocks that only messages have; `block` are the fields of any block."""
    elements = items_of(5, one_of({"feedback_buttons": _FEEDBACK, "icon_button": _ICON}))
    return {
        "context_actions": object_of(block | {"elements!": elements}),
        "data_table": _table(block),
        "data_visualization": object_of(
            block | {"title!": string_of(50, least=1), "chart!": _CHART}
        ),
    }


def of_modals(block: Fields) -> dict[str, Check]:
    """Returns the rules of the blocks that only modals have."""
    return {"alert": object_of(block | {"text!": text_of(200), "level": word_of(*_LEVELS)})}


def problems_together(blocks: list[Json]) -> Iterator[str]:
    """Yields the problems of a message's charts and tables with each other."""
    kinds = [block.get("type") for block in blocks if isinstance(block, dict)]
    if kinds.count("data_visualization") > CHARTS_IN_A_MESSAGE:
        yield at(f"no more than {CHARTS_IN_A_MESSAGE} charts allowed", "/blocks")
    if _characters(blocks) > TABLE_CHARACTERS:
        yield at(f"no more than {TABLE_CHARACTERS} characters in tables", "/blocks")


def _characters(blocks: list[Json]) -> int:
    tables = (block for block in blocks if isinstance(block, dict) and _is_table(block))
    return sum(
        len(cell["text"])
        for block in tables
        for row in block["rows"]
        for cell in (row if isinstance(row, list) else ())
        if isinstance(cell, dict) and isinstance(cell.get("text"), str)
    )


def _is_table(block: Json) -> bool:
    return block.get("type") == "data_table" and isinstance(block.get("rows"), list)
