"""Canned replies: all agents can look them up, admins can edit them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from slack_bolt import Ack

from handoff_bot.domain.canned import CannedReply, tidy_name
from handoff_bot.domain.roles import Action
from handoff_bot.services.replies.canned import Part, problem
from handoff_bot.slack.click import Click, Tools, sender
from handoff_bot.slack.feature import (
    Body,
    Feature,
    Shortcut,
    ShortcutCall,
    SlashCommand,
    guarded,
)
from handoff_bot.slack.features.admins import by_admins, put
from handoff_bot.slack.features.canned_blocks import (
    CannedAction,
    CannedModal,
    Editing,
    Search,
    render_deleted,
    render_edit,
    render_list,
)
from handoff_bot.slack.kit.fields import ANY
from handoff_bot.slack.kit.form import filled_in, one
from handoff_bot.slack.kit.text import Block

FIELDS = {
    Part.NAME: CannedAction.NAME,
    Part.LANGUAGE: CannedAction.LANGUAGE,
    Part.TEXT: CannedAction.TEXT,
}
GONE = "This reply has been deleted."


# -- the list


def look_up(tools: Tools, asked: SlashCommand) -> None:
    """`/handoff canned refund`."""
    search = Search(asked.words)
    tools.desk.open_view(asked.trigger_id, _list(tools, search, asked.desk_id))


def look_up_from_anywhere(tools: Tools, called: ShortcutCall) -> None:
    """The global shortcut."""
    tools.desk.open_view(called.trigger_id, _list(tools, Search(), called.desk_id))


def show(tools: Tools, click: Click, ack: Ack) -> None:
    """The button in the settings."""
    ack()
    put(tools, click, _list(tools, Search(), click.desk_id))


def searched(tools: Tools, body: Body, ack: Ack) -> None:
    """Another search text or language."""
    state = filled_in(body)
    wanted = Search(one(state, CannedAction.QUERY), _language(state, CannedAction.WANTED))
    ack(response_action="update", view=_list(tools, wanted, sender(body)))


def turned(tools: Tools, click: Click, ack: Ack) -> None:
    """Another page of the same search."""
    ack()
    before = Search.parse(click.metadata)
    search = Search(before.query, before.language, click.number or 0)
    tools.desk.update_view(click.view_id, _list(tools, search, click.desk_id))


def _list(tools: Tools, search: Search, desk_id: str, banner: str = "") -> Block:
    page = tools.core.canned.page(search.query, search.language, search.page)
    return render_list(page, search, may_change=tools.may_administer(desk_id), banner=banner)


# -- one reply


def add(tools: Tools, click: Click, ack: Ack) -> None:
    """Adds a reply."""
    ack()
    search = Search.parse(click.metadata)
    new = CannedReply(tidy_name(search.query).replace(" ", "-"), search.language, "")
    put(tools, click, render_edit(new, search))


def change(tools: Tools, click: Click, ack: Ack) -> None:
    """Edits a reply."""
    ack()
    search = Search.parse(click.metadata)
    reply = tools.core.canned.get(click.number or 0)
    if reply:
        put(tools, click, render_edit(reply, search, seen=tools.core.canned.seen(reply)))
    else:
        tools.desk.update_view(click.view_id, _list(tools, search, click.desk_id, GONE))


def previewed(tools: Tools, click: Click, ack: Ack) -> None:
    """Previews a reply, or says why it is not valid."""
    ack()
    editing = Editing.parse(click.metadata)
    reply = _written(editing, click.state)
    wrong = problem(reply)
    shown = render_edit(
        reply,
        editing.search,
        preview="" if wrong else reply.preview(),
        problem=wrong[1] if wrong else "",
        seen=editing.seen,
    )
    tools.desk.update_view(click.view_id, shown)


def saved(tools: Tools, body: Body, ack: Ack) -> None:
    """Saves a reply; problems are reported next to the field."""
    view = body["view"]
    editing = Editing.parse(str(view.get("private_metadata") or ""))
    reply = _written(editing, filled_in(body))
    wrong = tools.core.canned.save(reply, sender(body), editing.seen)
    if wrong:
        part, words = wrong
        ack(response_action="errors", errors={FIELDS[part].value: words})
        return
    ack()
    _refresh(tools, view, editing.search, sender(body), f"{reply.name} is saved.")


def deleted(tools: Tools, click: Click, ack: Ack) -> None:
    """Deletes a reply."""
    ack()
    reply = tools.core.canned.get(click.number or 0)
    tools.core.canned.delete(click.number or 0, click.desk_id)
    tools.desk.update_view(click.view_id, render_deleted(reply.name if reply else "It"))
    search = Editing.parse(click.metadata).search
    if click.previous_view_id:
        tools.desk.update_view(click.previous_view_id, _list(tools, search, click.desk_id))


def _refresh(tools: Tools, view: Body, search: Search, desk_id: str, banner: str) -> None:
    """Updates the list below."""
    below = str(view.get("previous_view_id") or "")
    if below:
        tools.desk.update_view(below, _list(tools, search, desk_id, banner))


def _written(editing: Editing, state: Mapping[str, Any]) -> CannedReply:
    return CannedReply(
        name=tidy_name(one(state, CannedAction.NAME)),
        language=_language(state, CannedAction.LANGUAGE),
        text=one(state, CannedAction.TEXT),
        id=editing.id,
    )


def _language(state: Mapping[str, Any], field: CannedAction) -> str:
    found = one(state, field)
    return "" if found == ANY else found


FEATURE = Feature(
    clicks={
        CannedAction.SHOW: guarded(Action.USE, show),
        CannedAction.PAGE_BACK: guarded(Action.USE, turned),
        CannedAction.PAGE_ON: guarded(Action.USE, turned),
        CannedAction.ADD: by_admins(add),
        CannedAction.CHANGE: by_admins(change),
        CannedAction.PREVIEW: by_admins(previewed),
        CannedAction.DELETE: by_admins(deleted),
    },
    views={CannedModal.LIST: guarded(Action.USE, searched), CannedModal.EDIT: by_admins(saved)},
    commands={"canned": guarded(Action.USE, look_up)},
    shortcuts={
        "show_canned": Shortcut(
            "Canned replies",
            "Look up prepared replies",
            False,
            guarded(Action.USE, look_up_from_anywhere),
        ),
    },
    help=("/handoff canned: look up canned replies (refund)",),
)
