"""The admins' list of tags: added, renamed, removed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from slack_bolt import Ack

from handoff_bot.domain.escalations import LONGEST_TAG
from handoff_bot.domain.text import many
from handoff_bot.services.tickets.ticket_edits import TAG_GONE, KnownTag
from handoff_bot.slack.feature import Click, Feature, SlashCommand, Tools, submits
from handoff_bot.slack.features.admins import by_admins, put
from handoff_bot.slack.kit.fields import Number, delete_button, labelled, modal, turns
from handoff_bot.slack.kit.form import Form, Metadata, Submission, text
from handoff_bot.slack.kit.text import Block, actions, section

TITLE = "Tags"
PAGE = 40
NO_TAGS = "No tags yet. Agents also add tags when they resolve a conversation."


class TagAction(StrEnum):
    """Action ids of the buttons."""

    SHOW = "tags_show"
    ADD = "tags_add"
    CHANGE = "tags_change"
    REMOVE = "tags_remove"
    PAGE_BACK = "tags_page_back"
    PAGE_ON = "tags_page_on"


def render_tags(tags: Sequence[KnownTag], page: int = 0, banner: str = "") -> Block:
    """Renders one page of the list."""
    pages = -(-len(tags) // PAGE) or 1
    page = min(page, pages - 1)
    blocks = [actions(labelled(TagAction.ADD, "Add a tag…", "new"))]
    blocks += [_row(tag) for tag in tags[PAGE * page : PAGE * (page + 1)]]
    if not tags:
        blocks.append(section(NO_TAGS))
    if others := turns(TagAction.PAGE_BACK, TagAction.PAGE_ON, page, pages):
        blocks.append(actions(*others))
    return modal(TITLE, blocks, banner=banner)


def _row(tag: KnownTag) -> Block:
    button = labelled(TagAction.CHANGE, "Edit…", tag.name, tag.name)
    return section(f"#{tag.name}\n{_use(tag)}") | {"accessory": button}


def _use(tag: KnownTag) -> str:
    return many(tag.tickets, "ticket") if tag.tickets else "not in use"


def asked_for(tools: Tools, asked: SlashCommand) -> None:
    """`/handoff tags`."""
    tools.desk.open_view(asked.trigger_id, render_tags(tools.core.tags.all()))


def show(tools: Tools, click: Click, ack: Ack) -> None:
    """The button in the settings."""
    ack()
    put(tools, click, render_tags(tools.core.tags.all()))


def turned(tools: Tools, click: Click, ack: Ack) -> None:
    ack()
    tools.desk.update_view(click.view_id, render_tags(tools.core.tags.all(), click.number or 0))


# -- one tag


@dataclass(frozen=True)
class Opened:
    """The tag of a modal, "" for a new one."""

    name: str = ""
    tickets: Number = 0


NAME = text(
    "tag_name",
    "Name",
    placeholder="refund",
    most=LONGEST_TAG + 1,
    hint="One word.",
    current=lambda tag: tag.name,
)
EDIT = Form("Edit tag", "tag_edit", (NAME,), Metadata(Opened, Opened()), close="Back")
RENAMING = "Renaming also changes {tickets} and all rules with this tag."


def render_edit(tag: KnownTag) -> Block:
    """Renders the form of a new or existing tag."""
    about = Opened(tag.name, tag.tickets)
    if not tag.name:
        return replace(EDIT, title="Add a tag").render(about, tag)
    said = section(RENAMING.format(tickets=many(tag.tickets, "ticket")))
    effect = (
        f"The tag is removed from {many(tag.tickets, 'ticket')} and from rules. A rule without any "
        "other tag keeps it."
    )
    delete = delete_button(TagAction.REMOVE, tag.name, tag.name, "Delete this tag?", effect)
    return EDIT.render(about, tag, below=[said, actions(delete)])


def add(tools: Tools, click: Click, ack: Ack) -> None:
    ack()
    put(tools, click, render_edit(KnownTag("")))


def change(tools: Tools, click: Click, ack: Ack) -> None:
    ack()
    tag = tools.core.tags.get(click.value)
    if tag:
        put(tools, click, render_edit(tag))
    else:
        tools.desk.update_view(click.view_id, render_tags(tools.core.tags.all(), banner=TAG_GONE))


def saved(tools: Tools, entered: Submission[Opened], ack: Ack) -> None:
    """Adds or renames a tag."""
    old, name = entered.about.name, entered[NAME]
    tags, by = tools.core.tags, entered.by
    wrong = tags.rename(old, name, by) if old else tags.add(name, by)
    if wrong:
        raise NAME.invalid(wrong)
    ack()
    if entered.below:
        shown = render_tags(tools.core.tags.all(), banner=f"#{name.lstrip('#')} is saved.")
        tools.desk.update_view(entered.below, shown)


def removed(tools: Tools, click: Click, ack: Ack) -> None:
    ack()
    tools.core.tags.remove(click.value, click.desk_id)
    gone = modal(TITLE, [section(f"#{click.value} is deleted.")], close="Back")
    tools.desk.update_view(click.view_id, gone)
    if click.previous_view_id:
        tools.desk.update_view(click.previous_view_id, render_tags(tools.core.tags.all()))


FEATURE = Feature(
    clicks={
        TagAction.SHOW: by_admins(show),
        TagAction.ADD: by_admins(add),
        TagAction.CHANGE: by_admins(change),
        TagAction.REMOVE: by_admins(removed),
        TagAction.PAGE_BACK: by_admins(turned),
        TagAction.PAGE_ON: by_admins(turned),
    },
    views={EDIT.callback_id: by_admins(submits(EDIT, saved))},
    commands={"tags": by_admins(asked_for)},
    help=("/handoff tags: the team's tags, to add, rename and delete",),
)
