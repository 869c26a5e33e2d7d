"""Addresses and phone numbers in what a language model says: only the knowledge base's may stay."""

from __future__ import annotations

import re

_DOT = "[.\u3002\uff0e\uff61]"  # the full stops of other scripts that browsers take for a dot
_SCHEME = r"(?:https?|ftp|wss?|file|javascript|data|mailto|tel|sms|whatsapp|tg|slack|intent):"
_HOST = rf"(?:[\w-]{{1,63}}{_DOT}){{1,8}}(?:xn--[a-z0-9-]{{2,59}}|[a-z]{{2,24}})"
_TAIL = r"(?:[/:?#][^\s<>\"')\]]*)?"
_ADDRESS = re.compile(
    rf"{_SCHEME}[^\s<>\"')\]]+|(?<![\w@])(?:[\w.+-]{{1,64}}@)?{_HOST}(?![\w@]){_TAIL}",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"(?<!\w)\+\d[\d ()./-]{5,20}\d")
_NAMES = frozenset(
    {"js", "py", "ts", "md", "pdf", "txt", "csv", "jpg", "png", "docx", "xlsx", "zip"}
)
"""Endings of file names and of technologies' names ("Node.js"), where nothing else looks like a host."""
_END = ".,;:!?)\u2026"


def without_foreign_addresses(text: str, passages: str) -> str:
    """The text without addresses that no passage holds, whoever talked the model into them."""
    known = {_bare(found[0]) for found in _ADDRESS.finditer(passages)}
    numbers = {_digits(found[0]) for found in _NUMBER.finditer(passages)}

    def address(found: re.Match[str]) -> str:
        return found[0] if _bare(found[0]) in known or _is_name(found[0]) else ""

    def number(found: re.Match[str]) -> str:
        return found[0] if _digits(found[0]) in numbers else ""

    return _NUMBER.sub(number, _ADDRESS.sub(address, text))


def _bare(address: str) -> str:
    return address.rstrip(_END).casefold()


def _digits(number: str) -> str:
    return re.sub(r"\D", "", number)


def _is_name(words: str) -> bool:
    """A file's or technology's name, or two sentences without a space between them."""
    first, _, last = words.rstrip(_END).rpartition(".")
    if not first or "." in first or "/" in words or "@" in words or ":" in words:
        return False
    return last.casefold() in _NAMES or (last[:1].isupper() and first[-1:].islower())
