"""Fills a database and says what each occasion reads there: `python -m bench.large --rows 20000000`.

Events and jobs together make up the rows. 200,000 rows take seconds and 120 MB, 20 million an hour on a
loaded machine and 11 GB. Nothing is kept but bench/results/large.json, with --write.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.large import fill, measure, occasions, story
from bench.provenance import ROOT, provenance
from handoff_bot.storage.database import Database
from handoff_bot.storage.migrate import migrate
from tests.postgres import Cluster

RESULTS = ROOT / "bench" / "results" / "large.json"
OPTIONS = (
    "autovacuum=off",
    "fsync=off",
    "wal_level=minimal",
    "max_wal_senders=0",
    "shared_buffers=512MB",
    "shared_preload_libraries=pg_stat_statements",
)
"""Of the server: what is filled can be filled again, and nothing else may read meanwhile."""


@contextmanager
def _database(folder: Path, *, postgres: bool) -> Iterator[str]:
    if not postgres:
        yield f"sqlite:///{folder / 'large.db'}"
        return
    server = Cluster(durable=True, parent=folder, options=OPTIONS)
    server.start()
    try:
        yield server.url
    finally:
        server.stop()
        shutil.rmtree(server.folder, ignore_errors=True)


def run(url: str, folder: Path, rows: int) -> dict[str, Any]:
    """Returns rows, bytes by table, and what each occasion reads."""
    migrated = Database(url)
    migrate(migrated)
    migrated.close()
    told, _ = story.told(folder)
    filled = fill.fill(url, story.rows_of(told), rows)
    sizes = fill.size_of(url)
    database = Database(url)
    counter = measure.Sqlite(database) if database.is_sqlite else measure.Postgres(url)
    found = {}
    try:
        with occasions.bureau(database) as at:
            for name, act in occasions.all_of(at, occasions.KNOWN).items():
                found[name] = read = measure.measured(counter, act)
                sys.stderr.write(f"{name:48}{read.seconds:8.2f} s{read.amount:10}\n")
    finally:
        database.close()
    return {"filled": filled, "bytes": sizes, "read": {k: vars(v) for k, v in found.items()}}


def main() -> None:
    """Fills, measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=200_000, help="events and jobs")
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument(
        "--folder", type=Path, help="where there is room; temporary files otherwise"
    )
    parser.add_argument("--write", action="store_true", help="keep the results")
    options = parser.parse_args()
    os.environ["HANDOFF_ENV_FILE"] = os.devnull
    logging.disable(logging.CRITICAL)
    with tempfile.TemporaryDirectory(prefix="handoff-large-", dir=options.folder) as name:
        folder = Path(name)
        folder.chmod(0o711)  # PostgreSQL's own user must find its folder in it
        with _database(folder, postgres=options.postgres) as url:
            found = run(url, folder, options.rows)
    text = json.dumps(found, indent=1)
    sys.stdout.write(f"{text}\n")
    if options.write:
        known = json.loads(RESULTS.read_text("utf-8")) if RESULTS.is_file() else {}
        known["postgresql" if options.postgres else "sqlite"] = found | provenance()
        RESULTS.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
