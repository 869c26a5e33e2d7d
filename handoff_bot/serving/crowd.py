"""All open connections of a process: number, deadlines, memory of their bodies.

A connection without a complete request may be dropped at any time. At a limit, the longest waiting
one makes room for the newest, so that slow clients cannot block a webhook, not even from the same
address. A connection with a request in progress is never dropped to make room.
"""

from __future__ import annotations

import enum
import logging
import math
from collections import Counter
from collections.abc import Iterator
from typing import Protocol

logger = logging.getLogger(__name__)

HEAD_SECONDS = 10.0
"""From the connection, or the first byte of a further request, to the end of the request's head."""
BODY_SECONDS = 10.0
"""For a request's body, plus its transfer time at SLOWEST."""
SLOWEST = 16 * 1024
"""Bytes per second: slower than a mobile phone with a bad connection."""
KEEP_ALIVE = 30
"""Seconds between two requests of one connection."""
FLUSHED = 5.0
"""Seconds after KEEP_ALIVE in which a closed connection must have received the rest of its response."""
STOP_SECONDS = 3.0
"""For requests that are still arriving when the process stops."""

MOST_EACH = 200
"""Connections per address; enough for an office with 100 streams and their requests."""
MOST_HELD = 64 * 1024 * 1024
"""Bytes of all bodies before the largest arriving one is dropped."""
SMALL = 256 * 1024
"""Bodies up to this size are never refused because of others; every webhook is smaller."""
REPORT_SECONDS = 60.0
"""Interval of log lines about dropped connections: one line each would be an attack by itself."""


class Phase(enum.Enum):
    """Phase of a connection."""

    HEAD = "head"
    BODY = "body"
    WORK = "work"
    IDLE = "idle"


class Refused(Exception):
    """Ends a request with this status."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Member(Protocol):
    """One connection."""

    network: str
    phase: Phase
    since: float
    held: int

    def abort(self) -> None:
        """Closes without waiting."""


class Crowd:
    """Only used by the event loop's thread.

    Args:
        most: connections of the process.
        most_each: connections per address; 0 for no limit.
    """

    def __init__(self, most: int, most_each: int = MOST_EACH) -> None:
        self._most = most
        self._most_each = most_each
        self._members: dict[Member, None] = {}
        self._of_network: Counter[str] = Counter()
        self._held = 0
        self._dropped: Counter[str] = Counter()
        self._reported_at = -math.inf
        self._stop_at = math.inf

    def enter(self, member: Member) -> None:
        """Adds a connection; it may displace another one or be refused."""
        self._members[member] = None
        self._of_network[member.network] += 1
        if 0 < self._most_each < self._of_network[member.network]:
            same = (one for one in self._members if one.network == member.network)
            self._make_room(same, member, "too many of one address")
        if len(self._members) > self._most:
            self._make_room(iter(self._members), member, "too many")

    def _make_room(self, among: Iterator[Member], newest: Member, why: str) -> None:
        waiting = [one for one in among if one.phase is not Phase.WORK and one is not newest]
        self.drop(min(waiting, key=lambda one: one.since, default=newest), why)

    def leave(self, member: Member) -> None:
        """Removes a connection; safe to repeat."""
        if member not in self._members:
            return
        del self._members[member]
        self._of_network[member.network] -= 1
        if not self._of_network[member.network]:
            del self._of_network[member.network]
        self.release(member)

    def drop(self, member: Member, why: str) -> None:
        """Closes a connection at once."""
        self._dropped[why] += 1
        self.leave(member)
        member.abort()

    def count(self, why: str) -> None:
        """Counts an event for the report about dropped connections."""
        self._dropped[why] += 1

    # -- bodies

    def hold(self, member: Member, size: int) -> None:
        """Counts received bytes of a body.

        Raises:
            Refused: no room for a body of this size now.
        """
        member.held += size
        self._held += size
        while self._held > MOST_HELD:
            arriving = (one for one in self._members if one.phase is Phase.BODY)
            largest = max(arriving, key=lambda one: one.held, default=member)
            if largest is member:
                if member.held > SMALL:
                    raise Refused(503)
                return
            self.drop(largest, "bodies too large")

    def release(self, member: Member) -> None:
        """Releases a body."""
        self._held -= member.held
        member.held = 0

    # -- deadlines

    def sweep(self, now: float) -> None:
        """Drops overdue connections. Called every second."""
        late = [one for one in self._members if self._deadline(one) < now]
        for member in late:
            self.drop(member, f"{member.phase.value} too slow")
        if self._dropped and now - self._reported_at >= REPORT_SECONDS:
            logger.warning("connections dropped", extra={"reasons": dict(self._dropped)})
            self._dropped.clear()
            self._reported_at = now

    def stop(self, now: float) -> None:
        """Stops: requests that do not arrive soon are dropped."""
        self._stop_at = now + STOP_SECONDS

    def _deadline(self, member: Member) -> float:
        match member.phase:
            case Phase.WORK:
                return math.inf
            case Phase.HEAD:
                latest = member.since + HEAD_SECONDS
            case Phase.BODY:
                latest = member.since + BODY_SECONDS + member.held / SLOWEST
            case Phase.IDLE:
                latest = member.since + KEEP_ALIVE + FLUSHED
        return min(latest, self._stop_at)
