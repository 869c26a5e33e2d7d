"""The manifest says what the code does: no more scopes, events and commands, and no fewer."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from handoff_bot.slack import desk
from handoff_bot.slack.client import files, people, resting
from handoff_bot.slack.incoming.arrivals import HEARD
from handoff_bot.slack.incoming.registration import COMMAND
from handoff_bot.slack.manifest import manifest

ROOT = Path(__file__).resolve().parents[2]
ORACLE = ROOT.parent / "shared/oracle/slack"
ADDRESS = "https://bot.example.com"
MODULES = (desk, files, people, people, resting)
CLIENT = re.compile(r"self\._(?:client|quick)\.(.+)")

VARIANTS = {"HTTP": manifest(ADDRESS), "Socket Mode": manifest()}

OURS_NOT_IN_METHODS = {"commands", "chat:write.customize"}
"""Scopes that no method asks for: that of commands, and that of the argument `username`."""

NOT_IN_CHANNELS = {"mpim:history", "im:read", "mpim:read"}
"""Any one of four scopes lets a method read messages; the queue is a public or a private channel,
and `im:history` is for what is written to the app.
"""


def oracle(name: str) -> Any:
    path = ORACLE / name
    if not path.exists():
        pytest.skip("what Slack published is not here")
    return json.loads(path.read_text())


def part(made: Any, *path: str) -> Any:
    for name in path:
        made = made[name]
    return made


def test_the_file_is_what_the_code_says():
    written = yaml.safe_load((ROOT / "manifest.yml").read_text())
    assert written == manifest(ADDRESS)


@pytest.mark.parametrize("made", VARIANTS.values(), ids=VARIANTS)
def test_slack_would_accept_it(made):
    jsonschema.validate(made, oracle("manifest/manifest.schema.1.0.0.json"))


def test_http_has_every_address():
    made = manifest(f"{ADDRESS}/")
    address = f"{ADDRESS}/slack/events"
    assert part(made, "settings", "event_subscriptions", "request_url") == address
    assert part(made, "settings", "interactivity", "request_url") == address
    assert part(made, "features", "slash_commands")[0]["url"] == address
    assert part(made, "settings", "socket_mode_enabled") is False


def test_socket_mode_has_no_address():
    made = manifest()
    assert "http" not in json.dumps(made)
    assert part(made, "settings", "socket_mode_enabled") is True


def test_events_are_those_that_are_handled():
    subscribed = part(manifest(), "settings", "event_subscriptions", "bot_events")
    assert {name.partition(".")[0] for name in subscribed} == set(HEARD)


def test_events_exist():
    known = {each["name"] for each in oracle("events.json") if "Events" in each["APIs"]}
    assert set(part(manifest(), "settings", "event_subscriptions", "bot_events")) <= known


def test_commands_are_those_that_are_answered():
    named = {each["command"] for each in part(manifest(), "features", "slash_commands")}
    assert named == {COMMAND}


def method(name: str) -> str:
    """chat_postMessage is chat.postMessage, usergroups_users_list is usergroups.users.list."""
    return name.replace("_", ".")


def calls() -> Iterator[tuple[str, set[str]]]:
    """Each call of the Web API in the desk's code: see `method`."""
    for module in MODULES:
        for node in ast.walk(ast.parse(Path(str(module.__file__)).read_text())):
            called = (
                CLIENT.fullmatch(ast.unparse(node.func)) if isinstance(node, ast.Call) else None
            )
            if isinstance(node, ast.Call) and called:
                name = called[1]
                if "." not in name:
                    yield (
                        method(name),
                        {each.arg for each in node.keywords if each.arg},
                    )


def methods_named() -> set[str]:
    """Also those that are handed over to be called elsewhere."""
    text = "".join(Path(str(module.__file__)).read_text() for module in MODULES)
    return {method(name) for name in re.findall(r"self\._(?:client|quick)\.(\w+)", text)}


def test_the_scopes_are_those_that_are_needed():
    methods = oracle("methods.json")
    called = methods_named() & set(methods)
    assert {"chat.postMessage", "conversations.replies", "users.info", "pins.add"} <= called
    needed = {scope for name in called for scope in methods[name]["bot_scopes"] or ()}
    events = part(manifest(), "settings", "event_subscriptions", "bot_events")
    for each in oracle("events.json"):
        needed |= set(each["scopes"]) if each["name"] in events else set()
    granted = set(part(manifest(), "oauth_config", "scopes", "bot"))
    assert granted == needed - NOT_IN_CHANNELS | OURS_NOT_IN_METHODS


def test_every_argument_is_one_that_slack_knows():
    methods = oracle("methods.json")
    for method, arguments in calls():
        assert arguments <= set(methods[method]["args"]), method
