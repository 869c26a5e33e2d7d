"""The only list of all features."""

from __future__ import annotations

from handoff_bot.slack.listeners import (
    actions,
    availability,
    canned,
    doctor,
    escalation_modals,
    files,
    history,
    message_templates,
    notifications,
    people,
    queue,
    routing,
    settings,
    setup,
    stats,
    texts,
    thread_commands,
    tickets,
)
from handoff_bot.slack.listeners.feature import Feature, combined

FEATURES: tuple[Feature, ...] = (
    actions.FEATURE,
    escalation_modals.FEATURE,
    queue.FEATURE,
    thread_commands.FEATURE,
    setup.FEATURE,
    availability.FEATURE,
    tickets.FEATURE,
    settings.FEATURE,
    texts.FEATURE,
    canned.FEATURE,
    history.FEATURE,
    doctor.FEATURE,
    files.FEATURE,
    message_templates.FEATURE,
    stats.FEATURE,
    routing.FEATURE,
    notifications.FEATURE,
    people.FEATURE,
)

EVERYTHING = combined(FEATURES)
"""All features combined."""
