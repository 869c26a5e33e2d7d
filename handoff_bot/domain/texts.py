"""What we say to customers in fixed words: which placeholders a text may use, and how it is filled."""

from __future__ import annotations

from handoff_bot.domain import templates
from handoff_bot.domain.wordings import TEXTS as TEXTS
from handoff_bot.domain.wordings import Moment as Moment

ALWAYS = frozenset({"ticket", "position", "wait_minutes"})
"""Placeholders that every text about an escalation may use."""

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
"""What a text must say, whoever words it."""

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
"""Said when there may be no escalation: no placeholders."""

WITH_AGENT = frozenset(
    {Moment.TAKEN, Moment.GREETING, Moment.TRANSFERRED, Moment.RESOLVED, Moment.RETURNED}
)
"""Said when there is an agent to name."""

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
"""What a team may choose not to say; the rest a customer must hear. The question itself has a setting."""

SHORTEST_WAIT = 2
"""Minutes: a shorter wait is promised as two, which is kept more often, and is plural in every language."""


def allowed(moment: Moment) -> frozenset[str]:
    """The placeholders that a text for this moment may use."""
    if moment in BARE:
        return frozenset()
    return ALWAYS | {"agent"} if moment in WITH_AGENT else ALWAYS


def problem(moment: Moment, template: str) -> str:
    """Why this cannot be the text for that moment, in words; "" when it can."""
    return templates.problem(template, allowed(moment), REQUIRED.get(moment, frozenset()))


def fill(template: str, **values: str | int) -> str:
    """The words of a template; values are taken as they are, never as templates."""
    if "wait_minutes" in values:
        values["wait_minutes"] = max(SHORTEST_WAIT, int(values["wait_minutes"]))
    return templates.fill(template, **values)


def usual(moment: Moment, language: str) -> str:
    """The product's own template for a moment."""
    return TEXTS.get(language, TEXTS["en"])[moment]


def say(moment: Moment, language: str, **values: str | int) -> str:
    """The product's own words for a moment in a language, its placeholders filled."""
    return fill(usual(moment, language), **values)
