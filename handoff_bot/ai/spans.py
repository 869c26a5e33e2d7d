"""Stretches of a text, and the runs of digit groups that numbers are written in."""

from __future__ import annotations

import re
from collections.abc import Iterator

Span = tuple[int, int]
"""Where something starts and where it ends."""

_DIGITS = re.compile(r"[0-9]+")


def runs(text: str, gap: re.Pattern[str]) -> Iterator[list[Span]]:
    """The groups of digits of the text, those together between which there is nothing but a gap."""
    run: list[Span] = []
    for found in _DIGITS.finditer(text):
        if run and not gap.fullmatch(text, run[-1][1], found.start()):
            yield run
            run = []
        run.append(found.span())
    if run:
        yield run
