"""Ordered lists of admin rules, each stored as a setting, and the detection rules."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from pydantic import TypeAdapter, ValidationError

from handoff_bot.domain.detection import Guidance, Rules, Sensitivity, Tuning, as_address
from handoff_bot.domain.look_ups import LookUp
from handoff_bot.domain.mcp_servers import McpServer, tools_of
from handoff_bot.domain.rules import Case
from handoff_bot.domain.signals import Priority, Signal
from handoff_bot.services.settings.preferences import Preferences
from handoff_bot.services.settings_catalog import live
from handoff_bot.storage import conversations, log, tickets
from handoff_bot.storage import escalations as rows
from handoff_bot.storage.models import Conversation, Escalation
from handoff_bot.storage.transaction import Transaction

logger = logging.getLogger(__name__)

# -- lists, each stored as a setting

Kind = TypeVar("Kind")
MOST = 30
"""Maximum number of rules in a list: a modal has room for this many."""


def read(tx: Transaction, key: str, adapter: TypeAdapter[Kind]) -> list[Kind]:
    """Returns the rules in order, without those that are stored wrongly."""
    return parsed(log.preference(tx, key, []), key, adapter)


def parsed(stored: object, key: str, adapter: TypeAdapter[Kind]) -> list[Kind]:
    found = []
    for each in stored if isinstance(stored, list) else []:
        try:
            found.append(adapter.validate_python(each))
        except ValidationError:
            logger.warning("a rule is stored wrongly", extra={"key": key})
    return found


class RuleSet(Generic[Kind]):
    """One list of rules.

    Every change passes the newest change that the admin has seen (`seen`). If a newer one exists,
    it is refused, because the rule's number may mean another rule by now.
    """

    def __init__(self, preferences: Preferences, key: str, adapter: TypeAdapter[Kind]) -> None:
        self._preferences = preferences
        self._adapter = adapter
        self.key = key

    def all(self) -> list[Kind]:
        return self.parsed(self._preferences.get(self.key, []))

    def parsed(self, stored: object) -> list[Kind]:
        return parsed(stored, self.key, self._adapter)

    def seen(self) -> int:
        """Returns the newest change of the list. Read it before the rules."""
        return self._preferences.newest_change({self.key})

    def put(self, number: int | None, rule: Kind, by: str, seen: int) -> bool:
        """Replaces rule `number` (from 0); None appends it."""

        def changed(rules: list[Kind]) -> list[Kind]:
            if number is None:
                return [*rules, rule]
            return [*rules[:number], rule, *rules[number + 1 :]]

        return self._change(changed, by, seen)

    def delete(self, number: int, by: str, seen: int) -> bool:
        return self._change(lambda rules: [*rules[:number], *rules[number + 1 :]], by, seen)

    def move_up(self, number: int, by: str, seen: int) -> bool:
        """Moves the rule up by one."""

        def changed(rules: list[Kind]) -> list[Kind]:
            if not 0 < number < len(rules):
                return rules
            before, moved = rules[number - 1], rules[number]
            return [*rules[: number - 1], moved, before, *rules[number + 1 :]]

        return self._change(changed, by, seen)

    def _change(self, change: Callable[[list[Kind]], list[Kind]], by: str, seen: int) -> bool:
        def changed(stored: object) -> list[object]:
            rules = change(self.parsed(stored))
            return [self._adapter.dump_python(each, mode="json") for each in rules]

        return self._preferences.revise(self.key, changed, by, seen)


LOOKED_AT = 100
"""Number of earlier conversations used to preview a rule."""


@dataclass(frozen=True)
class Tried:
    """Preview: how many earlier conversations a rule matches, and how many only for lack of another
    rule.
    """

    of: int
    fit: int
    decided: int


def case_of(tx: Transaction, escalation: Escalation, conversation: Conversation) -> Case:
    return Case(
        channel=conversation.channel,
        reason=Signal(escalation.reason),
        priority=Priority(escalation.priority),
        language=conversation.language,
        tags=tickets.tags_of_contact(tx, conversation.contact_id),
        vip=escalation.vip,
        attributes=conversations.attributes_of(tx, conversation.contact_id),
    )


def recent_cases(tx: Transaction) -> list[Case]:
    """Returns the latest escalations as rule cases."""
    return [
        case_of(tx, escalation, conversations.get(tx, escalation.conversation_id))
        for escalation in rows.newest(tx, LOOKED_AT)
    ]


# -- detection rules

DETECTION_PREFIX = "rules."
LOOK_UPS, LOOK_UP = "rules.look_ups", TypeAdapter(LookUp)
MCP_SERVERS, MCP_SERVER = "rules.mcp_servers", TypeAdapter(McpServer)


def detection_rules(tx: Transaction) -> Rules:
    """Returns the current rules."""
    stored = live(tx)
    servers = mcp_servers(stored.mcp_servers)
    return Rules(
        triggers=dict.fromkeys(Signal, Sensitivity.MEDIUM) | stored.triggers,
        always=stored.always,
        never=stored.never,
        pause_seconds=stored.pause_seconds,
        most_answers=stored.most_answers,
        vips=frozenset(map(as_address, stored.vips)),
        languages=stored.languages,
        tuning=Tuning(stored.shifts, stored.last_layer),
        answer_short_codes=stored.answer_short_codes,
        paused=stored.paused,
        guidance=Guidance(stored.company, stored.tone, stored.never_discuss, stored.guidance),
        look_ups=(
            *(one for one in look_ups(stored.look_ups) if one.is_on),
            *(tools_of(servers) if servers else ()),
        ),
    )


def look_ups(stored: Iterable[object]) -> list[LookUp]:
    """Returns the stored look-ups, without those that are stored wrongly."""
    return parsed(list(stored), LOOK_UPS, LOOK_UP)


def mcp_servers(stored: Iterable[object]) -> list[McpServer]:
    """Returns the stored MCP servers, without those that are stored wrongly."""
    return parsed(list(stored), MCP_SERVERS, MCP_SERVER)
