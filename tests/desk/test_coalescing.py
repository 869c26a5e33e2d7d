"""Jobs of which one that waits is enough."""

import ast
import importlib

from handoff_sandbox.world import ROOT

FOLDER = ROOT / "handoff_bot"


def kinds_that_coalesce():
    """The kinds of all jobs that are written with `coalesce=True`."""
    for path in sorted(FOLDER.rglob("*.py")):
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(call, ast.Call) and getattr(call.func, "id", "") == "NewJob"):
                continue
            if any(one.arg == "coalesce" for one in call.keywords):
                name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
                yield getattr(importlib.import_module(name), call.args[0].id)


def test_a_key_that_coalesces_is_free_again_once_its_job_begins(bureau):
    """Else the first job of a key is the only one for ever."""
    kinds = set(kinds_that_coalesce())
    assert len(kinds) >= 8
    assert {kind for kind in kinds if not bureau.core.handlers[kind].coalesces} == set()
