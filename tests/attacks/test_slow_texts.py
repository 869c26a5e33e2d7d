"""No text makes a function take for ever: each function that takes a text, each pattern's near-matches."""

import importlib
import inspect
import pkgutil
import re
from collections.abc import Callable, Iterator
from types import ModuleType

import pytest

from tests.attacks import texts

PACKAGES = (
    *(
        "handoff_bot.ai",
        "handoff_bot.channels",
        "handoff_bot.domain",
        "handoff_bot.mail",
        "handoff_bot.services",
    ),
    *("handoff_bot.connectors", "handoff_bot.slack", "handoff_bot.storage", "handoff_bot.web"),
)
OURS_ONLY = frozenset(
    f"handoff_bot.ai.assistant.{name}" for name in ("articles", "documents", "markdown")
)
"""What reads the operator's own files, of any size, at the start and never for a customer."""

NOT_TEXTS = frozenset(
    {"handoff_bot.ai.language_model.connect", "handoff_bot.web.public_address._asked"}
)
"""What takes a setting."""


def modules() -> Iterator[ModuleType]:
    for package in PACKAGES:
        root = importlib.import_module(package)
        yield root
        for found in pkgutil.walk_packages(root.__path__, f"{package}."):
            if "migrations" not in found.name and found.name not in OURS_ONLY:
                yield importlib.import_module(found.name)


def takes_a_text(function: Callable[..., object]) -> bool:
    first, *others = [*inspect.signature(function).parameters.values(), None]
    optional = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    return (
        first is not None
        and first.annotation == "str"
        and all(
            one is None or one.default is not one.empty or one.kind in optional for one in others
        )
    )


def functions_of(module: ModuleType) -> list[Callable[[str], object]]:
    return [
        made
        for made in vars(module).values()
        if inspect.isfunction(made)
        and made.__module__ == module.__name__
        and f"{made.__module__}.{made.__name__}" not in NOT_TEXTS
        and takes_a_text(made)
    ]


def patterns_of(module: ModuleType) -> list[re.Pattern[str]]:
    found = (each for each in vars(module).values() if isinstance(each, re.Pattern))
    return [each for each in found if isinstance(each.pattern, str)]


WITH_TEXTS = [one for one in modules() if functions_of(one)]


def more_functions() -> Iterator[tuple[str, Callable[[str], object]]]:
    """Those that take something besides the text."""
    from handoff_bot.domain import replies, thread_syntax
    from handoff_bot.domain.detection import Rules
    from handoff_bot.domain.text import one_line, shorten, split_text
    from handoff_bot.domain.texts import template_problem
    from handoff_bot.slack.incoming.events import plain_text

    rules = Rules(always=("human please", "a  b"), never=("never mind",))
    yield "plain text", lambda text: plain_text(text, lambda name: name)
    yield "marked text", lambda text: plain_text(text, lambda name: name, marked=True)
    yield "split at 160", lambda text: split_text(text, 160)
    yield "split at 1600", lambda text: split_text(text, 1600)
    yield "shorten", lambda given: shorten(given, 300)
    yield "one line", lambda given: one_line(given, 3000)
    yield "note", lambda text: thread_syntax.note_text(text, thread_syntax.NOTE_PREFIXES)
    yield "template", lambda text: template_problem(text, {"agent"}, longest=5000)
    yield "canned", lambda text: replies.fitting([replies.CannedReply("a", "", text)], text)
    yield "phrase", rules.phrase_in
    yield "phrases left out", rules._without


MORE = dict(more_functions())


def seeds_for(*several: ModuleType) -> list[str]:
    near = [
        sample
        for module in several
        for pattern in patterns_of(module)
        for sample in texts.samples(pattern.pattern, pattern.flags & ~re.UNICODE)
    ]
    return list(dict.fromkeys([*texts.SEEDS, *filter(None, near)]))


def troubles(function: Callable[[str], object], seeds: list[str]) -> list[tuple[str, str]]:
    found = []
    for seed in seeds:
        for spoil in (False, True):
            trouble = texts.trouble(function, seed, spoil)
            if trouble:
                found.append((ascii(seed), trouble))
        if len(found) > 3:
            break
    return found


def test_there_are_functions_and_texts_to_try():
    assert sum(len(functions_of(one)) for one in WITH_TEXTS) > 100
    assert len(seeds_for(*modules())) > 300


@pytest.mark.timeout(600)  # a minute and a half of processor time for the largest module
@pytest.mark.parametrize("module", WITH_TEXTS, ids=lambda module: module.__name__)
def test_no_text_makes_a_function_slow(module):
    seeds = seeds_for(module)
    slow = {one.__name__: troubles(one, seeds) for one in functions_of(module)}
    assert {name: found for name, found in slow.items() if found} == {}


@pytest.mark.parametrize("name", MORE)
def test_no_text_makes_what_takes_more_than_a_text_slow(name):
    function = MORE[name]
    from handoff_bot.domain import text, thread_syntax
    from handoff_bot.slack.incoming import events

    assert troubles(function, seeds_for(thread_syntax, text, events)) == []


def test_a_cubic_pattern_would_be_found():
    pattern = re.compile(r"\s*,?\s*\{customer\}")
    assert texts.trouble(lambda text: pattern.sub("", text), " ", spoil=False)
    quadratic = re.compile("[a-z]+[0-9]")
    assert texts.trouble(lambda text: quadratic.sub("", text), "a", spoil=False)
