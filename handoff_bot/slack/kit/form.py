"""Forms: fields declared once give the modal, the parsed input, the errors and the private_metadata.

Elements come from `fields`, which cuts what is too long. `slack_sdk.models` raises an error instead, and
would refuse a whole modal because of one long name.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any, Generic, TypedDict, TypeVar, Unpack, cast

from pydantic import TypeAdapter, ValidationError

from handoff_bot.domain import settings
from handoff_bot.slack.kit import fields as elements
from handoff_bot.slack.kit.fields import (
    ANY,
    LONGEST_TEXT,
    Entered,
    State,
    asking,
    filled_in,
    held,
    modal,
)
from handoff_bot.slack.kit.text import Block

Value = TypeVar("Value")
Other = TypeVar("Other")
About = TypeVar("About")
Kind = TypeVar("Kind", bound=Enum)


class Stale(ValueError):
    """The private_metadata is not valid: the modal is from another version."""


class Invalid(ValueError):
    """The input is not valid.

    Attributes:
        errors: field id -> error message.
    """

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__(next(iter(errors.values()), ""))
        self.errors = dict(errors)


# -- state


def first(entered: Entered) -> str:
    """Returns the only value as it was typed; "" if the field is empty."""
    return next(iter(entered), "")


def stripped(entered: Entered) -> str:
    """Returns the only value, stripped; "" if the field is empty."""
    return first(entered).strip()


def one(state: State, name: str) -> str:
    """Returns the only value of a field, stripped; "" if it is empty."""
    return stripped(held(state, name))


def chosen_or_any(entered: Entered) -> str:
    """Returns the choice of a filter; "" if it does not filter."""
    found = stripped(entered)
    return "" if found == ANY else found


def word_of(kind: type[Kind], value: str | None) -> Kind | None:
    """Returns the chosen enum value; None for any, and for an unknown value."""
    return next((each for each in kind if each.value == value), None)


def member(kind: type[Kind], otherwise: Other) -> Callable[[Entered], Kind | Other]:
    """Parses an enum value; `otherwise` for an unknown value."""

    def parse(entered: Entered) -> Kind | Other:
        found = word_of(kind, stripped(entered))
        return otherwise if found is None else found

    return parse


def members(kind: type[Kind]) -> Callable[[Entered], tuple[Kind, ...]]:
    """Parses several enum values; unknown ones are left out."""

    def parse(entered: Entered) -> tuple[Kind, ...]:
        found = (word_of(kind, value) for value in entered)
        return tuple(each for each in found if each is not None)

    return parse


# -- metadata


class Metadata(Generic[About]):
    """What a modal remembers in its private_metadata, as a dataclass or another type that pydantic knows.

    Modals that are open during an upgrade are submitted to the new version: add fields only with a default.
    """

    def __init__(self, kind: type[About], default: About | None = None) -> None:
        """Without a `default`, metadata that is not valid raises Stale."""
        self._adapter: TypeAdapter[About] = TypeAdapter(kind)
        self._default = default

    def dump(self, about: About) -> str:
        """Returns at most the characters that Slack counts: it does not escape what is not ASCII."""
        return json.dumps(self._adapter.dump_python(about, mode="json"), ensure_ascii=False)

    def read(self, metadata: str) -> About | None:
        """Parses metadata; the default if it is not valid."""
        try:
            return self._adapter.validate_json(metadata)
        except ValidationError:
            return self._default

    def parse(self, metadata: str) -> About:
        """Parses metadata.

        Raises:
            Stale: it is not valid, and there is no default.
        """
        found = self.read(metadata)
        if found is None:
            raise Stale
        return found


# -- fields


class _Looks(TypedDict, total=False):
    hint: str
    optional: bool
    current: Callable[[Any], object]


def _empty(_shown: object) -> object:
    return None


@dataclass(frozen=True, eq=False)
class Field(Generic[Value]):
    """One input of a form.

    Attributes:
        id: action id.
        element: renders the element with the current value, None for an empty one.
        parse: returns the value; raises ValueError with a message for the user.
        choices: value -> label, for menus.
        acts: True if input is sent at once, as a click.
        block_id: "" for the same as `id`. Errors name it.
        current: returns the value to show, from what the form shows.
        read: returns what was entered, for a field that is more than one element.
    """

    id: str
    label: str
    element: Callable[[Field[Any], Any], Block]
    parse: Callable[[Entered], Value]
    choices: Mapping[str, str] = field(default_factory=dict)
    hint: str = ""
    optional: bool = False
    acts: bool = False
    block_id: str = ""
    current: Callable[[Any], object] = _empty
    read: Callable[[State], Entered] | None = None

    def entered(self, state: State) -> Entered:
        return self.read(state) if self.read else held(state, self.id)

    def blocks(self, shown: object = None) -> list[Block]:
        """Renders everything that belongs to the field."""
        return [self.render(shown)]

    def render(self, shown: object = None) -> Block:
        """Renders the input block."""
        element = self.element(self, self.current(shown) if shown is not None else None)
        block = asking(self.label, element, hint=self.hint, optional=self.optional, acts=self.acts)
        return block | {"block_id": self.block_id or self.id}

    def parsed(self, parse: Callable[[Entered], Other]) -> Field[Other]:
        """Returns the field with another parser."""
        return cast("Field[Other]", replace(cast("Field[Any]", self), parse=parse))

    def offering(self, choices: Mapping[str, str]) -> Field[Value]:
        """Returns the field with these choices."""
        return replace(self, choices=choices)

    def invalid(self, why: str) -> Invalid:
        """Returns the error for this field."""
        return Invalid({self.block_id or self.id: why})


def text(
    id: str,
    label: str,
    *,
    placeholder: str = "",
    most: int = LONGEST_TEXT,
    many_lines: bool = False,
    acts_on: str = "",
    **looks: Unpack[_Looks],
) -> Field[str]:
    """Declares a text field of at most `most` characters.

    `acts_on` is what sends the text at once, such as "on_enter_pressed".
    """

    def element(field: Field[Any], shown: Any) -> Block:
        block = elements.text_field(
            field.id, initial=shown or "", hint=placeholder, many_lines=many_lines, most=most
        )
        acts = {"dispatch_action_config": {"trigger_actions_on": [acts_on]}}
        return block | (acts if acts_on else {})

    return Field(id, label, element, stripped, acts=bool(acts_on), **looks)


def choice(
    id: str,
    label: str,
    choices: Mapping[Any, str],
    *,
    placeholder: str = "Choose",
    acts: bool = False,
    **looks: Unpack[_Looks],
) -> Field[str]:
    """Declares a menu of one choice."""

    def element(field: Field[Any], shown: Any) -> Block:
        return elements.menu(field.id, placeholder, field.choices, shown or "")

    return Field(id, label, element, stripped, choices, acts=acts, **looks)


def radio(id: str, label: str, choices: Mapping[Any, str], **looks: Unpack[_Looks]) -> Field[str]:
    """Declares radio buttons, none of them chosen."""

    def element(field: Field[Any], _shown: Any) -> Block:
        buttons = elements.options(field.choices)
        return {"type": "radio_buttons", "action_id": field.id, "options": buttons}

    return Field(id, label, element, stripped, choices, **looks)


def one_or_any(
    id: str, label: str, any_label: str, choices: Mapping[Any, str], **looks: Unpack[_Looks]
) -> Field[str]:
    """Declares a menu of one choice or any; any is ""."""

    def element(field: Field[Any], shown: Any) -> Block:
        return elements.filter_menu(field.id, any_label, field.choices, shown)

    return Field(id, label, element, chosen_or_any, choices, **looks)


def several(
    id: str, label: str, placeholder: str, choices: Mapping[Any, str], **looks: Unpack[_Looks]
) -> Field[Entered]:
    """Declares a menu of any number of choices."""

    def element(field: Field[Any], shown: Any) -> Block:
        return elements.several(field.id, placeholder, field.choices, shown or ())

    return Field(id, label, element, tuple, choices, **looks)


def tick(id: str, label: str, box: str, **looks: Unpack[_Looks]) -> Field[bool]:
    """Declares one checkbox with the text `box`."""

    def element(field: Field[Any], shown: Any) -> Block:
        return elements.tick(field.id, box, chosen=bool(shown))

    return Field(id, label, element, bool, **looks)


def person(id: str, label: str, placeholder: str, **looks: Unpack[_Looks]) -> Field[str]:
    """Declares a menu of one person."""

    def element(field: Field[Any], shown: Any) -> Block:
        return elements.person_menu(field.id, placeholder, shown or "")

    return Field(id, label, element, stripped, **looks)


def people(
    id: str, label: str, placeholder: str, *, most: int = 0, **looks: Unpack[_Looks]
) -> Field[Entered]:
    """Declares a menu of people, at most `most` of them; 0 for any number."""

    def element(field: Field[Any], shown: Any) -> Block:
        return elements.people_menu(field.id, placeholder, list(shown or ()), most)

    return Field(id, label, element, tuple, **looks)


def channel(id: str, label: str, placeholder: str, **looks: Unpack[_Looks]) -> Field[str]:
    """Declares a menu of one Slack channel."""

    def element(field: Field[Any], shown: Any) -> Block:
        return elements.channel_menu(field.id, placeholder, shown or "")

    return Field(id, label, element, stripped, **looks)


def group(id: str, label: str, **looks: Unpack[_Looks]) -> Field[str]:
    """Declares a menu of one user group or none; a text field for an id if no groups are offered."""

    def element(field: Field[Any], shown: Any) -> Block:
        return elements.group_menu(field.id, "No group", field.choices, shown or "")

    return Field(id, label, element, settings.group, **looks)


# -- forms


@dataclass(frozen=True)
class Submission(Generic[About]):
    """What was entered into a form.

    Attributes:
        about: the metadata.
        view_id: the modal, "".
        below: the modal below it, "".
        by: the desk id of the person.
    """

    about: About
    state: State
    view_id: str = ""
    below: str = ""
    by: str = ""

    def __getitem__(self, field: Field[Value]) -> Value:
        """Returns the value of a field.

        Raises:
            Invalid: it cannot be parsed.
        """
        try:
            return field.parse(field.entered(self.state))
        except ValueError as error:
            raise field.invalid(str(error)) from error


@dataclass(frozen=True)
class Form(Generic[About]):
    """A modal that can be submitted.

    Attributes:
        parts: its fields, and blocks between them.
        metadata: what it remembers; None for nothing.
        conflict: field and message if the data has changed since the modal was opened. Services compare, in
            the transaction that saves, with the `seen` of the metadata.
        stale_title: title of the answer if the metadata is not valid.
    """

    title: str
    callback_id: str
    parts: Sequence[Field[Any] | Block]
    metadata: Metadata[About] | None = None
    submit: str = "Save"
    close: str = "Cancel"
    stale_title: str = "Handoff"
    conflict: tuple[Field[Any], str] | None = None

    @property
    def fields(self) -> tuple[Field[Any], ...]:
        return tuple(each for each in self.parts if isinstance(each, Field))

    def having(self, *others: Field[Any]) -> Form[About]:
        """Returns the form with other fields in place of those with the same ids."""
        new = {each.id: each for each in others}
        return replace(
            self,
            parts=[
                new.get(each.id, each) if isinstance(each, Field) else each for each in self.parts
            ],
        )

    def without(self, *fields: Field[Any]) -> Form[About]:
        """Returns the form without these fields."""
        return replace(self, parts=[each for each in self.parts if each not in fields])

    def render(
        self, about: About, shown: object = None, *, below: Iterable[Block] = (), banner: str = ""
    ) -> Block:
        """Renders the modal.

        Args:
            about: its metadata.
            shown: what `Field.current` gets; None for an empty form.
            below: blocks below the fields.
            banner: the result of the last click, at the top.
        """
        blocks: list[Block] = []
        for each in self.parts:
            blocks += each.blocks(shown) if isinstance(each, Field) else [each]
        return modal(
            self.title,
            [*blocks, *below],
            callback_id=self.callback_id,
            submit=self.submit,
            close=self.close,
            metadata=self.metadata.dump(about) if self.metadata else "",
            banner=banner,
        )

    def submitted(self, body: Mapping[str, Any]) -> Submission[About]:
        """Parses a `view_submission`.

        Raises:
            Stale: the metadata is not valid.
        """
        view = body["view"]
        return replace(
            self.received(str(view.get("private_metadata") or ""), filled_in(body)),
            view_id=str(view.get("id") or ""),
            below=str(view.get("previous_view_id") or ""),
            by=str(body["user"].get("id", "")),
        )

    def received(self, metadata: str, state: State) -> Submission[About]:
        """Parses what a click in the modal came with.

        Raises:
            Stale: the metadata is not valid.
        """
        about = self.metadata.parse(metadata) if self.metadata else cast("About", None)
        return Submission(about, state)

    def require_unchanged(self, saved: bool) -> None:
        """Takes a service's answer, False if it saved nothing because of a newer change.

        Raises:
            Invalid: with the message of `conflict`.
        """
        if not saved and self.conflict:
            field, why = self.conflict
            raise field.invalid(why)

    def values(self, submission: Submission[Any]) -> dict[str, Any]:
        """Returns all values by field id.

        Raises:
            Invalid: names every field that cannot be parsed.
        """
        values: dict[str, Any] = {}
        errors: dict[str, str] = {}
        for each in self.fields:
            try:
                values[each.id] = submission[each]
            except Invalid as invalid:
                errors |= invalid.errors
        if errors:
            raise Invalid(errors)
        return values
