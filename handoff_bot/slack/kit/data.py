"""Charts and tables as Slack's own blocks, and as text for workspaces that do not have these blocks.

Limits: https://docs.slack.dev/reference/block-kit/blocks/data-visualization-block and
https://docs.slack.dev/reference/block-kit/blocks/data-table-block. Both blocks are for messages.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from handoff_bot.domain.report import MOST_POINTS, Cell, Chart, Point, Table
from handoff_bot.slack.kit.text import Block, bullets, line, named, one_line, rich, strong, words

TITLE_LIMIT = 50
LABEL_LIMIT = 20
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
    series = {"name": one_line(chart.unit, LABEL_LIMIT), "data": data}
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
        yield f"{one_line(label, LABEL_LIMIT - len(again))}{again}"


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
