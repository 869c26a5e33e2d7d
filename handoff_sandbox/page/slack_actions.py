"""Actions of a visitor on Slack's side of the page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import Base64Bytes, BaseModel, ConfigDict, Field, TypeAdapter

from handoff_sandbox.slack.stand_in import SlackStandIn
from handoff_sandbox.slack.state.files import Attachment
from handoff_sandbox.slack.ui.interacting import ClickResult
from handoff_sandbox.slack.ui.suggesting import NoSuggestions

Text = Annotated[str, Field(max_length=12_000)]
Id = Annotated[str, Field(max_length=255)]
Name = Annotated[str, Field(pattern=r"^[a-z0-9_-]{1,80}$")]
"""Slack's limit for the name of a slack_channel."""

Result = dict[str, Any]
MOST_FILES = 5
"""Limit of files per message."""
LONGEST = 7 * 24 * 60
"""Limit in minutes of do-not-disturb."""
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
    """The action failed; the text is shown to the visitor."""


class SlackActions:
    """One method for each action `slack.…` of web/src/api.ts; `now` is the sandbox's time."""

    def __init__(self, slack: SlackStandIn, now: Callable[[], float]) -> None:
        self._slack = slack
        self._now = now

    def say(
        self,
        user: Id,
        channel: Id,
        text: Text,
        thread_ts: Id = "",
        broadcast: bool = False,
        files: Files = [],  # noqa: B006 - pydantic copies it
    ) -> Result:
        """Posts a message or a reply."""
        if not (text.strip() or files):
            raise Failed("Nothing to send.")
        attached = [Attachment(file.name, file.content, file.content_type) for file in files]
        ts = self._slack.say(user, channel, text, thread_ts, broadcast=broadcast, files=attached)
        return {"ts": ts}

    def edit(self, user: Id, channel: Id, ts: Id, text: Text) -> None:
        """Edits one's own message."""
        self._slack.edit(user, channel, ts, text)

    def delete(self, user: Id, channel: Id, ts: Id) -> None:
        """Deletes one's own message."""
        self._slack.delete(user, channel, ts)

    def react(self, user: Id, channel: Id, ts: Id, name: Id) -> None:
        """Adds or removes a reaction."""
        self._slack.react(user, channel, ts, name)

    def pin(self, user: Id, channel: Id, ts: Id) -> None:
        """Pins or unpins a message."""
        self._slack.pin(user, channel, ts)

    def click(
        self, user: Id, channel: Id, ts: Id, action_id: Id, value: Text | None = None
    ) -> None:
        """Clicks a button of a message."""
        _heard(self._slack.click(user, channel, ts, action_id, value))

    def select(self, user: Id, channel: Id, ts: Id, action_id: Id, choice: Any) -> None:
        """Chooses in a menu of a message."""
        _heard(self._slack.select(user, channel, ts, action_id, choice))

    def click_ephemeral(self, user: Id, ts: Id, action_id: Id, value: Text | None = None) -> None:
        """Clicks a button of an ephemeral message."""
        _heard(self._slack.click_ephemeral(user, ts, action_id, value))

    def select_ephemeral(self, user: Id, ts: Id, action_id: Id, choice: Any) -> None:
        """Chooses in a menu of an ephemeral message."""
        _heard(self._slack.select_ephemeral(user, ts, action_id, choice))

    def click_view(
        self,
        user: Id,
        view_id: Id,
        action_id: Id,
        value: Text | None = None,
        values: dict[str, Any] = {},  # noqa: B006 - pydantic copies it
    ) -> None:
        """Clicks a button of a modal or Home tab; `values` are the fields that were filled in before."""
        _heard(self._slack.click_view(user, view_id, action_id, value, _with_files(values)))

    def select_view(
        self,
        user: Id,
        view_id: Id,
        action_id: Id,
        choice: Any,
        values: dict[str, Any] = {},  # noqa: B006 - pydantic copies it
    ) -> None:
        """Chooses in a menu of a modal or Home tab."""
        _heard(self._slack.select_view(user, view_id, action_id, choice, _with_files(values)))

    def suggest(
        self,
        user: Id,
        action_id: Id,
        typed: Text,
        view_id: Id = "",
        channel: Id = "",
        ts: Id = "",
    ) -> Result:
        """Returns the bot's options for a menu with typed text."""
        place = view_id or (channel, ts)
        try:
            return self._slack.suggestions(user, place, action_id, typed)
        except NoSuggestions as error:
            raise Failed(_NOT_IN_TIME.get(str(error), f"No options: {error}.")) from error

    def submit(self, user: Id, view_id: Id, values: dict[str, Any]) -> Result:
        """Fills in a modal and submits it."""
        submission = self._slack.submit(user, view_id, _with_files(values))
        if submission.error:
            raise Failed(_NOT_IN_TIME.get(submission.error, submission.error))
        return {"errors": submission.errors}

    def close(self, user: Id, view_id: Id, and_below: bool = False) -> None:
        """Closes a modal, or the whole stack."""
        self._slack.close(user, view_id, and_below=and_below)

    def command(self, user: Id, channel: Id, command: Id, text: Text) -> None:
        """Runs a slash command."""
        _heard(self._slack.command(user, channel, command, text))

    def shortcut(self, user: Id, callback_id: Id, channel: Id = "", ts: Id = "") -> None:
        """Runs a shortcut."""
        _heard(self._slack.shortcut(user, callback_id, channel, ts))

    def home(self, user: Id, tab: Literal["home", "messages"]) -> Result:
        """Opens the app's Home tab or its direct messages; returns their id."""
        return {"channel": self._slack.open_home(user, tab)}

    def create_channel(self, user: Id, name: Name, is_private: bool = False) -> Result:
        """Creates a slack_channel with everyone in it but the app."""
        if any(one.name == name for one in self._slack.channels()):
            raise Failed(f"The channel {name} already exists.")
        people = [one.id for one in self._slack.people() if not (one.is_bot or one.deleted)]
        members = [user, *(one for one in people if one != user)]
        return {"channel": self._slack.add_channel(name, members, is_private=is_private)}

    def invite(self, user: Id, channel: Id) -> None:
        """Adds the app to a slack_channel."""
        self._slack.invite_bot(channel, user)

    def remove(self, user: Id, channel: Id) -> None:
        """Removes the app from a slack_channel."""
        self._slack.remove_bot(channel, user)

    def presence(self, user: Id, presence: Literal["active", "away"]) -> None:
        """Sets a person active or away."""
        self._slack.set_presence(user, presence)

    def snooze(self, user: Id, minutes: Annotated[float, Field(ge=0, le=LONGEST)]) -> None:
        """Sets do-not-disturb for some minutes; 0 ends it."""
        self._slack.snooze(user, self._now() + 60 * minutes if minutes else 0)


def _with_files(values: dict[str, Any]) -> dict[str, Any]:
    """Returns a modal's fields, with files in the stand-in's format."""
    return {
        name: _attached(value) if _are_files(value) else value for name, value in values.items()
    }


def _are_files(value: Any) -> bool:
    return isinstance(value, list) and any(
        isinstance(one, dict) and "content" in one for one in value
    )


def _attached(value: Any) -> list[Attachment]:
    files = _FILES.validate_python(value)
    return [Attachment(file.name, file.content, file.content_type) for file in files]


def _heard(result: ClickResult) -> None:
    """Raises unless the bot answered in time."""
    if result.error:
        raise Failed(
            _NOT_IN_TIME.get(result.error, f"Slack refused the bot's answer: {result.error}.")
        )


_FILES = TypeAdapter(Files)

SLACK: dict[str, Callable[..., Result | None]] = {
    f"slack.{name}": getattr(SlackActions, name)
    for name in (
        "say",
        "edit",
        "delete",
        "react",
        "pin",
        "click",
        "select",
        "click_ephemeral",
        "select_ephemeral",
        "click_view",
        "select_view",
        "suggest",
        "submit",
        "close",
        "command",
        "shortcut",
        "home",
        "create_channel",
        "invite",
        "remove",
        "presence",
        "snooze",
    )
}
"""Actions on Slack's side, by name."""
