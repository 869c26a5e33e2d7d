"""Events that changes in the workspace cause, in the Events API's format."""

from __future__ import annotations

from handoff_sandbox.slack.payloads import Json
from handoff_sandbox.slack.state.messages import Message, SlackChannel


def posted(where: SlackChannel, message: Message, root: Message | None) -> Json:
    """A message was posted;

    `root` is the thread's first message if the reply was also sent to the channel.
    """
    event = message.wire() | _place(where, message.ts)
    if root:
        event["root"] = root.wire()
    return event


def changed(where: SlackChannel, message: Message, before: Message, at: str) -> Json:
    """A message was edited, updated, or replaced by a tombstone."""
    return {
        "type": "message",
        "subtype": "message_changed",
        "hidden": True,
        "ts": at,
        "message": message.wire(),
        "previous_message": before.wire(),
    } | _place(where, at)


def deleted(where: SlackChannel, message: Message, at: str) -> Json:
    """A message was deleted."""
    return {
        "type": "message",
        "subtype": "message_deleted",
        "hidden": True,
        "ts": at,
        "deleted_ts": message.ts,
        "previous_message": message.wire(),
    } | _place(where, at)


def reacted(message: Message, user: str, name: str, at: str, kind: str) -> Json:
    """`kind` is reaction_added or reaction_removed."""
    return {
        "type": kind,
        "user": user,
        "reaction": name,
        "item_user": message.user,
        "item": {"type": "message", "channel": message.channel, "ts": message.ts},
        "event_ts": at,
    }


def pinned(message: Message, user: str, at: str, kind: str) -> Json:
    """`kind` is pin_added or pin_removed."""
    return {
        "type": kind,
        "user": user,
        "channel_id": message.channel,
        "item": {"type": "message", "channel": message.channel, "message": message.wire()},
        "event_ts": at,
    }


def joined(where: SlackChannel, user: str, inviter: str, team_id: str, at: str) -> Json:
    """A person joined a slack_channel."""
    event = {
        "type": "member_joined_channel",
        "user": user,
        "channel": where.id,
        "channel_type": "G" if where.is_private else "C",
        "team": team_id,
        "event_ts": at,
    }
    return event | ({"inviter": inviter} if inviter else {})


def left(where: SlackChannel, user: str, team_id: str, at: str) -> Json:
    """A person left a slack_channel."""
    return {
        "type": "member_left_channel",
        "user": user,
        "channel": where.id,
        "channel_type": "G" if where.is_private else "C",
        "team": team_id,
        "event_ts": at,
    }


def dnd_updated(user: str, status: Json, at: str) -> Json:
    """A person's do-not-disturb has changed."""
    return {"type": "dnd_updated_user", "user": user, "dnd_status": status, "event_ts": at}


def user_changed(user: Json, at: str) -> Json:
    """A person was renamed or deactivated."""
    stamp = int(float(at))
    return {"type": "user_change", "user": user, "cache_ts": stamp, "event_ts": at}


def members_changed(group: Json, before: list[str], after: list[str], at: str) -> Json:
    """A person joined or left a user group."""
    added = [user for user in after if user not in before]
    removed = [user for user in before if user not in after]
    return {
        "type": "subteam_members_changed",
        "subteam_id": group["id"],
        "team_id": group["team_id"],
        "date_previous_update": group["date_update"],
        "date_update": int(float(at)),
        "added_users": added,
        "added_users_count": str(len(added)),
        "removed_users": removed,
        "removed_users_count": str(len(removed)),
        "event_ts": at,
    }


def mentioned(event: Json) -> Json:
    """The app_mention for a message that mentions the app."""
    kept = {name: value for name, value in event.items() if name not in {"channel_type", "subtype"}}
    return kept | {"type": "app_mention"}


def home_opened(user: str, channel: str, tab: str, view: Json | None, at: str) -> Json:
    """A person opened the app's Home or Messages tab."""
    event = {
        "type": "app_home_opened",
        "user": user,
        "channel": channel,
        "tab": tab,
        "event_ts": at,
    }
    return event | ({"view": view} if view else {})


def _place(where: SlackChannel, at: str) -> Json:
    return {"channel": where.id, "channel_type": where.kind, "event_ts": at}
