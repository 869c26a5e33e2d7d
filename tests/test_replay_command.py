"""`handoff replay`: with the sample, with hostile exports, and without leaking personal data."""

import csv
import io
from dataclasses import replace

import pytest
from click.testing import CliRunner

from handoff_bot.ai.detector.local import LocalDetector
from handoff_bot.cli import main
from handoff_bot.domain.conversation_context import ConversationContext
from handoff_bot.domain.detection import DEFAULTS, Sensitivity
from handoff_bot.domain.signals import Signal, Turn

ANGRY = "I want to talk to a human. I am ana@shop.example, order 4711471, call +32 470 12 34 56"


@pytest.fixture(scope="module")
def detector():
    return LocalDetector.load()


@pytest.fixture(autouse=True)
def no_settings(monkeypatch, tmp_path, detector):
    """Neither credentials nor a database nor a key are needed."""
    for name in ("OPENAI_API_KEY", "DATABASE_URL", "KNOWLEDGE_DIR", "SLACK_BOT_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(LocalDetector, "load", lambda: detector)
    monkeypatch.chdir(tmp_path)


def run(*arguments: str):
    return CliRunner().invoke(main, ["replay", *arguments])


def rows_of(path):
    text = path.read_bytes().decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_the_sample_is_replayed_at_once(tmp_path):
    result = run("--sample", "--csv", "out.csv")
    assert result.exit_code == 0, result.output
    assert result.stderr == "Format: plain table (utf-8).\n"
    lines = [line.split() for line in result.stdout.splitlines()]
    assert ["escalated", "4", "4", "6"] in lines
    assert ["never", "2", "2", "1"] in lines
    assert "high: message 2, asked for a person, normal" in result.stdout
    rows = {row["conversation"]: row for row in rows_of(tmp_path / "out.csv")}
    assert len(rows) == 10
    assert rows["c6"]["medium_priority"] == "urgent"
    assert rows["c6"]["medium_compared_with_agent"] == "before"
    assert not list(tmp_path.glob("*.db"))


def test_personal_data_are_hidden_unless_they_are_wanted(tmp_path):
    path = tmp_path / "export.csv"
    path.write_text(f'conversation,role,text\nana@shop.example,user,"{ANGRY}"\n', encoding="utf-8")
    hidden = run(str(path), "--csv", "hidden.csv").stdout + (tmp_path / "hidden.csv").read_text(
        "utf-8"
    )
    for secret in ("ana@", "4711471", "470"):
        assert secret not in hidden
    assert "[email]" in hidden
    run(str(path), "--csv", "whole.csv", "--whole")
    [row] = rows_of(tmp_path / "whole.csv")
    assert row["conversation"] == "ana@shop.example"


def test_cells_that_are_formulas_stay_texts(tmp_path):
    path = tmp_path / "export.csv"
    path.write_text("conversation,role,text\n=1+1,user,@SUM human agent please\n", encoding="utf-8")
    run(str(path), "--csv", "out.csv")
    [row] = rows_of(tmp_path / "out.csv")
    assert row["conversation"] == "'=1+1"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"PK\x03\x04", "zip or Excel file"),
        (b"Id,Requester,Subject\n1,Ana,Help\n", "Export JSON instead"),
        (b"", "empty"),
    ],
)
def test_a_file_that_is_no_export_is_one_message(tmp_path, content, says):
    path = tmp_path / "export"
    path.write_bytes(content)
    result = run(str(path))
    assert (result.exit_code, says in result.stderr) == (2, True), result.output
    assert "Traceback" not in result.stderr


def test_wrong_arguments_are_refused():
    assert "Give an EXPORT" in run().stderr
    assert run("missing.csv").exit_code == 2
    assert "does not exist" in run("--sample", "--csv", "nowhere/out.csv").stderr


def test_the_export_is_never_overwritten(tmp_path):
    path = tmp_path / "export.csv"
    path.write_text("conversation,role,text\n1,user,Hi\n", encoding="utf-8")
    assert "would overwrite the export" in run("export.csv", "--csv", str(path)).stderr
    assert path.read_text("utf-8").endswith("1,user,Hi\n")


def test_control_characters_do_not_reach_the_terminal(tmp_path):
    path = tmp_path / "export.csv"
    said = "\x1b[2J\x1b]0;owned\x07I want to talk to a human\u202e"
    path.write_text(f"conversation,role,text\n\x1b[31mc,user,{said}\n", encoding="utf-8")
    shown = run(str(path)).stdout
    assert "talk to a human" in shown
    assert not set(shown) & set("\x1b\x07\u202e")


def test_rules_of_the_database_count(tmp_path, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / 'live.db'}")
    assert "10 conversations" in run("--sample", "--live", "--examples", "0").stdout


def test_a_lower_sensitivity_never_escalates_what_a_higher_one_does_not(detector):
    """The replay relies on it: it asks the highest first, and no other if that does not escalate."""
    wishes = (Sensitivity.HIGH, Sensitivity.MEDIUM, Sensitivity.LOW)
    for signal in Signal:
        thresholds = [detector.threshold(signal, DEFAULTS, wish) for wish in wishes]
        assert thresholds == sorted(thresholds)
    turns = (Turn("customer", "The kettle gave me an electric shock"),)
    rules = [replace(DEFAULTS, triggers=dict.fromkeys(Signal, wish)) for wish in wishes]
    dangers = [detector.danger(ConversationContext(turns, rules=one))[1] for one in rules]
    assert dangers == sorted(dangers)
