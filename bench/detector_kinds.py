"""The phrases of bench/detection that are held out by kind, and the sentences of 40 languages."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from handoff_bot.ai.detector.local import LocalDetector
from handoff_bot.domain.conversation_context import ConversationContext
from handoff_bot.domain.signals import Priority, Turn

HERE = Path(__file__).parent / "detection"


@dataclass(frozen=True)
class HeldOut:
    """One conversation; `kind` is urgent, request, sentiment, complexity or none."""

    kind: str
    language: str
    talk: ConversationContext

    def is_right(self, detector: LocalDetector) -> bool:
        """Returns whether it escalates just if it should; an urgent one must be urgent, too."""
        judged = detector.judge(self.talk)
        if self.kind == "urgent":
            return judged.escalate and judged.priority is Priority.URGENT
        return judged.escalate == (self.kind != "none")


FILES = ("held_out", "first_mentions", "ordinary")


def held_out(name: str) -> Iterator[HeldOut]:
    """All of one of FILES."""
    kind, language = "", ""
    for line in (HERE / f"{name}.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            kind, language = line[3:].split()
        elif line.strip() and not line.startswith("#"):
            yield HeldOut(kind, language, conversation(*line.split(" | ")))


def conversation(*words: str) -> ConversationContext:
    """The customer's and the assistant's messages in turns, the customer's first."""
    roles = ("customer", "assistant")
    return ConversationContext(
        tuple(Turn(roles[place % 2], one) for place, one in enumerate(words))
    )


def by_kind(detector: LocalDetector) -> dict[str, tuple[int, int]]:
    """How many of each file and kind are judged right, and of how many."""
    found: dict[str, list[bool]] = defaultdict(list)
    for name in FILES:
        for one in held_out(name):
            found[f"{name}, {one.kind}"].append(one.is_right(detector))
    return {kind: (sum(right), len(right)) for kind, right in found.items()}


def named(detector: LocalDetector) -> dict[str, tuple[bool, bool]]:
    """Of each language whether its sentence and its short question are named."""
    found = {}
    for line in (HERE / "languages.txt").read_text(encoding="utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            code, sentence, short = line.split("|")
            found[code] = (_is_named(detector, sentence, code), _is_named(detector, short, code))
    return found


def _is_named(detector: LocalDetector, words: str, code: str) -> bool:
    return detector.judge(conversation(words)).language == code
