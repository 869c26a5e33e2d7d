"""An MCP server's stand-in, by the wire format of Streamable HTTP (protocol 2025-11-25).

https://modelcontextprotocol.io/specification/2025-11-25/basic/transports
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from typing import Any

from flask import Flask, Response, request

from handoff_sandbox.faults import Faults
from handoff_sandbox.journal import Journal
from handoff_sandbox.server import Server

Json = dict[str, Any]
Handler = Callable[[Json], Json]
"""Returns a call's result, from its arguments."""
PATH, VERSION = "/mcp", "2025-11-25"
_SESSION = "Mcp-Session-Id"
_NO_METHOD, _NO_TOOL = -32601, -32602


class McpStandIn:
    """A server with tools, on loopback.

    Args:
        token: the bearer token that requests need; "" for none.

    Attributes:
        tools: definition and handler of each tool; may be changed while it runs.
        instead: returns a response of its own for a method, or None; for tests.
        asked: the methods of all requests with a session, in order.
        sessions: the ids of open sessions.
    """

    def __init__(
        self,
        token: str = "",
        journal: Journal | None = None,
        faults: Faults | None = None,
    ) -> None:
        self.tools: list[tuple[Json, Handler]] = []
        self.instead: Callable[[str], Response | None] = lambda _: None
        self.asked: list[str] = []
        self.sessions: set[str] = set()
        self.by_events = False
        self._token = token
        app = Flask(__name__, static_folder=None)
        app.post(PATH)(self._posted)
        app.delete(PATH)(self._ended)
        self._server = Server(app, "mcp", journal or Journal(), faults or Faults())
        self.url = f"{self._server.url}{PATH}"

    def add(self, definition: Json, handler: Handler) -> None:
        """Adds a tool."""
        self.tools.append((definition, handler))

    def start(self) -> McpStandIn:
        self._server.start()
        return self

    def stop(self) -> None:
        self._server.stop()

    def __enter__(self) -> McpStandIn:
        return self.start()

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def _posted(self) -> Response:
        if self._token and request.headers.get("Authorization") != f"Bearer {self._token}":
            return _json({"error": "invalid_token"}, 401)
        message = request.get_json(force=True)
        method = str(message.get("method"))
        self.asked.append(method)
        if instead := self.instead(method):
            return instead
        if method == "initialize":
            return self._initialized(message)
        if method == "server/discover":  # of a later protocol
            return _json(_error(message, _NO_METHOD, "Method not found"), 400)
        if request.headers.get(_SESSION) not in self.sessions:
            return _json(_error(message, -32600, "Session not found"), 404)
        if "id" not in message:
            return Response(status=202)
        return self._answer(self._called(method, message))

    def _initialized(self, message: Json) -> Response:
        session = secrets.token_urlsafe(16)
        self.sessions.add(session)
        answer = self._answer(
            _result(
                message,
                {
                    "protocolVersion": VERSION,
                    "capabilities": {"tools": {"listChanged": False}},
                    "serverInfo": {"name": "stand-in", "version": "1"},
                },
            )
        )
        answer.headers[_SESSION] = session
        return answer

    def _called(self, method: str, message: Json) -> Json:
        params = message.get("params") or {}
        if method == "tools/list":
            return _result(message, {"tools": [definition for definition, _ in self.tools]})
        if method != "tools/call":
            return _error(message, _NO_METHOD, "Method not found")
        for definition, handler in self.tools:
            if definition["name"] == params.get("name"):
                return _result(message, handler(params.get("arguments") or {}))
        return _error(message, _NO_TOOL, "Unknown tool")

    def _answer(self, message: Json) -> Response:
        if not self.by_events:
            return _json(message, 200)
        event = f"event: message\nid: 1\ndata: {json.dumps(message)}\n\n"
        return Response(event, content_type="text/event-stream")

    def _ended(self) -> Response:
        self.sessions.discard(request.headers.get(_SESSION, ""))
        return Response(status=204)


def _result(message: Json, result: Json) -> Json:
    return {"jsonrpc": "2.0", "id": message.get("id"), "result": result}


def _error(message: Json, code: int, text: str) -> Json:
    return {"jsonrpc": "2.0", "id": message.get("id"), "error": {"code": code, "message": text}}


def _json(content: object, status: int) -> Response:
    return Response(json.dumps(content), status, content_type="application/json")


# -- the shop's tool

STOCK = {"rain jacket": 12, "wool socks": 0}
STOCK_TOOL: Json = {
    "name": "check_stock",
    "title": "Check stock",
    "description": "How many pieces of an item the shop has. Use it when a customer asks whether an "
    "item is in stock.",
    "inputSchema": {
        "type": "object",
        "properties": {"item": {"type": "string", "description": "The item, as the customer says"}},
        "required": ["item"],
    },
    "annotations": {"readOnlyHint": True, "destructiveHint": False},
}
DELETE_TOOL: Json = {
    "name": "delete_item",
    "description": "Deletes an item from the shop.",
    "inputSchema": {
        "type": "object",
        "properties": {"item": {"type": "string"}},
        "required": ["item"],
    },
    "annotations": {"readOnlyHint": False, "destructiveHint": True},
}


def stock_server(token: str = "", journal: Journal | None = None) -> McpStandIn:
    """Returns the shop's server: it knows what is in stock."""
    made = McpStandIn(token, journal)
    made.add(STOCK_TOOL, _stock)
    made.add(DELETE_TOOL, lambda _: {"content": [{"type": "text", "text": "deleted"}]})
    return made


def _stock(arguments: Json) -> Json:
    item = " ".join(str(arguments.get("item", "")).lower().split())
    known = next((one for one in STOCK if one in item), None)
    if known is None:
        return {"content": [{"type": "text", "text": "unknown item"}], "isError": True}
    held = {"item": known, "pieces": STOCK[known]}
    text = {"type": "text", "text": json.dumps(held)}
    return {"content": [text], "structuredContent": held}
