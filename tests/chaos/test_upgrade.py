"""Two real processes on one database under load: one of this version, one with a migration more."""

import shutil
from pathlib import Path

import psycopg
import pytest

from bench.saturation.stage import claimed_conversation, standing, vendors
from bench.upgrade import Upgrade, is_right, upgrade_by
from handoff_bot.storage.schema import HEAD, MIGRATIONS

NEXT = f"{int(HEAD) + 1:04}"
ADDS = f"""'''A column of the table that all messages go through.'''

import sqlalchemy as sa
from alembic import op

revision, down_revision, branch_labels, depends_on = "{NEXT}", "{HEAD}", None, None


def upgrade():
    op.add_column("work", sa.Column("colour", sa.String(), nullable=False, server_default=""))
"""


@pytest.fixture
def next_version(tmp_path) -> Path:
    folder = Path(shutil.copytree(str(MIGRATIONS), tmp_path / "migrations"))
    (folder / "versions" / f"{NEXT}_next.py").write_text(ADDS, encoding="utf-8")
    return folder


@pytest.mark.timeout(300)
def test_nothing_is_lost_doubled_or_out_of_order_while_a_newer_version_takes_over(
    database_url, backend, tmp_path, next_version
):
    if backend == "sqlite":
        pytest.skip("SQLite serves one program")
    newer = ["-m", "tests.chaos.newer", str(next_version)]
    place = claimed_conversation(database_url, tmp_path, 6)
    with vendors(place) as at:
        found = Upgrade(rate=6.0, seconds=4.0, customers=6, askers=2).run(
            database_url,
            lambda: standing(place, database_url, at, tmp_path / "older.log"),
            lambda: standing(
                place, database_url, at, tmp_path / "newer.log", command=lambda _: [*newer, "serve"]
            ),
            lambda: upgrade_by(newer, place, database_url),
        )
    assert is_right(found), found
    assert len(found["parts"]) == 4
    log = (tmp_path / "older.log").read_text() + (tmp_path / "newer.log").read_text()
    assert "catching_up" not in log, "no message waits for a gap that there was not"
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == (NEXT,)
