"""Business hours in their modal: days with times, public holidays, and what is refused."""

from datetime import UTC, datetime

import pytest

from handoff_bot.domain.desk import AgentRef
from tests.desk.conftest import words

pytestmark = pytest.mark.on_sqlite


@pytest.fixture
def hours(bureau):
    """Mia has the business hours open."""
    bureau.command(bureau.mia, "settings hours")
    return bureau


def stored(bureau, key):
    return bureau.core.preferences.get(f"hours.{key}", None)


def field(bureau, action_id):
    """The element of a field of the modal; None if it is not shown."""
    inputs = (b["element"] for b in bureau.modal(bureau.mia)["blocks"] if b["type"] == "input")
    return next((each for each in inputs if each["action_id"] == action_id), None)


def days(**times):
    return {f"hours.lines:{day}": said for day, said in times.items()}


def test_days_take_times_as_people_write_them(hours):
    entered = days(mon="9\u201317", tue="9am-5pm", wed="9-12, 13-17", thu="24 h", sun="closed")
    assert hours.sends(hours.mia, entered).errors == {}
    assert stored(hours, "lines") == [
        "mon-tue 9:00-17:00",
        "wed 9:00-12:00",
        "wed 13:00-17:00",
        "thu 0:00-24:00",
    ]


def test_a_time_that_is_not_understood_is_named_at_its_day_with_an_example(hours):
    sent = hours.sends(hours.mia, days(mon="9-17", tue="late", wed="9-5"))
    assert set(sent.errors) == {"hours.lines:tue", "hours.lines:wed"}
    assert "“late” is not understood. Use times such as “9-17”" in sent.errors["hours.lines:tue"]
    assert stored(hours, "lines") is None


def test_a_week_of_closed_days_is_refused(hours):
    sent = hours.sends(hours.mia, days(sat="closed", sun="closed"))
    assert "All days are closed" in sent.errors["hours.lines:mon"]


@pytest.mark.on_both
def test_hours_from_an_earlier_version_are_shown_by_day_and_kept(bureau):
    bureau.core.preferences.change("hours.lines", ["Mon-Fri 9:00 - 17:00"], bureau.mia)
    bureau.command(bureau.mia, "settings hours")
    assert field(bureau, "hours.lines:fri")["initial_value"] == "9:00-17:00"
    assert field(bureau, "hours.lines:sun")["initial_value"] == "closed"
    bureau.sends(bureau.mia, {"hours.timezone": "UTC"})
    assert stored(bureau, "lines") == ["Mon-Fri 9:00 - 17:00"]


def test_a_country_shows_its_regions_and_its_holidays(hours):
    assert field(hours, "hours.region") is None
    hours.chooses(hours.mia, "hours.country", "DE")
    assert "Bayern" in str(field(hours, "hours.region"))
    assert "Corpus Christi" not in str(field(hours, "hours.worked"))
    hours.chooses(hours.mia, "hours.region", "BY")
    assert "Corpus Christi (Thu 27 May 2027)" in str(field(hours, "hours.worked"))
    assert hours.sends(hours.mia, {"hours.worked": ["Epiphany"]}).errors == {}
    assert [stored(hours, each) for each in ("country", "region", "worked")] == [
        "DE",
        "BY",
        ["Epiphany"],
    ]
    hours.command(hours.mia, "settings hours")
    chosen = [each["value"] for each in field(hours, "hours.worked")["initial_options"]]
    assert chosen == ["Epiphany"]


def test_another_country_begins_without_the_region_and_the_removed_days(hours):
    stores = {"hours.country": "DE", "hours.region": "BY", "hours.worked": ["Epiphany"]}
    hours.core.preferences.change_several(stores, hours.mia)
    hours.command(hours.mia, "settings hours")
    hours.chooses(hours.mia, "hours.country", "AT")
    assert "initial_options" not in field(hours, "hours.worked")
    assert hours.sends(hours.mia).errors == {}
    assert [stored(hours, each) for each in ("country", "region", "worked")] == ["AT", "", []]


def test_without_a_country_there_are_no_public_holidays(hours):
    hours.core.preferences.change("hours.country", "DE", hours.mia)
    hours.command(hours.mia, "settings hours")
    hours.chooses(hours.mia, "hours.country", "any")
    assert field(hours, "hours.worked") is None
    assert hours.sends(hours.mia).errors == {}
    assert stored(hours, "country") == ""


def test_the_preview_names_the_country_and_the_times(hours):
    hours.chooses(hours.mia, "hours.country", "DE")
    values = days(mon="9-17")
    hours.slack.click_view(hours.mia, hours.modal(hours.mia)["id"], "settings_check", values=values)
    hours.settle()
    shown = words(hours.modal(hours.mia))
    assert "(not set) → 9:00-17:00" in shown
    assert "(not set) → Germany" in shown


def test_customers_are_told_that_the_team_is_closed_on_a_public_holiday(bureau):
    bureau.clock.at = datetime(2026, 12, 25, 12, tzinfo=UTC)
    bureau.core.preferences.change("hours.country", "DE", bureau.mia)
    bureau.says("I want a person")
    assert "currently offline" in " ".join(bureau.heard())


def test_agents_write_their_own_hours_in_the_same_ways(bureau):
    view = bureau.home(bureau.ana)
    bureau.slack.click_view(bureau.ana, view["id"], "availability_arrange")
    bureau.settle()
    sent = bureau.sends(bureau.ana, {"my_hours": "Mon\u2013Fri 9am\u20135pm\nsat closed"})
    assert sent.errors == {}
    mine = bureau.core.availability.of(AgentRef(bureau.ana, "Ana"))
    assert list(mine.hours) == ["mon-fri 9:00-17:00"]
