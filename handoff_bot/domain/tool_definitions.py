"""What a server says of a tool, and what a tool returns: untrusted, bounded, without hidden text."""

from __future__ import annotations

import hashlib
import json
import math
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from handoff_bot.domain.look_ups import LONGEST_RESULT, LONGEST_VALUE, MOST_ITEMS, plain_value
from handoff_bot.domain.mcp_servers import LONGEST_NAME, LONGEST_TEXT, ServerTool
from handoff_bot.domain.text import one_line

LONGEST_DESCRIPTION, LONGEST_HINT = 300, 150
LONGEST_SCHEMA, DEEPEST, MOST_NODES, MOST_CHOICES = 2_000, 5, 60, 30
MOST_LINES = 40

_TYPES = frozenset({"object", "array", "string", "number", "integer", "boolean", "null"})
_BOUNDS = (
    "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "minLength", "maxLength",
    "minItems", "maxItems",
)  # fmt: skip
_COUNTS = frozenset({"minLength", "maxLength", "minItems", "maxItems"})
_COMBINED = ("anyOf", "oneOf", "allOf")
_OF_THE_WHOLE = ("type", "properties", "required", "additionalProperties")
_PROPERTY = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_REFERENCE = re.compile(r"#/(\$defs|definitions)/([A-Za-z0-9_.-]{1,100})")
_UNSAFE = re.compile(r"[^A-Za-z0-9_]")


class TooComplex(ValueError):
    """A tool's parameters cannot be offered to the model within limits."""


def tool_of(definition: Mapping[str, Any]) -> ServerTool | None:
    """Returns a tool from what its server says of it; None if it has no usable name.

    Args:
        definition: name, title, description, inputSchema and annotations, as in tools/list.
    """
    name = definition.get("name")
    if not isinstance(name, str) or not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
        return None
    hints = definition.get("annotations")
    hints = hints if isinstance(hints, dict) else {}
    try:
        schema = json.dumps(bounded_schema(definition.get("inputSchema")), ensure_ascii=False)
        schema = "" if len(schema) > LONGEST_SCHEMA else schema
    except TooComplex:
        schema = ""
    described = definition.get("description") or definition.get("title") or ""
    return ServerTool(
        name,
        spoken(described, LONGEST_DESCRIPTION),
        schema,
        _digest(definition),
        only_reads=hints.get("readOnlyHint") is True and hints.get("destructiveHint") is not True,
    )


def _digest(definition: Mapping[str, Any]) -> str:
    """Of the parts that say what a tool does; also of those that are too long to be shown."""
    parts = ("name", "title", "description", "inputSchema", "outputSchema", "annotations")
    held = {part: definition.get(part) for part in parts}
    text = json.dumps(held, sort_keys=True, ensure_ascii=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def spoken(text: object, most: int) -> str:
    """Returns text in one line without characters that are not displayed: they could hide orders."""
    if not isinstance(text, str):
        return ""
    seen = (each if _is_seen(each) else " " for each in text[: 4 * most])
    return one_line("".join(seen), most)


def _is_seen(character: str) -> bool:
    hidden = "VARIATION SELECTOR" in unicodedata.name(character, "")
    return character.isprintable() and not hidden


def bounded_schema(schema: object) -> dict[str, Any]:
    """Returns the JSON schema with the keywords that we know, without references and patterns.

    A pattern of the server could take a validator minutes. Of the whole, only its parameters are
    kept, because admins see no more. The result keeps the rules that services check.

    Raises:
        TooComplex: it is too large or too deep, or uses what cannot be left out.
    """
    if not isinstance(schema, dict):
        raise TooComplex
    made = _Bounding(schema).of({"type": "object", **schema}, DEEPEST)
    if made.get("type") != "object" or "anyOf" in made:
        raise TooComplex
    return {word: made[word] for word in _OF_THE_WHOLE}


class _Bounding:
    def __init__(self, whole: Mapping[str, Any]) -> None:
        self._whole = whole
        self._nodes = 0

    def of(self, schema: object, depth: int) -> dict[str, Any]:
        self._nodes += 1
        if not isinstance(schema, dict) or depth < 0 or self._nodes > MOST_NODES:
            raise TooComplex
        if "$ref" in schema:
            return self.of(self._referred(schema["$ref"]), depth - 1)
        made = _plain_keywords(schema)
        for word in _COMBINED:
            if word in schema:
                made |= self._combined(word, schema[word], depth)
        if "items" in schema:
            made["items"] = self.of(schema["items"], depth - 1)
        if "properties" in schema or made.get("type") == "object":
            made |= self._object(schema, depth)
        if "array" in _kinds(made):
            made.setdefault("items", {})  # OpenAI refuses "array schema missing items"
        return made

    def _referred(self, to: object) -> object:
        found = _REFERENCE.fullmatch(to) if isinstance(to, str) else None
        kept = self._whole.get(found[1]) if found else None
        if found is None or not isinstance(kept, dict) or found[2] not in kept:
            raise TooComplex
        return kept[found[2]]

    def _combined(self, word: str, choices: object, depth: int) -> dict[str, Any]:
        if not isinstance(choices, list) or not 0 < len(choices) <= DEEPEST:
            raise TooComplex
        made = [self.of(each, depth - 1) for each in choices]
        if word != "allOf":
            return {"anyOf": made}
        if len(made) > 1:
            raise TooComplex
        return made[0]

    def _object(self, schema: Mapping[str, Any], depth: int) -> dict[str, Any]:
        properties = schema.get("properties", {})
        if not isinstance(properties, dict) or not all(map(_PROPERTY.fullmatch, properties)):
            raise TooComplex
        made = {name: self.of(each, depth - 1) for name, each in properties.items()}
        wanted = schema.get("required", [])
        if not isinstance(wanted, list) or not all(one in list(made) for one in wanted):
            raise TooComplex
        wanted = list(dict.fromkeys(wanted))
        return {"properties": made, "required": wanted, "additionalProperties": False}


def _plain_keywords(schema: Mapping[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    if "type" in schema:
        kinds = _kinds(schema)
        if not kinds or not all(isinstance(one, str) and one in _TYPES for one in kinds):
            raise TooComplex
        is_list = isinstance(schema["type"], list)
        made["type"] = list(dict.fromkeys(kinds)) if is_list else schema["type"]
    if described := spoken(schema.get("description"), LONGEST_HINT):
        made["description"] = described
    choices = [schema["const"]] if "const" in schema else schema.get("enum")
    if choices is not None:
        made["enum"] = _choices(choices, _kinds(made))
    numbers = {word: schema[word] for word in _BOUNDS if _is_bound(word, schema.get(word))}
    return made | numbers


def _kinds(schema: Mapping[str, Any]) -> list[Any]:
    """Returns the types that a schema names; none for any type."""
    kinds = schema.get("type", [])
    return kinds if isinstance(kinds, list) else [kinds]


def _choices(choices: object, kinds: Sequence[str]) -> list[Any]:
    """Returns the choices of these types: services refuse an enum with others."""
    if not isinstance(choices, list) or not 0 < len(choices) <= MOST_CHOICES:
        raise TooComplex
    for one in choices:
        if isinstance(one, str) and spoken(one, LONGEST_TEXT) != one:
            raise TooComplex
        if not (one is None or isinstance(one, str | bool) or _is_number(one)):
            raise TooComplex
    fitting = [one for one in choices if not kinds or _types_of(one) & set(kinds)]
    if not fitting:
        raise TooComplex
    return fitting


def _types_of(value: object) -> set[str]:
    if value is None or isinstance(value, bool):
        return {"null" if value is None else "boolean"}
    if isinstance(value, str):
        return {"string"}
    is_whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    return {"number", "integer"} if is_whole else {"number"}


def _is_bound(word: str, value: object) -> bool:
    if word in _COUNTS:
        return isinstance(value, int) and not isinstance(value, bool) and value >= 0
    return _is_number(value)


def _is_number(value: object) -> bool:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    return math.isfinite(value)


# -- results


def result_lines(held: object) -> str:
    """Returns a JSON result as lines such as "order status: shipped"; "" if it holds no values."""
    lines: list[str] = []
    for path, value in _values(held, "", DEEPEST):
        text = spoken(plain_value(value), LONGEST_VALUE)
        if text:
            lines.append(f"{path or 'result'}: {text}")
        if len(lines) == MOST_LINES:
            break
    return "\n".join(lines)[:LONGEST_RESULT]


def _values(held: object, path: str, depth: int) -> Iterator[tuple[str, object]]:
    if isinstance(held, dict) and depth:
        for name, each in held.items():
            yield from _values(each, f"{path} {_label(name)}".strip(), depth - 1)
    elif isinstance(held, list) and depth:
        for number, each in enumerate(held[:MOST_ITEMS]):
            yield from _values(each, f"{path} {number + 1}".strip(), depth - 1)
    else:
        yield path, held


def _label(name: str) -> str:
    return _UNSAFE.sub(" ", name[:40]).strip() or "value"


def only_text(held: object) -> str | None:
    """Returns the text of a JSON result that holds only one; None if its label says something.

    The official SDK returns a tool's text as {"result": text}.
    """
    found = list(islice((one for one in _values(held, "", DEEPEST) if plain_value(one[1])), 2))
    path, text = found[0] if len(found) == 1 else ("", None)
    if not isinstance(text, str):
        return None
    is_long = len(text) > LONGEST_VALUE or len(text.strip().splitlines()) > 1
    return text if is_long or path in ("", "result") else None


def text_lines(text: str) -> str:
    """Returns a plain result as bounded lines; one line may take all the room."""
    lines = (spoken(one, LONGEST_RESULT) for one in text[: 4 * LONGEST_RESULT].splitlines())
    return "\n".join([one for one in lines if one][:MOST_LINES])[:LONGEST_RESULT]
