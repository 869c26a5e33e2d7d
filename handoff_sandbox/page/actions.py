"""Actions of a visitor on the page: one method per action of web/src/api.ts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from pydantic import ConfigDict, Field, ValidationError, validate_call

from handoff_sandbox.page.phones import App
from handoff_sandbox.page.slack_actions import (
    SLACK,
    Failed,
    Files,
    Id,
    Result,
    SlackActions,
    Text,
)
from handoff_sandbox.page.stage import Stage
from handoff_sandbox.slack.ui.elements import Impossible

FURTHEST = 400 * 86400.0
"""Limit in seconds of one move of the clock."""


class Actions(SlackActions):
    """All actions by name; `do` is the entry point."""

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage.slack, stage.time.now)
        self._stage = stage

    def do(self, name: str, details: dict[str, Any]) -> Result:
        """Runs an action: {"ok": True, "result": …} or {"ok": False, "error": message}."""
        method = _TABLE.get(name)
        if method is None:
            return _failed(f"Unknown action: {name!r}.")
        try:
            result = method(self, **details)
        except ValidationError as error:
            wrong = {".".join(map(str, one["loc"])) for one in error.errors()}
            return _failed(f"Invalid or missing: {', '.join(sorted(wrong))}.")
        except (Impossible, LookupError, Failed, ValueError) as error:
            return _failed(str(error))
        return {"ok": True, "result": result or {}}

    # -- customers

    def phone_write(self, app: App, address: Id, text: Text, media: Files = []) -> Result:  # noqa: B006 - pydantic copies it
        """A customer sends a message."""
        phone = self._stage.phones.find(address)
        if not (text.strip() or media):
            raise Failed("Nothing to send.")
        self._stage.wait_for_a_starting_bot()
        files = [(file.content_type, file.content, file.name) for file in media]
        result = self._stage.twilio.customer_writes(
            app, phone.address, text, media=files, profile_name=phone.name
        )
        # The message has left the phone; whether the bot received it is a separate question.
        return {"unheard": "" if result.status == 200 else _unheard(result.status)}

    def phone_add(self, name: Annotated[str, Field(min_length=1, max_length=60)]) -> Result:
        """Adds a customer."""
        return vars(self._stage.phones.add(name))

    # -- behind the scenes

    def fault(self, name: Id, on: bool) -> None:
        """Switches a fault."""
        self._stage.switches.turn(name, on=on)

    def clock(self, forward: Annotated[float, Field(gt=0, le=FURTHEST)]) -> None:
        """Moves the clock forward."""
        self._stage.time.forward(forward)

    def script(self, name: Id) -> Result:
        """Starts a scripted customer."""
        people = self._stage.player.play(name)
        return {"addresses": [person.address for person in people]}

    def kill(self) -> None:
        """Kills the bot."""
        self._stage.kill_bot()

    def start(self) -> None:
        """Starts the bot again."""
        self._stage.start_bot()


_NAMES: dict[str, Callable[..., Result | None]] = SLACK | {
    "phone.write": Actions.phone_write,
    "phone.add": Actions.phone_add,
    "fault": Actions.fault,
    "clock": Actions.clock,
    "script": Actions.script,
    "bot.kill": Actions.kill,
    "bot.start": Actions.start,
}
_CHECKED = validate_call(config=ConfigDict(arbitrary_types_allowed=True))
_TABLE = {name: _CHECKED(method) for name, method in _NAMES.items()}


def _failed(words: str) -> Result:
    return {"ok": False, "error": words}


def _unheard(status: int) -> str:
    if status:
        return f"The bot answered the webhook with {status}."
    return "The bot did not answer the webhook, so it did not receive this message. Is it down?"
