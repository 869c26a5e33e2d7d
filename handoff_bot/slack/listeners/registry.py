"""The only list of all features."""

from __future__ import annotations

from handoff_bot.slack.listeners import (
    actions,
    approved,
    availability,
    canned,
    doctor,
    files,
    history,
    notices,
    people,
    queue,
    routing,
    settings,
    setup,
    stats,
    steps,
    texts,
    tickets,
    verbs,
)
from handoff_bot.slack.listeners.feature import Feature, combined

FEATURES: tuple[Feature, ...] = (
    actions.FEATURE,
    steps.FEATURE,
    queue.FEATURE,
    verbs.FEATURE,
    setup.FEATURE,
    availability.FEATURE,
    tickets.FEATURE,
    settings.FEATURE,
    texts.FEATURE,
    canned.FEATURE,
    history.FEATURE,
    doctor.FEATURE,
    files.FEATURE,
    approved.FEATURE,
    stats.FEATURE,
    routing.FEATURE,
    notices.FEATURE,
    people.FEATURE,
)

EVERYTHING = combined(FEATURES)
"""All features combined."""
