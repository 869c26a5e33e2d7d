"""Every message, modal and Home tab is drawn exactly as the snapshots in tests/slack/snapshots hold it."""

import importlib
import inspect
import pkgutil
from pathlib import Path

import pytest

from handoff_bot import slack
from tests.slack.modal_states import Payload
from tests.slack.states import snapshots
from tests.snapshots import as_json, check_folder
from tests.tracing import Trace, Tracer

FOLDER = Path(__file__).parent / "snapshots"
RENDERING = ("handoff_bot.slack.kit.", "handoff_bot.slack.cards.")
DRAWN = ("Block", "Drawing", "Form")
"""In the annotation of what a function returns, when that is something to show."""


@pytest.fixture(scope="module")
def drawn() -> tuple[dict[str, Payload], Trace]:
    """Every snapshot, and what ran to make them."""
    tracer = Tracer()
    with tracer.installed(), tracer.tracing() as trace:
        return snapshots(), trace


def test_everything_that_is_drawn_is_as_its_snapshot_says(drawn):
    check_folder(FOLDER, {name: as_json(payload) for name, payload in drawn[0].items()})


def test_every_function_that_draws_something_has_a_part_in_a_snapshot(drawn):
    ran = {(file.removesuffix(".py").replace("/", "."), name) for file, name in drawn[1].functions}
    assert drawing_functions() - ran == set()


def drawing_functions() -> set[tuple[str, str]]:
    """Module and name of each function that returns blocks, a view or a message."""
    found = set()
    for module in pkgutil.walk_packages(slack.__path__, f"{slack.__name__}."):
        if not module.name.startswith(RENDERING) and not module.name.endswith("_blocks"):
            continue
        for name, function in vars(importlib.import_module(module.name)).items():
            returned = str(getattr(function, "__annotations__", {}).get("return", ""))
            is_ours = inspect.isfunction(function) and function.__module__ == module.name
            if is_ours and any(word in returned for word in DRAWN):
                found.add((module.name, name))
    return found
