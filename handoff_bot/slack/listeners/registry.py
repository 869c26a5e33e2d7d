"""All parts of the desk: the only list of them."""

from __future__ import annotations

from handoff_bot.slack.listeners import (
    actions,
    availability,
    canned,
    queue,
    settings,
    setup,
    steps,
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
    settings.FEATURE,
    canned.FEATURE,
)

EVERYTHING = combined(FEATURES)
"""What is listened to, by all of them together."""
