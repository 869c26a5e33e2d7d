"""What Twilio and OpenAI published of their wire formats, as checks; skips where it is not there."""

import json
import re
from email.utils import parsedate_to_datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker

FOLDER = Path(__file__).resolve().parents[2].parent / "shared" / "oracle"
NEWER_THAN_THE_SPEC = {"MessageIntent"}

Json = dict[str, Any]

FORMATS = FormatChecker(formats=())


@FORMATS.checks("date-time-rfc-2822", raises=ValueError)
def is_date(value: object) -> bool:
    """Twilio's dates: RFC 2822, in UTC, to the second."""
    return not isinstance(value, str) or (
        parsedate_to_datetime(value) is not None and value.endswith(" +0000")
    )


def is_there() -> bool:
    """Is the vendors' published data beside this repository?"""
    return FOLDER.is_dir()


def check_twilio_request(method: str, path: str, form: Json) -> None:
    """Twilio knows such a request: its form, or the query of a GET, as the journal shows it."""
    operation = _operation(method, path)
    if method == "GET":
        names = {parameter["name"] for parameter in operation.get("parameters", ())}
        assert form.keys() <= names, f"{path} has no parameters {form.keys() - names}"
        return
    if "requestBody" not in operation:
        assert not form, f"{method} {path} takes no form"
        return
    schema = _form_schema(operation)
    known = {name: value for name, value in form.items() if name not in NEWER_THAN_THE_SPEC}
    _check(_validator_of(json.dumps(schema)), _typed(known, schema["properties"]))


def check_twilio_response(method: str, path: str, status: int, body: object) -> None:
    """Twilio gives such an answer. Of errors, which are in no document, the four known fields."""
    if status >= 400:
        assert isinstance(body, dict)
        assert set(body) == {"code", "message", "more_info", "status"}
        assert body["status"] == status
        return
    answers = _operation(method, path)["responses"]
    assert str(status) in answers, f"{method} {path} does not answer {status}"
    content = answers[str(status)].get("content")
    if content:
        _check(_validator_of(json.dumps(content["application/json"]["schema"])), body)


def check_twilio_journal(journal) -> None:
    """All that Twilio's stand-in was asked with success, and all it answered, is as published."""
    for entry in journal.entries("twilio"):
        if entry.direction == "out" or not entry.status or not _is_published(entry):
            continue
        if entry.status < 400:
            check_twilio_request(entry.method, entry.path, entry.request or {})
        check_twilio_response(entry.method, entry.path, entry.status, entry.response)


def check_openai_request(path: str, body: object) -> None:
    """OpenAI takes such a request."""
    schema = _openai()["paths"][_openai_path(path)]["post"]["requestBody"]
    _check(_openai_validator(json.dumps(schema["content"]["application/json"]["schema"])), body)


def check_openai_response(path: str, body: object) -> None:
    """OpenAI gives such an answer, or such an error."""
    if isinstance(body, dict) and body.get("error"):
        schema = {"$ref": "#/components/schemas/ErrorResponse"}
    else:
        answers = _openai()["paths"][_openai_path(path)]["post"]["responses"]
        schema = answers["200"]["content"]["application/json"]["schema"]
    _check(_openai_validator(json.dumps(schema)), body)


def check_openai_journal(journal) -> None:
    """All that OpenAI's stand-in was asked with success, and all it answered, is as published."""
    for entry in journal.entries("openai"):
        if not entry.status:
            continue
        if entry.status < 400:
            check_openai_request(entry.path, entry.request)
        check_openai_response(entry.path, entry.response)


# -- reading the documents


@cache
def _load(name: str) -> Json:
    path = FOLDER / name
    if not path.exists():
        pytest.skip("the vendors' published data is not beside this repository")
    document: Json = json.loads(path.read_text(encoding="utf-8"))
    return document


@cache
def _twilio() -> Json:
    """Messages and typing indicators as one document, in the words of JSON Schema."""
    parts = [_nullable(_load(f"twilio/twilio_{name}.json")) for name in ("messages", "typing")]
    schemas = {k: v for part in parts for k, v in part["components"]["schemas"].items()}
    paths = {k: v for part in parts for k, v in part["paths"].items()}
    return {"paths": paths, "components": {"schemas": schemas}}


def _nullable(schema: Any) -> Any:
    """OpenAPI 3.0's `nullable` in the words of JSON Schema."""
    if isinstance(schema, list):
        return [_nullable(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    plain = {name: _nullable(part) for name, part in schema.items() if name != "nullable"}
    if schema.get("nullable") is True:
        return {"anyOf": [plain, {"type": "null"}]}
    return plain


def _operation(method: str, path: str) -> Json:
    operation = _find(method, path)
    assert operation is not None, f"Twilio does not know {method} {path}"
    return operation


def _find(method: str, path: str) -> Json | None:
    for template, item in _twilio()["paths"].items():
        pattern = re.sub(r"\\{\w+\\}", "[^/.]+", re.escape(template))
        if re.fullmatch(pattern, path) and method.lower() in item:
            found: Json = item[method.lower()]
            return found
    return None


def _is_published(entry) -> bool:
    return _find(entry.method, entry.path) is not None


def _form_schema(operation: Json) -> Json:
    content = operation["requestBody"]["content"]["application/x-www-form-urlencoded"]
    schema: Json = content["schema"]
    if "$ref" in schema:
        schema = _twilio()["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return {**schema, "additionalProperties": False}


def _typed(form: Json, properties: Json) -> Json:
    """A form's texts as what they stand for; what stands for nothing stays a text."""
    return {name: _as(properties.get(name, {}).get("type"), value) for name, value in form.items()}


def _as(kind: str | None, value: Any) -> Any:
    if kind == "array":
        return value if isinstance(value, list) else [value]
    if kind in ("boolean", "integer", "number"):
        try:
            return json.loads(value)
        except (TypeError, ValueError):
            return value
    return value


@cache
def _validator_of(schema: str) -> Draft202012Validator:
    whole = {**json.loads(schema), "components": _twilio()["components"]}
    return Draft202012Validator(whole, format_checker=FORMATS)


@cache
def _openai() -> Json:
    return _load("openai/openapi_slice.json")


def _openai_path(path: str) -> str:
    return path.removeprefix("/v1")


@cache
def _openai_validator(schema: str) -> Draft202012Validator:
    return Draft202012Validator({**json.loads(schema), "components": _openai()["components"]})


def _check(validator: Draft202012Validator, value: object) -> None:
    problems = [f"{error.json_path}: {error.message}" for error in validator.iter_errors(value)]
    assert not problems, "\n".join(problems)
