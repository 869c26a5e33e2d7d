"""auth.*, users.*, usergroups.*, dnd.* and bots.*: who is who."""

from __future__ import annotations

from handoff_bot.sandbox.slack.backstage import Backstage
from handoff_bot.sandbox.slack.calls import Call, Method, paged
from handoff_bot.sandbox.slack.lookups import person_of
from handoff_bot.sandbox.slack.people import Json
from handoff_bot.sandbox.slack.refusal import Refusal


def auth_test(slack: Backstage, _call: Call) -> Json:
    """auth.test."""
    workspace = slack.workspace
    return {
        "ok": True,
        "url": workspace.url,
        "team": workspace.domain,
        "user": workspace.app.name,
        "team_id": workspace.team_id,
        "user_id": workspace.app.user_id,
        "bot_id": workspace.app.bot_id,
        "is_enterprise_install": False,
    }


def api_test(_slack: Backstage, call: Call) -> Json:
    """api.test."""
    answer: Json = {"ok": True}
    if call.args:
        answer["args"] = dict(call.args)
    if call.text("error"):
        raise Refusal(call.text("error"), args=dict(call.args))
    return answer


def users_info(slack: Backstage, call: Call) -> Json:
    """users.info."""
    return {"ok": True, "user": person_of(slack, call).wire(slack.workspace.team_id)}


def users_list(slack: Backstage, call: Call) -> Json:
    """users.list."""
    workspace = slack.workspace
    page, metadata = paged(call, list(workspace.people.values()), 1000, 1000)
    return {
        "ok": True,
        "members": [person.wire(workspace.team_id) for person in page],
        "cache_ts": int(workspace.now()),
        "response_metadata": metadata,
    }


def users_presence(slack: Backstage, call: Call) -> Json:
    """users.getPresence."""
    return {"ok": True, "presence": person_of(slack, call).presence}


def dnd_info(slack: Backstage, call: Call) -> Json:
    """dnd.info."""
    until = person_of(slack, call).dnd_until
    return {
        "ok": True,
        "dnd_enabled": bool(until),
        "next_dnd_start_ts": int(slack.workspace.now()) if until else 1,
        "next_dnd_end_ts": until or 1,
        "snooze_enabled": False,
    }


def usergroups_list(slack: Backstage, call: Call) -> Json:
    """usergroups.list."""
    all_ = call.flag("include_disabled")
    shown = []
    for group in slack.workspace.groups.values():
        if group.is_enabled or all_:
            wire = group.wire(slack.workspace.team_id)
            shown.append(wire | ({"users": group.members} if call.flag("include_users") else {}))
    return {"ok": True, "usergroups": shown}


def usergroup_members(slack: Backstage, call: Call) -> Json:
    """usergroups.users.list."""
    group = slack.workspace.groups.get(call.required("usergroup"))
    if group is None:
        raise Refusal("no_such_subteam")
    return {"ok": True, "users": list(group.members)}


def bots_info(slack: Backstage, call: Call) -> Json:
    """bots.info: the app's own bot is the only one."""
    app = slack.workspace.app
    if call.text("bot", app.bot_id) != app.bot_id:
        raise Refusal("bot_not_found")
    bot = {
        "id": app.bot_id,
        "app_id": app.app_id,
        "user_id": app.user_id,
        "name": app.name,
        "deleted": False,
        "updated": 0,
        "icons": {},
    }
    return {"ok": True, "bot": bot}


def connections_open(slack: Backstage, _call: Call) -> Json:
    """apps.connections.open: an address for one websocket."""
    ticket = slack.workspace.new_id("ticket-")
    slack.tickets.add(ticket)
    address = slack.url.replace("http://", "ws://")
    app_id = slack.workspace.app.app_id
    return {"ok": True, "url": f"{address}/link/?ticket={ticket}&app_id={app_id}"}


METHODS: dict[str, Method] = {
    "api.test": api_test,
    "apps.connections.open": connections_open,
    "auth.test": auth_test,
    "bots.info": bots_info,
    "dnd.info": dnd_info,
    "usergroups.list": usergroups_list,
    "usergroups.users.list": usergroup_members,
    "users.getPresence": users_presence,
    "users.info": users_info,
    "users.list": users_list,
}
