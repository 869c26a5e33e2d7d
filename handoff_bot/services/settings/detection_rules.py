"""Detection rules set by admins."""

from __future__ import annotations

from handoff_bot.domain.detection_rules import Rules, Sensitivity, Tuning, as_address
from handoff_bot.domain.signals import Signal
from handoff_bot.services.settings_catalog import live
from handoff_bot.storage.transaction import Transaction

PREFIX = "rules."


def read(tx: Transaction) -> Rules:
    """Returns the current rules."""
    stored = live(tx, PREFIX)
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
