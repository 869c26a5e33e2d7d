"""Which schemas this program knows, by the files of the migrations."""

from __future__ import annotations

from importlib import resources

MIGRATIONS = resources.files("handoff_bot.storage") / "migrations"
KNOWN = frozenset(
    each.name[:4] for each in (MIGRATIONS / "versions").iterdir() if each.name[:4].isdigit()
)
"""All migrations, by the numbers of the files: loading Alembic to ask would take 14 MB."""
HEAD = max(KNOWN)
APPLICATION = "handoff"
"""Beginning of our connections' names in PostgreSQL's pg_stat_activity."""
CONNECTION = f"{APPLICATION} {HEAD}"
"""Name of this program's connections: a migration finds programs there that know older schemas."""
