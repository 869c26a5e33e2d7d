"""reactions.*, pins.* and files.*: items on messages."""

from __future__ import annotations

from handoff_sandbox.slack.api.calls import Call, Method
from handoff_sandbox.slack.api.chat_methods import read_blocks, read_icons
from handoff_sandbox.slack.api.lookups import (
    channel_of,
    is_member,
    message_of,
    postable_channel_of,
)
from handoff_sandbox.slack.payloads import Json
from handoff_sandbox.slack.state.backstage import Backstage
from handoff_sandbox.slack.state.files import File
from handoff_sandbox.slack.state.messages import Message, SlackChannel
from handoff_sandbox.slack.state.refusal import Refusal, invalid_arguments
from handoff_sandbox.slack.state.scopes import CUSTOMIZE

REACTIONS = 23
"""Limit of different emoji by one person on one message."""

PINS = 100
ALT_TEXT = 1_000


def add_reaction(slack: Backstage, call: Call) -> Json:
    """reactions.add."""
    message = _marked(slack, call)
    user = slack.workspace.app.user_id
    if sum(user in users for users in message.reactions.values()) >= REACTIONS:
        raise Refusal("too_many_emoji")
    if not slack.workspace.react(message, user, _emoji(call)):
        raise Refusal("already_reacted")
    return {"ok": True}


def remove_reaction(slack: Backstage, call: Call) -> Json:
    """reactions.remove."""
    message = _marked(slack, call)
    if not slack.workspace.unreact(message, slack.workspace.app.user_id, _emoji(call)):
        raise Refusal("no_reaction")
    return {"ok": True}


def get_reactions(slack: Backstage, call: Call) -> Json:
    """reactions.get."""
    message = _marked(slack, call)
    shown = message.wire() | {"permalink": slack.workspace.permalink(message)}
    return {"ok": True, "type": "message", "channel": message.channel, "message": shown}


def add_pin(slack: Backstage, call: Call) -> Json:
    """pins.add."""
    where = _own_channel(slack, call)
    message = message_of(slack, where, call.required("timestamp"))
    if len(where.pins) >= PINS:
        raise Refusal("too_many_pins")
    if not slack.workspace.pin(message, slack.workspace.app.user_id):
        raise Refusal("already_pinned")
    return {"ok": True}


def remove_pin(slack: Backstage, call: Call) -> Json:
    """pins.remove."""
    where = _own_channel(slack, call)
    message = message_of(slack, where, call.required("timestamp"))
    if not slack.workspace.unpin(message, slack.workspace.app.user_id):
        raise Refusal("no_pin")
    return {"ok": True}


def list_pins(slack: Backstage, call: Call) -> Json:
    """pins.list: the latest first."""
    where = channel_of(slack, call)
    return {"ok": True, "items": pinned_items(slack, where)}


def pinned_items(slack: Backstage, where: SlackChannel) -> list[Json]:
    """The pinned messages of a slack_channel, the latest first."""
    return [
        {
            "type": "message",
            "channel": where.id,
            "created": at,
            "created_by": user,
            "message": where.messages[ts].wire()
            | {"pinned_to": [where.id], "permalink": slack.workspace.permalink(where.messages[ts])},
        }
        for ts, (user, at) in reversed(where.pins.items())
    ]


def file_info(slack: Backstage, call: Call) -> Json:
    """files.info."""
    file = slack.files.find(call.required("file"))
    if file is None or file.content is None:
        raise Refusal("file_not_found")
    return {
        "ok": True,
        "file": slack.files.wire(file),
        "comments": [],
        "response_metadata": {"next_cursor": ""},
    }


def delete_file(slack: Backstage, call: Call) -> Json:
    """files.delete: the app's own files, also in the messages that show them."""
    file = slack.files.find(call.required("file"))
    if file is None:
        raise Refusal("file_not_found")
    if file.is_deleted:
        raise Refusal("file_deleted")
    if file.user != slack.workspace.app.user_id:
        raise Refusal("cant_delete_file")
    slack.files.delete(file)
    return {"ok": True}


def begin_upload(slack: Backstage, call: Call) -> Json:
    """files.getUploadURLExternal."""
    size = call.number("length", 0, "missing_argument")
    name, alt_text = call.required("filename"), call.text("alt_txt")
    if len(alt_text) > ALT_TEXT:
        raise Refusal("alt_txt_too_large")
    file = slack.files.announce(name, size, slack.workspace.app.user_id, alt_text)
    return {"ok": True, "upload_url": slack.files.upload_url(file), "file_id": file.id}


def complete_upload(slack: Backstage, call: Call) -> Json:
    """files.completeUploadExternal: shares the files as one message, if it names a channel.

    With a comment, the blocks are ignored, as documented by Slack.
    """
    listed = call.content("files", list, "invalid_arguments") or []
    if not listed:
        raise invalid_arguments("[ERROR] missing required field: files")
    files = [_uploaded(slack, entry) for entry in listed]
    if call.text("channel_id"):
        _share(slack, call, files)
    return {"ok": True, "files": [{"id": file.id, "title": file.title} for file in files]}


def _share(slack: Backstage, call: Call, files: list[File]) -> None:
    where = postable_channel_of(slack, Call({"channel": call.text("channel_id")}))
    for file in files:
        file.channels.append(where.id)
    app = slack.workspace.app
    message = Message(
        where.id,
        app.user_id,
        call.text("initial_comment"),
        thread_ts=call.text("thread_ts"),
        blocks=[] if call.text("initial_comment") else read_blocks(call),
        username=call.text("username") if slack.scopes.has(CUSTOMIZE) else "",
        icons=read_icons(call) if slack.scopes.has(CUSTOMIZE) else {},
        files=[slack.files.wire(file) for file in files],
        bot_id=app.bot_id,
        app_id=app.app_id,
    )
    slack.workspace.post(message)


def _uploaded(slack: Backstage, entry: Json) -> File:
    file = slack.files.find(str(entry.get("id")))
    if file is None or file.content is None:
        raise Refusal("file_not_found")
    file.title = str(entry.get("title") or file.name)
    return file


def _marked(slack: Backstage, call: Call) -> Message:
    if not call.text("channel") or not call.text("timestamp"):
        raise Refusal("no_item_specified")
    return message_of(slack, channel_of(slack, call), call.text("timestamp"))


def _emoji(call: Call) -> str:
    """Returns the name; Slack also accepts it with colons."""
    name = call.required("name").strip(":")
    if not name.replace("_", "").replace("-", "").replace("+", "").replace(":", "").isalnum():
        raise Refusal("invalid_name")
    return name


def _own_channel(slack: Backstage, call: Call) -> SlackChannel:
    where = channel_of(slack, call)
    if not is_member(slack, where):
        raise Refusal("not_in_channel")
    if not call.text("timestamp"):
        raise Refusal("no_item_specified")
    return where


METHODS: dict[str, Method] = {
    "files.completeUploadExternal": complete_upload,
    "files.delete": delete_file,
    "files.getUploadURLExternal": begin_upload,
    "files.info": file_info,
    "pins.add": add_pin,
    "pins.list": list_pins,
    "pins.remove": remove_pin,
    "reactions.add": add_reaction,
    "reactions.get": get_reactions,
    "reactions.remove": remove_reaction,
}
