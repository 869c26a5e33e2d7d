"""Fixtures for all tests: both databases, a clock that stands still."""

import gc
import os
import shutil
import uuid
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from coverage import Coverage
from hypothesis import is_hypothesis_test
from sqlalchemy import Engine, create_engine

from handoff_bot.storage.database import Database
from handoff_bot.storage.encryption import Keyring, new_key
from handoff_bot.storage.migrate import migrate
from handoff_bot.storage.sealed import attach
from handoff_sandbox.world import World, new_process
from tests import postgres
from tests.fakes import FrozenClock
from tests.forking import fork

os.environ["HANDOFF_ENV_FILE"] = os.devnull  # not the `.env` of the checkout
TEMPLATE = "handoff_template"
TESTS = Path(__file__).parent
REPEATS_LINES = frozenset(
    {
        "test_attacks.py",
        "test_blocks.py",
        "test_colleagues.py",
        "test_given_up.py",
        "test_invariants.py",
        "test_oddities.py",
        "test_positions.py",
        "test_posting_invariants.py",
        "test_roles.py",
        "test_tickets.py",
        "test_translation.py",
    }
)
"""Files of many cases, whose lines other tests cover as well; so are properties with many examples.

In tests/desk, `test_recordings.py` runs the lines of most others: without all others, 93.7 % are covered.
"""
NO_CODE = frozenset({"docs"})
"""Folders whose tests read the repository, and run next to nothing of it."""
REAL_BOT = frozenset({"attacks", "browser", "chaos", "flows", "release"})
"""Folders of the third level: a browser, attacks, the wheel, or the bot as a process of its own, where
coverage sees nothing.
"""
WAITING = ("chaos", "browser", "flows", "test_slow_clients.py", "test_flood_live.py")
"""Folders and files whose tests wait for a bot or a browser, while processors are free; see `make check`."""
ON_BOTH = frozenset(
    {"contracts", "jobs", "journeys", "storage", "test_budgets.py", "test_main_path.py"}
)
"""Folders and files that `make test` runs on PostgreSQL as well; elsewhere SQLite stands for both."""
KEYRING = Keyring([new_key()]) if os.environ.get("HANDOFF_TEST_ENCRYPTED") else None
"""With this variable set, all tests' databases are encrypted; see docs/testing.md."""
STATEMENTS = 10_000
"""That are kept compiled for all tests of a process."""


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The address of a private PostgreSQL; in CI it must be there, elsewhere tests skip without it."""
    if postgres.binaries() is None:
        if os.environ.get("CI"):
            pytest.fail("CI must have PostgreSQL installed")
        pytest.skip("PostgreSQL is not installed")
    with postgres.cluster() as address:
        yield address


@pytest.fixture(params=["sqlite", "postgresql"])
def backend(request: pytest.FixtureRequest) -> str:
    """Each test that uses a database runs on both."""
    return str(request.param)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated file: copying it costs a hundredth of migrating a new one."""
    path = tmp_path_factory.mktemp("template") / "handoff.db"
    made = Database(f"sqlite:///{path}", synchronous="normal")
    migrate(made)
    made.close()
    return path


@pytest.fixture(scope="session")
def postgres_template(postgres_server: str) -> str:
    """The name of a migrated database, which new ones are made from."""
    made = Database(postgres.create_database(postgres_server, TEMPLATE, "template1"))
    migrate(made)
    made.close()
    return TEMPLATE


@pytest.fixture
def database_url(backend: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database of this test's own: migrated for the bot as a process of its own and when the test asks for
    `database`, empty otherwise.
    """
    is_at_work = request.path.relative_to(TESTS).parts[0] in REAL_BOT
    is_migrated = is_at_work or "database" in request.fixturenames
    if backend == "sqlite":
        path = tmp_path / "handoff.db"
        if is_migrated:
            shutil.copyfile(request.getfixturevalue("sqlite_template"), path)
        yield f"sqlite:///{path}"
        return
    server = request.getfixturevalue("postgres_server")
    template = request.getfixturevalue("postgres_template") if is_migrated else "template1"
    name = f"t{uuid.uuid4().hex}"
    yield postgres.create_database(server, name, template)
    postgres.drop_database(server, name)


@pytest.fixture(scope="session")
def compilers() -> dict[bool, Engine]:
    """Is it SQLite -> whose dialect and compiled statements the tests' databases share; see `database`."""
    return {}


@pytest.fixture
def database(database_url: str, compilers: dict[bool, Engine]) -> Iterator[Database]:
    """A migrated database.

    Statements are compiled once for all tests, which is quicker. And SQLAlchemy's mappers, which live as long
    as the process, keep what was compiled for each dialect that they met: with a dialect for each test they
    grow until one garbage collection holds all threads up for longer than Slack waits for an answer.
    """
    opened = Database(database_url, synchronous="off")
    compile_once(opened, compilers)
    yield opened
    opened.close()


def compile_once(opened: Database, compilers: dict[bool, Engine]) -> None:
    """Lets a database share what was compiled for the others of its kind; see `database`."""
    if opened.is_sqlite not in compilers:
        compilers[opened.is_sqlite] = made = create_engine(
            opened.engine.url, query_cache_size=STATEMENTS
        )
        made.connect().close()  # a dialect learns on its first connection what the server can do
        made.dispose()
        attach(made, KEYRING)
    shared = compilers[opened.is_sqlite]
    for engine in (opened._writer, opened._reader, opened._heart):
        engine.dialect, engine._compiled_cache = shared.dialect, shared._compiled_cache


@pytest.fixture(scope="session", autouse=True)
def forked_bots() -> Iterator[None]:
    """Bots are forked from a process that has imported everything."""
    World.launch = staticmethod(fork)
    yield
    World.launch = staticmethod(new_process)


@pytest.fixture
def new_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bots are started as operators start them, for tests of the start itself."""
    monkeypatch.setattr(World, "launch", staticmethod(new_process))


@pytest.fixture
def clock() -> FrozenClock:
    """A clock that moves only when told to."""
    return FrozenClock()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, Any, Any]:
    """Coverage is measured where it grows: it makes a test take nearly twice as long."""
    measured = Coverage.current()
    if measured is None or not _adds_no_coverage(item):
        return (yield)
    measured.stop()
    try:
        return (yield)
    finally:
        measured.start()


def _adds_no_coverage(item: pytest.Item) -> bool:
    """The second database repeats the lines of the first, outside of storage; so do many cases."""
    folder = item.path.relative_to(TESTS).parts[0]
    is_repeated = "postgresql" in item.name and folder != "storage"
    has_many_cases = item.path.name in REPEATS_LINES or is_hypothesis_test(
        getattr(item, "obj", None)
    )
    return is_repeated or has_many_cases or folder in REAL_BOT | NO_CODE


def pytest_collection_finish() -> None:
    """What is loaded by now stays: collections, which hold all threads up, need not look at it again."""
    gc.collect()
    gc.freeze()


def _is_thorough(item: pytest.Item) -> bool:
    """The third level, and the second database where it repeats the first."""
    parts = set(item.path.relative_to(TESTS).parts)
    is_repeated = "postgresql" in item.name and not parts & ON_BOTH
    return is_repeated or bool(parts & REAL_BOT)


def _is_on_sqlite(item: pytest.Item) -> bool:
    """Whether a test of its file is not repeated on PostgreSQL."""
    return bool(item.get_closest_marker("on_sqlite")) and not item.get_closest_marker("on_both")


def _turn(item: pytest.Item) -> int:
    """Where a test stands: its place in WAITING, or behind all of them."""
    parts = item.path.relative_to(TESTS).parts
    return next((turn for turn, name in enumerate(WAITING) if name in parts), len(WAITING))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Marks what `make test` leaves to `make check`. Tests that wait come first, the longest before the
    others: one worker gets them, and the other workers use the processors meanwhile.
    """
    repeated = [item for item in items if "postgresql" in item.name and _is_on_sqlite(item)]
    config.hook.pytest_deselected(items=repeated)
    items[:] = [item for item in items if item not in set(repeated)]
    for item in items:
        if _is_thorough(item):
            item.add_marker(pytest.mark.thorough)
    items.sort(key=_turn)
