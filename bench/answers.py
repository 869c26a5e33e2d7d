"""The assistant without a key on eight knowledge bases that nothing was trained on: `make bench-answers`.

Beside it BM25, which quotes the best passage if its rank reaches a threshold fitted on the training
trades. Writes bench/results/answers.json.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.answers_corpus import HELD_OUT, NONE, Question, held_out, names, trades
from bench.provenance import provenance
from handoff_bot.ai.assistant.knowledge import Knowledge
from handoff_bot.ai.assistant.local import LocalAssistant
from handoff_bot.ai.assistant.words import telling_stems
from handoff_bot.ai.detector.local import LocalDetector
from handoff_bot.domain.signals import Answer

RESULTS = Path(__file__).with_name("results") / "answers.json"
SYSTEMS = ("assistant", "BM25")


@dataclass(frozen=True)
class Outcome:
    """What became of a question: right, wrong, refused or asked back; of NONE right means refused."""

    question: Question
    verdict: str
    text: str
    confidence: float
    seconds: float


def verdict(question: Question, answer: Answer | None) -> str:
    """Judges an answer by its facts: all of them make it right."""
    text = " ".join(answer.text.split()) if answer else ""
    holds = bool(question.facts) and all(fact in text for fact in question.facts)
    if answer is not None and answer.choices:
        return "asked back"
    if answer is None or not answer.sources:
        return "right" if question.kind == NONE else "refused"
    return "right" if holds else "wrong"


def by_assistant(knowledge: Knowledge, detector: LocalDetector) -> Iterator[Outcome]:
    """Asks the assistant as the product does, with the language that the detector names."""
    assistant = LocalAssistant(knowledge, detector.act_of)
    for question in held_out(knowledge.folder.name):
        before = ""
        if question.earlier:
            first = Question("single", question.language, question.earlier, ())
            told = assistant.answer(first.talk(""), question.language)
            before = told.text if told else ""
        talk = question.talk(before)
        began = time.perf_counter()
        answer = assistant.answer(talk, detector.quick_check(talk).language)
        took = time.perf_counter() - began
        told_text, sure = (answer.text, answer.confidence) if answer else ("", 0.0)
        yield Outcome(question, verdict(question, answer), told_text, sure, took)


def by_words(knowledge: Knowledge, least: float) -> Iterator[Outcome]:
    """Quotes the passage with the highest BM25 rank for each word of the question."""
    for question in held_out(knowledge.folder.name):
        began = time.perf_counter()
        asked = f"{question.earlier} {question.text}".strip()
        rank, text = best_by_words(knowledge, asked)
        answer = Answer(text, rank, ("article",)) if rank >= least else None
        took = time.perf_counter() - began
        yield Outcome(question, verdict(question, answer), text, rank, took)


def best_by_words(knowledge: Knowledge, asked: str) -> tuple[float, str]:
    """Returns the rank for each word, and the passage."""
    hits = knowledge.search(asked)
    best = max(hits, key=lambda hit: hit.rank, default=None)
    if best is None:
        return 0.0, ""
    return best.rank / max(1, len(telling_stems(asked))), best.passage.text


def fitted_threshold() -> float:
    """Returns the BM25 threshold that gives most right answers less twice the wrong ones in training."""
    tried: list[tuple[float, bool]] = []
    with TemporaryDirectory() as place:
        for trade in trades():
            folder = Path(place) / trade.name
            folder.mkdir()
            trade.write(folder)
            with Knowledge(folder) as knowledge:
                for section in trade.sections:
                    known = [one for one in knowledge.all() if one.heading == section.heading]
                    for asked in section.asked:
                        rank, text = best_by_words(knowledge, asked.replace(" >> ", " "))
                        tried.append((rank, any(text == one.text for one in known)))
                tried += [(best_by_words(knowledge, one)[0], False) for one in trade.unanswerable]
    return max(
        {rank for rank, _ in tried},
        key=lambda least: sum(1 if right else -2 for rank, right in tried if rank >= least),
    )


def table(outcomes: dict[str, list[Outcome]]) -> dict[str, dict[str, dict[str, int]]]:
    """Counts verdicts by system and kind; "answerable" is all kinds but NONE."""
    found: dict[str, dict[str, dict[str, int]]] = {}
    for system, all_of in outcomes.items():
        counts: dict[str, Counter[str]] = defaultdict(Counter)
        for one in all_of:
            counts[one.question.kind][one.verdict] += 1
            if one.question.kind != NONE:
                counts["answerable"][one.verdict] += 1
        found[system] = {kind: dict(count) for kind, count in sorted(counts.items())}
    return found


def lines(counts: dict[str, dict[str, dict[str, int]]]) -> Iterator[str]:
    """Yields the table in Markdown."""
    yield "| | right | wrong | refused | asked back |"
    yield "|---|--:|--:|--:|--:|"
    for system, kinds in counts.items():
        for kind, count in kinds.items():
            whole = sum(count.values())
            cells = [count.get(one, 0) for one in ("right", "wrong", "refused", "asked back")]
            yield f"| {system}: {kind} ({whole}) | " + " | ".join(map(str, cells)) + " |"


def main() -> None:
    """Measures, prints and writes the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--show", action="store_true", help="print each answer that is not right")
    parser.add_argument("--only", default="", help="one knowledge base; writes nothing")
    options = parser.parse_args()
    detector = LocalDetector.load()
    least = fitted_threshold()
    outcomes: dict[str, list[Outcome]] = {name: [] for name in SYSTEMS}
    for name in [options.only] if options.only else names():
        with Knowledge(HELD_OUT / name, meaning=detector.encoder.vectors) as knowledge:
            knowledge.languages()  # reads the folder before anything is timed
            outcomes["assistant"] += by_assistant(knowledge, detector)
        with Knowledge(HELD_OUT / name) as knowledge:
            outcomes["BM25"] += by_words(knowledge, least)
    mine = outcomes["assistant"]
    counts = table(outcomes)
    milliseconds = sorted(1000 * one.seconds for one in mine)
    facts = {
        "median_ms": round(statistics.median(milliseconds), 1),
        "p95_ms": round(milliseconds[int(len(milliseconds) * 0.95)], 1),
        "median_characters": statistics.median(
            len(one.text) for one in mine if one.verdict == "right" and one.question.kind != NONE
        ),
    }
    show: Callable[[str], None] = print
    for line in lines(counts):
        show(line)
    show(json.dumps(facts))
    if options.show:
        for one in mine:
            if one.verdict != "right":
                asked = f"{one.question.earlier} >> {one.question.text}".removeprefix(" >> ")
                show(
                    f"{one.verdict} {one.question.kind} {one.confidence:.2f} {asked} -> {one.text!r}"
                )
    if not options.only:
        RESULTS.write_text(
            json.dumps(provenance() | facts | {"verdicts": counts}, indent=1) + "\n", "utf-8"
        )


if __name__ == "__main__":
    main()
