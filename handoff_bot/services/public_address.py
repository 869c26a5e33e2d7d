"""The public address: proof that a request has reached this bot, and what has arrived from outside."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from handoff_bot.domain.results import CheckResult
from handoff_bot.domain.text import duration
from handoff_bot.jobs import store
from handoff_bot.ports import Clock
from handoff_bot.storage import log
from handoff_bot.storage.database import Database
from handoff_bot.storage.transaction import Transaction

NONCES = "doctor.nonces"
"""Setting: digests of the nonces of the last checks, with the time of each."""
_VALID = timedelta(minutes=2)
_MOST_NONCES = 5
_LONGEST_NONCE = 64


class InstanceProof:
    """Recognises a request that the doctor has sent to this bot, by a nonce in the shared database.

    Another instance, such as the one on the old machine after a move, does not know the nonce.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def ask(self) -> str:
        """Stores and returns a new nonce, valid for two minutes."""
        nonce, now = secrets.token_urlsafe(24), self._clock.now()
        with self._database.write() as tx:
            asked = [[_digest(nonce), now.isoformat()], *self._asked(tx)]
            log.prefer(tx, NONCES, asked[:_MOST_NONCES], "system", now)
        return nonce

    def knows(self, nonce: str) -> bool:
        """Returns whether a nonce is valid. Anyone may ask, so that only its digest is stored."""
        if len(nonce) > _LONGEST_NONCE:
            return False
        wanted, since = _digest(nonce), self._clock.now() - _VALID
        with self._database.read() as tx:
            return any(
                hmac.compare_digest(digest, wanted) and datetime.fromisoformat(at) >= since
                for digest, at in self._asked(tx)
            )

    def _asked(self, tx: Transaction) -> list[list[str]]:
        return list(log.preference(tx, NONCES, []))


def _digest(nonce: str) -> str:
    return hashlib.sha256(nonce.encode()).hexdigest()


@dataclass(frozen=True)
class SignedSource:
    """A service whose signed requests are stored as jobs.

    Attributes:
        name: "Twilio" or "Slack".
        kinds: kinds of the jobs; `lanes` begin the names of their lanes.
        try_it: how to make it send a request.
    """

    name: str
    kinds: Sequence[str]
    lanes: tuple[str, ...]
    try_it: str


class SignedArrivals:
    """Tells when a service last sent a signed request: it came from outside, and was stored."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def check(self, source: SignedSource) -> CheckResult:
        """Returns a result that always passes, because a new installation has no arrivals."""
        what = f"requests from {source.name}"
        with self._database.read() as tx:
            at = next(
                (
                    one.at
                    for one in store.newest(tx, source.kinds)
                    # A message that was fetched later names the time when it was sent.
                    if one.lane.startswith(source.lanes) and one.payload and not one.is_fetched
                ),
                None,
            )
        if at is None:
            return CheckResult(what, True, f"none lately; to see one arrive, {source.try_it}")
        ago = self._clock.now() - at
        minutes = max(0, round(ago.total_seconds() / 60))
        when = f"{duration(minutes, 'minute')} ago" if minutes else "just now"
        words = (
            f"the last signed one arrived {when}, so {source.name} reaches this bot from outside"
        )
        return CheckResult(what, True, words)
