"""The database's files are for the bot's own user only."""

import os
from pathlib import Path

from handoff_bot.storage.database import Database
from handoff_bot.storage.migrate import migrate


def modes(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()}


def opened(path: Path) -> Database:
    database = Database(f"sqlite:///{path}")
    migrate(database)
    return database


def test_a_new_database_and_its_folder_are_private(tmp_path):
    before = os.umask(0)
    try:
        database = opened(tmp_path / "made" / "handoff.db")
    finally:
        os.umask(before)
    folder = tmp_path / "made"
    assert modes(folder) == dict.fromkeys(("handoff.db", "handoff.db-wal", "handoff.db-shm"), 0o600)
    assert folder.stat().st_mode & 0o777 == 0o700
    database.close()


def test_an_old_database_becomes_private_and_its_folder_stays(tmp_path):
    tmp_path.chmod(0o755)
    first = opened(tmp_path / "handoff.db")
    for path in tmp_path.iterdir():
        path.chmod(0o644)
    second = opened(tmp_path / "handoff.db")
    assert set(modes(tmp_path).values()) == {0o600}
    assert tmp_path.stat().st_mode & 0o777 == 0o755
    second.close()
    first.close()
