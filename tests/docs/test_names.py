"""Names use the terms of docs/glossary.md: words that it replaced do not come back."""

import ast
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
    "windows?": ("encoder.py", "decoding.py", "splitting.py", "crowds.py"),  # of words, of time
}


def names_in(path: Path) -> Iterator[str]:
    """The names that a module gives: its own, functions, classes, arguments, variables."""
    yield path.stem if path.stem != "__init__" else path.parent.name
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id


def words_of(name: str) -> list[str]:
    return re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name.replace("_", " "))


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
