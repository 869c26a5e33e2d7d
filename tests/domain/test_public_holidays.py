"""Public holidays: each year's, of a country or a region, without those on which the team works."""

import subprocess
import sys
from datetime import UTC, date, datetime

from handoff_bot.domain.hours import Hours
from handoff_bot.domain.public_holidays import PublicHolidays, countries, regions

BAVARIA = PublicHolidays("DE", "BY", frozenset({"Epiphany"}))


def test_every_year_has_its_holidays():
    assert date(2027, 3, 26) in BAVARIA  # Good Friday, by the moon
    assert date(2031, 4, 11) in BAVARIA
    assert date(2027, 3, 25) not in BAVARIA


def test_a_region_has_holidays_of_its_own():
    corpus_christi = date(2027, 5, 27)
    assert corpus_christi in BAVARIA
    assert corpus_christi not in PublicHolidays("DE", "BE")
    assert corpus_christi not in PublicHolidays("DE")


def test_a_removed_holiday_is_a_working_day_in_every_year():
    assert date(2027, 1, 6) not in BAVARIA
    assert date(2028, 1, 6) not in BAVARIA
    assert date(2027, 1, 6) in PublicHolidays("DE", "BY")


def test_a_removed_holiday_includes_the_day_on_which_it_is_observed():
    observed = date(2026, 7, 3)  # the fourth is a Saturday
    assert observed in PublicHolidays("US")
    assert observed not in PublicHolidays("US", "", frozenset({"Independence Day"}))


def test_a_team_is_closed_on_public_holidays_also_without_other_hours():
    hours = Hours.parse([], "Europe/Berlin", [], BAVARIA)
    christmas = datetime(2026, 12, 25, 12, tzinfo=UTC)
    assert not hours.is_open(christmas)
    assert hours.opens(christmas) == datetime(2026, 12, 26, 23, tzinfo=UTC)


def test_a_country_or_region_that_the_package_lacks_has_the_holidays_that_are_known():
    assert date(2026, 12, 25) not in PublicHolidays("QQ")
    assert date(2026, 12, 25) in PublicHolidays("DE", "gone")
    assert regions("QQ") == {}


def test_all_holidays_of_a_year_are_shown_also_removed_ones():
    shown = list(BAVARIA.upcoming(date(2026, 11, 30)))
    assert shown[0] == (date(2026, 12, 25), "Christmas Day")
    assert (date(2027, 1, 6), "Epiphany") in shown
    assert shown == sorted(shown)
    assert all(day < date(2027, 11, 30) for day, _ in shown)


def test_countries_and_regions_have_names():
    assert countries()["DE"] == "Germany"
    assert regions("DE")["BY"] == "Bayern"
    assert regions("US")["CA"] == "California"


def test_the_package_is_not_imported_before_a_country_is_chosen():
    code = "import sys, handoff_bot.slack.incoming.registry; sys.exit('holidays' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
