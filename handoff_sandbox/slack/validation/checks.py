"""Small checks of JSON that are combined into rules; each returns the problem with a value, and its path."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from handoff_sandbox.slack.payloads import Json

Check = Callable[[Any, str], Iterator[str]]
"""Returns the problem with the value at a JSON pointer."""

Fields = dict[str, Check]
"""The fields of an object besides `type`; names that end in "!" are required."""


def at(problem: str, pointer: str) -> str:
    """Returns a problem with its path."""
    return f"{problem} [json-pointer:{pointer}]"


def anything(_value: Any, _pointer: str) -> Iterator[str]:
    """Accepts any value."""
    yield from ()


def string_of(most: int, least: int = 0) -> Check:
    """A string within a length."""

    def check(value: Any, pointer: str) -> Iterator[str]:
        if not isinstance(value, str):
            yield at("must be a string", pointer)
        elif len(value) > most:
            yield at(f"must be less than {most + 1} characters", pointer)
        elif len(value) < least:
            yield at(f"must be more than {least - 1} characters", pointer)

    return check


def text_of(most: int, *kinds: str) -> Check:
    """A text object."""

    def check(value: Any, pointer: str) -> Iterator[str]:
        if not isinstance(value, dict):
            yield at("must be an object", pointer)
            return
        if value.get("type") not in (kinds or ("plain_text", "mrkdwn")):
            yield at(f"unsupported type: {value.get('type')}", f"{pointer}/type")
        allowed = {"type", "text", "emoji", "verbatim"}
        yield from _unknown(value, allowed, pointer)
        yield from string_of(most, least=1)(value.get("text"), f"{pointer}/text")

    return check


def plain_text(most: int) -> Check:
    """A text object without markup."""
    return text_of(most, "plain_text")


def items_of(most: int, each: Check, least: int = 1) -> Check:
    """A list within a length, with a check of each item."""

    def check(value: Any, pointer: str) -> Iterator[str]:
        if not isinstance(value, list):
            yield at("must be an array", pointer)
            return
        if len(value) > most:
            yield at(f"no more than {most} items allowed", pointer)
        if len(value) < least:
            yield at(f"no fewer than {least} items required", pointer)
        for number, item in enumerate(value):
            yield from each(item, f"{pointer}/{number}")

    return check


def word_of(*words: str) -> Check:
    """One of these words."""

    def check(value: Any, pointer: str) -> Iterator[str]:
        if value not in words:
            yield at(f"must be one of {', '.join(words)}", pointer)

    return check


def object_of(fields: Fields) -> Check:
    """An object with these fields and no others."""

    def check(value: Any, pointer: str) -> Iterator[str]:
        if not isinstance(value, dict):
            yield at("must be an object", pointer)
            return
        known = {name.rstrip("!"): name for name in fields}
        for name in known:
            if known[name].endswith("!") and name not in value:
                yield at(f"missing required field: {name}", pointer)
        yield from _unknown(value, {"type", *known}, pointer)
        for name in known.keys() & value.keys():
            yield from fields[known[name]](value[name], f"{pointer}/{name}")

    return check


def _unknown(value: Json, allowed: set[str], pointer: str) -> Iterator[str]:
    for name in value.keys() - allowed:
        yield at(f"invalid additional property: {name}", pointer)


def whole_number(least: int, most: int) -> Check:
    """A whole number within bounds, both included."""

    def check(value: Any, pointer: str) -> Iterator[str]:
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            yield at(f"must be a whole number from {least} to {most}", pointer)

    return check


def one_of(kinds: dict[str, Check]) -> Check:
    """An object whose `type` decides its fields."""

    def check(value: Any, pointer: str) -> Iterator[str]:
        kind = value.get("type") if isinstance(value, dict) else None
        if kind not in kinds:
            yield at(f"unsupported type: {kind}", f"{pointer}/type")
            return
        yield from kinds[kind](value, pointer)

    return check
