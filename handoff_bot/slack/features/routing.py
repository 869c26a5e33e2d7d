"""The admins' list of routing rules."""

from __future__ import annotations

from collections.abc import Sequence

from handoff_bot.domain import settings
from handoff_bot.domain.routing import LONGEST_PATIENCE, SHORTEST_PATIENCE, Mode, Route, Rule
from handoff_bot.domain.text import many
from handoff_bot.slack.click import Tools, held, one, word_of
from handoff_bot.slack.features.routing_blocks import RoutingField, routing_fields, routing_words
from handoff_bot.slack.features.rules import (
    RuleModals,
    State,
    Wrong,
    channel,
    checked,
    conditions_in,
    group,
)
from handoff_bot.slack.features.rules_blocks import ROUTING
from handoff_bot.slack.kit.text import Block

NOBODYS_TURN = "Choose how agents are picked: in turn, or least busy first."
GOES_NOWHERE = "Choose a Slack channel, a group, people or an assignment."
_SECONDS = settings.number(SHORTEST_PATIENCE, LONGEST_PATIENCE)


def _fields(tools: Tools, rule: Rule) -> Sequence[Block]:
    return list(routing_fields(rule, tools.core.routing.channels, tools.desk.groups()))


def _parsed(tools: Tools, state: State) -> Rule:
    to = Route(
        slack_channel=channel(tools, state, RoutingField.CHANNEL),
        group_id=group(state, RoutingField.GROUP),
        people=held(state, RoutingField.PEOPLE),
        mode=word_of(Mode, one(state, RoutingField.MODE)) or Mode.FREE,
        assigns=bool(held(state, RoutingField.ASSIGNS)),
        seconds=checked(_SECONDS, state, RoutingField.SECONDS),
    )
    if to.assigns and not to.is_offered:
        raise Wrong(RoutingField.ASSIGNS, NOBODYS_TURN)
    if to == Route(assigns=to.assigns, seconds=to.seconds):
        raise Wrong(RoutingField.MODE, GOES_NOWHERE)
    return Rule(conditions_in(state), to)


def _preview(tools: Tools, rules: list[Rule], which: int) -> str:
    if any(rule.when.covers(rules[which].when) for rule in rules[:which]):
        return "⚠️ An earlier rule matches all of these conversations, so this rule never applies."
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
    fields=_fields,
    parse=_parsed,
    in_words=routing_words,
    preview=_preview,
    empty=Rule(),
)
FEATURE = MODALS.feature("/handoff routing: where conversations go and who is asked (admins)")
