"""Draws the metrics as a picture for `handoff report --chart`: escalations, waits and reasons.

Each panel has one colour, a title and its numbers as text, so that colour carries no information.
Matplotlib is the extra `charts`, imported with the first picture: 98 MB that a bot does not need.
"""

from __future__ import annotations

import io
import math
import threading
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from handoff_bot.domain.metrics import Numbers, Slice, Unit
from handoff_bot.domain.report import reason_words
from handoff_bot.domain.text import length, percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH, HEIGHT, DPI = 6.0, 6.8, 200
"""Inches, and pixels per inch: 1200 by 1360."""
MOST_LABELLED = 10
MOST_TICKS = 7
MOST_REASONS = 4

# From the colour-blind-safe palette of Okabe and Ito.
BLUE, VERMILLION, GREEN = "#0072B2", "#D55E00", "#009E73"
INK, FAINT, GROUND = "#1D1C1D", "#616061", "#FFFFFF"
GRID = "#E3E3E3"

_ONE_AT_A_TIME = threading.Lock()
"""Matplotlib is not thread-safe, least of all its fonts."""


def draw(numbers: Numbers, title: str, unit: Unit) -> bytes:
    """Returns a PNG. `title` is our own text: the font has no Chinese characters and no emoji.

    Raises:
        ImportError: matplotlib is not installed.
    """
    with _ONE_AT_A_TIME:
        # Imported here, and without pyplot, which would keep every figure, and a display, in a
        # global.
        from matplotlib.figure import Figure
        from matplotlib.layout_engine import ConstrainedLayoutEngine

        layout = ConstrainedLayoutEngine(h_pad=0.12, w_pad=0.12)
        figure = Figure((WIDTH, HEIGHT), dpi=DPI, facecolor=GROUND, layout=layout)
        figure.suptitle(title, x=0.02, ha="left", fontsize=14, fontweight="bold", color=INK)
        _fill(figure, numbers, unit)
        picture = io.BytesIO()
        figure.savefig(picture, format="png", metadata={"Software": None})
        return picture.getvalue()


def _fill(figure: Figure, numbers: Numbers, unit: Unit) -> None:
    began, waited, reasons = figure.subplots(3, 1, height_ratios=(3, 3, 3.4))
    _draw_escalations(began, numbers.slices, unit)
    _draw_waits(waited, numbers.slices, unit)
    _draw_reasons(reasons, list(numbers.reasons.items())[:MOST_REASONS])


def _draw_escalations(axes: Axes, slices: Sequence[Slice], unit: Unit) -> None:
    counts = [one.escalations for one in slices]
    if not _prepared(axes, f"Escalations per {unit}", any(counts), "No messages."):
        return
    bars = axes.bar(range(len(counts)), counts, width=0.72, color=BLUE, zorder=2)
    if len(counts) <= MOST_LABELLED:
        labels = [f"{count:,}" if count else "" for count in counts]
        axes.bar_label(bars, labels, padding=2, fontsize=11, color=INK)
    _count_axis(axes, max(counts))
    _time_axis(axes, slices, unit)


def _draw_waits(axes: Axes, slices: Sequence[Slice], unit: Unit) -> None:
    waits = [one.waited for one in slices]
    title = f"Median time in queue, per {unit}"
    if not _prepared(axes, title, any(wait is not None for wait in waits), "No customers waited."):
        return
    seconds = [math.nan if wait is None else wait.total_seconds() for wait in waits]
    axes.plot(seconds, color=VERMILLION, linewidth=2, marker="o", markersize=5, clip_on=False)
    if len(waits) <= MOST_LABELLED:
        _label_points(axes, waits, seconds)
    _length_axis(axes, max(one for one in seconds if not math.isnan(one)))
    _time_axis(axes, slices, unit)


def _label_points(axes: Axes, waits: Sequence[timedelta | None], seconds: Sequence[float]) -> None:
    for number, wait in enumerate(waits):
        if wait is not None:
            axes.annotate(
                length(wait),
                (number, seconds[number]),
                xytext=(0, 7),
                textcoords="offset points",
                ha="center",
                fontsize=10,
                color=INK,
            )


def _draw_reasons(axes: Axes, reasons: Sequence[tuple[str, int]]) -> None:
    """Places each reason's text above its bar: beside it, the labels would take the other panels'
    space.
    """
    if not _prepared(axes, "Reasons", bool(reasons), "None."):
        return
    counts = [often for _, often in reasons]
    rows = range(len(reasons))
    axes.barh(rows, counts, height=0.34, color=GREEN, zorder=2)
    for row, (reason, often) in enumerate(reasons):
        words = f"{reason_words(reason)}: {often:,} · {percent(often / sum(counts))}"
        axes.text(0, row - 0.3, words, fontsize=11, color=INK)
    axes.set_ylim(len(reasons) - 0.7, -0.75)
    axes.set_xlim(0, max(counts))
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines["bottom"].set_visible(False)


def _prepared(axes: Axes, title: str, is_something: bool, otherwise: str) -> bool:
    """Sets title, grid and frame; draws the `otherwise` text if there is no data."""
    axes.set_title(title, loc="left", fontsize=12, color=INK)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(FAINT)
    axes.tick_params(length=0, labelsize=10, labelcolor=FAINT)
    axes.grid(axis="y", color=GRID, linewidth=0.8, zorder=0)
    if is_something:
        return True
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines["bottom"].set_visible(False)
    axes.text(0, 0.5, otherwise, transform=axes.transAxes, fontsize=11, color=FAINT)
    return False


def _count_axis(axes: Axes, most: int) -> None:
    step = _step(most, (1, 2, 5))
    axes.set_ylim(0, most * 1.18)
    axes.set_yticks(range(0, most + 1, int(step)))


def _length_axis(axes: Axes, longest: float) -> None:
    unit = next((one for one in (86_400.0, 3600.0, 60.0) if longest >= 2 * one), 1.0)
    step = _step(longest / unit, (1, 2, 3, 5, 6)) * unit
    marks = [number * step for number in range(int(longest / step) + 1)]
    axes.set_ylim(0, max(longest, 1.0) * 1.25)
    axes.set_yticks(marks, [length(timedelta(seconds=mark)) if mark else "0" for mark in marks])


def _step(most: float, sizes: Sequence[int]) -> float:
    """Returns the smallest round step that needs at most four ticks."""
    power = 1
    while True:
        for size in sizes:
            if most / (size * power) <= 4:
                return float(size * power)
        power *= 10


def _time_axis(axes: Axes, slices: Sequence[Slice], unit: Unit) -> None:
    every = max(1, math.ceil(len(slices) / MOST_TICKS))
    shown = range(0, len(slices), every)
    axes.set_xlim(-0.6, len(slices) - 0.4)
    axes.set_xticks(shown, [_called(slices[number].since, unit, every) for number in shown])


def _called(at: datetime, unit: Unit, every: int) -> str:
    if unit is Unit.HOUR:
        return f"{at:%H:%M}"
    if unit is Unit.MONTH:
        return f"{at:%b}"
    return f"{at:%a} {at.day}" if every == 1 else f"{at.day} {at:%b}"
