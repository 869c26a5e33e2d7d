"""The team's hours, read from the preferences; what is stored wrongly counts as not set."""

from __future__ import annotations

import logging

from handoff_bot.domain.hours import ALWAYS, Hours
from handoff_bot.storage import log
from handoff_bot.storage.models import Agent
from handoff_bot.storage.transaction import Transaction

logger = logging.getLogger(__name__)

LINES, TIMEZONE, HOLIDAYS = "hours.lines", "hours.timezone", "hours.holidays"


def of_the_team(tx: Transaction) -> Hours:
    """When the team works; always while nobody has said."""
    stored = log.preferences(tx, "hours.")
    lines, holidays = stored.get("lines") or [], stored.get("holidays") or []
    return _parsed(lines, str(stored.get("timezone") or ""), holidays)


def of_an_agent(agent: Agent) -> Hours:
    """When one agent works."""
    return _parsed(agent.hours.get("lines") or [], agent.timezone, [])


def _parsed(lines: list[str], timezone: str, holidays: list[str]) -> Hours:
    try:
        return Hours.parse(lines, timezone, holidays)
    except (ValueError, TypeError, AttributeError):
        logger.warning("hours are stored wrongly")
        return ALWAYS
