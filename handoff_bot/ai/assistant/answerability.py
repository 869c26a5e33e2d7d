"""The probability that a passage answers a question: small networks over `evidence.NAMES`.

Trained by bench/train_answers.py on questions whose passage was there, and on the same questions
without it, where only near misses are left.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from handoff_bot.ai.assistant.evidence import NAMES
from handoff_bot.domain.errors import ModelError

MODEL = Path(__file__).with_name("answerability.npz")

_FOREIGN = NAMES.index("foreign")

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Networks:
    """A few networks with one hidden layer, whose mean counts. Thread-safe.

    Attributes:
        mean, spread: [NAMES], by which the marks are scaled.
        hidden: [networks, NAMES + 1, units], the constant last.
        out: [networks, units + 1], the constant last.
    """

    mean: Floats
    spread: Floats
    hidden: Floats
    out: Floats

    def chances(self, marks: Floats) -> NDArray[np.float64]:
        """Returns a probability for each passage.

        Args:
            marks: [passages, NAMES].
        """
        scaled = (marks - self.mean) / self.spread
        units = np.tanh(scaled @ self.hidden[:, :-1] + self.hidden[:, -1:])
        logits = (units * self.out[:, None, :-1]).sum(axis=2) + self.out[:, -1:]
        chances: NDArray[np.float64] = (0.5 + 0.5 * np.tanh(0.5 * logits)).mean(axis=0)
        return chances


@dataclass(frozen=True)
class Answerability:
    """Networks for passages in the question's language, and for those in another: the same marks mean
    less between languages. Thread-safe.
    """

    own: Networks
    foreign: Networks

    def chances(
        self, marks: Sequence[Sequence[float]] | NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Returns a probability for each passage.

        Args:
            marks: [passages, NAMES].
        """
        given = np.asarray(marks, dtype=np.float32)
        is_foreign = given[:, _FOREIGN] > 0
        chances = np.zeros(len(given))
        for networks, mine in ((self.own, ~is_foreign), (self.foreign, is_foreign)):
            if mine.any():
                chances[mine] = networks.chances(given[mine])
        return chances

    def save(self, path: Path) -> None:
        each = {"own": self.own, "foreign": self.foreign}
        arrays = {
            f"{part}.{one.name}": getattr(networks, one.name)
            for part, networks in each.items()
            for one in fields(networks)
        }
        np.savez(path, **arrays)


@cache
def shipped() -> Answerability:
    """Returns the shipped model.

    Raises:
        ModelError: missing or damaged.
    """
    try:
        with np.load(MODEL, allow_pickle=False) as file:
            own, foreign = (
                Networks(**{one.name: file[f"{part}.{one.name}"] for one in fields(Networks)})
                for part in ("own", "foreign")
            )
    except (OSError, ValueError, KeyError) as error:
        raise ModelError(f"{MODEL.name} cannot be read") from error
    if {one.hidden.shape[1] for one in (own, foreign)} != {len(NAMES) + 1}:
        raise ModelError(f"{MODEL.name} was trained for other numbers")
    return Answerability(own, foreign)
