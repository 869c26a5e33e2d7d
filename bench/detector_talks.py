"""Short conversations put together from the hand-written phrases: context in every language."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator, Sequence

Turns = tuple[tuple[str, str], ...]
Phrases = Sequence[tuple[str, str, str]]


def talks(phrases: Phrases, dice: random.Random) -> Iterator[tuple[str, Turns, str]]:
    """(language, turns, reason) of conversations about ordinary questions.

    Offers accepted and declined, harmless yes and no, repetitions with and without a fallback, and
    changes of topic; a language takes part when it has the kinds that a pattern needs.
    """
    said: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for kind, language, words in phrases:
        said[language][kind].append(words)
    for language, kinds in said.items():
        questions = kinds["none"][-12:]
        plain = kinds["plain"] or said["en"]["plain"]
        for question in questions if len(questions) > 3 else ():
            other, third = dice.sample([one for one in questions if one != question], 2)
            one, two = dice.choice(plain), dice.choice(plain)
            yield language, _talk(question, one, other, two, third), "none"
            yield language, _talk(question, one, other), "none"
            yield language, _talk(question, one, question, one, question), "complexity"
            for reason, turns in _answers(kinds, question, one, dice):
                yield language, turns, reason


def _answers(
    kinds: dict[str, list[str]], question: str, plain: str, dice: random.Random
) -> Iterator[tuple[str, Turns]]:
    yes, no, thanks = (dice.choice(kinds[kind] or ["ok"]) for kind in ("yes", "no", "thanks"))
    yield "none", _talk(question, plain, dice.choice([yes, no, thanks]))
    if kinds["offer"]:
        offer = dice.choice(kinds["offer"])
        yield "request", _talk(question, offer, yes)
        yield "none", _talk(question, offer, no)
    if kinds["fallback"]:
        fallback = dice.choice(kinds["fallback"])
        yield "confidence", _talk(question, fallback, question)
        yield "none", _talk(question, fallback, thanks)


def _talk(*words: str) -> Turns:
    return tuple(("assistant" if place % 2 else "customer", one) for place, one in enumerate(words))
