"""chat.*: post, update, delete, ephemeral messages."""

from __future__ import annotations

from handoff_sandbox.slack.api.calls import Call, Method
from handoff_sandbox.slack.api.lookups import channel_of, message_of, postable_channel_of
from handoff_sandbox.slack.api.pictures import check_pictures
from handoff_sandbox.slack.payloads import Json
from handoff_sandbox.slack.state.backstage import Backstage
from handoff_sandbox.slack.state.messages import Message, SlackChannel
from handoff_sandbox.slack.state.refusal import Refusal, invalid_blocks
from handoff_sandbox.slack.state.scopes import CUSTOMIZE
from handoff_sandbox.slack.validation.block_rules import MESSAGE_BLOCKS, length_of, problems_of

TEXT = 40_000
"""Characters after which Slack truncates a post's text."""

UPDATED_TEXT = 4_000
"""Characters from which Slack refuses an update's text (seratch/ChatGPT-in-Slack#102)."""

ALL_BLOCKS = 13_200
"""Characters of all blocks together, undocumented (slackapi/bolt-js#2509)."""

ATTACHMENTS = 100


def post_message(slack: Backstage, call: Call) -> Json:
    """chat.postMessage."""
    where = postable_channel_of(slack, call)
    message = draft(slack, call, where, call.text("text")[:TEXT])
    message.metadata = read_metadata(call) or {}
    message.thread_ts = call.text("thread_ts")
    if call.flag("reply_broadcast"):
        message.subtype = "thread_broadcast"
    slack.workspace.post(message)
    shown = message.wire(with_metadata=True)
    return {"ok": True, "channel": where.id, "ts": message.ts, "message": shown}


def post_ephemeral(slack: Backstage, call: Call) -> Json:
    """chat.postEphemeral."""
    where = postable_channel_of(slack, call)
    user = call.required("user")
    if user not in where.members:
        raise Refusal("user_not_in_channel")
    text = call.text("text")
    if len(text) > TEXT:
        raise Refusal("msg_too_long")
    message = draft(slack, call, where, text)
    message.thread_ts = call.text("thread_ts")
    slack.workspace.ephemeral(user, message)
    return {"ok": True, "message_ts": message.ts}


def update(slack: Backstage, call: Call) -> Json:
    """chat.update: omitted fields stay, but a text without blocks removes the blocks."""
    where = channel_of(slack, call)
    message = message_of(slack, where, call.required("ts"))
    if message.bot_id != slack.workspace.app.bot_id:
        raise Refusal("cant_update_message")
    new = draft(slack, call, where, call.text("text"))
    if len(new.text) > UPDATED_TEXT:
        raise Refusal("msg_too_long")
    metadata = read_metadata(call)
    slack.workspace.edit(
        message,
        message.user,
        text=new.text if call.text("text") else message.text,
        blocks=new.blocks,
        attachments=new.attachments,
        metadata=message.metadata if metadata is None else metadata,
    )
    shown = message.wire(with_metadata=True)
    return {
        "ok": True,
        "channel": where.id,
        "ts": message.ts,
        "text": message.text,
        "message": shown,
    }


def delete(slack: Backstage, call: Call) -> Json:
    """chat.delete: the app's own messages."""
    where = channel_of(slack, call)
    message = message_of(slack, where, call.required("ts"))
    if message.bot_id != slack.workspace.app.bot_id:
        raise Refusal("cant_delete_message")
    slack.workspace.delete(message)
    return {"ok": True, "channel": where.id, "ts": message.ts}


def get_permalink(slack: Backstage, call: Call) -> Json:
    """chat.getPermalink."""
    where = channel_of(slack, call)
    message = message_of(slack, where, call.required("message_ts"))
    return {"ok": True, "channel": where.id, "permalink": slack.workspace.permalink(message)}


def draft(slack: Backstage, call: Call, where: SlackChannel, text: str) -> Message:
    """Returns the app's new message, validated.

    Raises:
        Refusal: it is empty, or Slack would not accept it.
    """
    blocks = read_blocks(call)
    check_pictures(slack, blocks)
    attachments = call.content("attachments", list, "invalid_attachments") or []
    if len(attachments) > ATTACHMENTS:
        raise Refusal("too_many_attachments")
    if call.text("markdown_text"):
        if text or blocks:
            raise Refusal("markdown_text_conflict")
        text = call.text("markdown_text")
    if not (text or blocks or attachments):
        raise Refusal("no_text")
    app = slack.workspace.app
    return Message(
        where.id,
        app.user_id,
        text,
        blocks=blocks,
        attachments=attachments,
        bot_id=app.bot_id,
        app_id=app.app_id,
        username=call.text("username") if slack.scopes.has(CUSTOMIZE) else "",
        icons=read_icons(call) if slack.scopes.has(CUSTOMIZE) else {},
    )


def read_blocks(call: Call) -> list[Json]:
    """Returns the blocks of a message, validated; [] for none.

    Raises:
        Refusal: Slack would not accept them.
    """
    blocks: list[Json] = call.content("blocks", list, "invalid_blocks_format") or []
    problems = problems_of(blocks, MESSAGE_BLOCKS)
    if problems:
        raise invalid_blocks(problems)
    if length_of(blocks) > ALL_BLOCKS:
        raise Refusal("msg_blocks_too_long")
    return blocks


def read_metadata(call: Call) -> Json | None:
    """Returns the metadata of a message; None if the call has none.

    Raises:
        Refusal: it is not an event_type with an event_payload.
    """
    metadata: Json | None = call.content("metadata", dict, "invalid_metadata_format")
    if not metadata:
        return metadata
    is_whole = isinstance(metadata.get("event_type"), str) and isinstance(
        metadata.get("event_payload"), dict
    )
    if not is_whole or metadata.keys() - {"event_type", "event_payload"}:
        raise Refusal("invalid_metadata_format")
    return metadata


def read_icons(call: Call) -> Json:
    """Returns the icons beside a custom name."""
    named = {"emoji": call.text("icon_emoji"), "image_64": call.text("icon_url")}
    return {name: value for name, value in named.items() if value}


METHODS: dict[str, Method] = {
    "chat.delete": delete,
    "chat.getPermalink": get_permalink,
    "chat.postEphemeral": post_ephemeral,
    "chat.postMessage": post_message,
    "chat.update": update,
}
