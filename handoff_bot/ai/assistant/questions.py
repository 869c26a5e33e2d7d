"""What a question asks for, and whether it needs an earlier one: "and in August?"."""

# ruff: noqa: E501, RUF001 - one line for each group of languages

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum
from functools import lru_cache
from typing import LiteralString

from handoff_bot.ai.assistant.phrases import without_pleasantries
from handoff_bot.ai.assistant.words import folded, is_generic, telling_stems
from handoff_bot.domain.signals import Turn

# -- what is asked for (a price, a duration, a time, a number), and which sentences hold it
# A passage about the right subject that lacks it is no answer: "how much is a crown?" is not
# answered by how many visits it takes.


class Kind(StrEnum):
    PRICE = "price"
    DURATION = "duration"
    TIME = "time"
    COUNT = "count"


def _any(*patterns: LiteralString) -> re.Pattern[str]:
    return re.compile("|".join(patterns))


# Folded text: lowercase, without accents. The first kind that fits is asked for.
_ASKED = {
    Kind.DURATION: _any(
        r"\bhow (?:long|soon|fast|quick\w*)\b",
        r"\bwie (?:lange|schnell)\b",
        r"\bcuanto (?:tiempo|tarda\w*|dura\w*)\b",
        r"\bcombien de temps\b|\bduree\b",
        r"\bquanto (?:tempo|dura|demora|ci (?:vuole|mette))\b",
        r"\bhoe (?:lang|snel)\b|\bhur (?:lange|snabbt)\b|\bjak (?:dlugo|szybko)\b",
        r"\bne kadar sur\w*|\bkac gun\b|сколько (?:времени|дн|длит|занима)|как долго|скільки часу",
        r"berapa lama|bao lau|πόσο (?:καιρο|χρονο)|どのくらい|何日|多\s*久|几\s*天|얼마나|며칠|كم (?:يستغرق|من الوقت)",
    ),
    Kind.PRICE: _any(
        r"\bhow (?:much|expensive)\b|\bwhat\b.*\b(?:costs?|charge|prices?|fees?|rates?|pay)\b|\bprices? (?:of|for)\b",
        r"\bcosts?$|\bcosts? of\b|\bfees?\b|\bwas\b.*\bkoste\w*|\bwie (?:viel|teuer)\b.*\bkoste\w*|\bwie teuer\b|\bpreise?\b",
        r"\bcuanto (?:cuesta\w*|vale\w*|es|cobran\w*|sale)\b|\bprecios?\b|\bcombien (?:coute\w*|ca|paie|est)\b|\bprix\b|\btarif\b",
        r"\bquanto (?:costa\w*|custa\w*|viene|vale|e)\b|\bprezz[oi]\b|\bprecos?\b|\bwat kost\w*|\bhoeveel kost\w*|\bprijs\b",
        r"\bile koszt\w*|\bcena\b|\bne kadar\b|\bfiyat\w*|\bvad kostar\b|\bpris\b|сколько стоит|цена|скільки кошту",
        r"berapa (?:harga|biaya)|gia bao nhieu|πόσο κοστιζ|いくら|料金|多\s*少\s*钱|价\s*格|얼마예요|얼마입니까|가격|كم (?:سعر|تكلف|ثمن)",
    ),
    Kind.TIME: _any(
        r"\bwhen\b|\bwhat time\b|\b(?:which|what) days?\b|\buntil\b.*\?|\bhours\b|\bopen on\b",
        r"\bwann\b|\bum wie ?viel uhr\b|\ban welche\w tag\w*|\boffnungszeiten\b",
        r"\bcuando\b|\ba que hora\b|\bque dias?\b|\bquand\b|\ba quelle heure\b|\bquels? jours?\b",
        r"\bquando\b|\ba che ora\b|\bche giorn[oi]\b|\ba que horas\b|\bwanneer\b|\bhoe laat\b|\bwelke dag\w*",
        r"\bkiedy\b|\bo ktorej\b|\bne zaman\b|\bsaat kac\w*|\bhangi gun\w*|\bnar\b|когда|во сколько|коли|о котрій",
        r"\bkapan\b|\bkhi nao\b|\bποτε\b|いつ|何時|什\s*么\s*时\s*候|几\s*点|언제|몇 시|متى",
    ),
    Kind.COUNT: _any(
        r"\bhow (?:many|old|often|heavy|high|big|large|far)\b|\bwie (?:viele?|oft|alt|schwer|hoch|gro\w+|weit)\b",
        r"\bcuant[oa]s\b|\bcombien de\b|\bquant[ei]\b|\bquant[oa]s\b|\bhoeveel\b|\bile\b|\bkac\b|\bhur manga\b",
        r"сколько|скільки|\bberapa\b|\bbao nhieu\b|何人|何個|几\s*个|多\s*少|몇|كم",
    ),
}

_UNITS = (
    r"\b(?:seconds?|minutes?|mins?|hours?|days?|nights?|weeks?|months?|years?|overnight"
    r"|sekunden?|minuten?|stunden?|tag(?:en?)?|nachte?|wochen?|monat(?:en?)?|jahr(?:en?)?|werktag\w*"
    r"|minutos?|horas?|dias?|semanas?|mes(?:es)?|anos?|heures?|jours?|nuits?|semaines?|mois|ans?"
    r"|minut[oi]|or[ae]|giorn[oi]|settiman[ae]|mesi?|ann[oi]|dag(?:en)?|we(?:ek|ken)|maand(?:en)?|jaar|uur"
    r"|dni|dzien|godzin\w*|tygodni\w*|miesi\w*|gun|saat|hafta|ay|yil|dagar|timm\w*|veck\w*|manad\w*)\b"
    r"|дн(?:я|ей|ів|і)|день|час|недел|тижн|месяц|місяц|год|рок|日|時間|分|週|天|小\s*时|分\s*钟|周|月|年|일|시간|분|주"
)
_HELD = {
    Kind.PRICE: _any(
        r"[€$£¥₹₺₽]",
        r"\b(?:eur|euros?|usd|dollars?|gbp|pounds?|chf|francs?|franken|cents?|pln|zl|zloty\w*|kr|kronor|tl|lira|rub)\b",
        r"\b(?:free|charge|fee|included|gratis|kostenlos|kostenfrei|gratuit\w*|gratuita?mente|inbegriffen|incluid\w*|inclus\w*)\b",
        r"руб|грн|円|元|원",
    ),
    Kind.DURATION: re.compile(_UNITS),
    Kind.TIME: _any(
        r"\d{1,2} ?[:.h] ?\d{2}|\b\d{1,2} ?(?:am|pm|uhr|h|o'clock|uur)\b|\b\d{1,2}(?:st|nd|rd|th)\b|\b\d{1,2}\.(?=\s)",
        r"\b(?:(?:mon|tues|wednes|thurs|fri|satur|sun)days?|weekends?|daily|today|tomorrow|always|morning|evening|noon|midnight"
        r"|january|february|march|april|may|june|july|august|september|october|november|december)\b",
        r"\b(?:montag|dienstag|mittwoch|donnerstag|freitag|samstag|sonntag|taglich|werktag)\w*",
        r"\b(?:lunes|martes|miercoles|jueves|viernes|sabados?|domingos?|lundi|mardi|mercredi|jeudi|vendredi|samedi|dimanche)\b",
        r"\b(?:lunedi|martedi|mercoledi|giovedi|venerdi|sabato|domenica|maandag|dinsdag|woensdag|donderdag|vrijdag|zaterdag|zondag)\b",
        r"\b(?:enero|febrero|marzo|abril|mayo|junio|julio|agosto|septiembre|octubre|noviembre|diciembre|mai|juin|juillet|aout)\b",
        _UNITS,
    ),
    Kind.COUNT: _any(
        r"\d",
        r"\b(?:one|two|three|four|five|six|seven|eight|nine|ten|twelve|twenty|once|twice|unlimited|every|never|always)\b",
        r"\b(?:ein\w?|zwei|drei|vier|funf|sechs|sieben|acht|neun|zehn|zwolf|jede\w?|einmal|zweimal|uno|dos|tres|cuatro|cinco)\b",
        r"\b(?:deux|trois|quatre|cinq|dix|due|tre|quattro|cinque|dieci|twee|drie|vier|vijf)\b",
    ),
}


@lru_cache(maxsize=512)
def asked(question: str) -> Kind | None:
    """Returns what the question asks for; None for anything else."""
    text = folded(question)
    return next((kind for kind, pattern in _ASKED.items() if pattern.search(text)), None)


@lru_cache(maxsize=4096)
def holds(text: str, kind: Kind | None) -> bool:
    """Returns whether the text holds such a thing; anything does for None."""
    return kind is None or _HELD[kind].search(folded(text)) is not None


# -- follow-up questions

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


def starts_asking(text: str) -> bool:
    """Returns whether it begins with a question word, in Latin letters."""
    return bool(_ASKING.intersection(without_pleasantries(text)[:1]))


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
