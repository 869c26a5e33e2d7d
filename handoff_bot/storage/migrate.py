"""Brings the tables up to date at start; of several processes at once, one does it and the others wait."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text

from handoff_bot.storage.database import Database

if TYPE_CHECKING:
    from alembic.config import Config

LOCK = 0x48616E646F6666
"""The PostgreSQL advisory lock of whoever migrates ("Handoff" in ASCII)."""
HEAD = "0011"
"""The newest migration; a test holds it."""


def migrate(database: Database) -> None:
    """Migrate to the newest revision; SQLite's write transaction or PostgreSQL's lock lets one win."""
    with database.engine.begin() as connection:
        if not database.is_sqlite:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})
        if _revision(connection) != HEAD:
            # Here, because Alembic takes 14 MB, for the very first start alone.
            from alembic import command

            command.upgrade(configuration(connection), "head")


def _revision(connection: Connection) -> str | None:
    """The revision the tables are at, None when there are none yet."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found = connection.execute(text("SELECT version_num FROM alembic_version"))
    return found.scalar_one_or_none()


def configuration(connection: Connection) -> Config:
    """Alembic's configuration over an open connection."""
    from alembic.config import Config

    config = Config()
    folder = resources.files("handoff_bot.storage") / "migrations"
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
