"""The bot's answers to clicks and commands: to the response_url, or in the response to a command."""

from __future__ import annotations

from handoff_sandbox.slack.api.calls import Call
from handoff_sandbox.slack.api.chat_methods import draft, read_metadata
from handoff_sandbox.slack.payloads import Json
from handoff_sandbox.slack.state.backstage import Backstage
from handoff_sandbox.slack.state.messages import Message
from handoff_sandbox.slack.state.triggers import Origin


def accept_answer(slack: Backstage, origin: Origin, content: Json) -> None:
    """Applies an answer: replaces or deletes the clicked message, or posts a new one.

    Raises:
        Refusal: it is empty, or Slack would not accept it.
    """
    call = Call(content)
    original = _original(slack, origin)
    if original and call.flag("delete_original"):
        _delete(slack, origin, original)
    elif original and call.flag("replace_original"):
        _replace(slack, origin, original, call)
    else:
        _say(slack, origin, call)


def _original(slack: Backstage, origin: Origin) -> Message | None:
    """Returns the clicked message; a command has none."""
    if not origin.ts:
        return None
    if origin.is_ephemeral:
        return slack.workspace.find_ephemeral(origin.user, origin.ts)
    return slack.workspace.find_message(origin.channel, origin.ts)


def _delete(slack: Backstage, origin: Origin, original: Message) -> None:
    if origin.is_ephemeral:
        slack.workspace.forget_ephemeral(origin.user, original)
    else:
        slack.workspace.delete(original)


def _replace(slack: Backstage, origin: Origin, original: Message, call: Call) -> None:
    new = _draft(slack, origin, call)
    if origin.is_ephemeral:
        slack.workspace.rewrite_ephemeral(original, new.text, new.blocks)
    else:
        slack.workspace.edit(original, original.user, text=new.text, blocks=new.blocks)


def _say(slack: Backstage, origin: Origin, call: Call) -> None:
    message = _draft(slack, origin, call)
    message.thread_ts = call.text("thread_ts")
    if call.text("response_type") == "in_channel":
        message.metadata = read_metadata(call) or {}
        slack.workspace.post(message)
        return
    message.thread_ts = message.thread_ts or origin.thread_ts
    slack.workspace.ephemeral(origin.user, message)


def _draft(slack: Backstage, origin: Origin, call: Call) -> Message:
    where = slack.workspace.channels[origin.channel]
    return draft(slack, call, where, call.text("text"))
