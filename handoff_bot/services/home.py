"""Reads the data of an agent's Home tab."""

from __future__ import annotations

from datetime import datetime

from handoff_bot.domain.desk import AgentRef, BoardRow, Home, MyRow
from handoff_bot.domain.escalations import Status
from handoff_bot.domain.messages import Author
from handoff_bot.domain.metrics import AgentNumbers, Choice, Numbers, Period, Scope
from handoff_bot.domain.queue import Filter, Whose
from handoff_bot.ports import Clock
from handoff_bot.services.reporting import metrics
from handoff_bot.storage import agents, conversations, deliveries, queue
from handoff_bot.storage import escalations as rows
from handoff_bot.storage.database import Database
from handoff_bot.storage.models import Escalation
from handoff_bot.storage.transaction import Transaction

MOST_MINE = 60
"""Maximum number of an agent's own conversations; those that wait for a reply come first."""
MOST_WAITING = 10
_SPOKEN = frozenset({Author.CONTACT, Author.AGENT})


class Homes:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def of(
        self,
        agent: AgentRef,
        timezone: str,
        slack_channels: frozenset[str] | None = None,
        *,
        may_administer: bool,
    ) -> Home:
        """Returns an agent's Home tab. `slack_channels` are the visible channels, None for all."""
        now = self._clock.now()
        with self._database.read() as tx:
            own = Filter(Whose.MINE, owner=agent.desk_id, slack_channels=slack_channels)
            mine, in_all = queue.page(tx, own, now, 0, MOST_MINE)
            waiting, waits = queue.page(
                tx, Filter(slack_channels=slack_channels), now, 0, MOST_WAITING
            )
            today = metrics.numbers(tx, Scope(Period.chosen(Choice.TODAY, now, timezone)))
            return Home(
                agent=agent,
                mine=tuple(sorted((_mine(tx, row) for row in mine), key=_urgency)),
                mine_in_all=in_all,
                waiting=tuple(waiting),
                waits=waits,
                claimed=_claimed(tx, slack_channels, now),
                today=today,
                mine_today=_mine_of(tx, agent, today),
                may_administer=may_administer,
            )


def _claimed(tx: Transaction, slack_channels: frozenset[str] | None, now: datetime) -> int:
    if slack_channels is None:
        return rows.count(tx, Status.CLAIMED)
    seen = Filter(Whose.CLAIMED, slack_channels=slack_channels)
    return queue.page(tx, seen, now, 0, 1)[1]


def _mine(tx: Transaction, row: BoardRow) -> MyRow:
    escalation = tx.session.get_one(Escalation, row.escalation_id)
    said = deliveries.arrived(tx, conversations.recent(tx, escalation.conversation_id, 5))
    last = next((one for one in reversed(said) if one.author in _SPOKEN), None)
    waits = last is not None and last.author == Author.CONTACT
    return MyRow(row, last.created_at if last else None, waits)


def _urgency(mine: MyRow) -> tuple[bool, datetime]:
    return not mine.waits_for_me, mine.said_at or mine.row.opened_at


def _mine_of(tx: Transaction, agent: AgentRef, today: Numbers) -> AgentNumbers | None:
    row = agents.by_desk_id(tx, agent.desk_id)
    found = (one for one in today.agents if row and one.agent_id == row.id)
    return next(found, None)
