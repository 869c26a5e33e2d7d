"""Keeps a deadline over a call that may outlast any timeout of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

Result = TypeVar("Result")


def within(seconds: float, call: Callable[[], Result]) -> Result:
    """What the call returns or raises.

    An HTTP client's own timeouts are for each read, and looking up a name has none.

    Raises:
        TimeoutError: the time is up; nobody waits for the call any more.
    """
    future: Future[Result] = Future()

    def run() -> None:
        try:
            future.set_result(call())
        except BaseException as error:  # it belongs to who waits
            future.set_exception(error)

    threading.Thread(target=run, name="language-model", daemon=True).start()
    return future.result(seconds)
