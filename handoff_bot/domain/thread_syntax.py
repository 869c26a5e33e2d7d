"""Recognises internal thread messages: notes, commands such as !resolve, and mentions of
colleagues.

Customers must not receive them, so they are recognised as people type them: after a bullet or quote
mark, in bold, with full-width punctuation, after an invisible character.
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
