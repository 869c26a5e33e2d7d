"""Tests the language model with one real request."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel

from handoff_bot.ai.language_model import LanguageModel
from handoff_bot.domain.errors import CapReached, ModelError
from handoff_bot.domain.language_models import Look, Trouble
from handoff_bot.ports import ModelWatch

_SECONDS = 10.0
"""For looking up the shutdown date."""


class Week(BaseModel):
    """The language model's answer."""

    days: int


class _Listener:
    """Records and forwards the outcome."""

    def __init__(self, watch: ModelWatch | None) -> None:
        self._watch = watch
        self.trouble: Trouble | None = None
        self.detail = ""

    def answered(self) -> None:
        if self._watch:
            self._watch.answered()

    def failed(self, trouble: Trouble, detail: str = "") -> None:
        self.trouble, self.detail = trouble, detail
        if self._watch:
            self._watch.failed(trouble, detail)

    def refused_tools(self, names: Sequence[str]) -> None:
        """Needs nothing: the test request has no tools."""


class Probe:
    """Sends a request like a customer's: same model, service and deadline."""

    def __init__(self, model: LanguageModel, seconds: float) -> None:
        self._model = model
        self._seconds = seconds

    def look(self) -> Look:
        """Returns the outcome; its cost counts for the day, not for a contact."""
        shutdown = self._model.shutdown_date(_SECONDS)
        heard = _Listener(self._model.watch)
        is_capped = False
        try:
            self._model.heard_by(heard).ask(
                "Answer the question.", "How many days has a week?", Week, self._seconds
            )
        except ModelError as error:
            is_capped = isinstance(error, CapReached)
        return Look(self._model.name, heard.trouble, heard.detail, is_capped, shutdown)
