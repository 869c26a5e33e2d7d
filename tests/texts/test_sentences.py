"""Every sentence in the product's code is one of tests/texts/sentences.txt, wherever in the code it stands.

Names, modules and order do not count, so that code can move and be renamed while no word changes.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.snapshots import check_file
from tests.tracing import PRODUCT, ROOT, product_file

KEPT = Path(__file__).parent / "sentences.txt"
SENTENCE = re.compile(r"[^\W\d_]{2,}[^\w\s]* [^\W\d_]")
"""Two words: what has fewer is a key or a name, or is drawn in a snapshot."""
LONGEST = 1_000
"""Characters; what is longer are lists of words that are looked for."""


def sentences(tree: ast.Module) -> Iterator[str]:
    """The literals of a module but its documentation; what is filled in is a pair of braces."""
    nodes = [*ast.walk(tree)]
    skipped = {node.value for node in nodes if isinstance(node, ast.Expr)}
    made = [node for node in nodes if isinstance(node, ast.JoinedStr)]
    skipped |= {part for node in made for part in node.values}
    for node in nodes:
        if isinstance(node, ast.Constant | ast.JoinedStr) and node not in skipped:
            text = filled(node)
            if SENTENCE.search(text) and len(text) <= LONGEST:
                yield text


def filled(node: ast.Constant | ast.JoinedStr) -> str:
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    parts = (part.value if isinstance(part, ast.Constant) else "{}" for part in node.values)
    return "".join(map(str, parts))


def product_trees() -> list[ast.Module]:
    files = [file for name in PRODUCT for file in [ROOT / name, *(ROOT / name).rglob("*.py")]]
    return [
        ast.parse(file.read_text(encoding="utf-8"))
        for file in files
        if file.suffix == ".py" and product_file(str(file)) and "migrations" not in file.parts
    ]


def test_every_sentence_is_as_it_was():
    found = {" ".join(one.split()) for tree in product_trees() for one in sentences(tree)}
    check_file(KEPT, "\n".join(sorted(found)) + "\n")
