"""Writes the next migration: what the models have and the migrations do not.

Run it as `make migration NAME=invitations`.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from alembic import command

from handoff_bot.storage.database import Database
from handoff_bot.storage.migrate import configuration, migrate
from handoff_bot.storage.schema import HEAD

FOLDER = Path(__file__).parent


def write(name: str, folder: Path = FOLDER) -> Path:
    """Returns the new file in a folder of migrations.

    Raises:
        ValueError: the name is not a file's name.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise ValueError(f"{name!r} is not a name such as invitations")
    with TemporaryDirectory() as scratch:
        database = Database(f"sqlite:///{Path(scratch) / 'handoff.db'}")
        migrate(database)
        with database.engine.begin() as connection:
            config = configuration(connection)
            config.set_main_option("script_location", str(folder).replace("%", "%%"))
            made = command.revision(config, name, autogenerate=True, rev_id=f"{int(HEAD) + 1:04}")
        database.close()
    if made is None or isinstance(made, list):
        raise ValueError("Alembic did not write exactly one migration")
    return Path(made.path)


if __name__ == "__main__":
    write(sys.argv[1])
