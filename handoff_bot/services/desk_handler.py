"""What everything that runs the desk's work shares."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

from handoff_bot.domain.desk import Card, Place
from handoff_bot.ports import Clock, Desk
from handoff_bot.services.runner import Handler
from handoff_bot.storage.database import Database
from handoff_bot.storage.transaction import Job

Plan = TypeVar("Plan")
Result = TypeVar("Result")


class DeskHandler(Handler[Plan, Result]):
    """What all of them share. The desk is waited for: it is where people look for what failed."""

    give_up_after = timedelta(days=7)

    def __init__(self, database: Database, desk: Desk, clock: Clock) -> None:
        self._database = database
        self._desk = desk
        self._clock = clock


def mark_of(job: Job) -> str:
    """Our own id of a post, by which it is found at the desk after a crash."""
    return f"work-{job.id}"


@dataclass(frozen=True)
class CardPlan:
    """A card to draw; `at` None for a new one."""

    card: Card
    at: Place | None
    mark: str
