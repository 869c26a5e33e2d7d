"""A feature: everything that a part of the desk listens to, as one value that the app registers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Generic, TypeVar

from slack_bolt import Ack

from handoff_bot.domain.action_result import ActionResult
from handoff_bot.domain.desk import AgentRef, Place
from handoff_bot.domain.roles import Action
from handoff_bot.slack.click import Click, Tools
from handoff_bot.slack.kit.fields import modal
from handoff_bot.slack.kit.form import About, Form, Invalid, Stale, Submission
from handoff_bot.slack.kit.text import Block, SlackMessage, section

OLD_MODAL = "This is from an older version. Close it and start again."

Body = dict[str, Any]
"""A payload as Slack sent it; the fields that listeners use are validated on arrival."""


@dataclass(frozen=True)
class SlashCommand:
    """`/handoff WORD REST`.

    Attributes:
        desk_id: the person who ran it.
        words: the rest, stripped; mentions as Slack escapes them (`<@U…|name>`).
        slack_channel: where it was run.
        trigger_id: opens a modal, within three seconds.
    """

    desk_id: str
    words: str
    slack_channel: str
    trigger_id: str


@dataclass(frozen=True)
class ThreadCommand:
    """A thread command: `!WORD REST` in a thread of ours.

    Attributes:
        place: the thread.
        ts: the message itself.
        escalation_id: the thread's escalation.
        words: the rest, stripped; mentions as `<@U…>` and `<!subteam^S…>`.
    """

    place: Place
    ts: str
    author: AgentRef
    escalation_id: int
    words: str


@dataclass(frozen=True)
class ShortcutCall:
    """A message shortcut or a global shortcut.

    Attributes:
        place: the thread of the message; None for a global shortcut.
        ts: the message, "".
        text: the text of the message, "".
    """

    desk_id: str
    trigger_id: str
    place: Place | None = None
    ts: str = ""
    text: str = ""


ClickListener = Callable[[Tools, Click, Ack], None]
ViewListener = Callable[[Tools, Body, Ack], None]
OptionsListener = Callable[[Tools, Body], list[Block]]
CommandListener = Callable[[Tools, SlashCommand], SlackMessage | None]
ShortcutListener = Callable[[Tools, ShortcutCall], None]
EventListener = Callable[[Tools, Body], None]
ThreadCommandListener = Callable[[Tools, ThreadCommand], ActionResult]


class Subject(StrEnum):
    """How a request names its conversation."""

    NONE = "none"
    """None: it is not about a conversation."""
    ESCALATION = "escalation"
    """By the escalation's id: in a button's value, a modal's metadata, or of the thread."""
    NOTE = "note"
    MESSAGE = "message"
    TICKET = "ticket"
    THREAD = "thread"
    """By the thread in which it was clicked, run or written."""


Listener = TypeVar("Listener")


@dataclass(frozen=True)
class Guarded(Generic[Listener]):
    """A listener with its action and conversation: roles are checked before it is called."""

    action: Action
    subject: Subject
    listener: Listener


def guarded(
    action: Action, listener: Listener, subject: Subject = Subject.NONE
) -> Guarded[Listener]:
    """Returns a listener with its rule."""
    return Guarded(action, subject, listener)


def submits(
    form: Form[About], save: Callable[[Tools, Submission[About], Ack], None]
) -> ViewListener:
    """Returns the listener of a submitted form.

    `save` acknowledges, or raises Invalid, whose messages are shown next to their fields.
    """

    def listener(tools: Tools, body: Body, ack: Ack) -> None:
        try:
            save(tools, form.submitted(body), ack)
        except Stale:
            ack(response_action="update", view=modal(form.stale_title, [section(OLD_MODAL)]))
        except Invalid as invalid:
            ack(response_action="errors", errors=invalid.errors)

    return listener


@dataclass(frozen=True)
class Shortcut:
    """A shortcut as in the manifest: a name of at most 24 characters, and a description."""

    name: str
    description: str
    on_message: bool
    rule: Guarded[ShortcutListener]


@dataclass(frozen=True)
class Feature:
    """Everything that one part of the desk listens to.

    Attributes:
        clicks: action id -> listener; it acknowledges.
        menus: action id of a menu -> the action ids of the buttons that it stands for; a choice in it is
            a click on that button.
        views: callback id -> listener for the submitted modal; it acknowledges.
        options: action id -> the options that match the text typed into an external select.
        commands: second word of /handoff -> listener; None after it has opened a modal.
        shortcuts: callback id -> shortcut.
        events: event type -> handler, as a job and in order; safe to repeat.
        verbs: thread command, without "!" -> listener; its result is sent as an ephemeral message.
        help: lines for /handoff help.
    """

    clicks: Mapping[str, Guarded[ClickListener]] = field(default_factory=dict)
    menus: Mapping[str, frozenset[str]] = field(default_factory=dict)
    views: Mapping[str, Guarded[ViewListener]] = field(default_factory=dict)
    options: Mapping[str, Guarded[OptionsListener]] = field(default_factory=dict)
    commands: Mapping[str, Guarded[CommandListener]] = field(default_factory=dict)
    shortcuts: Mapping[str, Shortcut] = field(default_factory=dict)
    events: Mapping[str, Guarded[EventListener]] = field(default_factory=dict)
    thread_commands: Mapping[str, Guarded[ThreadCommandListener]] = field(default_factory=dict)
    help: tuple[str, ...] = ()


def combined(features: tuple[Feature, ...]) -> Feature:
    """Combines features into one.

    Raises:
        ValueError: two features listen to the same thing.
    """
    parts = {
        name: _merged(name, [getattr(each, name) for each in features])
        for name in (
            "clicks",
            "menus",
            "views",
            "options",
            "commands",
            "shortcuts",
            "events",
            "thread_commands",
        )
    }
    return Feature(**parts, help=tuple(line for each in features for line in each.help))


def _merged(name: str, tables: list[Mapping[str, Any]]) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for table in tables:
        twice = merged.keys() & table.keys()
        if twice:
            raise ValueError(f"{name} listened to twice: {sorted(twice)}")
        merged |= table
    return merged
