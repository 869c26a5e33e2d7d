"""The texts that customers read, and texts with placeholders."""

from __future__ import annotations

import string
import tomllib
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Literal

# -- texts with placeholders

LONGEST = 1000


def template_problem(
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


def fill_template(template: str, **values: str | int) -> str:
    """Renders a template; values are inserted literally, never parsed."""
    return template.format_map({name: str(value) for name, value in values.items()})


# -- the catalogues
# There is one catalogue for each language, a TOML file in the folder `locale`. A text whose number
# changes its words has a form for each plural category (CLDR) of its language.

FALLBACK = "en"
COUNTED = ("wait_minutes", "minutes", "n")
"""Placeholders whose number chooses the plural form. A position in a queue does not."""

Part = Literal["customer", "assistant", "widget"]
Forms = Mapping[str, str]
"""Plural category -> text. A text without plural forms has only "other"."""

_FOLDER = Path(__file__).with_name("locale")


@dataclass(frozen=True)
class LocalizedText:
    """A text in one language, whose plural rules apply."""

    language: str
    forms: Forms

    @property
    def template(self) -> str:
        """Returns the form of most numbers. Only this form must contain all placeholders."""
        return self.forms["other"]

    def fill(self, **values: str | int) -> str:
        """Renders the form that fits the number; values are inserted literally, never parsed."""
        number = next((int(values[name]) for name in COUNTED if name in values), 0)
        return fill_template(choose(self.language, number, self.forms), **values)


def choose(language: str, number: int, forms: Forms) -> str:
    """Returns the form for a number by the language's plural rules."""
    if len(forms) == 1:
        return forms["other"]
    return forms.get(_plural_rule(language)(number), forms["other"])


def plural_categories(language: str, numbers: Iterable[int]) -> set[str]:
    """Returns the categories that these numbers have in a language."""
    return {_plural_rule(language)(number) for number in numbers}


@cache
def _plural_rule(language: str) -> Callable[[int], str]:
    from babel import Locale  # about 15 ms with its data; most commands need none

    return Locale(language).plural_form


@cache
def catalogue(language: str) -> Mapping[str, Mapping[str, Forms]]:
    """Returns all texts of a language by part and name; empty if there is no catalogue."""
    if language not in _languages():
        return {}
    parts = tomllib.loads((_FOLDER / f"{language}.toml").read_text(encoding="utf-8"))
    return {
        part: {
            name: text if isinstance(text, dict) else {"other": text}
            for name, text in texts.items()
        }
        for part, texts in parts.items()
    }


@cache
def _languages() -> frozenset[str]:
    return frozenset(path.stem for path in _FOLDER.glob("*.toml"))


def speaks(language: str, part: Part = "customer") -> bool:
    return part in catalogue(language)


def languages(part: Part = "customer") -> tuple[str, ...]:
    """Returns the languages that have this part, English first."""
    others = sorted(_languages() - {FALLBACK})
    return tuple(each for each in (FALLBACK, *others) if speaks(each, part))


def find(part: Part, name: str, language: str) -> LocalizedText:
    """Returns a text in a language, or in English."""
    found = catalogue(language).get(part, {}).get(name)
    if found is None:
        return LocalizedText(FALLBACK, catalogue(FALLBACK)[part][name])
    return LocalizedText(language, found)


class Moment(StrEnum):
    """When a fixed text is sent."""

    DISCLOSURE = "disclosure"
    VOICE_NOTE = "voice_note"
    PICTURE = "picture"
    UNREADABLE = "unreadable"
    STARTED = "started"
    POSITION = "position"
    WAITING_LONG = "waiting_long"
    NOBODY_HERE = "nobody_here"
    OUT_OF_HOURS = "out_of_hours"
    CALLBACK = "callback"
    BUSY = "busy"
    TAKEN = "taken"
    GREETING = "greeting"
    RELEASED = "released"
    TRANSFERRED = "transferred"
    RESOLVED = "resolved"
    RETURNED = "returned"
    DISMISSED = "dismissed"
    LEFT = "left"
    CSAT = "csat"
    CSAT_THANKS = "csat_thanks"
    STOPPED = "stopped"
    RESUMED = "resumed"
    CORRECTION = "correction"
    COPY_NOT_SENT = "copy_not_sent"


ALWAYS = frozenset({"ticket", "position", "wait_minutes"})
"""Placeholders allowed in every text about an escalation."""

REQUIRED: dict[Moment, frozenset[str]] = {
    Moment.STARTED: frozenset({"wait_minutes"}),
    Moment.POSITION: frozenset({"position"}),
    Moment.TAKEN: frozenset({"agent"}),
    Moment.GREETING: frozenset({"agent"}),
    Moment.RELEASED: frozenset({"wait_minutes"}),
    Moment.TRANSFERRED: frozenset({"agent"}),
    Moment.NOBODY_HERE: frozenset({"ticket"}),
    Moment.OUT_OF_HOURS: frozenset({"ticket"}),
    Moment.CALLBACK: frozenset({"ticket"}),
}
"""Placeholders that a text must contain."""

BARE = frozenset(
    {
        Moment.DISCLOSURE,
        Moment.BUSY,
        Moment.VOICE_NOTE,
        Moment.PICTURE,
        Moment.UNREADABLE,
        Moment.CSAT,
        Moment.CSAT_THANKS,
        Moment.STOPPED,
        Moment.RESUMED,
        Moment.CORRECTION,
        Moment.COPY_NOT_SENT,
    }
)
"""Sent when there may be no escalation: no placeholders."""

WITH_AGENT = frozenset(
    {Moment.TAKEN, Moment.GREETING, Moment.TRANSFERRED, Moment.RESOLVED, Moment.RETURNED}
)
"""Sent when an agent can be named."""

SILENCEABLE = frozenset(
    {
        Moment.POSITION,
        Moment.WAITING_LONG,
        Moment.GREETING,
        Moment.TRANSFERRED,
        Moment.RESOLVED,
        Moment.RETURNED,
        Moment.DISMISSED,
        Moment.CSAT_THANKS,
    }
)
"""Texts that a team can switch off; customers must receive the others. The CSAT survey has its own
setting.
"""

SHORTEST_WAIT = 2
"""In minutes. Shorter waits are given as two: an estimate of one minute is missed more often than
it is met.
"""


def allowed(moment: Moment) -> frozenset[str]:
    if moment in BARE:
        return frozenset()
    return ALWAYS | {"agent"} if moment in WITH_AGENT else ALWAYS


def problem(moment: Moment, template: str) -> str:
    """Returns the error message for a text of that moment, or ""."""
    return template_problem(template, allowed(moment), REQUIRED.get(moment, frozenset()))


def default(moment: Moment, language: str) -> LocalizedText:
    """Returns the default text for a moment; in English if the language has none."""
    return find("customer", moment.value, language)


def usual(moment: Moment, language: str) -> str:
    """Returns the default template for a moment, without its plural forms."""
    return default(moment, language).template


def written(moment: Moment, language: str, template: str) -> LocalizedText:
    """Returns an admin's text. The unchanged default keeps its plural forms."""
    usual_text = default(moment, language)
    if template == usual_text.template:
        return usual_text
    return LocalizedText(language, {"other": template})


def fill(text: LocalizedText, **values: str | int) -> str:
    """Renders a text; values are inserted literally, never parsed."""
    if "wait_minutes" in values:
        values["wait_minutes"] = max(SHORTEST_WAIT, int(values["wait_minutes"]))
    return text.fill(**values)


def say(moment: Moment, language: str, **values: str | int) -> str:
    """Renders the default text for a moment in a language."""
    return fill(default(moment, language), **values)
