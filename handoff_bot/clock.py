"""The real clock."""

from __future__ import annotations

from datetime import UTC, datetime


class SystemClock:
    """The machine's time. Several machines on one database must keep theirs together (NTP)."""

    def now(self) -> datetime:
        """Aware UTC."""
        return datetime.now(UTC)
