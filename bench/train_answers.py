"""Fits how sure the assistant is of a passage: `python -m bench.train_answers`.

Learns from the trades in bench/answers/training and from the sample shop. Each question is asked
twice: with its passage in the knowledge base, and without it, where all that is left are near
misses. Writes handoff_bot/ai/assistant/answerability.npz, the same bytes each time; with --measure
prints a cross-validation by trade.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

from bench.answers_corpus import Trade, trades
from handoff_bot.ai.assistant.evidence import MODEL, NAMES, Answerability, Networks
from handoff_bot.ai.assistant.knowledge import Knowledge, Meaning
from handoff_bot.ai.detector.local import LocalDetector
from handoff_bot.domain.conversation_context import ConversationContext
from handoff_bot.domain.signals import Turn
from tests.ai.questions import ANSWERABLE, UNANSWERABLE

SHOP = Path(__file__).parents[1] / "knowledge"
_FOREIGN = NAMES.index("foreign")
CANDIDATES, SHOP_WEIGHT = 12, 2
UNITS, MEMBERS, DECAY = 10, 5, 0.3
WRONG = 2.0
"""A wrong answer costs so many right ones."""


@dataclass(frozen=True)
class Asked:
    """One question put to one knowledge base.

    Attributes:
        marks: [candidates, NAMES].
        labels: [candidates], 1 for the passage with the answer.
        trade: by which cross-validation is split.
    """

    marks: NDArray[np.float64]
    labels: NDArray[np.int64]
    trade: str
    text: str = ""

    @property
    def is_foreign(self) -> bool:
        """Whether the passages are in another language than the question."""
        return bool(self.marks[:, _FOREIGN].mean() > 0.5)


Language = Callable[[str], str]
"""A text to the language that the detector names."""


class Remembered:
    """Meanings, each computed once."""

    def __init__(self, meaning: Meaning) -> None:
        self._meaning = meaning
        self._known: dict[str, Any] = {}

    def __call__(self, texts: Sequence[str]) -> Any:
        new = sorted(
            {one for one in texts if one not in self._known}, key=lambda one: (len(one), one)
        )
        for start in range(0, len(new), 32):
            batch = new[start : start + 32]
            self._known |= dict(zip(batch, self._meaning(batch), strict=True))
        return [self._known[one] for one in texts]


def asked(
    knowledge: Knowledge, text: str, right: str, trade: str, language: Language
) -> Asked | None:
    """Asks a question, or a follow-up to an earlier one; `right` is the heading with the answer."""
    earlier, _, last = text.rpartition(" >> ")
    hits = knowledge.search(last, CANDIDATES, earlier, language(last))
    if not hits:
        return None
    marks = np.array([hit.marks for hit in hits])
    labels = np.array([int(bool(right) and hit.passage.heading == right) for hit in hits])
    return Asked(marks, labels, trade, text)


def of_trade(trade: Trade, meaning: Meaning, language: Language) -> Iterator[Asked]:
    """Yields each question with its passage and without it, and the unanswerable ones."""
    with TemporaryDirectory() as place:
        folder = Path(place)
        for without in range(-1, len(trade.sections)):
            trade.write(folder, without)
            with Knowledge(folder, meaning=meaning) as knowledge:
                for number, section in enumerate(trade.sections):
                    if without not in (-1, number):
                        continue
                    right = section.heading if without == -1 else ""
                    for text in section.asked:
                        found = asked(knowledge, text, right, trade.name, language)
                        yield from [found] if found else []
                if without == -1:
                    for text in trade.unanswerable:
                        found = asked(knowledge, text, "", trade.name, language)
                        yield from [found] if found else []


def of_shop(meaning: Meaning, language: Language) -> Iterator[Asked]:
    """Yields the questions of tests/ai/questions.py about the sample shop, in three languages."""
    with Knowledge(SHOP, meaning=meaning) as knowledge:
        for text, own, fact in [*ANSWERABLE, *((*one, "") for one in UNANSWERABLE)]:
            spoken = own if own in knowledge.languages() else "en"
            hits = knowledge.search(text, CANDIDATES, language=language(text))
            hits = [hit for hit in hits if hit.passage.locale == spoken]
            labels = [int(bool(fact) and fact in hit.passage.text) for hit in hits]
            if hits:
                marks = np.array([hit.marks for hit in hits])
                yield Asked(marks, np.array(labels), SHOP.name, text)


def fitted(cases: Sequence[Asked]) -> Answerability:
    """Fits networks to the questions in the passages' language, and others to the rest."""
    own = [one for one in cases if not one.is_foreign]
    return Answerability(_networks(own), _networks([one for one in cases if one.is_foreign]))


def _networks(cases: Sequence[Asked]) -> Networks:
    """Fits a few small networks, whose mean is the probability."""
    marks = np.concatenate([one.marks for one in cases])
    labels = np.concatenate([one.labels for one in cases])
    mean, spread = marks.mean(axis=0), marks.std(axis=0) + 1e-6
    scaled = (marks - mean) / spread
    members = []
    for number in range(MEMBERS):
        network = MLPClassifier(
            (UNITS,),
            alpha=DECAY,
            max_iter=120,
            random_state=number,
            batch_size=256,
            activation="tanh",
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            network.fit(scaled, labels)
        members.append(network)
    hidden = np.stack([np.vstack([one.coefs_[0], one.intercepts_[0]]) for one in members])
    out = np.stack([np.append(one.coefs_[1][:, 0], one.intercepts_[1]) for one in members])
    return Networks(
        mean.astype(np.float32),
        spread.astype(np.float32),
        hidden.astype(np.float32),
        out.astype(np.float32),
    )


@dataclass(frozen=True)
class Chosen:
    """The likeliest passage of a question, and whether it holds the answer."""

    chance: float
    is_right: bool
    has_answer: bool
    text: str


def cross_validated(cases: Sequence[Asked]) -> list[Chosen]:
    """Returns what is chosen for each written question by models that have not seen its trade."""
    found = []
    for trade in sorted({one.trade for one in cases}):
        model = fitted([one for one in cases if one.trade != trade])
        for one in cases:
            if one.trade == trade:
                chances = model.chances(one.marks)
                best = int(np.argmax(chances))
                found.append(
                    Chosen(
                        float(chances[best]),
                        bool(one.labels[best]),
                        bool(one.labels.any()),
                        one.text,
                    )
                )
    return found


def report(chosen: Sequence[Chosen]) -> Iterator[str]:
    """Yields right, wrong and refused by threshold, and how often a probability comes true."""
    answerable = [one for one in chosen if one.has_answer]
    rest = [one for one in chosen if not one.has_answer]
    best = sum(one.is_right for one in answerable)
    yield f"{len(answerable)} answerable, {len(rest)} not; the passage is the likeliest {best} times"
    for least in (0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.7, 0.8):
        said = [one for one in answerable if one.chance >= least]
        right = sum(one.is_right for one in said)
        false = sum(one.chance >= least for one in rest)
        yield (
            f"{least:.2f}: right {right}, wrong {len(said) - right}, refused "
            f"{len(answerable) - len(said)}; answered without an article {false}; "
            f"worth {right - WRONG * (len(said) - right + false):.0f}"
        )
    for low in np.arange(0, 1, 0.1):
        within = [one.is_right for one in chosen if low <= one.chance < low + 0.1]
        if within:
            yield f"probability {low:.1f}: {len(within)} questions, {np.mean(within):.2f} right"


def main() -> None:
    """Fits, measures by trade, and writes the model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=MODEL)
    parser.add_argument("--measure", action="store_true", help="cross-validate by trade (a minute)")
    options = parser.parse_args()
    detector = LocalDetector.load()
    meaning = Remembered(detector.encoder.vectors)

    def language(text: str) -> str:
        return detector.quick_check(ConversationContext((Turn("customer", text),))).language

    with threadpool_limits(1):  # the same sums in the same order, however many cores there are
        cases = [case for trade in trades() for case in of_trade(trade, meaning, language)]
        cases += SHOP_WEIGHT * list(of_shop(meaning, language))
        print(len(cases), "cases;", ", ".join(NAMES))  # noqa: T201
        for line in report(cross_validated(cases)) if options.measure else ():
            print(line)  # noqa: T201
        fitted(cases).save(options.out)


if __name__ == "__main__":
    main()
