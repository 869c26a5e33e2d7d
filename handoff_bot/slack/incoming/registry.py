"""The only list of all features."""

from __future__ import annotations

from handoff_bot.slack.feature import Feature, combined
from handoff_bot.slack.features import (
    actions,
    availability,
    canned,
    customer_texts,
    doctor,
    draft,
    escalation_modals,
    guidance,
    history,
    home,
    knowledge,
    look_ups,
    mcp_servers,
    merging,
    message_templates,
    notifications,
    privacy,
    queue,
    routing,
    settings,
    setup,
    stats,
    tags,
    thread_commands,
    ticket,
    tickets,
)

FEATURES: tuple[Feature, ...] = (
    actions.FEATURE,
    escalation_modals.FEATURE,
    draft.FEATURE,
    queue.FEATURE,
    home.FEATURE,
    thread_commands.FEATURE,
    setup.FEATURE,
    availability.FEATURE,
    tickets.FEATURE,
    ticket.FEATURE,
    merging.FEATURE,
    settings.FEATURE,
    guidance.FEATURE,
    look_ups.FEATURE,
    mcp_servers.FEATURE,
    customer_texts.FEATURE,
    canned.FEATURE,
    knowledge.FEATURE,
    tags.FEATURE,
    history.FEATURE,
    doctor.FEATURE,
    message_templates.FEATURE,
    stats.FEATURE,
    routing.FEATURE,
    notifications.FEATURE,
    privacy.FEATURE,
)

EVERYTHING = combined(FEATURES)
"""All features combined."""
