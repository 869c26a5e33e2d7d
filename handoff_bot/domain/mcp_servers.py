"""MCP servers: the team's own, whose tools the language model may call as far as admins allow it.

What a server says of its tools is untrusted: it is bounded here, and pinned by a digest, so that a tool
that changes is not called before an admin has looked at it again.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from handoff_bot.domain.errors import Malformed
from handoff_bot.domain.look_ups import (
    LONGEST_RESULT,
    LONGEST_VALUE,
    MOST_ITEMS,
    LookUp,
    literal_address,
    plain_value,
)
from handoff_bot.domain.networks import may_connect
from handoff_bot.domain.text import one_line
from handoff_bot.domain.web_addresses import WebAddress

MOST_TOOLS = 20
"""Tools of one server that admins see, and tools of all servers that may be on."""
LONGEST_NAME = 64
"""Characters of a tool's name, and of a function's name in the Responses API."""
LONGEST_DESCRIPTION, LONGEST_HINT = 300, 150
LONGEST_SCHEMA, DEEPEST, MOST_NODES, MOST_CHOICES = 2_000, 5, 60, 30
LONGEST_ARGUMENTS, LONGEST_TEXT = 1_000, 200
MOST_LINES = 40
CHANGED, GONE, NOT_INSTALLED = "tool changed", "unknown tool", "not installed"
"""Outcomes of calls besides those of requests."""

_TYPES = frozenset({"object", "array", "string", "number", "integer", "boolean", "null"})
_BOUNDS = (
    "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "minLength", "maxLength",
    "minItems", "maxItems",
)  # fmt: skip
_COMBINED = ("anyOf", "oneOf", "allOf")
_PROPERTY = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_REFERENCE = re.compile(r"#/(\$defs|definitions)/([A-Za-z0-9_.-]{1,100})")
_UNSAFE = re.compile(r"[^A-Za-z0-9_]")


class TooComplex(ValueError):
    """A tool's parameters cannot be offered to the model within limits."""


@dataclass(frozen=True)
class ServerTool:
    """A tool as its server described it when an admin last looked.

    Attributes:
        name: as the server calls it.
        description: bounded. Untrusted.
        schema: the bounded JSON schema of its parameters, "" if they are too complex to be offered.
        digest: of the whole definition.
        only_reads: True if the server says that the tool only reads, and destroys nothing.
        is_on: False until an admin allows it.
        has_changed: True if it was on, and its definition changed since.
    """

    name: str
    description: str = ""
    schema: str = ""
    digest: str = ""
    only_reads: bool = False
    is_on: bool = False
    has_changed: bool = False


@dataclass(frozen=True)
class McpServer:
    """A server as an admin defined it.

    Attributes:
        url: its endpoint for Streamable HTTP.
        secret: the name of the bearer token, "" for none.
        is_private: True if the host may be in the team's own network.
        tools: those of the last look; after it was saved, only those that are on.
    """

    name: str = ""
    url: str = ""
    secret: str = ""
    is_private: bool = False
    tools: tuple[ServerTool, ...] = ()

    @property
    def allowed(self) -> tuple[ServerTool, ...]:
        """Returns the tools that are on."""
        return tuple(one for one in self.tools if one.is_on and one.schema)


@dataclass(frozen=True)
class Listed:
    """A server's tools.

    Attributes:
        outcome: "ok", or why there are none; in our own terms.
        tools: none of them is on.
        has_more: True if there were too many.
    """

    outcome: str
    tools: tuple[ServerTool, ...] = ()
    has_more: bool = False


@dataclass(frozen=True)
class ToolLookUp:
    """A tool that is on, as a look-up of the language model."""

    server: McpServer
    tool: ServerTool

    @property
    def name(self) -> str:
        """Returns the function's name, which is unique: no HTTP look-up's name has a hyphen."""
        return function_name(self.server.name, self.tool.name)

    @property
    def when(self) -> str:
        return self.tool.description

    @property
    def is_on(self) -> bool:
        return self.tool.is_on

    @property
    def schema(self) -> dict[str, Any]:
        """Returns the JSON schema of its parameters."""
        held: dict[str, Any] = json.loads(self.tool.schema)
        return held

    def given(self, held: object) -> dict[str, Any]:
        """Returns a model's arguments. Whether they fit the schema is checked before they are sent.

        Raises:
            ValueError: no object, too long, or with text that cannot be shown.
        """
        if not isinstance(held, dict) or len(json.dumps(held)) > LONGEST_ARGUMENTS:
            raise ValueError("the arguments are not valid")
        for text in texts(held):
            if len(text) > LONGEST_TEXT or not text.isprintable():
                raise ValueError("an argument is not valid")
        return held


def texts(held: object) -> Iterator[str]:
    """Yields the values in a JSON value as text, in order."""
    if isinstance(held, dict):
        for each in held.values():
            yield from texts(each)
    elif isinstance(held, list):
        for each in held:
            yield from texts(each)
    elif held is not None:
        yield str(held)


def function_name(server: str, tool: str) -> str:
    """Returns a name that the Responses API accepts; two tools of a server never share one."""
    safe = _UNSAFE.sub("_", tool)
    name = f"{server}-{safe}"
    if safe == tool and len(name) <= LONGEST_NAME:
        return name
    mark = hashlib.sha256(tool.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{name[: LONGEST_NAME - 9]}-{mark}"


def tools_of(servers: Sequence[McpServer]) -> tuple[ToolLookUp, ...]:
    """Returns the tools that the model may call."""
    found = [ToolLookUp(server, tool) for server in servers for tool in server.allowed]
    return tuple(found[:MOST_TOOLS])


def check(server: McpServer, *, allows_loopback: bool = False) -> None:
    """Checks a server's address.

    Raises:
        ValueError: it is refused, with a message for the admin.
    """
    origin = address_of(server).origin
    is_here = allows_loopback and origin.is_loopback
    if origin.scheme != "https" and not is_here:
        raise ValueError("The URL must begin with https://.")
    if "#" in server.url:
        raise ValueError("The URL may have no part after #.")
    literal = None if is_here else literal_address(origin.host)
    if literal and not may_connect(literal, private=server.is_private):
        raise ValueError(f"{origin.host} is not a public address.")


def address_of(server: McpServer) -> WebAddress:
    """Returns the endpoint's address.

    Raises:
        ValueError: with a message for the admin.
    """
    try:
        return WebAddress.parse(server.url)
    except Malformed as wrong:
        raise ValueError(f"{wrong} Enter one such as https://mcp.shop.example.com/mcp.") from None


# -- definitions


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

    A pattern of the server could take a validator minutes.

    Raises:
        TooComplex: it is too large or too deep, or uses what cannot be left out.
    """
    if not isinstance(schema, dict):
        raise TooComplex
    made = _Bounding(schema).of({"type": "object", **schema}, DEEPEST)
    if made["type"] != "object" or "anyOf" in made:
        raise TooComplex
    return made


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
        return {"properties": made, "required": wanted, "additionalProperties": False}


def _plain_keywords(schema: Mapping[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    if "type" in schema:
        kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        if not kinds or not all(isinstance(one, str) and one in _TYPES for one in kinds):
            raise TooComplex
        made["type"] = schema["type"]
    if described := spoken(schema.get("description"), LONGEST_HINT):
        made["description"] = described
    choices = [schema["const"]] if "const" in schema else schema.get("enum")
    if choices is not None:
        made["enum"] = _choices(choices)
    numbers = {word: schema[word] for word in _BOUNDS if _is_number(schema.get(word))}
    return made | numbers


def _choices(choices: object) -> list[Any]:
    if not isinstance(choices, list) or not 0 < len(choices) <= MOST_CHOICES:
        raise TooComplex
    for one in choices:
        if isinstance(one, str) and spoken(one, LONGEST_TEXT) != one:
            raise TooComplex
        if not isinstance(one, str | int | float | bool | None):
            raise TooComplex
    return choices


def _is_number(value: object) -> bool:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    return math.isfinite(value)


# -- admins' decisions


def looked_at(server: McpServer, tools: Sequence[ServerTool]) -> McpServer:
    """Returns the server with these tools. Those that are on stay on if they are the same."""
    before = {one.name: one for one in server.tools}
    return replace(server, tools=tuple(_again(before.get(one.name), one) for one in tools))


def _again(before: ServerTool | None, now: ServerTool) -> ServerTool:
    if before is None:
        return now
    if before.digest == now.digest:
        return replace(now, is_on=before.is_on, has_changed=before.has_changed)
    return replace(now, has_changed=before.is_on or before.has_changed)


def allowing(server: McpServer, digests: Sequence[str]) -> McpServer:
    """Returns the server with only these tools, which are on."""
    on = (one for one in server.tools if one.digest in digests and one.schema)
    return replace(server, tools=tuple(replace(one, is_on=True, has_changed=False) for one in on))


def withdrawn(servers: Sequence[McpServer], look_up: ToolLookUp) -> list[McpServer]:
    """Returns the servers, in which the tool is off until an admin has looked at it again."""

    def after(server: McpServer, one: ServerTool) -> ServerTool:
        is_it = (server.name, one) == (look_up.server.name, look_up.tool)
        return replace(one, is_on=False, has_changed=True) if is_it else one

    return [
        replace(server, tools=tuple(after(server, one) for one in server.tools))
        for server in servers
    ]


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


def text_lines(text: str) -> str:
    """Returns a plain result as bounded lines."""
    lines = (spoken(one, LONGEST_VALUE) for one in text[: 4 * LONGEST_RESULT].splitlines())
    return "\n".join([one for one in lines if one][:MOST_LINES])[:LONGEST_RESULT]


AnyLookUp = LookUp | ToolLookUp
