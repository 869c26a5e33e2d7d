"""Message templates: admins edit them, agents send one when the messaging window is closed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from slack_bolt import Ack

from handoff_bot.domain.action_result import ActionResult
from handoff_bot.domain.desk import Button
from handoff_bot.domain.message_templates import MessageTemplate, labels_in, value_problem
from handoff_bot.domain.roles import Action
from handoff_bot.services.replies.message_templates import Part, Problem, problem
from handoff_bot.slack.click import Click, Tools, ephemeral, sender, tell
from handoff_bot.slack.feature import Body, Feature, SlashCommand, Subject, guarded
from handoff_bot.slack.features.actions import OLD_BUTTON
from handoff_bot.slack.features.admins import by_admins, put
from handoff_bot.slack.features.escalation_modals import OLD_MODAL
from handoff_bot.slack.features.message_templates_blocks import (
    TemplateAction,
    TemplateModal,
    Using,
    name_in,
    render_deleted,
    render_edit,
    render_list,
    render_use,
    value_field,
)
from handoff_bot.slack.kit.fields import modal
from handoff_bot.slack.kit.form import held
from handoff_bot.slack.kit.text import SlackMessage, section

FIELDS = {
    Part.NAME: TemplateAction.NAME,
    Part.SID: TemplateAction.SID,
    Part.TEXT: TemplateAction.TEXT,
    Part.LABELS: TemplateAction.LABELS,
}


# -- the admins' list


def in_words(tools: Tools, asked: SlashCommand) -> SlackMessage | None:
    """`/handoff templates`."""
    tools.desk.open_view(asked.trigger_id, render_list(tools.core.templates.every()))
    return None


def show(tools: Tools, click: Click, ack: Ack) -> None:
    """The button in the settings."""
    ack()
    put(tools, click, render_list(tools.core.templates.every()))


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


def saved(tools: Tools, body: Body, ack: Ack) -> None:
    """Saves a template; problems are reported next to the field."""
    view, state = body["view"], _state(body)
    before = name_in(str(view.get("private_metadata") or ""))
    new, wrong = _written(state)
    wrong = wrong or tools.core.templates.save(new, before, sender(body))
    if wrong:
        part, words = wrong
        ack(response_action="errors", errors={FIELDS[part].value: words})
        return
    ack()
    _refresh(tools, str(view.get("previous_view_id") or ""), _saved(new))


def _saved(new: MessageTemplate) -> str:
    """Names variables that the text lacks: an agent would otherwise be the first to notice a typo."""
    if not new.further:
        return f"{new.name} is saved."
    names = ", ".join(f"{{{{{name}}}}}" for name in new.further)
    return f"{new.name} is saved. Variables outside the text, for a button, link or file: {names}"


def _written(state: Mapping[str, Any]) -> tuple[MessageTemplate, Problem | None]:
    """Returns the input, and its problem."""
    new = MessageTemplate(
        _one(state, TemplateAction.NAME),
        _one(state, TemplateAction.SID),
        _one(state, TemplateAction.TEXT),
    )
    if wrong := problem(new):
        return new, wrong
    try:
        labels = labels_in(_one(state, TemplateAction.LABELS), new.text)
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


# -- sending a template


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
    using = Using.parse(click.metadata)
    templates = tools.core.templates.every()
    found = tools.core.templates.get(next(iter(click.chosen), ""))
    if using:
        tools.desk.update_view(click.view_id, render_use(templates, using, found))


def sent(tools: Tools, body: Body, ack: Ack) -> None:
    """Sends the template to the customer."""
    view, state = body["view"], _state(body)
    using = Using.parse(str(view.get("private_metadata") or ""))
    found = tools.core.templates.get(_one(state, TemplateAction.CHOICE))
    if using is None or found is None:
        ack(response_action="update", view=modal("Use a template", [section(OLD_MODAL)]))
        return
    values = {name: _value(state, number) for number, name in enumerate(found.variables)}
    wrong = {
        value_field(number): words
        for number, name in enumerate(found.variables)
        if (words := value_problem(values[name]))
    }
    if wrong:
        ack(response_action="errors", errors=wrong)
        return
    agent = tools.desk.agent(sender(body))
    key = f"template:{view.get('id', '')}"
    outcome = tools.core.templates.send(using.message_id, agent, found.name, values, key)
    if not outcome.done:
        ack(response_action="errors", errors={TemplateAction.CHOICE.value: outcome.text})
        return
    ack()
    if outcome.text:
        tell(tools.desk, agent.desk_id, using.thread, outcome.text)


def _value(state: Mapping[str, Any], number: int) -> str:
    return next(iter(held(state, value_field(number))), "").strip()


def _state(body: Body) -> Mapping[str, Any]:
    return (body["view"].get("state") or {}).get("values") or {}


def _one(state: Mapping[str, Any], field: TemplateAction) -> str:
    return next(iter(held(state, field)), "").strip()


FEATURE = Feature(
    clicks={
        Button.USE_TEMPLATE.value: guarded(Action.REPLY, use, Subject.MESSAGE),
        TemplateAction.CHOICE: guarded(Action.REPLY, chosen, Subject.MESSAGE),
        TemplateAction.SHOW: by_admins(show),
        TemplateAction.ADD: by_admins(add),
        TemplateAction.CHANGE: by_admins(change),
        TemplateAction.DELETE: by_admins(deleted),
    },
    views={
        TemplateModal.EDIT: by_admins(saved),
        TemplateModal.USE: guarded(Action.REPLY, sent, Subject.MESSAGE),
    },
    commands={"templates": by_admins(in_words)},
    help=("/handoff templates: message templates that WhatsApp has approved (admins)",),
)
