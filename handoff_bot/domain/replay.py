"""What would have escalated in past conversations, and when, compared with when agents took over."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from handoff_bot.domain.detection import Sensitivity
from handoff_bot.domain.signals import Priority, Signal
from handoff_bot.domain.text import REASONS, many, one_line, percent
from handoff_bot.domain.tickets import BYTE_ORDER_MARK, harmless

SENSITIVITIES = (Sensitivity.LOW, Sensitivity.MEDIUM, Sensitivity.HIGH)
NOT_REPLAYED = (
    "Not replayed: how sure the assistant is of its answers, waiting, capacity and business hours."
)
_MOST_LANGUAGES, _SHOWN_LANGUAGES = 100, 20
_SHOWN = 90
Mask = Callable[[str], str]


class Timing(StrEnum):
    """When Handoff escalates, compared with the first message of an agent.

    SAME: after the last message that the customer wrote before the agent.
    """

    BEFORE = "before"
    SAME = "at the same message"
    AFTER = "after"
    NEVER = "never"


@dataclass(frozen=True)
class Escalated:
    """Where a conversation escalates.

    Attributes:
        number: of the customer's message, 1 for the first.
        evidence: the customer's own text. Hostile text.
    """

    number: int
    reason: Signal
    priority: Priority = Priority.NORMAL
    evidence: str = ""


@dataclass(frozen=True)
class Replayed:
    """One past conversation.

    Attributes:
        conversation: the export's id. Hostile text.
        language: ISO 639-1, "" if unknown.
        messages: number of the customer's messages.
        agent_after: number of the customer's messages before the first one by an agent; None without
            an agent.
        at: where it escalates, by sensitivity; without those at which it does not.
    """

    conversation: str
    language: str
    messages: int
    agent_after: int | None
    at: Mapping[Sensitivity, Escalated]

    def timing(self, sensitivity: Sensitivity) -> Timing | None:
        """Returns when it escalates; None without an agent."""
        if self.agent_after is None:
            return None
        found = self.at.get(sensitivity)
        if found is None:
            return Timing.NEVER
        if found.number == self.agent_after:
            return Timing.SAME
        return Timing.BEFORE if found.number < self.agent_after else Timing.AFTER


@dataclass
class ReadCounts:
    """What was read of an export.

    Attributes:
        rows: rows or lines with content.
        left_out: notes, activities and messages without text.
        broken: rows that could not be read, by what is wrong with them.
        unheard: conversations without a customer's message.
        cut: conversations of which only the first messages were read.
        stopped: True if the time limit ended it.
    """

    rows: int = 0
    left_out: int = 0
    broken: Counter[str] = field(default_factory=Counter)
    unheard: int = 0
    cut: int = 0
    stopped: bool = False

    def lines(self) -> Iterator[str]:
        yield (
            f"{many(self.rows, 'row')} read, {self.left_out:,} left out (notes, activities, no text), "
            f"{self.broken.total():,} broken."
        )
        for problem, count in self.broken.most_common():
            yield f"  {count:,}: {problem}"
        if self.unheard:
            yield f"{many(self.unheard, 'conversation')} without a customer's message left out."
        if self.cut:
            yield f"{many(self.cut, 'conversation')} cut after the longest length."
        if self.stopped:
            yield "The time limit was reached: only a part of the conversations was replayed."


@dataclass
class Summary:
    """Counts conversations, one after the other; its size does not grow with their number.

    Args:
        most_examples: conversations that are kept to be shown.
    """

    most_examples: int = 10
    total: int = 0
    messages: int = 0
    with_agent: int = 0
    reasons: Counter[tuple[Sensitivity, Signal]] = field(default_factory=Counter)
    urgent: Counter[Sensitivity] = field(default_factory=Counter)
    numbers: Counter[tuple[Sensitivity, int]] = field(default_factory=Counter)
    timings: Counter[tuple[Sensitivity, Timing]] = field(default_factory=Counter)
    alone: Counter[Sensitivity] = field(default_factory=Counter)
    languages: Counter[str] = field(default_factory=Counter)
    spoken: Counter[tuple[Sensitivity, str]] = field(default_factory=Counter)
    examples: list[Replayed] = field(default_factory=list)

    def add(self, one: Replayed) -> None:
        self.total += 1
        self.messages += one.messages
        self.with_agent += one.agent_after is not None
        is_known = one.language in self.languages or len(self.languages) < _MOST_LANGUAGES
        language = one.language if is_known else ""
        self.languages[language] += 1
        for wish, found in one.at.items():
            self.reasons[wish, found.reason] += 1
            self.urgent[wish] += found.priority is Priority.URGENT
            self.numbers[wish, min(found.number, 1_000)] += 1
            self.spoken[wish, language] += 1
            self.alone[wish] += one.agent_after is None
        for wish in SENSITIVITIES:
            if timing := one.timing(wish):
                self.timings[wish, timing] += 1
        if one.at and len(self.examples) < self.most_examples:
            self.examples.append(one)

    def escalated(self, wish: Sensitivity) -> int:
        return sum(self.reasons[wish, signal] for signal in Signal)

    def median(self, wish: Sensitivity) -> int | None:
        """Returns the customer's message after which half of the escalations have happened."""
        left = (self.escalated(wish) + 1) // 2
        for number, count in sorted((n, c) for (one, n), c in self.numbers.items() if one is wish):
            left -= count
            if left <= 0:
                return number
        return None

    def lines(self) -> Iterator[str]:
        """Yields the report."""
        with_agent = f"{self.with_agent:,} with an agent"
        yield (
            f"{many(self.total, 'conversation')}, {with_agent}, "
            f"{many(self.messages, 'message')} by customers."
        )
        yield ""
        yield _line("sensitivity", SENSITIVITIES)
        yield _line("escalated", (self.escalated(wish) for wish in SENSITIVITIES))
        yield _line(
            "share", (self._share(self.escalated(wish), self.total) for wish in SENSITIVITIES)
        )
        yield _line("median customer message", (self.median(wish) or "-" for wish in SENSITIVITIES))
        yield _line("urgent", (self.urgent[wish] for wish in SENSITIVITIES))
        yield ""
        for signal in Signal:
            if any(self.reasons[wish, signal] for wish in SENSITIVITIES):
                counts = (self.reasons[wish, signal] for wish in SENSITIVITIES)
                yield _line(f"because: {REASONS[signal]}", counts)
        yield from self._comparison()
        yield ""
        for language, count in self.languages.most_common(_SHOWN_LANGUAGES):
            shares = (self._share(self.spoken[wish, language], count) for wish in SENSITIVITIES)
            yield _line(f"language {language or 'unknown'} ({count:,})", shares)
        yield ""
        yield NOT_REPLAYED

    def _comparison(self) -> Iterator[str]:
        if self.with_agent:
            yield ""
            yield f"Where an agent took part ({self.with_agent:,}), compared with the agent's first message:"
            for timing in Timing:
                counts = (self.timings[wish, timing] for wish in SENSITIVITIES)
                yield _line(f"  {timing}", counts)
        if self.with_agent < self.total:
            yield ""
            name = f"Where no agent took part ({self.total - self.with_agent:,}): escalated"
            yield _line(name, (self.alone[wish] for wish in SENSITIVITIES))

    def _share(self, count: int, of: int) -> str:
        return percent(count / of if of else None)

    def shown(self, mask: Mask) -> Iterator[str]:
        """Yields the examples, without personal data if `mask` removes it."""
        for one in self.examples:
            agent = "" if one.agent_after is None else f", agent after {one.agent_after}"
            yield ""
            yield f"{one_line(mask(one.conversation), 60)} ({one.language or '?'}{agent})"
            for found, wishes in _by_place(one.at).items():
                said = one_line(mask(found.evidence), _SHOWN)
                what = f"{REASONS[found.reason]}, {found.priority}"
                yield f"  {', '.join(wishes)}: message {found.number}, {what}"
                if said:
                    yield f"    “{said}”"


def _by_place(at: Mapping[Sensitivity, Escalated]) -> dict[Escalated, list[Sensitivity]]:
    """Groups the sensitivities at which a conversation escalates in the same way."""
    found: dict[Escalated, list[Sensitivity]] = {}
    for wish, escalated in at.items():
        found.setdefault(escalated, []).append(wish)
    return found


def _line(name: str, values: Iterable[object]) -> str:
    return f"{name:<52}" + "".join(f"{value:>10}" for value in values)


_BY_SENSITIVITY = ("message", "reason", "priority", "compared_with_agent")
COLUMNS = (
    "conversation",
    "language",
    "customer_messages",
    "agent_after",
    *(f"{wish}_{name}" for wish in SENSITIVITIES for name in _BY_SENSITIVITY),
    "evidence",
)


def csv_header() -> str:
    """Returns the first line, with a byte order mark: without it, Excel assumes Windows-1252."""
    return BYTE_ORDER_MARK + _csv_line(COLUMNS)


def csv_row(one: Replayed, mask: Mask) -> str:
    """Returns a conversation's line; no cell is a formula in a spreadsheet."""
    cells: list[object] = [mask(one.conversation), one.language, one.messages]
    cells.append("" if one.agent_after is None else one.agent_after)
    for wish in SENSITIVITIES:
        found = one.at.get(wish)
        cells += [found.number, found.reason, found.priority] if found else ["", "", ""]
        cells.append(one.timing(wish) or "")
    evidence = next((found.evidence for found in one.at.values()), "")
    return _csv_line(harmless(str(cell)) for cell in [*cells, one_line(mask(evidence), 400)])


def _csv_line(cells: Iterable[str]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\r\n").writerow(cells)
    return line.getvalue()
