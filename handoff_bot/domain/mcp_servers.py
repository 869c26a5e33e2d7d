"""MCP servers: the team's own, whose tools the language model may call as far as admins allow it.

What a server says of its tools is untrusted: it is bounded (`tool_definitions`), and pinned by a digest,
so that a tool that changes is not called before an admin has looked at it again.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from handoff_bot.domain.errors import Malformed
from handoff_bot.domain.look_ups import LookUp, literal_address
from handoff_bot.domain.web_requests import WebAddress, may_connect

MOST_TOOLS = 20
"""Tools of one server that admins see, and tools of all servers that may be on."""
LONGEST_NAME = 64
"""Characters of a tool's name, and of a function's name in the Responses API."""
LONGEST_ARGUMENTS, LONGEST_TEXT = 1_000, 200
CHANGED, GONE, NOT_INSTALLED = "tool changed", "unknown tool", "not installed"
"""Outcomes of calls besides those of requests."""

_UNSAFE = re.compile(r"[^A-Za-z0-9_]")


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

    @property
    def is_usable(self) -> bool:
        """Returns whether it may be allowed.

        A tool that changes data may not: an answer can be made twice, or be thrown away.
        """
        return self.only_reads and bool(self.schema)


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
        return tuple(one for one in self.tools if one.is_on and one.is_usable)


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
        return self.tool.is_on and self.tool.is_usable

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
    on = (one for one in server.tools if one.digest in digests and one.is_usable)
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


AnyLookUp = LookUp | ToolLookUp
