"""What the command line does with several workspaces."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import inspect, text

from handoff_bot import app
from handoff_bot.domain.errors import BackupError, DatabaseAway, HandoffError, SettingsError
from handoff_bot.domain.escalations import Status
from handoff_bot.domain.results import CheckResult
from handoff_bot.domain.roles import Home
from handoff_bot.domain.text import many
from handoff_bot.jobs import store
from handoff_bot.settings import Settings, read_settings
from handoff_bot.slack.client.errors import TEMPORARY
from handoff_bot.storage.backups import store_of
from handoff_bot.storage.database import Database, told_apart
from handoff_bot.storage.escalations import count
from handoff_bot.storage.single_instance import SingleInstanceLock
from handoff_bot.workspaces.folders import FILE, Found, Workspace, read_folders, schema
from handoff_bot.workspaces.installing import TABLES, SharedStore
from handoff_bot.workspaces.process import make_room, read_process_settings

STOPS_WITHIN = 60.0
"""Seconds that a running bot has to notice that a workspace is switched off."""
OWN_DATABASE = (
    "DATABASE_URL is set in its settings: delete that database yourself, then the folder."
)
UNKNOWN = "There is no workspace {slug} in WORKSPACES_DIR. Workspaces: {known}."
WRONG = "{slug}: {problem}"
NOT_INSTALLED = "not installed"
REMOVED = "cut off: the app was removed from Slack"
HAS_TOKEN = "by token"  # noqa: S105 - a state
"""States that the list shows, besides "installed"."""


@dataclass(frozen=True)
class Listed:
    """One line of the list. Its `health` is of the database; "" before its first start."""

    slug: str
    team_id: str
    name: str
    since: datetime | None
    state: str
    health: str

    def line(self) -> str:
        since = f"{self.since:%Y-%m-%d}" if self.since else "-"
        return (
            f"{self.slug:<20}{self.team_id:<14}{self.name[:24] or '-':<26}{since:<12}"
            f"{self.state}{'; ' if self.health else ''}{self.health}"
        )


@dataclass(frozen=True)
class _Tokens:
    """What the store knows of the installations: name, since and token, by team id."""

    known: Mapping[str, tuple[Home, str, datetime, str]]

    def token(self, workspace: Workspace) -> str | None:
        found = self.known.get(workspace.team_id)
        return found[3] if found else None


def _tokens(settings: Settings) -> _Tokens:
    if not settings.SLACK_CLIENT_ID:
        return _Tokens({})
    shared = SharedStore(settings)
    try:
        every = shared.open().every()
    finally:
        shared.close()
    return _Tokens({key: (one.home, one.name, one.since, one.token) for key, one in every.items()})


def _folders(environ: Mapping[str, str]) -> tuple[Settings, Found]:
    settings = read_process_settings(environ)
    if not settings.WORKSPACES_DIR:
        raise SettingsError("WORKSPACES_DIR is not set; see docs/several-workspaces.md.")
    return settings, read_folders(Path(settings.WORKSPACES_DIR), environ)


def every(environ: Mapping[str, str]) -> Iterator[str]:
    """Yields a line for each workspace.

    Raises:
        SettingsError: a setting of the process is missing or invalid.
    """
    settings, found = _folders(environ)
    tokens = _tokens(settings)
    for slug in sorted((*found.workspaces, *found.problems)):
        workspace = found.workspaces.get(slug)
        if workspace is None:
            yield WRONG.format(slug=f"{slug:<20}", problem=found.problems[slug])
            continue
        _, name, since, token = tokens.known.get(workspace.team_id, (None, "", None, ""))
        state = HAS_TOKEN if workspace.by_token else _state(since, token)
        yield Listed(slug, workspace.team_id, name, since, state, _health(workspace)).line()


def _state(since: datetime | None, token: str) -> str:
    if since is None:
        return NOT_INSTALLED
    return "installed" if token else REMOVED


def _health(workspace: Workspace) -> str:
    """Returns numbers from its database, without creating one."""
    if not _exists(workspace):
        return ""
    database = Database(workspace.database_url, pool_size=1)
    try:
        with database.read() as tx:
            load, waiting = store.load(tx), count(tx, Status.QUEUED)
        return f"{many(waiting, 'waiting customer')}, {many(load.parked, 'failed job')}"
    except DatabaseAway:
        return "database does not respond"
    except Exception as error:  # no tables yet, or those of a newer version
        return f"database cannot be read ({type(error).__name__})"
    finally:
        database.close()


def _exists(workspace: Workspace) -> bool:
    url = workspace.database_url
    return not url.startswith("sqlite:///") or Path(url.removeprefix("sqlite:///")).exists()


@contextmanager
def chosen(environ: MutableMapping[str, str], slug: str) -> Iterator[None]:
    """Lets commands see the settings of one workspace only, with its bot token.

    Raises:
        SettingsError: there is no such workspace, or its folder is not valid.
    """
    settings, found = _folders(environ)
    if slug in found.problems:
        raise SettingsError(WRONG.format(slug=slug, problem=found.problems[slug]))
    if slug not in found.workspaces:
        known = ", ".join(sorted(found.workspaces)) or "none"
        raise SettingsError(UNKNOWN.format(slug=slug, known=known))
    workspace = found.workspaces[slug]
    token = None if workspace.by_token else _tokens(settings).token(workspace)
    make_room(workspace)
    before = dict(environ)
    for name in [one for one in environ if _is_setting(one)]:
        del environ[name]
    environ.update(workspace.environ)
    if token:
        environ["SLACK_BOT_TOKEN"] = token
    try:
        yield
    finally:
        environ.clear()
        environ.update(before)


def _is_setting(name: str) -> bool:
    return name in Settings.model_fields or name.removesuffix("_FILE") in Settings.model_fields


def checks(environ: MutableMapping[str, str]) -> Iterator[CheckResult]:
    """Yields the doctor's health checks of every workspace that is installed."""
    settings, found = _folders(environ)
    tokens = _tokens(settings)
    for slug, problem in sorted(found.problems.items()):
        yield CheckResult(slug, False, problem)
    for slug, workspace in sorted(found.workspaces.items()):
        token = None if workspace.by_token else tokens.token(workspace)
        if not workspace.by_token and not token:
            words = NOT_INSTALLED if token is None else TEMPORARY["token_revoked"]
            yield CheckResult(slug, token is None, words)
            continue
        yield from _checks_of(environ, slug)


def _checks_of(environ: MutableMapping[str, str], slug: str) -> Iterator[CheckResult]:
    try:
        with chosen(environ, slug):
            for one in app.checks(read_settings(environ)):
                yield CheckResult(f"{slug}: {one.what}", one.ok, one.words)
    except HandoffError as error:
        yield CheckResult(slug, False, str(error))


def back_up(environ: Mapping[str, str], folder: Path) -> Iterator[str]:
    """Writes backups into a new folder: of each database, and of the installations.

    Raises:
        BackupError: one of them cannot be written.
    """
    settings, found = _folders(environ)
    try:
        folder.mkdir(mode=0o700)
    except OSError as error:
        raise BackupError(f"{folder} cannot be created ({error.strerror}).") from None
    if settings.SLACK_CLIENT_ID:
        _back_up_installations(settings, folder / "process.backup")
        yield "process: backed up"
    for slug, workspace in sorted(found.workspaces.items()):
        if not _exists(workspace):
            yield f"{slug}: no database yet"
        else:
            store_of(workspace.database_url).back_up(folder / f"{slug}.backup")
            yield f"{slug}: backed up"
    for slug, problem in sorted(found.problems.items()):
        yield f"{slug}: not backed up: {problem}"


def _back_up_installations(settings: Settings, file: Path) -> None:
    """Copies the process's own tables only: on PostgreSQL, the workspaces' are in the same database."""
    SharedStore(settings).prepare()
    url = settings.DATABASE_URL.get_secret_value()
    if settings.on_sqlite:
        store_of(url).back_up(file)
        return
    # Imported here, because PostgreSQL's driver takes 14 MB.
    from handoff_bot.storage.postgres_backups import PostgresStore

    PostgresStore(url).back_up(file, TABLES)


def remove(environ: Mapping[str, str], slug: str) -> Iterator[str]:
    """Deletes a workspace's database and installation. Its articles and settings stay, switched off.

    Raises:
        SettingsError: there is no such workspace.
        BackupError: the running bot does not let go of it.
    """
    settings, found = _folders(environ)
    workspace = found.workspaces.get(slug)
    if workspace is None:
        known = ", ".join(sorted(found.workspaces)) or "none"
        raise SettingsError(UNKNOWN.format(slug=slug, known=known))
    if not (workspace.database_url.startswith("sqlite") or _is_schema(workspace)):
        raise SettingsError(OWN_DATABASE)
    file = workspace.folder / FILE
    file.rename(file.with_name(f"{FILE}.removed"))
    yield f"{file.name} is now {file.name}.removed. Waiting until the bot has stopped {slug}."
    _wait_until_free(workspace)
    _delete_database(workspace)
    yield "Deleted: its database, with all conversations."
    if settings.SLACK_CLIENT_ID:
        _delete_installation(settings, workspace)
        yield "Deleted: its installation, with the bot token."


def _is_schema(workspace: Workspace) -> bool:
    return workspace.database_url.endswith(f"search_path%3D{schema(workspace.slug)}")


def _wait_until_free(workspace: Workspace) -> None:
    until = time.monotonic() + STOPS_WITHIN
    while not _is_free(workspace):
        if time.monotonic() > until:
            raise BackupError(
                f"The bot still serves {workspace.slug}. Stop it, then delete by hand."
            )
        time.sleep(0.5)


def _is_free(workspace: Workspace) -> bool:
    """Returns whether no process runs jobs on its database."""
    if workspace.database_url.startswith("sqlite"):
        lock = SingleInstanceLock(workspace.database_url)
        is_free = lock.acquire()
        lock.release()
        return is_free
    database = Database(workspace.database_url, pool_size=1)
    try:
        with told_apart(), database.engine.begin() as connection:
            if not inspect(connection).has_table("worker"):
                return True
            alive = connection.execute(
                text("SELECT count(*) FROM worker WHERE alive_until > now()")
            ).scalar_one()
        return not alive
    finally:
        database.close()


def _delete_database(workspace: Workspace) -> None:
    if workspace.database_url.startswith("sqlite"):
        path = workspace.database_url.removeprefix("sqlite:///")
        for suffix in ("", "-wal", "-shm", ".lock"):
            Path(path + suffix).unlink(missing_ok=True)
        return
    database = Database(workspace.database_url, pool_size=1)
    try:
        with told_apart(), database.engine.begin() as connection:
            connection.execute(text(f"DROP SCHEMA {schema(workspace.slug)} CASCADE"))
    finally:
        database.close()


def _delete_installation(settings: Settings, workspace: Workspace) -> None:
    shared = SharedStore(settings)
    try:
        installations = shared.open()
        found = installations.every().get(workspace.team_id)
        if found:
            installations.remove(found.home)
    finally:
        shared.close()
