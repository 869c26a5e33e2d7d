"""Parses CSAT answers from 1 to 5: digits, words, stars, a comment.

A rating is a separate number from 1 to 5: the whole message, or with a unit (5/5, 4 stars), or
before a separated comment ("5 - great service!"). Full marks on another scale (10/10) are a 5.
Other numbers of other scales are no rating, and neither is a number that counts things.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

# ruff: noqa: E501, RUF001 - customers' languages

_WORDS = (
    "one uno una um uma un une eins ein een één jeden jedna ett bir satu một один одна одне ένα אחת אחד واحد एक ek "
    "一 いち 하나 일 หนึ่ง",
    "two dos dois duas deux zwei due twee dwa dwie två iki dua hai два две дві δύο שתיים שניים اثنان اثنين दो do "
    "二 两 に 둘 이 สอง",
    "three tres três trois drei tre drie trzy üç tiga ba три τρία שלוש שלושה ثلاثة तीन teen 三 さん 셋 삼 สาม",
    "four cuatro quatro quatre vier quattro cztery fyra dört empat bốn четыре чотири τέσσερα ארבע ארבעה أربعة اربعة "
    "चार char 四 よん 넷 사 สี่",
    "five cinco cinq fünf cinque vijf pięć fem beş lima năm пять п'ять πέντε חמש חמישה خمسة पाँच पांच paanch panch "
    "五 ご 다섯 오 ห้า",
)
_NUMBERS = {word: score for score, line in enumerate(_WORDS, 1) for word in line.split()}
_ALONE = frozenset(
    [
        "do",
        "un",
        "um",
        "ein",
        "een",
        "bir",
        "hai",
        "ba",
        "one",
        "一",
        "に",
        "이",
        "일",
        "오",
        "사",
        "さん",
    ]
)
"""Ambiguous words: they only count as a whole message."""

_STARS = (
    r"stars?|estrellas?|estrelas?|étoiles?|etoiles?|sterne?n?|stelle|stella|sterren|ster|gwiazd\w*|stjärn\w*|yıldız"
    r"|bintang|sao|звезд\w*|звёзд\w*|зірк\w*|зірок|αστέρι\w*|כוכב\w*|نجوم|نجمات?|نجمة|सितारे|स्टार|taare|星|つ星|顆星|颗星"
    r"|별|점|点|點|分|ดาว|คะแนน|points?|puntos?|pontos?|punkte?n?|punti|punten|punkt\w*|poäng|puan|poin|điểm|балл\w*"
    r"|бал\w*|βαθμ\w*|נקודות|نقاط|अंक|[★⭐🌟✭✯]"
)
_OF = r"/|of|out of|von|de|sur|su|van|na|z|av|üzerinden|dari|trên|из|з|από|מתוך|من|में से|中"
_FIVE = f"(?:5|{'|'.join(_WORDS[4].split())})"
_NUMBER = "|".join(sorted(map(re.escape, _NUMBERS.keys() - _ALONE), key=len, reverse=True))
_SCORE = rf"(?P<score>[1-5]|{_NUMBER})"
_ALONE_AT_ALL = re.compile(rf"(?P<score>[1-5]|{'|'.join(map(re.escape, _NUMBERS))})")
_EDGE = r"(?<![\w.,/-])"
_WITH_UNIT = re.compile(
    rf"{_EDGE}{_SCORE}(?:\s{{0,2}}(?:{_OF})\s{{0,2}}{_FIVE}(?!\w|[.,/]\d)(?:\s{{0,2}}(?:{_STARS})(?!\w))?"
    rf"|[\s-]{{0,2}}(?:{_STARS})(?!\w))"
)
_FULL_MARKS = re.compile(r"(?P<n>10{1,2})\s{0,2}/\s{0,2}(?P=n)(?!\d)|100\s?%")
_IN_FRONT = re.compile(rf"{_SCORE}\s{{0,2}}(?:[-–—:,.;!(+\n]|\s[-–—])+(?!\d)")
_THANKS = (
    "thank|thx|ty\\b|cheers|gracias|obrigad|valeu|merci|danke|vielen dank|grazie|bedankt|dank|dzięk|tack|teşekkür|sağ ol"
    "|terima|makasih|cảm ơn|спасибо|благодар|дякую|ευχαριστ|תודה|شكر|धन्यवाद|शुक्रिया|ありがと|감사|고마|谢|謝|ขอบคุณ"
)
_REASONS = r"because|cause|cos|but|porque|pero|mas|mais|parce|weil|aber|perch[eé]|ma|omdat|maar|bo|ale|потому|но"
_GOES_ON = re.compile(rf"{_SCORE}\s(?=(?:{_THANKS})|(?:{_REASONS})(?!\w))")
_AT_THE_END = re.compile(rf"(?:^|[\s:=]){_SCORE}[\s.!)*]{{0,4}}$")
_CORRECTS = re.compile(
    r"\b(?:sorry|oops|i meant|meant|i mean|correction|wrong|mistake|rather|actually|perdón|perdon|quise|quería decir|digo"
    r"|desculp\w*|quis dizer|pardon|désolé\w*|je voulais|plutôt|entschuldig\w*|meinte|sollte|scusa\w*|volevo|intendevo"
    r"|bedoelde|oeps|przepraszam|chodziło|miałem|miałam|förlåt|menade|pardon|özür|demek|maaf|maksud\w*|xin lỗi|ý tôi"
    r"|извините|простите|имел\w*|вибачте|мав|мала|συγγνώμη|εννοούσα)\b|סליחה|התכוונתי|آسف|قصدت|माफ|मतलब|ごめん|すみません"
    r"|間違|죄송|아니|抱歉|不好意思|我是说|ขอโทษ|หมายถึง"
)
_INTRODUCES = re.compile(
    r"\b(?:rating|rate|score|give|giving|it'?s|definitely|solid|perfect|strong|nota|note|bewertung|voto|cijfer|ocena|betyg|puan|nilai|điểm"
    r"|оценка|оцінка|βαθμός)\b|ציון|تقييم|评分|評価|평점|คะแนน"
)
_STAR = "★⭐🌟✭✯"
_EMPTY_STAR = "☆✩"
_STAR_RUN = re.compile(rf"[{_STAR}{_EMPTY_STAR}]+")
_UNSEEN = re.compile("[\u20e3\ufe0e\ufe0f\u200b-\u200f\u2060]")
_FEW_WORDS, _LONGEST = 7, 1000
_ASKS = re.compile("[?？؟]")


@dataclass(frozen=True)
class Rating:
    """A customer's rating.

    Attributes:
        score: from 1 to 5.
        comment: the rest of the text, or "". Hostile.
        corrects: True if they say that an earlier rating was a mistake.
    """

    score: int
    comment: str = ""
    corrects: bool = False

    @property
    def asks(self) -> bool:
        """Returns whether the comment contains a question."""
        return _ASKS.search(self.comment) is not None


def rating_in(text: str) -> Rating | None:
    """Returns the rating in a message, or None."""
    if len(text) > _LONGEST:
        return None
    said = " ".join(_plain(text).split())
    return (
        _star_run(said) or _alone(said) or _corrected(said) or _with_unit(said) or _in_front(said)
    )


def _plain(text: str) -> str:
    """Normalises: ASCII digits, lowercase, standard width."""
    shown = unicodedata.normalize("NFKC", _UNSEEN.sub("", text))
    digits = (str(unicodedata.digit(c)) if c.isdecimal() else c for c in shown)
    return "".join(digits).casefold()


def _star_run(said: str) -> Rating | None:
    """Returns a row of stars as a rating; only filled ones count."""
    rows = _STAR_RUN.findall(said.replace(" ", ""))
    filled = sum(c in _STAR for c in rows[0]) if len(rows) == 1 else 0
    beside = _STAR_RUN.sub("", said)
    comment = _comment(beside)
    if not 1 <= filled <= 5 or len(rows[0]) > 5 or any(c.isdigit() for c in beside):
        return None
    if len(rows[0]) == 1 and comment:  # "four ⭐", or praise: "thank you, Dana 🌟"
        return None
    return Rating(filled, comment)


def _alone(said: str) -> Rating | None:
    """A number with only punctuation and symbols around it."""
    words = "".join(c if c.isalnum() or c in "'" or _is_mark(c) else " " for c in said).split()
    found = _ALONE_AT_ALL.fullmatch(words[0]) if len(words) == 1 else None
    if found is None or re.search(r"[-−]\s?\d|\d\s?%|\$|€|£", said):
        return None
    return Rating(_score(found["score"]))


def _is_mark(character: str) -> bool:
    return unicodedata.category(character).startswith("M")


def _corrected(said: str) -> Rating | None:
    """ "Sorry, I meant 2", or "my rating is 4": a number after a few introducing words."""
    found = _AT_THE_END.search(said)
    lead = said[: found.start()] if found else ""
    if found is None or len(said.split()) > _FEW_WORDS or re.search(r"\d", lead):
        return None
    corrects = _CORRECTS.search(lead) is not None
    return (
        Rating(_score(found["score"]), "", corrects)
        if corrects or _INTRODUCES.search(lead)
        else None
    )


def _with_unit(said: str) -> Rating | None:
    """A number with its unit: 5/5, 4 stars, three out of five."""
    if full := _FULL_MARKS.match(said):
        return Rating(5, _comment(said[full.end() :]))
    found = _WITH_UNIT.search(said)
    if found is None or len(_WITH_UNIT.findall(said)) > 1:
        return None
    rest = said[: found.start()] + " " + said[found.end() :]
    corrects = _CORRECTS.search(said[: found.start()]) is not None
    return Rating(_score(found["score"]), _comment(rest), corrects)


def _in_front(said: str) -> Rating | None:
    """A number, a separator and a comment."""
    found = _IN_FRONT.match(said) or _GOES_ON.match(said)
    rest = said[found.end() :].strip() if found else ""
    if found is None or rest[:1].isdigit():  # "3 - 4 days"
        return None
    return Rating(_score(found["score"]), _comment(rest))


def _score(word: str) -> int:
    return int(word) if word.isdecimal() else _NUMBERS[word]


def _comment(rest: str) -> str:
    """Returns the comment without the separator; "" without any letter."""
    words = rest.strip(" \t\n-–—:,.;!()+*\"'")
    return words if any(c.isalpha() for c in words) else ""
