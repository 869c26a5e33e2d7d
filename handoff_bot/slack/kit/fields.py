"""Menus, fields, buttons and modals, within Slack's limits."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Annotated, Any

from pydantic import Field

from handoff_bot.domain.desk import Button
from handoff_bot.domain.replies import Verdict
from handoff_bot.domain.settings import ANYBODY
from handoff_bot.slack.kit.text import (
    BUTTON_LIMIT,
    LABEL_LIMIT,
    Block,
    actions,
    one_line,
    plain,
    shorten,
    told,
)

State = Mapping[str, Any]
"""Values of a modal's fields as Slack sends them: block id -> action id -> element."""
Entered = tuple[str, ...]
"""What one field holds: a text, or the chosen ids and values; empty for an empty field."""


ANY = ANYBODY
"""Value of the first choice of a filter, which does not filter."""
TITLE_LIMIT = 24
LONGEST_TEXT = 3000
"""Characters of a text field."""
VALUE_LIMIT = 150
MOST_OPTIONS = 100
"""Options in one menu, or in one group of a menu."""
MOST_SHOWN = 500
"""Options in all groups of a menu; with more, a modal can exceed Slack's size limit."""
_MANY_LABEL = 40
_MENU_SIZE = 150_000
"""Characters of JSON; a view may have 250,000. Only hundreds of values full of emoji need more."""
HINT_LIMIT = 2000


def modal(
    title: str,
    blocks: Sequence[Block],
    *,
    callback_id: str = "",
    submit: str = "",
    close: str = "Close",
    metadata: str = "",
    banner: str = "",
) -> Block:
    """Returns a modal; with `submit`, it is submitted as `callback_id`. `banner` goes to the top."""
    view: Block = {
        "type": "modal",
        "title": plain(title, TITLE_LIMIT),
        "close": plain(close, TITLE_LIMIT),
        "blocks": [*([told(banner)] if banner else ()), *blocks],
    }
    if submit:
        view |= {"submit": plain(submit, TITLE_LIMIT), "callback_id": callback_id}
    elif callback_id:
        view["callback_id"] = callback_id
    return view | ({"private_metadata": metadata} if metadata else {})


def options(choices: Mapping[Any, str]) -> list[Block]:
    """Returns options from value -> label."""
    return [
        {"text": plain(label, BUTTON_LIMIT), "value": value[:VALUE_LIMIT]}
        for value, label in choices.items()
    ]


def _offered(choices: Mapping[Any, str], chosen: Collection[str]) -> tuple[list[Block], Block]:
    """Returns the options of a menu, grouped by their first letters if there are many.

    The current choice is always included, even if it is no longer offered: opening a modal must not lose it.
    """
    kept = {one: choices.get(one, one) for one in chosen if one}
    if len(choices) <= MOST_OPTIONS and len({**choices, **kept}) <= MOST_OPTIONS:
        shown = options({**choices, **kept})
        return shown, {"options": shown}
    first = dict(list(choices.items())[: MOST_SHOWN - len(kept)])
    labels = {value: shorten(words, _MANY_LABEL) for value, words in (first | kept).items()}
    sizes = zip(labels, accumulate(len(json.dumps(each)) for each in options(labels)), strict=True)
    labels = {one: labels[one] for one, size in sizes if size < _MENU_SIZE or one in kept}
    values = list(labels)
    parts = [values[n : n + MOST_OPTIONS] for n in range(0, len(values), MOST_OPTIONS)]
    groups = [_group({value: labels[value] for value in part}) for part in parts]
    return options(labels), {"option_groups": groups}


def _group(part: Mapping[str, str]) -> Block:
    first, *_, last = (shorten(words, 30) for words in (*part.values(), *part.values()))
    return {"label": plain(f"{first} … {last}"), "options": options(part)}


def menu(action_id: str, label: str, choices: Mapping[Any, str], chosen: str = "") -> Block:
    """Returns a menu of one choice; `label` is its placeholder."""
    shown, offered = _offered(choices, (chosen,))
    element: Block = {
        "type": "static_select",
        "action_id": action_id,
        "placeholder": plain(label, 150),
        **offered,
    }
    initial = [option for option in shown if option["value"] == chosen]
    return element | ({"initial_option": initial[0]} if initial else {})


def filter_menu(
    action_id: str, label: str, choices: Mapping[Any, str], chosen: str | None
) -> Block:
    """Returns a filter; its first choice, `ANY`, does not filter."""
    return menu(action_id, label, {ANY: label, **choices}, chosen or ANY)


def several(
    action_id: str, label: str, choices: Mapping[Any, str], chosen: Collection[str] = ()
) -> Block:
    """Returns a menu of any number of choices."""
    shown, offered = _offered(choices, chosen)
    element: Block = {
        "type": "multi_static_select",
        "action_id": action_id,
        "placeholder": plain(label, 150),
        **offered,
    }
    initial = [option for option in shown if option["value"] in chosen]
    return element | ({"initial_options": initial} if initial else {})


def people_menu(action_id: str, label: str, chosen: Sequence[str] = (), most: int = 0) -> Block:
    """Returns a menu of people, at most `most` of them; 0 for any number."""
    element: Block = {
        "type": "multi_users_select",
        "action_id": action_id,
        "placeholder": plain(label, 150),
    }
    if most:
        element["max_selected_items"] = most
    return element | ({"initial_users": list(chosen)} if chosen else {})


def person_menu(action_id: str, label: str, chosen: str = "") -> Block:
    """Returns a menu of one person."""
    element: Block = {
        "type": "users_select",
        "action_id": action_id,
        "placeholder": plain(label, 150),
    }
    return element | ({"initial_user": chosen} if chosen else {})


def channel_menu(action_id: str, label: str, chosen: str = "") -> Block:
    """Returns a menu of one slack_channel, public or private."""
    element: Block = {
        "type": "conversations_select",
        "action_id": action_id,
        "placeholder": plain(label, 150),
        "filter": {"include": ["public", "private"], "exclude_bot_users": True},
    }
    return element | ({"initial_conversation": chosen} if chosen else {})


def channels_menu(action_id: str, label: str, chosen: Sequence[str] = ()) -> Block:
    """Returns a menu of any number of slack_channels, public or private."""
    element: Block = {
        "type": "multi_conversations_select",
        "action_id": action_id,
        "placeholder": plain(label, 150),
        "filter": {"include": ["public", "private"], "exclude_bot_users": True},
    }
    return element | ({"initial_conversations": list(chosen)} if chosen else {})


def group_menu(action_id: str, label: str, groups: Mapping[str, str], chosen: str = "") -> Block:
    """Returns a menu of one user group or none; a text field for an id if the groups are unknown."""
    if not groups:
        return text_field(action_id, initial=chosen, hint="S0123ABCD", most=30)
    return filter_menu(action_id, label, groups, chosen)


def tick(action_id: str, label: str, *, chosen: bool) -> Block:
    """Returns one checkbox."""
    shown = options({"yes": label})
    box: Block = {"type": "checkboxes", "action_id": action_id, "options": shown}
    return box | ({"initial_options": shown} if chosen else {})


def text_field(
    action_id: str,
    *,
    initial: str = "",
    hint: str = "",
    many_lines: bool = False,
    most: int = LONGEST_TEXT,
) -> Block:
    """Returns a text field."""
    element: Block = {
        "type": "plain_text_input",
        "action_id": action_id,
        "multiline": many_lines,
        "max_length": most,
    }
    if shown := shorten(initial, most):
        element["initial_value"] = shown
    return element | ({"placeholder": plain(hint, 150)} if hint else {})


def asking(
    label: str, element: Block, *, hint: str = "", optional: bool = False, acts: bool = False
) -> Block:
    """Returns an input block. Its block_id is the field's action_id, so that errors find it."""
    block: Block = {
        "type": "input",
        "block_id": element["action_id"],
        "label": plain(label, 2000),
        "element": element,
        "optional": optional,
    }
    if acts:
        block["dispatch_action"] = True
    return block | ({"hint": plain(hint, HINT_LIMIT)} if hint else {})


@dataclass(frozen=True)
class _Look:
    label: str
    style: str = ""
    question: str = ""


_LOOKS: dict[Button, _Look] = {
    Button.CLAIM: _Look("Take Over", "primary"),
    Button.ASSIGN: _Look("Assign…"),
    Button.RELEASE: _Look("Release"),
    Button.RESOLVE: _Look("Resolve…"),
    Button.RETURN: _Look("Return to AI…"),
    Button.DISMISS: _Look("Dismiss…"),
    Button.ACCEPT: _Look("Accept", "primary"),
    Button.DECLINE: _Look("Decline"),
    Button.QUEUE_HERE: _Look("Use for the queue", "primary"),
    Button.URGENT_HERE: _Look("Use for urgent only"),
    Button.NOT_HERE: _Look("Not now"),
    Button.FETCH_AGAIN: _Look("Fetch again"),
    Button.USE_TEMPLATE: _Look("Use template…"),
    Button.SNOOZE: _Look("Snooze…"),
    Button.DRAFT: _Look("Reply with draft"),
    Button.NOTE: _Look("Add a note…"),
    Button.VIEW: _Look("View conversation"),
    Button.TAKE_OVER_AND_SEND: _Look("Take over & send", "primary"),
    Button.SEND_HELD: _Look("Send to the customer", "primary"),
    Button.KEEP_AS_NOTE: _Look("Keep as note"),
    Button.RETRY: _Look("Retry", "primary"),
    Button.SEND_CORRECTION: _Look("Send correction", "primary"),
    Button.TRANSLATE_AGAIN: _Look("Try again", "primary"),
    Button.SEND_AS_WRITTEN: _Look("Send untranslated"),
    Button.SHOW_QUEUE: _Look("View queue", "primary"),
    Button.SOONER: _Look("Escalated too late"),
    Button.APPROVE_ARTICLE: _Look("Approve", "primary"),
    Button.EDIT_ARTICLE: _Look("Edit…"),
    Button.REJECT_ARTICLE: _Look("Reject"),
    Button.WRITE_ARTICLE: _Look("Write an article…"),
}


def button(kind: Button, value: str, about: str = "") -> Block:
    """Returns a button that carries `value`.

    Args:
        kind: the button; its value is the action id.
        value: returned by a click, at most 2,000 characters.
        about: the customer, for screen readers, where several buttons have the same label.
    """
    look = _LOOKS[kind]
    return labelled(kind.value, look.label, value, about) | _extras(look)


def more(kinds: Sequence[Button], value: str) -> Block:
    """Returns the overflow menu "⋯"; each option carries its action and the value."""
    return {
        "type": "overflow",
        "action_id": Button.MORE.value,
        "options": options({f"{kind.value}:{value}": _LOOKS[kind].label for kind in kinds}),
    }


def labelled(action_id: str, label: str, value: str, about: str = "") -> Block:
    """Returns a button. Its accessibility label begins with the visible label (WCAG 2.5.3)."""
    full = f"{label}: {about}" if about else label
    return {
        "type": "button",
        "action_id": action_id,
        "text": plain(label, BUTTON_LIMIT),
        "value": value,
        "accessibility_label": one_line(full, LABEL_LIMIT),
    }


FEEDBACK = "ai_feedback"
"""Action id of the feedback buttons."""
_VERDICTS: dict[Verdict, tuple[str, str]] = {
    Verdict.GOOD: ("👍", "Helpful: the assistant's text"),
    Verdict.BAD: ("👎", "Not helpful: the assistant's text"),
}


def feedback_buttons(subject: str) -> Block:
    """Returns Slack's feedback buttons, for messages. A click carries `subject` and the verdict."""
    sides = {
        name: {
            "text": plain(label, BUTTON_LIMIT),
            "value": f"{subject}:{verdict}",
            "accessibility_label": about,
        }
        for name, (verdict, (label, about)) in zip(
            ("positive_button", "negative_button"), _VERDICTS.items(), strict=True
        )
    }
    element: Block = {"type": "feedback_buttons", "action_id": FEEDBACK, **sides}
    return {"type": "context_actions", "elements": [element]}


def plain_feedback_buttons(subject: str) -> Block:
    """Returns the same two as usual buttons, for modals and for workspaces without the others."""
    rows = enumerate(_VERDICTS.items(), 1)
    return actions(
        *(
            labelled(f"{FEEDBACK}:{row}", label, f"{subject}:{verdict}")
            | {"accessibility_label": about}
            for row, (verdict, (label, about)) in rows
        )
    )


def delete_button(action_id: str, value: str, about: str, question: str, effect: str) -> Block:
    """Returns the button "Delete", which asks first and says what happens."""
    confirm: Block = {
        "title": plain(question, 100),
        "text": plain(effect, 300),
        "confirm": plain("Delete", 30),
        "deny": plain("Cancel", 30),
    }
    delete = labelled(action_id, "Delete", value, about)
    return delete | {"style": "danger", "confirm": confirm}


def turns(back: str, on: str, page: int, pages: int) -> list[Block]:
    """Returns the buttons to the pages before and after; `page` counts from 0."""
    before = [labelled(back, "Previous page", str(page - 1))] if page > 0 else []
    after = [labelled(on, "Next page", str(page + 1))] if page + 1 < pages else []
    return [*before, *after]


def _extras(look: _Look) -> Block:
    extras: Block = {"style": look.style} if look.style else {}
    if look.question:
        extras["confirm"] = {
            "title": plain(f"{look.label}?", 100),
            "text": plain(look.question, 300),
            "confirm": plain(look.label, 30),
            "deny": plain("Cancel", 30),
        }
    return extras


Number = Annotated[int, Field(ge=-1, lt=10**12)]
"""An id, a page or the number of a change; -1 for new. Far below 64 bits, also multiplied by a page size."""


def chosen(element: Mapping[str, Any]) -> Iterator[str]:
    """Returns the chosen or typed value of an element of any type: ids, values or texts."""
    for name, found in element.items():
        if name == "value" and element.get("type") != "button":
            many = [found]
        elif name.startswith("selected_"):
            many = found if isinstance(found, list) else [found]
        else:
            continue
        values = (each.get("value") if isinstance(each, dict) else each for each in many)
        yield from (str(each) for each in values if isinstance(each, str | int | float))


def held(state: State, name: str) -> Entered:
    """Returns the value of the field with this action id (and block id)."""
    for block in state.values():
        if isinstance(block, dict) and isinstance(block.get(name), dict):
            return tuple(chosen(block[name]))
    return ()


def filled_in(body: Mapping[str, Any]) -> State:
    """Returns the values of a modal's (or a message's) fields, by block_id and action_id."""
    state = (body.get("view") or body).get("state")
    values = state.get("values") if isinstance(state, dict) else None
    return values if isinstance(values, dict) else {}
