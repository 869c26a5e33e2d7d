"""Posts a message in the first form that Slack accepts, and remembers which blocks a workspace lacks."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from handoff_bot.domain.errors import DeskLayout
from handoff_bot.slack.kit.plainer import BASIC, Form

logger = logging.getLogger(__name__)

Said = TypeVar("Said")


class Layouts:
    """The forms for one workspace.

    What it lacks is remembered until the process ends, because Slack may add it.
    """

    def __init__(self) -> None:
        self._lacking: set[str] = set()

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

    def _is_known(self, form: Form) -> bool:
        return form.blocks is None or not self._lacking & _types(form)

    def _learn(self, form: Form, error: DeskLayout) -> None:
        """Remembers only blocks that the answer names, or newer ones than the basic blocks:

        a card keeps its buttons.
        """
        newer = _types(form) - BASIC if error.code == "invalid_blocks" else frozenset()
        self._lacking |= (_types(form) & set(error.unsupported)) or newer


def _types(form: Form) -> frozenset[str]:
    return frozenset(str(block.get("type")) for block in form.blocks or ())


def _plainer(forms: list[Form], error: DeskLayout) -> list[Form]:
    """Returns the forms left to try:

    without metadata if Slack refuses the metadata, otherwise the next ones.
    """
    if forms[0].is_marked and "metadata" in error.code:
        return [replace(form, is_marked=False) for form in forms]
    return forms[1:]
