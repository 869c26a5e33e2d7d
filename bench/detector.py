"""How well the detector judges, beside keywords and a sentiment lexicon: `make bench-detector`.

Two sets: the hard cases, judged by the shipped model, which never saw them; and with `--held-out FOLDER` the
training data, each source judged by a model that was trained without it. A table by source, one by language,
for each detector in the same run. `bench.detector_speed` measures time and memory.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import statistics
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.metrics import roc_auc_score
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from bench import train_detector
from bench.detector_kinds import by_kind, named
from bench.provenance import commit
from handoff_bot.ai.detector.local import MODEL, LocalDetector
from handoff_bot.ai.detector.model import ENCODER, SENSITIVITIES
from handoff_bot.domain.conversation_context import ConversationContext
from handoff_bot.domain.signals import Turn

HERE = Path(__file__).parent
HARD = HERE / "detection" / "hard_cases.jsonl"
RESULTS = HERE / "results" / "detector.json"

KEYWORDS = re.compile(
    r"\b(?:human|agent|representative|operator|real person|customer service|speak to someone|manager"
    r"|supervisor|help me|frustrated|angry|terrible|useless|ridiculous|worst|complaint|lawyer|refund now)\b",
    re.IGNORECASE,
)
"""What products of the field look for when they have no model."""
_UNHAPPY = -0.5  # the compound score of VADER from which a message counts as upset

Scorer = Callable[[ConversationContext], tuple[bool, float]]


@dataclass(frozen=True)
class Labelled:
    """One conversation with its label."""

    source: str
    language: str
    talk: ConversationContext
    needed: bool


Answers = Sequence[tuple[bool, float]]
"""For each case: raised or not, and the score."""


def hard_cases() -> list[Labelled]:
    """The cases of bench/detection."""
    lines = HARD.read_text(encoding="utf-8").splitlines()
    found = []
    for raw in map(json.loads, lines):
        turns = tuple(Turn(turn["role"], turn["text"]) for turn in raw["turns"])
        found.append(
            Labelled(
                "hard", raw["lang"], ConversationContext(turns), bool(raw["label"]["escalate"])
            )
        )
    return found


def held_out(folder: Path) -> tuple[list[Labelled], Answers]:
    """The training data, and what models say of each source that never saw it."""
    cases, corpus, encoder = train_detector.gathered(folder)
    inputs = train_detector.held_out_inputs(cases, corpus, encoder)
    scores, thresholds = train_detector.held_out_scores(cases, inputs)
    medium = SENSITIVITIES.index("medium")
    raised = np.any(scores >= thresholds[:, medium], axis=1).tolist()
    answers = list(zip(raised, scores.max(axis=1).tolist(), strict=True))
    labelled = [
        Labelled(
            case.source,
            case.language,
            ConversationContext(tuple(Turn(*turn) for turn in case.turns)),
            case.reason != "none",
        )
        for case in cases
    ]
    return labelled, answers


def rivals() -> dict[str, Scorer]:
    """What ours is compared with."""
    lexicon = SentimentIntensityAnalyzer()

    def keywords(talk: ConversationContext) -> tuple[bool, float]:
        found = len(KEYWORDS.findall(talk.turns[-1].text))
        return bool(found), float(found)

    def vader(talk: ConversationContext) -> tuple[bool, float]:
        compound = lexicon.polarity_scores(talk.turns[-1].text)["compound"]
        return compound <= _UNHAPPY, -compound

    def both(talk: ConversationContext) -> tuple[bool, float]:
        (one, first), (other, second) = keywords(talk), vader(talk)
        return one or other, first + second

    return {"keywords": keywords, "VADER": vader, "keywords + VADER": both}


def measured(cases: Sequence[Labelled], answers: Answers) -> dict[str, float]:
    """F1 of those that need a person, AUC, and false positives; what cannot be told is left out."""
    wanted = [case.needed for case in cases]
    raised = [answer for answer, _ in answers]
    hits = sum(a and b for a, b in zip(wanted, raised, strict=True))
    found = {}
    if any(wanted):
        found["F1"] = 2 * hits / (sum(wanted) + sum(raised))
    if any(wanted) and not all(wanted):
        found["AUC"] = float(roc_auc_score(wanted, [score for _, score in answers]))
    if not all(wanted):
        found["FPR"] = (sum(raised) - hits) / (len(wanted) - sum(wanted))
    return found


def grouped(cases: Sequence[Labelled], answers: Answers, by: str) -> dict[str, dict[str, float]]:
    """The measures of each group, and their mean."""
    places: dict[str, list[int]] = defaultdict(list)
    for place, case in enumerate(cases):
        places[getattr(case, by)].append(place)
    table = {
        name: measured([cases[p] for p in mine], [answers[p] for p in mine])
        for name, mine in sorted(places.items())
    }
    means = {}
    for measure in ("F1", "AUC", "FPR"):
        # Sources of other tasks have a line and no part in the mean.
        mine = {name: row for name, row in table.items() if name not in train_detector.WEAK}
        values = [row[measure] for row in mine.values() if measure in row]
        if values:
            means[measure] = statistics.mean(values)
    return table | {"mean": means}


def show(tables: dict[str, dict[str, dict[str, float]]], names: Sequence[str]) -> None:
    """One line for each group, three columns for each detector."""
    groups = list(next(iter(tables.values())))
    print(f"{'':22}" + "".join(f"{name:>24}" for name in names))  # noqa: T201 - what it is for
    print(f"{'':22}" + "".join(f"{'F1':>10}{'AUC':>7}{'FPR':>7}" for _ in names))  # noqa: T201
    for group in groups:
        cells = ""
        for name in names:
            row = tables[name][group]
            shown = [f"{row[m]:.3f}" if m in row else "-" for m in ("F1", "AUC", "FPR")]
            cells += f"{shown[0]:>10}{shown[1]:>7}{shown[2]:>7}"
        print(f"{group:22}{cells}")  # noqa: T201


def compared(cases: Sequence[Labelled], ours: Answers) -> dict[str, Any]:
    """Print both tables; the same as data."""
    answers = {"ours": ours}
    answers |= {name: [score(case.talk) for case in cases] for name, score in rivals().items()}
    found = {}
    for by in ("source", "language"):
        tables = {name: grouped(cases, given, by) for name, given in answers.items()}
        show(tables, list(tables))
        found[by] = {
            name: {group: {k: round(v, 3) for k, v in row.items()} for group, row in table.items()}
            for name, table in tables.items()
        }
    return found


def main() -> None:
    """Measure, print, and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--held-out", type=Path, help="folder with dev.jsonl and the others")
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    detector = LocalDetector.load()
    cases = hard_cases()
    judged = [detector.judge(case.talk) for case in cases]
    result: dict[str, Any] = {
        "commit": commit(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "files_mb": round((MODEL.stat().st_size + ENCODER.stat().st_size) / 1e6, 2),
        "hard cases": compared(cases, [(one.escalate, one.score) for one in judged]),
    }
    result["held-out kinds, right and all"] = by_kind(detector)
    sentences, questions = zip(*named(detector).values(), strict=True)
    result["languages named, of 40"] = {
        "sentences": sum(sentences),
        "short questions": sum(questions),
    }
    if options.held_out:
        result["held out by source"] = compared(*held_out(options.held_out))
    options.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
