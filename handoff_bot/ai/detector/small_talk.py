"""Small talk: yes, no, thanks, a goodbye or a greeting without any other content.

One class per kind, and one for everything else; a message may have several ("ok thanks, bye"). It
only counts as small talk if neither the whole message nor any clause has other content.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

from handoff_bot.ai.detector import text
from handoff_bot.ai.detector.encoder import TextEncoder, Vectors
from handoff_bot.ai.detector.heads import Arrays, Floats, Head, Network, sigmoid
from handoff_bot.ai.detector.text import Ids
from handoff_bot.domain.signals import Act

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
        maybe = self.candidates(words)
        return maybe.kinds(self.encoder.vectors(maybe.parts)) if maybe else frozenset()

    def chances(self, words: str) -> Chances:
        """Returns a probability per kind; Act.NONE for other content."""
        maybe = self.candidates(words)
        return maybe.chances(self.encoder.vectors(maybe.parts)) if maybe else _SOMETHING_ELSE

    def candidates(
        self, words: str, features: Callable[[str], Ids] = text.features
    ) -> Candidates | None:
        """Returns the candidates by spelling; None if it certainly has other content.

        Args:
            features: a part's features, if the caller has them.
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
        return frozenset({likeliest, *(act for act in CLASSES[:-1] if chances[act] >= _IS)})


def parts_of(words: str) -> list[str]:
    """Returns the scored parts: the whole text, its clauses, and each emoji's name."""
    shown = _LOOKS.sub("", _EMOTICON.sub(lambda found: _EMOTICONS[found[0]], words[: LONGEST + 1]))
    said = " ".join("".join(" " if _is_emoji(c) else c for c in shown).split())
    if not text.tokens(text.fold(said)):
        said = ""
    emoji = (named(c) for c in shown if _is_emoji(c))
    return list(dict.fromkeys(filter(None, (said, *text.clauses(said), *emoji))))


def _is_emoji(character: str) -> bool:
    return unicodedata.category(character) == "So" or character in "‼⁉"


def named(emoji: str) -> str:
    """Returns an emoji's Unicode name, which describes its meaning."""
    return unicodedata.name(emoji, "").lower().removesuffix(" sign").removeprefix("heavy ")
