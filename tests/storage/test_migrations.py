"""Migrations make exactly the tables that the models describe, and one of several processes wins."""

import ast
import re
import runpy
import shutil
import threading
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from click.testing import CliRunner
from sqlalchemy import Column, Table, text
from sqlalchemy.exc import StatementError
from sqlmodel import AutoString

from handoff_bot import __version__
from handoff_bot.cli import main
from handoff_bot.domain.errors import SchemaError
from handoff_bot.storage.columns import BigId, UtcDateTime
from handoff_bot.storage.database import Database
from handoff_bot.storage.migrate import configuration, migrate, revision
from handoff_bot.storage.migrations.__main__ import FOLDER, write
from handoff_bot.storage.models import Contact, Work
from handoff_bot.storage.schema import HEAD, KNOWN


def test_the_tables_are_what_the_models_say(database):
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Work.metadata) == []


def test_the_newest_migration_is_the_one_we_look_for(database):
    with database.engine.connect() as connection:
        assert ScriptDirectory.from_config(configuration(connection)).get_heads() == [HEAD]


@pytest.fixture
def new_table():
    """A model without a migration."""
    columns = (
        Column("id", BigId, primary_key=True),
        Column("name", AutoString),
        Column("at", UtcDateTime),
    )
    table = Table("brand_new", Work.metadata, *columns)
    yield table
    Work.metadata.remove(table)


@pytest.fixture
def migrations(tmp_path):
    """A copy of the folder of migrations."""
    return Path(shutil.copytree(FOLDER, tmp_path / "migrations"))


def test_the_next_migration_is_written_from_the_models(new_table, migrations, database):
    written = write("brand_new", migrations)
    assert written == migrations / "versions" / f"{int(HEAD) + 1:04}_brand_new.py"
    made = runpy.run_path(str(written))
    assert (made["revision"], made["down_revision"]) == (f"{int(HEAD) + 1:04}", HEAD)
    with database.engine.begin() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        with Operations.context(context):
            made["upgrade"]()
        assert compare_metadata(context, Work.metadata) == []


def test_a_migration_needs_a_name_that_a_file_can_have(migrations):
    before = sorted(migrations.rglob("*"))
    with pytest.raises(ValueError, match="is not a name"):
        write("../elsewhere", migrations)
    assert sorted(migrations.rglob("*")) == before


def test_processes_that_start_at_once_migrate_once(database_url):
    several = [Database(database_url) for _ in range(4)]
    errors = []

    def start(database):
        try:
            migrate(database)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=start, args=(one,)) for one in several]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for one in several:
        one.close()
    assert errors == []


def test_times_are_aware_utc(database):
    berlin = timezone(timedelta(hours=1))
    with database.write() as tx:
        tx.add(Contact(name="x", created_at=datetime(2026, 1, 1, 12, tzinfo=berlin)))
    with database.read() as tx:
        stored = tx.session.query(Contact).one().created_at
    assert stored == datetime(2026, 1, 1, 11, tzinfo=UTC)
    assert stored.tzinfo is not None


def test_a_naive_time_is_refused(database):
    with pytest.raises((StatementError, ValueError)), database.write() as tx:
        tx.add(Contact(name="x", created_at=datetime(2026, 1, 1)))  # noqa: DTZ001 - the point of it


# -- what lets an older and a newer version run side by side


def test_a_newer_schema_is_one_clear_line_and_nothing_is_changed(database):
    with database.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999', oldest = '9999'"))
    with pytest.raises(SchemaError) as error:
        migrate(database)
    words = str(error.value)
    assert "\n" not in words
    assert all(one in words for one in ("schema 9999", __version__, HEAD, "handoff db restore"))
    with database.read() as tx:
        assert revision(tx.core) == "9999"


@pytest.mark.parametrize("command", [["serve"], ["report"], ["jobs", "list"], ["spending"]])
def test_every_command_tells_of_a_newer_schema_in_one_line_and_exits_with_2(
    database, database_url, command, monkeypatch
):
    """2 is the exit code after which systemd does not start it again."""
    with database.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999', oldest = '9999'"))
    settings = {
        "DATABASE_URL": database_url,
        "SLACK_BOT_TOKEN": "xoxb-1",
        "SLACK_SIGNING_SECRET": "s" * 32,
        "WEBCHAT_ORIGINS": "https://shop.example.com",
        "WEBCHAT_SECRET": "w" * 40,
        "SAMPLE_KNOWLEDGE": "true",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 2
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert line.startswith("The database was migrated by a newer version of Handoff (schema 9999).")


TIGHTENING = frozenset(
    {
        "create_unique_constraint",
        "create_check_constraint",
        "create_foreign_key",
        "create_exclude_constraint",
    }
)
REMOVING = frozenset(
    {"drop_table", "drop_column", "drop_constraint", "rename_table", "batch_alter_table"}
)
REMOVING_SQL = re.compile(
    r"\b(DROP\s+(TABLE|COLUMN|CONSTRAINT)|RENAME|TRUNCATE|ADD\s+CONSTRAINT"
    r"|ALTER\s+COLUMN\s+\S+\s+(TYPE|SET\s+NOT)|UPDATE\s+\S+\s+SET|DELETE\s+FROM)\b",
    re.IGNORECASE,
)
CHANGING = frozenset({"new_column_name", "type_"})


def removals(code: str) -> list[str]:
    """What in a migration would break a program that still runs, or make its messages wait; a comment
    `# additive: …` allows a line.
    """
    tree, lines, found = ast.parse(code), code.splitlines(), []
    made = {
        _first(node)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and _is_call(node, "create_table")
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            wrong = REMOVING_SQL.search(node.value)
            what = wrong[0] if wrong else ""
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            is_removal = node.func.attr in REMOVING | TIGHTENING
            what = node.func.attr if is_removal else _changing(node, made)
        else:
            continue
        if what:
            found.append(f"{node.lineno}: {what}")
    return [each for each in found if "# additive: " not in lines[int(each.partition(":")[0]) - 1]]


def _is_call(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Call) and getattr(node.func, "attr", "") == name


def _first(call: ast.Call, place: int = 0) -> str:
    """The name of a table, by its place among the arguments."""
    return str(getattr(call.args[place], "value", "")) if len(call.args) > place else ""


def _changing(call: ast.Call, made: set[str]) -> str:
    """A changed or required column, or an index on a table with rows; "" for anything else."""
    given = {keyword.arg: keyword.value for keyword in call.keywords}
    if call.func.attr == "create_index":  # type: ignore[attr-defined]
        is_online = getattr(call.func.value, "id", "") == "online"  # type: ignore[attr-defined]
        if getattr(given.get("unique"), "value", False) and _first(call, 1) not in made:
            return "unique index on an older table"
        return "" if is_online or _first(call, 1) in made else "index that blocks writers"
    if call.func.attr == "alter_column":  # type: ignore[attr-defined]
        narrows = getattr(given.get("nullable"), "value", None) is False
        return "alter_column" if narrows or CHANGING & given.keys() else ""
    if call.func.attr != "add_column":  # type: ignore[attr-defined]
        return ""
    (column,) = [one for one in call.args if isinstance(one, ast.Call)]
    options = {keyword.arg: keyword.value for keyword in column.keywords}
    is_required = getattr(options.get("nullable"), "value", True) is False
    if any(isinstance(one, ast.Call) and _is_call(one, "ForeignKey") for one in column.args):
        return "foreign key, which checks all rows"
    return (
        "required column without a default"
        if is_required and "server_default" not in options
        else ""
    )


def migrations_since(first: str) -> list[Path]:
    found = sorted((FOLDER / "versions").glob("[0-9]*.py"))
    return [one for one in found if one.name[:4] >= first]


@pytest.mark.parametrize("path", migrations_since("0020"), ids=lambda path: path.name)
def test_a_migration_only_adds_or_says_which_programs_it_stops(path):
    """The rules of docs/adr/0017: older programs run on, and no message waits."""
    code = path.read_text(encoding="utf-8")
    made = runpy.run_path(str(path))
    oldest = made.get("oldest", "")
    assert oldest <= made["revision"]
    assert not oldest or oldest in KNOWN, "a program knows it"
    assert oldest or removals(code) == []
    builds = code.count("online.create_index(")
    assert made.get("concurrent", False) == bool(builds)
    assert not builds or (builds == 1 and code.count("op.") == 0), "the index and nothing else"


BLOCKING = re.compile("index that blocks writers")


@pytest.mark.parametrize("path", migrations_since("0013"), ids=lambda path: path.name)
def test_migrations_since_0013_remove_nothing_that_an_older_program_uses(path):
    """They were written before the rule about indexes; most are of new tables."""
    found = removals(path.read_text(encoding="utf-8"))
    assert [each for each in found if not BLOCKING.search(each)] == []


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("op.drop_table('note')", ["1: drop_table"]),
        ("op.drop_column('note', 'text')", ["1: drop_column"]),
        ("op.rename_table('note', 'memo')", ["1: rename_table"]),
        ("op.alter_column('note', 'text', new_column_name='body')", ["1: alter_column"]),
        ("op.alter_column('note', 'held', nullable=False)", ["1: alter_column"]),
        ("op.execute('ALTER TABLE note RENAME COLUMN text TO body')", ["1: RENAME"]),
        ("op.execute('alter table note drop  column text')", ["1: drop  column"]),
        (
            "op.add_column('note', sa.Column('at', UtcDateTime, nullable=False))",
            ["1: required column without a default"],
        ),
        (
            "op.add_column('note', sa.Column('n', sa.Integer, nullable=False, server_default='0'))",
            [],
        ),
        ("op.add_column('note', sa.Column('at', UtcDateTime, nullable=True))", []),
        ("op.create_table('memo', sa.Column('id', BigId, nullable=False))", []),
        ("op.create_index('note_by_at', 'note', ['at'])", ["1: index that blocks writers"]),
        ("op.create_table('memo'); op.create_index('memo_once', 'memo', ['id'], unique=True)", []),
        (
            "online.create_index('note_once', 'note', ['at'], unique=True)",
            ["1: unique index on an older table"],
        ),
        ("online.create_index('note_by_at', 'note', ['at'])", []),
        ("op.create_check_constraint('c', 'note', 'n > 0')", ["1: create_check_constraint"]),
        ("op.execute('UPDATE note SET held = 1')", ["1: UPDATE note SET"]),
        (
            "op.add_column('note', sa.Column('n', BigId, sa.ForeignKey('x.id'), nullable=True))",
            ["1: foreign key, which checks all rows"],
        ),
        ("op.drop_index('note_once')", []),
        ("op.execute('DROP TRIGGER event_no_update')", []),
        ("op.drop_column('note', 'text')  # additive: no released version uses it", []),
    ],
)
def test_dropping_and_renaming_are_found(statement, found):
    assert removals(statement) == found
