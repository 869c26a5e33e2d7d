"""What a queued customer asks for: their place and wait, to leave the queue, or something else."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from handoff_bot.ai.assistant.follow_ups import asks
from handoff_bot.ai.detector.encoder import Encoder, Vectors
from handoff_bot.domain.errors import ModelError
from handoff_bot.domain.signals import QueueAct

MODEL = Path(__file__).parent / "model" / "queued.npy"
KINDS = (QueueAct.WAIT, QueueAct.LEAVE, QueueAct.OTHER)
_LONGEST = 120
"""Characters; a longer message says more than either."""
_NEVER_MIND = frozenset({"nvm", "nvmd", "nm"})
"""Abbreviations without a meaning that the encoder knows."""
_LOOKED_AT = 1_000
_LIKELY = 0.7
"""Minimum probability. A customer who leaves by mistake loses their place."""


@dataclass(frozen=True)
class QueueTalk:
    """A linear classifier over a message's meaning, trained by bench/train_queued.py. Thread-safe.

    Attributes:
        weights: [DIMENSIONS + 1, KINDS], the constant last.
    """

    encoder: Encoder
    weights: Vectors

    @classmethod
    def load(cls, encoder: Encoder) -> QueueTalk:
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
        if words.strip(" .!").lower() in _NEVER_MIND:
            return QueueAct.LEAVE
        logits = self.encoder.vectors([words])[0] @ self.weights[:-1] + self.weights[-1]
        chances = np.exp(logits - logits.max())
        best = int(chances.argmax())
        return KINDS[best] if chances[best] / chances.sum() >= _LIKELY else QueueAct.OTHER
