"""The language model: monitored, and with a spending cap."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from handoff_bot.domain.desk import Post, PostKind
from handoff_bot.domain.events import EventKind
from handoff_bot.domain.language_models import (
    TRANSCRIBING,
    Caps,
    Look,
    ModelHealth,
    Trouble,
    Usage,
)
from handoff_bot.domain.metrics import Period, Scope, share
from handoff_bot.domain.results import CheckResult
from handoff_bot.jobs.handler import ADMINS, ProviderJob
from handoff_bot.jobs.job import Job
from handoff_bot.ports import Clock, ModelProbe
from handoff_bot.services.outbox import alarms, outbox
from handoff_bot.services.settings_catalog import live
from handoff_bot.storage import log, metrics, model_state, tallies
from handoff_bot.storage.database import Database
from handoff_bot.storage.transaction import Transaction

logger = logging.getLogger(__name__)

# -- monitoring, for all processes: admins are told when it fails and when it recovers
# The state is stored in the database. Only a tick and the doctor send test requests; the health
# page never does.

LOOK = "model.look"
QUIET = timedelta(minutes=30)
"""A model without requests for this long is tested."""
RETRY = timedelta(minutes=5)
"""A failing model is tested this often, so its recovery is noticed without customer messages."""
DAILY = timedelta(days=1)
"""How often the provider is asked for the model's shutdown date."""
_REFRESH = timedelta(minutes=1)
"""Minimum time between two stored successes."""

DOWN = (
    "The language model has not responded since {since} UTC ({failures} failed requests in "
    "a row). {why} Customers receive local answers until it recovers."
)
BACK = "The language model is responding again. Customers receive its answers from now on."


NOT_TRANSCRIBING = (
    "Voice notes have not been transcribed since {since} UTC ({failures} failed requests in a "
    "row). {why} Customers are told that the assistant cannot listen to them."
)
TRANSCRIBING_AGAIN = "Voice notes are transcribed again."
VOICE_NOTES = "Voice notes"


class Watch:
    """Receives the outcome of each request from the adapter; see `ports.ModelWatch`."""

    down, back = DOWN, BACK

    def __init__(self, database: Database, clock: Clock, model: str) -> None:
        self._database = database
        self._clock = clock
        self._model = model

    def answered(self) -> None:
        self._safely(self._answered)

    def failed(self, trouble: Trouble, detail: str = "") -> None:
        self._safely(lambda: self._failed(trouble, detail))

    def refused_tools(self, names: Sequence[str]) -> None:
        """Tells the admins, at most once an hour about the same tools."""

        def tell() -> None:
            with self._database.write() as tx:
                alarms.tools_refused(tx, names, self._clock.now())

        self._safely(tell)

    def health(self, tx: Transaction) -> ModelHealth:
        return model_state.of(tx, self._model)

    def _safely(self, note: Callable[[], None]) -> None:
        """Runs `note` without raising: an answer must not be lost because its outcome could not be
        stored.
        """
        try:
            note()
        except Exception:  # any database error
            logger.exception("the language model's state could not be kept")

    def _answered(self) -> None:
        now = self._clock.now()
        with self._database.read() as tx:
            before = self.health(tx)
        is_fresh = before.answered_at is not None and now - before.answered_at < _REFRESH
        if is_fresh and not before.failures:
            return
        with self._database.write() as tx:
            if model_state.answered(tx, self._model, now):
                log.record(tx, EventKind.MODEL_BACK, now)
                tell_admins(tx, self.back, now)

    def _failed(self, trouble: Trouble, detail: str) -> None:
        now = self._clock.now()
        with self._database.write() as tx:
            model_state.failed(tx, self._model, trouble, detail, now)
            self.tell_if_down(tx, now)

    def why(self, health: ModelHealth) -> str:
        """Returns the cause of the failure, "" if it works."""
        return health.why

    def tell_if_down(self, tx: Transaction, now: datetime) -> None:
        """Tells the admins once that the model does not respond."""
        health = self.health(tx)
        if health.failing_since is None or not health.is_down(now):
            return
        if health.is_told or not model_state.told(tx, self._model, now):
            return
        log.record(tx, EventKind.MODEL_DOWN, now, trouble=health.trouble)
        words = self.down.format(
            since=f"{health.failing_since:%H:%M}", failures=health.failures, why=self.why(health)
        )
        tell_admins(tx, words, now)


class TranscriptionWatch(Watch):
    """Receives the outcome of each transcription. Its model has settings of its own."""

    down, back = NOT_TRANSCRIBING, TRANSCRIBING_AGAIN

    def why(self, health: ModelHealth) -> str:
        if not health.trouble or not health.failures:
            return ""
        why = TRANSCRIBING[health.trouble]
        return f"{why} ({health.detail})" if health.detail else why

    def check(self, tx: Transaction) -> CheckResult:
        """Returns the health check, by the last voice note."""
        if not live(tx).transcribe:
            return CheckResult(VOICE_NOTES, True, "not transcribed; admins can turn it on")
        health = self.health(tx)
        said = self.why(health) or ("transcribed" if health.answered_at else "none came yet")
        return CheckResult(VOICE_NOTES, not health.failures, said)


def tell_admins(tx: Transaction, words: str, now: datetime) -> None:
    post = Post(PostKind.TOLD, words)
    for to in alarms.admins(tx):
        outbox.tell(tx, to, post, now)


@dataclass(frozen=True)
class ModelPart:
    """The language model as passed to the core.

    Attributes:
        watch: receives the outcomes.
        probe: sends test requests.
        transcriptions: receives the outcomes of transcriptions.
    """

    watch: Watch
    probe: ModelProbe
    transcriptions: TranscriptionWatch | None = None


class LookAtModel(ProviderJob[ModelPart, Look]):
    """Tests the model after a quiet period, and looks up its shutdown date."""

    told = ADMINS
    repeatable = True

    def __init__(self, part: ModelPart | None, clock: Clock) -> None:
        self._part = part
        self._clock = clock

    def prepare(self, tx: Transaction, job: Job) -> ModelPart | None:
        """Returns the model if a test is due."""
        if self._part is None:
            return None
        now = self._clock.now()
        self._part.watch.tell_if_down(tx, now)
        return self._part if is_due(self._part.watch.health(tx), now) else None

    def call(self, plan: ModelPart) -> Look:
        """Sends the test request; the watch receives the outcome."""
        return plan.probe.look()

    def finish(self, tx: Transaction, job: Job, plan: ModelPart, result: Look) -> None:
        """Keep the day on which it is switched off."""
        _remember(tx, result, self._clock.now())


def _remember(tx: Transaction, look: Look, now: datetime) -> None:
    """Keeps the known shutdown date when the service does not return one."""
    known = model_state.of(tx, look.model).shutdown if look.trouble else None
    model_state.looked(tx, look.model, look.shutdown or known, now)


def is_due(health: ModelHealth, now: datetime) -> bool:
    """Returns whether a test request is due."""
    if health.looked_at is None or now - health.looked_at >= DAILY:
        return True
    if health.failures:
        return now - health.looked_at >= RETRY
    heard = max(filter(None, (health.answered_at, health.looked_at)))
    return now - heard >= QUIET


class ModelHealthPage:
    """The model's part of the health page, without sending a request."""

    def __init__(self, database: Database, clock: Clock, watch: Watch) -> None:
        self._database = database
        self._clock = clock
        self._watch = watch
        self._counted_at: datetime | None = None
        self._counted: tuple[int, int] = (0, 0)

    def read(self, tx: Transaction) -> dict[str, Any]:
        """Returns the state and the share of the last day's turns that were answered in time."""
        now = self._clock.now()
        health = self._watch.health(tx)
        turns, in_time = self._turns(tx, now)
        return {
            "status": health.status,
            "answered_at": _iso(health.answered_at),
            "failing_since": _iso(health.failing_since),
            "failures": health.failures,
            "why": health.why,
            "shutdown_date": health.shutdown.isoformat() if health.shutdown else None,
            "shutdown_soon": health.is_off_soon(now.date()),
            "answered_in_time": {
                "hours": 24,
                "turns": turns,
                "in_time": in_time,
                "share": share(in_time, turns),
            },
        }

    def status(self, tx: Transaction) -> str:
        """Returns "ok", "failing" or "unknown"."""
        return self._watch.health(tx).status

    def _turns(self, tx: Transaction, now: datetime) -> tuple[int, int]:
        """Counted at most once a minute, because the page may be requested often."""
        if self._counted_at is None or now - self._counted_at >= _REFRESH:
            day = Period(now - DAILY, now + _REFRESH)  # Clocks of several machines differ slightly.
            self._counted = metrics.model_turns(tx, Scope(day))
            self._counted_at = now
        return self._counted


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


class ModelDoctor:
    """Health check of the model; empty without one."""

    def __init__(self, part: ModelPart | None, database: Database, clock: Clock) -> None:
        self._part = part
        self._database = database
        self._clock = clock

    def checks(self) -> list[CheckResult]:
        """Sends one test request. Takes seconds."""
        if self._part is None:
            return []
        look = self._part.probe.look()
        now = self._clock.now()
        with self._database.write() as tx:
            _remember(tx, look, now)
            heard = self._part.transcriptions
            voice_notes = [heard.check(tx)] if heard else []
        return [*look.checks(now.date()), *voice_notes]


# -- spending: a daily cap in total and per contact


class Ledger:
    """Counts calls in the database, so all processes share the caps.

    A call is counted when it ends. Concurrent calls can exceed a cap by their own cost, a few
    cents, but are always recorded.
    """

    def __init__(self, database: Database, caps: Caps, clock: Clock) -> None:
        self._database = database
        self._caps = caps
        self._clock = clock

    def allows(self, contact_id: int | None) -> bool:
        """Returns whether both the total and the contact's cap allow another call."""
        caps = ((tallies.ALL_CONTACTS, self._caps.daily), (contact_id, self._caps.daily_each))
        if not any(cap for _, cap in caps):
            return True
        with self._database.read() as tx:
            return all(
                tallies.spent_micros(tx, self._today(), who) < cap * 1_000_000
                for who, cap in caps
                if cap and who is not None
            )

    def record(self, contact_id: int | None, usage: Usage) -> None:
        cost = self._caps.micros(usage)
        with self._database.write() as tx:
            for who in (tallies.ALL_CONTACTS, contact_id):
                if who is not None:
                    tallies.add_usage(tx, self._today(), who, usage, cost)

    def _today(self) -> str:
        return self._clock.now().date().isoformat()
