"""Spans of a text, and runs of digit groups."""

from __future__ import annotations

import re
from collections.abc import Iterator

Span = tuple[int, int]
"""Start and end."""

_DIGITS = re.compile(r"[0-9]+")


def runs(text: str, gap: re.Pattern[str]) -> Iterator[list[Span]]:
    """Yields the text's digit groups, grouped if only a gap separates them."""
    run: list[Span] = []
    for found in _DIGITS.finditer(text):
        if run and not gap.fullmatch(text, run[-1][1], found.start()):
            yield run
            run = []
        run.append(found.span())
    if run:
        yield run
