"""Masks personal data before text is sent, and restores it in the answer."""

from __future__ import annotations

import re
import secrets
from collections.abc import Collection

from handoff_bot.ai.personal_data import personal_data

_NUMBER = re.compile(r"\d{4,}")
_MARK = re.compile(r"\[[A-Z]{4,5}_[0-9]{1,6}(?:_[0-9a-f]{1,16})?\]")


def hidden(text: str) -> str:
    """Returns the text with kinds in place of personal data and of all numbers of four digits or more."""
    pieces: list[str] = []
    at = 0
    for (start, end), kind in personal_data(text):
        pieces += text[at:start], f"[{kind.lower()}]"
        at = end
    return _NUMBER.sub("[number]", "".join([*pieces, text[at:]]))


class Redactor:
    """Remembers the masked values of one call, so that the answer can be restored.

    Equal values get equal marks. A mark contains a random word of this call, as in
    [CARD_1_5f0c9a27]: a customer who writes "[CARD_1]", or makes the model write it, gets no number
    for it. It never reveals its value.
    """

    def __init__(self) -> None:
        self._word = secrets.token_hex(4)
        self._pattern = re.compile(rf"\[[A-Z]{{4,5}}_[0-9]{{1,6}}_{self._word}\]")
        self._marks: dict[str, str] = {}
        self._values: dict[str, str] = {}

    def __repr__(self) -> str:
        return f"Redactor({len(self._marks)} masked)"

    def mask(self, text: str) -> str:
        """Returns the text with marks in place of personal data."""
        pieces: list[str] = []
        at = 0
        for (start, end), kind in personal_data(text):
            pieces += text[at:start], self._mark(kind, text[start:end])
            at = end
        return "".join([*pieces, text[at:]])

    def restore(self, text: str, never: Collection[str] = ()) -> str:
        """Replaces our marks by their values; everything else stays.

        Args:
            never: kinds whose marks are replaced by a space.
        """

        def stood_for(found: re.Match[str]) -> str:
            kind = found[0][1:].partition("_")[0]
            return " " if kind in never else self._values.get(found[0], found[0])

        return self._pattern.sub(stood_for, text)

    @staticmethod
    def unmarked(text: str) -> str:
        """Returns the text without marks, whose numbers state nothing."""
        return _MARK.sub(" ", text)

    def _mark(self, kind: str, value: str) -> str:
        if value not in self._marks:
            mark = f"[{kind}_{len(self._marks) + 1}_{self._word}]"
            self._marks[value], self._values[mark] = mark, value
        return self._marks[value]
