"""Checks the knowledge base file by file, for `knowledge check` and the doctor."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

from handoff_bot.ai.assistant.articles import Reading, readings
from handoff_bot.ai.assistant.folder import articles
from handoff_bot.domain.health_checks import CheckResult
from handoff_bot.domain.text import many

WHAT = "knowledge"
_NAMED = 3
SAMPLES = frozenset(
    {
        "account.md",
        "de-versand-und-rueckgabe.md",
        "de-zahlung-und-konto.md",
        "es-envios-y-devoluciones.md",
        "es-pago-y-cuenta.md",
        "opening-hours.md",
        "order-tracking.md",
        "payment.md",
        "privacy.md",
        "returns.md",
        "shipping.md",
        "sizes.md",
        "vouchers.md",
        "warranty.md",
    }
)
"""The articles of the sample shop, which come with Handoff."""


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


def has_own_articles(folder: Path) -> bool:
    """Returns whether there is any article that does not come with Handoff. Reads no article."""
    return any(not one.left_out and one.name not in SAMPLES for one in articles(folder))


def check_knowledge(folder: Path, today: date) -> CheckResult:
    """Checks that every article for customers can be read."""
    found = list(readings(folder, today))
    wrong = [f"{one.name} ({one.left_out})" for one in found if one.is_wrong]
    guessed = [one.name for one in found if one.guessed]
    read = sum(not one.left_out for one in found)
    if not read:
        return CheckResult(WHAT, False, f"no article in {folder.name}; see docs/assistant.md")
    words = f"{many(read, 'file')} read"
    if wrong:
        words += f"; skipped: {_some(wrong)}; run `handoff knowledge check`"
    if guessed:
        words += f"; encoding guessed: {_some(guessed)}; save as UTF-8"
    return CheckResult(WHAT, not wrong, words)


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
