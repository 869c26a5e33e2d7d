"""GET /healthz: is the process well, is the database, how far are the lanes behind, did Slack object, and
how is the language model, as far as is known: a request to the page never asks it anything."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime
from itertools import groupby

from flask import Blueprint, Response, jsonify

from handoff_bot.ports import Clock
from handoff_bot.services.model_watch import ModelHealthPage
from handoff_bot.storage import pace, work
from handoff_bot.storage.database import Database

logger = logging.getLogger(__name__)


def health(database: Database, clock: Clock, model: ModelHealthPage | None = None) -> Blueprint:
    """The route. 503 when the database does not answer; "degraded" while the language model does not."""
    blueprint = Blueprint("health", __name__)

    @blueprint.get("/healthz")
    def healthz() -> tuple[Response, int]:
        try:
            with database.read() as tx:
                load = work.load(tx)
                refusals = pace.refusals(tx)
                mind = model.read(tx) if model else {"status": "off"}
        except Exception:  # whatever is wrong with it, the page must say so
            logger.exception("database does not answer")
            return jsonify(status="failing", process="ok", database="failing"), 503
        now = clock.now()
        lanes = {
            family: {"waiting": part.waiting, "lag_seconds": _lag(part, now)}
            for family, part in load.families.items()
        }
        oldest = max((lane["lag_seconds"] for lane in lanes.values()), default=0.0)
        body = {
            "status": "degraded" if mind["status"] == "failing" else "ok",
            "process": "ok",
            "database": "ok",
            "lanes": lanes,
            "oldest_due_seconds": oldest,
            "parked": load.parked,
            "slowed_down": _slowed_down(refusals),
            "model": mind,
        }
        return jsonify(body), 200

    return blueprint


def _slowed_down(refusals: Sequence[pace.Refusals]) -> dict[str, dict[str, object]]:
    """By kind of call: which channel of Slack it was is nobody's business here."""
    found: dict[str, dict[str, object]] = {}
    for kind, group in groupby(refusals, key=lambda each: each.budget.partition(":")[0]):
        same = list(group)
        latest = max(each.last_at for each in same)
        found[kind] = {"times": sum(each.count for each in same), "last_at": latest.isoformat()}
    return found


def _lag(part: work.FamilyLoad, now: datetime) -> float:
    """Seconds since the oldest work was due; 0 when nothing is."""
    if part.oldest_due_at is None:
        return 0.0
    return max(0.0, round((now - part.oldest_due_at).total_seconds(), 3))
