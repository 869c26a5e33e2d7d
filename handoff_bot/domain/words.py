"""Words made fit to be shown, whoever wrote them and wherever they are shown."""

from __future__ import annotations

import hashlib
import re
import unicodedata

from handoff_bot.domain.messages import storable
from handoff_bot.domain.signals import Signal
from handoff_bot.domain.splitting import split_text

_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
"""Control characters, and those that turn the direction of whatever stands behind them."""

_BLANK = re.compile("[\u115f\u1160\u2800\u3164\uffa0]")
"""Letters and symbols that look like nothing."""
_SPELLINGS = {"sms": "SMS", "rcs": "RCS", "whatsapp": "WhatsApp", "webchat": "web chat"}

REASONS: dict[Signal, str] = {
    Signal.REQUEST: "asked for a person",
    Signal.SENTIMENT: "upset or confused",
    Signal.COMPLEXITY: "too complex, or going in circles",
    Signal.CONFIDENCE: "the assistant was not sure",
}


def clean(text: str) -> str:
    """Text without what cannot be shown or would disturb what stands around it."""
    return _CONTROLS.sub("", storable(text)).strip()


def short_name(text: str) -> str:
    """A short name of a text, the same for the same text, which does not tell what it says."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def is_visible(text: str) -> bool:
    """Does it hold anything that can be seen?"""
    seen = (unicodedata.category(character)[0] not in "CZ" for character in _BLANK.sub("", text))
    return any(seen)


def shorten(text: str, limit: int) -> str:
    """Clean text of at most `limit` characters, ending in … when something was left out."""
    text = clean(text)
    beginning = text[: 2 * limit]  # the rest cannot matter, and may be very long
    pieces = split_text(beginning, limit)
    if len(pieces) <= 1 and beginning == text:
        return text
    return f"{split_text(beginning, limit - 1)[0]}…"


def one_line(text: str, limit: int) -> str:
    """Shortened, with all white space (line breaks too) as single spaces."""
    return shorten(" ".join(clean(text[: 4 * limit]).split()), limit)


def spelled(channel: str) -> str:
    """A channel's kind as people write it."""
    return _SPELLINGS.get(channel, channel.replace("_", " ").capitalize())
