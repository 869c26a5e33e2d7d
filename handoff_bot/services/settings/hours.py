"""Business hours from the settings. Hours that are stored wrongly count as not set."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from handoff_bot.domain.hours import ALWAYS, Hours
from handoff_bot.domain.public_holidays import PublicHolidays, countries, regions
from handoff_bot.domain.settings import Section, none_or_one
from handoff_bot.services.settings_catalog import key_of, live, read
from handoff_bot.storage.models import Agent
from handoff_bot.storage.transaction import Transaction

logger = logging.getLogger(__name__)

OPEN, CLOSED = "open", "closed"
COUNTRY, REGION, WORKED = map(key_of, ("country", "region", "holidays_worked"))


def of_the_team(tx: Transaction) -> Hours:
    """Returns the team's business hours; always open until an admin sets them."""
    stored = live(tx)
    public = _public(stored.country, stored.region, stored.holidays_worked)
    return _parsed(stored.business_hours, stored.timezone, stored.holidays, public)


def words_for(tx: Transaction, at: datetime) -> str:
    """Returns the event log's value for inside or outside business hours."""
    return OPEN if of_the_team(tx).is_open(at) else CLOSED


def of_an_agent(agent: Agent) -> Hours:
    return _parsed(agent.hours.get("lines") or [], agent.timezone, [])


def with_holidays(section: Section, values: Mapping[str, Any], today: date) -> Section:
    """Returns the section of business hours with the choices for a country.

    Args:
        section: `settings_catalog.HOURS`.
        values: the preferences by key, or what was chosen instead.
        today: the first day of the year in which holidays are shown.
    """
    by_name = {each.name: each for each in section.settings}
    country, region, worked = (by_name[each] for each in (COUNTRY, REGION, WORKED))
    offered = countries()
    shown = section.replacing(replace(country, choices=offered, parse=none_or_one(offered)))
    chosen, place = read("country", values.get(COUNTRY)), read("region", values.get(REGION))
    public = _public(chosen, place, ())
    if public is None:
        return shown.without(REGION, WORKED)
    days: dict[str, str] = {}
    for day, name in public.upcoming(today):
        days.setdefault(name, f"{name} ({day:%a} {day.day} {day:%b %Y})")
    parts = regions(public.country)
    where = f"{public.country}.{public.region if public.region in parts else ''}"
    shown = shown.replacing(
        replace(worked, choices=days, depends_on=where),
        replace(region, choices=parts, parse=none_or_one(parts), depends_on=public.country),
    )
    return shown if parts else shown.without(REGION)


def _public(country: str, region: str, worked: Sequence[str]) -> PublicHolidays | None:
    return PublicHolidays(country, region, frozenset(worked)) if country else None


def _parsed(
    lines: Sequence[str],
    timezone: str,
    holidays: Sequence[str],
    public: PublicHolidays | None = None,
) -> Hours:
    try:
        return Hours.parse(lines, timezone, holidays, public)
    except (ValueError, TypeError, AttributeError):
        logger.warning("hours are stored wrongly")
        return ALWAYS
