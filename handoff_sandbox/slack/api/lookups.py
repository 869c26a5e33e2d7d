"""Resolves a call's arguments, and refuses like Slack if the app may not see them."""

from __future__ import annotations

from handoff_sandbox.slack.api.calls import Call
from handoff_sandbox.slack.state.backstage import Backstage
from handoff_sandbox.slack.state.messages import Message, SlackChannel
from handoff_sandbox.slack.state.people import Person
from handoff_sandbox.slack.state.refusal import Refusal


def channel_of(slack: Backstage, call: Call) -> SlackChannel:
    """Returns the slack_channel with the id `channel`, if the app can see it."""
    where = slack.workspace.channels.get(call.required("channel"))
    if where is None or not _is_visible(slack, where):
        raise Refusal("channel_not_found")
    return where


def postable_channel_of(slack: Backstage, call: Call) -> SlackChannel:
    """Returns the destination of a post: an id, a #name, or a person for a direct message.

    Raises:
        Refusal: it does not exist, it is archived, or the app is not a member.
    """
    named = call.required("channel")
    workspace = slack.workspace
    if named in workspace.people and named != workspace.app.user_id:
        return workspace.direct(named)
    where = workspace.channels.get(named) or _by_name(slack, named.removeprefix("#"))
    if where is None or not _is_visible(slack, where):
        raise Refusal("channel_not_found")
    if where.is_archived:
        raise Refusal("is_archived")
    if workspace.app.user_id not in where.members:
        raise Refusal("not_in_channel")
    return where


_TYPES = {"public_channel": "channel", "private_channel": "group", "im": "im"}


def kinds_of(slack: Backstage, method: str, call: Call) -> list[str]:
    """Returns the types of the conversations that a call names and the app sees."""
    if method == "conversations.open":
        return ["im"]
    if method in ("conversations.list", "users.conversations"):
        types = call.text("types", "public_channel").split(",")
        return [_TYPES[name] for name in types if name in _TYPES]
    where = slack.workspace.channels.get(call.text("channel"))
    return [where.kind] if where and _is_visible(slack, where) else []


def message_of(slack: Backstage, where: SlackChannel, ts: str) -> Message:
    """Returns the message with this ts; ephemeral messages are not found."""
    message = slack.workspace.find_message(where.id, ts)
    if message is None:
        raise Refusal("message_not_found")
    return message


def person_of(slack: Backstage, call: Call, argument: str = "user") -> Person:
    """Returns the person that an argument names."""
    person = slack.workspace.people.get(call.required(argument))
    if person is None:
        raise Refusal("user_not_found")
    return person


def is_member(slack: Backstage, where: SlackChannel) -> bool:
    """Whether the app is a member."""
    return slack.workspace.app.user_id in where.members


def _is_visible(slack: Backstage, where: SlackChannel) -> bool:
    return where.kind == "channel" or is_member(slack, where)


def _by_name(slack: Backstage, name: str) -> SlackChannel | None:
    channels = slack.workspace.channels.values()
    return next((one for one in channels if one.name == name and not one.partner), None)
