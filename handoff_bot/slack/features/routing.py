"""The admins' list of routing rules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from handoff_bot.domain import settings
from handoff_bot.domain.rules import LONGEST_PATIENCE, SHORTEST_PATIENCE, Mode, Route, RoutingRule
from handoff_bot.domain.text import many
from handoff_bot.slack.feature import Tools
from handoff_bot.slack.features.rules import (
    ROUTING,
    Opened,
    RuleModals,
    RuleWords,
    condition_text,
    conditions_in,
    postable,
    rule_form,
)
from handoff_bot.slack.kit.form import (
    Field,
    Submission,
    channel,
    choice,
    group,
    member,
    people,
    text,
    tick,
)
from handoff_bot.slack.kit.text import WARNING

NOBODYS_TURN = "Choose how agents are picked: in turn, or least busy first."
GOES_NOWHERE = "Choose a Slack channel, a group, people or an assignment."
MODES: dict[Mode, str] = {
    Mode.FREE: "Anyone can take it",
    Mode.ROUND_ROBIN: "In turn (round robin)",
    Mode.LEAST_BUSY: "Least busy first",
}

CHANNEL = channel(
    "routing_channel",
    "Post the card in",
    "The queue channel",
    hint="Invite @Handoff first.",
    optional=True,
    current=lambda rule: rule.to.slack_channel,
)
GROUP = group("routing_group", "Group", optional=True, current=lambda rule: rule.to.group_id)
PEOPLE = people(
    "routing_people",
    "People",
    "No specific people",
    hint="If you choose both a group and people, the rule uses the people.",
    optional=True,
    current=lambda rule: rule.to.people,
)
MODE = choice(
    "routing_mode",
    "Assignment",
    MODES,
    hint="Available agents are asked by direct message, with Accept and Decline.",
    current=lambda rule: rule.to.mode,
).parsed(member(Mode, Mode.FREE))
ASSIGNS = tick(
    "routing_assigns",
    "Offers",
    "Assign automatically",
    optional=True,
    current=lambda rule: rule.to.assigns,
)
SECONDS = text(
    "routing_seconds",
    "Seconds to accept",
    most=6,
    hint=f"Then the next agent is asked. {SHORTEST_PATIENCE} to {LONGEST_PATIENCE}.",
    current=lambda rule: str(rule.to.seconds),
).parsed(settings.number(SHORTEST_PATIENCE, LONGEST_PATIENCE))
FORM = rule_form(ROUTING, CHANNEL, GROUP, PEOPLE, MODE, ASSIGNS, SECONDS)


def routing_words(rule: RoutingRule) -> RuleWords:
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


def _offered(tools: Tools) -> Sequence[Field[Any]]:
    return (GROUP.offering(tools.desk.groups()),)


def _parsed(tools: Tools, entered: Submission[Opened]) -> RoutingRule:
    to = Route(
        slack_channel=postable(tools, entered, CHANNEL),
        group_id=entered[GROUP],
        people=entered[PEOPLE],
        mode=entered[MODE],
        assigns=entered[ASSIGNS],
        seconds=entered[SECONDS],
    )
    if to.assigns and not to.is_offered:
        raise ASSIGNS.invalid(NOBODYS_TURN)
    if to == Route(assigns=to.assigns, seconds=to.seconds):
        raise MODE.invalid(GOES_NOWHERE)
    return RoutingRule(conditions_in(entered), to)


NEVER = "An earlier rule matches all of these conversations, so this rule never applies."


def _preview(tools: Tools, rules: list[RoutingRule], which: int) -> str:
    if any(rule.when.covers(rules[which].when) for rule in rules[:which]):
        return f"{WARNING}{NEVER}"
    tried = tools.core.routing.tried(rules, which)
    if not tried.of:
        return "No escalations yet to test the rule on."
    escalations = many(tried.of, "escalation")
    said = f"Tested on the last {escalations}: the rule would have applied to {tried.decided}."
    others = tried.fit - tried.decided
    return f"{said} {others} more match, but an earlier rule applies." if others else said


MODALS = RuleModals(
    kind=ROUTING,
    book=lambda tools: tools.core.routing.rules,
    form=FORM,
    offered=_offered,
    parse=_parsed,
    in_words=routing_words,
    preview=_preview,
    empty=RoutingRule(),
)
FEATURE = MODALS.feature("/handoff routing: where conversations go and who is asked")
