"""Fixed customer texts: allowed placeholders and rendering."""

from __future__ import annotations

from enum import StrEnum

from handoff_bot.domain import locale, templates
from handoff_bot.domain.locale import LocalizedText


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
    CSAT = "csat"
    CSAT_THANKS = "csat_thanks"
    STOPPED = "stopped"
    RESUMED = "resumed"
    CORRECTION = "correction"


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
    return templates.problem(template, allowed(moment), REQUIRED.get(moment, frozenset()))


def languages() -> tuple[str, ...]:
    """Returns the languages with default texts, English first."""
    return locale.languages("customer")


def has_defaults(language: str) -> bool:
    return locale.speaks(language, "customer")


def default(moment: Moment, language: str) -> LocalizedText:
    """Returns the default text for a moment; in English if the language has none."""
    return locale.text("customer", moment.value, language)


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
