"""Fixed customer texts: allowed placeholders and rendering."""

from __future__ import annotations

from handoff_bot.domain import templates
from handoff_bot.domain.default_texts import TEXTS as TEXTS
from handoff_bot.domain.default_texts import Moment as Moment

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
"""In minutes. Shorter waits are given as two, which is kept more often, and is plural in every
language.
"""


def allowed(moment: Moment) -> frozenset[str]:
    if moment in BARE:
        return frozenset()
    return ALWAYS | {"agent"} if moment in WITH_AGENT else ALWAYS


def problem(moment: Moment, template: str) -> str:
    """Returns the error message for a text of that moment, or ""."""
    return templates.problem(template, allowed(moment), REQUIRED.get(moment, frozenset()))


def fill(template: str, **values: str | int) -> str:
    """Renders a template; values are inserted literally, never parsed."""
    if "wait_minutes" in values:
        values["wait_minutes"] = max(SHORTEST_WAIT, int(values["wait_minutes"]))
    return templates.fill(template, **values)


def usual(moment: Moment, language: str) -> str:
    """Returns the default template for a moment."""
    return TEXTS.get(language, TEXTS["en"])[moment]


def say(moment: Moment, language: str, **values: str | int) -> str:
    """Renders the default text for a moment in a language."""
    return fill(usual(moment, language), **values)
