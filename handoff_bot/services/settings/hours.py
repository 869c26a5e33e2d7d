"""Business hours from the settings. Hours that are stored wrongly count as not set."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime

from handoff_bot.domain.hours import ALWAYS, Hours
from handoff_bot.services.settings_catalog import live
from handoff_bot.storage.models import Agent
from handoff_bot.storage.transaction import Transaction

logger = logging.getLogger(__name__)

OPEN, CLOSED = "open", "closed"


def of_the_team(tx: Transaction) -> Hours:
    """Returns the team's business hours; always open until an admin sets them."""
    stored = live(tx, "hours.")
    return _parsed(stored.business_hours, stored.timezone, stored.holidays)


def words_for(tx: Transaction, at: datetime) -> str:
    """Returns the event log's value for inside or outside business hours."""
    return OPEN if of_the_team(tx).is_open(at) else CLOSED


def of_an_agent(agent: Agent) -> Hours:
    return _parsed(agent.hours.get("lines") or [], agent.timezone, [])


def _parsed(lines: Sequence[str], timezone: str, holidays: Sequence[str]) -> Hours:
    try:
        return Hours.parse(lines, timezone, holidays)
    except (ValueError, TypeError, AttributeError):
        logger.warning("hours are stored wrongly")
        return ALWAYS
