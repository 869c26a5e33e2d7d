"""JSON schemas for OpenAI's structured outputs: validation, and the smallest matching value."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]


def complaint(schema: Json) -> str | None:
    """Returns OpenAI's error for a strict schema, None if it is accepted."""
    for where, part in _objects(schema, ()):
        if part.get("additionalProperties") is not False:
            return f"In context={where}, 'additionalProperties' is required to be supplied and to be false."
        if set(part.get("required", ())) != set(part.get("properties", {})):
            return (
                f"In context={where}, 'required' is required to be supplied and to be an array "
                "including every key in properties."
            )
    return None


def _objects(schema: object, where: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Json]]:
    """Yields every object schema in a schema, with its path."""
    if isinstance(schema, list):
        for number, part in enumerate(schema):
            yield from _objects(part, (*where, str(number)))
    if not isinstance(schema, dict):
        return
    if schema.get("type") == "object" or isinstance(schema.get("properties"), dict):
        yield where, schema
    for name, part in schema.items():
        yield from _objects(part, (*where, name))


def smallest(schema: Json) -> Any:
    """Returns the smallest matching value: false, the minimum, empty texts and lists, the last enum value."""
    return _smallest(schema, schema.get("$defs", {}))


def _smallest(schema: Json, named: Json) -> Any:
    if "$ref" in schema:
        return _smallest(named[schema["$ref"].rpartition("/")[2]], named)
    if "const" in schema:
        return schema["const"]
    for choice in ("enum", "anyOf"):
        if choice in schema:
            last = schema[choice][-1]
            return last if choice == "enum" else _smallest(last, named)
    if isinstance(schema["type"], list):
        return _smallest({**schema, "type": schema["type"][-1]}, named)
    if schema["type"] == "object":
        return {name: _smallest(part, named) for name, part in schema["properties"].items()}
    if schema["type"] == "array":
        return [_smallest(schema["items"], named)] * schema.get("minItems", 0)
    return _scalar(schema)


def _scalar(schema: Json) -> Any:
    match schema["type"]:
        case "string":
            return "-" * schema.get("minLength", 0)
        case "boolean":
            return False
        case "null":
            return None
        case kind:
            lowest = max(0, schema.get("minimum", 0))
            fitting = min(lowest, schema.get("maximum", lowest))
            return int(fitting) if kind == "integer" else float(fitting)


def covers(schema: Json, said: Json) -> bool:
    """Whether the names of an object could match a part of the schema."""
    return set(said) <= set(schema.get("properties", ()))


def laid_over(below: Json, above: Json) -> Json:
    """Merges two objects recursively; the second one wins."""
    both = {
        name: laid_over(below[name], value)
        for name, value in above.items()
        if isinstance(value, dict) and isinstance(below.get(name), dict)
    }
    return {**below, **above, **both}
