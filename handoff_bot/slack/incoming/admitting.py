"""Checks the author's role for messages in threads. Runs as a job, before the handler."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from handoff_bot.domain.desk import Place
from handoff_bot.domain.roles import Action
from handoff_bot.domain.thread_syntax import NOTE, thread_command_in
from handoff_bot.slack.click import Tools, tell
from handoff_bot.slack.feature import Guarded, Subject, ThreadCommandListener, guarded
from handoff_bot.slack.incoming import gate
from handoff_bot.slack.incoming.events import RELAYED, is_by_human, is_new, is_reply

Payload = dict[str, Any]


def _nothing() -> None:
    """A placeholder for a listener: `events` handles messages."""


WRITTEN = guarded(Action.REPLY, _nothing, Subject.THREAD)
"""Replies, notes, edits and deletions in a thread of ours."""


def admitted(
    tools: Tools, payload: Payload, commands: Mapping[str, Guarded[ThreadCommandListener]]
) -> bool:
    """True if the event may be handled. Otherwise the author is told why not.

    Raises:
        DeskError: Slack does not say who the author is; the event waits, and nothing is lost.
    """
    event = payload["event"]
    said = event.get("message") or event.get("previous_message") or event
    if event["type"] != "message" or not _counts(event, said, payload):
        return True
    place = Place(event["channel"], said["thread_ts"])
    if tools.core.subjects.thread(place) is None:
        return True
    rule = _rule(event, commands)
    refused = gate.stopped_later(tools, rule, gate.of_message(event, said, place))
    if refused is None:
        return True
    if refused.words:
        is_new_reply = said is event
        words = f"{refused.words} {gate.NOT_SENT}" if is_new_reply else refused.words
        tell(tools.desk, str(said["user"]), place, words)
    return False


def _counts(event: Payload, said: Payload, payload: Payload) -> bool:
    """Whether a person wrote, edited or deleted a reply."""
    if not (is_reply(said) and is_by_human(said, payload)):
        return False
    if event.get("subtype") == "message_changed":
        return is_new(event)
    return event.get("subtype") in RELAYED | {"message_deleted"}


def _rule(event: Payload, commands: Mapping[str, Guarded[ThreadCommandListener]]) -> Guarded[Any]:
    command = thread_command_in(str(event.get("text") or ""))
    return commands.get(command[0], WRITTEN) if command and command[0] != NOTE else WRITTEN
