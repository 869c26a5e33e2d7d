"""Masks what is personal before text leaves, and undoes it on our side."""

from __future__ import annotations

import re
import secrets
from collections.abc import Collection

from handoff_bot.ai.personal_data import personal_data


class Redactor:
    """Remembers what it masked in the texts of one call, so that the answer can be restored.

    Equal values get equal marks. A mark holds a random word of this call, as in [CARD_1_5f0c9a27]: nobody
    who writes "[CARD_1]", or talks the model into it, gets a number for it. It never shows what it holds.
    """

    def __init__(self) -> None:
        self._word = secrets.token_hex(4)
        self._pattern = re.compile(rf"\[[A-Z]{{4,5}}_[0-9]{{1,6}}_{self._word}\]")
        self._marks: dict[str, str] = {}
        self._values: dict[str, str] = {}

    def __repr__(self) -> str:
        return f"Redactor({len(self._marks)} masked)"

    def mask(self, text: str) -> str:
        """The text with marks in place of what must not leave."""
        pieces: list[str] = []
        at = 0
        for (start, end), kind in personal_data(text):
            pieces += text[at:start], self._mark(kind, text[start:end])
            at = end
        return "".join([*pieces, text[at:]])

    def restore(self, text: str, never: Collection[str] = ()) -> str:
        """The text with our marks replaced by what they stand for; whatever else stays.

        Args:
            never: kinds, as in a mark, whose marks leave a space.
        """

        def stood_for(found: re.Match[str]) -> str:
            kind = found[0][1:].partition("_")[0]
            return " " if kind in never else self._values.get(found[0], found[0])

        return self._pattern.sub(stood_for, text)

    def _mark(self, kind: str, value: str) -> str:
        if value not in self._marks:
            mark = f"[{kind}_{len(self._marks) + 1}_{self._word}]"
            self._marks[value], self._values[mark] = mark, value
        return self._marks[value]
