"""Column types whose values are sealed where the database has keys: texts, JSON and bytes.

The keys belong to an engine's dialect, because SQLAlchemy and `prepared` ask a type for its
conversions by dialect: no statement can forget them. Without keys, each type is its plain type.

A value that cannot be opened never raises here, because it would stop everything that is read with
it. It becomes a text that says so, which no sender accepts (`Unreadable`), or an empty value.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy import JSON, Column, Dialect, Engine, LargeBinary, MetaData, Table, Text
from sqlalchemy.types import TypeDecorator

from handoff_bot.domain.errors import Undecryptable
from handoff_bot.storage.encryption import BYTES_PREFIX, TEXT_PREFIX, Keyring, key_id_of

Convert = Callable[[Any], Any]
SEALED = "#"
"""Field of a JSON object that holds the sealed rest."""
UNREADABLE = "[This text cannot be decrypted: {why}.]"
KEYRING = "handoff_keyring"
"""Attribute of a dialect that holds its keys, None without."""


def attach(engine: Engine, keyring: Keyring | None) -> None:
    """Gives an engine its keys, before its first statement."""
    setattr(engine.dialect, KEYRING, keyring)


def keyring_of(dialect: Dialect) -> Keyring | None:
    """Returns the keys of an engine's dialect; None if its values are plain."""
    return getattr(dialect, KEYRING, None)


class Unreadable(str):
    """Stands for a text that cannot be opened. Writing it back writes the stored value."""

    __slots__ = ("stored",)
    stored: str


class UnreadableBytes(bytes):
    """Stands for a file's bytes that cannot be opened."""


def is_readable(payload: dict[str, Any]) -> bool:
    """Returns False for a job's payload that could not be opened."""
    return SEALED not in payload or not is_envelope(payload)


class _Sealed:
    """What the three types share: the place that their values are bound to."""

    place: str


class SealedText(TypeDecorator[str], _Sealed):
    """A text; "" stays plain, so that statements can ask for it."""

    impl = Text
    cache_ok = True

    def __init__(self, place: str = "") -> None:
        super().__init__()
        self.place = place

    def bind_processor(self, dialect: Dialect) -> Convert | None:
        keyring = keyring_of(dialect)
        inner = super().bind_processor(dialect)
        if keyring is None:
            return inner
        seal = keyring.sealer(self.place)

        def sealed(text: str | None) -> Any:
            if text:
                text = text.stored if isinstance(text, Unreadable) else seal(text)
            return inner(text) if inner else text

        return sealed

    def result_processor(self, dialect: Dialect, coltype: object) -> Convert | None:
        keyring, place = keyring_of(dialect), self.place
        inner = super().result_processor(dialect, coltype)
        if keyring is None:
            return inner

        def opened(stored: Any) -> Any:
            text = inner(stored) if inner else stored
            return _opened(keyring, text, place) if text else text

        return opened

    def coerce_compared_value(self, op: Any, value: Any) -> Any:
        """A value to compare with is not sealed: only "" can be compared."""
        return Text()


def _opened(keyring: Keyring, stored: str, place: str) -> str:
    if not stored.startswith(TEXT_PREFIX):
        return stored
    try:
        return keyring.open(stored, place)
    except Undecryptable as error:
        made = Unreadable(UNREADABLE.format(why=error))
        made.stored = stored
        return made


class SealedJson(TypeDecorator[Any], _Sealed):
    """A JSON object or list; an empty one stays plain.

    Args:
        is_job: a job's payload. Whole numbers and the trace stay plain, because statements ask for
            ids and an operator for traces. One that cannot be opened keeps its sealed field, so that
            a job that moves loses nothing. Other values become empty.
        empty: makes what stands for a value that cannot be opened.
    """

    impl = JSON
    cache_ok = True

    def __init__(
        self,
        place: str = "",
        *,
        is_job: bool = False,
        empty: type[dict[str, Any]] | type[list[Any]] = dict,
        none_as_null: bool = False,
    ) -> None:
        super().__init__(none_as_null=none_as_null)
        self.place = place
        self.is_job = is_job
        self.empty = empty
        self.none_as_null = none_as_null

    def bind_processor(self, dialect: Dialect) -> Convert | None:
        keyring = keyring_of(dialect)
        inner = super().bind_processor(dialect)
        if keyring is None:
            return inner
        seal, is_job = keyring.sealer(self.place), self.is_job

        def sealed(value: Any) -> Any:
            if value:
                value = sealed_json(value, seal, is_job=is_job)
            return inner(value) if inner else value

        return sealed

    def result_processor(self, dialect: Dialect, coltype: object) -> Convert | None:
        keyring = keyring_of(dialect)
        inner = super().result_processor(dialect, coltype)
        if keyring is None:
            return inner

        def opened(stored: Any) -> Any:
            value: Any = inner(stored) if inner else stored
            return self._opened(keyring, value) if is_envelope(value) else value

        return opened

    def _opened(self, keyring: Keyring, envelope: dict[str, Any]) -> Any:
        try:
            text = keyring.open(envelope[SEALED], self.place)
        except Undecryptable:
            return envelope if self.is_job else self.empty()
        if text is envelope[SEALED]:
            return envelope
        rest = json.loads(text)
        if len(envelope) == 1:
            return rest
        envelope.pop(SEALED)
        return {**envelope, **rest}

    def coerce_compared_value(self, op: Any, value: Any) -> Any:
        """So that fields of a payload can be asked for."""
        return self.impl_instance.coerce_compared_value(op, value)


def is_envelope(value: Any) -> bool:
    """Returns whether a stored JSON value holds a sealed part."""
    if not isinstance(value, dict):
        return False
    sealed = value.get(SEALED)
    return isinstance(sealed, str) and sealed.startswith(TEXT_PREFIX) and key_id_of(sealed) != ""


def sealed_json(value: Any, seal: Callable[[str], str], *, is_job: bool) -> Any:
    """Returns what is stored of a JSON value: the same object if nothing of it is sealed."""
    if not is_job or not isinstance(value, dict):
        return {SEALED: seal(_dumped(value))}
    plain = {name: one for name, one in value.items() if _stays_plain(name, one)}
    if len(plain) == len(value):
        return value
    rest = {name: one for name, one in value.items() if name not in plain}
    if rest.keys() == {SEALED} and is_envelope(rest):
        return value  # could not be opened: stays as it was stored
    return {**plain, SEALED: seal(_dumped(rest))}


def _stays_plain(name: str, value: object) -> bool:
    return type(value) is int or name == "trace"


def _dumped(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


class SealedBytes(TypeDecorator[bytes], _Sealed):
    """The bytes of a file."""

    impl = LargeBinary
    cache_ok = True

    def __init__(self, place: str = "") -> None:
        super().__init__()
        self.place = place

    def bind_processor(self, dialect: Dialect) -> Convert | None:
        keyring, place = keyring_of(dialect), self.place
        inner = super().bind_processor(dialect)
        if keyring is None:
            return inner

        def sealed(content: bytes | None) -> Any:
            made = keyring.seal_bytes(content, place) if content else content
            return inner(made) if inner else made

        return sealed

    def result_processor(self, dialect: Dialect, coltype: object) -> Convert | None:
        keyring, place = keyring_of(dialect), self.place
        inner = super().result_processor(dialect, coltype)
        if keyring is None:
            return inner

        def opened(stored: Any) -> Any:
            found = inner(stored) if inner else stored
            if found is None or not found.startswith(BYTES_PREFIX):
                return found
            try:
                return keyring.open_bytes(bytes(found), place)
            except Undecryptable:
                return UnreadableBytes()

        return opened


def bind_to_places(metadata: MetaData) -> None:
    """Names each sealed column's table and column in its type."""
    for column in sealed_columns(metadata):
        its_type: Any = column.type
        its_type.place = f"{column.table.name}.{column.name}"


def sealed_columns(metadata: MetaData) -> Iterator[Column[Any]]:
    """Yields the columns whose values are sealed."""
    for table in metadata.sorted_tables:
        yield from sealed_columns_of(table)


def sealed_columns_of(table: Table) -> list[Column[Any]]:
    return [column for column in table.columns if isinstance(column.type, _Sealed)]
