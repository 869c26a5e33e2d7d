"""Live settings: what is stored, in whatever state, is read as a value of its kind."""

import json
import logging

import pytest

from handoff_bot.services.settings_catalog import SECTIONS, LiveSettings, key_of, live, read
from handoff_bot.storage import log

NAMES = tuple(LiveSettings.model_fields)
SHOWN = [each for section in SECTIONS for each in section.settings]
OF_KEY = {key_of(name): name for name in NAMES}
BROKEN: tuple[object, ...] = (
    "secret of Dana",
    10**9,
    -1,
    True,
    ["secret of Dana", 7],
    {"secret of Dana": []},
    [[]],
    "",
)


def default(name):
    return read(name, None)


def kind_of(value):
    return list if isinstance(value, tuple) else type(value)


@pytest.mark.parametrize("name", NAMES)
def test_a_value_of_another_kind_counts_as_not_set_and_is_logged_without_the_value(name, caplog):
    caplog.set_level(logging.WARNING)
    other = [one for one in BROKEN if not isinstance(one, kind_of(default(name)))]
    number_for_number = isinstance(default(name), float)
    for value in [one for one in other if not (number_for_number and isinstance(one, int))]:
        caplog.clear()
        assert read(name, value) == default(name)
        assert [record.key for record in caplog.records] == [key_of(name)]
        assert "secret" not in caplog.text + str(caplog.records[0].__dict__)


@pytest.mark.parametrize(
    "name",
    [
        name
        for name in NAMES
        if isinstance(default(name), int | float) and default(name) is not True
    ],
)
def test_a_number_outside_of_its_limits_counts_as_not_set(name):
    assert read(name, 10**9) == read(name, -1) == default(name)


@pytest.mark.parametrize("name", NAMES)
def test_a_default_is_read_back_from_what_is_stored(name):
    assert read(name, json.loads(json.dumps(default(name)))) == default(name)


@pytest.mark.parametrize("setting", SHOWN, ids=lambda setting: setting.name)
def test_what_a_modal_shows_as_usual_is_the_fields_default(setting):
    name = OF_KEY[setting.key]
    stored = setting.merged(None, setting.default)
    kept = read(name, stored)
    usual = default(name) or kept  # a field of several parts stores those that were changed
    assert kept == usual


def test_a_language_that_is_not_known_counts_as_not_set():
    assert read("team_language", "klingon") == "en"
    assert read("team_language", "es") == "es"


def test_settings_are_read_one_by_one_and_a_wrong_one_is_its_default(database, clock):
    with database.write() as tx:
        log.prefer(tx, "hold_seconds", 7, "UMIA", clock.now())
        log.prefer(tx, "rules.paused", True, "UMIA", clock.now())
        log.prefer(tx, "rules.most_answers", "many", "UMIA", clock.now())
        log.prefer(tx, "rules.of_another_version", 1, "UMIA", clock.now())
    with database.read() as tx:
        assert live(tx).hold_seconds == 7
        rules = live(tx)
        assert (rules.paused, rules.most_answers, rules.vips) == (True, 0, ())
        assert rules.hold_seconds == 7


def test_each_key_belongs_to_one_field_and_each_setting_to_one_section():
    assert len(OF_KEY) == len(NAMES)
    assert len({each.name for each in SHOWN}) == len(SHOWN)
