"""What a queued customer asks for: their place and wait, to leave the queue, or something else."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from handoff_bot.ai.assistant.follow_ups import asks
from handoff_bot.ai.detector.encoder import TextEncoder, Vectors
from handoff_bot.ai.detector.text import fold
from handoff_bot.domain.errors import ModelError
from handoff_bot.domain.signals import QueueAct

MODEL = Path(__file__).parent / "model" / "queued.npy"
KINDS = (QueueAct.WAIT, QueueAct.LEAVE, QueueAct.OTHER)
_LONGEST = 120
"""Characters; a longer message says more than either."""
_LOOKED_AT = 1_000
_LIKELY = 0.7
"""Minimum probability of a question about the wait."""
_LEAVING = Path(__file__).parent / "leaving.toml"
_CLAUSE_END = re.compile(r"[.,;:!…。،；，、！\n]| [-–—] ")  # noqa: RUF001 - in many scripts


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
        is_wait = KINDS[best] is QueueAct.WAIT and chances[best] / chances.sum() >= _LIKELY
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
