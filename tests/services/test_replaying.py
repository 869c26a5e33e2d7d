"""Exports are read whatever is in them, in bounded memory, and replayed with the bot's own rules."""

import csv
import json
import sqlite3
import tracemalloc

import pytest

from handoff_bot.domain.detection import Rules, Sensitivity
from handoff_bot.domain.past_chats import ExportError
from handoff_bot.domain.replay import Timing
from handoff_bot.domain.signals import Signal
from handoff_bot.services.ai_turns import replaying
from handoff_bot.services.ai_turns.answering import TurnEvaluator
from handoff_bot.services.ai_turns.replaying import Export, Replay
from tests.fakes import ScriptedAssistant, ScriptedDetector

HEADER = "conversation,role,text,time\n"
LOW, MEDIUM, HIGH = Sensitivity.LOW, Sensitivity.MEDIUM, Sensitivity.HIGH


@pytest.fixture
def export(tmp_path):
    def write(content: str | bytes, encoding: str = "utf-8") -> Export:
        path = tmp_path / "export"
        path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
        return Export(path)

    return write


def talks(export: Export) -> dict[str, list[tuple[str, str]]]:
    return {
        name: [(one.role, one.text) for one in messages]
        for name, messages in export.conversations()
    }


def replay(detector=None, **kwargs) -> Replay:
    evaluator = TurnEvaluator(detector or ScriptedDetector(), ScriptedAssistant())
    return Replay(evaluator, **kwargs)


def test_rows_of_several_conversations_are_sorted_by_time(export):
    found = export(
        HEADER
        + "b,bot,second,2026-11-01T10:00:02Z\n"
        + "a,user,only,\n"
        + "b,user,first,2026-11-01T10:00:01Z\n"
    )
    assert talks(found) == {
        "a": [("customer", "only")],
        "b": [("customer", "first"), ("assistant", "second")],
    }
    assert found.format == "plain table"


def test_without_all_times_the_order_of_rows_counts(export):
    found = export(HEADER + "a,user,first,\na,bot,second,2020-01-01\na,user,third,2019-01-01\n")
    assert [text for _, text in talks(found)["a"]] == ["first", "second", "third"]


@pytest.mark.parametrize(
    ("encoding", "named"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8-sig"),
        ("utf-16", "utf-16"),
        ("utf-16-le", "utf-16-le"),
        ("utf-32", "utf-32"),
        ("latin-1", "cp1252"),
    ],
)
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_encodings_and_separators(export, encoding, named, separator):
    text = "conversation,role,text\r\n1,user,für wén\r\n".replace(",", separator)
    found = export(text, encoding)
    assert (found.encoding, talks(found)) == (named, {"1": [("customer", "für wén")]})


def test_a_late_byte_of_another_encoding_is_noticed(export):
    rows = "".join(f"{number},user,hello,\n" for number in range(20_000))
    found = export((HEADER + rows + "x,user,f\xfcr,\n").encode("latin-1"))
    assert talks(found)["x"] == [("customer", "für")]


def test_broken_rows_are_counted_and_the_others_read(export):
    found = export(
        HEADER
        + "a,user,one,\n"
        + "a\n"
        + "a,dog,two,\n"
        + f"a,user,{'x' * 200_000},\n"
        + "\n"
        + "a,user,nul\x00byte,\n"
        + "a,user,,\n"
        + "b,user,last,\n"
    )
    assert talks(found) == {
        "a": [("customer", "one"), ("customer", "nulbyte")],
        "b": [("customer", "last")],
    }
    counts = found.counts
    assert (counts.rows, counts.left_out) == (7, 1)
    assert counts.broken == {
        "the row is too short": 1,
        "unknown role: neither customer, assistant nor agent": 1,
        "a cell without a closing quote, or of more than 131,072 characters": 1,
    }


def test_a_quote_without_an_end_breaks_only_what_it_swallows(export):
    swallowed = "".join(f"a,user,row {number},\n" for number in range(20_000))
    found = export(HEADER + 'a,user,"no end,\n' + swallowed + "z,user,found,\n")
    assert talks(found)["z"] == [("customer", "found")]
    assert found.counts.broken.total() >= 1


def test_a_line_that_is_too_long_is_skipped(export):
    found = export(HEADER + "a,user," + "x" * 9_000_000 + ",\nb,user,fine,\n")
    assert talks(found) == {"b": [("customer", "fine")]}
    assert found.counts.broken.total() == 1


def test_json_lines_are_read_and_broken_ones_counted(export):
    line = json.dumps({"id": 1, "turns": [{"role": "user", "text": "Hi"}]})
    found = export("\n".join([line, "{", "[" * 100_000, "7", '{"id": 2}', "", line]))
    assert talks(found) == {"1": [("customer", "Hi")] * 2}
    assert found.counts.rows == 6
    assert found.counts.broken == {"no JSON object": 3, "the line is broken": 1}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b"\n\n", "empty"),
        (b"PK\x03\x04rest", "zip or Excel"),
        (b"\x1f\x8brest", "gzip"),
        (b'[{"id": 1}]', "one JSON list"),
        (b'{\n "id": 1\n}', "no JSON object"),
        (b"\x00" * 100, "format is unknown"),
        (b"a,b\n", "format is unknown"),
        (b"x" * 9_000_000, "too long"),
        (b"x" * 200_000, "cannot be read"),
    ],
)
def test_a_file_that_is_no_export_says_what_to_do(export, content, says):
    with pytest.raises(ExportError, match=says):
        export(content)


def test_a_conversation_is_cut_after_the_longest_length(export):
    found = export(HEADER + "a,user,hi,\n" * 600)
    assert [len(one) for one in talks(found).values()] == [500]
    assert found.counts.cut == 1


def test_fifty_thousand_rows_need_little_memory(tmp_path):
    path = tmp_path / "large.csv"
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["conversation", "role", "text", "time"])
        for number in range(50_000):  # interleaved: 5,000 conversations of ten messages
            role = ("user", "bot")[number // 5_000 % 2]
            writer.writerow([number % 5_000, role, f"message {number} " + "x" * 300, number])
    assert path.stat().st_size > 15_000_000
    tracemalloc.start()
    try:
        found = Export(path)
        lengths = [len(messages) for _, messages in found.conversations()]
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert lengths == [10] * 5_000
    assert peak < 8_000_000


def test_a_full_temporary_folder_says_what_to_do(export, monkeypatch):
    def fill(self, messages):
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(replaying._Shelf, "fill", fill)
    with pytest.raises(ExportError, match="Set TMPDIR"):
        next(export(HEADER + "a,user,hi,\n").conversations())


def test_it_escalates_after_the_message_that_asks_at_all_sensitivities(export):
    found = export(
        HEADER
        + "a,user,my kettle broke,\na,bot,Sorry,\na,user,I want a human,\na,agent,Ana here,\n"
        + "b,user,thanks,\nc,bot,Hello?,\n"
    )
    one, other = replay().replayed(found)
    assert [(wish, at.number, at.reason) for wish, at in one.at.items()] == [
        (wish, 2, Signal.REQUEST) for wish in (LOW, MEDIUM, HIGH)
    ]
    assert (one.messages, one.agent_after, one.timing(LOW)) == (2, 2, Timing.SAME)
    assert (other.at, other.agent_after, found.counts.unheard) == ({}, None, 1)


class Graded(ScriptedDetector):
    """Escalates "maybe" at the highest sensitivity only."""

    def quick_check(self, talk):
        is_easy = talk.rules.triggers[Signal.REQUEST] is HIGH
        self.words = {"maybe": Signal.REQUEST} if is_easy else {"human": Signal.REQUEST}
        return super().quick_check(talk)


def test_sensitivities_may_differ_and_agents_messages_are_context(export):
    found = export(HEADER + "a,user,maybe,\na,agent,Ana,\na,user,maybe a human,\n")
    detector = Graded()
    [one] = replay(detector).replayed(found)
    assert {wish: at.number for wish, at in one.at.items()} == {LOW: 2, MEDIUM: 2, HIGH: 1}
    assert (one.timing(HIGH), one.timing(LOW)) == (Timing.SAME, Timing.AFTER)
    assert [turn.role for turn in detector.talks[-1].turns] == ["customer", "agent", "customer"]


def test_the_teams_rules_count(export):
    rules = Rules(always=("refund",), triggers={Signal.SENTIMENT: Sensitivity.OFF}, most_answers=2)
    found = export(
        HEADER
        + "a,user,refund please,\n"
        + "b,user,one?,\nb,bot,1,\nb,user,two?,\nb,bot,2,\nb,user,three?,\n"
    )
    detector = ScriptedDetector()
    phrase, limit = replay(detector, rules=rules).replayed(found)
    assert (phrase.at[LOW].number, phrase.at[LOW].reason) == (1, Signal.REQUEST)
    assert (limit.at[LOW].number, limit.at[LOW].reason) == (3, Signal.COMPLEXITY)
    wishes = {talk.rules.triggers[Signal.SENTIMENT] for talk in detector.talks}
    assert wishes == {Sensitivity.OFF}


def test_consecutive_messages_wait_together(export):
    found = export(HEADER + "a,user,one,\na,bot,1,\na,user,two,\na,user,three,\n")
    detector = ScriptedDetector()
    list(replay(detector).replayed(found))
    assert [talk.waiting for talk in detector.talks] == [1, 1, 2]


def test_after_the_time_limit_the_rest_is_not_replayed(export):
    found = export(HEADER + "a,user,hi,\nb,user,hi,\n")
    times = iter([0.0, 1.0, 61.0])
    assert len(list(replay(seconds=60.0, clock=lambda: next(times)).replayed(found))) == 1
    assert found.counts.stopped
