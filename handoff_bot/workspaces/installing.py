"""The app's installations by OAuth: where they are stored, and who may install it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sqlalchemy import text

from handoff_bot import app
from handoff_bot.settings import Settings
from handoff_bot.slack.incoming.teams import REDIRECT_PATH
from handoff_bot.slack.manifest import OPTIONAL_SCOPES, SCOPES
from handoff_bot.storage.database import Database, told_apart
from handoff_bot.storage.migrate import LOCK

if TYPE_CHECKING:
    from handoff_bot.slack.installations import Installations

ROTATION_LOCK = LOCK + 1
"""PostgreSQL advisory lock while a token is rotated."""
TABLES_LOCK = LOCK + 2
"""PostgreSQL advisory lock while the tables are created; not the one for which migrations wait."""
TABLES = ("slack_bots", "slack_installations", "slack_oauth_states")
"""Those of Slack's SDK: all that the database of the process holds."""


class SharedStore:
    """The database of the process, which holds the installations and nothing of any customer."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._database = Database(settings.DATABASE_URL.get_secret_value(), pool_size=2)
        self._rotating = threading.Lock()

    def open(self) -> Installations:
        """Returns the installations.

        Raises:
            EncryptionError: the file of keys is not valid, or the library is missing.
            DatabaseAway: the database does not respond.
        """
        # Imported here, because one workspace by its token needs no OAuth.
        from handoff_bot.slack.installations import Installations, SlackApp

        settings = self._settings
        slack_app = SlackApp(
            client_id=settings.SLACK_CLIENT_ID,
            client_secret=settings.SLACK_CLIENT_SECRET.get_secret_value(),
            api_url=settings.SLACK_API_URL,
            redirect_path=REDIRECT_PATH,
            redirect_uri=f"{settings.PUBLIC_BASE_URL.rstrip('/')}{REDIRECT_PATH}",
            scopes=(*SCOPES, *OPTIONAL_SCOPES),
        )
        keys = app.keyring(settings)
        assert keys is not None  # noqa: S101 - SLACK_CLIENT_ID needs the file
        made = Installations(self._database.engine, keys, slack_app, self._alone)
        with told_apart(), self._database.engine.begin() as connection:
            if not self._database.is_sqlite:
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": TABLES_LOCK})
            made.create_tables(connection)
        return made

    def prepare(self) -> None:
        """Creates the tables that do not exist, and closes the store."""
        try:
            self.open()
        finally:
            self.close()

    @contextmanager
    def _alone(self) -> Iterator[bool]:
        """Yields True in one process at a time. SQLite has one."""
        if not self._rotating.acquire(blocking=False):
            yield False
            return
        try:
            if self._database.is_sqlite:
                yield True
                return
            with told_apart(), self._database.engine.begin() as connection:
                mine = connection.execute(
                    text("SELECT pg_try_advisory_xact_lock(:key)"), {"key": ROTATION_LOCK}
                ).scalar_one()
                yield bool(mine)
        finally:
            self._rotating.release()

    def close(self) -> None:
        self._database.close()
