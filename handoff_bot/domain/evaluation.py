"""Evaluation of the assistant: questions with expected facts, verdicts, and the report on them."""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from handoff_bot.domain.detection import UNSURE
from handoff_bot.domain.errors import HandoffError
from handoff_bot.domain.facts import holds
from handoff_bot.domain.messages import storable
from handoff_bot.domain.signals import Answer, Turn
from handoff_bot.domain.text import language_in, many, one_line, percent
from handoff_bot.domain.tickets import harmless

MOST_QUESTIONS = 10_000
_LONGEST_QUESTION = 4_000
_MOST_PROBLEMS = 20
_SHOWN, _SHOWN_IN_FILE = 400, 2_000
_NONE = frozenset({"none", "refuse", "refused", "-"})
_COLUMN = re.compile(r"(?:expected_?)?facts?_?\d*|expected")
_PARTS = re.compile(r"[|\n]")
_ROLE = re.compile(r"(customer|assistant|agent)\s*:\s*", re.IGNORECASE)
REFUSED, UNKNOWN = "(to be refused)", "(no article)"


class QuestionsError(HandoffError):
    """A file of questions cannot be used; the text lists its problems, line by line."""


class Verdict(StrEnum):
    """What became of a question.

    FAILED: the provider did not answer. NOT_ASKED: a limit was reached before.
    """

    RIGHT = "right"
    WRONG = "wrong"
    REFUSED = "refused"
    ASKED_BACK = "asked back"
    FAILED = "failed"
    NOT_ASKED = "not asked"


@dataclass(frozen=True)
class Expected:
    """A question and what its answer must hold.

    Attributes:
        facts: all must be in the answer; " / " parts alternatives. If it must be refused: an answer
            with these is right as well.
        language: ISO 639-1, "" to detect it.
        earlier: turns before it. A customer's turn that no turn answers is asked first.
        must_refuse: True if no article holds the answer.
        article: title of the article that the answer must cite if there are no facts, else "".
    """

    question: str
    facts: tuple[str, ...] = ()
    language: str = ""
    earlier: tuple[Turn, ...] = ()
    must_refuse: bool = False
    article: str = ""


@dataclass(frozen=True)
class Outcome:
    """What became of a question.

    Attributes:
        text: what the customer would have read; "" if an agent is called.
        why: why there is no answer, or "".
        confidence: of the answer, 0 to 1.
        language: ISO 639-1, "" if unknown.
    """

    expected: Expected
    verdict: Verdict
    text: str = ""
    why: str = ""
    confidence: float = 0.0
    sources: tuple[str, ...] = ()
    language: str = ""

    @property
    def article(self) -> str:
        """Returns the expected article, or the one that was cited."""
        if self.expected.must_refuse:
            return REFUSED
        return self.expected.article or next(iter(self.sources), UNKNOWN)


def verdict(expected: Expected, answer: Answer | None) -> Verdict:
    """Judges an answer: right with all facts, refused without a source, else wrong.

    An answer that a language model is sure of although it cites nothing is no refusal.
    """
    if answer is not None and answer.is_clarifying:
        return Verdict.ASKED_BACK
    if answer is None or _is_refusal(answer):
        return Verdict.RIGHT if expected.must_refuse else Verdict.REFUSED
    return Verdict.RIGHT if _is_right(expected, answer) else Verdict.WRONG


def _is_refusal(answer: Answer) -> bool:
    return not answer.sources and (not answer.in_time or answer.confidence < UNSURE)


def _is_right(expected: Expected, answer: Answer) -> bool:
    if expected.facts:
        return all(holds(answer.text, fact) for fact in expected.facts)
    return bool(expected.article) and is_cited(expected.article, answer.sources)


def is_cited(article: str, sources: Iterable[str]) -> bool:
    """Returns whether a source is this article, also as "Title (where from)"."""
    wanted = " ".join(article.casefold().split())
    return any(
        wanted in (name, name.partition(" (")[0])
        for name in (" ".join(one.casefold().split()) for one in sources)
    )


def read_questions(text: str) -> list[Expected]:
    """Reads a file of questions: JSON lines, or CSV with commas, semicolons or tabs.

    Raises:
        QuestionsError: a line is wrong, or there are no or too many questions.
    """
    found: list[Expected] = []
    problems: list[str] = []
    rows = _json_rows(text) if text.lstrip()[:1] == "{" else _csv_rows(text)
    for number, row in rows:
        try:
            found.append(_expected(row))
        except ValueError as error:
            problems.append(f"Line {number}: {error}")
        if len(found) > MOST_QUESTIONS or len(problems) >= _MOST_PROBLEMS:
            break
    if len(found) > MOST_QUESTIONS:
        problems = [f"At most {MOST_QUESTIONS:,} questions are evaluated at once."]
    if problems or not found:
        raise QuestionsError("\n".join(problems) or "The file has no questions.")
    return found


def _csv_rows(text: str) -> Iterator[tuple[int, Mapping[str, object]]]:
    first = text.partition("\n")[0]
    separator = max(",;\t", key=first.count)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=separator)
    try:
        names = [_name(one) for one in reader.fieldnames or ()]
    except csv.Error as error:
        raise QuestionsError(f"The first line cannot be read: {error}.") from None
    if "question" not in names:
        raise QuestionsError("The first line must name the columns question and facts.")
    reader.fieldnames = names
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise QuestionsError(f"Line {reader.line_num}: {error}.") from None
        yield reader.line_num, {name: cell for name, cell in row.items() if name is not None}


def _json_rows(text: str) -> Iterator[tuple[int, Mapping[str, object]]]:
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            row = None
        if not isinstance(row, dict):
            raise QuestionsError(f"Line {number}: not a JSON object.")
        yield number, {_name(name): value for name, value in row.items()}


def _name(column: str | None) -> str:
    return re.sub(r"[\s-]+", "_", (column or "").strip().casefold().removeprefix("\ufeff"))


def _expected(row: Mapping[str, object]) -> Expected:
    """Reads a row.

    Raises:
        ValueError: says what is missing or wrong, without customer text.
    """
    question = _text(row.get("question"))
    if not question:
        raise ValueError("no question")
    if len(question) > _LONGEST_QUESTION:
        raise ValueError(f"the question has more than {_LONGEST_QUESTION:,} characters")
    expect, language = _text(row.get("expect")).casefold(), _text(row.get("language"))
    if expect not in _NONE | {"", "answer"}:
        raise ValueError("expect must be none, or empty")
    code = language_in(language) if language else ""
    if language and not code:
        raise ValueError("unknown language; give a code such as de")
    cells = (cell for name, cell in row.items() if _COLUMN.fullmatch(name))
    found = Expected(
        question=question,
        facts=tuple(fact for cell in cells for fact in _listed(cell)),
        language=code,
        earlier=tuple(_turns(row.get("earlier"))),
        must_refuse=expect in _NONE,
        article=_text(row.get("article")),
    )
    if not (found.facts or found.article or found.must_refuse):
        raise ValueError("no facts; give facts, an article, or expect: none")
    return found


def _text(value: object) -> str:
    return " ".join(storable(str(value)).split()) if isinstance(value, str | int | float) else ""


def _listed(value: object) -> list[str]:
    parts = value if isinstance(value, list) else _PARTS.split(_raw(value))
    return [text for part in parts if (text := _text(part))]


def _raw(value: object) -> str:
    return str(value) if isinstance(value, str | int | float) else ""


def _turns(value: object) -> Iterator[Turn]:
    """Yields earlier turns: texts that may begin with "customer:", "assistant:" or "agent:"."""
    parts = value if isinstance(value, list) else _PARTS.split(_raw(value))
    for part in parts:
        if isinstance(part, dict):
            part = f"{part.get('role', 'customer')}: {_raw(part.get('text'))}"
        text = _text(part)[:_LONGEST_QUESTION]
        role = _ROLE.match(text)
        said = text[role.end() :] if role else text
        if said:
            yield Turn(role[1].lower() if role else "customer", said)


@dataclass(frozen=True)
class Report:
    """What became of the questions with one assistant, "local" or "model"."""

    assistant: str
    outcomes: Sequence[Outcome]

    @property
    def share(self) -> float:
        """Returns the share of right answers, 0 to 1. What failed or was not asked is not right."""
        return self._count(Verdict.RIGHT) / max(1, len(self.outcomes))

    def reaches(self, percentage: int) -> bool:
        return 100 * self._count(Verdict.RIGHT) >= percentage * len(self.outcomes)

    def _count(self, one: Verdict) -> int:
        return sum(outcome.verdict is one for outcome in self.outcomes)

    def lines(self) -> Iterator[str]:
        """Yields totals, then tables by language and by article."""
        total = len(self.outcomes)
        counts = Counter(one.verdict for one in self.outcomes)
        rest = ", ".join(
            f"{counts[one]} {one}" for one in Verdict if counts[one] and one is not Verdict.RIGHT
        )
        right = f"{counts[Verdict.RIGHT]} of {many(total, 'question')} right"
        yield f"{self.assistant}: {right} ({percent(self.share)}){', ' if rest else ''}{rest}"
        for title, key in _GROUPS.items():
            yield ""
            yield from self._table(title, key)

    def _table(self, title: str, key: Callable[[Outcome], str]) -> Iterator[str]:
        shown = [one for one in Verdict if self._count(one) or one in _ALWAYS]
        yield f"{title:<32}" + "".join(f"{one:>12}" for one in shown)
        groups: dict[str, Counter[Verdict]] = {}
        for outcome in self.outcomes:
            groups.setdefault(key(outcome), Counter())[outcome.verdict] += 1
        for name, counts in sorted(groups.items()):
            yield f"{one_line(name, 31):<32}" + "".join(f"{counts[one]:>12}" for one in shown)

    def shown(self) -> Iterator[str]:
        """Yields each question that was not answered rightly, with what was expected and said."""
        for one in self.outcomes:
            if one.verdict is Verdict.RIGHT:
                continue
            yield ""
            yield f"{one.verdict}: {one_line(_asked(one.expected), _SHOWN)}"
            yield f"  expected: {one_line(_wanted(one.expected), _SHOWN)}"
            if one.text:
                yield f"  answered: {one_line(one.text, _SHOWN)}"
            if one.why:
                yield f"  because:  {one.why}"
            if one.sources:
                yield f"  article:  {one_line(', '.join(one.sources), _SHOWN)}"

    def data(self) -> dict[str, object]:
        """Returns the report for programs; every verdict has a count."""
        return {
            "assistant": self.assistant,
            "questions": len(self.outcomes),
            "right_share": round(self.share, 4),
            "verdicts": {one.value: self._count(one) for one in Verdict},
            "results": [_row(one) for one in self.outcomes],
        }


def compared(reports: Sequence[Report]) -> str:
    """Returns what one of two assistants answers rightly and the other does not; "" for a single one.

    Of a run that was interrupted, the questions that both were asked count.
    """
    if len(reports) != 2:
        return ""
    one, other = reports
    right = [
        (mine.verdict is Verdict.RIGHT, theirs.verdict is Verdict.RIGHT)
        for mine, theirs in zip(one.outcomes, other.outcomes, strict=False)
    ]
    only_one, only_other = right.count((True, False)), right.count((False, True))
    return (
        f"Both right: {right.count((True, True))}. Only {one.assistant}: {only_one}. "
        f"Only {other.assistant}: {only_other}."
    )


_ALWAYS = (Verdict.RIGHT, Verdict.WRONG, Verdict.REFUSED)
_GROUPS: Mapping[str, Callable[[Outcome], str]] = {
    "by language": lambda one: one.language or "(unknown)",
    "by article": lambda one: one.article,
}
COLUMNS = ("question", "verdict", "answer", "expected", "why", "confidence", "sources", "language")


def _row(one: Outcome) -> dict[str, object]:
    return {
        "question": _asked(one.expected),
        "verdict": one.verdict.value,
        "answer": one.text,
        "expected": _wanted(one.expected),
        "why": one.why,
        "confidence": round(one.confidence, 4),
        "sources": list(one.sources),
        "language": one.language,
    }


def _asked(expected: Expected) -> str:
    said = (one.text for one in expected.earlier if one.role == "customer")
    return " >> ".join([*said, expected.question])


def _wanted(expected: Expected) -> str:
    facts = " | ".join(expected.facts)
    if expected.must_refuse:
        return f"no answer, or {facts}" if facts else "no answer"
    return facts or f"the article {expected.article}"


def csv_header() -> str:
    return _csv_line(("assistant", *COLUMNS))


def csv_row(assistant: str, one: Outcome) -> str:
    """Returns the line of one question; no cell is a formula in a spreadsheet."""
    row = _row(one) | {"sources": ", ".join(one.sources)}
    cells = (harmless(str(row[name])[:_SHOWN_IN_FILE]) for name in COLUMNS)
    return _csv_line((assistant, *cells))


def _csv_line(cells: Iterable[str]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\r\n").writerow(cells)
    return line.getvalue()
