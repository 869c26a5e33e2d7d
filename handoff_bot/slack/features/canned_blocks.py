"""Renders the modals of canned replies: the list with its search, and the form of one reply."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum

from pydantic import TypeAdapter

from handoff_bot.domain.canned import LONGEST, LONGEST_NAME, PLACEHOLDERS, CannedPage, CannedReply
from handoff_bot.domain.text import LANGUAGES, language_name, many
from handoff_bot.slack.kit.fields import (
    Number,
    asking,
    filter_menu,
    labelled,
    modal,
    read,
    text_field,
)
from handoff_bot.slack.kit.text import (
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
)

TITLE = "Canned replies"
SHOWN = 300


class CannedAction(StrEnum):
    """Action ids of buttons and fields."""

    SHOW = "canned_show"
    PAGE_BACK = "canned_page_back"
    PAGE_ON = "canned_page_on"
    ADD = "canned_add"
    CHANGE = "canned_change"
    DELETE = "canned_delete"
    PREVIEW = "canned_preview"
    QUERY = "canned_query"
    WANTED = "canned_wanted"
    NAME = "canned_name"
    LANGUAGE = "canned_language"
    TEXT = "canned_text"


class CannedModal(StrEnum):
    """Callback ids of the modals."""

    LIST = "canned_list"
    EDIT = "canned_edit"


@dataclass(frozen=True)
class Search:
    """Search text, language and page; `language` is "" for all."""

    query: str = ""
    language: str = ""
    page: Number = 0

    def dump(self) -> str:
        """Returns the `private_metadata` of a modal."""
        return json.dumps(asdict(self))

    @classmethod
    def parse(cls, metadata: str) -> Search:
        """Parses `private_metadata`; the search for everything if it is not valid."""
        return read(_SEARCH, metadata) or cls()


@dataclass(frozen=True)
class Editing:
    """The edited reply (`id` 0 for a new one), the search in the modal below, and the reply's newest change
    when the modal was opened, to detect concurrent edits.
    """

    id: int
    search: Search
    seen: int = 0

    def dump(self) -> str:
        """Returns the `private_metadata` of a modal."""
        return json.dumps({"id": self.id, "search": self.search.dump(), "seen": self.seen})

    @classmethod
    def parse(cls, metadata: str) -> Editing:
        """Parses `private_metadata`; a new reply if it is not valid."""
        held = read(_EDITING, metadata)
        return cls(held.id, Search.parse(held.search), held.seen) if held else cls(0, Search())


@dataclass(frozen=True)
class _Editing:
    id: Number
    search: str
    seen: Number


_SEARCH = TypeAdapter(Search)
_EDITING = TypeAdapter(_Editing)


def render_list(page: CannedPage, search: Search, *, may_change: bool, banner: str = "") -> Block:
    """Renders a search and its results; admins can edit the results."""
    blocks: list[Block] = [section(banner)] if banner else []
    blocks += [*_search(search), *_heading(page, search, may_change=may_change)]
    for reply in page.rows:
        blocks.append(_row(reply, may_change=may_change))
    turns = list(_turns(page))
    return modal(
        TITLE,
        [*blocks, actions(*turns)] if turns else blocks,
        callback_id=CannedModal.LIST,
        submit="Search",
        metadata=search.dump(),
    )


def _search(search: Search) -> Iterator[Block]:
    words = text_field(CannedAction.QUERY, initial=search.query, hint="refund", most=100)
    yield asking("Search for", words, hint="Name or text of the reply", optional=True)
    languages = filter_menu(CannedAction.WANTED, "Any language", LANGUAGES, search.language)
    yield asking("Language", languages, optional=True)


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
    words = f"{_title(reply)}\n{one_line(reply.text, SHOWN)}"
    row = section(words)
    if may_change:
        button = labelled(CannedAction.CHANGE, "Edit…", str(reply.id), _title(reply))
        row["accessory"] = button
    return row


def _title(reply: CannedReply) -> str:
    language = language_name(reply.language) if reply.language else "any language"
    return f"{one_line(reply.name, LONGEST_NAME)} · {one_line(language, 40)}"


def _turns(page: CannedPage) -> Iterator[Block]:
    if page.page > 0:
        yield labelled(CannedAction.PAGE_BACK, "Previous page", str(page.page - 1))
    if page.page + 1 < page.pages:
        yield labelled(CannedAction.PAGE_ON, "Next page", str(page.page + 1))


def render_edit(
    reply: CannedReply, search: Search, preview: str = "", problem: str = "", seen: int = 0
) -> Block:
    """Renders the form of a new or existing reply."""
    name = text_field(CannedAction.NAME, initial=reply.name, hint="refund", most=LONGEST_NAME + 8)
    languages = filter_menu(CannedAction.LANGUAGE, "Any language", LANGUAGES, reply.language)
    text = text_field(CannedAction.TEXT, initial=reply.text, many_lines=True, most=LONGEST)
    may = ", ".join(f"{{{each}}}" for each in sorted(PLACEHOLDERS))
    blocks = [
        asking("Name", name, hint="One word. Agents write !reply and this name in a thread."),
        asking(
            "Language",
            languages,
            hint=("Customers get the version in their language, if there is one."),
        ),
        asking("Reply", text, hint=f"Placeholders: {may}."),
        *_reads(preview, problem),
        actions(*_buttons(reply)),
    ]
    title = "Edit reply" if reply.id else "Add a reply"
    return modal(
        title,
        blocks,
        callback_id=CannedModal.EDIT,
        submit="Save",
        close="Back",
        metadata=Editing(reply.id, search, seen).dump(),
    )


def _reads(preview: str, problem: str) -> Iterator[Block]:
    if problem:
        yield section(f"⚠️ {problem}")
    elif preview:
        yield rich(line(strong("Preview:")), quote(preview, LONGEST))


def _buttons(reply: CannedReply) -> Iterator[Block]:
    yield labelled(CannedAction.PREVIEW, "Preview", "preview")
    if reply.id:
        confirm: Block = {
            "title": plain("Delete this reply?", 100),
            "text": plain("Its text stays in the history.", 300),
            "confirm": plain("Delete", 30),
            "deny": plain("Cancel", 30),
        }
        delete = labelled(CannedAction.DELETE, "Delete", str(reply.id), _title(reply))
        yield delete | {"style": "danger", "confirm": confirm}


def render_deleted(name: str) -> Block:
    """Renders the confirmation that a reply was deleted."""
    return modal(TITLE, [section(f"{one_line(name, LONGEST_NAME)} is deleted.")], close="Back")
