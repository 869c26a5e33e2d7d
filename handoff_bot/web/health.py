"""GET /livez, /readyz and /healthz, and who may see them."""

from __future__ import annotations

import hmac
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address
from itertools import groupby

from flask import Blueprint, Request, Response, jsonify, request

from handoff_bot.domain.errors import DatabaseAway
from handoff_bot.jobs import leases, rate_limits, store
from handoff_bot.ports import Clock
from handoff_bot.services.ai_turns.language_model import ModelHealthPage
from handoff_bot.services.outbox import ticket_sync
from handoff_bot.storage.database import Database
from handoff_bot.storage.migrate import revision
from handoff_bot.storage.schema import HEAD, KNOWN

logger = logging.getLogger(__name__)

# -- who may see it

_FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Real-Ip", "Via")
"""A request with one of these came through a proxy, whose address is not the client's."""


@dataclass(frozen=True)
class Operators:
    """Operators are known by a token; while there is none, by asking from this machine.

    Args:
        token: METRICS_TOKEN; "" for none.
    """

    token: str = ""

    def has_token(self, request: Request) -> bool:
        """Returns whether a request has the token. Never without a token."""
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        is_same = hmac.compare_digest(given.strip().encode(), self.token.encode())
        return bool(self.token) and is_same and scheme.lower() == "bearer"

    def may_see(self, request: Request) -> bool:
        """Returns whether a request may see details of the health page."""
        return self.has_token(request) or (not self.token and _is_local(request))


def _is_local(request: Request) -> bool:
    if any(name in request.headers for name in _FORWARDED):
        return False
    try:
        return ip_address(request.remote_addr or "").is_loopback
    except ValueError:
        return False


# -- for supervisors, load balancers and people
# /healthz shows the process, the database, the lanes, Slack's rate limits and the language model.
# Requests to it never query the model. All answer while the database is down.

LOCAL_REQUESTS_ONLY = Operators()
BEHIND_AFTER = 5.0
"""Seconds that a customer-facing lane may be overdue before the page says "behind"."""
LATE_AFTER = 60.0
"""Seconds that a lane may be overdue before the page says "late"."""
PATIENT = dict.fromkeys(("draw", "mood", "tell", "mail", *ticket_sync.QUEUES), 300.0)
"""Limits for queues that no customer waits for."""


def health(
    database: Database,
    clock: Clock,
    model: ModelHealthPage | None = None,
    operators: Operators = LOCAL_REQUESTS_ONLY,
    worker: Callable[[], str] | None = None,
) -> Blueprint:
    """Returns the routes. 503 if the database does not respond; "behind", "late" and "degraded" are
    a 200.

    Lateness is the same for all processes on one database. With an error code, a load balancer
    would remove all of them, and webhooks that could still be stored would be lost.

    Args:
        operators: who may see details.
        worker: returns the id of this process's worker; None if it only stores requests.
    """
    blueprint = Blueprint("health", __name__)

    @blueprint.app_errorhandler(DatabaseAway)
    def refuse(error: DatabaseAway) -> Response:
        logger.warning("request refused", extra={"status": 503, "why": str(error)})
        response = Response("The database does not respond.\n", 503, mimetype="text/plain")
        response.headers["Retry-After"] = "5"
        return response

    @blueprint.get("/livez")
    def livez() -> tuple[Response, int]:
        return jsonify(status="ok"), 200

    @blueprint.get("/readyz")
    def readyz() -> tuple[Response, int]:
        lacking = _lacking(database, clock.now(), worker() if worker else None)
        if lacking:
            return jsonify(status="not ready", lacking=lacking), 503
        return jsonify(status="ready"), 200

    @blueprint.get("/healthz")
    def healthz() -> tuple[Response, int]:
        try:
            with database.read() as tx:
                load = store.load(tx)
                refusals = rate_limits.refusals(tx)
                mind = model.read(tx) if model else {"status": "off"}
        except Exception:  # on any error, the page must report it
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
        if not operators.may_see(request):
            body = {key: body[key] for key in ("status", "process", "database")}
        return jsonify(body), 200

    return blueprint


def _lacking(database: Database, now: datetime, worker: str | None) -> str:
    """Returns what this process cannot do without: "database", "schema" or "worker"; "" if nothing."""
    try:
        with database.read() as tx:
            found = revision(tx.core)
            is_heard = worker is None or leases.is_alive(tx, worker, now)
    except Exception:  # on any error, the page must report it
        logger.exception("database does not answer")
        return "database"
    # A newer schema has more tables and columns, which an older process does not need.
    if found is None or (found != HEAD and found in KNOWN):
        return "schema"
    return "" if is_heard else "worker"


def _status(behind: dict[str, float], late: dict[str, float], mind: Mapping[str, object]) -> str:
    if late or behind:
        return "late" if late else "behind"
    return "degraded" if mind["status"] == "failing" else "ok"


def _slowed_down(refusals: Sequence[rate_limits.Refusals]) -> dict[str, dict[str, object]]:
    """Returns rate-limit responses by kind of call, without Slack channel ids."""
    found: dict[str, dict[str, object]] = {}
    for kind, group in groupby(refusals, key=lambda each: each.budget.partition(":")[0]):
        same = list(group)
        latest = max(each.last_at for each in same)
        found[kind] = {"times": sum(each.count for each in same), "last_at": latest.isoformat()}
    return found


def _behind(load: store.Load, now: datetime) -> dict[str, float]:
    """Returns overdue customer-facing queues -> lag: more work arrives than is done."""
    lags = _lags(load, now)
    return {
        queue: lag for queue, lag in lags.items() if queue not in PATIENT and lag > BEHIND_AFTER
    }


def _late(load: store.Load, now: datetime) -> dict[str, float]:
    """Returns queues with a lane beyond its limit -> lag."""
    lags = _lags(load, now)
    return {queue: lag for queue, lag in lags.items() if lag > PATIENT.get(queue, LATE_AFTER)}


def _lags(load: store.Load, now: datetime) -> dict[str, float]:
    """Returns queue -> seconds. Waiting for Slack's rate limit does not count as a lag."""
    return {queue: _lag(part.ours_due_at, now) for queue, part in load.queues.items()}


def _lag(due_at: datetime | None, now: datetime) -> float:
    """Returns the seconds since then; 0 if nothing is due."""
    if due_at is None:
        return 0.0
    return max(0.0, round((now - due_at).total_seconds(), 3))
