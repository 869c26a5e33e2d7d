"""Brings the tables up to date at start; of several processes at once, one does it and the others wait."""

from __future__ import annotations

from importlib import resources

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text

from handoff_bot.storage.database import Database

LOCK = 0x48616E646F6666
"""The PostgreSQL advisory lock of whoever migrates ("Handoff" in ASCII)."""


def migrate(database: Database, revision: str = "head") -> None:
    """Migrate to a revision; SQLite's write transaction or PostgreSQL's advisory lock lets one win."""
    with database.engine.begin() as connection:
        if not database.is_sqlite:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})
        command.upgrade(configuration(connection), revision)


def configuration(connection: Connection) -> Config:
    """Alembic's configuration over an open connection."""
    config = Config()
    folder = resources.files("handoff_bot.storage") / "migrations"
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
