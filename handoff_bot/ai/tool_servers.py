"""Asks MCP servers: which tools they have, and what a tool that an admin allows returns."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, TypeVar

from handoff_bot import spans
from handoff_bot.ai.assistant.support import without_addresses
from handoff_bot.ai.deadline import within
from handoff_bot.ai.look_ups import HttpLookUps
from handoff_bot.ai.safe_requests import (
    TIMEOUT,
    UNREACHABLE,
    Address,
    RequestError,
    Resolve,
    checked,
    resolved,
)
from handoff_bot.domain.look_ups import Found, LookUp, Token
from handoff_bot.domain.mcp_servers import (
    CHANGED,
    GONE,
    MOST_TOOLS,
    NOT_INSTALLED,
    AnyLookUp,
    Listed,
    McpServer,
    ServerTool,
    ToolLookUp,
    address_of,
    check,
)
from handoff_bot.domain.results import CheckResult
from handoff_bot.domain.text import many
from handoff_bot.domain.tool_definitions import only_text, result_lines, text_lines, tool_of
from handoff_bot.domain.web_requests import Origin, may_connect
from handoff_bot.ports import ToolServers

if TYPE_CHECKING:
    from handoff_bot.ai.mcp_client import Endpoint

logger = logging.getLogger(__name__)

Result = TypeVar("Result")
INSTALL = "MCP servers need the extra: pip install 'handoff-bot[mcp]'"
_CHECK_SECONDS = 8.0


class McpTools:
    """Implements `ToolServers`, and `Fetcher` for their tools. Thread-safe.

    Each call is a session of its own: nothing is open, and nothing is imported, while no tool is called.

    Args:
        tokens: bearer tokens by the name that a server gives.
        allows_loopback: allows plain HTTP to this machine, for the sandbox.
        resolve: returns all addresses of a host.
    """

    def __init__(
        self,
        tokens: Mapping[str, Token],
        *,
        allows_loopback: bool = False,
        resolve: Resolve = resolved,
    ) -> None:
        self._tokens = tokens
        self._allows_loopback = allows_loopback
        self._resolve = resolve

    def tools(self, server: McpServer, seconds: float) -> Listed:
        """Returns a server's tools, or why there are none, within `seconds`. Never raises."""

        def ask(endpoint: Endpoint, left: float) -> Listed:
            from handoff_bot.ai import mcp_client

            held = mcp_client.definitions(endpoint, left, MOST_TOOLS + 1)
            tools: dict[str, ServerTool] = {}
            for one in filter(None, map(tool_of, held[:MOST_TOOLS])):
                tools.setdefault(one.name, one)
            return Listed("ok", tuple(tools.values()), has_more=len(held) > MOST_TOOLS)

        try:
            return self._asked(server, seconds, ask)
        except RequestError as error:
            return Listed(error.kind)

    def fetch(self, look_up: ToolLookUp, arguments: Mapping[str, Any], seconds: float) -> Found:
        """Returns the result, or why there is none, within `seconds`. Never raises."""
        began = time.monotonic()
        text = ""
        try:
            text = self._asked(
                look_up.server, seconds, lambda at, left: _result(at, look_up, arguments, left)
            )
            outcome = "ok" if text else "empty"
        except RequestError as error:
            outcome = error.kind
        return Found(outcome, text, round(1000 * (time.monotonic() - began)))

    def _asked(
        self, server: McpServer, seconds: float, ask: Callable[[Endpoint, float], Result]
    ) -> Result:
        if find_spec("mcp") is None:
            raise RequestError(NOT_INSTALLED)
        until = time.monotonic() + seconds

        def run() -> Result:
            endpoint = self._endpoint(server)
            return ask(endpoint, until - time.monotonic())

        try:
            return within(max(seconds, 0), run)
        except TimeoutError:
            raise RequestError(TIMEOUT) from None
        except RequestError:
            raise
        except Exception as error:
            # Whatever a server can cause in a large library. The message may quote the server.
            logger.warning("MCP server not asked", extra={"kind": type(error).__name__})
            raise RequestError(UNREACHABLE) from None

    def _endpoint(self, server: McpServer) -> Endpoint:
        try:
            check(server, allows_loopback=self._allows_loopback)
        except ValueError:
            raise RequestError("invalid address") from None
        url = address_of(server)
        found = self._resolve(url.origin.host, url.origin.port)
        addresses = checked(found, lambda one: self._is_allowed(one, server, url.origin))
        token = self._token(server, url.origin)
        from handoff_bot.ai.mcp_client import Endpoint

        return Endpoint(url, addresses, token)

    def _is_allowed(self, address: Address, server: McpServer, origin: Origin) -> bool:
        is_here = self._allows_loopback and origin.is_loopback and address.is_loopback
        return is_here or may_connect(address, private=server.is_private)

    def _token(self, server: McpServer, origin: Origin) -> str:
        if not server.secret:
            return ""
        token = self._tokens.get(server.secret)
        if token is None or token.host != origin.host:  # never without it, nor to another host
            raise RequestError("unknown secret")
        return token.secret


def _result(
    endpoint: Endpoint, look_up: ToolLookUp, arguments: Mapping[str, Any], seconds: float
) -> str:
    from handoff_bot.ai import mcp_client

    if not mcp_client.fits(arguments, look_up.schema):
        raise RequestError("invalid arguments")

    def check_definitions(found: Sequence[Mapping[str, Any]]) -> None:
        if not found:
            raise RequestError(GONE)
        now = [tool_of(one) for one in found]
        if not all(one and one.digest == look_up.tool.digest for one in now):
            raise RequestError(CHANGED)

    got = mcp_client.call(endpoint, look_up.tool.name, arguments, seconds, check_definitions)
    if got.is_error:
        raise RequestError("error of the tool")
    return _shown(got.structured, got.text)


def _shown(structured: Any, text: str) -> str:
    """Returns values of JSON with their labels, else plain text without links.

    Research keeps a link that is a whole value. In a text, any line could be a customer's.
    """
    held = _parsed(text) if structured is None else structured
    alone = only_text(held)
    if alone is not None:
        held, text = _parsed(alone), alone
    if isinstance(held, dict | list):
        return result_lines(held)
    return without_addresses(text_lines(text)).strip()


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


class AllLookUps:
    """Implements `Fetcher` for both kinds of look-ups."""

    def __init__(self, http: HttpLookUps, mcp: McpTools) -> None:
        self._http = http
        self._mcp = mcp

    def fetch(self, look_up: AnyLookUp, arguments: Mapping[str, Any], seconds: float) -> Found:
        if spans.recorder is None:
            return self._found(look_up, arguments, seconds)
        with spans.recorder.span("look-up", spans.Kind.CLIENT, {}) as span:
            found = self._found(look_up, arguments, seconds)
            span.note("handoff.outcome", found.outcome.replace(" ", "_"))
            return found

    def _found(self, look_up: AnyLookUp, arguments: Mapping[str, Any], seconds: float) -> Found:
        if isinstance(look_up, LookUp):
            return self._http.fetch(look_up, arguments, seconds)
        return self._mcp.fetch(look_up, arguments, seconds)


def check_server(servers: ToolServers, server: McpServer) -> CheckResult:
    """Asks a server for its tools, for the doctor."""
    name = f"MCP server {server.name}"
    listed = servers.tools(server, _CHECK_SECONDS)
    if listed.outcome == NOT_INSTALLED:
        return CheckResult(name, False, INSTALL)
    if listed.outcome != "ok":
        return CheckResult(name, False, f"cannot be used ({listed.outcome}); see its own log")
    now = {one.digest for one in listed.tools}
    if any(one.has_changed or one.digest not in now for one in server.tools):
        words = f"its tools have changed; look at them in /handoff mcp, Tools… of {server.name}"
        return CheckResult(name, False, words)
    return CheckResult(name, True, f"reachable, {many(len(server.allowed), 'tool')} allowed")
