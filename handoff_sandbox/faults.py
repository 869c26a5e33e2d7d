"""Trouble on demand: slow answers, HTTP errors and dropped connections, by path, chance and count."""

from __future__ import annotations

import random
import threading
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal

Drop = Literal["before", "after"]


@dataclass
class Fault:
    """One thing that goes wrong; see `Faults.add`. `left` is None while it may strike for ever."""

    path: str
    latency: float = 0.0
    status: int = 0
    retry_after: int | None = None
    drop: Drop | None = None
    probability: float = 1.0
    left: int | None = None

    @property
    def is_outcome(self) -> bool:
        """Does it decide the answer, or is it only slow?"""
        return bool(self.status or self.drop)


class Faults:
    """Scripted trouble for requests, by path; safe to use from any thread.

    Args:
        seed: of the dice that `probability` throws.
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
        """Let requests to `path` (a pattern as in a shell) fail, until `clear()`.

        Args:
            path: e.g. "/api/chat.postMessage" or "*".
            latency: seconds to wait first; latencies of several faults add up.
            status: answer with this HTTP status, and do nothing.
            retry_after: seconds, as the header of that answer.
            drop: close the connection with no answer: "before" anything is done, or "after" it took effect.
            probability: of striking, for each request that matches.
            count: strike so many times, then no more.
        """
        fault = Fault(path, latency, status, retry_after, drop, probability, count)
        with self._lock:
            self._faults.append(fault)

    def clear(self) -> None:
        """From now on nothing goes wrong."""
        with self._lock:
            self._faults.clear()

    def strike(self, path: str) -> Fault:
        """What happens to one request: latencies added up, and the first outcome that struck."""
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
