"""Live settings: fields, parsing and validation."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any
from zoneinfo import available_timezones

from handoff_bot.domain.hours import DAYS, Hours, day_times, hours_lines, lines_of, times_by_day
from handoff_bot.domain.waiting_policy import MOST_STEPS, PolicyStep, canonical

Parse = Callable[[tuple[str, ...]], Any]
"""Converts a field's content to the value; raises ValueError with a message for the user."""
Problems = Callable[[Mapping[str, Any]], Mapping[str, str]]
"""Returns field name -> message for values that do not fit together."""


class Widget(StrEnum):
    """Input element of a setting."""

    CHOICE = "choice"
    NONE_OR_ONE = "none_or_one"
    SEVERAL = "several"
    YES_NO = "yes_no"
    LINE = "line"
    LINES = "lines"
    PEOPLE = "people"
    GROUP = "group"
    POLICY_STEPS = "policy_steps"
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
        placeholder: shown in a menu while nothing is chosen.
        renders_again: True if a choice shows the section again, because others depend on it.
        depends_on: what its choices depend on, "".
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
    placeholder: str = "Choose"
    renders_again: bool = False
    depends_on: str = ""

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
class DayHours(Setting):
    """The times of one weekday, `part`; all days are stored together, as lines."""

    def current(self, stored: Any) -> str:
        return times_by_day(stored or ())[self.part]

    def merged(self, stored: Any, value: Any) -> list[str]:
        return lines_of({**times_by_day(stored or ()), self.part: value})


@dataclass(frozen=True)
class PolicySteps(Setting):
    """The waiting policy, as lines; lines of earlier versions may be spelled in other ways."""

    def current(self, stored: Any) -> list[str]:
        return canonical(map(str, self.default if stored is None else stored))


def no_problems(_values: Mapping[str, Any]) -> Mapping[str, str]:
    return {}


@dataclass(frozen=True)
class Section:
    """Settings shown together in one modal.

    Attributes:
        problems: returns field name -> message for values that do not fit together.
    """

    name: str
    title: str
    description: str
    settings: tuple[Setting, ...]
    problems: Problems = no_problems

    def replacing(self, *others: Setting) -> Section:
        """Returns the section with these settings in place of those with the same names."""
        new = {each.name: each for each in others}
        return replace(self, settings=tuple(new.get(each.name, each) for each in self.settings))

    def without(self, *names: str) -> Section:
        """Returns the section without the settings of these names."""
        kept = tuple(each for each in self.settings if each.name not in names)
        return replace(self, settings=kept)

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


def none_or_one(choices: Mapping[str, str]) -> Parse:
    """Accepts one of these choices, or none as ""."""

    def parse(held: tuple[str, ...]) -> str:
        value = line(held)
        if value in ("", ANYBODY):
            return ""
        if value not in choices:
            raise ValueError("Choose an option.")
        return value

    return parse


def several(most: int = 100) -> Parse:
    """Parses the choices of a menu; choices that are no longer offered are kept."""

    def parse(held: tuple[str, ...]) -> list[str]:
        return list(dict.fromkeys(held))[:most]

    return parse


def policy_steps(held: tuple[str, ...]) -> list[str]:
    """Parses the lines of the waiting policy."""
    for each in held:
        PolicyStep.parse(each)
    found = canonical(held)
    if len(found) > MOST_STEPS:
        raise ValueError(f"At most {MOST_STEPS} steps.")
    return found


def working_hours(held: tuple[str, ...]) -> list[str]:
    """Parses lines like "mon-fri 9:00-17:00", in any spelling."""
    return hours_lines(held[0] if held else "")


def times_of_day(held: tuple[str, ...]) -> str:
    """Parses the times of one day."""
    return day_times(line(held))


def any_day_open(names: Sequence[str]) -> Problems:
    """Refuses a week of closed days, which would be stored like one without any hours."""

    def problems(values: Mapping[str, Any]) -> Mapping[str, str]:
        times = [values.get(name, "") for name in names]
        if any(times) and not lines_of(dict(zip(DAYS, times, strict=True))):
            return {names[0]: "All days are closed. Enter times, or leave all days empty for 24/7."}
        return {}

    return problems


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
        raise ValueError(f"“{wrong[0][:60]}” is not an e-mail address.")
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
