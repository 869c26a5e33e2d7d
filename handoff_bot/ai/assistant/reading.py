"""Reads the sentences or rows that answer out of a passage."""

from __future__ import annotations

import re
from collections.abc import Sequence

from handoff_bot.ai.assistant.evidence import ITEM, holds, searchable
from handoff_bot.ai.assistant.knowledge import Hit
from handoff_bot.ai.assistant.words import telling_stems, words_of

_MOST = 3
_SHORT = 240
"""Characters of a passage that is quoted whole."""
_TOGETHER = 0.72
"""Minimum fit of a neighbouring sentence, relative to the best one."""
_SAME = 0.03
_ROW = re.compile(r"[^:.]{1,60}: .+")
_LEANS_TEXT = """
it they this that these those otherwise after then there he she its their in if er sie es sonst
danach dann das diese dies dazu dafur davor lo la los esto eso despues entonces il elle ils cela
ensuite apres sinon dopo altrimenti poi
"""
_LEANS = frozenset(_LEANS_TEXT.split())
"""First words of a sentence that goes on from the one before."""

_ALSO = frozenset(["also", "them", "too", "auch", "tambien", "aussi", "anche", "tambem", "ook"])

_ASKS_TEXT = """
do does did is are can could may will would have has am must should kann kannst konnen
konnt darf durfen ist sind gibt habt haben hat muss mussen bietet bieten nehmt nehmen seid werden
wird liefert liefern verkauft verkaufen macht machen puedo puede pueden podemos hay tienen tiene
es son aceptan hacen venden ofrecen esta estan puis peut pouvez avez est faut faites acceptez
vendez livrez posso possiamo avete fate siete accettate vendete posso pode tem voces aceitam
vendem kan mag is zijn hebben heeft hebt kunnen verkopen leveren
"""
_ASKS = frozenset(_ASKS_TEXT.split())
"""First words of a question to which yes or no is an answer. Not "was", which asks for a thing in German."""
_CHOICE_TEXT = "or oder o ou of not nicht kein keine keinen no pas non niet geen"
_CHOICE = frozenset(_CHOICE_TEXT.split())
_NEGATIVE_TEXT = """
not no never cannot without forbidden neither nor unavailable nicht kein keine keinen keiner
keinem nie verboten ni nunca prohibido tampoco pas ne aucun aucune jamais interdit interdits non
nessun nessuna vietato nunca nao nem proibido niet geen nooit verboden nobody unfortunately leider
"""
_NEGATIVE = frozenset(_NEGATIVE_TEXT.split())
_LIMITS_TEXT = """
after before without except only until more less over under than other if unless outside late
later nach vor ohne nur ausser bis mehr weniger uber unter wenn sofern despues antes sin solo
hasta mas menos si salvo apres avant sans seulement jusque plus moins sauf dopo prima senza fino
piu meno tranne se depois sem apenas ate na voor zonder alleen tot meer minder als behalve but
aber pero mais ma most some many usually
"""
_LIMITS = frozenset(_LIMITS_TEXT.split())
"""Words that limit: a sentence that has others than the question says neither yes nor no."""
_LETS = re.compile(r"(?:yes|no|ja|nein|si|oui|non|sim|nao|nee)\b")


def quote(hit: Hit, question: str = "") -> str:
    """Returns one to three sentences, a row, or the steps of a list; short passages whole.

    Of the rows of a table, those with most words of the question count: every row is about the same
    in meaning.
    """
    text = hit.passage.text
    said = [each for each, _ in hit.statements]
    is_short = len(text) <= _SHORT and len(said) <= _MOST
    if not said or (is_short and not any(_is_row(said, at) for at in range(len(said)))):
        return text
    scores = [score for _, score in hit.statements]
    best = max(range(len(scores)), key=scores.__getitem__)
    if _is_row(said, best):
        rows = _named_rows(said, [at for at in range(len(said)) if _is_row(said, at)], question)
        least = max(scores[at] for at in rows) - _SAME
        return "\n".join(said[at] for at in rows if scores[at] >= least)
    if ITEM.match(said[best]) or said[best].endswith(":"):
        return "\n".join(_list_around(said, best))
    first, last = _stretch(said, scores, best)
    return " ".join(each.strip() for each in said[first : last + 1])


def _named_rows(said: Sequence[str], rows: Sequence[int], question: str) -> list[int]:
    """Returns the rows that hold most of the question's words."""
    stems = telling_stems(question)
    known = {at: searchable(said[at]) for at in rows}
    named = {at: sum(holds(known[at], one) for one in stems) for at in rows}
    return [at for at in rows if named[at] == max(named.values())]


def _is_row(said: Sequence[str], at: int) -> bool:
    """Returns whether it is a row of a table: a neighbour has the same first column."""
    if not _ROW.fullmatch(said[at]):
        return False
    column = said[at].partition(":")[0]
    around = [*said[max(0, at - 1) : at], *said[at + 1 : at + 2]]
    return any(each.partition(":")[0] == column and _ROW.fullmatch(each) for each in around)


def _list_around(said: Sequence[str], at: int) -> list[str]:
    """Returns a list with the line above it."""
    first = last = at
    while last + 1 < len(said) and ITEM.match(said[last + 1]):
        last += 1
    while first > 0 and ITEM.match(said[first]):
        first -= 1
    return list(said[first : last + 1])


def _stretch(said: Sequence[str], scores: Sequence[float], best: int) -> tuple[int, int]:
    first = last = best
    if first > 0 and _goes_on(said[first]):
        first -= 1
    while last - first + 1 < _MOST:
        after = last + 1 < len(said) and not ITEM.match(said[last + 1])
        if after and (_goes_on(said[last + 1]) or scores[last + 1] >= _TOGETHER * scores[best]):
            last += 1
        elif first > 0 and scores[first - 1] >= _TOGETHER * scores[best]:
            first -= 1
        else:
            break
    return first, last


def _goes_on(sentence: str) -> bool:
    words = words_of(sentence)
    return bool(words) and (words[0] in _LEANS or not _ALSO.isdisjoint(words))


def heading(hit: Hit, question: str, quoted: str) -> str:
    """Returns the passage's heading if neither the question nor the quotation says it, else ""."""
    known = searchable(f"{question} {quoted}")
    new = [one for one in telling_stems(hit.passage.heading) if not holds(known, one)]
    return hit.passage.heading if new else ""


def is_yes(question: str, hit: Hit) -> bool | None:
    """Returns whether the passage says yes to the question; None if it does not say.

    Only a sentence that holds all of the question's words says so, and only if no word limits it
    ("until", "only", "without") that is not in the question as well.
    """
    asked = words_of(question)
    if not asked or asked[0] not in _ASKS or _CHOICE & set(asked):
        return None
    return _says(decisive(hit), telling_stems(question), set(asked))


def decisive(hit: Hit) -> str:
    """Returns the sentence that fits best."""
    return max(hit.statements, key=lambda one: one[1], default=("", 0.0))[0]


def _says(text: str, stems: Sequence[str], asked: set[str]) -> bool | None:
    known, words = searchable(text), set(words_of(text))
    if not stems or not all(holds(known, one) for one in stems):
        return None
    if (_LIMITS & words) ^ (_LIMITS & asked) or _LETS.match(" ".join(words_of(text)[:1])):
        return None
    if {one for one in asked if one.isdecimal()} - words:
        return None
    return not _NEGATIVE & words
