"""Converts Slack's markup to plain text for a customer's phone, without losing content."""

from __future__ import annotations

import re
from collections.abc import Callable

from handoff_bot.slack.client.emoji import character

NameOf = Callable[[str], str]

_TOKEN = re.compile(r"<([^<>\n]+)>")
_CODE = re.compile(r"```\n?(.+?)\n?```|`([^`\n]+)`", re.DOTALL)
_KEPT = re.compile("\x00(\\d+)\x00")

# A marker counts only around whole words: 2 * 3, snake_case and ~5 to ~10 stay as they are.
_MARKERS = [
    re.compile(rf"(?<![^\W_])(?<!{mark}){mark}(?=\S)([^{mark}\n]+)(?<=\S){mark}(?!{mark}|[^\W_])")
    for mark in (r"\*", "_", "~")
]

_EMOJI = re.compile(r":([a-z0-9_+'-]+):(?::skin-tone-([2-6](?:-[2-6])?):)?")


def plain_text(markup: str, name_of: NameOf, *, marked: bool = False) -> str:
    """Converts Slack's markup to plain text.

    Args:
        markup: the `text` of a message event.
        name_of: the name for a mentioned person's id.
        marked: keep the marks for bold, italic, strike and code, which WhatsApp shares with Slack.
    """
    kept: list[str] = []

    def keep(text: str) -> str:
        kept.append(text)
        return f"\x00{len(kept) - 1}\x00"

    text = markup.replace("\x00", "")
    text = _TOKEN.sub(lambda token: keep(_token(token[1], name_of)), text)
    text = _CODE.sub(lambda code: keep(code[0] if marked else code[1] or code[2]), text)
    for marker in () if marked else _MARKERS:
        text = marker.sub(r"\1", text)
    text = _EMOJI.sub(_character, text)
    while _KEPT.search(text):  # kept parts may contain kept parts
        text = _KEPT.sub(lambda found: kept[int(found[1])], text)
    return _unescaped(text)


def _unescaped(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _token(token: str, name_of: NameOf) -> str:
    """Converts what stands between < and >: a mention, a date or a link, with an optional label."""
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
        return label  # Slack made a link of a typed address
    return f"{label} ({address})"


def _character(found: re.Match[str]) -> str:
    """Returns the emoji of a code; the code itself if it is unknown or custom."""
    name, tones = found[1], found[2] or ""
    shown = character(name, tones)
    if not shown or (_is_short(name) and _is_within(found)):
        return found[0]
    return shown


def _is_short(name: str) -> bool:
    """Whether it could also be a part of a time, a ratio or a path."""
    return name.isdigit() or len(name) < 3


def _is_within(found: re.Match[str]) -> bool:
    """Whether it touches other words."""
    around = found.string[: found.start()][-1:] + found.string[found.end() :][:1]
    return any(character.isalnum() or character in "_:" for character in around)
