"""Language codes (ISO 639-1) and their English names, by CLDR."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache

_COMMON_CODES = (
    "ar bg bn ca cs da de el en es et fa fi fr he hi hr hu id it ja ko lt lv ms nl no pl pt ro ru sk sl "
    "sr sv sw ta th tl tr uk ur vi zh"
)
_COMMON = tuple(_COMMON_CODES.split())
_USUAL_NAMES = {"bn": "Bengali"}
"""Shown instead of CLDR's names: it writes Bangla."""


class _Names(Mapping[str, str]):
    """Reads CLDR only when a name is needed: at start, none is."""

    def __getitem__(self, code: str) -> str:
        if code not in _COMMON:
            raise KeyError(code)
        return name_of(code)

    def __iter__(self) -> Iterator[str]:
        return iter(_COMMON)

    def __len__(self) -> int:
        return len(_COMMON)


NAMES: Mapping[str, str] = _Names()
"""English names of common languages by code, which menus offer."""


@cache
def _all_names() -> Mapping[str, str]:
    from babel import Locale  # 13 ms with its data; most commands need none of it

    return {code: name for code, name in Locale("en").languages.items() if len(code) == 2}


def is_code(code: str) -> bool:
    return code in _all_names()


def name_of(code: str) -> str:
    """Returns the language's name, or its code if the name is unknown."""
    return _USUAL_NAMES.get(code) or _all_names().get(code, code)


def code_in(words: str) -> str:
    """Returns the code for a code in any case or an English name; "" if unknown."""
    said = words.strip().casefold()
    if is_code(said):
        return said
    named = (*_USUAL_NAMES.items(), *_all_names().items())
    return next((code for code, name in named if name.casefold() == said), "")
