"""Checks that the numbers, prices, dates, times and addresses of an answer stand in its evidence."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache

from handoff_bot.domain.texts import languages

# -- addresses and phone numbers: only those of the knowledge base may stay

# Anything that a phone, a browser or Slack may link. Repetitions are bounded or possessive, so that
# the time is linear. Look-alike characters are given by number.
_LATIN = "a-z0-9\u00c0-\u024f\uff10-\uff5a\U0001d400-\U0001d7ff"
# Browsers accept the other dots as "."; between Chinese or Japanese words they end a sentence.
_DOT = rf"(?:\.|(?<=[{_LATIN}])[\u2024\u3002\ufe52\uff0e\uff61](?=[{_LATIN}]))"
_LABEL = r"[\w\u00c0-\u1fff\u2070-\u2fff\ufe0f\U0001f000-\U0001faff-]{1,250}+"
_STOPS = r"\s<>\"'`()\[\]{}|\u3001\u300d\u300f\u3011\uff01\uff09\uff0c\uff1b\uff1f"
_REST = rf"(?:[^{_STOPS}\u3002]|\u3002(?=[{_LATIN}]))"
_APART = rf"(?<![{_LATIN}])(?<!\d\.)"
_SCHEMES = (
    "about|blob|callto|data|facetime|file|geo|intent|javascript|magnet|mailto|market|sips?|skype"
    "|sms|smsto|tel|vbscript|view-source|whatsapp|xmpp"
)
_TOP = (
    rf"(?!(?:{_SCHEMES}):)"
    r"(?:xn--[a-z0-9-]{1,59}+|[^\W\d_]{2,63}+|[\u24b6-\u24e9]{2,63}+)(?!\w)"
)
_LINK = re.compile(
    rf"[a-z][a-z0-9+.-]{{1,30}}://(?:\[[\da-f:.]{{2,45}}\]|{_REST}){_REST}*"
    rf"|(?<![^\W\d_])(?:(?:{_SCHEMES}):|www{_DOT}){_REST}+"
    rf"|(?:[\w.+-]{{1,64}}@)?(?:{_LABEL}{_DOT}){{1,10}}(?P<top>{_TOP})"
    rf"(?::\d{{1,5}})?(?P<path>[/\\]{_REST}*|[?\#]{_REST}+)?"
    rf"|{_APART}\d{{1,3}}(?:\.\d{{1,3}}){{3}}(?!\.?\d)(?::\d{{1,5}})?(?:/{_REST}*)?",
    re.IGNORECASE,
)
_DATE = r"\d{1,2}([./-])\d{1,2}\1\d{2,4}(?!\d)"
_PHONE = re.compile(
    rf"(?:(?:[+\uff0b]|{_APART}(?!{_DATE})\(?0)(?:[ ()./\u00a0-]{{0,3}}\d){{6,14}}"
    rf"|{_APART}(?:1[ .-])?\(?\d{{3}}\)?[ .-]{{1,2}}\d{{3}}[ .-]\d{{4}})(?![{_LATIN}])",
    re.IGNORECASE,
)
_UNSEEN = "[\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]"
_HIDDEN = re.compile(rf"(?<=[!-~]){_UNSEEN}++|(?<!{_UNSEEN}){_UNSEEN}++(?=[!-~])")
_FILE = re.compile(
    r"[\w-]+\.(?:csv|docx?|exe|gif|heic|html?|jpe?g|js|json|pdf|png|svg|txt|webp|xlsx?|xml)", re.I
)


def without_foreign_addresses(text: str, passages: str) -> str:
    """Removes addresses and phone numbers that no passage contains, even if a customer tricked the
    model into them.

    Words that only lack a space after a full stop get one, so that no app links them.
    """
    known = _known(passages)

    def checked(found: re.Match[str]) -> str:
        if _essence(found[0]) in known or _FILE.fullmatch(found[0]):
            return found[0]
        return _spaced(found[0]) if _are_words(found) else _gap(found)

    return _PHONE.sub(checked, _LINK.sub(checked, _HIDDEN.sub("", text)))


def foreign_addresses(text: str, passages: str) -> list[str]:
    """Returns the addresses and phone numbers that no passage contains."""
    known = _known(passages)
    shown = _HIDDEN.sub("", text)
    links = [found for found in _LINK.finditer(shown) if not _are_words(found)]
    numbers = _PHONE.finditer(_LINK.sub(" ", shown))
    found = [one[0] for one in (*links, *numbers)]
    return [one for one in found if _essence(one) not in known and not _FILE.fullmatch(one)]


def without_addresses(text: str) -> str:
    """Returns the text without addresses and phone numbers; words that only lack a space stay."""

    def spaced(found: re.Match[str]) -> str:
        return _spaced(found[0]) if _are_words(found) else " "

    return _PHONE.sub(" ", _LINK.sub(spaced, _HIDDEN.sub("", text)))


def _known(passages: str) -> set[str]:
    return {_essence(found[0]) for one in (_LINK, _PHONE) for found in one.finditer(passages)}


def _essence(address: str) -> str:
    """Returns the comparable form of an address."""
    bare = re.sub(r"\A(?:https?://)?(?:www\.)?", "", address.casefold()).rstrip(".,;:!?*_~/")
    return bare if re.search(r"[^\W\d]", bare) else re.sub(r"[^\d.]", "", bare)


def _are_words(found: re.Match[str]) -> bool:
    """Returns whether it is "the end.The next" rather than a host, which is all lowercase or all
    uppercase.
    """
    parts = found.groupdict()
    letters = [character for character in parts.get("top") or "" if character.isalpha()]
    cased = all(map(str.islower, letters)) or all(map(str.isupper, letters))
    return not cased and not parts.get("path")


def _spaced(words: str) -> str:
    return re.sub(_DOT, r"\g<0> ", words, flags=re.IGNORECASE)


def _gap(found: re.Match[str]) -> str:
    """Returns a space if the surrounding text would join, otherwise ""."""
    before = found.string[max(found.start() - 1, 0) : found.start()]
    after = found.string[found.end() : found.end() + 1]
    return " " if before.strip() and after.strip() else ""


# -- numbers, prices, dates and times

_CURRENCIES = {
    "€": "EUR euro euros",
    "$": "USD US$ dollar dollars",
    "£": "GBP pound pounds",
    "¥": "JPY CNY yen yuan 円 元",
    "₹": "INR rupee rupees",
    "₽": "RUB rubel",
    "₴": "UAH",
    "₺": "TRY TL",
    "₩": "KRW 원",
    "₪": "ILS",
    "฿": "THB baht",
    "₫": "VND đ",
    "zł": "PLN zl",
    "Kč": "CZK",
    "kr": "SEK NOK DKK kronor kroner",
    "Ft": "HUF",
    "lei": "RON",
    "Fr.": "CHF franken francs",
    "R$": "BRL reais",
    "Rp": "IDR",
    "C$": "CAD",
    "A$": "AUD",
}
_PERCENT = ["%", "percent", "prozent", "procent", "procento", "pourcent", "퍼센트", "パーセント"]


def _key(text: str) -> str:
    """Returns the text as IGNORECASE compares it: i with and without a dot is one letter there."""
    return text.casefold().replace("i\u0307", "i").replace("\u0131", "i")


_UNITS = {
    _key(spelling): sign
    for sign, others in _CURRENCIES.items()
    for spelling in (sign, *others.split())
} | dict.fromkeys(_PERCENT, "%")


def _alternatives(spellings: Iterator[str]) -> str:
    longest_first = sorted(spellings, key=len, reverse=True)
    return "|".join(rf"{re.escape(one)}(?![^\W\d_])" for one in longest_first)


_UNIT = _alternatives(iter(_UNITS))
_NUMERAL = r"\d{1,3}(?:[ \u00a0\u202f'\u2019]\d{3})+(?!\d)(?:[.,]\d+)?|\d+(?:[.,]\d+)*"
_AMOUNT = re.compile(
    rf"(?:(?<![^\W\d_])(?P<before>{_UNIT})[ \u00a0]?)?"
    rf"(?<![\w.,])(?P<number>{_NUMERAL})(?:[ \u00a0\u202f-]?(?P<after>{_UNIT}))?",
    re.IGNORECASE,
)
_ANY_UNIT = re.compile(rf"(?<![^\W\d_])(?:{_UNIT})", re.IGNORECASE)
_CODE = re.compile(r"(?<!\w)[^\W\d_][^\W_]{0,40}(?:[-_/][^\W_]{1,40}){0,6}(?!\w)")
_ENUMERATOR = re.compile(r"^[ \t]*\(?(?:[1-9]|1\d|20)[.)][ \t]+(?=\S)", re.MULTILINE)
_CLOCK = re.compile(
    r"(?<![\d.,:])(?P<hour>[01]?\d|2[0-4])"
    r"(?:(?:[:h\uff1a](?P<minute>[0-5]\d))?[ \u00a0]?(?P<half>[ap])\.?m\b\.?"
    r"|[:h\uff1a](?P<min>[0-5]\d)(?!\d)|(?:\.(?P<m>[0-5]\d))?[ \u00a0]?(?:uhr|h|o'clock)\b)",
    re.IGNORECASE,
)
_ISO = re.compile(r"(?<!\d)(?P<y>\d{4})[-/.](?P<m>\d{1,2})[-/.](?P<d>\d{1,2})(?!\d)")
_EAST = re.compile(r"(?:(?P<y>\d{4})年)?(?P<m>\d{1,2})月(?P<d>\d{1,2})日")
_DOTTED = re.compile(
    r"(?<![\d.,/-])(?P<a>\d{1,2})(?P<sep>[./-])(?P<b>\d{1,2})(?:(?P=sep)(?P<y>\d{4}|\d{2})(?!\d)|\.(?!\d))"
)
_TENS = {
    10: "ten zehn dix diez dieci tien dez tio ti",
    12: "twelve zwölf douze doce dodici twaalf doze tolv",
    14: "fourteen vierzehn quatorze catorce quattordici veertien fjorton",
    15: "fifteen fünfzehn quinze quince quindici vijftien femton",
    20: "twenty zwanzig vingt veinte venti twintig vinte tjugo",
    30: "thirty dreißig dreissig trente treinta trenta dertig trinta trettio",
    40: "forty vierzig quarante cuarenta quaranta veertig quarenta",
    50: "fifty fünfzig cinquante cincuenta cinquanta vijftig cinquenta",
    60: "sixty sechzig soixante sesenta sessanta zestig sessenta",
    70: "seventy siebzig setenta settanta zeventig",
    80: "eighty achtzig ochenta ottanta tachtig oitenta",
    90: "ninety neunzig noventa novanta negentig",
    100: "hundred hundert cent cien ciento cento honderd hundra",
}
_WORDS = {_key(word): Decimal(value) for value, words in _TENS.items() for word in words.split()}
_WORD = re.compile(r"[^\W\d_]{2,12}")
_IDENTIFIER = re.compile(r"\d{4,40}")
_YEARS = range(1900, 2100)


@dataclass(frozen=True)
class _Day:
    """A date; 0 for a part that is not named."""

    year: int
    month: int
    day: int

    def fits(self, other: _Day) -> bool:
        pairs = ((self.year, other.year), (self.month, other.month), (self.day, other.day))
        return all(mine == theirs or not mine or not theirs for mine, theirs in pairs)


@dataclass(frozen=True)
class _Amount:
    """A number by all its readings ("1.500" may be 1500 or 1.5), and its currency or "%"."""

    text: str
    readings: frozenset[Decimal]
    unit: str


@dataclass(frozen=True)
class _Facts:
    """What a text states in numbers. `days` has the readings of each date, `clock` minutes."""

    days: tuple[frozenset[_Day], ...]
    clock: frozenset[int]
    amounts: tuple[_Amount, ...]
    codes: frozenset[str]
    words: frozenset[Decimal]
    units: frozenset[str]


def unsupported(said: str, known: str, customer: str = "") -> list[str]:
    """Returns what an answer states that its evidence does not hold; empty if all of it is held.

    Numbers are compared by value ("4,90" is "4.90"), with their currency or percent sign; dates and
    times in any spelling.

    Args:
        said: the answer.
        known: passages, results of look-ups, agents' messages.
        customer: the customer's messages. Their order numbers and codes may be repeated, but not
            their prices, dates or addresses.
    """
    found = foreign_addresses(said, known)
    held = _facts(without_addresses(known))
    plain = _plain(without_addresses(customer))
    own, numbers = _codes(plain), frozenset(_IDENTIFIER.findall(plain))
    made = _facts(_ENUMERATOR.sub("", without_addresses(said)))
    found += [str(sorted(map(str, day))[0]) for day in made.days if not _is_dated(day, held)]
    found += [f"{one // 60}:{one % 60:02}" for one in made.clock if not _is_timed(one, held)]
    found += [one.text for one in made.amounts if not _is_counted(one, held, numbers)]
    found += sorted(made.codes - held.codes - own)
    return found + [str(one) for one in made.words - held.words - _values(held)]


def _is_dated(day: frozenset[_Day], held: _Facts) -> bool:
    return any(mine.fits(theirs) for mine in day for each in held.days for theirs in each)


def _is_timed(minutes: int, held: _Facts) -> bool:
    """A whole hour may stand in the evidence as "9-17" or as "9 to 5"."""
    hour = Decimal(minutes // 60)
    is_whole = minutes % 60 == 0
    return minutes in held.clock or (is_whole and bool({hour, hour - 12} & _values(held)))


def _is_counted(amount: _Amount, held: _Facts, own: frozenset[str]) -> bool:
    if _is_identifier(amount) and amount.text in own:
        return True
    same = [one for one in held.amounts if one.readings & amount.readings]
    if not amount.unit:
        hours = {Decimal(one // 60) for one in held.clock if one % 60 == 0}
        years = {Decimal(one.year) for day in held.days for one in day if one.year}
        return bool(same or amount.readings & (held.words | hours | years))
    # A table may name the currency in its header only.
    return any(one.unit == amount.unit or not one.unit for one in same) and (
        amount.unit in held.units
    )


def _is_identifier(amount: _Amount) -> bool:
    is_long = bool(_IDENTIFIER.fullmatch(amount.text)) and not amount.unit
    return is_long and int(amount.text) not in _YEARS


def _values(held: _Facts) -> frozenset[Decimal]:
    return frozenset(value for one in held.amounts for value in one.readings)


def _facts(text: str) -> _Facts:
    text = _plain(text)
    days, text = _days(text)
    clock, text = _clock(text)
    words = {_WORDS[one] for one in map(_key, _WORD.findall(text)) if one in _WORDS}
    units = {_UNITS.get(_key(one[0]), "") for one in _ANY_UNIT.finditer(text)} - {""}
    return _Facts(
        tuple(days),
        frozenset(clock),
        tuple(_amounts(text)),
        _codes(text),
        frozenset(words),
        frozenset(units),
    )


def _codes(text: str) -> frozenset[str]:
    """Returns the words of letters and digits, such as "SAVE20", in lowercase; not "EUR20"."""
    found = {_key(one[0]) for one in _CODE.finditer(text)}
    return frozenset(
        one for one in found if any(map(str.isdigit, one)) and not _AMOUNT.fullmatch(one)
    )


def _plain(text: str) -> str:
    """Returns the text in ASCII digits, without invisible characters."""
    text = unicodedata.normalize("NFKC", text)
    digits = (str(unicodedata.decimal(one, one)) for one in text)
    return "".join(one for one in digits if unicodedata.category(one) != "Cf")


def _amounts(text: str) -> Iterator[_Amount]:
    for found in _AMOUNT.finditer(text):
        unit = _UNITS.get(_key(found["before"] or found["after"] or ""), "")
        yield _Amount(found["number"], _readings(found["number"]), unit)


def _readings(numeral: str) -> frozenset[Decimal]:
    bare = re.sub(r"[ \u00a0\u202f'\u2019]", "", numeral)
    marks = re.findall(r"[.,]", bare)
    whole = Decimal(re.sub(r"[.,]", "", bare))
    if not marks:
        return frozenset({whole})
    if len(marks) > 1 and len(set(marks)) == 1:
        return frozenset({whole})
    head, _, tail = bare.rpartition(marks[-1])
    fraction = Decimal(f"{re.sub('[.,]', '', head)}.{tail}")
    may_group = len(marks) == 1 and len(tail) == 3 and len(head) <= 3 and head[0] != "0"
    return frozenset({fraction, whole} if may_group else {fraction})


def _clock(text: str) -> tuple[list[int], str]:
    times: list[int] = []

    def noted(found: re.Match[str]) -> str:
        hour = int(found["hour"])
        if half := (found["half"] or "").casefold():
            hour = hour % 12 + (12 if half == "p" else 0)
        times.append(60 * hour + int(found["minute"] or found["min"] or found["m"] or 0))
        return " "

    return times, _CLOCK.sub(noted, text)


def _days(text: str) -> tuple[list[frozenset[_Day]], str]:
    found: list[frozenset[_Day]] = []

    def noted(match: re.Match[str]) -> str:
        days = frozenset(filter(_is_day, _read(match)))
        if not days:
            return match[0]
        found.append(days)
        return " "

    for pattern in (_ISO, _EAST, *_named_days(), _DOTTED):
        text = pattern.sub(noted, text)
    return found, text


def _read(match: re.Match[str]) -> Iterator[_Day]:
    parts = match.groupdict()
    year = int(parts.get("y") or 0)
    year += 2000 if 0 < year < 100 else 0
    if match.re is _DOTTED:
        first, second = int(match["a"]), int(match["b"])
        yield from (_Day(year, second, first), _Day(year, first, second))
    elif name := parts.get("name"):
        month, last = _months().get(_key(name), 0), int(parts.get("d") or 0)
        first = int(parts.get("first") or last)
        yield from (_Day(year, month, day) for day in range(min(first, last), last + 1))
    else:
        yield _Day(year, int(match["m"]), int(match["d"]))


def _is_day(one: _Day) -> bool:
    try:
        date(one.year or 2028, one.month, one.day or 1)  # 2028 has a February 29
    except ValueError:
        return False
    return True


@cache
def _named_days() -> tuple[re.Pattern[str], ...]:
    """Returns patterns of "24 December 2026" and "December 24, 2026", also of ranges of days."""
    names = "|".join(map(re.escape, sorted(_months(), key=len, reverse=True)))
    name = rf"(?<![^\W\d_])(?P<name>{names})(?![^\W\d_])\.?"
    day, year = r"(?P<d>\d{1,2})(?!\d)", r"(?P<y>(?:19|20)\d{2})(?!\d)"
    order = r"(?:st|nd|rd|th|er|[.ºª°])?"
    between = r"[ ]?(?:[-\u2013\u2014/]|to|bis|and|und|et|au|y|al|e|a)[ ]?"
    of = r"[ ]?(?:of |de |d'|del )?"
    first = rf"(?:(?P<first>\d{{1,2}}){order}{between})?"
    before = rf"(?<![\d.,]){first}{day}{order}{of}{name}(?:,?[ ](?:de |del )?{year})?"
    range_ = r"(?:(?P<first>\d{1,2})[-\u2013\u2014](?=\d))?"
    after = rf"{name}[ ]{range_}{day}{order}(?![:.,]?\d)(?:,?[ ]{year})?"
    alone = rf"{name}[ ](?:de |del )?{year}"
    return tuple(re.compile(one, re.IGNORECASE) for one in (before, after, alone))


@cache
def _months() -> dict[str, int]:
    """Returns the names of months in the product's languages, as keys."""
    from babel import Locale  # about 15 ms a language, with its data

    return {
        _key(name).rstrip("."): month
        for language in languages("assistant")
        for context in ("format", "stand-alone")
        for width in ("wide", "abbreviated")
        for month, name in Locale.parse(language).months[context][width].items()
        if any(map(str.isalpha, name)) and not any(map(str.isdigit, name))
    }
