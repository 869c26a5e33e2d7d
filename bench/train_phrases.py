"""Train the spelling of requests, anger and serious matters again, and short answers, with the phrases of
more kinds and languages: `python -m bench.train_phrases DATA_FOLDER`.

It works on top of what bench.train_detector has written, and leaves all other heads and the last step
as they are: requests and anger by meaning that learned from the same phrases got worse on the hard
cases.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from bench.detector_corpus import (
    Case,
    Corpus,
    Phrase,
    act_examples,
    package_cases,
    read_cases,
    read_phrases,
    read_talks,
)
from bench.detector_heads import RememberingEncoder, sigmoid_head, sigmoid_network, softmax_head
from bench.train_detector import OUT, PHRASES
from handoff_bot.ai.detector import text
from handoff_bot.ai.detector.encoder import Encoder
from handoff_bot.ai.detector.model import ACTS, ENCODER, INTENTS

WRITTEN = ("phrases", "next", "kinds", "people")
ANSWERS = (*WRITTEN, "contrasts", "accepting")
"""What the short answers learn from."""
STRENGTH, ACT_BITS = 20, 15  # as in bench.detector_heads
CLOSE, ROUNDS = 1e-4, 400
"""At 1e-3 the fit stopped so early that it still misread some of the phrases it learned from."""


def gathered(folder: Path, names: tuple[str, ...]) -> tuple[list[Case], list[Phrase]]:
    """All cases, and the phrases of the named folders."""
    paths = [PHRASES.parent / name for name in names]
    cases = read_cases(folder) + package_cases()
    cases += [case for path in paths for case in read_talks(path)]
    return cases, [one for path in paths for one in read_phrases(path)]


def fitted(folder: Path, encoder: Encoder) -> dict[str, NDArray[np.generic]]:
    """INTENTS by spelling, and ACTS, as arrays of the model file."""
    intents = Corpus.of(*gathered(folder, WRITTEN)).intents
    answers = act_examples(*gathered(folder, ANSWERS))
    with threadpool_limits(1):  # the same sums in the same order, however many cores there are
        heads = {
            "intent": softmax_head(
                intents, INTENTS, text.features, text.HASH_BITS, STRENGTH, CLOSE, ROUNDS
            ),
            "acts": sigmoid_head(answers, ACTS, ACT_BITS),
        }
        meant = sigmoid_network(encoder, answers, ACTS)
    found: dict[str, NDArray[np.generic]] = {
        f"{name}.{part}": array
        for name, head in heads.items()
        for part, array in vars(head).items()
    }
    return found | {
        f"acts_meant.{part}": array.astype(np.float16) for part, array in vars(meant).items()
    }


def main() -> None:
    """Train, and write the arrays into the model file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, default=OUT)
    options = parser.parse_args()
    with np.load(ENCODER, allow_pickle=False) as file:
        encoder = RememberingEncoder.around(Encoder.of({name: file[name] for name in file.files}))
    found = fitted(options.data, encoder)
    with np.load(options.out, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    np.savez_compressed(options.out, allow_pickle=False, **(arrays | found))


if __name__ == "__main__":
    main()
