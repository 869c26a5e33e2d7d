"""What Slack publishes about its methods and events, and a journal checked against it."""

import json
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[4] / "shared" / "oracle" / "slack"

EVERYWHERE = {
    "account_inactive",
    "fatal_error",
    "internal_error",
    "invalid_arguments",
    "invalid_auth",
    "invalid_json",
    "missing_argument",
    "missing_scope",
    "not_allowed_token_type",
    "not_authed",
    "ratelimited",
    "token_revoked",
    "unknown_method",
}
"""Errors that Slack documents for all methods at once, or for its gateway."""

UNLISTED = {
    "api.test": {"my_error"},
    "users.getPresence": {"user_not_found"},
}
"""Errors of single methods that are not in the list: api.test echoes, users.getPresence has no list."""

UNSHOWN = {
    "auth.test": {"is_enterprise_install"},
    "conversations.info": {"is_im", "is_member", "num_members", "user"},
    "conversations.history": {"response_metadata"},
    "dnd.info": {"dnd_enabled", "next_dnd_end_ts", "next_dnd_start_ts", "snooze_enabled"},
}
"""Fields that Slack's documentation describes beside the method and its example leaves out."""


def is_there():
    """Is Slack's published data beside the repository?"""
    return FOLDER.is_dir()


@cache
def methods():
    return json.loads((FOLDER / "methods.json").read_text())


@cache
def event_names():
    listed = json.loads((FOLDER / "events.json").read_text())
    return {event["name"] for event in listed if "Events" in event["APIs"]}


def check_journal(journal):
    """Every answer that the stand-in gave is one that Slack documents."""
    for entry in journal.entries("slack", "/api/*"):
        name = entry.path.removeprefix("/api/")
        if name in methods() and entry.status == 200 and entry.direction == "in":
            check_answer(name, entry.response)


def check_answer(name, answer):
    if answer["ok"]:
        unknown = answer.keys() - shown_keys(name)
        assert not unknown, f"{name} does not answer with {unknown}"
        missing = sure_keys(name) - answer.keys()
        assert not missing, f"{name} answers with {missing}, too"
        return
    documented = set(methods()[name]["errors"]) | EVERYWHERE | UNLISTED.get(name, set())
    assert answer["error"] in documented, f"{name} does not fail with {answer['error']}"


def successes(name):
    examples = (methods()[name]["examples"] or {}).values()
    return [example for example in examples if example["ok"]]


def shown_keys(name):
    keys = {key for example in successes(name) for key in example}
    return keys | {"ok", "response_metadata"} | UNSHOWN.get(name, set())


def sure_keys(name):
    """Keys that all of Slack's examples have."""
    found = [set(example) for example in successes(name)]
    return set.intersection(*found) - {"response_metadata", "warning"} if found else set()


@cache
def _events():
    return json.loads((FOLDER / "events.json").read_text())


def event_scopes(name):
    """Scopes of which hearing of an event needs one."""
    return next(event["scopes"] for event in _events() if event["name"] == name)
