"""Look-ups of the language model: limited per customer, and recorded in the event log."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from pydantic import TypeAdapter

from handoff_bot.domain.conversation_context import ConversationContext
from handoff_bot.domain.events import EventKind
from handoff_bot.domain.look_ups import Found, LookUp
from handoff_bot.domain.mcp_servers import CHANGED, AnyLookUp, ToolLookUp
from handoff_bot.ports import Clock, Fetcher
from handoff_bot.services.ai_turns.mcp_servers import withdraw
from handoff_bot.services.settings.preferences import Preferences
from handoff_bot.services.settings.rule_lists import LOOK_UP, LOOK_UPS, RuleSet
from handoff_bot.storage import conversations, log
from handoff_bot.storage.database import Database

MOST_PER_HOUR = 20
"""Look-ups of one customer on all channels: a customer cannot try out the numbers of other orders."""
HOUR = timedelta(hours=1)


class LookUpLedger:
    """Implements `LookUps`. Each call is an event, also a refused one."""

    def __init__(self, database: Database, fetcher: Fetcher, clock: Clock) -> None:
        self._database = database
        self._fetcher = fetcher
        self._clock = clock

    def find(
        self,
        look_up: AnyLookUp,
        arguments: Mapping[str, Any],
        talk: ConversationContext,
        seconds: float,
    ) -> Found:
        if talk.conversation_id is None or not look_up.is_on:
            return Found("not allowed")
        found = Found("too many requests")
        is_allowed = self._is_within_limit(talk.conversation_id)
        try:
            if is_allowed:
                found = Found("failed")
                found = self._fetcher.fetch(look_up, arguments, seconds)
        finally:  # what is not recorded does not count towards the limit
            self._record(talk.conversation_id, look_up, found)
        if isinstance(look_up, ToolLookUp) and found.outcome == CHANGED:
            withdraw(self._database, look_up, self._clock)
        return found

    def _is_within_limit(self, conversation_id: int) -> bool:
        now = self._clock.now()
        with self._database.read() as tx:
            contact_id = conversations.get(tx, conversation_id).contact_id
            made = log.count_of_customer(tx, EventKind.LOOK_UP, contact_id, now - HOUR)
        return made < MOST_PER_HOUR

    def _record(self, conversation_id: int, look_up: AnyLookUp, found: Found) -> None:
        """Records no arguments, results and secrets: the log is kept longer than messages."""
        with self._database.write() as tx:
            log.record(
                tx,
                EventKind.LOOK_UP,
                self._clock.now(),
                conversation=conversations.get(tx, conversation_id),
                name=look_up.name,
                outcome=found.outcome,
                milliseconds=found.milliseconds,
            )


class LookUpList:
    """The look-ups that admins define.

    Args:
        secrets: the names of the signing secrets.
        allows_loopback: whether the sandbox's shop on this machine may be asked.
    """

    def __init__(
        self,
        preferences: Preferences,
        secrets: tuple[str, ...] = (),
        *,
        allows_loopback: bool = False,
    ) -> None:
        adapter: TypeAdapter[LookUp] = LOOK_UP
        self.rules = RuleSet(preferences, LOOK_UPS, adapter)
        self.secrets = secrets
        self.allows_loopback = allows_loopback
