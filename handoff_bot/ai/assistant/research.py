"""Look-ups of one answer: what the model may call, what it called, and what was found."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from handoff_bot.ai import prompts
from handoff_bot.ai.assistant.addresses import without_addresses
from handoff_bot.ai.model_answers import Call
from handoff_bot.ai.redaction import Redactor
from handoff_bot.ai.ways_of_asking import Exchange, Tool
from handoff_bot.domain.conversation_context import ConversationContext
from handoff_bot.domain.errors import ModelError
from handoff_bot.domain.look_ups import Found, LookUp
from handoff_bot.domain.mcp_servers import AnyLookUp, texts
from handoff_bot.domain.messages import storable
from handoff_bot.domain.signals import Evidence
from handoff_bot.ports import LookUps

MOST_ROUNDS = 3
MOST_CALLS = 4
"""Requests of one answer. Further calls get "limit reached"."""
_MOST_AT_ONCE = 8
_SECONDS = 4.0
"""Longest time of one look-up."""
_NOT_FOR_LOOK_UPS = frozenset({"CARD", "IBAN"})
"""Kinds of private values that no look-up gets, whatever the model puts into its arguments."""


class Research:
    """Makes the calls of one answer. Results are data: they are masked, and their links are checked.

    Args:
        customer: masks of the customer's private values.
    """

    def __init__(
        self, look_ups: LookUps | None, talk: ConversationContext, customer: Redactor
    ) -> None:
        self._look_ups = look_ups
        self._talk = talk
        self._customer = customer
        self._results = Redactor()
        self._offered = {one.name: one for one in talk.rules.look_ups} if look_ups else {}
        self._made: dict[tuple[str, str], Found] = {}
        self.exchanges: tuple[Exchange, ...] = ()
        self.evidence: tuple[Evidence, ...] = ()
        self.arguments: tuple[str, ...] = ()

    @property
    def tools(self) -> tuple[Tool, ...]:
        return tuple(
            Tool(one.name, one.when, one.schema, is_strict=isinstance(one, LookUp))
            for one in self._offered.values()
        )

    def call(self, calls: Sequence[Call], seconds: float) -> None:
        """Makes the calls one after the other, within `seconds`.

        Raises:
            ModelError: the model calls without end.
        """
        if len(calls) > _MOST_AT_ONCE:
            raise ModelError("too many calls")
        for each in calls:
            share = min(_SECONDS, seconds / len(calls))
            found = self._found(each, share)
            told = {"outcome": found.outcome, "result": self._results.mask(found.text)}
            output = prompts.enclosed("result", [told])
            self.exchanges += (Exchange(each, output),)

    def restored(self, text: str) -> str:
        """Replaces the marks of results by their values, which the customer may see."""
        return self._results.restore(text)

    def _found(self, call: Call, seconds: float) -> Found:
        look_up = self._offered.get(call.name)
        if look_up is None or self._look_ups is None:
            return Found("unknown function")
        try:
            given = self._arguments(look_up, call.arguments)
        except (ValueError, RecursionError):
            return Found("invalid arguments")
        key = (call.name, json.dumps(given, sort_keys=True))
        if key not in self._made and len(self._made) >= MOST_CALLS:
            return Found("limit reached")
        if key not in self._made:
            found = self._look_ups.find(look_up, given, self._talk, seconds)
            self._made[key] = self._kept(look_up, given, found)
        return self._made[key]

    def _arguments(self, look_up: AnyLookUp, written: str) -> dict[str, Any]:
        given = look_up.given(json.loads(written, parse_constant=_refused))
        return look_up.given(self._unmasked(given))

    def _unmasked(self, held: Any) -> Any:
        if isinstance(held, dict):
            return {name: self._unmasked(each) for name, each in held.items()}
        if isinstance(held, list):
            return [self._unmasked(each) for each in held]
        if not isinstance(held, str):
            return held
        return self._results.restore(self._customer.restore(held, never=_NOT_FOR_LOOK_UPS))

    def _kept(self, look_up: AnyLookUp, given: Mapping[str, Any], found: Found) -> Found:
        text = "\n".join(map(_without_links_in_sentences, storable(found.text).splitlines()))
        if found.outcome == "ok" and text:
            asked = tuple(texts(dict(given)))
            self.evidence += (Evidence(look_up.name, text, ", ".join(asked), is_look_up=True),)
            self.arguments += asked
        return Found(found.outcome, text, found.milliseconds)


def _refused(constant: str) -> None:
    """NaN and infinity are no JSON."""
    raise ValueError(constant)


def _without_links_in_sentences(line: str) -> str:
    """Returns a line whose address stays only if it is the whole value.

    A tracking link is; a link in a sentence may be a stranger's, as in the note on an order.
    """
    label, colon, value = line.partition(": ")
    if not colon:
        return without_addresses(line)
    is_address = not without_addresses(value).strip()
    return line if is_address else f"{label}: {without_addresses(value)}"
