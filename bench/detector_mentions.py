"""What the heads for mentions learn from: single messages of all written phrases and of public data."""

from __future__ import annotations

import json
import random
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.detector_corpus import SEED, Phrase, package_cases, read_phrases, read_talks

HERE = Path(__file__).parent / "detection"
FOLDERS = ("phrases", "next", "kinds", "people", "contrasts")

EACH = 150
"""At most so many messages of each public source, language and label."""

_NAMED = {"request": "request", "sentiment": "sentiment", "serious": "urgent", "stuck": "stuck"}
_URGENT_CATEGORIES = {"fraud_or_theft", "selfharm"}
_LEFT_OUT = {
    "composed-request",
    "pros-cons",
    "product-reviews",
    "goemotions-weak",
    "goemotions-more",
}
"""Several messages in one, and reviews and posts that are no messages to support."""

_CONTESTED = {
    "compromised_card",
    "report_fraud",
    "card_payment_not_recognised",
    "cash_withdrawal_not_recognised",
    "direct_debit_payment_not_recognised",
}
"""Fraud or theft, which these sources count as ordinary questions."""

_IN_ALL_LANGUAGES = {"kinds", "people", "contrasts"}

_AT_ONCE = 2  # commas; with so many a serious matter is rather much at once than urgent


@dataclass(frozen=True)
class Said:
    """One message; `label` is urgent, stuck, request, sentiment, or "" for none of them. `group` is
    held out together.
    """

    group: str
    source: str
    language: str
    words: str
    label: str

    @property
    def is_written(self) -> bool:
        """Whether it was written for this, and is no public data."""
        return self.source.split("-")[0] in FOLDERS and not self.source.startswith("phrases-mix")


def said(folder: Path) -> list[Said]:
    """All examples, each message once."""
    found = [*_written(), *_public(folder)]
    return list({one.words: one for one in reversed(found)}.values())[::-1]


def _written() -> Iterator[Said]:
    for name in FOLDERS:
        for one in read_phrases(HERE / name):
            if one.kind in _NAMED and not (one.kind == "serious" and _is_much_at_once(one.words)):
                yield _said(name, one, _NAMED[one.kind])
            elif one.kind in {"none", "yes", "no", "thanks"}:
                yield _said(name, one, "")
        for case in read_talks(HERE / name):
            later = [words for role, words in case.turns[1:] if role == "customer"]
            circles = case.reason == "complexity" and len(later) > 1
            if circles or case.reason == "none":
                for words in later:
                    label = "stuck" if circles else ""
                    yield Said(case.group, f"talks-{name}", case.language, words, label)


def _said(folder: str, one: Phrase, label: str) -> Said:
    group = f"{folder}-{_part(folder, one)}" if folder in _IN_ALL_LANGUAGES else one.group
    return Said(group, f"{folder}-{one.kind}", one.language, one.words, label)


def _part(folder: str, one: Phrase) -> str:
    """What is held out together: other situations in all languages, or the languages of a third."""
    if folder == "contrasts":
        return "second" if one.group.startswith("phrases-second") else "first"
    return str(sum(map(ord, one.language)) % 3)


def _is_much_at_once(words: str) -> bool:
    return len(re.findall("[,\u060c\u3001\uff0c]", words)) >= _AT_ONCE


def _public(folder: Path) -> Iterator[Said]:
    dice = random.Random(SEED)  # noqa: S311 - repeatable on purpose, guards nothing
    found: dict[tuple[str, str, str], list[Said]] = defaultdict(list)
    for name in ("dev.jsonl", "grammar.jsonl", "more.jsonl"):
        for line in (folder / name).read_text(encoding="utf-8").split("\n"):
            raw = json.loads(line) if line else {"turns": ()}
            if len(raw["turns"]) == 1 and (one := _of_line(raw)):
                found[one.source, one.language, one.label].append(one)
    for case in package_cases():
        one = Said(case.source, case.source, case.language, case.turns[0][1], "")
        found[one.source, one.language, ""].append(one)
    for mine in found.values():
        yield from dice.sample(mine, min(EACH, len(mine)))


def _of_line(raw: dict[str, Any]) -> Said | None:
    source, category, reason = str(raw["source"]), str(raw["category"]), raw["label"]["reason"]
    is_urgent = category in _URGENT_CATEGORIES
    if raw.get("split") == "dev" or source in _LEFT_OUT or category in _CONTESTED:
        return None
    if reason not in {"none", "request", "sentiment"} and not is_urgent:
        return None
    label = "urgent" if is_urgent else {"none": ""}.get(reason, reason)
    family = source.split("-")[0]
    group = family if family in {"phrases", "synthetic"} else source
    return Said(group, source, str(raw["lang"]), raw["turns"][0]["text"], label)
