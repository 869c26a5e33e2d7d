"""Attributes of a customer, such as plan and order, as the team's own systems name them.

Values are hostile: a website may pass on what its visitor typed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from handoff_bot.domain.text import is_visible, one_line

MOST = 12
LONGEST_NAME, LONGEST_VALUE = 32, 120
"""In characters."""
LARGEST = 1500
"""Bytes of all attributes as JSON: a visitor's session, which has them, travels in a header."""
_NAME = re.compile(rf"[^\W_][\w .-]{{0,{LONGEST_NAME - 1}}}")
_CONDITION = re.compile(r"([^=:]+)[=:](.+)")
_WHOLE = re.compile(r"(-?\d+)\.0+")
_SPELLED = {"true": "yes", "false": "no"}
_LARGEST_WHOLE = 1e15
"""Larger numbers with a fraction are not exact: they stay as they are."""
WRONG = (
    f"“{{line}}” is not a condition. Enter one per line, such as plan = pro. "
    f"Names have at most {LONGEST_NAME} letters and digits."
)


def attributes_in(given: object) -> dict[str, str]:
    """Returns the valid attributes of an object from another system; names in lowercase.

    Nested values, invalid names and what exceeds the limits is left out: a mistake of the website
    must not close its chat.
    """
    found: dict[str, str] = {}
    size = 2
    for name, value in given.items() if isinstance(given, Mapping) else ():
        named, shown = _name(name), _value(value)
        size += len(json.dumps([named, shown]))
        if named and shown and size <= LARGEST and (named in found or len(found) < MOST):
            found[named] = shown
    return found


def _name(given: object) -> str:
    name = one_line(given, LONGEST_NAME + 1).lower() if isinstance(given, str) else ""
    return name if _NAME.fullmatch(name) else ""


def _value(given: object) -> str:
    if isinstance(given, bool):
        return "yes" if given else "no"
    if not isinstance(given, str | int | float):
        return ""
    if isinstance(given, float) and given.is_integer() and abs(given) < _LARGEST_WHOLE:
        given = int(given)
    shown = one_line(str(given)[: 4 * LONGEST_VALUE], LONGEST_VALUE)
    return shown if is_visible(shown) else ""


@dataclass(frozen=True)
class Condition:
    """A rule's condition on one attribute; compared as `_compared`."""

    name: str
    value: str

    @classmethod
    def parse(cls, line: str) -> Condition:
        """Parses "plan = pro".

        Raises:
            ValueError: invalid; with a message for the user.
        """
        parts = _CONDITION.fullmatch(line.strip())
        name, value = (_name(parts[1]), _value(parts[2])) if parts else ("", "")
        if not name or not value:
            raise ValueError(WRONG.format(line=one_line(line, 40)))
        return cls(name, value)

    def __str__(self) -> str:
        return f"{self.name} = {self.value}"


def _compared(value: str) -> str:
    """Returns what is equal for equal values: regardless of case, true is yes and 3.0 is 3."""
    folded = value.casefold()
    whole = _WHOLE.fullmatch(folded)
    return whole[1] if whole else _SPELLED.get(folded, folded)


def conditions_in(text: str) -> tuple[str, ...]:
    """Returns the conditions of a text, one per line, in their stored form.

    Raises:
        ValueError: a line is not a condition, or there are too many.
    """
    lines = list(filter(str.strip, text.splitlines()))
    if len(lines) > 2 * MOST:
        raise ValueError(f"Enter at most {2 * MOST} conditions.")
    return tuple(dict.fromkeys(str(Condition.parse(line)) for line in lines))


def by_name(conditions: Iterable[str]) -> dict[str, frozenset[str]]:
    """Returns the wanted values of each attribute: one of them is enough, for every attribute."""
    wanted: dict[str, frozenset[str]] = {}
    for line in conditions:
        one = Condition.parse(line)
        wanted[one.name] = wanted.get(one.name, frozenset()) | {_compared(one.value)}
    return wanted


def fit(conditions: Iterable[str], found: Mapping[str, str]) -> bool:
    """Returns whether a customer's attributes match all conditions."""
    return all(
        _compared(found.get(name, "")) in values for name, values in by_name(conditions).items()
    )


def cover(conditions: Iterable[str], others: Iterable[str]) -> bool:
    """Returns whether all attributes that match the other conditions match these."""
    theirs = by_name(others)
    return all(
        name in theirs and theirs[name] <= values for name, values in by_name(conditions).items()
    )
