"""Texts that make careless patterns take for ever, and how long a function takes for them."""

from __future__ import annotations

import contextlib
import gc
import math
import re
import sys
import time
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from handoff_bot.ai.failures import Failure
from handoff_bot.domain.errors import HandoffError
from handoff_bot.web.chat import Refused

parser = import_module(
    "re._parser"
)  # what `re` itself compiles with: there is no public name for it
LONGEST = 4000
SHORT = 64
TRIES = 5
"""The least of so many measurements counts: nothing makes a call quicker than it is."""
AGREEING = 2
"""So many measurements without trouble are believed."""
BOUND = 0.25
"""Seconds of CPU for one call: a linear function needs milliseconds."""
GROWTH = 3.0
"""Twice the text may take so many times as long: linear is 2, quadratic 4."""
EXPECTED = (
    Failure,  # an answer of a language model is not what was asked for
    HandoffError,
    Refused,
    SQLAlchemyError,  # what is no address of a database
    ValueError,
    ArithmeticError,
    LookupError,
    TypeError,
    RuntimeError,
)
"""How a function may refuse a text; that it does so in time is all that is asked here."""
UNNOTICED = 0.03
"""Seconds below which no growth is asked for: they are lost in what else the interpreter does."""

SEEDS = [
    *(
        " ",
        "\n",
        "\t",
        "\u00a0",
        "\u3000",
        "\u200b",
        "\u200d",
        "\u0301",
        "\u202e",
        "\x00",
        "\ufe0f",
    ),
    *(
        "a",
        "A",
        "0",
        "7",
        "-",
        "_",
        ".",
        ",",
        ":",
        ";",
        "!",
        "?",
        "/",
        "\\",
        "'",
        '"',
        "`",
        "#",
        "%",
    ),
    *(
        "[",
        "(",
        "{",
        "<",
        "*",
        "~",
        "|",
        "@",
        "&",
        "=",
        "+",
        "]",
        ")",
        "}",
        ">",
        "é",
        "ß",
        "字",
        "א",
    ),
    *("😀", "👍🏽", "\U0001f1e9", "\u1100", "\u094d\u0915", "\ud800"),
    *(
        "[[",
        "((",
        "**",
        "``",
        "~~",
        "__",
        "<<",
        "@@",
        "{{",
        "](",
        "[a](",
        "![",
        "<!--",
        "<a ",
        "&lt;",
    ),
    *(
        " a",
        "a ",
        "a\n",
        "\n\n",
        "\n ",
        " \n",
        "\n- ",
        "\n# ",
        "# ",
        "> ",
        "- ",
        "1. ",
        "a.",
        "a,",
        "a-",
    ),
    *(
        "a@",
        "@a",
        "a@a.",
        "a.a",
        "a/",
        "http://",
        "https://a",
        "www.",
        "//",
        "://",
        "a:",
        "1:",
        ":a:",
    ),
    *(
        "0 ",
        "0-",
        "0.",
        "0,",
        "00 ",
        "+1 ",
        "(0)",
        "0/",
        "0a",
        "a0",
        "1 234 ",
        "12:34 ",
        "A1",
        "A1-",
    ),
    *(
        "{customer",
        "{customer}",
        " ,",
        ", ",
        " ,{",
        "{}",
        "{a",
        "}}",
        "%40",
        "%s",
        "$",
        "\r\n",
        "*a",
        "_a ",
    ),
    *(
        "*a*",
        "_a_",
        "`a`",
        "~a~",
        "```",
        "```a",
        "<@U1>",
        "<@U1",
        "<http",
        "|a",
        "!a",
        "! ",
        "note:",
        "•",
    ),
    *(
        "DE89 ",
        "IBAN",
        "ab12 ",
        "4111 ",
        "4111-",
        "EUR ",
        "€ ",
        "\u2018",
        "a'",
        "'a",
        "no ",
        "not ",
        "how ",
    ),
]


def samples(pattern: str, flags: int) -> Iterator[str]:
    """A text that a pattern matches, and the beginnings of it that nearly do."""
    try:
        match = "".join(_sample(parser.parse(pattern, flags)))
    except (ValueError, OverflowError, RecursionError, re.error):
        return
    match = match[:60]
    yield match
    if len(match) > 1:
        yield match[:-1]
        yield match[: len(match) // 2]
        yield match[1:]


def _sample(parsed: Any) -> Iterator[str]:
    for kind, held in parsed:
        yield from _SAMPLERS.get(str(kind), _nothing)(held)


def _nothing(held: Any) -> Iterator[str]:
    yield ""


def _literal(held: Any) -> Iterator[str]:
    yield chr(held)


def _set(held: Any) -> Iterator[str]:
    names = {"CATEGORY_DIGIT": "0", "CATEGORY_SPACE": " ", "CATEGORY_WORD": "a"}
    kind, first = held[0]
    if str(kind) == "RANGE":
        yield chr(first[0])
    elif str(kind) == "LITERAL":
        yield chr(first)
    elif str(kind) == "CATEGORY":
        yield names.get(str(first), "x")
    else:
        yield "x"


def _repeat(held: Any) -> Iterator[str]:
    least, most, inner = held
    once = "".join(_sample(inner))
    yield once * max(int(least), min(2, int(most)))


def _branch(held: Any) -> Iterator[str]:
    yield from _sample(held[1][0])


def _group(held: Any) -> Iterator[str]:
    yield from _sample(held[-1])


def _any(held: Any) -> Iterator[str]:
    yield "x"


_SAMPLERS: dict[str, Callable[[Any], Iterator[str]]] = {
    "LITERAL": _literal,
    "NOT_LITERAL": _any,
    "ANY": _any,
    "IN": _set,
    "MAX_REPEAT": _repeat,
    "MIN_REPEAT": _repeat,
    "POSSESSIVE_REPEAT": _repeat,
    "BRANCH": _branch,
    "SUBPATTERN": _group,
    "ATOMIC_GROUP": lambda held: _sample(held),
}


def hostile(seeds: list[str], length: int) -> Iterator[tuple[str, str]]:
    """Each seed again and again, alone and before something that spoils a match."""
    for seed in dict.fromkeys(seeds):
        if not seed:
            continue
        body = (seed * (length // len(seed) + 1))[: length - 2]
        yield ascii(seed), body
        yield f"{seed!a} and an end", f"x{body}\x01"


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """No collection of other tests' garbage and no tracer, so that what is measured is the function."""
    tracer, collects = sys.gettrace(), gc.isenabled()
    gc.disable()
    sys.settrace(None)
    try:
        yield
    finally:
        sys.settrace(tracer)
        if collects:
            gc.enable()


def seconds(function: Callable[[str], object], text: str) -> float:
    """CPU time of this thread for one call, whatever the function makes of the text."""
    with undisturbed():
        began = time.thread_time()
        with contextlib.suppress(*EXPECTED):
            function(text)
        return time.thread_time() - began


def trouble(function: Callable[[str], object], seed: str, spoil: bool) -> str:
    """Why this takes too long for texts made of a seed, "" when it does not."""

    def made(length: int) -> str:
        body = (seed * (length // len(seed) + 1))[: length - 2]
        return f"x{body}\x01" if spoil else body

    with contextlib.suppress(*EXPECTED):
        function(made(SHORT))  # what is read or built on first use is not the text's fault
    quarter = seconds(function, made(LONGEST // 4))
    if quarter > BOUND:  # do not even try the whole
        return f"{LONGEST // 4} characters take more than {BOUND} s"
    if quarter < UNNOTICED / 4**3:  # even if it were cubic
        return ""
    whole = seconds(function, made(LONGEST))
    if whole < UNNOTICED:
        return ""
    half = whole = math.inf
    for number in range(1, TRIES + 1):
        # In turn: what slows the machine down meanwhile then slows both.
        half = min(half, seconds(function, made(LONGEST // 2)))
        whole = min(whole, seconds(function, made(LONGEST)))
        if number >= AGREEING and whole <= max(UNNOTICED, min(BOUND, GROWTH * half)):
            return ""
    return (
        f"{whole:.2f} s" if whole > BOUND else f"grows {whole / half:.1f} times, to {whole:.2f} s"
    )
