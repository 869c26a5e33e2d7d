"""Which keys a database needs, and the encryption, re-encryption or decryption of what it holds."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, LargeBinary, Table, Text, column, func, inspect, select
from sqlalchemy import table as plain_table
from sqlmodel import SQLModel

from handoff_bot.domain.errors import EncryptionError, Undecryptable
from handoff_bot.storage.database import Database
from handoff_bot.storage.encryption import BYTES_START, MISSING, Keyring, key_id_of
from handoff_bot.storage.migrate import no_longer_require, require, running
from handoff_bot.storage.models import EncryptionKey, Worker
from handoff_bot.storage.sealed import (
    SEALED,
    SealedBytes,
    SealedJson,
    is_envelope,
    sealed_columns_of,
    sealed_json,
)
from handoff_bot.storage.single_instance import SingleInstanceLock
from handoff_bot.storage.transaction import DIALECTS, Transaction, table_of

_KEY, _WORKER = table_of(EncryptionKey), table_of(Worker)
PROOF, PROOF_PLACE = "handoff", "encryption_key.proof"
RETIRED = ""
"""Instead of the proof of a key that no start needs any more."""
NO_KEYS = (
    "The database holds encrypted texts. Set ENCRYPTION_KEY_FILE to the file with the key {keys}."
)
LACKS_KEYS = (
    "ENCRYPTION_KEY_FILE lacks the key {keys}, with which stored texts are encrypted. Add it as "
    "another line."
)
WRONG_KEY = "ENCRYPTION_KEY_FILE holds another key than the database's {keys}."
NOT_STARTED = (
    "No bot has started with the key {key} yet, and a bot without it would send encrypted texts. "
    "Restart all bots with this ENCRYPTION_KEY_FILE first, or add --offline if none is running."
)
OLDEST = "0026"
"""Oldest program, by its newest schema, that opens sealed values; an older one would send them."""
TOO_OLD = (
    "A program older than schema {oldest} is running, which would send encrypted texts. Stop all "
    "programs before the first start with ENCRYPTION_KEY_FILE."
)
RUNNING = "A bot is running on this database. Stop it before you decrypt."
ENDING_SECONDS = 3.0
"""How long connections of a program that was just stopped may take to end."""
TURN = 0.1

# -- the keys that the database needs


def keys(tx: Transaction) -> dict[str, str]:
    """Returns key id -> proof of the keys whose values are stored; empty before the migration."""
    if not inspect(tx.core).has_table(_KEY.name):
        return {}
    found = select(_KEY.c.id, _KEY.c.proof).where(_KEY.c.proof != RETIRED)
    return {row.id: row.proof for row in tx.core.execute(found)}


def recorded(tx: Transaction) -> set[str]:
    """Returns the ids of all keys that ever sealed values, also of retired ones."""
    return set(tx.core.execute(select(_KEY.c.id)).scalars())


def is_recorded(tx: Transaction, text: str) -> bool:
    """Returns whether a text that was not opened is a sealed value of this database."""
    key = key_id_of(text)
    return key != "" and key in recorded(tx)


def declare(tx: Transaction) -> dict[str, str]:
    """Records in a restored database that older programs cannot use it, if so; returns its `keys`."""
    needed = keys(tx)
    if needed:
        require(tx.core, OLDEST)
    return needed


def check_keys(tx: Transaction, keyring: Keyring | None) -> None:
    """Raises EncryptionError if the keys cannot open what is stored."""
    needed = keys(tx)
    if keyring is None:
        if needed:
            raise EncryptionError(NO_KEYS.format(keys=", ".join(sorted(needed))))
        return
    missing = sorted(needed.keys() - set(keyring.ids))
    if missing:
        raise EncryptionError(LACKS_KEYS.format(keys=", ".join(missing)))
    for key, proof in needed.items():
        try:
            keyring.open(proof, PROOF_PLACE)
        except Undecryptable:
            raise EncryptionError(WRONG_KEY.format(keys=key)) from None


def use_keys(tx: Transaction, keyring: Keyring, now: datetime) -> None:
    """Checks the keys, and records that the first one seals from now on.

    Raises:
        EncryptionError: as `check_keys`, or a program runs that would send sealed texts.
    """
    check_keys(tx, keyring)
    if not tx.is_sqlite and any(one < OLDEST for one in running(tx.core)):
        raise EncryptionError(TOO_OLD.format(oldest=OLDEST))
    require(tx.core, OLDEST)
    given = {"proof": keyring.seal(PROOF, PROOF_PLACE), "since": now}
    made = DIALECTS[tx.is_sqlite](_KEY).values(id=keyring.first, **given)
    tx.core.execute(
        made.on_conflict_do_update(
            index_elements=[_KEY.c.id], set_=given, where=_KEY.c.proof == RETIRED
        )
    )


def _retire(tx: Transaction, done: Resealed, *, kept: str = "") -> None:
    """Retires all keys but one. The rows stay, for values that a forgotten process writes later, and
    for damaged ones.
    """
    if not done.skipped and not done.lacks_keys and done.is_settled:
        tx.core.execute(_KEY.update().where(_KEY.c.id != kept).values(proof=RETIRED))


# -- rewriting what is stored
# Batches are read without locks, and only rows that change are written, in short transactions of
# their own. Rows that another transaction holds are left for the next round.

BATCH = 200
BATCH_OF_FILES = 2
"""A file has up to 20 MB."""
MOST_ROUNDS = 5


@dataclass
class Resealed:
    """What a run has done.

    Attributes:
        changed: table -> rows.
        unreadable: table -> values that stay as they are.
        skipped: rows that are in use elsewhere.
        lacks_keys: some are unreadable because their key is not there.
        is_settled: the last look found nothing to change; otherwise a process writes values that need
            another key.
    """

    changed: Counter[str] = field(default_factory=Counter)
    unreadable: Counter[str] = field(default_factory=Counter)
    skipped: int = 0
    lacks_keys: bool = False
    is_settled: bool = False


class KeyMissing(Undecryptable):
    """A value is sealed with a key of the database that the key file lacks."""


Convert = Callable[[Any], Any]
"""Returns the new stored value, or the same object if it need not change. Raises Undecryptable."""


class _Stored:
    """One table as it is stored, without conversions of its sealed columns."""

    def __init__(self, table: Table) -> None:
        sealed = sealed_columns_of(table)
        self.name = table.name
        self.types = {one.name: one.type for one in sealed}
        self.table = plain_table(
            table.name, column("id"), *(column(one.name, _plain_type(one.type)) for one in sealed)
        )
        self.has_files = any(isinstance(one, SealedBytes) for one in self.types.values())
        self.batch = BATCH_OF_FILES if self.has_files else BATCH

    def after(self, tx: Transaction, last: int) -> Sequence[Any]:
        id_ = self.table.c.id
        found = select(self.table).where(id_ > last).order_by(id_).limit(self.batch)
        return tx.core.execute(found).mappings().all()

    def locked(self, tx: Transaction, ids: Sequence[int]) -> Sequence[Any]:
        id_ = self.table.c.id
        found = select(self.table).where(id_.in_(ids)).order_by(id_)
        return tx.core.execute(found.with_for_update(skip_locked=True)).mappings().all()

    def set(self, tx: Transaction, number: int, values: dict[str, Any]) -> None:
        tx.core.execute(self.table.update().where(self.table.c.id == number).values(values))


def _plain_type(its_type: Any) -> Any:
    if isinstance(its_type, SealedJson):
        return JSON()
    return LargeBinary() if isinstance(its_type, SealedBytes) else Text()


def stored_tables() -> list[_Stored]:
    """Returns the tables with sealed columns."""
    tables = SQLModel.metadata.sorted_tables
    return [_Stored(one) for one in tables if sealed_columns_of(one)]


def encrypt(
    database: Database,
    keyring: Keyring,
    now: datetime,
    told: Callable[[str, int], None],
    *,
    offline: bool,
) -> Resealed:
    """Seals plain values, and those of other keys, with the first key, while bots run.

    It may be stopped at any time and run again. Afterwards the database needs only the first key,
    unless rows were skipped or are unreadable.

    Args:
        told: called with a table and the number of its changed rows, after each batch.
        offline: also if no bot has started with the key.

    Raises:
        EncryptionError: a bot may not know the key yet, or the keys lack one of the database.
    """
    with database.read() as tx:
        used = keys(tx).keys()
    if keyring.first not in used and not offline:
        raise EncryptionError(NOT_STARTED.format(key=keyring.first))
    with database.write() as tx:  # before the first value, so that a stop in between loses no key
        use_keys(tx, keyring, now)
        known = recorded(tx)
    done = _rewrite(database, lambda its_type: _sealing(its_type, keyring, known), told)
    with database.write() as tx:
        _retire(tx, done, kept=keyring.first)
    return done


def decrypt(
    database: Database, keyring: Keyring, now: datetime, told: Callable[[str, int], None]
) -> Resealed:
    """Makes all values plain again; no bot may run. Afterwards the database needs no key.

    Raises:
        EncryptionError: a bot is running, or on PostgreSQL any program of ours.
    """
    with _alone(database, now):
        with database.read() as tx:
            known = recorded(tx)
        done = _rewrite(database, lambda its_type: _opening(its_type, keyring, known), told)
        with database.write() as tx:
            _retire(tx, done)
            if not keys(tx):
                no_longer_require(tx.core, OLDEST)
    return done


@contextmanager
def _alone(database: Database, now: datetime) -> Iterator[None]:
    """Refuses to go on beside a bot, also one that only answers requests (on SQLite, beside a worker)."""
    with database.read() as tx:
        alive = select(func.count()).select_from(_WORKER).where(_WORKER.c.alive_until > now)
        if tx.core.execute(alive).scalar():
            raise EncryptionError(RUNNING)
    if database.is_sqlite:
        lock = SingleInstanceLock(database.engine.url.render_as_string())
        if not lock.acquire():
            raise EncryptionError(RUNNING)
        try:
            yield
        finally:
            lock.release()
        return
    database.engine.dispose()  # of this program, one connection remains
    until = time.monotonic() + ENDING_SECONDS
    while True:
        with database.read() as tx:
            others = running(tx.core)
        if not others:
            break
        if time.monotonic() > until:
            raise EncryptionError(RUNNING)
        time.sleep(TURN)
    yield


def _rewrite(
    database: Database,
    convert_of: Callable[[Any], Convert],
    told: Callable[[str, int], None],
) -> Resealed:
    """Looks at all tables until a look changes nothing, `MOST_ROUNDS` times at most."""
    done = Resealed()
    for _ in range(MOST_ROUNDS):
        before = done.changed.total()
        done.skipped, done.lacks_keys = 0, False
        for stored in stored_tables():
            converts = {name: convert_of(one) for name, one in stored.types.items()}
            done.skipped += _round(database, stored, converts, done, told)
        done.is_settled = done.changed.total() == before and not done.skipped
        if done.is_settled:
            break
    return done


def _round(
    database: Database,
    stored: _Stored,
    converts: dict[str, Convert],
    done: Resealed,
    told: Callable[[str, int], None],
) -> int:
    """Rewrites one table; returns how many rows were in use elsewhere."""
    last, skipped = 0, 0
    done.unreadable.pop(stored.name, None)
    while True:
        with database.read() as tx:
            rows = stored.after(tx, last)
        if not rows:
            return skipped
        last = rows[-1]["id"]
        waiting = [row["id"] for row in rows if _changes(row, converts)[0]]
        failed = [error for row in rows for error in _changes(row, converts)[1]]
        done.unreadable[stored.name] += len(failed)
        done.lacks_keys = done.lacks_keys or any(isinstance(one, KeyMissing) for one in failed)
        if not done.unreadable[stored.name]:
            del done.unreadable[stored.name]
        if waiting:
            with database.write() as tx:
                held = stored.locked(tx, waiting)
                for row in held:
                    changed, _ = _changes(row, converts)
                    if changed:
                        stored.set(tx, row["id"], changed)
            skipped += len(waiting) - len(held)
            done.changed[stored.name] += len(held)
            told(stored.name, done.changed[stored.name])


def _changes(row: Any, converts: dict[str, Convert]) -> tuple[dict[str, Any], list[Undecryptable]]:
    """Returns the columns that change, and why others cannot be opened."""
    changed: dict[str, Any] = {}
    unreadable = []
    for name, convert in converts.items():
        value = row[name]
        if not value:
            continue
        try:
            new = convert(value)
        except Undecryptable as error:
            unreadable.append(error)
            continue
        if new is not value:
            changed[name] = new
    return changed, unreadable


def _is_sealed(key: str, keyring: Keyring, known: Collection[str]) -> bool:
    """Returns whether a value that names this key is sealed. If the database has never used the key, it
    only looks so: a customer wrote it before texts were encrypted.

    Raises:
        KeyMissing: it is sealed, and its key is not there.
    """
    if key not in known:
        return False
    if key not in keyring.ids:
        raise KeyMissing(MISSING.format(key=key))
    return True


def _sealing(its_type: Any, keyring: Keyring, known: Collection[str]) -> Convert:
    """Returns what seals a stored value again."""
    if isinstance(its_type, SealedJson):
        return _json_sealing(its_type, keyring, known)
    if isinstance(its_type, SealedBytes):
        return _bytes_sealing(its_type, keyring, known)
    place, first = its_type.place, keyring.first

    def text_sealed(value: str) -> str:
        key = key_id_of(value)
        if key == first:
            return value
        return keyring.seal(
            keyring.open(value, place) if _is_sealed(key, keyring, known) else value, place
        )

    return text_sealed


def _json_sealing(its_type: SealedJson, keyring: Keyring, known: Collection[str]) -> Convert:
    place, seal = its_type.place, keyring.sealer(its_type.place)

    def json_sealed(value: Any) -> Any:
        key = key_id_of(value[SEALED]) if is_envelope(value) else ""
        if key == keyring.first:
            return value
        opened = _json_opened(value, keyring, place) if _is_sealed(key, keyring, known) else value
        return sealed_json(opened, seal, is_job=its_type.is_job)

    return json_sealed


def _bytes_sealing(its_type: SealedBytes, keyring: Keyring, known: Collection[str]) -> Convert:
    place = its_type.place

    def bytes_sealed(value: Any) -> Any:
        content = bytes(value)
        key = key_id_of(content)
        if key == keyring.first:
            return value
        opened = keyring.open_bytes(content, place) if _is_sealed(key, keyring, known) else content
        return keyring.seal_bytes(opened, place)

    return bytes_sealed


def _opening(its_type: Any, keyring: Keyring, known: Collection[str]) -> Convert:
    """Returns what makes a stored value plain."""
    place = its_type.place

    def opened(value: Any) -> Any:
        if isinstance(its_type, SealedJson):
            key = key_id_of(value[SEALED]) if is_envelope(value) else ""
            return _json_opened(value, keyring, place) if _is_sealed(key, keyring, known) else value
        if isinstance(its_type, SealedBytes):
            content = bytes(value)
            is_sealed = _is_sealed(key_id_of(content), keyring, known)
            return keyring.open_bytes(content, place) if is_sealed else value
        return keyring.open(value, place) if _is_sealed(key_id_of(value), keyring, known) else value

    return opened


def _json_opened(value: Any, keyring: Keyring, place: str) -> Any:
    rest = json.loads(keyring.open(value[SEALED], place))
    plain = {name: one for name, one in value.items() if name != SEALED}
    return {**plain, **rest} if plain else rest


# -- what is not sealed with the first key

MOST_LOOKED_AT = 20_000
"""Newest rows of each table that a count looks at."""


@dataclass(frozen=True)
class Remaining:
    """`rows` have a value that is plain or sealed with another key; if not `is_whole`, older rows were
    not looked at.
    """

    rows: int
    is_whole: bool


def remaining(tx: Transaction, keyring: Keyring) -> Remaining:
    """Counts rows that `encrypt` would change."""
    rows, is_whole = 0, True
    for stored in stored_tables():
        looked_at = 0
        for row in _newest(tx, stored):
            looked_at += 1
            rows += any(_remains(stored.types[one], row[one], keyring) for one in stored.types)
        is_whole = is_whole and looked_at < MOST_LOOKED_AT
    return Remaining(rows, is_whole)


def _newest(tx: Transaction, stored: _Stored) -> Iterator[Any]:
    """Yields the newest rows, with the beginnings of files only."""
    begins = {
        name: func.substr(stored.table.c[name], 1, BYTES_START).label(name)
        for name, its_type in stored.types.items()
        if isinstance(its_type, SealedBytes)
    }
    columns = [begins.get(one.name, one) for one in stored.table.c]
    found = select(*columns).order_by(stored.table.c.id.desc()).limit(MOST_LOOKED_AT)
    yield from tx.core.execute(found).mappings()


def _remains(its_type: Any, value: Any, keyring: Keyring) -> bool:
    if not value:
        return False
    if not isinstance(its_type, SealedJson):
        stored = bytes(value) if isinstance(its_type, SealedBytes) else value
        return key_id_of(stored) != keyring.first
    if is_envelope(value):
        return key_id_of(value[SEALED]) != keyring.first
    return sealed_json(value, lambda _: "", is_job=its_type.is_job) is not value
