"""conversations.*: slack_channels, members and messages, as the app sees them."""

from __future__ import annotations

from handoff_sandbox.slack.api.calls import Call, Method, next_cursor, paged, read_cursor
from handoff_sandbox.slack.api.lookups import channel_of, is_member, person_of
from handoff_sandbox.slack.payloads import Json
from handoff_sandbox.slack.state.backstage import Backstage
from handoff_sandbox.slack.state.messages import Message
from handoff_sandbox.slack.state.refusal import Refusal

_TYPES = {"public_channel": "channel", "private_channel": "group", "im": "im", "mpim": "mpim"}
_MOST = 999


def info(slack: Backstage, call: Call) -> Json:
    """conversations.info."""
    where = channel_of(slack, call)
    shown = where.wire(slack.workspace.app.user_id)
    if call.flag("include_num_members"):
        shown["num_members"] = len(where.members)
    return {"ok": True, "channel": shown}


def list_(slack: Backstage, call: Call) -> Json:
    """conversations.list."""
    kinds = {_TYPES.get(name) for name in call.text("types", "public_channel").split(",")}
    if None in kinds:
        raise Refusal("invalid_types")
    skip_archived = call.flag("exclude_archived")
    found = [
        where
        for where in slack.workspace.channels.values()
        if where.kind in kinds
        and (where.kind == "channel" or is_member(slack, where))
        and not (skip_archived and where.is_archived)
    ]
    page, metadata = paged(call, found, 100, 1000)
    shown = [one.wire(slack.workspace.app.user_id) for one in page]
    return {"ok": True, "channels": shown, "response_metadata": metadata}


def members(slack: Backstage, call: Call) -> Json:
    """conversations.members."""
    page, metadata = paged(call, channel_of(slack, call).members, 100, 1000)
    return {"ok": True, "members": page, "response_metadata": metadata}


def of_person(slack: Backstage, call: Call) -> Json:
    """users.conversations: the channels of a person; private ones only if the app is a member."""
    person = person_of(slack, call)
    kinds = {_TYPES.get(name) for name in call.text("types", "public_channel").split(",")}
    found = [
        where
        for where in slack.workspace.channels.values()
        if where.kind in kinds
        and person.id in where.members
        and (where.kind == "channel" or is_member(slack, where))
    ]
    page, metadata = paged(call, found, 100, 999)
    shown = [one.wire(slack.workspace.app.user_id) for one in page]
    return {"ok": True, "channels": shown, "response_metadata": metadata}


def join(slack: Backstage, call: Call) -> Json:
    """conversations.join: public slack_channels."""
    where = channel_of(slack, call)
    if where.kind != "channel":
        raise Refusal("method_not_supported_for_channel_type")
    if where.is_archived:
        raise Refusal("is_archived")
    user = slack.workspace.app.user_id
    is_new = slack.workspace.join(where, user)
    answer = {"ok": True, "channel": where.wire(user)}
    if not is_new:
        warning = "already_in_channel"
        answer |= {"warning": warning, "response_metadata": {"warnings": [warning]}}
    return answer


def open_(slack: Backstage, call: Call) -> Json:
    """conversations.open: a direct conversation with one person."""
    users = [name for name in call.text("users").split(",") if name]
    if not users:
        raise Refusal("users_list_not_supplied")
    if len(users) > 1:
        raise Refusal("method_not_supported_for_channel_type")
    if users[0] not in slack.workspace.people:
        raise Refusal("user_not_found")
    where = slack.workspace.direct(users[0])
    shown = where.wire(users[0]) if call.flag("return_im") else {"id": where.id}
    return {"ok": True, "channel": shown}


def history(slack: Backstage, call: Call) -> Json:
    """conversations.history: newest first, without replies in threads."""
    where = channel_of(slack, call)
    if not is_member(slack, where):
        raise Refusal("not_in_channel")
    newest_first = reversed(where.messages.values())
    found = [one for one in newest_first if not one.is_reply and _is_between(call, one.ts)]
    start = read_cursor(call, "next_ts")
    if start:
        found = [one for one in found if one.ts <= start]
    return _page(call, found, 100) | {"pin_count": len(where.pins)}


def replies(slack: Backstage, call: Call) -> Json:
    """conversations.replies: oldest first, the thread's first message always included."""
    where = channel_of(slack, call)
    ts = call.required("ts")
    if ts not in where.messages:
        raise Refusal("thread_not_found")
    root, *rest = slack.workspace.thread(where.id, ts)
    found = [one for one in rest if _is_between(call, one.ts)]
    start = read_cursor(call, "next_ts")
    if start:
        return _page(call, [one for one in found if one.ts >= start], 1000)
    return _page(call, [root, *found], 1000)


def _is_between(call: Call, ts: str) -> bool:
    oldest, latest = _bound(call, "oldest", "0"), _bound(call, "latest", "")
    if call.flag("inclusive"):
        return float(ts) >= float(oldest) and (not latest or float(ts) <= float(latest))
    return float(ts) > float(oldest) and (not latest or float(ts) < float(latest))


def _bound(call: Call, name: str, default: str) -> str:
    value = call.text(name) or default
    if value and not value.replace(".", "", 1).isdecimal():
        raise Refusal(f"invalid_ts_{name}")
    return value


def _page(call: Call, found: list[Message], default: int) -> Json:
    limit = min(call.number("limit", default, "invalid_limit"), _MOST + 1)
    with_metadata = call.flag("include_all_metadata")
    rest = found[limit:]
    return {
        "ok": True,
        "messages": [one.wire(with_metadata=with_metadata) for one in found[:limit]],
        "has_more": bool(rest),
        "response_metadata": next_cursor("next_ts", rest[0].ts if rest else ""),
    }


METHODS: dict[str, Method] = {
    "conversations.history": history,
    "conversations.info": info,
    "conversations.join": join,
    "conversations.list": list_,
    "conversations.members": members,
    "users.conversations": of_person,
    "conversations.open": open_,
    "conversations.replies": replies,
}
