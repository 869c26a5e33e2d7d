"""Renders the modals of message templates: the admins' list, one template to edit, and one to send."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum

from pydantic import TypeAdapter

from handoff_bot.domain.desk import Place
from handoff_bot.domain.message_templates import (
    LONGEST_NAME,
    LONGEST_TEXT,
    LONGEST_VALUE,
    MOST,
    MessageTemplate,
)
from handoff_bot.slack.kit.fields import Number, asking, labelled, menu, modal, read, text_field
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

TITLE = "Templates"
SHOWN = 300
_LABELS = 1000


class TemplateAction(StrEnum):
    """Action ids of buttons and fields."""

    SHOW = "templates_show"
    ADD = "template_add"
    CHANGE = "template_change"
    DELETE = "template_delete"
    NAME = "template_name"
    SID = "template_sid"
    TEXT = "template_text"
    LABELS = "template_labels"
    CHOICE = "template_choice"


class TemplateModal(StrEnum):
    """Callback ids of the modals that can be submitted."""

    EDIT = "template_edit"
    USE = "template_use"


@dataclass(frozen=True)
class Using:
    """The message that a template replaces, and the thread for the result."""

    message_id: Number
    slack_channel: str
    ts: str

    @property
    def thread(self) -> Place:
        """The thread in which the result is posted."""
        return Place(self.slack_channel, self.ts)

    def dump(self) -> str:
        """Returns the `private_metadata` of a modal."""
        return json.dumps(asdict(self))

    @classmethod
    def parse(cls, metadata: str) -> Using | None:
        """Parses `private_metadata`; None if it is not valid."""
        return read(_USING, metadata)


# -- the admins' list


def render_list(templates: Sequence[MessageTemplate], banner: str = "") -> Block:
    """Renders all templates, with buttons to add and edit."""
    how = "Messages for WhatsApp when the customer's last message is more than 24 hours old."
    blocks = [section(banner)] if banner else []
    blocks += [context(plain(how)), actions(labelled(TemplateAction.ADD, "Add a template…", "new"))]
    blocks += [_row(each) for each in templates[:MOST]]
    if not templates:
        blocks.append(section("No templates yet."))
    return modal(TITLE, blocks)


def _row(template: MessageTemplate) -> Block:
    name = one_line(template.name, LONGEST_NAME)
    row = section(f"{name}\n{one_line(template.text, SHOWN)}")
    row["accessory"] = labelled(TemplateAction.CHANGE, "Edit…", template.name, name)
    return row


def render_edit(template: MessageTemplate) -> Block:
    """Renders the form of a new or existing template."""
    labels = "\n".join(f"{name}: {label}" for name, label in template.labels.items())
    name = text_field(TemplateAction.NAME, initial=template.name, hint="News", most=LONGEST_NAME)
    sid = text_field(TemplateAction.SID, initial=template.content_sid, hint="HX…", most=64)
    text = text_field(
        TemplateAction.TEXT, initial=template.text, many_lines=True, most=LONGEST_TEXT
    )
    asked = text_field(TemplateAction.LABELS, initial=labels, many_lines=True, most=_LABELS)
    blocks = [
        asking("Name", name, hint="The name that agents see."),
        asking("ContentSid", sid, hint="From Twilio's Content Template Builder, once approved."),
        asking("Text", text, hint="The approved text with its variables: Hi {{1}}, …"),
        asking(
            "Prompt for each variable",
            asked,
            hint=(
                "One per line, e.g. 1: Customer's name. Include variables of buttons, "
                "links and files."
            ),
            optional=True,
        ),
        *_delete(template),
    ]
    return modal(
        "Edit template" if template.name else "Add a template",
        blocks,
        callback_id=TemplateModal.EDIT,
        submit="Save",
        close="Back",
        metadata=json.dumps({"name": template.name}),
    )


def _delete(template: MessageTemplate) -> Iterator[Block]:
    if template.name:
        confirm: Block = {
            "title": plain("Delete this template?", 100),
            "text": plain("Agents can no longer send it. It stays at Twilio.", 300),
            "confirm": plain("Delete", 30),
            "deny": plain("Cancel", 30),
        }
        button = labelled(TemplateAction.DELETE, "Delete", template.name, template.name)
        yield actions(button | {"style": "danger", "confirm": confirm})


_USING = TypeAdapter(Using)
_NAMED = TypeAdapter(dict[str, str])


def name_in(metadata: str) -> str:
    """Returns the template's name from a modal; "" for a new one."""
    held = read(_NAMED, metadata)
    return held.get("name", "") if held else ""


def render_deleted(name: str) -> Block:
    """Renders the confirmation that a template was deleted."""
    return modal(TITLE, [section(f"{one_line(name, LONGEST_NAME)} is deleted.")], close="Back")


# -- sending one


def value_field(number: int) -> str:
    """Returns the field of a variable. Numbered, because a variable's name may be any text."""
    return f"template_value_{number}"


def render_use(
    templates: Sequence[MessageTemplate],
    using: Using,
    chosen: MessageTemplate | None = None,
    values: Mapping[str, str] | None = None,
) -> Block:
    """Renders the modal in which an agent chooses a template, fills in its variables and sends it."""
    if not templates:
        words = "No templates yet. Ask an admin to add one with /handoff templates."
        return modal("Use a template", [section(words)])
    chosen = chosen or templates[0]
    names = {each.name: each.name for each in templates[:MOST]}
    choice = menu(TemplateAction.CHOICE, "Choose a template", names, chosen.name)
    blocks = [asking("Template", choice, acts=True)]
    blocks.append(rich(line(strong("Preview:")), quote(chosen.text, LONGEST_TEXT)))
    for number, variable in enumerate(chosen.variables):
        initial = (values or {}).get(variable, "")
        field = text_field(value_field(number), initial=initial, most=LONGEST_VALUE)
        blocks.append(asking(chosen.label(variable), field))
    return modal(
        "Use a template",
        blocks,
        callback_id=TemplateModal.USE,
        submit="Send",
        close="Cancel",
        metadata=using.dump(),
    )
