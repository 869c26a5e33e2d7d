"""What agents type in threads: notes, commands, mentions, and times such as "2h" or "tomorrow"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

# -- times: "30m", "2h", "1d", "14:30", "tomorrow", "until 9:15"

START_OF_DAY = time(9)
_AMOUNT = re.compile(r"(\d{1,4})\s*(m(?:in(?:ute)?s?)?|h(?:(?:ou)?rs?)?|d(?:ays?)?)(?![a-z])")
_CLOCK = re.compile(r"(\d{1,2})[:.](\d{2})")
_ZONE = re.compile(r"[A-Za-z0-9_+-]{1,40}(?:/[A-Za-z0-9_+-]{1,40}){0,2}")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def zone(name: str) -> ZoneInfo:
    """Returns the time zone of an IANA name; UTC if unknown."""
    if not _ZONE.fullmatch(name):  # ZoneInfo would look for a package of this name.
        return ZoneInfo("UTC")
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


def parse_time(words: str, now: datetime, timezone: str) -> datetime | None:
    """Returns the time, always after `now`; None if it cannot be parsed.

    Args:
        words: as typed.
        now: aware.
        timezone: the user's IANA time zone.
    """
    said = words.strip().casefold().removeprefix("until ").removeprefix("for ").strip()
    amounts = _AMOUNT.findall(said)
    if amounts and not _AMOUNT.sub("", said).strip():
        return _ahead(now, amounts)
    here = now.astimezone(zone(timezone))
    if said == "tomorrow":
        return _at(here + timedelta(days=1), START_OF_DAY).astimezone(now.tzinfo)
    clock = _CLOCK.fullmatch(said)
    if clock and int(clock[1]) < 24 and int(clock[2]) < 60:
        return _next(here, time(int(clock[1]), int(clock[2]))).astimezone(now.tzinfo)
    return None


def _ahead(now: datetime, amounts: list[tuple[str, str]]) -> datetime | None:
    """Returns now plus the amounts; None for zero and for dates out of range."""
    try:
        length = sum((_length(*amount) for amount in amounts), timedelta())
        return now + length if length else None
    except (OverflowError, ValueError):
        return None


def _length(number: str, unit: str) -> timedelta:
    return timedelta(**{_UNITS[unit[0].lower()]: int(number)})


def _next(here: datetime, clock: time) -> datetime:
    """Returns the next time with this clock reading; when clocks go back, it occurs twice."""
    today, again = _at(here, clock), _at(here, clock).replace(fold=1)
    ahead = (moment for moment in (today, again) if moment.timestamp() > here.timestamp())
    return next(ahead, _at(here + timedelta(days=1), clock))


def _at(day: datetime, clock: time) -> datetime:
    return datetime.combine(day.date(), clock, tzinfo=day.tzinfo)


# -- internal messages: notes, commands such as !resolve, and mentions of colleagues
# Customers must not receive them, so they are recognised as people type them: after a bullet or
# quote mark, in bold, with full-width punctuation, after an invisible character.

NOTE_PREFIXES = ("note:", "!note", "//")
NOTE = "note"

_UNSEEN = "\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff"
_LEAD = rf"(?:[\s{_UNSEEN}>•◦▪*_~`\-\u2013\u2014]|&gt;)*"
_WIDE = 0xFEE0
"""Offset from an ASCII character to its full-width form."""
_UNSEEN_ONES = f"[{_UNSEEN}]*"
_THREAD_COMMAND = re.compile(
    rf"({_LEAD})[!\uff01]\s?([a-z][a-z_-]+)[\s:,.;!]*(.*)", re.IGNORECASE | re.DOTALL
)
_MARKERS = "*_~`"
_CALL = (
    "afternoon|all|bonjour|bonsoir|buenos|cc|danke|dear|d\u00edas|dias|evening|folks|for|fyi|good|guten|guys|hallo|hello"
    "|hey|hi|hmm|hola|merci|moin|morgen|morning|ola|ol\u00e1|ok|okay|ping|please|pls|psst|q|question|quick|salut|so|sorry|tag"
    "|team|thank you|thanks|there|thx|to|um|yo"
)
"""Words that may stand before a mention."""
_NO_WORDS = "(?:&gt;|[^\\w@\uff20]|_)*"
_TO_COLLEAGUE = re.compile(
    rf"{_NO_WORDS}(?:\d{{1,2}}[.)]{_NO_WORDS})?(?:(?:{_CALL})\b{_NO_WORDS}){{0,4}}[@\uff20]{_UNSEEN_ONES}\w",
    re.IGNORECASE,
)


def note_text(text: str, prefixes: Sequence[str]) -> str | None:
    """Returns the note without its prefix, or None if the text is not a note.

    `!note` always marks a note, because it is a thread command.
    """
    for prefix in (*prefixes, f"!{NOTE}"):
        found = _beginning(prefix).match(text) if prefix.strip() else None
        if found:
            return text[found.end() :].lstrip(": \t\n").rstrip()
    return None


@lru_cache(maxsize=64)
def _beginning(prefix: str) -> re.Pattern[str]:
    characters = _UNSEEN_ONES.join(_typed(each) for each in prefix.lstrip())
    return re.compile(f"{_LEAD}{characters}", re.IGNORECASE)


def _typed(character: str) -> str:
    """Returns a regex for one character of a prefix in all its typed forms."""
    if not "!" <= character <= "~":
        return re.escape(character)
    either = f"[{re.escape(character)}{chr(ord(character) + _WIDE)}]"
    return rf"\s*{either}" if character == ":" else either


def thread_command_in(markup: str) -> tuple[str, str] | None:
    """Returns the command at the start of a message, lowercase, and the text after it; None without
    one.

    Any word after an exclamation mark counts, because it may be a typo.
    """
    found = _THREAD_COMMAND.fullmatch(markup.strip())
    if found is None:
        return None
    lead, command, rest = found.groups()
    if any(marker in lead for marker in _MARKERS):
        rest = rest.rstrip(_MARKERS)
    return command.rstrip("_-").casefold(), rest.strip()


def is_to_colleague(text: str) -> bool:
    """Returns whether a plain-text reply begins with a mention of a colleague, a group, the channel
    or the bot.

    Customers cannot be mentioned in Slack. Symbols and a few words of greeting may precede the
    mention.
    """
    return _TO_COLLEAGUE.match(text) is not None
