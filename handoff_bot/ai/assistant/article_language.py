"""Names the language of an article without front matter, by its small words or its script."""

# ruff: noqa: E501 - one line for each language

from __future__ import annotations

import re
from collections import Counter

from handoff_bot.ai.assistant.words import words_of

_SMALL = {
    "en": "the and is are you your we our for with can not from how what do does if this that it or on of to have",
    "de": "der die das und ist sind sie wir nicht mit ein eine fur von im den dem wie was kann konnen auf bei ihre ihr",
    "es": "el los las y es son usted no con una para del como que puede se su por en nuestra nuestro cuanto",
    "fr": "le les et est sont vous nous pas avec une pour des du dans comment que peut votre nos sur au en il",
    "it": "il gli e di sono non con una per del della che come puo siamo nostro nostra alla dalle si lo",
    "pt": "os as e nao com uma para do da em que como pode voce seu sua nosso nossa por ao dos das",
    "nl": "het een en van is zijn niet met voor op wij u uw ons kan kunt hoe wat dat bij als deze",
    "pl": "jest nie na do w z i sie jak co czy moze po od dla lub oraz to naszej naszego przez",
    "sv": "och ar inte med ett en for som pa av det kan du vi din hur vad om till eller fran vara",
    "tr": "ve bir bu icin ile var mi ne nasil siz biz degil olarak cok da de kadar her saat",
    "id": "dan yang di ke dari untuk dengan tidak anda kami ini itu dapat atau pada adalah bisa",
    "vi": "va la cua khong co cho duoc trong ban chung toi mot cac voi nhu hoac tai ve",
}
_WORDS = {code: frozenset(text.split()) for code, text in _SMALL.items()}
_SCRIPTS = {
    "ja": re.compile("[\u3040-\u30ff]"),
    "ko": re.compile("[\uac00-\ud7af]"),
    "uk": re.compile("[іїєґ]", re.IGNORECASE),
    "ru": re.compile("[\u0400-\u04ff]"),
    "el": re.compile("[\u0370-\u03ff]"),
    "he": re.compile("[\u0590-\u05ff]"),
    "ar": re.compile("[\u0600-\u06ff]"),
    "hi": re.compile("[\u0900-\u097f]"),
    "th": re.compile("[\u0e00-\u0e7f]"),
    "zh": re.compile("[\u4e00-\u9fff]"),
}
_SHARE = 0.1
_FEWEST, _LEAD = 2, 1.4
_LONGEST = 4_000


def language_of(text: str) -> str:
    """Returns the ISO 639-1 code; "" if it is unclear."""
    text = text[:_LONGEST]
    letters = sum(map(str.isalpha, text))
    for code, script in _SCRIPTS.items():
        share = 0.01 if code in ("uk", "ja") else _SHARE
        if letters and len(script.findall(text)) >= max(1, share * letters):
            return code
    words = Counter(words_of(text))
    found = {code: sum(words[word] for word in small) for code, small in _WORDS.items()}
    (best, most), (_, second) = Counter(found).most_common(2)
    return best if most >= _FEWEST and most >= _LEAD * second else ""
