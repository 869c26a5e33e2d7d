"""The language model is watched: admins are told once when it does not answer, why, and when it is back."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest

from handoff_bot.domain.language_models import Look, Trouble
from handoff_bot.services.ai_turns.language_model import (
    LOOK,
    ModelDoctor,
    ModelHealthPage,
    ModelPart,
    TranscriptionWatch,
    Watch,
)
from handoff_bot.storage import log, model_state
from handoff_bot.storage.database import Database
from tests.services.conftest import build_house

pytestmark = pytest.mark.on_sqlite

MODEL = "gpt-6-luna"


class FakeProbe:
    """Asks nothing; says what it was told to, and tells the watch."""

    def __init__(self, watch):
        self.watch, self.looks, self.trouble, self.shutdown = watch, 0, None, None

    def look(self):
        self.looks += 1
        if self.trouble:
            self.watch.failed(self.trouble)
        else:
            self.watch.answered()
        return Look(MODEL, self.trouble, shutdown=self.shutdown)


@pytest.fixture
def watch(database, clock):
    return Watch(database, clock, MODEL)


@pytest.fixture
def probe(watch):
    return FakeProbe(watch)


@pytest.fixture
def team(database, clock, watch, probe):
    """A house whose model is watched, with Mia as a named admin."""
    house = build_house(database, clock, model=ModelPart(watch, probe))
    house.core.preferences.change("admins", ["UMIA"], "UMIA")
    return house


def health(database, watch):
    with database.read() as tx:
        return watch.health(tx)


def told(house, to="UMIA"):
    house.settle()
    return [post.text for post in house.desk.told.get(to, [])]


def fail(house, watch, times, trouble=Trouble.KEY, **apart):
    for _ in range(times):
        watch.failed(trouble, "HTTP 401")
        house.clock.advance(**apart)


def ticks(house):
    house.core.scheduler.tick(LOOK)
    house.settle()


def test_admins_are_told_once_when_it_has_not_answered_for_minutes_and_why(team, watch):
    fail(team, watch, 3, minutes=1)
    assert told(team) == []
    fail(team, watch, 4, minutes=1)

    (words,) = told(team)
    assert words.startswith("The language model has not responded since 09:00 UTC")
    assert "rejected the API key. Check OPENAI_API_KEY" in words
    assert "(HTTP 401)" in words


def test_they_are_told_once_when_it_is_back_and_again_of_the_next_outage(team, watch):
    fail(team, watch, 7, minutes=1)
    watch.answered()
    watch.answered()
    assert len(told(team)) == 2
    assert told(team)[1].startswith("The language model is responding again.")
    fail(team, watch, 7, minutes=1)
    assert len(told(team)) == 3


@pytest.mark.parametrize(
    ("times", "apart"),
    [(2, {"minutes": 10}), (50, {"seconds": 1})],
    ids=["two in twenty minutes", "fifty in a minute"],
)
def test_admins_are_not_told_of_a_hiccup(team, watch, times, apart):
    fail(team, watch, times, **apart)
    assert told(team) == []


def test_a_tick_tells_what_no_later_failure_does(team, watch, probe):
    probe.trouble = Trouble.KEY
    fail(team, watch, 5, seconds=1)
    assert told(team) == []
    team.clock.advance(minutes=3)
    ticks(team)
    assert len(told(team)) == 1


def test_an_answer_in_between_is_no_outage(team, watch):
    for _ in range(5):
        fail(team, watch, 2, minutes=2)
        watch.answered()
    assert told(team) == []


@pytest.mark.on_both
def test_all_processes_together_count_and_tell_once(team, database_url, watch):
    others = [Database(database_url) for _ in range(3)]
    watches = [watch, *(Watch(one, team.clock, MODEL) for one in others)]
    try:
        for one in watches:
            one.failed(Trouble.TIMEOUT)
        team.clock.advance(minutes=5)
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda one: one.failed(Trouble.TIMEOUT), watches))
        assert health(team.database, watch).failures == 8
        assert len(told(team)) == 1
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda one: one.answered(), watches))
    finally:
        for one in others:
            one.close()
    assert [text[:30] for text in told(team)][1:] == ["The language model is responding"[:30]]


def test_without_named_admins_the_queue_channel_is_told(database, clock, watch, probe):
    house = build_house(database, clock, model=ModelPart(watch, probe))
    fail(house, watch, 7, minutes=1)
    assert len(told(house, "CQUEUE")) == 1


def test_a_database_that_is_away_costs_no_answer(database, watch, caplog):
    database.close()
    broken = Watch(Database("sqlite:////nowhere/at/all.db"), watch._clock, MODEL)
    broken.answered()
    broken.failed(Trouble.KEY)
    assert "could not be kept" in caplog.text


# -- asked on purpose


def test_a_model_of_which_nothing_is_heard_is_asked_now_and_then(team, probe):
    for _ in range(120):
        ticks(team)
        team.clock.advance(minutes=1)
    assert probe.looks == 4  # at the start, and every thirty minutes


def test_a_model_that_answers_customers_is_not_asked_besides(team, probe, watch):
    ticks(team)
    for _ in range(120):
        watch.answered()
        ticks(team)
        team.clock.advance(minutes=1)
    assert probe.looks == 1


def test_a_failing_model_is_asked_until_it_is_back(team, probe):
    probe.trouble = Trouble.UNREACHABLE
    for _ in range(20):
        ticks(team)
        team.clock.advance(minutes=1)
    assert probe.looks == 4
    assert len(told(team)) == 1
    probe.trouble = None
    team.clock.advance(minutes=5)
    ticks(team)
    assert len(told(team)) == 2


def test_without_a_model_a_tick_does_nothing(house):
    ticks(house)
    assert house.desk.told == {}


def test_the_day_on_which_it_is_switched_off_is_kept(team, probe, watch):
    probe.shutdown = date(2026, 12, 11)
    ticks(team)
    assert health(team.database, watch).shutdown == date(2026, 12, 11)


def test_a_day_that_was_named_stays_known_while_the_service_does_not_answer(team, probe, watch):
    probe.shutdown = date(2026, 12, 11)
    ticks(team)
    probe.shutdown, probe.trouble = None, Trouble.UNREACHABLE
    team.clock.advance(hours=1)
    ticks(team)
    assert health(team.database, watch).shutdown == date(2026, 12, 11)
    probe.trouble = None
    team.clock.advance(hours=1)
    ticks(team)
    assert health(team.database, watch).shutdown is None


def test_another_model_begins_without_a_past(team, watch, clock):
    fail(team, watch, 7, minutes=1)
    other = Watch(team.database, clock, "gpt-6-sol")
    assert health(team.database, other).failures == 0


# -- the health page


@pytest.mark.on_both
def test_the_health_page_says_how_it_is_and_what_share_came_in_time(team, watch, probe):
    page = ModelHealthPage(team.database, team.clock, watch)

    def read():
        with team.database.read() as tx:
            return page.read(tx)

    assert (read()["status"], read()["answered_in_time"]["share"]) == ("unknown", None)
    watch.answered()
    assert read()["status"] == "ok"
    fail(team, watch, 3, seconds=1)
    found = read()
    assert (found["status"], found["failures"]) == ("failing", 3)
    assert "Check OPENAI_API_KEY" in found["why"]
    team.clock.advance(minutes=2)
    for in_time in (True, True, True, False):
        team.assistant.in_time = in_time
        team.says("Where is my parcel?")
    assert read()["answered_in_time"] == {"hours": 24, "turns": 4, "in_time": 3, "share": 0.75}
    with team.database.write() as tx:
        model_state.looked(tx, MODEL, date(2026, 12, 11), team.clock.now())
    assert (read()["shutdown_date"], read()["shutdown_soon"]) == ("2026-12-11", True)
    assert probe.looks == 0


@pytest.mark.on_both
def test_an_outage_and_its_end_stand_in_the_log(team, watch):
    fail(team, watch, 7, minutes=1)
    watch.answered()
    with team.database.read() as tx:
        (down,), (back,) = (log.events(tx, kind) for kind in ("model.down", "model.back"))
    assert down.data == {"trouble": "key"}
    assert back.at > down.at


# -- transcriptions


@pytest.mark.on_both
def test_admins_and_the_doctor_say_that_voice_notes_are_not_transcribed(team, clock, watch, probe):
    heard = TranscriptionWatch(team.database, clock, "wrong")
    doctor = ModelDoctor(ModelPart(watch, probe, heard), team.database, clock)
    assert doctor.checks()[-1].words == "not transcribed; admins can turn it on"
    team.core.preferences.change("files.transcribe", True, "UMIA")
    assert doctor.checks()[-1].words == "none came yet"
    for _ in range(3):
        heard.failed(Trouble.MODEL, "HTTP 404")
        watch.answered()
        clock.advance(minutes=2)
    (text,) = told(team)
    assert text.startswith("Voice notes have not been transcribed since")
    assert "Check OPENAI_TRANSCRIBE_MODEL. (HTTP 404)" in text
    check = doctor.checks()[-1]
    assert (check.what, check.ok) == ("Voice notes", False)
    assert "OPENAI_TRANSCRIBE_MODEL" in check.words
    heard.answered()
    assert told(team)[-1] == "Voice notes are transcribed again."
    assert doctor.checks()[-1].words == "transcribed"


def test_admins_are_told_at_most_once_an_hour_that_a_tool_is_refused(team, watch):
    for minutes in (0, 10, 20):
        team.clock.advance(minutes=minutes)
        watch.refused_tools(["shop_stock"])
    watch.refused_tools(["shop_price"])
    begins = "The language model's service does not accept the definition of"
    stock, price = told(team)
    assert stock.startswith(f"{begins} shop_stock, so the AI answers without it.")
    assert price.startswith(f"{begins} shop_price,")
    team.clock.advance(minutes=60)
    watch.refused_tools(["shop_stock"])
    assert len(told(team)) == 3
