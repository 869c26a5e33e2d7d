"""Enforces a deadline on a call whose own timeouts are not enough."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

Result = TypeVar("Result")


def within(seconds: float, call: Callable[[], Result]) -> Result:
    """Returns or raises what the call does.

    An HTTP client's timeouts apply per read, and DNS lookups have none.

    Raises:
        TimeoutError: the deadline has passed; the call continues unobserved.
    """
    future: Future[Result] = Future()

    def run() -> None:
        try:
            future.set_result(call())
        except BaseException as error:  # raised in the waiting thread
            future.set_exception(error)

    threading.Thread(target=run, name="deadline", daemon=True).start()
    return future.result(seconds)
