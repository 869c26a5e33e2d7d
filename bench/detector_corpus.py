"""What the detector learns from: the data folder, the hand-written phrases, and examples made of both."""

from __future__ import annotations

import json
import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bench.detector_packages import package_texts
from bench.detector_talks import talks
from handoff_bot.ai.detector.model import ACTS, INTENTS, REPLIES

SEED = 20_261_123
TYPOS = 0.3  # this share of the utterances is seen a second time, misspelt


@dataclass(frozen=True)
class Case:
    """One labelled conversation. `group` is what is held out together."""

    group: str
    source: str
    language: str
    turns: tuple[tuple[str, str], ...]
    reason: str
    category: str


@dataclass(frozen=True)
class Example:
    """One labelled utterance for a head; `label` None belongs to no class of it."""

    group: str
    words: str
    label: str | None


def read_cases(folder: Path) -> list[Case]:
    """All labelled conversations of the data folder, in file order."""
    names = ("dev.jsonl", "grammar.jsonl", "goemotions_weak.jsonl")
    texts = ((folder / name).read_text(encoding="utf-8") for name in names)
    return [_case(json.loads(line)) for text in texts for line in text.split("\n") if line]


def _case(raw: dict[str, Any]) -> Case:
    family = raw["source"].split("-")[0]
    return Case(
        group=family if family in {"phrases", "synthetic"} else raw["source"],
        source=raw["source"],
        language=raw["lang"],
        turns=tuple((turn["role"], turn["text"]) for turn in raw["turns"]),
        reason=raw["label"]["reason"],
        category=raw["category"],
    )


def package_cases() -> list[Case]:
    """Single messages out of packages, each package a group of its own."""
    return [
        Case(source, source, language, (("customer", words),), "none", "")
        for source, language, words in package_texts(SEED)
    ]


@dataclass(frozen=True)
class Phrase:
    """One hand-written utterance; `kind` says whose and what: see bench/detection/phrases."""

    group: str
    kind: str
    language: str
    words: str


WRITERS = ("en es pt fr", "de it nl pl", "ja zh ko ru", "tr ar hi id")
"""Who wrote which languages' files. One hand writes alike in all of them, so they are held out together."""


def written_group(file: str, language: str) -> str:
    """What is held out together: all of a writer's; of the small sets a third of their languages."""
    if file in {"first", "announcements", "answers", "plain"}:
        return f"handwritten-{sum(map(ord, language)) % 3}"
    numbers = {one: number for number, files in enumerate(WRITERS, 1) for one in files.split()}
    return f"phrases-by-{numbers[file]}" if file in numbers else f"phrases-{file}"


def _written_source(group: str, language: str) -> str:
    if group.startswith("handwritten"):
        return "handwritten"
    return f"phrases-{language}" if "-by-" in group else group


def read_phrases(folder: Path) -> list[Phrase]:
    """The hand-written phrases, by file name."""
    found = []
    for path in sorted(folder.glob("*.txt")):
        kind, language = "", ""
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.startswith("## "):
                kind, language = line[3:].split()
            elif line.strip() and not line.startswith("#"):
                group = written_group(path.stem, language)
                found.append(Phrase(group, kind, language, line.strip()))
    return found


def read_talks(folder: Path) -> list[Case]:
    """The hand-written conversations, by file name."""
    found = []
    for path in sorted(folder.glob("*.jsonl")):
        group = written_group(path.stem, "")
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.strip():
                raw = json.loads(line)
                turns = tuple((turn["role"], turn["text"]) for turn in raw["turns"])
                source = f"talks-{path.stem}"
                found.append(Case(group, source, raw["lang"], turns, raw["reason"], ""))
    return found


def written_cases(phrases: Sequence[Phrase]) -> list[Case]:
    """Conversations put together from phrases, and those that say by themselves what is needed."""
    dice = random.Random(SEED)  # noqa: S311 - repeatable on purpose, guards nothing
    found = []
    for group in sorted({one.group for one in phrases}):
        mine = [(one.kind, one.language, one.words) for one in phrases if one.group == group]
        found += [
            Case(group, _written_source(group, language), language, turns, reason, "")
            for language, turns, reason in talks(mine, dice)
        ]
    return found + [
        Case(
            one.group,
            _written_source(one.group, one.language),
            one.language,
            (("customer", one.words),),
            reason,
            "",
        )
        for one in phrases
        if (reason := SAYS.get(one.kind)) and not one.group.startswith("handwritten")
    ]


SAYS = {"request": "request", "sentiment": "sentiment", "serious": "complexity", "none": "none"}
"""What a phrase of this kind needs by itself."""


def intent_examples(cases: Sequence[Case], phrases: Sequence[Phrase]) -> list[Example]:
    """Single messages, and the hand-written ones; short answers express no intent."""
    single = [Example(c.group, c.turns[-1][1], c.reason) for c in cases if len(c.turns) == 1]
    said = {*INTENTS, *ACTS}
    return single + [
        Example(one.group, one.words, one.kind if one.kind in INTENTS else "none")
        for one in phrases
        if one.kind in said
    ]


def act_examples(cases: Sequence[Case], phrases: Sequence[Phrase]) -> list[Example]:
    """Short answers against everything that is said in more than three words."""
    known = {"Confirm": "yes", "Reject": "no"}
    offers = _offers(cases)
    found = [
        Example(c.group, c.turns[-1][1], known[c.category]) for c in cases if c.category in known
    ]
    found += [
        Example(c.group, c.turns[-1][1], "yes" if c.reason == "request" else "no")
        for c in cases
        if c.source == "phrases-offer" and c.turns[-2][1] in offers
    ]
    found += _stuck(cases)
    others = {"bitext", "banking77", "clinc150", "grammar", "phrases"}
    found += [
        Example(c.group, c.turns[-1][1], None)
        for c in cases
        if c.group in others and len(c.turns) == 1 and len(c.turns[-1][1].split()) > 3
    ]
    said = {*INTENTS, *ACTS}
    return found + [
        Example(one.group, one.words, one.kind if one.kind in ACTS else None)
        for one in phrases
        if one.kind in said
    ]


def _stuck(cases: Sequence[Case]) -> list[Example]:
    """Of hand-written conversations: who goes in circles says that nothing helped, the others do not."""
    found = []
    for case in cases:
        later = [words for role, words in case.turns[1:] if role == "customer"]
        if case.source.startswith("talks-") and case.reason in {"complexity", "none"}:
            circles = case.reason == "complexity" and len(later) > 1
            label = "stuck" if circles else None
            if circles or case.reason == "none":
                found += [Example(case.group, words, label) for words in later]
    return found


def _offers(cases: Sequence[Case]) -> set[str]:
    return {c.turns[-2][1] for c in cases if c.source == "phrases-offer" and c.reason == "request"}


def reply_examples(cases: Sequence[Case], phrases: Sequence[Phrase]) -> list[Example]:
    """What the assistant says: offers of a person, fallbacks, anything else."""
    offers = _offers(cases)
    found = []
    for case in cases:
        for role, words in case.turns:
            # What the assistant says in hand-written conversations is not labelled.
            if role == "assistant" and not case.source.startswith("talks-"):
                fallback = "fallback" if case.source.endswith("fallback") else None
                found.append(Example(case.group, words, "offer" if words in offers else fallback))
    found += [
        Example(one.group, one.words, one.kind if one.kind in REPLIES else None)
        for one in phrases
        if one.kind in {*REPLIES, "plain"}
    ]
    return list(dict.fromkeys(found))


def language_examples(cases: Sequence[Case], phrases: Sequence[Phrase]) -> list[Example]:
    """At most 600 utterances of each language that is written in Latin letters, hand-written ones first."""
    found: dict[str, dict[str, None]] = defaultdict(dict)
    said = [(one.language, one.words) for one in phrases]
    said += [(c.language, c.turns[-1][1]) for c in cases if c.group != "goemotions-weak"]
    for language, words in said:
        if len(found[language]) < 600 and _is_latin(words):
            found[language][words] = None
    return [
        Example("", words, language)
        for language, texts in sorted(found.items())
        if len(texts) > 20
        for words in texts
    ]


def _is_latin(words: str) -> bool:
    letters = [letter for letter in words if letter.isalpha()]
    return bool(letters) and all(
        ord(letter) < 0x250 or 0x1E00 <= ord(letter) < 0x1F00 for letter in letters
    )


def misspelt(words: str, dice: random.Random) -> str:
    """The words as somebody types them in a hurry: one slip in about 18 characters."""
    letters = list(words)
    for _ in range(max(1, len(letters) // 18)):
        place, kind = dice.randrange(len(letters)), dice.random()
        if kind < 0.3 and len(letters) > 3:
            del letters[place]
        elif kind < 0.6 and place + 1 < len(letters):
            letters[place : place + 2] = letters[place + 1], letters[place]
        elif kind < 0.8:
            letters[place] *= 2
        else:
            letters[place] = dice.choice("abcdefghijklmnopqrstuvwxyz")
    return "".join(letters)


@dataclass(frozen=True)
class Corpus:
    """Everything the heads learn from."""

    intents: list[Example]
    acts: list[Example]
    replies: list[Example]
    languages: list[Example]

    @classmethod
    def of(cls, cases: Sequence[Case], phrases: Sequence[Phrase]) -> Corpus:
        """Gather the examples and add the misspelt ones."""
        dice = random.Random(SEED)  # noqa: S311 - repeatable on purpose, guards nothing
        intents = intent_examples(cases, phrases)
        intents += [
            replace(one, words=misspelt(one.words, dice))
            for one in intents
            if one.words and dice.random() < TYPOS
        ]
        return cls(
            intents=intents,
            acts=act_examples(cases, phrases),
            replies=reply_examples(cases, phrases),
            languages=language_examples(cases, phrases),
        )

    def without(self, group: str) -> Corpus:
        """The same, one group held out."""
        return Corpus(
            intents=_outside(group, self.intents),
            acts=_outside(group, self.acts),
            replies=_outside(group, self.replies),
            languages=self.languages,
        )


def _outside(group: str, examples: Sequence[Example]) -> list[Example]:
    return [one for one in examples if one.group != group]
