"""Registry of job kinds and handlers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from handoff_bot.jobs.handler import AnyHandler


class JobKind:
    """One kind of job: its stored name, its handler, and the queues of its lanes.

    A stored name must stay registered, or its jobs fail after an upgrade.
    """

    def __init__(self, name: str, handler: AnyHandler, *queues: str) -> None:
        self.name = name
        self.handler = handler
        self.queues = frozenset(queues)


class Registry(dict[str, AnyHandler]):
    """Kind of job -> handler.

    Args:
        threads: queue -> number of lanes run at once, so that a slow provider only fills its own
            threads.
    """

    def __init__(self, threads: Mapping[str, int], kinds: Iterable[JobKind] = ()) -> None:
        super().__init__()
        self.threads = dict(threads)
        self.queues: dict[str, frozenset[str]] = {}
        for kind in kinds:
            self.add(kind)

    def add(self, kind: JobKind) -> None:
        """Registers a kind.

        Raises:
            ValueError: the name is taken, or a queue has no threads.
        """
        if kind.name in self:
            raise ValueError(f"job kind {kind.name} is registered already")
        unknown = kind.queues - self.threads.keys()
        if unknown or not kind.queues:
            raise ValueError(f"job kind {kind.name}: no threads for its queues {sorted(unknown)}")
        self[kind.name] = kind.handler
        self.queues[kind.name] = kind.queues
