"""Injected refusals: calls of the Web API that get an error code."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from handoff_sandbox.slack.payloads import Json
from handoff_sandbox.slack.state.refusal import Refusal


def _any(_: Json) -> bool:
    return True


@dataclass
class _Refused:
    method: str
    error: str
    fits: Callable[[Json], bool]
    left: int | None


class Refusals:
    """The refusals; the workspace's lock guards them."""

    def __init__(self) -> None:
        self._refused: list[_Refused] = []

    def add(
        self,
        method: str,
        error: str,
        fits: Callable[[Json], bool] = _any,
        count: int | None = None,
    ) -> None:
        """Refuses calls of a method with matching arguments, this many times (None: until `clear`)."""
        self._refused.append(_Refused(method, error, fits, count))

    def clear(self) -> None:
        """Removes all refusals."""
        self._refused.clear()

    def check(self, method: str, args: Json) -> None:
        """Counts one call.

        Raises:
            Refusal: it is to be refused.
        """
        for one in self._refused:
            if one.method == method and one.left != 0 and one.fits(args):
                if one.left is not None:
                    one.left -= 1
                raise Refusal(one.error)
