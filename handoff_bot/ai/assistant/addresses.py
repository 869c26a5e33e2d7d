"""Filters addresses and phone numbers in a language model's answer: only those of the knowledge
base may stay.
"""

from __future__ import annotations

import re

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
