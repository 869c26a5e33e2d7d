"""The language model as operators and admins see it: the doctor, the health page, a running bot, Slack."""

from __future__ import annotations

import itertools
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from handoff_bot import app
from handoff_bot.cli import main
from handoff_bot.clock import SystemClock
from handoff_bot.domain.messages import InboundMessage
from handoff_bot.domain.metrics import Scope
from handoff_bot.settings import read_settings
from handoff_bot.storage import tallies
from handoff_sandbox.openai import OpenAIStandIn
from handoff_sandbox.world import World
from tests.fakes import FrozenClock

ROOT = Path(__file__).resolve().parents[1]
MODEL = "gpt-6-luna"


def in_days(number):
    return (SystemClock().now() + timedelta(days=number)).date().isoformat()


@pytest.fixture
def openai():
    with OpenAIStandIn(models={MODEL: None}) as standing:
        standing.respond_when("week", {"days": 7})
        yield standing


@pytest.fixture
def world(tmp_path):
    url = f"sqlite:///{tmp_path / 'handoff.db'}"
    with World(url, knowledge=ROOT / "knowledge", log=tmp_path / "log") as made:
        yield made


@pytest.fixture
def environment(openai, world, monkeypatch):
    about = {"OPENAI_API_KEY": openai.api_key, "OPENAI_BASE_URL": openai.base_url}
    # Deadlines that a busy machine keeps too.
    about |= {"OPENAI_JUDGE_SECONDS": "60", "OPENAI_ANSWER_SECONDS": "60"}
    for name, value in (world.environment() | about).items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def doctor():
    result = CliRunner().invoke(main, ["doctor"])
    lines = [line for line in result.stdout.splitlines() if "language model" in line]
    return result.exit_code, lines


@pytest.mark.usefixtures("environment")
def test_the_doctor_asks_one_real_question_and_counts_it(openai):
    code, lines = doctor()

    assert (code, lines) == (0, [f"ok    language model: {MODEL} answered a question"])
    assert len(openai.requests()) == 1
    database = app.open_database(read_settings())
    with database.read() as tx:
        (day,) = tallies.spent_by_day(tx, 2)
    database.close()
    assert (day.calls, day.micros > 0) == (1, True)


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize(
    ("days", "code", "mark"), [(12, 1, "FAIL"), (60, 1, "FAIL"), (61, 0, "ok  "), (-1, 1, "FAIL")]
)
def test_the_doctor_names_the_day_on_which_the_model_is_switched_off(openai, days, code, mark):
    openai.models = {MODEL: in_days(days)}
    exited, (_, line) = doctor()

    assert (exited, line[:4]) == (code, mark)
    assert in_days(days) in line


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("OPENAI_API_KEY", "sk-wrong", "rejected the API key. Check OPENAI_API_KEY"),
        ("OPENAI_BASE_URL", "http://127.0.0.1:9/v1", "cannot be reached. Check OPENAI_BASE_URL"),
        ("OPENAI_MODEL", "gpt-6.1-terra", "does not know this model. Check OPENAI_MODEL"),
    ],
)
def test_the_doctor_says_why_the_model_does_not_answer(environment, name, value, says):
    environment.setenv(name, value)
    code, (line,) = doctor()

    assert code == 1
    assert "does not respond, so answers are local. " in line
    assert says in line
    assert "wrong" not in line


@pytest.mark.usefixtures("environment")
def test_the_doctor_says_that_the_quota_is_used_up(openai):
    openai.faults.add("/v1/responses", status=402)
    assert "quota is used up" in doctor()[1][0]


def test_a_service_without_a_list_of_models_has_no_day(environment):
    with OpenAIStandIn(lacks=["models", "responses", "store"], is_strict=True) as standing:
        standing.respond_when("week", {"days": 7})
        environment.setenv("OPENAI_BASE_URL", standing.base_url)
        assert doctor() == (0, [f"ok    language model: {MODEL} answered a question"])


def test_the_start_says_plainly_that_a_cap_cannot_be_computed(environment):
    environment.setenv("OPENAI_MODEL", "llama-4")
    result = CliRunner().invoke(main, ["serve"])

    assert result.exit_code == 2
    assert "the price of this OPENAI_MODEL is unknown" in result.stderr


def test_a_model_without_price_and_caps_is_a_line_of_the_doctor(environment, openai):
    openai.models = None
    for name, value in {"MODEL": "llama-4", "DAILY_CAP": "0", "CONTACT_CAP": "0"}.items():
        environment.setenv(f"OPENAI_{name}", value)
    assert "counted in tokens only" in doctor()[1][-1]


@pytest.mark.usefixtures("environment")
def test_the_health_page_shows_what_the_doctor_saw_and_asks_nothing(openai):
    built = app.build(read_settings(), "web")
    client = built.web.test_client()
    try:
        assert client.get("/healthz").json["model"]["status"] == "unknown"
        assert openai.journal.entries("openai") == []
        doctor()
        sent = len(openai.journal.entries("openai"))
        found = [client.get("/healthz").json for _ in range(20)]
        assert found[-1]["model"]["status"] == "ok"
        openai.api_key = "sk-changed"
        for _ in range(3):
            doctor()
        sent = len(openai.journal.entries("openai"))
        page = client.get("/healthz")
    finally:
        built.stop()
    assert (page.status_code, page.json["status"]) == (200, "degraded")
    assert page.json["model"]["failures"] == 3
    assert "Check OPENAI_API_KEY" in page.json["model"]["why"]
    assert len(openai.journal.entries("openai")) == sent


def test_without_a_key_the_health_page_says_that_there_is_no_model(environment):
    environment.delenv("OPENAI_API_KEY")
    built = app.build(read_settings(), "web")
    try:
        page = built.web.test_client().get("/healthz").json
    finally:
        built.stop()
    assert (page["status"], page["model"]) == ("ok", {"status": "off"})


# -- a whole bot, on a clock that is moved


class Bot:
    """The whole bot in this process, with the stand-ins around it; its work runs when it is told to."""

    def __init__(self, world):
        self.world, self.clock, self.numbers = world, FrozenClock(), itertools.count(1)
        self.built = app.build(read_settings(), "web", self.clock)

    def says(self, text):
        """A customer whom we do not know yet asks, and a minute passes."""
        number = next(self.numbers)
        inbound = InboundMessage("sms", f"SM{number}", f"+1555000{number}", "+15559999", text)
        self.built.core.inbox.store(
            "inbound", f"in:sms:{inbound.address}", f"sms:SM{number}", asdict(inbound)
        )
        for seconds in (0, 5, 55):
            self.clock.advance(seconds=seconds)
            self.built.core.worker.run_until_idle()

    def channel(self):
        """What the queue channel shows."""
        return [message["text"] for message in self.world.slack.messages(self.world.queue)]

    def turns(self):
        """The turns that the model was to answer, and those that it answered in time."""
        metrics = self.built.core.metrics
        found = metrics.numbers(Scope(metrics.last_days(1)))
        return found.model_turns, found.model_in_time


@pytest.fixture
def bot(environment, world):
    made = Bot(world)
    yield made
    made.built.stop()


def told(bot):
    return [text for text in bot.channel() if text.startswith("The language model")]


def test_a_key_that_is_refused_is_told_to_the_team_and_so_is_its_end(bot, openai):
    right, openai.api_key = openai.api_key, "sk-another"
    question = "How long does delivery take?"
    for _ in range(6):
        bot.says(question)
    (words,) = told(bot)
    assert "rejected the API key. Check OPENAI_API_KEY" in words
    assert bot.turns() == (6, 0)
    openai.api_key = right
    openai.respond_when("delivery", {"answer": "Two days.", "confidence": 0.9})
    bot.says(question)
    bot.says(question)
    assert [text[:34] for text in told(bot)][1:] == ["The language model is responding a"]
    assert bot.turns() == (8, 2)


def test_a_model_that_refuses_the_effort_costs_one_refusal_in_all(environment, world):
    with OpenAIStandIn(lacks=["reasoning.effort"]) as standing:
        standing.respond_when("delivery", {"answer": "Two days.", "confidence": 0.9})
        environment.setenv("OPENAI_BASE_URL", standing.base_url)
        bot = Bot(world)
        try:
            for _ in range(4):
                bot.says("How long does delivery take?")
        finally:
            bot.built.stop()
        refused = [one for one in standing.journal.entries("openai") if one.status == 400]
    assert 1 <= len(refused) <= 2  # judging and answering go side by side
