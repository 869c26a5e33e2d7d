"""Train the spelling of requests, anger and serious matters again, with the phrases of more kinds and
languages: `python -m bench.train_spelling DATA_FOLDER`.

It works on top of what bench.train_detector has written, and leaves all other heads and the last step
as they are: heads by meaning that learned from the same phrases got worse on the hard cases.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from bench.detector_corpus import Corpus, package_cases, read_cases, read_phrases, read_talks
from bench.detector_heads import softmax_head
from bench.train_detector import OUT, PHRASES
from handoff_bot.ai.detector import text
from handoff_bot.ai.detector.heads import Head
from handoff_bot.ai.detector.model import INTENTS

WRITTEN = tuple(PHRASES.parent / name for name in ("phrases", "next", "kinds", "people"))
STRENGTH = 20  # as in bench.detector_heads
CLOSE, ROUNDS = 1e-4, 400
"""At 1e-3 the fit stopped so early that it still misread some of the phrases it learned from."""


def fitted(folder: Path) -> Head:
    """INTENTS by spelling, from the data folder and all written phrases."""
    cases = read_cases(folder) + package_cases()
    cases += [case for path in WRITTEN for case in read_talks(path)]
    phrases = [one for path in WRITTEN for one in read_phrases(path)]
    intents = Corpus.of(cases, phrases).intents
    with threadpool_limits(1):  # the same sums in the same order, however many cores there are
        return softmax_head(
            intents, INTENTS, text.features, text.HASH_BITS, STRENGTH, CLOSE, ROUNDS
        )


def main() -> None:
    """Train, and write the arrays into the model file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, default=OUT)
    options = parser.parse_args()
    head = fitted(options.data)
    with np.load(options.out, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    arrays |= {f"intent.{part}": array for part, array in vars(head).items()}
    np.savez_compressed(options.out, allow_pickle=False, **arrays)


if __name__ == "__main__":
    main()
