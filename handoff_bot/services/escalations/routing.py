"""Routing: sends new queued escalations where the admins' rules say, and offers them there."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from handoff_bot.domain.desk import Post, PostKind
from handoff_bot.domain.escalations import Step
from handoff_bot.domain.routing import Route, Rule, first
from handoff_bot.services.escalations import applied_route, assigning, offers
from handoff_bot.services.outbox import outbox
from handoff_bot.services.outbox.escalation_events import EscalationChanged
from handoff_bot.services.settings import hours
from handoff_bot.services.settings.preferences import Preferences
from handoff_bot.services.settings.rule_lists import RuleSet, Tried, recent_cases
from handoff_bot.storage.database import Database


def on_escalation_changed(change: EscalationChanged) -> None:
    """Routes an escalation, and offers it now and after each release."""
    if change.step is None:
        route = applied_route.choose(change)
        if route and route.people and not route.is_offered:
            words = Post(PostKind.NOTICE, "This conversation is for you.", mentions=route.people)
            outbox.post(change.tx, change.escalation, words, change.now)
    elif change.step is Step.RELEASE:
        route = applied_route.route_of(change.tx, change.escalation)
    else:
        return
    if route and route.is_offered:
        _offer(change, route)


def _offer(change: EscalationChanged, route: Route) -> None:
    """Offers during business hours only."""
    about = (change.tx, change.escalation, change.conversation, _opening(change))
    if route.assigns:
        assigning.begin(*about)
    else:
        offers.ask_next(*about, offers.Pool.RULE)


def _opening(change: EscalationChanged) -> datetime:
    return hours.of_the_team(change.tx).opens(change.now) or change.now


class Routing:
    """Routing rules for admins.

    Attributes:
        rules: the rules.
        channels: the available kinds of channels.
    """

    def __init__(
        self, database: Database, preferences: Preferences, channels: Collection[str]
    ) -> None:
        self._database = database
        self.rules = RuleSet(preferences, applied_route.RULES, applied_route.RULE)
        self.channels = tuple(channels)

    def tried(self, rules: list[Rule], number: int) -> Tried:
        """Previews rule `number` on the latest conversations."""
        with self._database.read() as tx:
            cases = recent_cases(tx)
        fit = sum(rules[number].when.fit(case) for case in cases)
        decided = sum(first(rules, case) is rules[number] for case in cases)
        return Tried(len(cases), fit, decided)
