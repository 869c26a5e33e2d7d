"""Posts a message in the first form that Slack accepts, and remembers which blocks a workspace lacks.

Slack rolls out new types of blocks workspace by workspace: it may add what is lacking.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import Protocol, TypeVar

from handoff_bot.domain.errors import DeskLayout
from handoff_bot.slack.kit.plainer import BASIC, Form
from handoff_bot.slack.kit.text import ALERT, Block, without_alerts

logger = logging.getLogger(__name__)

Said = TypeVar("Said")


class LackingBlocks(Protocol):
    """Remembers the newer types of blocks that the workspace does not have."""

    def known(self) -> Collection[str]: ...

    def add(self, types: Collection[str]) -> None: ...


class InMemory:
    """Remembers types until the process ends."""

    def __init__(self) -> None:
        self._types: set[str] = set()

    def known(self) -> Collection[str]:
        return self._types

    def add(self, types: Collection[str]) -> None:
        self._types.update(types)


class Layouts:
    """The forms for one workspace."""

    def __init__(self) -> None:
        self.lacking: LackingBlocks = InMemory()
        self._basic_lacking = InMemory()
        self._has_alerts = False

    def say(self, forms: Sequence[Form], say: Callable[[Form], Said]) -> Said:
        """Posts a message, in a plainer form each time Slack refuses its layout.

        Raises:
            DeskLayout: Slack refuses the plainest form as well.
        """
        remaining = [form for form in forms if self._is_known(form)]
        while True:
            form = remaining[0]
            try:
                return say(form)
            except DeskLayout as error:
                logger.warning("layout refused", extra={"code": error.code})
                self._learn(form, error)
                remaining = _plainer(remaining, error)
                if not remaining:
                    raise

    def show(self, view: Block, show: Callable[[Block], Said]) -> Said:
        """Shows a modal with alerts, as sections where the workspace has no alerts."""
        if ALERT in self.lacking.known():
            return show(without_alerts(view))
        try:
            shown = show(view)
        except DeskLayout:
            shown = show(without_alerts(view))
            self.lacking.add({ALERT})  # only now: the modal may have had another fault
            return shown
        self._has_alerts = True
        return shown

    def acknowledged(self, view: Block) -> Block:
        """Returns the modal for an acknowledgement. Slack does not say if it refuses one, so alerts
        stay only where a call has shown one.
        """
        is_known = self._has_alerts and ALERT not in self.lacking.known()
        return view if is_known else without_alerts(view)

    def _is_known(self, form: Form) -> bool:
        types = _types(form)
        if not types.isdisjoint(self._basic_lacking.known()):
            return False
        newer = types - BASIC
        return not newer or newer.isdisjoint(self.lacking.known())

    def _learn(self, form: Form, error: DeskLayout) -> None:
        """Remembers the blocks that the answer names; if it names none, all newer ones.

        Basic blocks that are not named are tried again: a card keeps its buttons.
        """
        types = _types(form)
        named = types & set(error.unsupported)
        self._basic_lacking.add(named & BASIC)
        newer = (named or types) - BASIC
        if newer and error.code in ("invalid_blocks", "invalid_arguments"):
            logger.info("workspace lacks blocks", extra={"types": sorted(newer)})
            self.lacking.add(newer)


def _types(form: Form) -> frozenset[str]:
    return frozenset(str(block.get("type")) for block in form.blocks or ())


def _plainer(forms: list[Form], error: DeskLayout) -> list[Form]:
    """Returns the forms left to try:

    without metadata if Slack refuses the metadata, otherwise the next ones.
    """
    if forms[0].is_marked and "metadata" in error.code:
        return [replace(form, is_marked=False) for form in forms]
    return forms[1:]
