"""Whether two checkouts' detectors judge alike: `python -m bench.detector_same --against COMMIT FILE…`.

For changes of how the detector computes, not of what: every conversation of the files and of
`detection/` is judged by both, and each difference is printed. The exit status is 1 if a decision
differs or a score by more than `--tolerance`.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from bench.detector_speed import ONE_THREAD, Turns, unpack
from bench.provenance import ROOT

DETECTION = Path(__file__).parent / "detection"
TOLERANCE = 5e-6
"""Sums in another order differ by so much: the encoder's numbers have 24 bits."""
_SHOWN = 20

JUDGE = """
import json, sys
from handoff_bot.ai.detector.local import LocalDetector
from handoff_bot.domain.signals import Turn
from handoff_bot.domain.conversation_context import ConversationContext as Talk

detector = LocalDetector.load()
for line in sys.stdin:
    turns = json.loads(line)
    talk = Talk(tuple(Turn(*turn) for turn in turns))
    one, last = detector.judge(talk), turns[-1][1]
    said = [
        one.reason, one.priority, one.evidence, one.summary, one.language, one.act,
        detector.announces(last), detector.may_matter(last), detector.queue_act(last),
    ]
    each = [*one.scores.values(), detector.danger(talk)[0]]
    print(json.dumps([list(map(str, said)), each]), flush=False)
"""

Judged = tuple[list[str], list[float]]


def conversations(files: Sequence[Path]) -> list[Turns]:
    """Distinct ones: of JSON lines with turns, and of each other line as a first message."""
    found: dict[str, Turns] = {}
    for path in [*files, *sorted(DETECTION.rglob("*.jsonl")), *sorted(DETECTION.rglob("*.txt"))]:
        for turns in _read(path):
            found[json.dumps(turns)] = turns
    for turns in hostile():
        found[json.dumps(turns)] = turns
    return list(found.values())


def _read(path: Path) -> Iterator[Turns]:
    for line in path.read_text(encoding="utf-8").splitlines():
        if path.suffix == ".txt":
            yield from ([("customer", part.strip())] for part in line.split("|") if part.strip())
        elif turns := json.loads(line).get("turns"):
            yield [(turn["role"], turn["text"]) for turn in turns]


def hostile() -> Iterator[Turns]:
    """The longest and the oddest messages."""
    sentence = (
        "Where is my order? I paid, I waited; nobody answers and I want to talk to a person now! "
    )
    odd = (
        "", " ", "\n\n", "?", "!!!", "\U0001f642" * 1_500, "a" * 5_000, "a b " * 1_000, sentence * 60,
        "x. " * 2_000, "x, y z w, " * 400, "\ud800 lone", "\u200b".join("agent"), "I\u0307" * 300,
        "\u597d\u7684\u3002" * 700, "\u0e01" * 4_000, "\u0430gent pl\u0435ase", "h u m a n", "?" * 3_000,
    )  # fmt: skip
    return ([("customer", words)] for words in odd)


def judged(root: Path, cases: Sequence[Turns]) -> list[Judged]:
    """What the detector in a folder says of each conversation."""
    done = subprocess.run(  # noqa: S603 - our own words
        [sys.executable, "-c", JUDGE],
        input="".join(json.dumps(case) + "\n" for case in cases),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        cwd=root,
        env=os.environ | ONE_THREAD | {"PYTHONPATH": str(root)},
    )
    return [tuple(json.loads(line)) for line in done.stdout.splitlines()]


def main() -> None:
    """Compare, print, and fail if they differ."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--against", required=True, help="commit, or a folder with a checkout")
    parser.add_argument("--every", type=int, default=1, help="only each so many-th conversation")
    parser.add_argument("--tolerance", type=float, default=TOLERANCE)
    parser.add_argument("files", type=Path, nargs="*", help="JSON lines with turns")
    options = parser.parse_args()
    cases = conversations(options.files)[:: options.every]
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor() as pool:
        other = Path(options.against)
        if not other.is_dir():
            other = Path(folder)
            unpack(options.against, other)
        ours, theirs = pool.map(lambda root: judged(root, cases), (ROOT, other))
    found = compared(cases, ours, theirs, options.tolerance)
    print(json.dumps(found, indent=1))  # noqa: T201
    sys.exit(bool(found["decisions that differ"] or found["scores that differ"]))


def compared(
    cases: Sequence[Turns], ours: Sequence[Judged], theirs: Sequence[Judged], tolerance: float
) -> dict[str, Any]:
    """Counts, the largest difference of a score, and the first differences."""
    decisions, scores, largest = 0, 0, 0.0
    shown: list[tuple[str, float, list[tuple[str, str]]]] = []
    for case, (said, each), (other_said, other_each) in zip(cases, ours, theirs, strict=True):
        apart = max((abs(a - b) for a, b in zip(each, other_each, strict=True)), default=0.0)
        other = [pair for pair in zip(said, other_said, strict=True) if pair[0] != pair[1]]
        largest = max(largest, apart)
        decisions += bool(other)
        scores += apart > tolerance
        if other or apart > tolerance:
            shown.append((case[-1][1][:80], apart, other))
    return {
        "conversations": len(cases),
        "decisions that differ": decisions,
        "scores that differ": scores,
        "largest difference": largest,
        "first": shown[:_SHOWN],
    }


if __name__ == "__main__":
    main()
