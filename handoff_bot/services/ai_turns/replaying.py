"""Replays past conversations of other tools: what would have escalated, after which message, and why.

Memory is bounded: messages lie in a temporary SQLite file, which has no name and is deleted at the end.
"""

from __future__ import annotations

import csv
import json
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby, islice, takewhile
from operator import itemgetter
from pathlib import Path
from typing import TextIO

from handoff_bot.domain.conversation_context import ConversationContext
from handoff_bot.domain.detection import DEFAULTS, Rules, Sensitivity
from handoff_bot.domain.past_chats import (
    AGENT,
    ASSISTANT,
    CUSTOMER,
    ExportError,
    LinesFormat,
    PastMessage,
    TableFormat,
    lines_format,
    table_format,
)
from handoff_bot.domain.replay import Escalated, ReadCounts, Replayed
from handoff_bot.domain.signals import Signal, Turn
from handoff_bot.domain.text import encoding_of
from handoff_bot.services.ai_turns.answering import TURNS, Question, TurnEvaluator

_CHUNK = 1 << 16
_LONGEST_LINE = 8_000_000
"""Characters of a line; longer ones are skipped."""
_MOST_MESSAGES = 500
"""Messages of a conversation that are replayed."""
_BATCH = 1_000
_NO_END = "a cell without a closing quote, or of more than 131,072 characters"
_TOO_LONG = f"a line of more than {_LONGEST_LINE:,} characters"
_PACKED = {
    b"PK\x03\x04": "a zip or Excel file. Unpack it, or save it as CSV",
    b"\x1f\x8b": "a gzip file. Unpack it",
}
_CACHE_KIB = 4_096


class Export:
    """An export on disk, of which only single rows are in memory.

    Attributes:
        counts: what was read so far.
        format: its name.
        encoding: how it is decoded.

    Raises:
        ExportError: the file is empty, packed, or of an unknown format.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.counts = ReadCounts()
        self.encoding = _encoding(path)
        with self._open() as stream:
            first = next((line for line in self._lines(stream) if line.strip()), "")
        self.counts = ReadCounts()
        if not first:
            raise ExportError("The file is empty, or its first line is too long.")
        self._format = _format_of(first)
        self._separator = max(",;\t", key=first.count)

    @property
    def format(self) -> str:
        return self._format.name

    def conversations(self) -> Iterator[tuple[str, list[PastMessage]]]:
        """Yields each conversation with its messages, oldest first, in the order of the ids."""
        with _Shelf() as shelf:
            try:
                shelf.fill(self._messages())
            except sqlite3.OperationalError as error:
                raise ExportError(
                    f"The temporary file cannot be written ({error}). Set TMPDIR to a folder with room."
                ) from error
            yield from shelf.conversations(self.counts)

    def _messages(self) -> Iterator[PastMessage]:
        with self._open() as stream:
            if isinstance(self._format, TableFormat):
                yield from self._of_table(self._format, stream)
            else:
                yield from self._of_lines(self._format, stream)

    def _of_table(self, table: TableFormat, stream: TextIO) -> Iterator[PastMessage]:
        reader = csv.reader(self._lines(stream), delimiter=self._separator)
        is_header = True
        while True:
            try:
                row = next(reader)
            except StopIteration:
                return
            except csv.Error:
                self._broken(_NO_END)
                continue
            if not any(row):
                continue
            if is_header:
                is_header = False
                continue
            self.counts.rows += 1
            try:
                message = table.message(row)
            except ValueError as error:
                self.counts.broken[str(error)] += 1
                continue
            yield from self._kept([message])

    def _of_lines(self, lines: LinesFormat, stream: TextIO) -> Iterator[PastMessage]:
        for line in self._lines(stream):
            if not line.strip():
                continue
            self.counts.rows += 1
            try:
                found = lines.messages(_object(line))
            except ValueError as error:
                self.counts.broken[str(error)] += 1
                continue
            yield from self._kept(found)

    def _kept(self, found: Sequence[PastMessage | None]) -> Iterator[PastMessage]:
        for message in found:
            if message is None:
                self.counts.left_out += 1
            else:
                yield message

    def _broken(self, problem: str) -> None:
        self.counts.rows += 1
        self.counts.broken[problem] += 1

    def _open(self) -> TextIO:
        return self._path.open(encoding=self.encoding, errors="replace", newline="")

    def _lines(self, stream: TextIO) -> Iterator[str]:
        """Yields lines; one that is too long for memory is skipped and counted as broken."""
        while line := stream.readline(_LONGEST_LINE):
            if len(line) < _LONGEST_LINE or line.endswith(("\n", "\r")):
                yield line
                continue
            self._broken(_TOO_LONG)
            while (rest := stream.readline(_LONGEST_LINE)) and not rest.endswith(("\n", "\r")):
                pass


def _encoding(path: Path) -> str:
    with path.open("rb") as stream:
        start = stream.read(4)
        for mark, what in _PACKED.items():
            if start.startswith(mark):
                raise ExportError(f"This is {what}.")
        stream.seek(0)
        return encoding_of(iter(lambda: stream.read(_CHUNK), b""))


def _format_of(first: str) -> TableFormat | LinesFormat:
    start = first.lstrip()[:1]
    if start == "[":
        raise ExportError(
            "This is one JSON list. Write one object a line, e.g. with: jq -c '.[]' FILE"
        )
    if start != "{":
        separator = max(",;\t", key=first.count)
        try:
            return table_format(next(csv.reader([first], delimiter=separator)))
        except csv.Error:
            raise ExportError("The first line cannot be read as names of columns.") from None
    try:
        return lines_format(_object(first))
    except ValueError:
        raise ExportError(
            "The first line is no JSON object. Write one object a line, e.g. with: jq -c . FILE"
        ) from None


def _object(line: str) -> Mapping[str, object]:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise ValueError("no JSON object")  # noqa: TRY004 - a broken line, as any other
    return found


class _Shelf:
    """Messages in a nameless temporary file, to be read by conversation."""

    def __enter__(self) -> _Shelf:
        self._file = sqlite3.connect("")
        self._file.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        self._file.execute("PRAGMA temp_store = FILE")
        self._file.execute("PRAGMA journal_mode = OFF")
        self._file.execute(
            "CREATE TABLE message (conversation TEXT, role TEXT, text TEXT, at REAL)"
        )
        return self

    def __exit__(self, *exception: object) -> None:
        self._file.close()

    def fill(self, messages: Iterator[PastMessage]) -> None:
        rows = ((one.conversation, one.role, one.text, one.at) for one in messages)
        while batch := list(islice(rows, _BATCH)):
            self._file.executemany("INSERT INTO message VALUES (?, ?, ?, ?)", batch)
        self._file.execute("CREATE INDEX by_conversation ON message (conversation)")

    def conversations(self, counts: ReadCounts) -> Iterator[tuple[str, list[PastMessage]]]:
        rows = self._file.execute(
            "SELECT conversation, role, text, at FROM message ORDER BY conversation, rowid"
        )
        for name, found in groupby(rows, key=itemgetter(0)):
            messages = [PastMessage(*row) for row in islice(found, _MOST_MESSAGES)]
            counts.cut += next(found, None) is not None
            if all(one.at is not None for one in messages):
                messages.sort(key=lambda one: one.at or 0.0)
            yield name, messages


class Replay:
    """Judges past conversations as the bot judges live ones, with the same rules.

    Args:
        seconds: of the whole replay.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        evaluator: TurnEvaluator,
        *,
        rules: Rules = DEFAULTS,
        seconds: float = 3600.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._evaluator = evaluator
        self._rules = {wish: _at(rules, wish) for wish in _EASIEST_FIRST}
        self._seconds = seconds
        self._clock = clock

    def replayed(self, export: Export) -> Iterator[Replayed]:
        """Yields what became of each conversation, until the time is over."""
        ends = self._clock() + self._seconds
        for name, messages in export.conversations():
            if self._clock() >= ends:
                export.counts.stopped = True
                return
            if any(one.role == CUSTOMER for one in messages):
                yield self._replayed(name, messages)
            else:
                export.counts.unheard += 1

    def _replayed(self, name: str, messages: Sequence[PastMessage]) -> Replayed:
        turns = tuple(Turn(one.role, one.text) for one in messages)
        at: dict[Sensitivity, Escalated] = {}
        number, language = 0, ""
        for place, turn in enumerate(turns):
            if turn.role != CUSTOMER or len(at) == len(self._rules):
                continue
            number += 1
            language = self._judge(turns[: place + 1], number, at, language)
        return Replayed(
            conversation=name,
            language=language,
            messages=sum(turn.role == CUSTOMER for turn in turns),
            agent_after=_agent_after(turns),
            at={wish: at[wish] for wish in reversed(_EASIEST_FIRST) if wish in at},
        )

    def _judge(
        self,
        turns: tuple[Turn, ...],
        number: int,
        at: dict[Sensitivity, Escalated],
        language: str,
    ) -> str:
        """Judges the last turn, from the easiest sensitivity on: what is not enough there never is at
        another. Returns the conversation's language.
        """
        for wish, rules in self._rules.items():
            if wish in at:
                continue
            judgement = self._evaluator.screened(_question(turns, rules, language))
            language = judgement.language or language
            if judgement.reason is None:
                break
            at[wish] = Escalated(number, judgement.reason, judgement.priority, judgement.evidence)
        return language


_EASIEST_FIRST = (Sensitivity.HIGH, Sensitivity.MEDIUM, Sensitivity.LOW)


def _at(rules: Rules, wish: Sensitivity) -> Rules:
    """Returns the rules with every trigger that is on at this sensitivity."""
    off = {one for one in Signal if rules.triggers.get(one) is Sensitivity.OFF}
    return replace(rules, triggers={one: Sensitivity.OFF if one in off else wish for one in Signal})


def _question(turns: tuple[Turn, ...], rules: Rules, language: str) -> Question:
    recent = turns[-TURNS:]
    waiting = sum(1 for _ in takewhile(lambda one: one.role == CUSTOMER, reversed(recent)))
    unled = list(takewhile(lambda one: one.role != AGENT, reversed(turns)))
    talk = ConversationContext(recent, rules=rules, language=language, waiting=waiting)
    return Question(talk, answers=sum(one.role == ASSISTANT for one in unled))


def _agent_after(turns: Sequence[Turn]) -> int | None:
    """Returns how many of the customer's messages came before the first one by an agent."""
    before = list(takewhile(lambda one: one.role != AGENT, turns))
    if len(before) == len(turns):
        return None
    return sum(one.role == CUSTOMER for one in before)
