"""Small talk: a yes, a no, thanks, a goodbye or a greeting that asks for nothing else.

One class for each kind and one for everything else; a message may be of several ("ok thanks, bye"). It counts
as small talk only when neither the whole of it nor any of its clauses says something else.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

from handoff_bot.ai.detector import text
from handoff_bot.ai.detector.encoder import Encoder, Vectors
from handoff_bot.ai.detector.heads import Arrays, Floats, Head, Network, sigmoid
from handoff_bot.ai.detector.text import Ids
from handoff_bot.domain.signals import Act

CLASSES = (Act.ACCEPT, Act.DECLINE, Act.THANKS, Act.BYE, Act.HELLO, Act.NONE)
SPELT, MEANT = "small_talk", "small_talk_meant"

LONGEST = 240
"""Characters: who writes more says more than thanks."""
_IS, _LIKELY, _IS_NOT = 0.5, 0.25, 0.5
"""A message is of each kind from the first probability on, and of its likeliest kind from the second; from
the third on it says something else."""
_SURELY_NOT = 0.98
"""From this probability, by spelling, it is something else; its meaning, which takes longer, is not asked."""

_EMOTICONS = {
    ":)": "🙂", ":-)": "🙂", "(:": "🙂", ":D": "😀", ":-D": "😀", "xD": "😂", "^^": "😊", ";)": "😉",
    ";-)": "😉", "<3": "❤", ":(": "🙁", ":-(": "🙁", ":/": "😕", ":-/": "😕", ":'(": "😢",
}  # fmt: skip
_EMOTICON = re.compile("|".join(rf"(?<!\w){re.escape(one)}(?!\w)" for one in _EMOTICONS))
_LOOKS = re.compile("[\ufe0e\ufe0f\u200d\u20e3\u2640\u2642\U0001f3fb-\U0001f3ff]")
"""What changes only how an emoji looks: variants, joiners, genders, skin tones."""
_NUMBER = re.compile(r"\d{2}")

Chances = dict[Act, float]
_SOMETHING_ELSE: Chances = dict.fromkeys(CLASSES, 0.0) | {Act.NONE: 1.0}


@dataclass(frozen=True)
class SmallTalk:
    """Which kinds of small talk a message is. Safe to use from many threads at once.

    Attributes:
        spelt: CLASSES by characters and words, each by itself.
        meant: the same by meaning.
    """

    encoder: Encoder
    spelt: Head
    meant: Network

    @classmethod
    def of(cls, arrays: Arrays, encoder: Encoder) -> SmallTalk:
        """From a file's arrays; KeyError or ValueError when they are not right."""
        return cls(
            encoder=encoder,
            spelt=Head.of(arrays, SPELT, len(CLASSES)),
            meant=Network.of(arrays, MEANT, len(CLASSES)),
        )

    def kinds(self, words: str) -> frozenset[Act]:
        """Its kinds; none when it says anything else as well."""
        maybe = self.candidates(words)
        return maybe.kinds(self.encoder.vectors(maybe.parts)) if maybe else frozenset()

    def chances(self, words: str) -> Chances:
        """A probability for each kind; Act.NONE for "something else"."""
        maybe = self.candidates(words)
        return maybe.chances(self.encoder.vectors(maybe.parts)) if maybe else _SOMETHING_ELSE

    def candidates(
        self, words: str, features: Callable[[str], Ids] = text.features
    ) -> Candidates | None:
        """What may be small talk by its spelling; None when it surely is something else.

        Args:
            features: of a part, from a caller that may know them already.
        """
        if len(words) > LONGEST or _NUMBER.search(words):
            return None
        parts = parts_of(words)
        if not parts:
            return None
        spelt = sigmoid(self.spelt.logits_each([features(part) for part in parts]))
        return None if spelt[:, -1].max() >= _SURELY_NOT else Candidates(parts, spelt, self.meant)


@dataclass(frozen=True)
class Candidates:
    """The parts of a message that may be small talk, whose meanings have to be read.

    Attributes:
        spelt: [parts, CLASSES] by characters and words.
    """

    parts: list[str]
    spelt: Floats
    meant: Network

    def chances(self, vectors: Vectors) -> Chances:
        """As `SmallTalk.chances`, from the vectors of the parts."""
        both = ((self.spelt + sigmoid(self.meant.logits(vectors))) / 2).max(axis=0)
        return dict(zip(CLASSES, both.tolist(), strict=True))

    def kinds(self, vectors: Vectors) -> frozenset[Act]:
        """As `SmallTalk.kinds`, from the vectors of the parts."""
        chances = self.chances(vectors)
        likeliest = max(CLASSES[:-1], key=lambda act: chances[act])
        if chances[Act.NONE] >= _IS_NOT or chances[likeliest] < _LIKELY:
            return frozenset()
        return frozenset({likeliest, *(act for act in CLASSES[:-1] if chances[act] >= _IS)})


def parts_of(words: str) -> list[str]:
    """What is scored: the words as a whole, their clauses, and the name of each emoji."""
    shown = _LOOKS.sub("", _EMOTICON.sub(lambda found: _EMOTICONS[found[0]], words[: LONGEST + 1]))
    said = " ".join("".join(" " if _is_emoji(c) else c for c in shown).split())
    if not text.tokens(text.fold(said)):
        said = ""
    emoji = (named(c) for c in shown if _is_emoji(c))
    return list(dict.fromkeys(filter(None, (said, *text.clauses(said), *emoji))))


def _is_emoji(character: str) -> bool:
    return unicodedata.category(character) == "So" or character in "‼⁉"


def named(emoji: str) -> str:
    """An emoji as Unicode names it, which is what it means in words."""
    return unicodedata.name(emoji, "").lower().removesuffix(" sign").removeprefix("heavy ")
