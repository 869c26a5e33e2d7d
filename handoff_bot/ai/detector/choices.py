"""Which of several offered options a customer picks by its place: "the first one", "2", "the latter".

A list, not a model: the words for a place are few in any language, and no example shows them next to
all offers.
"""

# ruff: noqa: RUF001 - customers' languages

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import product

from handoff_bot.ai.detector import text

_FIRST, _SECOND, _THIRD, _LAST = 0, 1, 2, -1
_WORDS_TEXT = {
    _FIRST: """
        1 a first 1st former primero primera primer primeiro primeira premier premiere 1er erste erster
        erstes ersten ersteres erstere primo prima eerste eerstgenoemde pierwszy pierwsza pierwsze
        pierwsza första förstnämnda birinci birincisi birinciyi ilk ilki ilkini первый первая первое
        первую первого перший перша перше першу الأول الأولى الاول الاولى اول पहला पहली पहले pehla
        pehli pehle pertama πρώτο πρώτη πρώτος πρώτον הראשון הראשונה ראשון ראשונה
    """,
    _SECOND: """
        2 b second 2nd segundo segunda deuxième second seconde 2e zweite zweiter zweites zweiten
        letzteres letztere secondo seconda tweede laatstgenoemde drugi druga drugie drugą andra ikinci
        ikincisi ikinciyi второй вторая второе вторую второго другий друга друге другу الثاني الثانية
        दूसरा दूसरी दूसरे doosra dusra doosri dusri kedua δεύτερο δεύτερη δεύτερος השני השנייה שני שנייה
    """,
    _THIRD: """
        3 c third 3rd tercero tercera tercer terceiro terceira troisième 3e dritte dritter drittes
        dritten terzo terza derde trzeci trzecia trzecie trzecią tredje üçüncü üçüncüsü üçüncüyü третий
        третья третье третью третій третя третє третю الثالث الثالثة तीसरा तीसरी तीसरे teesra tisra
        ketiga τρίτο τρίτη τρίτος השלישי השלישית
    """,
    _LAST: """
        last latter último última dernier dernière letzte letzter letztes letzten ultimo ultima laatste
        ostatni ostatnia ostatnie ostatnią sista sistnämnda sonuncu sonuncusu последний последняя
        последнее последнюю останній остання останнє останню الأخير الأخيرة आखिरी aakhri terakhir
        τελευταίο τελευταία האחרון האחרונה
    """,
}
_WORDS = {text.fold(word): place for place, words in _WORDS_TEXT.items() for word in words.split()}
_SPACELESS = {
    "第一": _FIRST, "前者": _FIRST, "一つ目": _FIRST, "ひとつ目": _FIRST, "最初": _FIRST, "一番目": _FIRST,
    "头一": _FIRST, "อันแรก": _FIRST, "ข้อแรก": _FIRST, "แบบแรก": _FIRST, "ตัวเลือกแรก": _FIRST,
    "첫번째": _FIRST, "첫 번째": _FIRST, "첫째": _FIRST, "đầu tiên": _FIRST, "thứ nhất": _FIRST,
    "cái đầu": _FIRST, "第二": _SECOND, "二つ目": _SECOND, "ふたつ目": _SECOND, "二番目": _SECOND,
    "อันที่สอง": _SECOND, "ข้อสอง": _SECOND, "두번째": _SECOND, "두 번째": _SECOND, "둘째": _SECOND,
    "thứ hai": _SECOND, "cái sau": _SECOND, "第三": _THIRD, "三つ目": _THIRD, "อันที่สาม": _THIRD,
    "세번째": _THIRD, "세 번째": _THIRD, "thứ ba": _THIRD, "后者": _LAST, "後者": _LAST, "最后": _LAST,
    "最後": _LAST, "อันสุดท้าย": _LAST, "마지막": _LAST, "cuối cùng": _LAST,
}  # fmt: skip
_SPACELESS_FOLDED = {text.fold(word): place for word, place in _SPACELESS.items()}
_DIGIT = re.compile(r"(?:#|no\.?|nr\.?|option)?\s*([1-3])\s*[.)]?", re.IGNORECASE)

_LONGEST = 6
"""In words: a longer message says more than a place, such as "the first one arrived broken, and"."""

_LONGEST_SPACELESS = 16
_LONGEST_QUESTION = 2_000  # in characters
_ITEM = re.compile(r"(?:[-*\u2022\u2013]|\d{1,2}[.)]|[A-Ca-c][.)])\s+(\S.*)")
_OR = (
    re.compile(
        r",?\s+(?:or|oder|ou|lub|albo|eller|veya|ya da|yoksa|или|либо|або|чи|atau|hoặc|ή|या|أو|או)\s+"
        r"|\s*(?:หรือ|或者|还是|或|それとも|または|あるいは|또는|아니면)\s*",
        re.IGNORECASE,
    ),
    re.compile(r",?\s+(?:o|of|hay|czy|ya)\s+", re.IGNORECASE),
)
"""Words between options; the second ones mean something else in other languages."""

_COMMA = re.compile(r"[,;\u060c\u3001\uff0c]\s*")


def picked(words: str) -> int | None:
    """Returns the place that a short answer names: 0, 1, 2, -1 for the last one; None if it names none
    or several.
    """
    folded = text.fold(words)
    digit = _DIGIT.fullmatch(words.strip().rstrip("!. "))
    if digit:
        return int(digit[1]) - 1
    said = text.tokens(folded)
    places = {_WORDS[word] for word in said if word in _WORDS} if len(said) <= _LONGEST else set()
    if len(folded) <= _LONGEST_SPACELESS:
        places |= {place for word, place in _SPACELESS_FOLDED.items() if word in folded}
    if len(said) > 1:
        places -= {_WORDS[word] for word in ("a", "b", "c") if word in said and len(places) > 1}
    return places.pop() if len(places) == 1 else None


def options(words: str) -> list[str]:
    """Returns the options of a message: the items of its list, or what an "or" separates."""
    words = words[:_LONGEST_QUESTION]
    items = [item[1] for line in words.splitlines() if (item := _ITEM.match(line.strip()))]
    if len(items) > 1:
        return items
    said = [" ".join(one.split()) for one in text.sentences(words)[::-1]]
    for between, sentence in product(_OR, said):
        parts = [part for part in between.split(sentence) if part.strip()]
        if len(parts) > 1:
            return [piece for part in parts[:-1] for piece in _COMMA.split(part)] + parts[-1:]
    return []


def picks_offer(words: str, answered: str, offers: Callable[[str], float]) -> bool | None:
    """Returns whether an answer picks, of the options of a message, the one that offers an agent.

    None if it picks by no place, or the message has no such options.

    Args:
        offers: how likely a text offers an agent.
    """
    place = picked(words)
    given = options(answered) if place is not None else []
    if place is None or len(given) < 2 or place >= len(given):
        return None
    scores = [offers(one) for one in given]
    return scores.index(max(scores)) == place % len(given)
