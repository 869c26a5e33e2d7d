"""Texts with placeholders: validation and rendering."""

from __future__ import annotations

import string
from collections.abc import Collection

LONGEST = 1000


def problem(
    template: str, may: Collection[str], must: Collection[str] = (), longest: int = LONGEST
) -> str:
    """Returns the error message for a template, or "".

    Args:
        template: the text.
        may: allowed placeholders.
        must: required placeholders.
        longest: maximum characters.
    """
    if not template.strip():
        return "Enter a text."
    if len(template) > longest:
        return f"At most {longest} characters."
    try:
        parts = [part for part in string.Formatter().parse(template) if part[1] is not None]
    except ValueError:
        return "A { or } is missing its counterpart. Placeholders look like {agent}."
    if any(spec or conversion for _, _, spec, conversion in parts):
        return "Placeholders are simple names such as {agent}."
    return _wrong_names({str(name) for _, name, _, _ in parts}, may, must)


def _wrong_names(names: set[str], may: Collection[str], must: Collection[str]) -> str:
    unknown = sorted(names - set(may))
    if unknown:
        usable = ", ".join(f"{{{name}}}" for name in sorted(may)) or "none"
        return f"{{{unknown[0]}}} cannot be used here. Available placeholders: {usable}."
    missing = sorted(set(must) - names)
    return f"Add the placeholder {{{missing[0]}}}." if missing else ""


def names_in(template: str) -> frozenset[str]:
    """Returns the placeholders of a template; none if it is malformed."""
    try:
        return frozenset(name for _, name, _, _ in string.Formatter().parse(template) if name)
    except ValueError:
        return frozenset()


def fill(template: str, **values: str | int) -> str:
    """Renders a template; values are inserted literally, never parsed."""
    return template.format_map({name: str(value) for name, value in values.items()})
