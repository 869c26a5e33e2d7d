"""Slack's markup as plain text for a customer's phone: no markers, no codes, nothing lost."""

from __future__ import annotations

import re
from collections.abc import Callable

import emoji

NameOf = Callable[[str], str]

_TOKEN = re.compile(r"<([^<>\n]+)>")
_CODE = re.compile(r"```\n?(.+?)\n?```|`([^`\n]+)`", re.DOTALL)
_KEPT = re.compile("\x00(\\d+)\x00")

# A marker counts as one only around whole words: 2 * 3, snake_case and ~5 to ~10 stay as they are.
_MARKERS = [
    re.compile(rf"(?<![^\W_])(?<!{mark}){mark}(?=\S)([^{mark}\n]+)(?<=\S){mark}(?!{mark}|[^\W_])")
    for mark in (r"\*", "_", "~")
]

_EMOJI = re.compile(r"(?<![\w:]):([a-z0-9_+'-]+):(?::skin-tone-([2-6]):)?(?!\w)")
_FLAG = re.compile(r"flag-([a-z]{2})")
_FIRST_TONE = 0x1F3FB
_FIRST_INDICATOR = 0x1F1E6


def plain_text(markup: str, name_of: NameOf) -> str:
    """Slack's markup as the words it stands for.

    Args:
        markup: the `text` of a message event.
        name_of: the name behind the id of a mentioned person.
    """
    kept: list[str] = []

    def keep(text: str) -> str:
        kept.append(text)
        return f"\x00{len(kept) - 1}\x00"

    text = markup.replace("\x00", "")
    text = _TOKEN.sub(lambda token: keep(_token(token[1], name_of)), text)
    text = _CODE.sub(lambda code: keep(code[1] or code[2]), text)
    for marker in _MARKERS:
        text = marker.sub(r"\1", text)
    text = _EMOJI.sub(_character, text)
    while _KEPT.search(text):  # what is kept may itself hold something that is
        text = _KEPT.sub(lambda found: kept[int(found[1])], text)
    return _unescaped(text)


def _unescaped(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _token(token: str, name_of: NameOf) -> str:
    """What stands between < and >: a mention, a date or a link, each perhaps with a label."""
    target, _, label = token.partition("|")
    if target.startswith("@"):
        return f"@{label or name_of(target[1:])}"
    if target.startswith("#"):
        return f"#{label or 'channel'}"
    if target.startswith("!"):
        return _special(target[1:], label)
    return _link(target, label)


def _special(target: str, label: str) -> str:
    if target.startswith("date^"):
        return label
    if target.startswith("subteam^"):
        return f"@{label.lstrip('@') or 'team'}"
    return f"@{label.lstrip('@') or target}"


def _link(target: str, label: str) -> str:
    address = re.sub(r"^(mailto|tel):", "", target)
    if not label or label in (target, address):
        return address
    if label.rstrip("/") == re.sub(r"^https?://", "", target).rstrip("/"):
        return label  # Slack made a link of what was typed
    return f"{label} ({address})"


def _character(found: re.Match[str]) -> str:
    """The emoji behind a code; the code itself when it is unknown (or the workspace's own)."""
    name, tone = found[1], found[2]
    flag = _FLAG.fullmatch(name)
    if flag:
        return "".join(chr(_FIRST_INDICATOR + ord(letter) - ord("a")) for letter in flag[1])
    code = f":{name}:"
    character = emoji.emojize(code, language="alias")
    if character == code:
        return found[0]
    if tone is None:
        return character
    return character.rstrip("\ufe0f") + chr(_FIRST_TONE + int(tone) - 2)
