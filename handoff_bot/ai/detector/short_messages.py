"""Short messages: small talk, an option by its place, and what a queued customer asks for."""

# ruff: noqa: RUF001 - customers' languages

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path

import numpy as np

from handoff_bot.ai.assistant.phrases import without_pleasantries
from handoff_bot.ai.assistant.questions import asks, starts_asking
from handoff_bot.ai.detector import text
from handoff_bot.ai.detector.encoder import TextEncoder, Vectors
from handoff_bot.ai.detector.heads import Arrays, Floats, Head, Joined, Network, sigmoid
from handoff_bot.ai.detector.text import fold
from handoff_bot.domain.errors import ModelError
from handoff_bot.domain.signals import Act, QueueAct

# -- an option by its place: "the first one", "2", "the latter"
# A list, not a model: the words for a place are few in any language, and no example shows them next
# to all offers.


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

_LONGEST_CHOICE = 6
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
    places = (
        {_WORDS[word] for word in said if word in _WORDS} if len(said) <= _LONGEST_CHOICE else set()
    )
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


# -- what a queued customer asks for: place and wait, to leave the queue, or something else

MODEL = Path(__file__).parent / "model" / "queued.npy"
KINDS = (QueueAct.WAIT, QueueAct.OTHER)
"""What the classifier tells apart; leaving is decided by whole clauses."""
_LONGEST = 120
"""Characters; a longer message says more than either."""
_LOOKED_AT = 1_000
_LIKELY_QUEUED = 0.8
"""Minimum probability of a question about the wait."""
_LEAVING = Path(__file__).parent / "leaving.toml"
_CLAUSE_END = re.compile(r"[.,;:!…。،；，、！\n]| [-–—] ")


@dataclass(frozen=True)
class QueueTalk:
    """A linear classifier over a message's meaning, trained by bench/train_queued.py. Thread-safe.

    Attributes:
        weights: [DIMENSIONS + 1, KINDS], the constant last.
    """

    encoder: TextEncoder
    weights: Vectors

    @classmethod
    def load(cls, encoder: TextEncoder) -> QueueTalk:
        """Reads the shipped model.

        Raises:
            ModelError: missing or damaged.
        """
        try:
            weights = np.load(MODEL, allow_pickle=False).astype(np.float32)
        except (OSError, ValueError) as error:
            raise ModelError(f"{MODEL.name} cannot be read") from error
        return cls(encoder, weights)

    def act_of(self, words: str) -> QueueAct:
        """Returns what the message asks for."""
        act = self._of_the_queue(words)
        if act is not QueueAct.OTHER:
            return act
        return QueueAct.QUESTION if asks(words[:_LOOKED_AT]) else act

    def _of_the_queue(self, words: str) -> QueueAct:
        if len(words) > _LONGEST or not any(map(str.isalpha, words)):
            return QueueAct.OTHER
        if leaves(words):
            return QueueAct.LEAVE
        logits = self.encoder.vectors([words])[0] @ self.weights[:-1] + self.weights[-1]
        chances = np.exp(logits - logits.max())
        best = int(chances.argmax())
        is_wait = KINDS[best] is QueueAct.WAIT and chances[best] / chances.sum() >= _LIKELY_QUEUED
        return QueueAct.WAIT if is_wait else QueueAct.OTHER


def leaves(words: str) -> bool:
    """Returns whether every clause of a message is one that leaves the queue, or a courtesy beside it.

    The classifier does not decide this: it takes "ok, I'll wait" for it.
    """
    enough, beside = _clauses()
    found = {_key(clause) for clause in _CLAUSE_END.split(words)} - {""}
    return bool(found & enough) and found <= (enough | beside)


@cache
def _clauses() -> tuple[frozenset[str], frozenset[str]]:
    listed = tomllib.loads(_LEAVING.read_text(encoding="utf-8")).values()
    keys = (
        frozenset(_key(clause) for of in listed for clause in of[name])
        for name in ("leave", "also")
    )
    enough, beside = keys
    return enough, beside


def _key(clause: str) -> str:
    """Normalises a clause: folded, without apostrophes, emoji and other symbols; "?" is kept."""
    kept = (
        char if char.isalnum() or char in " ?" or _is_mark(char) else " "
        for char in fold(re.sub(r"['\u2019]", "", clause))
    )
    return " ".join("".join(kept).split())


def _is_mark(char: str) -> bool:
    """True for vowel signs, which scripts such as Devanagari and Thai write as marks."""
    return unicodedata.category(char).startswith("M")


# -- small talk: yes, no, thanks, a goodbye or a greeting without any other content
# One class per kind, and one for everything else; a message may have several ("ok thanks, bye"). It
# only counts as small talk if neither the whole message nor any clause has other content.

CLASSES = (Act.ACCEPT, Act.DECLINE, Act.THANKS, Act.BYE, Act.HELLO, Act.NONE)
SPELT, MEANT = "small_talk", "small_talk_meant"

LONGEST = 240
"""In characters: a longer message says more than thanks."""
_IS, _LIKELY, _IS_NOT = 0.5, 0.25, 0.5
"""Probability thresholds: for each kind, for the most likely kind, and for other content."""
_SURELY_NOT = 0.98
"""From this probability by spelling, it is other content; the slower check by meaning is skipped."""

_EMOTICONS = {
    ":)": "🙂", ":-)": "🙂", "(:": "🙂", ":D": "😀", ":-D": "😀", "xD": "😂", "^^": "😊", ";)": "😉",
    ";-)": "😉", "<3": "❤", ":(": "🙁", ":-(": "🙁", ":/": "😕", ":-/": "😕", ":'(": "😢",
}  # fmt: skip
_EMOTICON = re.compile("|".join(rf"(?<!\w){re.escape(one)}(?!\w)" for one in _EMOTICONS))
_LOOKS = re.compile("[\ufe0e\ufe0f\u200d\u20e3\u2640\u2642\U0001f3fb-\U0001f3ff]")
"""Characters that only affect an emoji's look: variants, joiners, genders, skin tones."""
_NUMBER = re.compile(r"\d{2}")

Chances = dict[Act, float]
_SOMETHING_ELSE: Chances = dict.fromkeys(CLASSES, 0.0) | {Act.NONE: 1.0}


@dataclass(frozen=True)
class SmallTalk:
    """Classifies small talk. Thread-safe.

    Attributes:
        spelt: CLASSES by characters and words, independent.
        meant: same by meaning.
    """

    encoder: TextEncoder
    spelt: Head
    meant: Network

    @classmethod
    def of(cls, arrays: Arrays, encoder: TextEncoder) -> SmallTalk:
        """Reads a file's arrays; KeyError or ValueError if invalid."""
        return cls(
            encoder=encoder,
            spelt=Head.of(arrays, SPELT, len(CLASSES)),
            meant=Network.of(arrays, MEANT, len(CLASSES)),
        )

    def kinds(self, words: str) -> frozenset[Act]:
        """Returns the kinds; empty if the message has other content."""
        maybe = self._candidates_of(words)
        return maybe.kinds(self.encoder.vectors(maybe.parts)) if maybe else frozenset()

    def chances(self, words: str) -> Chances:
        """Returns a probability per kind; Act.NONE for other content."""
        maybe = self._candidates_of(words)
        return maybe.chances(self.encoder.vectors(maybe.parts)) if maybe else _SOMETHING_ELSE

    def _candidates_of(self, words: str) -> Candidates | None:
        parts = self.parts(words)
        joined = Joined.of([text.features(part) for part in parts])
        return self.candidates(parts, joined, range(len(parts)))

    def parts(self, words: str) -> list[str]:
        """Returns the parts to classify; none if the message certainly has other content."""
        return [] if len(words) > LONGEST or _NUMBER.search(words) else parts_of(words)

    def candidates(self, parts: list[str], texts: Joined, at: Sequence[int]) -> Candidates | None:
        """Returns the candidates by spelling; None if the message certainly has other content.

        Args:
            texts: the features of the parts, and maybe of other texts.
            at: where those of each part are.
        """
        if not parts:
            return None
        spelt = sigmoid(self.spelt.logits_of(texts)[at])
        return None if spelt[:, -1].max() >= _SURELY_NOT else Candidates(parts, spelt, self.meant)


@dataclass(frozen=True)
class Candidates:
    """Parts of a message that may be small talk and need their meaning.

    Attributes:
        spelt: [parts, CLASSES] by characters and words.
    """

    parts: list[str]
    spelt: Floats
    meant: Network

    def chances(self, vectors: Vectors) -> Chances:
        """Same as `SmallTalk.chances`, from the parts' vectors."""
        both = ((self.spelt + sigmoid(self.meant.logits(vectors))) / 2).max(axis=0)
        return dict(zip(CLASSES, both.tolist(), strict=True))

    def kinds(self, vectors: Vectors) -> frozenset[Act]:
        """Same as `SmallTalk.kinds`, from the parts' vectors."""
        chances = self.chances(vectors)
        likeliest = max(CLASSES[:-1], key=lambda act: chances[act])
        if chances[Act.NONE] >= _IS_NOT or chances[likeliest] < _LIKELY:
            return frozenset()
        found = frozenset({likeliest, *(act for act in CLASSES[:-1] if chances[act] >= _IS)})
        if asks_for_service(self.parts[0]):
            return found & {Act.ACCEPT}
        return found - {Act.HELLO} if _asks_something(self.parts[0]) else found


_ASKS_FOR_SERVICE = re.compile(
    r"(?:(?:can|could|do|does|will|would) (?:you|u|ya|they)"
    r"|(?:konnt|konntet|macht|habt|bietet|nehmt) ihr|(?:konnen|konnten|machen|bieten|nehmen) sie"
    r"|(?:pouvez|pourriez|faites|proposez|acceptez)[- ]vous|pueden|puedes|podeis|podrian|podrias|potete"
    r"|potreste|voces? (?:podem?|fazem|faz)|podem|kunnen jullie|kunt u|kun je|doen jullie"
    r"|czy (?:mozecie|moglibyscie|robicie)) \w+ \w"
)
"""Beginnings of a question about what the team can do, with a verb and its object, folded: "can you
engrave a watch". The classifiers have seen few of the verbs, and take some for thanks or a goodbye.
"""
_QUESTION_END = re.compile(r"[?\u061f\uff1f]|(?<=[\u0370-\u03ff\u1f00-\u1fff]);")
_GREETINGS_THAT_ASK = re.compile(
    r"how (?:are|r) (?:you|u|things)|how(?:'s| is) (?:it going|life|everything)|how do you do|what'?s up"
    r"|any(?:one|body) (?:there|here)|(?:are|r) (?:you|u) there|you there|wie geht|alles klar|jemand da"
    r"|que tal|como (?:esta|va|vai)|tudo bem|alguien|alguem|ca va|comment (?:ca va|allez|vas)|quelqu'un"
    r"|come (?:va|stai|sta)|pronto|c'e qualcuno|hoe gaat|iemand|jak sie|co slychac|hur (?:mar|ar)|laget"
    r"|nas\w?ls\w?n|naber|apa kabar|khoe kh|как (?:дела|вы|ты)|як (?:справи|ви|ти)|τι κανε|מה (?:שלומ|נשמע)"
    r"|كيف (?:حال|الحال)|कैसे ह|元気|잘 지내|안녕|계세요|你好|您好|在吗|สบายดี|สวัสดี"
)
"""Greetings in the form of a question, folded."""


def asks_for_service(words: str) -> bool:
    """Returns whether a message begins by asking whether the team does something."""
    said = fold(" ".join(without_pleasantries(words)))
    return bool(_ASKS_FOR_SERVICE.match(said))


def _asks_something(words: str) -> bool:
    """Returns whether it has a question mark or begins with a question word, and is no greeting.

    The classifiers take short questions in some languages for greetings: "Gdzie jesteście?".
    """
    said = without_pleasantries(words)
    is_asking = bool(_QUESTION_END.search(words)) or starts_asking(words)
    return bool(said) and is_asking and not _GREETINGS_THAT_ASK.search(fold(words))


def parts_of(words: str) -> list[str]:
    """Returns the scored parts: the whole text, its clauses, and each emoji's name."""
    shown = _LOOKS.sub("", _EMOTICON.sub(lambda found: _EMOTICONS[found[0]], words[: LONGEST + 1]))
    emoji = [] if shown.isascii() else [c for c in shown if _is_emoji(c)]
    bare = shown.translate(dict.fromkeys(map(ord, emoji), " ")) if emoji else shown
    said = " ".join(bare.split())
    if not text.tokens(text.fold(said)):
        said = ""
    return list(dict.fromkeys(filter(None, (said, *text.clauses(said), *map(named, emoji)))))


def _is_emoji(character: str) -> bool:
    return unicodedata.category(character) == "So" or character in "‼⁉"


def named(emoji: str) -> str:
    """Returns an emoji's Unicode name, which describes its meaning."""
    return unicodedata.name(emoji, "").lower().removesuffix(" sign").removeprefix("heavy ")
