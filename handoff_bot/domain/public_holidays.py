"""Public holidays of countries and their regions, for every year.

The package is 14 MB with 250 countries and takes about 0.1 s to import, which only teams that
choose a country need.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

_REMARK = re.compile(r" \((?:observed|estimated|substituted|in lieu).*\)$")
"""What the package adds to names: the same holiday is meant."""
LONGEST_NAME = 75
YEAR = timedelta(days=365)


@dataclass(frozen=True)
class PublicHolidays:
    """The days off of a country.

    Attributes:
        country: ISO 3166-1 code.
        region: a code of the package, "" for what the whole country has.
        worked: names of holidays on which the team works all the same.
    """

    country: str
    region: str = ""
    worked: frozenset[str] = frozenset()

    def __contains__(self, day: date) -> bool:
        names = _names(self.country, self.region, day.year).get(day, ())
        return any(name not in self.worked for name in names)

    def upcoming(self, first: date) -> Iterator[tuple[date, str]]:
        """Yields the holidays of the year from `first` on, in order, also those in `worked`."""
        for year in (first.year, first.year + 1):
            for day, names in sorted(_names(self.country, self.region, year).items()):
                if first <= day < first + YEAR:
                    yield from ((day, name) for name in names)


@lru_cache(maxsize=64)
def _names(country: str, region: str, year: int) -> Mapping[date, tuple[str, ...]]:
    """Returns the names of the holidays by day; none for a country that is unknown."""
    import holidays

    try:
        found = holidays.country_holidays(country, region or None, years=year, language="en_US")
    except NotImplementedError:
        return _names(country, "", year) if region else {}
    return {
        day: tuple(
            dict.fromkeys(_REMARK.sub("", name)[:LONGEST_NAME] for name in found.get_list(day))
        )
        for day in found
        if day.year == year
    }


@lru_cache(maxsize=1)
def countries() -> Mapping[str, str]:
    """Returns the countries by code, sorted by their English names."""
    from babel import Locale
    from holidays.registry import COUNTRIES

    names = Locale("en").territories
    codes = [code for _, code, *_ in COUNTRIES.values()]
    return dict(
        sorted(((code, names.get(code, code)) for code in codes), key=lambda named: named[1])
    )


@lru_cache(maxsize=16)
def regions(country: str) -> Mapping[str, str]:
    """Returns the regions of a country by code, sorted by name; none for an unknown country."""
    import holidays

    try:
        found = holidays.country_holidays(country)
    except NotImplementedError:
        return {}
    aliases = found.get_subdivision_aliases()
    named = {code: max(aliases.get(code) or [code], key=len) for code in found.subdivisions}
    return dict(sorted(named.items(), key=lambda each: each[1]))
