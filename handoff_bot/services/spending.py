"""The ledger of what the language model costs: a cap for each day, and one for each contact's day."""

from __future__ import annotations

from handoff_bot.domain.spending import Caps, Usage
from handoff_bot.ports import Clock
from handoff_bot.storage import spending
from handoff_bot.storage.database import Database


class Ledger:
    """Counts calls in the database, so that all processes share one cap.

    A call is counted when it is over, so that calls which run at the same time can pass a cap together by
    what they cost: a few cents, and never lost from the books.
    """

    def __init__(self, database: Database, caps: Caps, clock: Clock) -> None:
        self._database = database
        self._caps = caps
        self._clock = clock

    def allows(self, contact_id: int | None) -> bool:
        """Is there anything left today, of all and of this contact's share?"""
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
        """Count what one call used."""
        cost = self._caps.micros(usage)
        with self._database.write() as tx:
            for who in (spending.ALL, contact_id):
                if who is not None:
                    spending.add(tx, self._today(), who, usage, cost)

    def _today(self) -> str:
        return self._clock.now().date().isoformat()
