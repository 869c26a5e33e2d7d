"""`handoff evaluate`: with the samples, with a language model's stand-in, and with files that fail."""

import csv
import io
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from handoff_bot.ai.detector.local import LocalDetector
from handoff_bot.cli import main
from handoff_bot.services.ai_turns.evaluating import Evaluation
from handoff_sandbox.openai import OpenAIStandIn

QUESTIONS = (
    "question,facts,expect\nWhat does standard delivery cost?,4.90,\nDo you rent tuxedos?,,none\n"
)


@pytest.fixture(scope="module")
def detector():
    return LocalDetector.load()


@pytest.fixture(autouse=True)
def no_settings(monkeypatch, tmp_path, detector):
    """Neither credentials nor a database: the command needs only the folder of articles."""
    monkeypatch.setattr(LocalDetector, "load", lambda: detector)
    for name in ("OPENAI_API_KEY", "DATABASE_URL", "KNOWLEDGE_DIR", "SLACK_BOT_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "questions.csv"
    path.write_text(QUESTIONS, encoding="utf-8")
    return str(path)


@pytest.fixture
def model(monkeypatch):
    with OpenAIStandIn() as started:
        monkeypatch.setenv("OPENAI_API_KEY", started.api_key)
        monkeypatch.setenv("OPENAI_BASE_URL", started.base_url)
        yield started


def run(*arguments: str):
    return CliRunner().invoke(main, ["evaluate", *arguments])


def test_the_samples_are_asked_at_once_without_any_setting(tmp_path):
    result = run("--sample", "--show", "--at-least", "80", "--csv", "out.csv")
    assert result.exit_code == 0, result.output
    assert result.stderr == "Articles of the sample shop.\n"
    assert result.stdout.startswith("local: 23 of 24 questions right (96 %), 1 refused")
    assert "refused: do you ship to Canada" in result.stdout
    written = (tmp_path / "out.csv").read_bytes().decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(written, newline="")))
    assert (len(rows), rows[0]["verdict"]) == (24, "right")
    assert not list(tmp_path.glob("*.db"))


def test_the_threshold_decides_the_exit_status(file, tmp_path):
    (tmp_path / "knowledge").mkdir()
    (tmp_path / "knowledge" / "a.md").write_text("# Pets\n\nDogs are welcome.", encoding="utf-8")
    assert run(file).stderr == "Articles in knowledge.\n"
    assert run(file, "--at-least", "50").exit_code == 0
    assert run(file, "--at-least", "51").exit_code == 1


def reply(answer: str, *sources: str):
    return {"answer": answer, "confidence": 0.9, "used_sources": list(sources), "clarifies": False}


def test_both_assistants_are_asked_and_the_cost_is_shown(file, model):
    model.respond_when("tuxedos", reply("Yes, for 77 euros.", "Returns and refunds"))
    model.respond_when("delivery", reply("It costs €4.90.", "Shipping and delivery"))
    result = run(file, "--yes", "--json")
    local, keyed = json.loads(result.stdout)
    assert (local["assistant"], local["verdicts"]["right"]) == ("local", 2)
    assert [one["verdict"] for one in keyed["results"]] == ["right", "right"]
    assert keyed["results"][1]["why"].startswith("the model's answer was not supported")
    assert "Spent: 2 calls, " in result.stderr
    assert result.exit_code == 0
    assert run(file, "--yes").stdout.endswith("Both right: 2. Only local: 0. Only model: 0.\n")


def test_an_invented_answer_of_the_model_is_wrong(file, model):
    model.respond_with(lambda _: reply("Yes, we do.", "Returns and refunds"))
    [keyed] = json.loads(run(file, "--yes", "--assistant", "model", "--json").stdout)
    assert [one["verdict"] for one in keyed["results"]] == ["wrong", "wrong"]


def test_a_failing_provider_fails_and_does_not_refuse(file, model):
    model.faults.add("/v1/*", status=503)
    result = run(file, "--yes", "--assistant", "model", "--at-least", "1")
    assert "2 failed" in result.stdout.splitlines()[0]
    assert result.exit_code == 1


def test_the_limit_of_calls_is_kept(file, model):
    model.respond_with(lambda _: reply("It costs €4.90.", "Shipping and delivery"))
    result = run(file, "--yes", "--assistant", "model", "--most", "1")
    assert "1 not asked" in result.stdout.splitlines()[0]
    assert len(model.requests()) == 1


def test_without_a_terminal_no_money_is_spent_unasked(file, model):
    result = run(file)
    assert result.exit_code == 2
    assert "up to 2 calls of gpt-6-luna. Add --yes" in result.stderr
    assert model.requests() == []


def test_a_terminal_is_asked_first(file, model, monkeypatch):
    monkeypatch.setattr("handoff_bot.cli._is_terminal", lambda: True)
    refused = CliRunner().invoke(main, ["evaluate", file], input="n\n")
    assert (refused.exit_code, model.requests()) == (1, [])
    assert "This makes up to 2 calls of gpt-6-luna. Continue?" in refused.stderr


def test_the_questions_are_never_overwritten(file, tmp_path):
    result = run(file, "--csv", str(tmp_path / "." / "questions.csv"))
    assert (result.exit_code, "would overwrite the questions" in result.stderr) == (2, True)
    assert (tmp_path / "questions.csv").read_text(encoding="utf-8") == QUESTIONS


def test_a_file_that_cannot_be_written_costs_nothing(file, model):
    result = run(file, "--yes", "--csv", f"{'x' * 300}.csv")
    assert (result.exit_code, "cannot be written" in result.stderr) == (2, True)
    assert model.requests() == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_loses_no_report(file):
    result = run(file, "--csv", "/dev/full")
    assert result.stdout.startswith("local: 2 of 2 questions right")
    assert (result.exit_code, "/dev/full is incomplete" in result.stderr) == (2, True)


def test_ctrl_c_keeps_the_questions_asked_until_then(file, model, monkeypatch, tmp_path):
    model.respond_when("delivery", reply("It costs €4.90.", "Shipping and delivery"))
    asked = Evaluation._outcome

    def interrupted(self, one):
        if self._spent and "tuxedos" in one.question:
            raise KeyboardInterrupt
        return asked(self, one)

    monkeypatch.setattr(Evaluation, "_outcome", interrupted)
    result = run(file, "--yes", "--csv", "out.csv")
    assert result.stdout.startswith("local: 2 of 2 questions right")
    assert "\nmodel: 1 of 1 question right" in result.stdout
    assert result.stdout.endswith("Both right: 1. Only local: 0. Only model: 0.\n")
    assert "Spent: 1 call, " in result.stderr
    assert "Interrupted." in result.stderr
    assert result.exit_code == 130
    assert len((tmp_path / "out.csv").read_text(encoding="utf-8-sig").splitlines()) == 4


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "Give a FILE of questions, or --sample"),
        (["--sample", "--assistant", "model"], "OPENAI_API_KEY is not set"),
        (["--sample", "--at-least", "101"], "not in the range"),
    ],
)
def test_wrong_arguments_are_refused(arguments, says):
    result = run(*arguments)
    assert (result.exit_code, says in result.stderr) == (2, True), result.stderr


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (b"\x00\x01\x02\x03", "not a text file"),
        (b"question,facts\na,\n", "Line 2: no facts"),
        (b"name\n", "must name the columns question and facts"),
        (b"q" * (20 * 1024**2 + 1), "more than 20 MB"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_message(given, says, tmp_path):
    path = tmp_path / "bad.csv"
    path.write_bytes(given)
    result = run(str(path))
    assert (result.exit_code, says in result.stderr) == (2, True), result.stderr
    assert "Traceback" not in result.stderr


def test_spreadsheets_encodings_are_read(tmp_path):
    path = tmp_path / "excel.csv"
    path.write_text(
        "question\tfacts\nWas kostet der Versand?\t4,90 €\n", encoding="utf-16", newline=""
    )
    assert run(str(path)).stdout.startswith("local: 1 of 1 question right")


def test_a_folder_that_does_not_exist_is_named(file, monkeypatch):
    monkeypatch.setenv("KNOWLEDGE_DIR", "nowhere")
    result = run(file)
    assert (result.exit_code, "KNOWLEDGE_DIR: is not a folder" in result.stderr) == (2, True)


def test_live_rules_count(tmp_path, monkeypatch, file):
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / 'live.db'}")
    assert run(file, "--live").stdout.startswith("local: 2 of 2 questions right")
