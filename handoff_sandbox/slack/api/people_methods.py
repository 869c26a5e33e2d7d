"""auth.*, users.*, usergroups.*, dnd.* and bots.*: people and groups."""

from __future__ import annotations

from handoff_sandbox.slack.api.calls import Call, Method, paged
from handoff_sandbox.slack.api.lookups import person_of
from handoff_sandbox.slack.payloads import Json
from handoff_sandbox.slack.state.backstage import Backstage
from handoff_sandbox.slack.state.people import Person
from handoff_sandbox.slack.state.refusal import Refusal
from handoff_sandbox.slack.state.scopes import EMAIL

DND_USERS = 50
"""Most people per call of dnd.teamInfo."""


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
    person = person_of(slack, call)
    return {"ok": True, "user": _wire(slack, person, with_locale=call.flag("include_locale"))}


def users_list(slack: Backstage, call: Call) -> Json:
    """users.list."""
    workspace = slack.workspace
    page, metadata = paged(call, list(workspace.people.values()), 1000, 1000)
    return {
        "ok": True,
        "members": [_wire(slack, person) for person in page],
        "cache_ts": int(workspace.now()),
        "response_metadata": metadata,
    }


def users_presence(slack: Backstage, call: Call) -> Json:
    """users.getPresence."""
    return {"ok": True, "presence": person_of(slack, call).presence}


def users_lookup(slack: Backstage, call: Call) -> Json:
    """users.lookupByEmail."""
    email = call.required("email").lower()
    for person in slack.workspace.people.values():
        if person.email.lower() == email and not person.deleted:
            return {"ok": True, "user": _wire(slack, person)}
    raise Refusal("users_not_found")


def users_profile(slack: Backstage, call: Call) -> Json:
    """users.profile.get: the app's own user when it names nobody."""
    named = Call({"user": call.text("user", slack.workspace.app.user_id)})
    person = person_of(slack, named)
    has_email = slack.scopes.has(EMAIL)
    return {"ok": True, "profile": person.profile(slack.workspace.team_id, with_email=has_email)}


def dnd_info(slack: Backstage, call: Call) -> Json:
    """dnd.info."""
    return {"ok": True, "snooze_enabled": False} | person_of(slack, call).dnd(slack.workspace.now())


def dnd_team_info(slack: Backstage, call: Call) -> Json:
    """dnd.teamInfo: of up to fifty people at once."""
    wanted = [name for name in call.text("users").split(",") if name]
    if not wanted:
        raise Refusal("no_users_provided")
    people = (slack.workspace.people.get(name) for name in wanted[:DND_USERS])
    now = slack.workspace.now()
    return {"ok": True, "users": {person.id: person.dnd(now) for person in people if person}}


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


def _wire(slack: Backstage, person: Person, *, with_locale: bool = False) -> Json:
    """Returns a person as the app may see them."""
    has_email = slack.scopes.has(EMAIL)
    team_id = slack.workspace.team_id
    return person.wire(team_id, with_email=has_email, with_locale=with_locale)


def bots_info(slack: Backstage, call: Call) -> Json:
    """bots.info: only the app's own bot exists."""
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
    "dnd.teamInfo": dnd_team_info,
    "usergroups.list": usergroups_list,
    "usergroups.users.list": usergroup_members,
    "users.getPresence": users_presence,
    "users.info": users_info,
    "users.list": users_list,
    "users.lookupByEmail": users_lookup,
    "users.profile.get": users_profile,
}
