"""The settings, for admins only; the role is checked again when a modal is submitted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from slack_bolt import Ack

from handoff_bot.domain.public_holidays import regions
from handoff_bot.domain.settings import Section, Setting, Widget
from handoff_bot.services.settings import hours
from handoff_bot.services.settings_catalog import (
    FILES,
    GUIDANCE,
    HOURS,
    SECTIONS,
    TRANSLATION,
    key_of,
)
from handoff_bot.services.translation.translating import NO_MODEL
from handoff_bot.slack.feature import Click, Feature, SlashCommand, Tools, submits
from handoff_bot.slack.features import doctor, notifications, routing
from handoff_bot.slack.features.admins import by_admins, put, refused_in_modal
from handoff_bot.slack.features.canned import CannedAction
from handoff_bot.slack.features.customer_texts import TextAction, first_text
from handoff_bot.slack.features.history import (
    AuditAction,
    HistoryAction,
    before_and_after,
    history_page,
)
from handoff_bot.slack.features.knowledge import KnowledgeAction
from handoff_bot.slack.features.look_ups import LOOK_UPS
from handoff_bot.slack.features.mcp_servers import SERVERS
from handoff_bot.slack.features.message_templates import TemplateAction
from handoff_bot.slack.features.policy_rows import (
    PolicyAction,
    PolicyField,
    Rows,
    rows_in,
    step_words,
    with_another,
    without,
)
from handoff_bot.slack.features.policy_rows import entered as entered_steps
from handoff_bot.slack.features.rules import NOTICES, ROUTING
from handoff_bot.slack.features.tags import TagAction
from handoff_bot.slack.kit import fields as elements
from handoff_bot.slack.kit.fields import Number, State, held, labelled, modal
from handoff_bot.slack.kit.form import (
    Field,
    Form,
    Invalid,
    Metadata,
    Submission,
    chosen_or_any,
)
from handoff_bot.slack.kit.text import (
    WARNING,
    Block,
    actions,
    section,
    told,
)

CHANGED_MEANWHILE = "Another admin has changed these settings. Go back and open them again."
UNCHANGED = "No changes."
NO_READER = "No file is read because no language model is set up (OPENAI_API_KEY)."


class SettingsAction(StrEnum):
    """Action ids of the buttons."""

    SHOW = "settings_show"
    OPEN = "settings_open"
    CHECK = "settings_check"
    ASK = "settings_ask"


# -- the list of sections


@dataclass(frozen=True)
class Entry:
    """A modal of its own that the settings link to, by the action id of its button."""

    action: str
    title: str
    description: str


ENTRIES: tuple[Entry, ...] = (
    Entry(TextAction.SHOW, "Customer texts", "All automatic messages, by language and reason."),
    Entry(
        CannedAction.SHOW, "Canned replies", ("Prepared replies for agents, in several languages.")
    ),
    Entry(KnowledgeAction.SHOW, "Articles", "What the assistant answers from. Write and edit it."),
    Entry(TagAction.SHOW, "Tags", "Tags of tickets, and how many tickets have them."),
    Entry(
        TemplateAction.SHOW,
        "Templates",
        ("Messages that WhatsApp allows after its 24-hour window has closed."),
    ),
    Entry(ROUTING.show, ROUTING.title, ROUTING.intro),
    Entry(NOTICES.show, NOTICES.title, NOTICES.intro),
    Entry(LOOK_UPS.show, LOOK_UPS.title, "What the AI may ask your own systems."),
    Entry(SERVERS.show, SERVERS.title, "Servers of yours whose tools the AI may call."),
    Entry(HistoryAction.SHOW, "History", "Who changed which setting, and when."),
    Entry(
        AuditAction.SHOW,
        "Audit log",
        ("Who took, released or resolved conversations, and changed settings."),
    ),
    Entry(
        doctor.SHOW,
        "Doctor",
        ("Checks of Slack permissions, channels and the language model."),
    ),
)
"""The only list of these modals."""


def render_sections(sections: Sequence[Section], banner: str = "") -> Block:
    """Renders the list of all sections and modals."""
    blocks: list[Block] = []
    for each in sections:
        button = labelled(SettingsAction.OPEN, "Open", each.name, each.title)
        blocks.append(_row(each.title, each.description, button))
    for entry in ENTRIES:
        button = labelled(entry.action, "Open", "open", entry.title)
        blocks.append(_row(entry.title, entry.description, button))
    return modal("Settings", blocks, banner=banner)


def _row(title: str, description: str, button: Block) -> Block:
    return section(f"{title}\n{description}") | {"accessory": button}


_NOTHING: State = {}
POLICY = key_of("waiting_policy")
_BY_NAME = {each.name: each for each in SECTIONS}
_MODALS: Mapping[str, Callable[[Tools], Block]] = {
    "texts": first_text,
    "history": history_page,
    "routing": routing.MODALS.render,
    "notifications": notifications.MODALS.render,
}
"""Modals of their own that `/handoff settings NAME` opens."""


def asked_for(tools: Tools, asked: SlashCommand) -> None:
    """`/handoff settings`, or one section by its name."""
    name = asked.words.casefold()
    found = _known(tools, name)
    if found:
        view = _section(tools, found)
    elif name in _MODALS:
        view = _MODALS[name](tools)
    else:
        view = render_sections(SECTIONS)
    tools.desk.open_view(asked.trigger_id, view)


def show(tools: Tools, click: Click, ack: Ack) -> None:
    """The button in the Home tab."""
    ack()
    put(tools, click, render_sections(SECTIONS))


def open_section(tools: Tools, click: Click, ack: Ack) -> None:
    """Opens one section, on top of the list."""
    ack()
    found = _known(tools, click.value)
    if found:
        put(tools, click, _section(tools, found))


def _known(tools: Tools, name: str, state: State = _NOTHING) -> Section | None:
    """Returns a section with its choices, which may depend on what is entered in the modal."""
    found = _BY_NAME.get(name)
    if found and any(each.widget is Widget.GROUP for each in found.settings):
        return found.with_groups(tools.desk.groups())
    if found is TRANSLATION and not tools.core.interpreter.has_model:
        switch, *others = found.settings
        return replace(found, settings=(replace(switch, hint=NO_MODEL), *others))
    if found is FILES and not tools.core.reads_files:
        silent = tuple(replace(each, hint=NO_READER) for each in found.settings)
        return replace(found, settings=silent)
    if found is HOURS:
        values = _with_country(stored_values(tools, found), state)
        return hours.with_holidays(found, values, tools.core.clock.now().date())
    return found


def _with_country(stored: Mapping[str, Any], state: State) -> dict[str, Any]:
    """Returns the preferences with the chosen country and region; another country begins without
    the region and the removed days of the one before.
    """
    fields = {key for block in state.values() for key in block}
    country = chosen_or_any(held(state, hours.COUNTRY))
    if hours.COUNTRY not in fields or country == (stored.get(hours.COUNTRY) or ""):
        fresh = dict(stored)
    else:
        fresh = {**stored, hours.COUNTRY: country, hours.REGION: "", hours.WORKED: []}
    region = chosen_or_any(held(state, hours.REGION))
    if hours.REGION in fields and region in {"", *regions(fresh.get(hours.COUNTRY) or "")}:
        fresh[hours.REGION] = region
    return fresh


# -- one section


@dataclass(frozen=True)
class Opened:
    """The section of a modal, and its newest change when the modal was opened."""

    section: str = ""
    seen: Number = 0


FORM = Form("Settings", "settings_section", (), Metadata(Opened, Opened()), close="Back")


def section_form(shown: Section) -> Form[Opened]:
    """Returns the form of a section; it shows the preferences by key."""
    fields = [_field(each) for each in shown.settings]
    return replace(FORM, title=shown.title, parts=fields, conflict=(fields[0], CHANGED_MEANWHILE))


def _field(setting: Setting) -> Field[Any]:
    if setting.widget is Widget.POLICY_STEPS:
        return PolicyField(
            setting.name,
            setting.label,
            _lines,
            setting.parse,
            hint=setting.hint,
            current=lambda values: _rows(setting, values),
            read=entered_steps,
        )
    return Field(
        setting.name,
        setting.label,
        _element(setting),
        setting.parse,
        setting.choices,
        hint=setting.hint,
        optional=setting.widget is not Widget.CHOICE,
        acts=setting.renders_again,
        block_id=f"{setting.name}:{setting.depends_on}" if setting.depends_on else "",
        current=lambda values: setting.current(values.get(setting.key)),
    )


def _rows(setting: Setting, values: Mapping[str, Any]) -> Any:
    held_rows = values.get(setting.key)
    return held_rows if isinstance(held_rows, Mapping) else setting.current(held_rows)


def _choice(field: Field[Any], value: Any) -> Block:
    return elements.menu(field.id, "Choose", field.choices, str(value))


def _none_or_one(setting: Setting) -> Callable[[Field[Any], Any], Block]:
    def element(field: Field[Any], value: Any) -> Block:
        return elements.filter_menu(field.id, setting.placeholder, field.choices, str(value or ""))

    return element


def _several(setting: Setting) -> Callable[[Field[Any], Any], Block]:
    def element(field: Field[Any], value: Any) -> Block:
        return elements.several(field.id, setting.placeholder, field.choices, _texts(value))

    return element


def _yes_no(field: Field[Any], value: Any) -> Block:
    return elements.tick(field.id, "Yes", chosen=bool(value))


def _line(field: Field[Any], value: Any) -> Block:
    shown = f"{value:g}" if isinstance(value, int | float) else str(value or "")
    return elements.text_field(field.id, initial=shown, most=200)


def _lines(field: Field[Any], value: Any) -> Block:
    return elements.text_field(field.id, initial="\n".join(_texts(value)), many_lines=True)


def _people(field: Field[Any], value: Any) -> Block:
    return elements.people_menu(field.id, "Choose people", _texts(value))


def _group(field: Field[Any], value: Any) -> Block:
    return elements.group_menu(field.id, "No group", field.choices, str(value or ""))


def _channels(field: Field[Any], value: Any) -> Block:
    return elements.channels_menu(field.id, "Choose Slack channels", _texts(value))


def _texts(value: Any) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list) else []


_WIDGETS = {
    Widget.CHANNELS: _channels,
    Widget.GROUP: _group,
    Widget.CHOICE: _choice,
    Widget.YES_NO: _yes_no,
    Widget.LINE: _line,
    Widget.LINES: _lines,
    Widget.PEOPLE: _people,
}


def _element(setting: Setting) -> Callable[[Field[Any], Any], Block]:
    with_placeholder = {Widget.NONE_OR_ONE: _none_or_one, Widget.SEVERAL: _several}
    if setting.widget in with_placeholder:
        return with_placeholder[setting.widget](setting)
    return _WIDGETS[setting.widget]


@dataclass(frozen=True)
class Difference:
    """One change that saving would make, or the problem that prevents it.

    Attributes:
        label: the setting's label.
        before, after: the values as text.
        problem: why the value is not valid, "".
    """

    label: str
    before: str = ""
    after: str = ""
    problem: str = ""


def render_section(
    shown: Section,
    values: Mapping[str, Any],
    seen: int = 0,
    differences: Sequence[Difference] | None = None,
    more: Sequence[Block] = (),
) -> Block:
    """Renders one section.

    Args:
        shown: the section.
        values: the preferences by key.
        seen: their newest change.
        differences: what saving would change; None before a preview.
        more: further blocks at the end.
    """
    buttons = [labelled(SettingsAction.CHECK, "Preview changes", shown.name)]
    if shown.name == GUIDANCE.name:
        buttons.append(labelled(SettingsAction.ASK, "Try on conversations", shown.name))
    below = [actions(*buttons)]
    below += _differences(differences) if differences is not None else []
    below += more
    return section_form(shown).render(Opened(shown.name, seen), values, below=below)


def _differences(differences: Sequence[Difference]) -> Iterator[Block]:
    for each in differences:
        if each.problem:
            yield told(f"{WARNING}{each.label}: {each.problem}")
        else:
            yield section(f"{each.label}\n{before_and_after(each.before, each.after)}")
    if not differences:
        yield section("No changes.")


def in_words(setting: Setting, value: Any) -> str:
    """Returns a value as text."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if setting.widget is Widget.POLICY_STEPS:
        return "; ".join(map(step_words, value)) or "none"
    if isinstance(value, list):
        return ", ".join(setting.choices.get(str(each), str(each)) for each in value) or "none"
    return setting.choices.get(str(value), str(value))


def _section(tools: Tools, shown: Section) -> Block:
    seen = tools.core.preferences.newest_change(_keys(shown))
    return render_section(shown, stored_values(tools, shown), seen)


def _keys(shown: Section) -> set[str]:
    return {each.key for each in shown.settings}


def stored_values(tools: Tools, shown: Section) -> dict[str, Any]:
    return {key: tools.core.preferences.get(key, None) for key in _keys(shown)}


def checked(tools: Tools, click: Click, ack: Ack) -> None:
    """Previews the changes; the input stays."""
    ack()
    entered = FORM.received(click.metadata, click.state)
    found = _known(tools, entered.about.section, click.state)
    if found is None:
        return
    stored = stored_values(tools, found)
    changes = list(_changes(found, stored, entered))
    values = _in_modal(stored, click.state)
    shown = render_section(found, values, entered.about.seen, changes)
    tools.desk.update_view(click.view_id, shown)


def rendered_again(tools: Tools, click: Click, ack: Ack) -> None:
    """Shows a section with other choices, after a choice that they depend on."""
    ack()
    _show_again(tools, click, lambda rows: rows)


def step_added(tools: Tools, click: Click, ack: Ack) -> None:
    ack()
    _show_again(tools, click, with_another)


def step_removed(tools: Tools, click: Click, ack: Ack) -> None:
    ack()
    _show_again(tools, click, lambda rows: without(rows, click.number))


def step_chosen(_tools: Tools, _click: Click, ack: Ack) -> None:
    """Slack sends each choice in a row; it counts when the modal is submitted."""
    ack()


def _show_again(tools: Tools, click: Click, changed: Callable[[Rows], Rows]) -> None:
    about = FORM.received(click.metadata, click.state).about
    found = _known(tools, about.section, click.state)
    if found:
        values = _in_modal(stored_values(tools, found), click.state)
        if POLICY in values:
            values[POLICY] = changed(values[POLICY])
        tools.desk.update_view(click.view_id, render_section(found, values, about.seen))


def _in_modal(stored: Mapping[str, Any], state: State) -> dict[str, Any]:
    """Returns the preferences with what decides in an open modal which fields it has."""
    values = _with_country(stored, state)
    return {**values, POLICY: rows_in(state)} if POLICY in stored else values


def _changes(
    shown: Section, stored: Mapping[str, Any], entered: Submission[Opened]
) -> Iterator[Difference]:
    for each in shown.settings:
        now = each.current(stored.get(each.key))
        try:
            value = entered[_field(each)]
        except Invalid as invalid:
            yield Difference(each.label, problem=str(invalid))
            continue
        before = stored.get(each.key)
        if each.merged(before, value) != each.merged(before, now):
            yield Difference(each.label, in_words(each, now), in_words(each, value))


def saved(tools: Tools, entered: Submission[Opened], ack: Ack) -> None:
    """Saves a whole section or nothing."""
    found = _known(tools, entered.about.section, entered.state)
    if found is None:
        ack(response_action="update", view=refused_in_modal(tools))
        return
    stored, form = stored_values(tools, found), section_form(found)
    values = form.values(entered)
    if wrong := found.problems(values):
        raise Invalid(wrong)
    merged = _merged(found, stored, values)
    form.require_unchanged(
        tools.core.preferences.change_several(merged, entered.by, entered.about.seen)
    )
    labels = [each.label for each in _changes(found, stored, entered)]
    _closed(tools, entered.below, ack, f"Saved: {', '.join(labels)}." if labels else UNCHANGED)


def _merged(shown: Section, stored: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the changed preferences."""
    merged: dict[str, Any] = {}
    for each in shown.settings:
        value = values[each.name]
        if value != each.current(stored.get(each.key)):
            before = merged.get(each.key, stored.get(each.key))
            merged[each.key] = each.merged(before, value)
    return merged


def _closed(tools: Tools, below: str, ack: Ack, banner: str) -> None:
    """Goes back to the list, which shows the result."""
    if not below:
        ack(response_action="update", view=render_sections(SECTIONS, banner))
        return
    ack()
    tools.desk.update_view(below, render_sections(SECTIONS, banner))


FEATURE = Feature(
    clicks={
        SettingsAction.SHOW: by_admins(show),
        SettingsAction.OPEN: by_admins(open_section),
        SettingsAction.CHECK: by_admins(checked),
        PolicyAction.AFTER: by_admins(step_chosen),
        PolicyAction.WHAT: by_admins(step_chosen),
        PolicyAction.WHOM: by_admins(step_chosen),
        PolicyAction.ADD: by_admins(step_added),
        PolicyAction.REMOVE: by_admins(step_removed),
        hours.COUNTRY: by_admins(rendered_again),
        hours.REGION: by_admins(rendered_again),
    },
    views={FORM.callback_id: by_admins(submits(FORM, saved))},
    commands={"settings": by_admins(asked_for)},
    help=("/handoff settings: triggers, customer texts, team, history",),
)
