"""GET /healthz: is the process well, is the database, how far are the lanes behind, did Slack object, and
how is the language model, as far as is known: a request to the page never asks it anything.

Also what requests are answered while the database is away.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import groupby

from flask import Blueprint, Response, jsonify

from handoff_bot.domain.errors import DatabaseAway
from handoff_bot.jobs import backlog, rate_limit_store
from handoff_bot.ports import Clock
from handoff_bot.services.model_watch import ModelHealthPage
from handoff_bot.storage.database import Database

logger = logging.getLogger(__name__)

BEHIND_AFTER = 5.0
"""Seconds that the first job of a lane a customer waits for may be overdue before the page says "behind"."""
LATE_AFTER = 60.0
"""Seconds that the first job of a lane may be overdue before the page says "late"."""
PATIENT = dict.fromkeys(("draw", "mood", "tell", "mail", "sink-webhook", "sink-zendesk"), 300.0)
"""The same for queues that no customer waits for."""


def health(database: Database, clock: Clock, model: ModelHealthPage | None = None) -> Blueprint:
    """The route. 503 when the database does not answer; "behind", "late" and "degraded" are a 200.

    What is late is the same for all processes on one database. With another code a load balancer would
    take them all out, and webhooks that could still be stored would be lost.
    """
    blueprint = Blueprint("health", __name__)

    @blueprint.app_errorhandler(DatabaseAway)
    def refuse(error: DatabaseAway) -> Response:
        logger.warning("request refused", extra={"status": 503, "why": str(error)})
        response = Response("The database does not respond.\n", 503, mimetype="text/plain")
        response.headers["Retry-After"] = "5"
        return response

    @blueprint.get("/healthz")
    def healthz() -> tuple[Response, int]:
        try:
            with database.read() as tx:
                load = backlog.load(tx)
                refusals = rate_limit_store.refusals(tx)
                mind = model.read(tx) if model else {"status": "off"}
        except Exception:  # whatever is wrong with it, the page must say so
            logger.exception("database does not answer")
            return jsonify(status="failing", process="ok", database="failing"), 503
        now = clock.now()
        lanes = {
            queue: {"waiting": part.waiting, "lag_seconds": _lag(part.oldest_due_at, now)}
            for queue, part in load.queues.items()
        }
        behind, late = _behind(load, now), _late(load, now)
        oldest = max((lane["lag_seconds"] for lane in lanes.values()), default=0.0)
        body = {
            "status": _status(behind, late, mind),
            "process": "ok",
            "database": "ok",
            "behind": behind,
            "late": late,
            "lanes": lanes,
            "oldest_due_seconds": oldest,
            "parked": load.parked,
            "slowed_down": _slowed_down(refusals),
            "model": mind,
        }
        return jsonify(body), 200

    return blueprint


def _status(behind: dict[str, float], late: dict[str, float], mind: Mapping[str, object]) -> str:
    if late or behind:
        return "late" if late else "behind"
    return "degraded" if mind["status"] == "failing" else "ok"


def _slowed_down(refusals: Sequence[rate_limit_store.Refusals]) -> dict[str, dict[str, object]]:
    """By kind of call: which channel of Slack it was is nobody's business here."""
    found: dict[str, dict[str, object]] = {}
    for kind, group in groupby(refusals, key=lambda each: each.budget.partition(":")[0]):
        same = list(group)
        latest = max(each.last_at for each in same)
        found[kind] = {"times": sum(each.count for each in same), "last_at": latest.isoformat()}
    return found


def _behind(load: backlog.Load, now: datetime) -> dict[str, float]:
    """Queues a customer waits for that are overdue -> their lag: more comes in than is done."""
    lags = _lags(load, now)
    return {
        queue: lag for queue, lag in lags.items() if queue not in PATIENT and lag > BEHIND_AFTER
    }


def _late(load: backlog.Load, now: datetime) -> dict[str, float]:
    """Queues with a lane beyond its bound -> its lag."""
    lags = _lags(load, now)
    return {queue: lag for queue, lag in lags.items() if lag > PATIENT.get(queue, LATE_AFTER)}


def _lags(load: backlog.Load, now: datetime) -> dict[str, float]:
    """Queue -> seconds. Waiting for a turn at Slack does not count: it is not our being late."""
    return {queue: _lag(part.ours_due_at, now) for queue, part in load.queues.items()}


def _lag(due_at: datetime | None, now: datetime) -> float:
    """Seconds since then; 0 when nothing is due."""
    if due_at is None:
        return 0.0
    return max(0.0, round((now - due_at).total_seconds(), 3))
