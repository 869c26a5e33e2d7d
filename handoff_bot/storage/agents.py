"""Queries about agents: roster and number of conversations."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import bindparam, func, or_
from sqlmodel import col, exists, select

from handoff_bot.domain.escalations import Status
from handoff_bot.domain.events import CLAIMED, EventKind
from handoff_bot.domain.messages import Author
from handoff_bot.storage.deliveries import LOST
from handoff_bot.storage.models import Agent, Conversation, Delivery, Escalation, Event, Message
from handoff_bot.storage.prepared import Prepared
from handoff_bot.storage.transaction import Transaction, select_all, table_of

_AGENT = table_of(Agent)
_ROSTER = Prepared(
    select_all(Agent).where(
        _AGENT.c.on_roster | _AGENT.c.desk_id.in_(bindparam("besides", expanding=True))
    )
)


def by_desk_id(tx: Transaction, desk_id: str) -> Agent | None:
    """Returns the agent with this Slack id."""
    return tx.session.execute(select(Agent).where(Agent.desk_id == desk_id)).scalar_one_or_none()


def roster(tx: Transaction, besides: Collection[str] = ()) -> Sequence[Agent]:
    """Returns all agents who have ever set their availability, and those with these Slack ids."""
    return tx.entities(Agent, _ROSTER, {"besides": sorted(besides)})


def owners(tx: Transaction) -> Sequence[Agent]:
    """Returns all agents on the roster or with any conversation ever, by name."""
    given = exists().where(col(Escalation.owner_id) == Agent.id)
    found = select(Agent).where(col(Agent.on_roster) | given).order_by(col(Agent.name))
    return list(tx.session.execute(found).scalars())


def hold_roster(tx: Transaction) -> None:
    """Locks the roster, so that concurrent assignments see each other."""
    held = select(Agent).where(col(Agent.on_roster)).order_by(col(Agent.id))
    # Not the strongest lock: it would block inserts of rows that refer to agents.
    held = held.with_for_update(key_share=True).execution_options(populate_existing=True)
    tx.session.execute(held).scalars().all()


def has_others(tx: Transaction, people: Collection[str], besides: Collection[int]) -> bool:
    """Returns whether any of these people is not in `besides`. Without people, always True."""
    known = roster(tx)
    left = set(people) or {agent.desk_id for agent in known}
    left -= {agent.desk_id for agent in known if agent.id in besides}
    return bool(left) or not known


def loads(tx: Transaction) -> dict[int, int]:
    """Returns agent id -> number of conversations."""
    found = tx.session.execute(
        select(Escalation.owner_id, func.count())
        .where(Escalation.status == Status.CLAIMED.value)
        .group_by(col(Escalation.owner_id))
    )
    return {int(owner): int(count) for owner, count in found if owner is not None}


_ANSWERED = exists().where(
    col(Message.conversation_id) == Conversation.id,
    col(Message.author) == Author.AGENT.value,
    col(Message.created_at) >= Conversation.last_inbound_at,
    exists().where(
        col(Delivery.message_id) == Message.id,
        col(Delivery.superseded_at).is_(None),
        col(Delivery.status).not_in(LOST),
    ),
)
"""An agent's message that was not lost follows the customer's last one."""


def awaits_answer(tx: Transaction, conversation_id: int) -> bool:
    """Returns whether the customer wrote last, and no agent has answered."""
    found = select(Conversation.id).where(
        Conversation.id == conversation_id,
        col(Conversation.last_inbound_at).is_not(None),
        ~_ANSWERED,
    )
    return tx.session.execute(found).first() is not None


def left_at(tx: Transaction, agent_id: int) -> datetime | None:
    """Returns when the agent last set themselves to away."""
    found = select(func.max(Event.at)).where(
        Event.kind == EventKind.AGENT_OFF, Event.agent_id == agent_id
    )
    return tx.session.execute(found).scalar_one()


def with_conversations(tx: Transaction) -> Sequence[Agent]:
    """Returns the agents who have a conversation now."""
    given = select(Escalation.owner_id).where(Escalation.status == Status.CLAIMED.value)
    return list(tx.session.execute(select(Agent).where(col(Agent.id).in_(given))).scalars())


def assigned_to(
    tx: Transaction, agent_ids: Collection[int], escalation_id: int | None = None
) -> list[tuple[Escalation, Agent, datetime | None]]:
    """Returns conversations of these agents, and when they last did something in each, or were given it."""
    is_theirs = or_(col(Event.agent_id) == Escalation.owner_id, col(Event.kind).in_(CLAIMED))
    last = (
        select(func.max(Event.at))
        .where(Event.escalation_id == Escalation.id, is_theirs)
        .correlate(Escalation)
        .scalar_subquery()
    )
    found = (
        select(Escalation, Agent, last)
        .join(Agent, col(Agent.id) == Escalation.owner_id)
        .where(Escalation.status == Status.CLAIMED.value)
        .where(col(Escalation.owner_id).in_(sorted(agent_ids)))
        .order_by(col(Escalation.id))
    )
    if escalation_id is not None:
        found = found.where(Escalation.id == escalation_id)
    return [(escalation, agent, at) for escalation, agent, at in tx.session.execute(found)]


def silent(
    tx: Transaction, before: datetime, now: datetime
) -> list[tuple[Escalation, Conversation, Agent]]:
    """Returns claimed conversations whose customer wrote last and before then, except snoozed ones."""
    found = (
        select(Escalation, Conversation, Agent)
        .join(Conversation, col(Conversation.id) == Escalation.conversation_id)
        .join(Agent, col(Agent.id) == Escalation.owner_id)
        .where(Escalation.status == Status.CLAIMED.value)
        .where(col(Conversation.last_inbound_at) <= before)
        .where(col(Escalation.claimed_at) <= before)
        .where(~_ANSWERED)
    )
    return [
        (escalation, conversation, owner)
        for escalation, conversation, owner in tx.session.execute(found)
        if not (escalation.snoozed_until and escalation.snoozed_until > now)
    ]
