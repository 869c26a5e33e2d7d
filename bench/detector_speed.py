"""How long a judgement takes and what memory it needs: `python -m bench.detector_speed --against COMMIT`.

Timed is the newest message of a conversation whose other turns are known. With `--against` the detector of
that commit judges the same, a few conversations at a time in turns with ours, so that whatever else the
machine does slows both. On a shared machine the processor time of the one thread says more than the clock.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import statistics
import subprocess
import sys
import tarfile
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from bench import detector_corpus
from bench.provenance import ROOT, provenance

HERE = Path(__file__).parent
HARD = HERE / "detection" / "hard_cases.jsonl"
PHRASES = HERE / "detection" / "phrases"
RESULTS = HERE / "results" / "detector_speed.json"
QUESTIONS = 3  # that a customer asked, and was answered, before the message that is timed
AT_A_TIME = 10
ONE_THREAD = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")

Turns = list[tuple[str, str]]
Times = dict[str, list[float]]

JUDGE = """
import json, sys, time
from handoff_bot.ai.detector.local import LocalDetector
from handoff_bot.ai.detector.local import MODEL
from handoff_bot.ai.detector.model import Model
from handoff_bot.domain.signals import Turn
from handoff_bot.domain.conversation_context import ConversationContext as Talk

model = Model.load(MODEL)
detector = LocalDetector(model)

def timed(detector, talk):
    cpu, wall = time.thread_time(), time.perf_counter()
    detector.judge(talk)
    return (time.thread_time() - cpu) * 1000, (time.perf_counter() - wall) * 1000

for line in sys.stdin:
    answers = []
    for turns in json.loads(line):
        talk = Talk(tuple(Turn(*turn) for turn in turns))
        if len(turns) > 1:
            detector.judge(Talk(talk.turns[:-2]))
            detector.announces(talk.turns[-2].text)
        answers.append((*timed(detector, talk), timed(LocalDetector(model), talk)[0]))
    print(json.dumps(answers), flush=True)
"""
"""Of a talk: processor and clock milliseconds for its last message, and processor time with all turns new."""

MEASURES = ("processor", "clock", "processor, all turns new")

WEIGH = """
def resident():
    status = open("/proc/self/status").read()
    return int(status.split("VmRSS:")[1].split()[0]) / 1000

def own():
    return int(open("/proc/self/smaps_rollup").read().split("Private_Dirty:")[1].split()[0]) / 1000

found, last = {}, resident()
def note(part):
    global last
    found[part], last = round(resident() - last, 1), resident()

import json, numpy
note("NumPy")
before = own()
from handoff_bot.domain.signals import Turn
from handoff_bot.domain.conversation_context import ConversationContext as Talk
from handoff_bot.ai.detector.local import LocalDetector
note("code")
detector = LocalDetector.load()
note("model")
for n in range(300):
    detector.judge(Talk((Turn("customer", f"Hi, I ordered {n} hats. When do they come?"),)))
note("300 judgements")
found["beside NumPy"] = round(sum(found.values()) - found["NumPy"], 1)
found["beside NumPy, its own"] = round(own() - before, 1)
print(json.dumps(found))
"""
"""Megabytes that a fresh process grows by; its own are those that no other process can share."""


def conversations() -> dict[str, list[Turns]]:
    """Of each kind some."""
    lines = HARD.read_text(encoding="utf-8").splitlines()
    hard = [[(turn["role"], turn["text"]) for turn in json.loads(line)["turns"]] for line in lines]
    seventh = talks()
    return {
        "a first message": [turns[-1:] for turns in seventh],
        "after six turns": seventh,
        "hard cases": hard,
    }


def talks() -> list[Turns]:
    """Ordinary questions of each language with answers between them, and a last message of any kind."""
    said: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for one in detector_corpus.read_phrases(PHRASES):
        said[one.language][one.kind].append(one.words)
    plain = said["en"]["plain"]
    found: list[Turns] = []
    for kinds in said.values():
        last = [*kinds["none"][::6], *kinds["request"][::15], *kinds["sentiment"][::15]]
        others = [words for place, words in enumerate(kinds["none"]) if place % 6]
        for place, words in enumerate(last if len(others) > QUESTIONS else ()):
            turns: Turns = []
            for number in range(place, place + QUESTIONS):
                turns.append(("customer", others[number % len(others)]))
                turns.append(("assistant", plain[number % len(plain)]))
            found.append([*turns, ("customer", words)])
    return found


@contextmanager
def judge_of(root: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that judges with the code in a folder."""
    with subprocess.Popen(  # noqa: S603 - our own words
        [sys.executable, "-c", JUDGE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=root,
        env=os.environ | ONE_THREAD | {"PYTHONPATH": str(root)},
    ) as process:
        yield process


def ask(process: subprocess.Popen[str], some: Sequence[Turns]) -> list[list[float]]:
    """The times of some talks."""
    if process.stdin is None or process.stdout is None:
        raise RuntimeError("the process has no pipes")
    process.stdin.write(json.dumps(some) + "\n")
    process.stdin.flush()
    answers: list[list[float]] = json.loads(process.stdout.readline())
    return answers


def times(roots: dict[str, Path], cases: Sequence[Turns]) -> dict[str, Times]:
    """Milliseconds by detector and measure, in the order of the cases."""
    found: dict[str, Times] = {name: defaultdict(list) for name in roots}
    with ExitStack() as stack:
        judges = {name: stack.enter_context(judge_of(root)) for name, root in roots.items()}
        for start in range(0, len(cases), AT_A_TIME):
            for name, judge in judges.items():
                for row in ask(judge, cases[start : start + AT_A_TIME]):
                    for measure, value in zip(MEASURES, row, strict=True):
                        found[name][measure].append(value)
    return found


def spread(values: Sequence[float]) -> dict[str, float]:
    """Median and 95th percentile."""
    p95 = sorted(values)[int(0.95 * (len(values) - 1))]
    return {"median": round(statistics.median(values), 2), "p95": round(p95, 2)}


def compared(found: dict[str, Times]) -> dict[str, Any]:
    """The spread of each measure by detector, and the median of ours as a share of the other's."""
    table: dict[str, Any] = {
        name: {measure: spread(values) for measure, values in mine.items()}
        for name, mine in found.items()
    }
    ours, *others = found.values()
    for other in others:
        table["ratio"] = {
            measure: round(statistics.median(ours[measure]) / statistics.median(values), 2)
            for measure, values in other.items()
        }
    return table


def weighed(root: Path) -> dict[str, float]:
    """Megabytes of a fresh process, by part."""
    done = subprocess.run(  # noqa: S603 - our own words
        [sys.executable, "-c", WEIGH],
        capture_output=True,
        text=True,
        check=True,
        cwd=root,
        env=os.environ | ONE_THREAD | {"PYTHONPATH": str(root)},
    )
    parts: dict[str, float] = json.loads(done.stdout)
    return parts


def unpack(commit: str, folder: Path) -> None:
    """Write the package as it was at a commit into a folder."""
    archive = subprocess.run(  # noqa: S603 - our own repository
        ["git", "archive", commit, "handoff_bot"],  # noqa: S607 - whichever git is installed
        capture_output=True,
        check=True,
        cwd=ROOT,
    )
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as tar:
        tar.extractall(folder, filter="data")


def main() -> None:
    """Measure, print, and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--against", help="commit whose detector judges the same conversations")
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        roots = {"ours": ROOT}
        if options.against:
            unpack(options.against, Path(folder))
            roots[options.against] = Path(folder)
        result: dict[str, Any] = {
            **provenance(),
            "milliseconds": {
                kind: compared(times(roots, cases)) | {"conversations": len(cases)}
                for kind, cases in conversations().items()
            },
            "megabytes": {name: weighed(root) for name, root in roots.items()},
        }
    print(json.dumps(result, indent=1))  # noqa: T201
    options.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
