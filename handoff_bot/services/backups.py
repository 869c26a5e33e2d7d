"""Backup, restore and check of the whole database.

A restored database is in the past. What was waiting to be sent may have been sent since, so it is looked
up at Twilio and Slack first. What came in since was answered by a bot that no longer exists, so it is
not fetched again unless an operator asks for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from handoff_bot.domain.desk import CLOCKS_APART
from handoff_bot.domain.health_checks import CheckResult
from handoff_bot.domain.text import many
from handoff_bot.ports import Clock
from handoff_bot.services import first_steps
from handoff_bot.services.catching_up import OVERLAP
from handoff_bot.services.delivery import inbound_files, sending
from handoff_bot.services.outbox import outbox
from handoff_bot.storage import restored
from handoff_bot.storage.backups import store_of
from handoff_bot.storage.database import Database

LOOKED_UP = (
    *(sending.SEND, outbox.CARD, outbox.POST, outbox.BOARD),
    *(inbound_files.FILE, first_steps.SHOW),
)
"""Kinds of jobs whose effect is found at its provider."""
DONE = "Restored {file}, with schema {revision}. Start the bot when you are ready."
PENDING = "Looked up at Slack and Twilio before sending: {count}."
ARRIVED = (
    "Received but not yet handled at the time of the backup: {count}. The bot handles them when it "
    "starts, even if they were handled after the backup. To check first, start it with "
    "HOLD_OUTGOING=true."
)
NOT_FETCHED = "Messages since the backup are not fetched. To fetch them, use --missed-since."
FETCHED = "The bot fetches messages since {since:%Y-%m-%d %H:%M} UTC when it starts."


class Backups:
    """Operations on one database, which need not exist or be migrated.

    Args:
        url: the database URL.
    """

    def __init__(self, url: str, clock: Clock) -> None:
        self._url = url
        self._clock = clock

    def back_up(self, file: Path) -> str:
        """Writes a backup, while bots run. Raises BackupError."""
        store_of(self._url).back_up(file)
        return f"{file}: {file.stat().st_size:,} bytes"

    def restore(
        self, file: Path, *, replace: bool = False, missed_since: datetime | None = None
    ) -> list[str]:
        """Restores a backup, migrated. Returns what the operator should know.

        Args:
            replace: also if the database is not empty.
            missed_since: from when on the bot fetches messages; None for those after the restore.

        Raises:
            BackupError, SchemaError: nothing was changed, or the text says what was.
        """
        report: list[str] = []

        def settle(database: Database, revision: str) -> None:
            now = self._clock.now()
            since = missed_since or now
            contact = restored.Contact(since + OVERLAP, since + CLOCKS_APART)
            found = restored.settle(database, revision, LOOKED_UP, contact)
            report.append(DONE.format(file=file, revision=found.revision))
            if found.pending:
                report.append(PENDING.format(count=many(found.pending, "waiting job")))
            if found.arrived:
                report.append(ARRIVED.format(count=many(found.arrived, "job")))

        store_of(self._url).restore(file, replace=replace, settle=settle)
        report.append(FETCHED.format(since=missed_since) if missed_since else NOT_FETCHED)
        return report

    def check(self) -> Iterator[CheckResult]:
        """Checks the data, without changing or migrating it."""
        database = Database(self._url)
        try:
            yield from restored.checks(database)
        finally:
            database.close()
