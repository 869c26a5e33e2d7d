"""What the vendors published of their wire formats, as checks; skips where the data is not there."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

FOLDER = Path(__file__).resolve().parents[2].parent / "shared" / "oracle"
NEWER_THAN_THE_SPEC = {"MessageIntent"}


def load(name: str) -> dict[str, Any]:
    """A document of the vendors'."""
    path = FOLDER / name
    if not path.exists():
        pytest.skip("the vendors' published data is not beside this repository")
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return document


def nullable(schema: Any) -> Any:
    """OpenAPI 3.0's `nullable` in the words of JSON Schema."""
    if isinstance(schema, list):
        return [nullable(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    plain = {name: nullable(part) for name, part in schema.items() if name != "nullable"}
    if schema.get("nullable"):
        return {"anyOf": [plain, {"type": "null"}]}
    return plain


def complain(schema: dict[str, Any], document: dict[str, Any], value: object) -> list[str]:
    """What is wrong with a value, one line each."""
    whole = {**schema, "components": document["components"]}
    return [error.message for error in Draft202012Validator(whole).iter_errors(value)]


class Twilio:
    """Messages, as Twilio's OpenAPI document says."""

    def __init__(self) -> None:
        raw = load("twilio/twilio_messages.json")
        self.paths = raw["paths"]
        self.document = {"components": nullable(raw["components"])}

    def request(self, form: dict[str, Any]) -> list[str]:
        """Complaints about a form that creates a message."""
        path = "/2010-04-01/Accounts/{AccountSid}/Messages.json"
        content = self.paths[path]["post"]["requestBody"]["content"]
        schema = nullable(content["application/x-www-form-urlencoded"]["schema"])
        known = {k: v for k, v in form.items() if k not in NEWER_THAN_THE_SPEC}
        return complain({**schema, "additionalProperties": False}, self.document, known)

    def message(self, body: object) -> list[str]:
        """Complaints about a message resource."""
        name = "#/components/schemas/api.v2010.account.message"
        return complain({"$ref": name}, self.document, body)


class OpenAI:
    """The Responses API, as OpenAI's OpenAPI document says."""

    def __init__(self) -> None:
        self.document = load("openai/openapi_slice.json")

    def request(self, body: object) -> list[str]:
        """Complaints about a request."""
        return complain({"$ref": "#/components/schemas/CreateResponse"}, self.document, body)

    def response(self, body: object) -> list[str]:
        """Complaints about a response."""
        return complain({"$ref": "#/components/schemas/Response"}, self.document, body)
