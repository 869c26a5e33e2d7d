"""What customers notice when the team cannot be reached, because the app was removed from Slack."""

from __future__ import annotations

from handoff_bot.domain.desk import AgentRef
from handoff_bot.ports import Clock
from handoff_bot.services.escalations.availability import CUT_OFF
from handoff_bot.services.escalations.lifecycle import Escalations
from handoff_bot.storage import escalations as rows
from handoff_bot.storage import log, workspace
from handoff_bot.storage.database import Database

WHY = "The app was removed from Slack"
AT_ONCE = 50
"""Conversations released in one transaction."""


def record(database: Database, escalations: Escalations, clock: Clock, *, is_cut_off: bool) -> None:
    """Records whether the team can be reached. If not, all conversations go back to the queue.

    The AI then answers again, and customers who wait are told that no agent is available. Jobs for
    Slack wait until the app is installed again.
    """
    with database.read() as tx:
        was_cut_off = bool(log.preference(tx, CUT_OFF, False))
    if was_cut_off != is_cut_off:
        with database.write() as tx:
            log.prefer(tx, CUT_OFF, is_cut_off, "system", clock.now())
    after: int | None = 0 if is_cut_off else None
    while after is not None:
        after = _release_some(database, escalations, after)


def _release_some(database: Database, escalations: Escalations, after: int) -> int | None:
    """Releases conversations with higher ids; returns the last id, None if there are no more.

    One that cannot be released is left, and does not hold up the others.
    """
    with database.write() as tx:
        found = workspace.claimed_after(tx, after, AT_ONCE)
        for escalation in found:
            owner = rows.agent(tx, escalation.owner_id)
            if owner:
                one = AgentRef(owner.desk_id, owner.name)
                escalations.give_back(tx, escalation.id, one, WHY)
        return found[-1].id if len(found) == AT_ONCE else None
