"""Whatever a person does on the page: one method for each action of web/src/api.ts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import Base64Bytes, BaseModel, ConfigDict, Field, ValidationError, validate_call

from handoff_bot.sandbox.page.phones import App
from handoff_bot.sandbox.page.stage import Stage
from handoff_bot.sandbox.slack.elements import Impossible
from handoff_bot.sandbox.slack.files import Attachment
from handoff_bot.sandbox.slack.interacting import ClickResult

Text = Annotated[str, Field(max_length=12_000)]
Id = Annotated[str, Field(max_length=100)]
Result = dict[str, Any]
MOST_FILES = 5
"""Files of one message."""
FURTHEST = 400 * 86400.0
"""Seconds by which the clock may be moved at once."""
_NOT_IN_TIME = {
    "operation_timeout": "The bot did not answer within three seconds.",
    "dispatch_failed": "The bot could not be reached.",
}


class _File(BaseModel):
    """A file that was chosen in the browser; its content in base64."""

    model_config = ConfigDict(hide_input_in_errors=True)

    name: Annotated[str, Field(max_length=255)]
    content_type: Annotated[str, Field(max_length=100)]
    content: Base64Bytes


Files = Annotated[list[_File], Field(max_length=MOST_FILES)]


class Failed(Exception):
    """It did not come about; the text is for a person."""


class Actions:
    """What can be done, by name; `do` is the way in."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._slack = stage.slack

    def do(self, name: str, details: dict[str, Any]) -> Result:
        """Do it: {"ok": True, "result": …} or {"ok": False, "error": words}."""
        method = _TABLE.get(name)
        if method is None:
            return _failed(f"There is no action {name!r}.")
        try:
            result = method(self, **details)
        except ValidationError as error:
            wrong = {".".join(map(str, one["loc"])) for one in error.errors()}
            return _failed(f"Wrong or missing: {', '.join(sorted(wrong))}.")
        except (Impossible, LookupError, Failed, ValueError) as error:
            return _failed(str(error))
        return {"ok": True, "result": result or {}}

    # -- customers

    def phone_write(self, app: App, address: Id, text: Text, media: Files = []) -> Result:  # noqa: B006 - pydantic copies it
        """A customer writes."""
        phone = self._stage.phones.find(address)
        if not (text.strip() or media):
            raise Failed("There is nothing to send.")
        files = [(file.content_type, file.content) for file in media]
        result = self._stage.twilio.customer_writes(
            app, phone.address, text, media=files, profile_name=phone.name
        )
        # It has left the phone either way; whether the bot has heard it is another thing.
        return {"unheard": "" if result.status == 200 else _unheard(result.status)}

    def phone_add(self, name: Annotated[str, Field(min_length=1, max_length=60)]) -> Result:
        """Somebody new."""
        return vars(self._stage.phones.add(name))

    # -- Slack

    def say(
        self,
        user: Id,
        channel: Id,
        text: Text,
        thread_ts: Id = "",
        broadcast: bool = False,
        files: Files = [],  # noqa: B006 - pydantic copies it
    ) -> Result:
        """Write a message or a reply."""
        if not (text.strip() or files):
            raise Failed("There is nothing to send.")
        attached = [Attachment(file.name, file.content, file.content_type) for file in files]
        ts = self._slack.say(user, channel, text, thread_ts, broadcast=broadcast, files=attached)
        return {"ts": ts}

    def edit(self, user: Id, channel: Id, ts: Id, text: Text) -> None:
        """Change one's own message."""
        self._slack.edit(user, channel, ts, text)

    def delete(self, user: Id, channel: Id, ts: Id) -> None:
        """Delete one's own message."""
        self._slack.delete(user, channel, ts)

    def react(self, user: Id, channel: Id, ts: Id, name: Id) -> None:
        """Add a reaction or take it back."""
        self._slack.react(user, channel, ts, name)

    def pin(self, user: Id, channel: Id, ts: Id) -> None:
        """Pin a message or take the pin out."""
        self._slack.pin(user, channel, ts)

    def click(
        self, user: Id, channel: Id, ts: Id, action_id: Id, value: Text | None = None
    ) -> None:
        """Press a button of a message."""
        _heard(self._slack.click(user, channel, ts, action_id, value))

    def select(self, user: Id, channel: Id, ts: Id, action_id: Id, choice: Any) -> None:
        """Choose in a menu of a message."""
        _heard(self._slack.select(user, channel, ts, action_id, choice))

    def click_ephemeral(self, user: Id, ts: Id, action_id: Id, value: Text | None = None) -> None:
        """Press a button of a message that one alone sees."""
        _heard(self._slack.click_ephemeral(user, ts, action_id, value))

    def click_view(self, user: Id, view_id: Id, action_id: Id, value: Text | None = None) -> None:
        """Press a button of a window or Home tab."""
        _heard(self._slack.click_view(user, view_id, action_id, value))

    def select_view(self, user: Id, view_id: Id, action_id: Id, choice: Any) -> None:
        """Choose in a menu of a window or Home tab."""
        _heard(self._slack.select_view(user, view_id, action_id, choice))

    def submit(self, user: Id, view_id: Id, values: dict[str, Any]) -> Result:
        """Fill a window in and send it."""
        submission = self._slack.submit(user, view_id, values)
        if submission.error:
            raise Failed(_NOT_IN_TIME.get(submission.error, submission.error))
        return {"errors": submission.errors}

    def close(self, user: Id, view_id: Id) -> None:
        """Cancel a window."""
        self._slack.close(user, view_id)

    def command(self, user: Id, channel: Id, command: Id, text: Text) -> None:
        """Call a slash command."""
        _heard(self._slack.command(user, channel, command, text))

    def shortcut(self, user: Id, callback_id: Id, channel: Id = "", ts: Id = "") -> None:
        """Call a shortcut."""
        _heard(self._slack.shortcut(user, callback_id, channel, ts))

    def home(self, user: Id, tab: Literal["home", "messages"]) -> None:
        """Look at the app's Home."""
        self._slack.open_home(user, tab)

    def presence(self, user: Id, presence: Literal["active", "away"]) -> None:
        """Come or go."""
        self._slack.person(user).presence = presence

    # -- behind the scenes

    def fault(self, name: Id, on: bool) -> None:
        """Turn a switch."""
        self._stage.switches.turn(name, on=on)

    def clock(self, forward: Annotated[float, Field(gt=0, le=FURTHEST)]) -> None:
        """Move the clock forward."""
        self._stage.time.forward(forward)

    def script(self, name: Id) -> Result:
        """Let a customer act."""
        people = self._stage.player.play(name)
        return {"addresses": [person.address for person in people]}

    def kill(self) -> None:
        """Kill the bot."""
        self._stage.kill_bot()

    def start(self) -> None:
        """Start the bot again."""
        self._stage.start_bot()


_NAMES: dict[str, Callable[..., Result | None]] = {
    "phone.write": Actions.phone_write,
    "phone.add": Actions.phone_add,
    "slack.say": Actions.say,
    "slack.edit": Actions.edit,
    "slack.delete": Actions.delete,
    "slack.react": Actions.react,
    "slack.pin": Actions.pin,
    "slack.click": Actions.click,
    "slack.select": Actions.select,
    "slack.click_ephemeral": Actions.click_ephemeral,
    "slack.click_view": Actions.click_view,
    "slack.select_view": Actions.select_view,
    "slack.submit": Actions.submit,
    "slack.close": Actions.close,
    "slack.command": Actions.command,
    "slack.shortcut": Actions.shortcut,
    "slack.home": Actions.home,
    "slack.presence": Actions.presence,
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


def _heard(result: ClickResult) -> None:
    """Nothing, if the bot has answered in time."""
    if result.error:
        raise Failed(
            _NOT_IN_TIME.get(result.error, f"Slack refused the bot's answer: {result.error}.")
        )


def _unheard(status: int) -> str:
    if status:
        return f"The bot answered the webhook with {status}."
    return "The bot did not answer the webhook, so it has not heard this. Is it down?"
