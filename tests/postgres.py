"""A private PostgreSQL cluster for the tests, started from the installed binaries."""

import glob
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from handoff_sandbox.free_port import free_port

FILE_COPY_SINCE = 150_000
"""The server's version that can copy a template's files: a third of the time that its log takes."""
ROOM = 4 * 1024**3
"""Bytes; the clusters of two processes take less."""


def binaries() -> Path | None:
    """Where initdb and pg_ctl are, newest version first; None when there is no PostgreSQL here."""
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"), reverse=True)
    on_path = shutil.which("initdb")
    candidates = [*found, *([on_path] if on_path else [])]
    return Path(candidates[0]).parent if candidates else None


def create_database(server: str, name: str, template: str) -> str:
    """Recreates a database from a template; returns its address."""
    drop_database(server, name)
    with psycopg.connect(server, autocommit=True) as connection:
        is_copied = connection.info.server_version >= FILE_COPY_SINCE
        how = "STRATEGY file_copy" if is_copied else ""
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} {how}")
    return server.replace("/postgres", f"/{name}")


def drop_database(server: str, name: str) -> None:
    """Drops a database and its connections, if there is one."""
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@contextmanager
def cluster() -> Iterator[str]:
    """Yields the address of a database server on loopback; stops and deletes it afterwards."""
    server = Cluster()
    server.start()
    try:
        yield server.url
    finally:
        server.stop()
        shutil.rmtree(server.folder, ignore_errors=True)


class Cluster:
    """A database server on loopback that can be stopped and started again.

    Args:
        durable: what was committed before a stop is there after the next start.
        parent: the folder to make its own in; None for where no disk is waited for.
        options: settings of the server, as `("autovacuum=on",)`.
    """

    def __init__(
        self, *, durable: bool = False, parent: Path | None = None, options: Iterable[str] = ()
    ) -> None:
        bin_dir = binaries()
        if bin_dir is None:
            raise FileNotFoundError("initdb")
        self.folder = Path(tempfile.mkdtemp(prefix="handoff-pg-", dir=parent or _in_memory()))
        self._is_up = False
        self._owner = _owner()
        if self._owner:
            os.chown(self.folder, self._owner.pw_uid, self._owner.pw_gid)
        port = free_port()
        data = str(self.folder / "data")
        self.url = f"postgresql://handoff@127.0.0.1:{port}/postgres"
        fast = (
            "-c fsync=off -c synchronous_commit=off -c full_page_writes=off "
            "-c autovacuum=off -c max_wal_size=256MB"
        )
        self._options = (
            f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self.folder} "
            f"-c max_connections=200 {'' if durable else fast} "
            + " ".join(f"-c {option}" for option in options)
        )
        self._control = (str(bin_dir / "pg_ctl"), "-D", data, "-w")
        initdb = str(bin_dir / "initdb")
        self._run(initdb, "-D", data, "-U", "handoff", "-A", "trust", "-N", "-E", "UTF8")

    def start(self) -> None:
        """Returns when it takes connections."""
        self._run(*self._control, "-l", str(self.folder / "log"), "-o", self._options, "start")
        self._is_up = True

    def stop(self) -> None:
        """Without a word to its clients, as a crash would."""
        if self._is_up:
            self._run(*self._control, "-m", "immediate", "stop")
        self._is_up = False

    def _run(self, *command: str) -> None:
        owner = self._owner
        subprocess.run(
            command,
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=60,
            cwd=self.folder,
            user=owner.pw_uid if owner else None,
            group=owner.pw_gid if owner else None,
            extra_groups=[] if owner else None,
        )


def _in_memory() -> Path | None:
    """Where a cluster waits for no disk, as far as there is room; None for the usual place."""
    memory = Path("/dev/shm")  # noqa: S108 - a folder with a random name is made in it
    has_room = memory.is_dir() and shutil.disk_usage(memory).free > ROOM
    return memory if has_room else None


def _owner() -> pwd.struct_passwd | None:
    """Whom to run as: PostgreSQL refuses root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise LookupError("no unprivileged user to run PostgreSQL as")
