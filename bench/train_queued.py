"""Fits what a queued customer asks for: `python -m bench.train_queued`.

Learns from bench/queued/phrases.txt; what customers say otherwise comes from bench/detection too.
Writes handoff_bot/ai/detector/model/queued.npy, the same bytes each time. Prints how it fares on
held_out.txt, which it never sees.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from bench import train_small_talk
from handoff_bot.ai.detector.local import LocalDetector
from handoff_bot.ai.detector.short_messages import MODEL, QueueTalk
from handoff_bot.domain.signals import QueueAct

DATA = Path(__file__).parent / "queued"
STRENGTH = 50.0
MOST_OTHERS = 800

Phrase = tuple[str, QueueAct, str]


def read(path: Path) -> list[Phrase]:
    """Returns the phrases of a file, by sections `## KIND LANGUAGE`."""
    found, kind, language = [], QueueAct.OTHER, ""
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            name, language = line[3:].split()
            kind = QueueAct(name)
        elif line:
            found.append((line, kind, language))
    return found


def others() -> list[Phrase]:
    """Returns what customers say to the detector, without declined offers, which may leave a queue."""
    said = [
        *train_small_talk.others(),
        *train_small_talk.read(train_small_talk.DATA / "written.txt"),
    ]
    kept = [one for one in said if "decline" not in {act.value for act in one.acts}]
    step = max(1, len(kept) // MOST_OTHERS)
    return [(one.words, QueueAct.OTHER, one.language) for one in kept[::step]]


def fitted(detector: LocalDetector, phrases: list[Phrase]) -> QueueTalk:
    """Fits one linear classifier over the phrases' meanings."""
    vectors = np.vstack([detector.encoder.vectors([words]) for words, _, _ in phrases])
    is_wait = np.array([kind is QueueAct.WAIT for _, kind, _ in phrases])
    model = LogisticRegression(C=STRENGTH, max_iter=300, class_weight="balanced")
    model.fit(vectors, is_wait)
    wait = np.vstack([model.coef_.T, model.intercept_])
    np.save(MODEL, np.hstack([wait, np.zeros_like(wait)]).astype(np.float16))  # as in KINDS
    return QueueTalk.load(detector.encoder)


def main() -> None:
    """Fits, writes the model and measures it."""
    detector = LocalDetector.load()
    with threadpool_limits(1):  # the same sums in the same order, however many cores there are
        model = fitted(detector, [*read(DATA / "phrases.txt"), *others()])
    counted: Counter[tuple[str, str]] = Counter()
    for words, kind, language in read(DATA / "held_out.txt"):
        found = model.act_of(words)
        counted[kind.value, found.value] += 1
        if found is not kind:
            print(language, kind.value, "->", found.value, words)  # noqa: T201
    print(dict(counted))  # noqa: T201


if __name__ == "__main__":
    main()
