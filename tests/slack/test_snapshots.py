"""Every message, modal and Home tab is drawn exactly as the snapshots in tests/slack/snapshots hold it."""

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType, ModuleType

import pytest

from handoff_bot import slack
from tests.slack.modal_states import Payload
from tests.slack.states import snapshots
from tests.snapshots import as_json, check_folder
from tests.tracing import Trace, Tracer

FOLDER = Path(__file__).parent / "snapshots"
RENDERING = ("handoff_bot.slack.kit.", "handoff_bot.slack.cards.", "handoff_bot.slack.features.")
LISTENING = ("Tools", "Services")
"""In the annotation of an argument, when the function asks services for what it renders."""
DRAWN = ("Block", "SlackMessage")
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
    """Module and name of each function and method that returns blocks, a view or a message."""
    found = set()
    for module in pkgutil.walk_packages(slack.__path__, f"{slack.__name__}."):
        if module.name.startswith(RENDERING):
            loaded = importlib.import_module(module.name)
            found |= {
                (module.name, each.__qualname__) for each in own_functions(loaded) if draws(each)
            }
    return found


def own_functions(module: ModuleType) -> Iterator[FunctionType]:
    """The functions of a module, and the methods of its classes."""
    for value in vars(module).values():
        if getattr(value, "__module__", "") != module.__name__:
            continue
        for each in (value, *(vars(value).values() if inspect.isclass(value) else ())):
            if inspect.isfunction(each):
                yield each


def draws(function: FunctionType) -> bool:
    """Whether it returns something to show, of nothing but values."""
    arguments = dict(function.__annotations__)
    returned = str(arguments.pop("return", ""))
    asks = any(word in str(each) for each in arguments.values() for word in LISTENING)
    return not asks and any(word in returned for word in DRAWN)


def test_rendering_functions_are_found_beside_listeners_and_in_classes():
    found = {name for _, name in drawing_functions()}
    assert {"render_rule", "render_card", "menu", "Form.render"} <= found
    assert not {"RuleModals.render", "refused_in_modal"} & found
