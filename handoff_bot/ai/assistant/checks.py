"""Checks the knowledge base file by file, for `knowledge check` and the doctor."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from functools import lru_cache
from pathlib import Path

from handoff_bot.ai.assistant.articles import Reading, readings
from handoff_bot.ai.assistant.folder import Stamp, stamp_of
from handoff_bot.ai.assistant.web_state import problems
from handoff_bot.domain.errors import SettingsError
from handoff_bot.domain.results import CheckResult
from handoff_bot.domain.text import many

WHAT = "knowledge"
_NAMED = 3


def lines(found: Sequence[Reading]) -> Iterator[str]:
    """Yields a line per file, then the sum."""
    for one in found:
        yield _line(one)
    read = sum(not one.left_out for one in found)
    yield f"{many(read, 'file')} read, {len(found) - read} skipped."


def _line(one: Reading) -> str:
    if one.left_out:
        return f"{'WRONG' if one.is_wrong else 'out  '}  {one.name}: {one.left_out}"
    locales = sorted({passage.locale for passage in one.passages} - {""})
    notes = [many(len(one.passages), "passage"), *locales]
    if one.guessed:
        notes.append(f"read as {one.guessed}; save the file as UTF-8 to be certain")
    return f"read   {one.name}: {', '.join(notes)}"


def needs_attention(found: Sequence[Reading]) -> bool:
    """Returns whether a file is skipped by mistake, or there is no article."""
    return any(one.is_wrong for one in found) or not any(one.passages for one in found)


SAMPLES = (
    "{names} belong to the sample shop, and customers would be told its prices; set KNOWLEDGE_DIR to "
    "your own articles, delete `sample: true` in those that you have changed, or set "
    "SAMPLE_KNOWLEDGE=true to try the bot with them"
)


def samples(found: Iterable[Reading]) -> str:
    """Returns why the bot may not start with these articles, "" if none is the sample shop's."""
    names = [one.name for one in found if one.is_sample]
    return SAMPLES.format(names=_some(names)) if names else ""


def refuse_samples(folder: Path, today: date) -> None:
    """Refuses to serve customers with the sample shop's articles.

    Raises:
        SettingsError: an article is the sample shop's.
    """
    if why := samples(readings(folder, today)):
        raise SettingsError(f"KNOWLEDGE_DIR: {why}.")


def has_own_articles(folder: Path, today: date) -> bool:
    """Returns whether there is any article that is not the sample shop's.

    Each Home tab asks while the first steps are open, so files are only parsed after a change.
    """
    return _has_own_articles(folder, stamp_of(folder, today))


@lru_cache(maxsize=2)
def _has_own_articles(folder: Path, stamped: Stamp) -> bool:
    found = readings(folder, stamped[0])
    return any(not one.left_out and not one.is_sample for one in found)


def check_knowledge(folder: Path, today: date, *, may_be_sample: bool = False) -> CheckResult:
    """Checks that every article for customers can be read, and that none is the sample shop's."""
    found = list(readings(folder, today))
    if not may_be_sample and (why := samples(found)):
        return CheckResult(WHAT, False, why)
    wrong = [f"{one.name} ({one.left_out})" for one in found if one.is_wrong]
    guessed = [one.name for one in found if one.guessed]
    read = sum(not one.left_out for one in found)
    if not read:
        return CheckResult(WHAT, False, f"no article in {folder.name}; see docs/assistant.md")
    words = f"{many(read, 'file')} read"
    if wrong:
        words += f"; skipped: {_some(wrong)}; run `handoff knowledge check`"
    if unread := problems(folder):
        words += f"; web pages not read: {_some(unread)}"
    if not os.access(folder, os.W_OK):
        words += "; the folder is read-only, so articles cannot be written in Slack"
    if guessed:
        words += f"; encoding guessed: {_some(guessed)}; save as UTF-8"
    return CheckResult(WHAT, not wrong and not unread, words)


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
