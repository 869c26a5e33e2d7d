"""Detection rules set by admins."""

from __future__ import annotations

import logging
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from handoff_bot.domain.detection_rules import (
    DEFAULT_PAUSE,
    LONGEST_PAUSE,
    Rules,
    Sensitivity,
    Tuning,
    as_address,
)
from handoff_bot.domain.signals import Signal
from handoff_bot.storage import log
from handoff_bot.storage.transaction import Transaction

logger = logging.getLogger(__name__)

PREFIX = "rules."


class _Stored(BaseModel):
    """The settings, each named after its key without the prefix."""

    model_config = ConfigDict(extra="ignore")

    triggers: dict[Signal, Sensitivity] = Field(default_factory=dict)
    always: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    pause_seconds: float = Field(DEFAULT_PAUSE, ge=0, le=LONGEST_PAUSE)
    most_answers: int = Field(0, ge=0)
    vips: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    shifts: dict[Signal, float] = Field(default_factory=dict)
    last_layer: dict[Signal, tuple[float, ...]] = Field(default_factory=dict)
    answer_short_codes: bool = False
    paused: bool = False


NAMES = tuple(_Stored.model_fields)
"""Setting names, each stored as `detection_rules.NAME`."""


def read(tx: Transaction) -> Rules:
    """Returns the current rules; values that are stored wrongly count as not set."""
    return parsed(log.preferences(tx, PREFIX))


def parsed(values: dict[str, Any]) -> Rules:
    """Returns rules from stored values by name, without the prefix."""
    stored = _stored(values)
    return Rules(
        triggers=dict.fromkeys(Signal, Sensitivity.MEDIUM) | stored.triggers,
        always=stored.always,
        never=stored.never,
        pause_seconds=stored.pause_seconds,
        most_answers=stored.most_answers,
        vips=frozenset(map(as_address, stored.vips)),
        languages=stored.languages,
        tuning=Tuning(stored.shifts, stored.last_layer),
        answer_short_codes=stored.answer_short_codes,
        paused=stored.paused,
    )


def _stored(values: dict[str, Any]) -> _Stored:
    try:
        return _Stored.model_validate(values)
    except ValidationError as error:
        wrong = {str(detail["loc"][0]) for detail in error.errors(include_input=False)}
        logger.warning("rules are stored wrongly", extra={"names": sorted(wrong)})
        return _Stored.model_validate({k: v for k, v in values.items() if k not in wrong})
