"""Live settings: fields, parsing and validation."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any
from zoneinfo import available_timezones

from handoff_bot.domain.hours import Hours
from handoff_bot.domain.text import language_in

Parse = Callable[[tuple[str, ...]], Any]
"""Converts a field's content to the value; raises ValueError with a message for the user."""


class Widget(StrEnum):
    """Input element of a setting."""

    CHOICE = "choice"
    YES_NO = "yes_no"
    LINE = "line"
    LINES = "lines"
    PEOPLE = "people"
    GROUP = "group"
    CHANNELS = "channels"


@dataclass(frozen=True)
class Setting:
    """One setting.

    Attributes:
        key: its storage key.
        label, hint: texts for admins.
        default: the default value.
        part: the value's name, if the key stores several by name.
        choices: value -> label, for a choice.
        parse: see `Parse`.
    """

    key: str
    label: str
    widget: Widget
    default: Any
    parse: Parse
    hint: str = ""
    part: str = ""
    choices: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Returns its field name in a modal."""
        return f"{self.key}:{self.part}" if self.part else self.key

    def current(self, stored: Any) -> Any:
        """Returns its value from the stored one."""
        if not self.part:
            return self.default if stored is None else stored
        held = stored if isinstance(stored, dict) else {}
        return held.get(self.part, self.default)

    def merged(self, stored: Any, value: Any) -> Any:
        """Returns what is stored when this setting has this value."""
        if not self.part:
            return value
        held = stored if isinstance(stored, dict) else {}
        return {**held, self.part: value}


@dataclass(frozen=True)
class Section:
    """Settings shown together in one modal."""

    name: str
    title: str
    description: str
    settings: tuple[Setting, ...]

    def with_groups(self, groups: Mapping[str, str]) -> Section:
        """Returns the section with the user groups (id -> name) as choices."""
        chosen = (
            replace(each, choices=groups) if each.widget is Widget.GROUP else each
            for each in self.settings
        )
        return replace(self, settings=tuple(chosen))


_GROUP = re.compile(r"S[A-Z0-9]{2,20}")
ANYBODY = "any"
"""Value of a group menu without a selection."""
_EMAIL = re.compile(r"[^\s@,;<>\"]+@[^\s@,;<>\"]+\.[^\s@,;<>\"]+")


def choice(choices: Mapping[str, str]) -> Parse:
    """Accepts one of these choices."""

    def parse(held: tuple[str, ...]) -> str:
        if not held or held[0] not in choices:
            raise ValueError("Choose an option.")
        return held[0]

    return parse


def yes_no(held: tuple[str, ...]) -> bool:
    """Parses a checkbox."""
    return bool(held)


def line(held: tuple[str, ...]) -> str:
    """Parses a single line; may be empty."""
    return held[0].strip() if held else ""


def lines(most: int = 100, longest: int = 200) -> Parse:
    """Parses distinct lines."""

    def parse(held: tuple[str, ...]) -> list[str]:
        found = [line.strip() for line in (held[0] if held else "").splitlines()]
        kept = list(dict.fromkeys(line for line in found if line))
        if len(kept) > most:
            raise ValueError(f"At most {most} lines.")
        if any(len(line) > longest for line in kept):
            raise ValueError(f"At most {longest} characters per line.")
        return kept

    return parse


def languages(held: tuple[str, ...]) -> list[str]:
    """Parses language codes, separated by lines or commas; accepts English names."""
    said = (held[0] if held else "").replace(",", "\n").splitlines()
    codes = {words.strip(): language_in(words) for words in said if words.strip()}
    unknown = [words for words, code in codes.items() if not code]
    if unknown:
        raise ValueError(
            f"{unknown[0]} is not a known language code. Use codes such as en, es or de."
        )
    return list(dict.fromkeys(codes.values()))


def number(least: float, most: float, *, whole: bool = True) -> Parse:
    """Parses a number in a range."""

    def parse(held: tuple[str, ...]) -> float | int:
        words = (held[0] if held else "").strip().replace(",", ".")
        try:
            value = int(words) if whole else float(words)
        except ValueError:
            raise ValueError("Enter a whole number." if whole else "Enter a number.") from None
        if not least <= value <= most:
            raise ValueError(f"Between {least:g} and {most:g}.")
        return value

    return parse


def working_hours(held: tuple[str, ...]) -> list[str]:
    """Parses lines like "mon-fri 9:00-17:00"."""
    kept: list[str] = lines(50, 60)(held)
    Hours.parse(kept, "")
    return kept


def holidays(held: tuple[str, ...]) -> list[str]:
    """Parses dates like "2026-12-25", one per line."""
    kept: list[str] = lines(200, 20)(held)
    Hours.parse([], "", kept)
    return kept


def time_zone(held: tuple[str, ...]) -> str:
    """Parses a time zone name; may be empty."""
    name = line(held)
    if name and name not in available_timezones():
        raise ValueError("Unknown time zone. Enter a name such as Europe/Berlin.")
    return name


def emails(held: tuple[str, ...]) -> list[str]:
    """Parses email addresses, one per line; the mail server has the final say."""
    kept: list[str] = lines(20, 254)(held)
    wrong = [one for one in kept if not _EMAIL.fullmatch(one)]
    if wrong:
        raise ValueError(f"“{wrong[0][:60]}” is not an email address.")
    return kept


def group(held: tuple[str, ...]) -> str:
    """Parses a user group id; may be empty."""
    name = line(held)
    if name in ("", ANYBODY):
        return ""
    if not _GROUP.fullmatch(name):
        raise ValueError("This is not a user group ID. Enter an ID such as S0123ABCD.")
    return name


_CHANNEL = re.compile(r"[CG][A-Z0-9]{2,20}")


def slack_channels(held: tuple[str, ...]) -> list[str]:
    """Parses Slack channel ids."""
    if not all(_CHANNEL.fullmatch(one) for one in held):
        raise ValueError("Choose Slack channels.")
    return list(dict.fromkeys(held))


def people(held: tuple[str, ...]) -> list[str]:
    """Parses Slack user ids."""
    return list(held)
