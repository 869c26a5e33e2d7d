"""Injected faults: slow responses, HTTP errors and dropped connections, by path, probability and count."""

from __future__ import annotations

import random
import threading
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal

Drop = Literal["before", "after"]


@dataclass
class Fault:
    """One fault; see `Faults.add`. `left` is None for an unlimited number of requests."""

    path: str
    latency: float = 0.0
    status: int = 0
    retry_after: int | None = None
    drop: Drop | None = None
    probability: float = 1.0
    left: int | None = None

    @property
    def is_outcome(self) -> bool:
        """Whether it decides the response, and does not only delay it."""
        return bool(self.status or self.drop)


class Faults:
    """Scripted faults of requests, by path; thread-safe.

    Args:
        seed: of the random numbers for `probability`.
    """

    def __init__(self, seed: int = 0) -> None:
        self._dice = random.Random(seed)  # noqa: S311 - decides which request fails, hides nothing
        self._faults: list[Fault] = []
        self._lock = threading.Lock()

    def add(
        self,
        path: str,
        *,
        latency: float = 0.0,
        status: int = 0,
        retry_after: int | None = None,
        drop: Drop | None = None,
        probability: float = 1.0,
        count: int | None = None,
    ) -> None:
        """Makes requests to `path` (a shell pattern) fail, until `clear()`.

        Args:
            path: e.g. "/api/chat.postMessage" or "*".
            latency: seconds of delay; latencies of several faults add up.
            status: the HTTP status of the response; the request has no effect.
            retry_after: seconds, as a header of that response.
            drop: close the connection without a response: "before" or "after" the request took effect.
            probability: for each matching request.
            count: number of requests, then the fault ends.
        """
        fault = Fault(path, latency, status, retry_after, drop, probability, count)
        with self._lock:
            self._faults.append(fault)

    def clear(self) -> None:
        """Removes all faults."""
        with self._lock:
            self._faults.clear()

    def strike(self, path: str) -> Fault:
        """Returns what happens to a request: the sum of latencies, and the first outcome that applies."""
        with self._lock:
            happening = Fault(path)
            for fault in self._faults:
                if happening.is_outcome or not self._strikes(fault, path):
                    continue
                happening.latency += fault.latency
                happening.status, happening.drop = fault.status, fault.drop
                happening.retry_after = fault.retry_after
            return happening

    def _strikes(self, fault: Fault, path: str) -> bool:
        if fault.left == 0 or not fnmatchcase(path, fault.path):
            return False
        if fault.probability < 1 and self._dice.random() >= fault.probability:
            return False
        if fault.left is not None:
            fault.left -= 1
        return True
