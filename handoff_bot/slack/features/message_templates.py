"""Message templates: admins edit them, agents send one when the messaging window is closed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from slack_bolt import Ack

from handoff_bot.domain.desk import Button, Place
from handoff_bot.domain.replies import (
    LONGEST_TEMPLATE_NAME,
    LONGEST_TEXT,
    LONGEST_VALUE,
    MOST,
    MessageTemplate,
    labels_in,
    value_problem,
)
from handoff_bot.domain.results import ActionResult
from handoff_bot.domain.roles import Action
from handoff_bot.services.replies.message_templates import Part, Problem, problem
from handoff_bot.slack.feature import (
    Click,
    Feature,
    SlashCommand,
    Subject,
    Tools,
    ephemeral,
    guarded,
    submits,
    tell,
)
from handoff_bot.slack.features.actions import OLD_BUTTON
from handoff_bot.slack.features.admins import by_admins, put
from handoff_bot.slack.kit.fields import Entered, Number, delete_button, labelled, modal
from handoff_bot.slack.kit.form import Field, Form, Metadata, Stale, Submission, choice, text
from handoff_bot.slack.kit.text import (
    Block,
    SlackMessage,
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


class TemplateAction(StrEnum):
    """Action ids of the buttons."""

    SHOW = "templates_show"
    ADD = "template_add"
    CHANGE = "template_change"
    DELETE = "template_delete"


# -- the admins' list


def render_list(templates: Sequence[MessageTemplate], banner: str = "") -> Block:
    """Renders all templates, with buttons to add and edit."""
    how = "Messages for WhatsApp when the customer's last message is more than 24 hours old."
    blocks = [context(plain(how)), actions(labelled(TemplateAction.ADD, "Add a template…", "new"))]
    blocks += [_row(each) for each in templates[:MOST]]
    if not templates:
        blocks.append(section("No templates yet."))
    return modal(TITLE, blocks, banner=banner)


def _row(template: MessageTemplate) -> Block:
    name = one_line(template.name, LONGEST_TEMPLATE_NAME)
    row = section(f"{name}\n{one_line(template.text, SHOWN)}")
    row["accessory"] = labelled(TemplateAction.CHANGE, "Edit…", template.name, name)
    return row


def in_words(tools: Tools, asked: SlashCommand) -> SlackMessage | None:
    """`/handoff templates`."""
    tools.desk.open_view(asked.trigger_id, render_list(tools.core.templates.every()))
    return None


def show(tools: Tools, click: Click, ack: Ack) -> None:
    """The button in the settings."""
    ack()
    put(tools, click, render_list(tools.core.templates.every()))


# -- one template to edit

NAME = text(
    "template_name",
    "Name",
    placeholder="News",
    most=LONGEST_TEMPLATE_NAME,
    hint="The name that agents see.",
    current=lambda template: template.name,
)
SID = text(
    "template_sid",
    "ContentSid",
    placeholder="HX…",
    most=64,
    hint="From Twilio's Content Template Builder, once approved.",
    current=lambda template: template.content_sid,
)
TEXT = text(
    "template_text",
    "Text",
    many_lines=True,
    most=LONGEST_TEXT,
    hint="The approved text with its variables: Hi {{1}}, …",
    current=lambda template: template.text,
)
LABELS = text(
    "template_labels",
    "Prompt for each variable",
    many_lines=True,
    most=1000,
    hint=("One per line, e.g. 1: Customer's name. Include variables of buttons, links and files."),
    optional=True,
    current=lambda template: "\n".join(f"{k}: {label}" for k, label in template.labels.items()),
)
FIELDS = {Part.NAME: NAME, Part.SID: SID, Part.TEXT: TEXT, Part.LABELS: LABELS}


@dataclass(frozen=True)
class Editing:
    """The edited template, "" for a new one."""

    name: str = ""


EDIT = Form(
    "Edit template",
    "template_edit",
    (NAME, SID, TEXT, LABELS),
    Metadata(Editing, Editing()),
    close="Back",
)


def render_edit(template: MessageTemplate) -> Block:
    """Renders the form of a new or existing template."""
    form = EDIT if template.name else replace(EDIT, title="Add a template")
    return form.render(Editing(template.name), template, below=_delete(template.name))


def _delete(name: str) -> Iterator[Block]:
    if name:
        effect = "Agents can no longer send it. It stays at Twilio."
        question = "Delete this template?"
        yield actions(delete_button(TemplateAction.DELETE, name, name, question, effect))


def render_deleted(name: str) -> Block:
    """Renders the confirmation that a template was deleted."""
    return modal(
        TITLE, [section(f"{one_line(name, LONGEST_TEMPLATE_NAME)} is deleted.")], close="Back"
    )


def add(tools: Tools, click: Click, ack: Ack) -> None:
    """Adds a template."""
    ack()
    put(tools, click, render_edit(MessageTemplate("", "", "")))


def change(tools: Tools, click: Click, ack: Ack) -> None:
    """Edits a template."""
    ack()
    found = tools.core.templates.get(click.value)
    if found:
        put(tools, click, render_edit(found))
    else:
        tools.desk.update_view(click.view_id, render_list(tools.core.templates.every()))


def saved(tools: Tools, entered: Submission[Editing], ack: Ack) -> None:
    """Saves a template."""
    new, wrong = _written(entered)
    wrong = wrong or tools.core.templates.save(new, entered.about.name, entered.by)
    if wrong:
        part, why = wrong
        raise FIELDS[part].invalid(why)
    ack()
    _refresh(tools, entered.below, _saved(new))


def _saved(new: MessageTemplate) -> str:
    """Names variables that the text lacks: an agent would otherwise be the first to notice a typo."""
    if not new.further:
        return f"{new.name} is saved."
    names = ", ".join(f"{{{{{name}}}}}" for name in new.further)
    return f"{new.name} is saved. Variables outside the text, for a button, link or file: {names}"


def _written(entered: Submission[Editing]) -> tuple[MessageTemplate, Problem | None]:
    """Returns the input, and its problem."""
    new = MessageTemplate(entered[NAME], entered[SID], entered[TEXT])
    if wrong := problem(new):
        return new, wrong
    try:
        labels = labels_in(entered[LABELS], new.text)
    except ValueError as error:
        return new, (Part.LABELS, str(error))
    return replace(new, labels=labels), None


def deleted(tools: Tools, click: Click, ack: Ack) -> None:
    """Deletes a template."""
    ack()
    tools.core.templates.delete(click.value, click.desk_id)
    tools.desk.update_view(click.view_id, render_deleted(click.value))
    _refresh(tools, click.previous_view_id, "")


def _refresh(tools: Tools, below: str, banner: str) -> None:
    """Updates the list below."""
    if below:
        tools.desk.update_view(below, render_list(tools.core.templates.every(), banner))


# -- one template to send


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


CHOICE = choice(
    "template_choice",
    "Template",
    {},
    placeholder="Choose a template",
    acts=True,
    current=lambda template: template.name,
)
USE = Form(
    "Use a template",
    "template_use",
    (CHOICE,),
    Metadata(Using),
    submit="Send",
    stale_title="Use a template",
)


def _value(entered: Entered) -> str:
    value = next(iter(entered), "").strip()
    if why := value_problem(value):
        raise ValueError(why)
    return value


def value_fields(
    template: MessageTemplate, values: Mapping[str, str] | None = None
) -> dict[str, Field[str]]:
    """Returns a field for each variable, with its current value."""
    return {
        variable: _value_field(number, template.label(variable), (values or {}).get(variable, ""))
        for number, variable in enumerate(template.variables)
    }


def _value_field(number: int, label: str, value: str) -> Field[str]:
    """Numbers the ids, because a variable's name may be any text."""
    field = text(
        f"template_value_{number}", label, most=LONGEST_VALUE, current=lambda _template: value
    )
    return field.parsed(_value)


def render_use(
    templates: Sequence[MessageTemplate],
    using: Using,
    chosen: MessageTemplate | None = None,
    values: Mapping[str, str] | None = None,
) -> Block:
    """Renders the modal in which an agent chooses a template, fills in its variables and sends it."""
    if not templates:
        why = "No templates yet. Ask an admin to add one with /handoff templates."
        return modal(USE.title, [section(why)])
    chosen = chosen or templates[0]
    parts: list[Field[Any] | Block] = [
        CHOICE.offering({each.name: each.name for each in templates[:MOST]}),
        rich(line(strong("Preview:")), quote(chosen.text, LONGEST_TEXT)),
        *value_fields(chosen, values).values(),
    ]
    return replace(USE, parts=parts).render(using, chosen)


def use(tools: Tools, click: Click, ack: Ack) -> None:
    """ "Use template…" below a message that the closed messaging window held back."""
    ack()
    if click.number is None or click.place is None:
        ephemeral(tools.desk, click, OLD_BUTTON)
        return
    chance = tools.core.templates.chance(click.number)
    if isinstance(chance, ActionResult):
        ephemeral(tools.desk, click, chance.text)
        return
    using = Using(click.number, click.place.slack_channel, click.place.ts)
    tools.desk.open_view(click.trigger_id, render_use(chance.templates, using))


def chosen(tools: Tools, click: Click, ack: Ack) -> None:
    """Another template was chosen: shows it with its variables."""
    ack()
    try:
        using = USE.received(click.metadata, click.state).about
    except Stale:
        return
    found = tools.core.templates.get(next(iter(click.chosen), ""))
    shown = render_use(tools.core.templates.every(), using, found)
    tools.desk.update_view(click.view_id, shown)


def sent(tools: Tools, entered: Submission[Using], ack: Ack) -> None:
    """Sends the template to the customer."""
    using, found = entered.about, tools.core.templates.get(entered[CHOICE])
    if found is None:
        raise Stale
    fields = value_fields(found)
    given = replace(USE, parts=tuple(fields.values())).values(entered)
    values = {variable: given[field.id] for variable, field in fields.items()}
    agent = tools.desk.agent(entered.by)
    key = f"template:{entered.view_id}"
    outcome = tools.core.templates.send(using.message_id, agent, found.name, values, key)
    if not outcome.done:
        raise CHOICE.invalid(outcome.text)
    ack()
    if outcome.text:
        tell(tools.desk, agent.desk_id, using.thread, outcome.text)


FEATURE = Feature(
    clicks={
        Button.USE_TEMPLATE.value: guarded(Action.REPLY, use, Subject.MESSAGE),
        CHOICE.id: guarded(Action.REPLY, chosen, Subject.MESSAGE),
        TemplateAction.SHOW: by_admins(show),
        TemplateAction.ADD: by_admins(add),
        TemplateAction.CHANGE: by_admins(change),
        TemplateAction.DELETE: by_admins(deleted),
    },
    views={
        EDIT.callback_id: by_admins(submits(EDIT, saved)),
        USE.callback_id: guarded(Action.REPLY, submits(USE, sent), Subject.MESSAGE),
    },
    commands={"templates": by_admins(in_words)},
    help=("/handoff templates: message templates that WhatsApp has approved",),
)
