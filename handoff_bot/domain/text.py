"""Cleans and formats what is shown: text of any author, amounts, names of languages (ISO 639-1)."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterator, Mapping
from datetime import timedelta
from functools import cache
from typing import Literal

from handoff_bot.domain.messages import storable
from handoff_bot.domain.signals import Signal
from handoff_bot.domain.splitting import split_text
from handoff_bot.domain.texts import choose

_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
"""Control characters, and those that change the text direction."""

_BLANK = re.compile("[\u115f\u1160\u2800\u3164\uffa0]")
"""Letters and symbols that are displayed as nothing."""
_SPELLINGS = {"sms": "SMS", "rcs": "RCS", "whatsapp": "WhatsApp", "webchat": "web chat"}

REASONS: dict[Signal, str] = {
    Signal.REQUEST: "asked for a person",
    Signal.SENTIMENT: "upset or confused",
    Signal.COMPLEXITY: "too complex, or going in circles",
    Signal.CONFIDENCE: "the assistant was not sure",
}


def clean(text: str) -> str:
    """Removes characters that cannot be displayed or would affect the surrounding text."""
    if text.isascii() and text.isprintable():
        return text.strip()
    return _CONTROLS.sub("", storable(text)).strip()


def short_name(text: str) -> str:
    """Returns a short, stable hash of a text that does not reveal it."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def is_visible(text: str) -> bool:
    """Returns whether the text contains any visible character."""
    seen = (unicodedata.category(character)[0] not in "CZ" for character in _BLANK.sub("", text))
    return any(seen)


def shorten(text: str, limit: int) -> str:
    """Returns clean text of at most `limit` characters, ending in … if it was cut."""
    text = clean(text)
    if text.isascii() and len(text) <= limit:
        return text
    beginning = text[: 2 * limit]  # the rest does not matter and may be very long
    pieces = split_text(beginning, limit)
    if len(pieces) <= 1 and beginning == text:
        return text
    return f"{split_text(beginning, limit - 1)[0]}…"


def one_line(text: str, limit: int) -> str:
    """Shortens and collapses all white space, including line breaks."""
    return shorten(" ".join(clean(text[: 4 * limit]).split()), limit)


def spelled(channel: str) -> str:
    """Returns a channel kind's display name."""
    return _SPELLINGS.get(channel, channel.replace("_", " ").capitalize())


NONE = "-"
TimeUnit = Literal["second", "minute", "hour", "day"]


def length(of: timedelta | None) -> str:
    """Formats like "45 s", "4 min", "2 h 5 min", "3 d 4 h"; "-" for None.

    These symbols have no plural. CLDR's short forms have: "1 hr", "3 days".
    """
    if of is None:
        return NONE
    seconds = round(of.total_seconds())
    if seconds < 60:
        return f"{seconds} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h" if hours else f"{days} d"


def percent(of: float | None) -> str:
    """Formats like "12 %"; "-" for None. A small share is never shown as 0 %, a large one never as
    100 %.
    """
    if of is None:
        return NONE
    if 0 < of < 0.01:
        return "< 1 %"
    if 0.99 < of < 1:
        return "> 99 %"
    return f"{of:.0%}".replace("%", " %")


def many(number: int, one: str, more: str = "") -> str:
    """Formats like "1 escalation", "1,204 escalations". `more` is an irregular plural."""
    return f"{number:,} {choose('en', number, {'one': one, 'other': more or f'{one}s'})}"


def duration(number: int, unit: TimeUnit) -> str:
    """Formats like "1 minute", "1,204 minutes"."""
    from babel.units import format_unit  # about 15 ms with its data; most commands need none

    return format_unit(number, f"duration-{unit}", locale="en")


_COMMON_CODES = (
    "ar bg bn ca cs da de el en es et fa fi fr he hi hr hu id it ja ko lt lv ms nl no pl pt ro ru sk sl "
    "sr sv sw ta th tl tr uk ur vi zh"
)
_COMMON = tuple(_COMMON_CODES.split())
_USUAL_NAMES = {"bn": "Bengali"}
"""Shown instead of CLDR's names: it writes Bangla."""


class _Languages(Mapping[str, str]):
    """Reads CLDR only when a name is needed: at start, none is."""

    def __getitem__(self, code: str) -> str:
        if code not in _COMMON:
            raise KeyError(code)
        return language_name(code)

    def __iter__(self) -> Iterator[str]:
        return iter(_COMMON)

    def __len__(self) -> int:
        return len(_COMMON)


LANGUAGES: Mapping[str, str] = _Languages()
"""English names of common languages by code, which menus offer."""


@cache
def _language_names() -> Mapping[str, str]:
    from babel import Locale  # about 15 ms with its data; most commands need none

    return {code: name for code, name in Locale("en").languages.items() if len(code) == 2}


def is_language(code: str) -> bool:
    return code in _language_names()


def language_name(code: str) -> str:
    """Returns the language's name, or its code if the name is unknown."""
    return _USUAL_NAMES.get(code) or _language_names().get(code, code)


def language_in(words: str) -> str:
    """Returns the code for a code in any case or an English name; "" if unknown."""
    said = words.strip().casefold()
    if is_language(said):
        return said
    named = (*_USUAL_NAMES.items(), *_language_names().items())
    return next((code for code, name in named if name.casefold() == said), "")
