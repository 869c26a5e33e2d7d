"""Spending on the language model: a daily cap in total and per contact."""

from __future__ import annotations

from handoff_bot.domain.spending import Caps, Usage
from handoff_bot.ports import Clock
from handoff_bot.storage import spending
from handoff_bot.storage.database import Database


class Ledger:
    """Counts calls in the database, so all processes share the caps.

    A call is counted when it ends. Concurrent calls can exceed a cap by their own cost, a few
    cents, but are always recorded.
    """

    def __init__(self, database: Database, caps: Caps, clock: Clock) -> None:
        self._database = database
        self._caps = caps
        self._clock = clock

    def allows(self, contact_id: int | None) -> bool:
        """Returns whether both the total and the contact's cap allow another call."""
        caps = ((spending.ALL, self._caps.daily), (contact_id, self._caps.daily_each))
        if not any(cap for _, cap in caps):
            return True
        with self._database.read() as tx:
            return all(
                spending.micros(tx, self._today(), who) < cap * 1_000_000
                for who, cap in caps
                if cap and who is not None
            )

    def record(self, contact_id: int | None, usage: Usage) -> None:
        cost = self._caps.micros(usage)
        with self._database.write() as tx:
            for who in (spending.ALL, contact_id):
                if who is not None:
                    spending.add(tx, self._today(), who, usage, cost)

    def _today(self) -> str:
        return self._clock.now().date().isoformat()
