"""Events: decides in order, as jobs, what a stored event means for a customer, and reads its text."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any

from handoff_bot.domain.desk import Place, ThreadReply
from handoff_bot.domain.files import DeskFile
from handoff_bot.domain.results import ActionResult
from handoff_bot.domain.thread_syntax import NOTE, thread_command_in
from handoff_bot.ports import Desk
from handoff_bot.services.replies.thread_replies import ThreadReplies
from handoff_bot.slack.client.emoji import character
from handoff_bot.slack.client.files import desk_file, is_kept
from handoff_bot.slack.feature import ThreadCommand

Payload = dict[str, Any]
"""An `event_callback`, as Slack sent it."""

RELAYED = frozenset({None, "file_share", "thread_broadcast", "me_message"})
"""Subtypes of messages that people write."""

SLACKBOT = "USLACKBOT"


ThreadCommands = Mapping[str, Callable[[ThreadCommand], ActionResult]]
"""Thread command, without "!" -> its function."""

_ORDERS = frozenset({None, "thread_broadcast", "file_share"})
_LONGEST_COMMAND = 20

UNKNOWN_COMMAND = (
    "!{command} is not a command. Nothing was done, and nothing was sent.{near} "
    "Commands: {commands}"
)
WITH_FILES = "Send !{command} without files. Nothing was done, and nothing was sent."


def handle_event(
    payload: Payload, threads: ThreadReplies, desk: Desk, commands: ThreadCommands
) -> None:
    """Handles a stored event, or ignores it. Safe to repeat."""
    event = payload["event"]
    command = thread_command_in(str(event.get("text") or ""))
    if command and command[0] != NOTE and _is_order(payload, threads):
        _obeyed(payload, threads, desk, commands, *command)
        return
    EVENTS[event["type"]](payload, threads, desk)


def _is_order(payload: Payload, threads: ThreadReplies) -> bool:
    """Whether it is an author's own message in a thread of ours."""
    event = payload["event"]
    if event["type"] != "message" or event.get("subtype") not in _ORDERS:
        return False
    if not (is_reply(event) and is_by_human(event, payload)):
        return False
    place = Place(event["channel"], event["thread_ts"])
    return threads.escalation_at(place) is not None


def _obeyed(
    payload: Payload,
    threads: ThreadReplies,
    desk: Desk,
    commands: ThreadCommands,
    command: str,
    words: str,
) -> None:
    """Runs a thread command, then records it: most commands are safe to repeat."""
    event = payload["event"]
    reply = _reply(payload, desk)
    escalation_id = threads.escalation_at(reply.place)
    if escalation_id is None or threads.is_known(reply.place, reply.ts):
        return
    obey = commands.get(command)
    if event.get("files"):
        threads.ordered(reply, WITH_FILES.format(command=command[:_LONGEST_COMMAND]), done=False)
    elif obey is None:
        known = ", ".join(f"!{name}" for name in sorted(commands))
        near = "".join(
            f" Did you mean !{name}?" for name in get_close_matches(command, commands, 1)
        )
        asked = UNKNOWN_COMMAND.format(
            command=command[:_LONGEST_COMMAND], commands=known, near=near
        )
        threads.ordered(reply, asked, done=False)
    else:
        said = ThreadCommand(reply.place, reply.ts, reply.author, escalation_id, words)
        threads.ordered(reply, obey(said).text, done=True)


def on_message(payload: Payload, threads: ThreadReplies, desk: Desk) -> None:
    """A message was posted, edited or deleted."""
    subtype = payload["event"].get("subtype")
    if subtype == "message_changed":
        _changed(payload, threads, desk)
    elif subtype == "message_deleted":
        _deleted(payload, threads)
    elif subtype in RELAYED:
        _written(payload, threads, desk)


EVENTS: dict[str, Callable[[Payload, ThreadReplies, Desk], None]] = {"message": on_message}
"""Event type -> handler. Other types are acknowledged and dropped."""


def _written(payload: Payload, threads: ThreadReplies, desk: Desk) -> None:
    event = payload["event"]
    if not (is_reply(event) and is_by_human(event, payload)):
        return
    threads.reply(_reply(payload, desk))


def _reply(payload: Payload, desk: Desk) -> ThreadReply:
    event = payload["event"]
    return ThreadReply(
        place=Place(event["channel"], event["thread_ts"]),
        ts=event["ts"],
        author=desk.agent(event["user"]),
        text=_words(event, desk),
        marked=_words(event, desk, marked=True),
        files=_others(event),
        attached=_attached(event, is_shared=bool(payload.get("is_ext_shared_channel"))),
    )


def _changed(payload: Payload, threads: ThreadReplies, desk: Desk) -> None:
    event = payload["event"]
    after = event.get("message") or {}
    if not (is_reply(after) and is_by_human(after, payload)):
        return
    if is_new(event) and after.get("subtype") in RELAYED:
        place = Place(event["channel"], after["thread_ts"])
        threads.edited(place, after["ts"], _words(after, desk), _words(after, desk, marked=True))


def is_new(event: Payload) -> bool:
    """Whether the text has changed. Slack also "changes" a message to add a link preview."""
    after, before = event.get("message") or {}, event.get("previous_message") or {}
    return bool(before["text"] != after.get("text") if "text" in before else "edited" in after)


def _deleted(payload: Payload, threads: ThreadReplies) -> None:
    event = payload["event"]
    gone = event.get("previous_message") or {}
    if is_reply(gone) and is_by_human(gone, payload):
        threads.deleted(Place(event["channel"], gone["thread_ts"]), gone["ts"])


def is_reply(message: Payload) -> bool:
    """Whether it is a reply, and not the first message of a thread."""
    thread, ts = message.get("thread_ts"), message.get("ts")
    return bool(thread and ts) and thread != ts


def is_by_human(message: Payload, payload: Payload) -> bool:
    """False for messages by apps, ours or others: answering them could loop."""
    user = message.get("user")
    granted = payload.get("authorizations") or ()
    ours = {each.get("user_id") for each in granted if each.get("is_bot")}
    is_app = any(message.get(mark) for mark in ("bot_id", "app_id", "bot_profile"))
    return bool(user) and not is_app and user != SLACKBOT and user not in ours


def _words(message: Payload, desk: Desk, *, marked: bool = False) -> str:
    said = message.get("text") or ""
    return plain_text(said, lambda desk_id: desk.agent(desk_id).name, marked=marked)


def _attached(message: Payload, *, is_shared: bool) -> tuple[DeskFile, ...]:
    """Returns the files that Slack stores. A file that is only hinted at is looked up before the download."""
    files = (file for file in message.get("files") or () if is_kept(file))
    return tuple(desk_file(file, is_shared=is_shared) for file in files)


def _others(message: Payload) -> tuple[str, ...]:
    """Returns a line for each external or deleted file, and for a forwarded message."""
    files = [desk_file(file).name for file in message.get("files") or () if not is_kept(file)]
    attached = message.get("attachments") or ()
    is_forwarded = any(one.get("is_share") or one.get("is_msg_unfurl") for one in attached)
    if is_forwarded or (attached and not message.get("text")):
        files.append("a forwarded message")
    return tuple(files)


NameOf = Callable[[str], str]

_TOKEN = re.compile(r"<([^<>\n]+)>")
_CODE = re.compile(r"```\n?(.+?)\n?```|`([^`\n]+)`", re.DOTALL)
_KEPT = re.compile("\x00(\\d+)\x00")

# A marker counts only around whole words: 2 * 3, snake_case and ~5 to ~10 stay as they are.
_MARKERS = [
    re.compile(rf"(?<![^\W_])(?<!{mark}){mark}(?=\S)([^{mark}\n]+)(?<=\S){mark}(?!{mark}|[^\W_])")
    for mark in (r"\*", "_", "~")
]

_EMOJI = re.compile(r":([a-z0-9_+'-]+):(?::skin-tone-([2-6](?:-[2-6])?):)?")


def plain_text(markup: str, name_of: NameOf, *, marked: bool = False) -> str:
    """Converts Slack's markup to plain text.

    Args:
        markup: the `text` of a message event.
        name_of: the name for a mentioned person's id.
        marked: keep the marks for bold, italic, strike and code, which WhatsApp shares with Slack.
    """
    kept: list[str] = []

    def keep(text: str) -> str:
        kept.append(text)
        return f"\x00{len(kept) - 1}\x00"

    text = markup.replace("\x00", "")
    text = _TOKEN.sub(lambda token: keep(_token(token[1], name_of)), text)
    text = _CODE.sub(lambda code: keep(code[0] if marked else code[1] or code[2]), text)
    for marker in () if marked else _MARKERS:
        text = marker.sub(r"\1", text)
    text = _EMOJI.sub(_character, text)
    while _KEPT.search(text):  # kept parts may contain kept parts
        text = _KEPT.sub(lambda found: kept[int(found[1])], text)
    return _unescaped(text)


def _unescaped(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _token(token: str, name_of: NameOf) -> str:
    """Converts what stands between < and >: a mention, a date or a link, with an optional label."""
    target, _, label = token.partition("|")
    if target.startswith("@"):
        return f"@{label or name_of(target[1:])}"
    if target.startswith("#"):
        return f"#{label or 'channel'}"
    if target.startswith("!"):
        return _special(target[1:], label)
    return _link(target, label)


def _special(target: str, label: str) -> str:
    if target.startswith("date^"):
        return label
    if target.startswith("subteam^"):
        return f"@{label.lstrip('@') or 'team'}"
    return f"@{label.lstrip('@') or target}"


def _link(target: str, label: str) -> str:
    address = re.sub(r"^(mailto|tel):", "", target)
    if not label or label in (target, address):
        return address
    if label.rstrip("/") == re.sub(r"^https?://", "", target).rstrip("/"):
        return label  # Slack made a link of a typed address
    return f"{label} ({address})"


def _character(found: re.Match[str]) -> str:
    """Returns the emoji of a code; the code itself if it is unknown or custom."""
    name, tones = found[1], found[2] or ""
    shown = character(name, tones)
    if not shown or (_is_short(name) and _is_within(found)):
        return found[0]
    return shown


def _is_short(name: str) -> bool:
    """Whether it could also be a part of a time, a ratio or a path."""
    return name.isdigit() or len(name) < 3


def _is_within(found: re.Match[str]) -> bool:
    """Whether it touches other words."""
    around = found.string[: found.start()][-1:] + found.string[found.end() :][:1]
    return any(character.isalnum() or character in "_:" for character in around)


def is_direct(payload: Payload) -> bool:
    """Whether a person wrote to the app in a direct message."""
    event = payload["event"]
    return (
        event["type"] == "message"
        and event.get("channel_type") == "im"
        and event.get("subtype") in RELAYED
        and is_by_human(event, payload)
    )
