"""Migrates the tables at start; of several processes, one migrates and the others wait."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text

from handoff_bot import __version__
from handoff_bot.domain.errors import SchemaError
from handoff_bot.storage.database import Database

if TYPE_CHECKING:
    from alembic.config import Config

LOCK = 0x48616E646F6666
"""PostgreSQL advisory lock during migration ("Handoff" in ASCII)."""
VERSIONS = resources.files("handoff_bot.storage") / "migrations" / "versions"
KNOWN = frozenset(each.name[:4] for each in VERSIONS.iterdir() if each.name[:4].isdigit())
"""All migrations, by the numbers of the files: loading Alembic to ask would take 14 MB."""
HEAD = max(KNOWN)
TOO_NEW = (
    "was migrated by a newer version of Handoff (schema {found}). This is Handoff {version}, which "
    "knows schemas up to {head}. Install the newer version, or restore a backup made before the "
    "upgrade: handoff db restore FILE --replace."
)


def migrate(database: Database) -> None:
    """Migrates to the newest revision. SQLite's write transaction or PostgreSQL's lock lets one
    process win.

    Raises:
        SchemaError: a newer version has migrated the database.
    """
    with database.engine.begin() as connection:
        if not database.is_sqlite:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})
        upgrade(connection)


def upgrade(connection: Connection) -> None:
    """Migrates within an open transaction. Raises SchemaError as `migrate` does."""
    found = revision(connection)
    refuse_newer(found)
    if found != HEAD:
        # Imported here, because Alembic takes 14 MB and is only needed for migrations.
        from alembic import command

        command.upgrade(configuration(connection), "head")


def refuse_newer(found: str | None, what: str = "The database") -> None:
    """Raises SchemaError if this program does not know the revision."""
    if found is not None and found not in KNOWN:
        raise SchemaError(f"{what} {TOO_NEW.format(found=found, version=__version__, head=HEAD)}")


def revision(connection: Connection) -> str | None:
    """Returns the current revision, None without tables."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found = connection.execute(text("SELECT version_num FROM alembic_version"))
    return found.scalar_one_or_none()


def configuration(connection: Connection) -> Config:
    """Returns Alembic's configuration for an open connection."""
    from alembic.config import Config

    config = Config()
    folder = resources.files("handoff_bot.storage") / "migrations"
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
