"""The summary of replayed conversations, and its files."""

import csv
import io
from collections import Counter

import pytest

from handoff_bot.domain.detection import Sensitivity
from handoff_bot.domain.replay import (
    COLUMNS,
    Escalated,
    ReadCounts,
    Replayed,
    Summary,
    Timing,
    csv_header,
    csv_row,
)
from handoff_bot.domain.signals import Priority, Signal

LOW, MEDIUM, HIGH = Sensitivity.LOW, Sensitivity.MEDIUM, Sensitivity.HIGH


def replayed(number: int | None, agent_after: int | None, name="c1", said="Help!") -> Replayed:
    found = {} if number is None else {HIGH: Escalated(number, Signal.REQUEST, evidence=said)}
    return Replayed(name, "en", 9, agent_after, found)


@pytest.mark.parametrize(
    ("number", "agent_after", "timing"),
    [
        (1, 3, Timing.BEFORE),
        (3, 3, Timing.SAME),
        (4, 3, Timing.AFTER),
        (1, 0, Timing.AFTER),
        (None, 3, Timing.NEVER),
        (1, None, None),
    ],
)
def test_the_moment_is_compared_with_the_agents_first_message(number, agent_after, timing):
    assert replayed(number, agent_after).timing(HIGH) is timing


def test_the_summary_counts_and_compares():
    summary = Summary(most_examples=1)
    for one in (replayed(1, 2), replayed(5, 2), replayed(2, None), replayed(None, 2)):
        summary.add(one)
    text = "\n".join(summary.lines())
    assert text.startswith("4 conversations, 3 with an agent, 36 messages by customers.")
    assert (summary.escalated(HIGH), summary.escalated(LOW), summary.median(HIGH)) == (3, 0, 2)
    assert "language en (4)" in text
    assert "because: asked for a person" in text
    assert "business hours" in text
    rows = {line[:24].strip(): line.split()[-1] for line in text.splitlines() if line[:2] == "  "}
    assert rows == {"before": "1", "at the same message": "0", "after": "1", "never": "1"}
    assert len(summary.examples) == 1


def test_an_empty_summary_is_shown():
    assert "0 conversations" in next(Summary().lines())
    assert "-" in list(Summary().lines())[4]


def test_the_size_of_a_summary_does_not_grow_with_conversations():
    summary = Summary(most_examples=5)
    for number in range(3_000):
        one = Replayed(
            f"c{number}", f"l{number}", 1, None, {LOW: Escalated(number + 1, Signal.REQUEST)}
        )
        summary.add(one)
    sizes = (summary.languages, summary.numbers, summary.examples, summary.spoken)
    assert [len(one) for one in sizes] == [101, 1_000, 5, 101]
    assert summary.total == 3_000


def test_examples_are_masked_and_join_equal_sensitivities():
    found = Escalated(2, Signal.SENTIMENT, Priority.URGENT, "mail me at a@b.example")
    summary = Summary()
    summary.add(Replayed("c1", "", 3, 2, {LOW: found, MEDIUM: found}))
    shown = list(summary.shown(lambda text: text.replace("a@b.example", "[email]")))
    assert shown == [
        "",
        "c1 (?, agent after 2)",
        "  low, medium: message 2, upset or confused, urgent",
        "    “mail me at [email]”",
    ]


def test_no_cell_of_the_csv_is_a_formula():
    text = csv_header() + csv_row(replayed(1, 1, "=cmd|'/c calc'!A0", "@SUM(A1)"), str)
    [row] = csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline=""))
    assert tuple(row) == COLUMNS
    assert row["conversation"] == "'=cmd|'/c calc'!A0"
    assert row["evidence"] == "'@SUM(A1)"
    assert (row["high_message"], row["high_compared_with_agent"]) == ("1", "at the same message")
    assert (row["low_message"], row["low_compared_with_agent"]) == ("", "never")


def test_what_was_not_replayed_is_said():
    lines = list(ReadCounts(1_000, 20, Counter({"unknown role": 3}), 1, 2, stopped=True).lines())
    assert lines[0] == "1,000 rows read, 20 left out (notes, activities, no text), 3 broken."
    assert lines[1] == "  3: unknown role"
    assert len(lines) == 5
