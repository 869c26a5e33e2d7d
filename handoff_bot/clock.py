"""The real clock."""

from __future__ import annotations

from datetime import UTC, datetime


class SystemClock:
    """The machine's time. Several machines on one database must be synchronised (NTP)."""

    def now(self) -> datetime:
        """Returns aware UTC."""
        return datetime.now(UTC)
