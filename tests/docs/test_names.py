"""Names use the terms of docs/glossary.md: words that it replaced do not come back."""

import ast
import functools
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PRODUCT = ("app.py", "channels", "handoff_bot")
REPLACED = {
    r"whispers?": "ephemeral message",
    r"(re)?draw(s|n|ing|ings)?": "render, update",
    r"rungs?|ladder|climb": "waiting policy, policy step",
    r"verbs?": "thread command",
    r"seats?|crew": "slot",
    r"brake": "backpressure",
    r"pacer|hurry": "rate limit, high priority",
    r"retreat|park(ed)?": "on_retry, on_failed",
    r"windows?": "modal, messaging window",
    r"glance": "quick check",
    r"followers?": "subscriber",
    r"minds": "AI services",
    r"handing|wordings": "transfer, default texts",
    r"sinks?": "connector",
    r"findings?": "check result",
    r"overtaken": "superseded",
    r"impatient|guise": "without retries, sender identity",
    r"presences": "agent availability",
    r"rulebook|criteria": "rule lists, rule conditions",
}
KEPT = {
    "window_closes_at": "a column, and the domain's name for when the messaging window ends",
    "messaging_window": "the glossary's own term",
    "reply_window_hours": "hours of the messaging window",
    "REPLY_WINDOW_HOURS": "hours of the messaging window",
    "window_codes": "a provider's codes for a closed messaging window",
    "WINDOW_CODES": "Twilio's codes for a closed messaging window",
    "sink": "a column, and a field of stored jobs",
    "parked": "a field of the health page",
}
ELSEWHERE = {
    "(re)?draw(s|n|ing|ings)?": ("charts.py",),  # makes a picture
    "windows?": ("encoder.py", "text.py", "escalations.py"),  # of words, of time
}


@functools.cache
def names_in(path: Path) -> frozenset[str]:
    """The names that a module gives: its own, functions, classes, arguments, variables."""
    return frozenset(_names_in(path))


def _names_in(path: Path) -> Iterator[str]:
    yield path.stem if path.stem != "__init__" else path.parent.name
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id


@functools.cache
def words_of(name: str) -> list[str]:
    return re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name.replace("_", " "))


@functools.cache
def files() -> list[Path]:
    found = [ROOT / part for part in PRODUCT]
    return [each for part in found for each in ([part] if part.is_file() else part.rglob("*.py"))]


@pytest.mark.parametrize("replaced", REPLACED)
def test_no_name_uses_a_word_that_the_glossary_replaced(replaced):
    pattern = re.compile(replaced, re.IGNORECASE)
    bad = {
        f"{path.relative_to(ROOT)}: {name}"
        for path in files()
        if "migrations" not in path.parts and path.name not in ELSEWHERE.get(replaced, ())
        for name in names_in(path)
        if name not in KEPT and any(pattern.fullmatch(word) for word in words_of(name))
    }
    assert not bad, f"say {REPLACED[replaced]}"


# -- what came of an action is told by a code, not by its text

SENTENCE = re.compile(r"\S+ \S+ .*\S", re.DOTALL)


def sentences_of(path: Path) -> set[str]:
    """The names of the module's constants that hold a text for people."""
    body = ast.parse(path.read_text()).body
    return {
        node.targets[0].id
        for node in body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
        if isinstance(node.value, ast.Constant | ast.JoinedStr) and _is_sentence(node.value)
    }


def _is_sentence(node: ast.expr) -> bool:
    parts = node.values if isinstance(node, ast.JoinedStr) else [node]
    texts = [part.value for part in parts if isinstance(part, ast.Constant)]
    return any(isinstance(text, str) and SENTENCE.search(text) for text in texts)


def compared_in(path: Path, sentences: dict[str, set[str]]) -> Iterator[str]:
    """Comparisons with a text for people: a constant's, imported or not, or one written out."""
    tree = ast.parse(path.read_text())
    known = sentences_of(path) | {
        each.asname or each.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module
        for each in node.names
        if each.name in sentences.get(node.module, ())
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            for side in (node.left, *node.comparators):
                if (isinstance(side, ast.Name) and side.id in known) or _is_sentence(side):
                    yield f"{path.relative_to(ROOT)}:{node.lineno}: {ast.unparse(node)}"


def test_no_sentence_is_compared():
    modules = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts): sentences_of(path)
        for path in files()
    }
    bad = [one for path in files() for one in compared_in(path, modules)]
    assert not bad, "give the result a code, as domain/results.py does"


def test_a_comparison_with_a_sentence_is_found(tmp_path, monkeypatch):
    monkeypatch.setattr("tests.docs.test_names.ROOT", tmp_path)
    (tmp_path / "there.py").write_text('GONE = "It is not there."\n')
    here = tmp_path / "here.py"
    here.write_text(
        'from there import GONE\nif said.text == GONE or why is "Not known here.": ...\n'
    )
    found = list(compared_in(here, {"there": sentences_of(tmp_path / "there.py")}))
    assert len(found) == 2
