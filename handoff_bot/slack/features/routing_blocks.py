"""Renders routing rules: their form, and their text in the list."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from enum import StrEnum

from handoff_bot.domain.routing import (
    LONGEST_PATIENCE,
    SHORTEST_PATIENCE,
    Mode,
    Rule,
)
from handoff_bot.slack.features.rules_blocks import RuleWords, condition_fields, condition_text
from handoff_bot.slack.kit.fields import (
    asking,
    channel_menu,
    group_menu,
    menu,
    people_menu,
    text_field,
    tick,
)
from handoff_bot.slack.kit.text import Block

MODES: dict[Mode, str] = {
    Mode.FREE: "Anyone can take it",
    Mode.ROUND_ROBIN: "In turn (round robin)",
    Mode.LEAST_BUSY: "Least busy first",
}


class RoutingField(StrEnum):
    """Action ids of the fields for the destination."""

    CHANNEL = "routing_channel"
    GROUP = "routing_group"
    PEOPLE = "routing_people"
    MODE = "routing_mode"
    ASSIGNS = "routing_assigns"
    SECONDS = "routing_seconds"


def routing_fields(
    rule: Rule, channels: Collection[str], groups: Mapping[str, str]
) -> Iterator[Block]:
    """Yields the whole form."""
    yield from condition_fields(rule.when, channels)
    to = rule.to
    card = channel_menu(RoutingField.CHANNEL, "The queue channel", to.slack_channel)
    yield asking("Post the card in", card, hint="Invite @Handoff first.", optional=True)
    group = group_menu(RoutingField.GROUP, "No group", groups, to.group_id)
    yield asking("Group", group, optional=True)
    people = people_menu(RoutingField.PEOPLE, "No specific people", to.people)
    hint = "If you choose both a group and people, the rule uses the people."
    yield asking("People", people, hint=hint, optional=True)
    modes = {mode.value: words for mode, words in MODES.items()}
    hint = "Available agents are asked by direct message, with Accept and Decline."
    yield asking("Assignment", menu(RoutingField.MODE, "Choose", modes, to.mode), hint=hint)
    assigns = tick(RoutingField.ASSIGNS, "Assign automatically", chosen=to.assigns)
    yield asking("Offers", assigns, optional=True)
    seconds = text_field(RoutingField.SECONDS, initial=str(to.seconds), most=6)
    hint = f"Then the next agent is asked. {SHORTEST_PATIENCE} to {LONGEST_PATIENCE}."
    yield asking("Seconds to accept", seconds, hint=hint)


def routing_words(rule: Rule) -> RuleWords:
    """Returns a rule as text."""
    to = rule.to
    whom = to.people or tuple(filter(None, (to.group_id,)))
    parts = [
        "in its own channel" if to.slack_channel else "in the queue channel",
        "for specific agents" if whom else "",
        MODES[to.mode].lower(),
    ]
    if to.is_offered:
        parts.append("assigned automatically" if to.assigns else f"{to.seconds} s each to accept")
    named = (*filter(None, (to.slack_channel,)), *whom)
    return RuleWords(f"{condition_text(rule.when)}\n→ {', '.join(filter(None, parts))}", named)
