"""Train what hears small talk, and put it into the shipped arrays: `python -m bench.train_small_talk`.

Learns from bench/detection/small_talk/written.txt, and from bench/detection/phrases what is none.
Prints how it fares on held_out.txt, which it never sees.
"""

from __future__ import annotations

import argparse
import random
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

from bench.detector_corpus import SEED, read_phrases
from bench.detector_heads import RememberingEncoder, _quietly, joined, matrix, quantised
from bench.train_detector import OUT, PHRASES
from handoff_bot.ai.detector import text
from handoff_bot.ai.detector.encoder import Encoder
from handoff_bot.ai.detector.model import ENCODER, FORMAT
from handoff_bot.ai.detector.short_messages import CLASSES, MEANT, SPELT, SmallTalk, parts_of
from handoff_bot.domain.signals import Act

DATA = PHRASES.parent / "small_talk"
NAMES = (
    "Dana",
    "Ana",
    "Ben",
    "Maria",
    "Ahmed",
    "Yuki",
    "Olga",
    "Tom",
    "Priya",
    "Wei",
    "Sofia",
    "Jan",
)
BITS, UNITS, MEMBERS = 13, 24, 1
COARSE = 4  # so many steps of a weight are one: what is shipped gets smaller, and what it says hardly changes
WEIGHT_OF_WRITTEN, WEIGHT_OF_EMOJI = 3.0, 12.0
_WRITTEN_OTHER = {"request", "sentiment", "serious", "stuck", "none"}
_SPACELESS = frozenset({"ja", "zh", "th", "ko"})


@dataclass(frozen=True)
class Said:
    """One example: its words, its kinds (none for anything else), and how much it counts."""

    language: str
    words: str
    acts: frozenset[Act]
    weight: float = 1.0


def read(path: Path) -> list[Said]:
    """The phrases of a file: sections `## KIND LANGUAGE`, phrases parted by |."""
    found, kind, language = [], Act.NONE, ""
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            name, language = line[3:].split()
            kind = Act.NONE if name == "other" else Act(name)
        elif line.strip() and not line.startswith("#"):
            acts = frozenset() if kind is Act.NONE else frozenset({kind})
            weight = WEIGHT_OF_EMOJI if language == "emoji" else WEIGHT_OF_WRITTEN
            found += [Said(language, words.strip(), acts, weight) for words in line.split(" | ")]
    return found


def others() -> list[Said]:
    """What customers say that is no small talk; without short ordinary phrases, which may be praise."""
    phrases = [*read_phrases(PHRASES), *read_phrases(PHRASES.parent / "next")]
    return [
        Said(one.language, one.words, frozenset())
        for one in phrases
        if one.kind in _WRITTEN_OTHER and (one.kind != "none" or len(one.words.split()) > 5)
    ]


def made(written: Sequence[Said], other: Sequence[Said]) -> Iterator[Said]:
    """The examples and what people make of them: other spelling, names, two in one, and a "but" behind it."""
    dice = random.Random(SEED)  # noqa: S311 - repeatable on purpose, guards nothing
    small, rest = _by_language(one for one in written if one.acts), _by_language(other)
    hard = _by_language(one for one in written if not one.acts)
    for one in written:
        yield from _spelt(one, dice)
    yield from other
    for language, mine in small.items():
        if language == "emoji":
            continue
        for one in mine:
            second = dice.choice(mine)
            gap = dice.choice((", ", " ", "! ", ". ", " "))
            yield Said(language, f"{one.words}{gap}{second.words}", one.acts | second.acts)
            if not one.acts & {Act.DECLINE} and language not in _SPACELESS:
                yield Said(
                    language, f"{one.words}{dice.choice((' ', ', '))}{dice.choice(NAMES)}", one.acts
                )
        for one in [*hard[language], *dice.sample(rest[language], min(220, len(rest[language])))]:
            first = dice.choice(mine)
            gap = dice.choice((", ", " ", ". ", " "))
            yield Said(language, f"{first.words}{gap}{one.words}", frozenset())


def _spelt(one: Said, dice: random.Random) -> Iterator[Said]:
    yield one
    ends = dice.sample(("!", "!!", ".", "...", " !", "!!!"), 2)
    for words in (one.words.capitalize() + ends[0], one.words.upper(), one.words + ends[1]):
        yield Said(one.language, words, one.acts, one.weight / 2)


def _by_language(said: Iterable[Said]) -> dict[str, list[Said]]:
    found: dict[str, list[Said]] = defaultdict(list)
    for one in said:
        found[one.language].append(one)
    return found


def labels(said: Sequence[Said]) -> NDArray[np.int64]:
    """[examples, classes], 0 or 1."""
    return np.array(
        [
            [act in one.acts if act is not Act.NONE else not one.acts for act in CLASSES]
            for one in said
        ],
        dtype=np.int64,
    )


def fitted(said: Sequence[Said], encoder: Encoder) -> SmallTalk:
    """The classifiers, fitted."""
    known = labels(said)
    weights = np.array([one.weight for one in said])
    inputs = matrix((one.words for one in said), text.features, 1 << BITS)
    rows = []
    for column in range(len(CLASSES)):
        model = LogisticRegression(C=10, max_iter=300, tol=1e-3)
        model.fit(inputs, known[:, column], sample_weight=weights)
        rows.append((model.coef_[0], model.intercept_[0]))
    spelt = quantised(np.array([row[0] for row in rows]), np.array([row[1] for row in rows]))
    vectors = encoder.vectors([one.words for one in said]) * 10.0
    networks = []
    for member in range(MEMBERS):
        network = MLPClassifier(
            (UNITS,), alpha=1e-3, max_iter=40, random_state=member, batch_size=128
        )
        _quietly(partial(network.fit, vectors, known, sample_weight=weights))
        networks.append(network)
    steps = np.rint(spelt.weights / COARSE).astype(np.int8) * np.int8(COARSE)
    return SmallTalk(encoder, replace(spelt, weights=steps), joined(networks))


def examples(written: Sequence[Said], other: Sequence[Said]) -> list[Said]:
    """All of them as they are scored: emoji by their names."""
    found = []
    for one in made(written, other):
        whole = parts_of(one.words)[:1] if one.language != "emoji" else parts_of(one.words)
        found += [Said(one.language, part, one.acts, one.weight) for part in whole]
    return list(dict.fromkeys(found))


def bare(words: str) -> str:
    """The letters and signs alone, by which the held-out phrases are compared with the written ones."""
    return "".join(c for c in words.casefold() if c.isalnum() or ord(c) > 0x2600)


def held_out(written: Sequence[Said]) -> list[Said]:
    """The held-out phrases without those that are written ones."""
    known = {bare(one.words) for one in written}
    return [one for one in read(DATA / "held_out.txt") if bare(one.words) not in known]


@dataclass
class Score:
    """How much small talk is heard, how much else is taken for it, and how many answers are right."""

    small: int = 0
    heard: int = 0
    rest: int = 0
    swallowed: int = 0
    answers: int = 0
    right: int = 0

    def __str__(self) -> str:
        return (
            f"heard {self.heard}/{self.small}, swallowed {self.swallowed}/{self.rest}, "
            f"yes and no told apart {self.right}/{self.answers}"
        )


def measure(model: SmallTalk, said: Sequence[Said], *, show: bool = False) -> Score:
    """How the model fares on them."""
    score = Score()
    for one in said:
        found = model.kinds(one.words)
        if not one.acts:
            score.rest += 1
            score.swallowed += bool(found)
        else:
            score.small += 1
            score.heard += bool(found)
            mine = one.acts & {Act.ACCEPT, Act.DECLINE}
            if mine and found:
                score.answers += 1
                score.right += (Act.DECLINE in found) == (Act.DECLINE in mine)
        if show and bool(found) != bool(one.acts):
            print("   ", one.language, repr(one.words), sorted(one.acts), sorted(found))  # noqa: T201
    return score


def main() -> None:
    """Train, measure, and write the arrays into the model file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--by-language", action="store_true", help="measure languages unseen, too")
    options = parser.parse_args()
    with np.load(ENCODER, allow_pickle=False) as file:
        encoder = RememberingEncoder.around(Encoder.of({name: file[name] for name in file.files}))
    written, other = read(DATA / "written.txt"), others()
    said = examples(written, other)
    asked = held_out(written)
    with threadpool_limits(1):  # the same sums in the same order, however many cores there are
        model = fitted(said, encoder)
        print(len(said), "examples;", measure(model, asked, show=True))  # noqa: T201
        if options.by_language:
            for language in sorted({one.language for one in asked}):
                known = fitted([one for one in said if one.language != language], encoder)
                mine = [one for one in asked if one.language == language]
                print(language, measure(known, mine))  # noqa: T201
    with np.load(options.out, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files} | {"format": np.array(FORMAT)}
    arrays |= {f"{SPELT}.{part}": array for part, array in vars(model.spelt).items()}
    arrays |= {
        f"{MEANT}.{part}": array.astype(np.float16) for part, array in vars(model.meant).items()
    }
    np.savez_compressed(options.out, allow_pickle=False, **arrays)


if __name__ == "__main__":
    main()
