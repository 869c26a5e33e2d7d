"""What Twilio published of Conversations (classic), as checks of what the stand-in is asked and answers."""

import json
import re
from datetime import datetime
from functools import cache
from urllib.parse import urlsplit

from jsonschema import Draft202012Validator, FormatChecker

from tests.sandbox import oracle

SERVICE = re.compile(r"^/v1/Services/IS[0-9a-fA-F]{32}(?=/)")
"""The published slice knows no services: below one everything is the same, but for the service's id."""
SETTINGS = re.compile(r"^/v1/(?:Configuration|Services/IS\w+/Configuration|Services(?:$|/MG))")
"""Settings of the account and of Messaging Services, which are not in the slice."""
FORMATS = FormatChecker(formats=())


@FORMATS.checks("date-time", raises=ValueError)
def is_moment(value: object) -> bool:
    """These dates are ISO 8601, in UTC, to the second."""
    is_short = not isinstance(value, str) or (value.endswith("Z") and "." not in value)
    return is_short and (not isinstance(value, str) or bool(datetime.fromisoformat(value)))


@FORMATS.checks("uri", raises=ValueError)
def is_address(value: object) -> bool:
    """These addresses are whole."""
    return not isinstance(value, str) or urlsplit(value).scheme == "https"


def check_request(method, path, form) -> None:
    """Twilio knows such a request: its form, or the query of a GET."""
    operation = _operation(method, path)
    if method == "GET":
        parameters = operation["parameters"]
        names = {one["name"] for one in parameters if one["in"] == "query"}
        assert form.keys() <= names, f"{path} has no parameters {form.keys() - names}"
        return
    content = operation["requestBody"]["content"]["application/x-www-form-urlencoded"]
    oracle._check(_validator({**content["schema"], "additionalProperties": False}), form)


def check_response(method, path, status, body) -> None:
    """Twilio gives such an answer, complete and with nothing more. Errors are in no document."""
    if status >= 400:
        assert (set(body), body["status"]) == ({"code", "message", "more_info", "status"}, status)
        return
    answers = _operation(method, path)["responses"]
    assert str(status) in answers, f"{method} {path} does not answer {status}"
    has_service = SERVICE.match(path) is not None
    schema = answers[str(status)]["content"]["application/json"]["schema"]
    oracle._check(_validator(schema), body)
    for message in body.get("messages", [body]):
        extra = {"chat_service_sid"} if has_service else set()
        assert set(message) == set(_message()["properties"]) | extra


def check_journal(journal) -> None:
    """All that was asked with success, and all that was answered, is as published."""
    for entry in journal.entries("twilio", "/v1/*"):
        if entry.direction == "out" or not entry.status or SETTINGS.match(entry.path):
            continue
        if entry.status < 400:
            check_request(entry.method, entry.path, entry.request or {})
        check_response(entry.method, entry.path, entry.status, entry.response)


def examples(method, path, status):
    """Twilio's own example answers."""
    content = _operation(method, path)["responses"][str(status)]["content"]["application/json"]
    return [example["value"] for example in content["examples"].values()]


@cache
def _document():
    return oracle._nullable(oracle._load("twilio/twilio_conversations.json"))


def _message():
    return _document()["components"]["schemas"][
        "conversations.v1.conversation.conversation_message"
    ]


def _operation(method, path):
    asked = SERVICE.sub("/v1", path)
    for template, item in _document()["paths"].items():
        pattern = re.sub(r"\\{\w+\\}", "[^/]+", re.escape(template))
        if re.fullmatch(pattern, asked) and method.lower() in item:
            return item[method.lower()]
    raise AssertionError(f"Twilio does not know {method} {path}")


def _validator(schema):
    return _validator_of(json.dumps(schema))


@cache
def _validator_of(schema):
    whole = {**json.loads(schema), "components": _document()["components"]}
    return Draft202012Validator(whole, format_checker=FORMATS)
