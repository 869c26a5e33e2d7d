"""First mentions of danger, health, fraud or the law, and of answers that have not helped: by meaning.

The spelling only decides whether the meaning is computed, because a situation that is new in a
language is recognised by its meaning only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from handoff_bot.ai.detector.encoder import Vectors
from handoff_bot.ai.detector.heads import Arrays, Floats, Head, Network, floats, sigmoid
from handoff_bot.ai.detector.text import Ids

CLASSES = ("urgent", "stuck")
SPELT, MEANT, THRESHOLDS = "mentions", "mentions_meant", "urgent"

MAYBE = 0.03
"""From this probability by spelling the meaning is computed; see "Speed" in docs/detector.md."""


@dataclass(frozen=True)
class Mentions:
    """Classifies mentions. Thread-safe.

    Attributes:
        spelt: "urgent" by characters and words.
        meant: CLASSES by meaning, independent.
        urgent: [sensitivities], the probability from which a mention escalates by itself.
    """

    spelt: Head
    meant: Network
    urgent: Floats

    @classmethod
    def of(cls, arrays: Arrays, sensitivities: int) -> Mentions:
        """Reads a file's arrays; KeyError or ValueError if invalid."""
        return cls(
            spelt=Head.of(arrays, SPELT, 1),
            meant=Network.of(arrays, MEANT, len(CLASSES)),
            urgent=floats(arrays[THRESHOLDS], (sensitivities,)),
        )

    def is_possible(self, texts: Sequence[Ids]) -> bool:
        """Returns whether any of a message's parts may mention danger, by spelling."""
        return bool(sigmoid(self.spelt.logits_each(texts)).max() >= MAYBE)

    def chances(self, vectors: Vectors) -> Floats:
        """Returns [CLASSES], the maximum over a message's parts."""
        found: Floats = sigmoid(self.meant.logits(vectors)).max(axis=0)
        return found
