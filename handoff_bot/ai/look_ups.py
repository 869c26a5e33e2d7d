"""Sends look-ups: GET to a fixed host whose address is checked, without redirects, within limits."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from handoff_bot.ai.safe_requests import (
    Address,
    Limits,
    RequestError,
    Resolve,
    Response,
    get,
    resolved,
)
from handoff_bot.domain.look_ups import Found, LookUp, result_of, url_for
from handoff_bot.domain.web_requests import SIGNATURE, WebAddress, may_connect, signature
from handoff_bot.ports import Clock

LARGEST = 256 * 1024
"""Bytes of an answer."""
_OK, _GONE = 200, frozenset({404, 410})


class _Failed(Exception):
    """The outcome, in our own terms."""


class HttpLookUps:
    """Implements `Fetcher`. Thread-safe.

    Args:
        secrets: signing secrets by the name that a look-up gives.
        allows_loopback: allows plain HTTP to this machine, for the sandbox.
        resolve: returns all addresses of a host.
    """

    def __init__(
        self,
        secrets: Mapping[str, str],
        clock: Clock,
        *,
        allows_loopback: bool = False,
        resolve: Resolve = resolved,
    ) -> None:
        self._secrets = secrets
        self._clock = clock
        self._allows_loopback = allows_loopback
        self._resolve = resolve

    def fetch(self, look_up: LookUp, arguments: Mapping[str, Any], seconds: float) -> Found:
        """Returns the result, or why there is none, within `seconds`. Never raises."""
        began = time.monotonic()
        text = ""
        try:
            text = self._result(look_up, arguments, seconds)
            outcome = "ok" if text else "empty"
        except _Failed as failed:
            outcome = str(failed)
        except RequestError as error:
            outcome = error.kind
        return Found(outcome, text, round(1000 * (time.monotonic() - began)))

    def _result(self, look_up: LookUp, arguments: Mapping[str, Any], seconds: float) -> str:
        try:
            url = url_for(look_up, arguments, allows_loopback=self._allows_loopback)
        except ValueError:
            raise _Failed("invalid arguments") from None
        response = self._response(look_up, url, seconds)
        if response.status != _OK:
            raise _Failed("not found" if response.status in _GONE else f"status {response.status}")
        if response.headers.get("content-encoding", "identity") != "identity":
            raise _Failed("invalid answer")
        try:
            return result_of(look_up, response.body.decode("utf-8"))
        except ValueError:
            raise _Failed("invalid answer") from None

    def _response(self, look_up: LookUp, url: WebAddress, seconds: float) -> Response:
        def is_allowed(address: Address) -> bool:
            is_here = self._allows_loopback and url.origin.is_loopback and address.is_loopback
            return is_here or may_connect(address, private=look_up.is_private)

        headers, limits = self._headers(look_up, url), Limits(seconds, LARGEST)
        return get(url, headers, limits, is_allowed, self._resolve)

    def _headers(self, look_up: LookUp, url: WebAddress) -> dict[str, str]:
        headers = {
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            "User-Agent": "Handoff",
        }
        if look_up.secret:
            secret = self._secrets.get(look_up.secret)
            if secret is None:  # never unsigned by mistake
                raise _Failed("unknown secret")
            sent_at = int(self._clock.now().timestamp())
            headers[SIGNATURE] = signature([secret.encode()], sent_at, f"GET {url}".encode())
        return headers
