"""What agents write in a thread for the team only: notes, verbs such as !resolve, and words to a colleague.

Customers must not read any of them, so they are recognised as people type them: behind a bullet or a
quote mark, in bold, on a keyboard with wide punctuation, after a character that nobody sees.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

NOTE_PREFIXES = ("note:", "!note", "//")
NOTE = "note"

_UNSEEN = "\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff"
_LEAD = rf"(?:[\s{_UNSEEN}>•◦▪*_~`\-\u2013\u2014]|&gt;)*"
_WIDE = 0xFEE0
"""From a character of ASCII to its full-width form."""
_UNSEEN_ONES = f"[{_UNSEEN}]*"
_VERB = re.compile(
    rf"({_LEAD})[!\uff01]\s?([a-z][a-z_-]+)[\s:,.;!]*(.*)", re.IGNORECASE | re.DOTALL
)
_MARKERS = "*_~`"
_CALL = (
    "afternoon|all|bonjour|bonsoir|buenos|cc|danke|dear|d\u00edas|dias|evening|folks|for|fyi|good|guten|guys|hallo|hello"
    "|hey|hi|hmm|hola|merci|moin|morgen|morning|ola|ol\u00e1|ok|okay|ping|please|pls|psst|q|question|quick|salut|so|sorry|tag"
    "|team|thank you|thanks|there|thx|to|um|yo"
)
"""Words that call somebody or stand before a call."""
_NO_WORDS = "(?:&gt;|[^\\w@\uff20]|_)*"
_TO_COLLEAGUE = re.compile(
    rf"{_NO_WORDS}(?:\d{{1,2}}[.)]{_NO_WORDS})?(?:(?:{_CALL})\b{_NO_WORDS}){{0,4}}[@\uff20]{_UNSEEN_ONES}\w",
    re.IGNORECASE,
)


def note_text(text: str, prefixes: Sequence[str]) -> str | None:
    """The note without its prefix; None when the text is not marked as a note.

    `!note` marks one whatever the prefixes are, for it is one of the verbs.
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
    """A pattern for one character of a prefix, as keyboards give it."""
    if not "!" <= character <= "~":
        return re.escape(character)
    either = f"[{re.escape(character)}{chr(ord(character) + _WIDE)}]"
    return rf"\s*{either}" if character == ":" else either


def verb_in(markup: str) -> tuple[str, str] | None:
    """The verb that a message begins with, in lower case, and what stands behind it; None without one.

    Whatever begins with an exclamation mark and a word counts, known or not: it may be a slip.
    """
    found = _VERB.fullmatch(markup.strip())
    if found is None:
        return None
    lead, verb, rest = found.groups()
    if any(marker in lead for marker in _MARKERS):
        rest = rest.rstrip(_MARKERS)
    return verb.rstrip("_-").casefold(), rest.strip()


def is_to_colleague(text: str) -> bool:
    """Does a reply, as plain text, begin by calling a colleague, a group, the channel or the bot?

    Customers have no name in Slack that could be mentioned. Signs and a few words of greeting may stand
    before the mention.
    """
    return _TO_COLLEAGUE.match(text) is not None
