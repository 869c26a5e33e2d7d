"""Canned replies: all agents can look them up, admins can edit them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from slack_bolt import Ack

from handoff_bot.domain.replies import (
    LONGEST,
    LONGEST_NAME,
    PLACEHOLDERS,
    CannedPage,
    CannedReply,
    tidy_name,
)
from handoff_bot.domain.roles import Action
from handoff_bot.domain.text import LANGUAGES, language_name, many
from handoff_bot.services.replies.canned import Part, problem
from handoff_bot.slack.feature import (
    Click,
    Feature,
    Shortcut,
    ShortcutCall,
    SlashCommand,
    Tools,
    guarded,
    submits,
)
from handoff_bot.slack.features.admins import by_admins, put
from handoff_bot.slack.kit.fields import Number, delete_button, labelled, modal, turns
from handoff_bot.slack.kit.form import Form, Metadata, Submission, one_or_any, stripped, text
from handoff_bot.slack.kit.text import (
    WARNING,
    Block,
    actions,
    context,
    line,
    one_line,
    plain,
    quote,
    rich,
    section,
    strong,
    told,
)

TITLE = "Canned replies"
SHOWN = 300
GONE = "This reply has been deleted."


class CannedAction(StrEnum):
    """Action ids of the buttons."""

    SHOW = "canned_show"
    PAGE_BACK = "canned_page_back"
    PAGE_ON = "canned_page_on"
    ADD = "canned_add"
    CHANGE = "canned_change"
    DELETE = "canned_delete"
    PREVIEW = "canned_preview"


# -- the list


@dataclass(frozen=True)
class Search:
    """Search text, language and page; `language` is "" for all."""

    query: str = ""
    language: str = ""
    page: Number = 0


QUERY = text(
    "canned_query",
    "Search for",
    placeholder="refund",
    most=100,
    hint="Name or text of the reply",
    optional=True,
    current=lambda search: search.query,
)
WANTED = one_or_any(
    "canned_wanted",
    "Language",
    "Any language",
    LANGUAGES,
    optional=True,
    current=lambda search: search.language,
)
SEARCH = Metadata(Search, Search())
LIST = Form(TITLE, "canned_list", (QUERY, WANTED), SEARCH, submit="Search", close="Close")


def render_list(page: CannedPage, search: Search, *, may_change: bool, banner: str = "") -> Block:
    """Renders a search and its results; admins can edit the results."""
    blocks = [*_heading(page, search, may_change=may_change)]
    blocks += [_row(reply, may_change=may_change) for reply in page.rows]
    if others := turns(CannedAction.PAGE_BACK, CannedAction.PAGE_ON, page.page, page.pages):
        blocks.append(actions(*others))
    return LIST.render(search, search, below=blocks, banner=banner)


def _heading(page: CannedPage, search: Search, *, may_change: bool) -> Iterator[Block]:
    how_many = many(page.found, "reply", "replies")
    where = f"{how_many} · page {page.page + 1} of {page.pages}"
    yield context(
        plain(
            f"{where} · To send one, write !reply and its name in the thread of your conversation."
        )
    )
    if may_change:
        yield actions(labelled(CannedAction.ADD, "Add a reply…", "new"))
    if not page.found:
        yield section("No canned replies found." if search.query else "No canned replies yet.")


def _row(reply: CannedReply, *, may_change: bool) -> Block:
    row = section(f"{_title(reply)}\n{one_line(reply.text, SHOWN)}")
    if may_change:
        row["accessory"] = labelled(CannedAction.CHANGE, "Edit…", str(reply.id), _title(reply))
    return row


def _title(reply: CannedReply) -> str:
    language = language_name(reply.language) if reply.language else "any language"
    return f"{one_line(reply.name, LONGEST_NAME)} · {one_line(language, 40)}"


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


def searched(tools: Tools, entered: Submission[Search], ack: Ack) -> None:
    """Another search text or language."""
    wanted = Search(entered[QUERY], entered[WANTED])
    ack(response_action="update", view=_list(tools, wanted, entered.by))


def turned(tools: Tools, click: Click, ack: Ack) -> None:
    """Another page of the same search."""
    ack()
    search = replace(SEARCH.parse(click.metadata), page=click.number or 0)
    tools.desk.update_view(click.view_id, _list(tools, search, click.desk_id))


def _list(tools: Tools, search: Search, desk_id: str, banner: str = "") -> Block:
    page = tools.core.canned.page(search.query, search.language, search.page)
    return render_list(page, search, may_change=tools.may_administer(desk_id), banner=banner)


# -- one reply


@dataclass(frozen=True)
class Editing:
    """The edited reply.

    Attributes:
        id: 0 for a new one.
        search: the metadata of the list below.
        seen: the reply's newest change when the modal was opened.
    """

    id: Number = 0
    search: str = ""
    seen: Number = 0


NAME = text(
    "canned_name",
    "Name",
    placeholder="refund",
    most=LONGEST_NAME + 8,
    hint="One word. Agents write !reply and this name in a thread.",
    current=lambda reply: reply.name,
).parsed(lambda entered: tidy_name(stripped(entered)))
LANGUAGE = one_or_any(
    "canned_language",
    "Language",
    "Any language",
    LANGUAGES,
    hint="Customers get the version in their language, if there is one.",
    current=lambda reply: reply.language,
)
TEXT = text(
    "canned_text",
    "Reply",
    many_lines=True,
    most=LONGEST,
    hint=f"Placeholders: {', '.join(f'{{{each}}}' for each in sorted(PLACEHOLDERS))}.",
    current=lambda reply: reply.text,
)
FIELDS = {Part.NAME: NAME, Part.LANGUAGE: LANGUAGE, Part.TEXT: TEXT}
EDIT = Form(
    "Edit reply",
    "canned_edit",
    (NAME, LANGUAGE, TEXT),
    Metadata(Editing, Editing()),
    close="Back",
)


def render_edit(
    reply: CannedReply, search: Search, preview: str = "", problem: str = "", seen: int = 0
) -> Block:
    """Renders the form of a new or existing reply."""
    form = EDIT if reply.id else replace(EDIT, title="Add a reply")
    below = [*_reads(preview, problem), actions(*_buttons(reply))]
    return form.render(Editing(reply.id, SEARCH.dump(search), seen), reply, below=below)


def _reads(preview: str, problem: str) -> Iterator[Block]:
    if problem:
        yield told(f"{WARNING}{problem}")
    elif preview:
        yield rich(line(strong("Preview:")), quote(preview, LONGEST))


def _buttons(reply: CannedReply) -> Iterator[Block]:
    yield labelled(CannedAction.PREVIEW, "Preview", "preview")
    if reply.id:
        effect = "Its text stays in the history."
        yield delete_button(
            CannedAction.DELETE, str(reply.id), _title(reply), "Delete this reply?", effect
        )


def render_deleted(name: str) -> Block:
    """Renders the confirmation that a reply was deleted."""
    return modal(TITLE, [section(f"{one_line(name, LONGEST_NAME)} is deleted.")], close="Back")


def add(tools: Tools, click: Click, ack: Ack) -> None:
    """Adds a reply."""
    ack()
    search = SEARCH.parse(click.metadata)
    new = CannedReply(tidy_name(search.query).replace(" ", "-"), search.language, "")
    put(tools, click, render_edit(new, search))


def change(tools: Tools, click: Click, ack: Ack) -> None:
    """Edits a reply."""
    ack()
    search = SEARCH.parse(click.metadata)
    reply = tools.core.canned.get(click.number or 0)
    if reply:
        put(tools, click, render_edit(reply, search, seen=tools.core.canned.seen(reply)))
    else:
        tools.desk.update_view(click.view_id, _list(tools, search, click.desk_id, GONE))


def previewed(tools: Tools, click: Click, ack: Ack) -> None:
    """Previews a reply, or says why it is not valid."""
    ack()
    entered = EDIT.received(click.metadata, click.state)
    reply = _written(entered)
    wrong = problem(reply)
    shown = render_edit(
        reply,
        SEARCH.parse(entered.about.search),
        preview="" if wrong else reply.preview(),
        problem=wrong[1] if wrong else "",
        seen=entered.about.seen,
    )
    tools.desk.update_view(click.view_id, shown)


def saved(tools: Tools, entered: Submission[Editing], ack: Ack) -> None:
    """Saves a reply."""
    reply = _written(entered)
    wrong = tools.core.canned.save(reply, entered.by, entered.about.seen)
    if wrong:
        part, why = wrong
        raise FIELDS[part].invalid(why)
    ack()
    if entered.below:
        search = SEARCH.parse(entered.about.search)
        shown = _list(tools, search, entered.by, f"{reply.name} is saved.")
        tools.desk.update_view(entered.below, shown)


def deleted(tools: Tools, click: Click, ack: Ack) -> None:
    """Deletes a reply."""
    ack()
    reply = tools.core.canned.get(click.number or 0)
    tools.core.canned.delete(click.number or 0, click.desk_id)
    tools.desk.update_view(click.view_id, render_deleted(reply.name if reply else "It"))
    if click.previous_view_id:
        editing = EDIT.received(click.metadata, click.state).about
        shown = _list(tools, SEARCH.parse(editing.search), click.desk_id)
        tools.desk.update_view(click.previous_view_id, shown)


def _written(entered: Submission[Editing]) -> CannedReply:
    return CannedReply(entered[NAME], entered[LANGUAGE], entered[TEXT], entered.about.id)


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
    views={
        LIST.callback_id: guarded(Action.USE, submits(LIST, searched)),
        EDIT.callback_id: by_admins(submits(EDIT, saved)),
    },
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
