"""Talks to MCP servers with the official client, over connections to checked addresses only.

Imported when the first server is asked: the client takes memory, and is an extra (`handoff-bot[mcp]`).
"""

from __future__ import annotations

import logging
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import anyio
import httpcore2
import httpx2
import mcp_types as types
from jsonschema import Draft202012Validator
from mcp.client.client import Client
from mcp.client.session import ClientSession
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError
from pydantic import ValidationError

from handoff_bot.ai.safe_requests import (
    NOT_ALLOWED,
    TIMEOUT,
    TOO_LARGE,
    UNREACHABLE,
    Address,
    RequestError,
    authorities,
)
from handoff_bot.domain.web_requests import WebAddress

Result = TypeVar("Result")
Json = dict[str, Any]

LARGEST = 1024 * 1024
"""Bytes of all answers of one session."""
INVALID, REFUSED = "invalid answer", "refused"
_MOST_PAGES = 5
_CONNECT = 5.0
_BAD = 300
for _name in ("mcp", "client", "httpx2", "httpcore2"):
    # They log what a server sends, also as warnings.
    logging.getLogger(_name).setLevel(logging.CRITICAL + 1)


@dataclass(frozen=True)
class Endpoint:
    """A server's endpoint.

    Attributes:
        addresses: those of its host, already checked; no other is connected to.
        token: the bearer token, "" for none.
    """

    url: WebAddress
    addresses: Sequence[Address]
    token: str = ""


@dataclass(frozen=True)
class Returned:
    """A tool's result. Untrusted.

    Attributes:
        structured: its JSON value, None for none.
        text: its texts; pictures, sounds and links to resources are left out.
    """

    structured: Any
    text: str
    is_error: bool


def definitions(endpoint: Endpoint, seconds: float, most: int) -> list[Json]:
    """Returns what the server says of its first tools; at most `most`.

    Raises:
        RequestError: there is no answer, for whatever reason.
    """
    return anyio.run(_ask, endpoint, seconds, lambda session: _definitions(session, most))


def call(
    endpoint: Endpoint,
    name: str,
    arguments: Mapping[str, Any],
    seconds: float,
    check: Callable[[Sequence[Json]], None],
) -> Returned:
    """Calls a tool.

    Args:
        check: gets all present definitions of that name; raises if the tool must not be called.

    Raises:
        RequestError: as above, and whatever `check` raises.
    """

    async def asked(session: ClientSession) -> Returned:
        everything = await _definitions(session)
        check([one for one in everything if one.get("name") == name])
        return await _called(session, name, arguments)

    return anyio.run(_ask, endpoint, seconds, asked)


def fits(arguments: Mapping[str, Any], schema: Mapping[str, Any]) -> bool:
    """Returns whether the arguments fit a bounded schema."""
    return bool(Draft202012Validator(dict(schema)).is_valid(dict(arguments)))


async def _definitions(session: ClientSession, most: int = 1_000) -> list[Json]:
    found: list[Json] = []
    cursor: str | None = None
    for _ in range(_MOST_PAGES):
        page = await session.list_tools(params=types.PaginatedRequestParams(cursor=cursor))
        found += [
            one.model_dump(mode="json", by_alias=True, exclude_none=True) for one in page.tools
        ]
        cursor = page.next_cursor
        if not cursor or len(found) >= most:
            break
    return found[:most]


async def _called(session: ClientSession, name: str, arguments: Mapping[str, Any]) -> Returned:
    # Not `call_tool`: it validates with the server's own schema, whose patterns could take minutes.
    params = types.CallToolRequestParams(name=name, arguments=dict(arguments))
    result = await session.send_request(types.CallToolRequest(params=params), types.CallToolResult)
    texts = (one.text for one in result.content if isinstance(one, types.TextContent))
    return Returned(result.structured_content, "\n".join(texts), bool(result.is_error))


async def _ask(
    endpoint: Endpoint, seconds: float, ask: Callable[[ClientSession], Awaitable[Result]]
) -> Result:
    transport = _CheckedTransport(endpoint)
    answers: list[Result] = []
    try:
        with anyio.move_on_after(seconds) as scope:
            async with _session(endpoint, transport) as session:
                answers.append(await ask(session))
    except Exception as error:
        # The end of a session may fail after the answer has come.
        if not answers:
            raise _as_ours(error, transport.trouble) from None
    if not answers:
        raise RequestError(TIMEOUT if scope.cancelled_caught else UNREACHABLE)
    return answers[0]


@asynccontextmanager
async def _session(
    endpoint: Endpoint, transport: _CheckedTransport
) -> AsyncIterator[ClientSession]:
    headers = {"Accept-Encoding": "identity", "User-Agent": "Handoff"}
    if endpoint.token:
        headers["Authorization"] = f"Bearer {endpoint.token}"
    async with (
        httpx2.AsyncClient(
            transport=transport,
            headers=headers,
            timeout=httpx2.Timeout(None, connect=_CONNECT),
            trust_env=False,
            max_redirects=0,
        ) as http,
        Client(
            streamable_http_client(str(endpoint.url), http_client=http, max_sse_event_size=LARGEST),
            client_info=types.Implementation(name="handoff", version="1"),
            cache=None,
        ) as client,
    ):
        yield client.session


def _as_ours(error: BaseException, trouble: str) -> Exception:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, RequestError):
        return error
    if trouble:
        return RequestError(trouble)
    if isinstance(error, MCPError):
        is_malformed = error.code in (types.PARSE_ERROR, types.CONNECTION_CLOSED)
        return RequestError(INVALID if is_malformed else REFUSED)
    if isinstance(error, ValidationError | RuntimeError | ValueError | RecursionError):
        return RequestError(INVALID)
    return RequestError(UNREACHABLE, type(error).__name__)


class _CheckedTransport(httpx2.AsyncBaseTransport):
    """Sends requests to one endpoint, without redirects, proxies and compressed answers.

    Attributes:
        trouble: what was wrong with the last message, "" if nothing was.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self.trouble = ""
        self._url = httpx2.URL(str(endpoint.url))
        self._left = LARGEST
        is_secure = endpoint.url.origin.scheme == "https"
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=authorities() if is_secure else _no_authorities(),
            max_connections=4,
            http2=False,
            network_backend=_CheckedNetwork(endpoint),
        )

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        if request.url != self._url:
            self.trouble = NOT_ALLOWED
            raise RequestError(NOT_ALLOWED)
        if request.method == "GET":  # no stream that stays open, and none that is resumed
            return httpx2.Response(405, request=request)
        is_message = request.method == "POST"  # and not the end of the session
        self.trouble = "" if is_message else self.trouble
        sent = httpcore2.Request(
            request.method,
            httpcore2.URL(
                scheme=request.url.raw_scheme,
                host=request.url.raw_host,
                port=request.url.port,
                target=request.url.raw_path,
            ),
            headers=request.headers.raw,
            content=request.stream,
            extensions=request.extensions,
        )
        got = await self._pool.handle_async_request(sent)
        if is_message and got.status >= _BAD:
            self.trouble = f"status {got.status}"
        response = httpx2.Response(
            got.status, headers=got.headers, stream=_Bounded(got, self), request=request
        )
        if response.headers.get("content-encoding", "identity") != "identity":
            self.trouble = INVALID
            await response.aclose()
            raise RequestError(INVALID)
        return response

    def count(self, size: int) -> None:
        """Counts bytes of answers.

        Raises:
            RequestError: there are too many.
        """
        self._left -= size
        if self._left < 0:
            self.trouble = TOO_LARGE
            raise RequestError(TOO_LARGE)

    async def aclose(self) -> None:
        await self._pool.aclose()


def _no_authorities() -> ssl.SSLContext:
    """For plain HTTP to this machine: without a context the pool would load one."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


class _Bounded(httpx2.AsyncByteStream):
    def __init__(self, response: httpcore2.Response, counter: _CheckedTransport) -> None:
        self._response = response
        self._counter = counter

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self._response.aiter_stream():
            self._counter.count(len(piece))
            yield piece

    async def aclose(self) -> None:
        await self._response.aclose()


class _CheckedNetwork(httpcore2.AsyncNetworkBackend):
    """Connects to the endpoint's checked addresses, whatever a name resolves to by now."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._origin = endpoint.url.origin
        self._addresses = endpoint.addresses
        self._network = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        if (host, port) != (self._origin.host.strip("[]"), self._origin.port):
            raise RequestError(NOT_ALLOWED)
        failure: Exception = httpcore2.ConnectError()
        for address in self._addresses:
            try:
                return await self._network.connect_tcp(str(address), port, timeout)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = error
        raise failure

    async def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> httpcore2.AsyncNetworkStream:
        raise RequestError(NOT_ALLOWED)

    async def sleep(self, seconds: float) -> None:
        await anyio.sleep(seconds)
