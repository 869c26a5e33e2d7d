"""Follow-up questions that need an earlier one: "and in August?"."""

from __future__ import annotations

import re
from collections.abc import Sequence

from handoff_bot.ai.assistant.phrases import without_pleasantries
from handoff_bot.ai.assistant.words import folded, is_generic, telling_stems
from handoff_bot.domain.signals import Turn

_FEW = 3
"""Maximum number of content words in a follow-up; a question with more names its topic."""
_SHORT = 4
"""Maximum words of a question that begins with a preposition and has no other content ("to Spain?")."""
_DEPTH = 6
"""Number of customer turns searched for the topic."""

_OPENERS_TEXT = "also and y und et e en or o oder ou of but pero aber mais ma maar"
_OPENERS = frozenset(_OPENERS_TEXT.split())
_PAIRS = frozenset({("what", "about"), ("how", "about"), ("que", "tal")})
_PREPOSITIONS_TEXT = """
in on at for to from with without per by im am fur nach mit ohne bis ab con sin para por desde
hasta pour avec sans chez a au aux com sem ate da per senza voor met zonder naar
"""
_PREPOSITIONS = frozenset(_PREPOSITIONS_TEXT.split())


def leans_on_earlier(text: str) -> bool:
    """Returns whether it begins like a follow-up."""
    words = without_pleasantries(text)
    if words and is_generic(text):
        return True
    if not words or len(telling_stems(text)) > _FEW:
        return False
    if words[0] in _OPENERS or tuple(words[:2]) in _PAIRS:
        return True
    return words[0] in _PREPOSITIONS and len(words) <= _SHORT


def may_lean(text: str) -> bool:
    """Returns whether it is so short that an earlier question may complete it."""
    return 0 < len(telling_stems(text)) < _FEW or leans_on_earlier(text)


def topic(turns: Sequence[Turn]) -> str:
    """Returns the customer's earlier turns, back to a self-contained question; "" without one."""
    found: list[str] = []
    asked = [turn.text for turn in turns[:-1] if turn.role == "customer"]
    for text in reversed(asked[-_DEPTH:]):
        if is_question(text):
            found.insert(0, text)
            if not leans_on_earlier(text):
                break
    return " ".join(found)


def is_question(text: str) -> bool:
    """Returns whether it has content to search for."""
    return bool(telling_stems(text) and without_pleasantries(text))


_LABELLED = re.compile(r"[^\s:?]{1,40}(?: [^\s:?]{1,40}){0,4}: ?(?:[^\s?]{1,40} ?){0,3}")


def is_form(text: str) -> bool:
    """Returns whether it is only labels with short values ("name: Dana"), which ask for nothing."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return bool(lines) and all(len(each) < 200 and _LABELLED.fullmatch(each) for each in lines)


_AFTER_MARK = re.compile(r"(?<=[?\u061f\uff1f])\s*|(?<=[.!])\s+")
_ASKING_TEXT = """
how what when where which who why do does is are can could may will would have has must
wie was wann wo welche welcher welches wer warum kann konnen darf gibt ist sind habt haben muss wieviel
como que cuanto cuanta cuantos cuando donde cual quien puedo puede hay tienen es son
comment quel quelle quels quelles quand ou combien qui puis peut est avez faut
come cosa quanto quando dove quale chi posso avete siete
quanto quando onde qual quem posso tem
hoe wat wanneer waar welke wie kan mag zijn hebben
jak co kiedy gdzie ile czy
"""
_ASKING = frozenset(_ASKING_TEXT.split())
_ASKING_AFTER_I = frozenset(["jak", "co", "kiedy", "gdzie", "ile", "czy"])
"""Polish "i" joins questions; English "I" does not, as in "how late can I come?"."""
_AND = re.compile(
    r"(?<!\s),?\s{1,3}(?:and|und|y|et|e|en|ve|och|i|oraz|и|та)\s{1,3}"
    r"(?=(?:(?:until|from|for|bis|ab|seit|von|hasta|desde|para|jusqu|à|a|até|fino|da|vanaf|tot|do"
    r"|od)['\u2019 ])?(\w{1,40}))",
    re.IGNORECASE,
)


def questions_in(text: str) -> list[str]:
    """Returns the questions of a message that asks several; otherwise only the whole message."""
    parts = [part.strip() for part in _AFTER_MARK.split(text) if part.strip()]
    asked = [one for part in parts if _asks(part) for one in _joined_by_and(part)]
    return asked if len(asked) > 1 else [text]


_UNMARKED = ("か", "吗", "嗎", "呢", "요", "까", "ไหม", "ไหมคะ", "ไหมครับ", "มั้ย")
"""Ends of questions in scripts that often have no question mark."""


def asks(text: str) -> bool:
    """Returns whether any sentence is a question."""
    parts = [part.strip() for part in _AFTER_MARK.split(text) if part.strip()]
    return any(_asks(part) or part.endswith(_UNMARKED) for part in parts)


def _asks(part: str) -> bool:
    words = without_pleasantries(part)
    is_marked = part.endswith(("?", "\u061f", "\uff1f"))
    return bool(words) and (is_marked or words[0] in _ASKING) and bool(telling_stems(part))


def _joined_by_and(part: str) -> list[str]:
    """Splits before an "and" that begins another question, if both parts have content."""
    for found in _AND.finditer(part):
        first, second = part[: found.start()], part[found.end() :]
        begins = _ASKING_AFTER_I if found[0].strip(" ,").lower() == "i" else _ASKING
        asks = folded(found[1]).strip() in begins and _asks(f"{first}?")
        if asks and telling_stems(second) and len(first.split()) > 1:
            return [f"{first}?", *_joined_by_and(second)]
    return [part]
