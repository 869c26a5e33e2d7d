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

_EMOJI = re.compile(r":([a-z0-9_+'-]+):(?::skin-tone-([2-6]):)?")
_GENDERED = re.compile(r"(man|woman|male|female)-(.+)")
_ELSEWHERE = {
    "male-doctor": "man_health_worker",
    "female-doctor": "woman_health_worker",
    "simple_smile": "slightly_smiling_face",
    "flag-england": "England",
    "flag-scotland": "Scotland",
    "flag-wales": "Wales",
    "rainbow-flag": "rainbow_flag",
}
_FLAG = re.compile(r"flag-([a-z]{2})")
_FIRST_TONE = 0x1F3FB
_FIRST_INDICATOR = 0x1F1E6


def plain_text(markup: str, name_of: NameOf, *, marked: bool = False) -> str:
    """Slack's markup as the words it stands for.

    Args:
        markup: the `text` of a message event.
        name_of: the name behind the id of a mentioned person.
        marked: leave the marks for bold, italic, struck and code, which WhatsApp writes as Slack does.
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
    character = _known(name)
    if not character or (_is_short(name) and _is_within(found)):
        return found[0]
    if tone is None:
        return character
    return character.rstrip("\ufe0f") + chr(_FIRST_TONE + int(tone) - 2)


def _is_short(name: str) -> bool:
    """Could it as well be a part of a time, a ratio or a path?"""
    return name.isdigit() or len(name) < 3


def _is_within(found: re.Match[str]) -> bool:
    """Does it touch other words?"""
    around = found.string[: found.start()][-1:] + found.string[found.end() :][:1]
    return any(character.isalnum() or character in "_:" for character in around)


def _known(name: str) -> str:
    """The character of this name, "" when there is none; Slack has some names that others spell otherwise."""
    gendered = _GENDERED.fullmatch(name)
    sex = {"male": "man", "female": "woman"}.get(gendered[1], gendered[1]) if gendered else ""
    spellings = [name, name.replace("-", "_"), _ELSEWHERE.get(name, "")]
    if gendered:
        spellings += [f"{sex}_{gendered[2]}", f"{sex}_{gendered[2].replace('-', '_')}"]
    for each in filter(None, spellings):
        character = emoji.emojize(f":{each}:", language="alias")
        if character != f":{each}:":
            return character
    return ""
