"""Pages are short, wrapped, and written with the terms of docs/glossary.md."""

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from tests.docs.pages import CHANGELOG, DOCS, README, ROOT, all_pages, own_text, prose, read

LONGEST_README = 150
LONGEST_LINE = 100
LONGEST_PARAGRAPH = 6
LONGEST_CELL = 40
"""Words."""

AVOIDED = {
    r"\b(some|any|every|no)body('s)?\b": "agent, customer, admin, everyone, no agent",
    r"\bwho(m|so)?ever\b": "the agent who, the customer who",
    r"(?:^|[.;:] )Who (?![^.\n]*\?)": "An agent who, a customer who",
    r"\banew\b": "again",
    r"\bmend(s|ed|ing)?\b": "fix",
    r"\balone\b": "only",
    r"\bany ?more\b": "no longer",
    r"\bwords?\b": "message, text, reason",
    r"(?<!messaging )(?<!messaging\n)(?<!messaging\n  )\bwindows?\b": "modal, messaging window",
    r"\bwhisper(s|ed)?\b": "ephemeral message",
    r"\b(re)?draw(s|n|ings?)?\b": "render, update",
    r"\bladders?\b": "waiting policy",
    r"\bverbs?\b": "thread command",
    r"\bnews\b": "status callback, update",
    r"\bbelieve[sd]?\b": "accept",
    r"\bfigures\b": "metrics",
}
"""What the guide to writing avoids, as a regular expression -> what it says instead."""

ALLOWED = {
    "CONTRIBUTING.md": ("25 words", "40 words"),
    "docs/admins.md": ("one word",),
    "docs/agents.md": ("and a word",),
}
"""Where the avoided word is the right one."""


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def paragraphs(text: str) -> Iterator[list[str]]:
    """Paragraphs and items of lists; headings, tables and quotes of the product are none."""
    for part in re.split(r"\n\s*\n|\n(?=\s*(?:[-*]|\d+\.) )", text):
        lines = [line for line in part.splitlines() if line.strip()]
        if lines and not lines[0].lstrip().startswith(("|", "#", "<")):
            yield lines


def cells(text: str) -> Iterator[str]:
    for line in text.splitlines():
        if line.startswith("|"):
            yield from re.split(r"(?<!\\)\|", line)[1:-1]


pages = pytest.mark.parametrize("page", all_pages(), ids=name_of)


def test_the_readme_has_at_most_150_lines():
    assert len(read(README).splitlines()) <= LONGEST_README


@pytest.mark.parametrize("page", [*all_pages(), CHANGELOG], ids=name_of)
def test_a_page_uses_the_terms_of_the_field(page):
    text = prose(page)
    for phrase in ALLOWED.get(name_of(page), ()):
        text = text.replace(phrase, "")
    found = [
        f"{text[: match.start()].count(chr(10)) + 1}: {match[0].strip()!r}; better: {better}"
        for avoided, better in AVOIDED.items()
        for match in re.finditer(avoided, text, re.M)
    ]
    assert found == []


@pages
def test_every_exception_is_still_needed(page):
    for phrase in ALLOWED.get(name_of(page), ()):
        assert phrase in prose(page)


@pages
def test_the_lines_of_a_page_are_wrapped(page):
    lines = [line for line in own_text(page).splitlines() if not line.startswith(("|", "!["))]
    assert [line for line in lines if len(line) > LONGEST_LINE and " " in line.strip("- ")] == []


@pages
def test_no_paragraph_of_a_page_is_long(page):
    assert [each for each in paragraphs(prose(page)) if len(each) > LONGEST_PARAGRAPH] == []


@pages
def test_no_cell_of_a_table_is_a_paragraph(page):
    assert [cell for cell in cells(prose(page)) if len(cell.split()) > LONGEST_CELL] == []


def test_the_glossary_defines_each_term_once():
    rows = re.findall(r"^\| (?!term )([^|]+) \| [^|]+ \|$", read(DOCS / "glossary.md"), re.M)
    terms = sorted(term for row in rows for term in row.split(", "))
    assert {"customer", "escalation", "job", "modal", "stand-in"} <= set(terms)
    assert [a for a, b in pairwise(terms) if a == b] == []
