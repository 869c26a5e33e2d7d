"""Menus and fields of windows, and the windows themselves, made to Slack's limits."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from handoff_bot.domain.settings import ANYBODY
from handoff_bot.slack.blocks.text import BUTTON_LIMIT, Block, plain, shorten

ANY = ANYBODY
"""The value of a filter's first choice."""
TITLE_LIMIT = 24
VALUE_LIMIT = 150
MOST_OPTIONS = 100
"""In one menu, or in one group of a menu."""
MOST_SHOWN = 500
"""In all groups of a menu together: with more, a window can outgrow Slack's limit of its size."""
_MANY_LABEL = 40
HINT_LIMIT = 2000


def window(
    title: str,
    blocks: Sequence[Block],
    *,
    callback_id: str = "",
    submit: str = "",
    close: str = "Close",
    metadata: str = "",
) -> Block:
    """A modal; with `submit`, one that is sent as `callback_id`."""
    view: Block = {
        "type": "modal",
        "title": plain(title, TITLE_LIMIT),
        "close": plain(close, TITLE_LIMIT),
        "blocks": list(blocks),
    }
    if submit:
        view |= {"submit": plain(submit, TITLE_LIMIT), "callback_id": callback_id}
    elif callback_id:
        view["callback_id"] = callback_id
    return view | ({"private_metadata": metadata} if metadata else {})


def options(choices: Mapping[str, str]) -> list[Block]:
    """Options from value -> label."""
    return [
        {"text": plain(label, BUTTON_LIMIT), "value": value[:VALUE_LIMIT]}
        for value, label in choices.items()
    ]


def _offered(choices: Mapping[str, str], chosen: Collection[str]) -> tuple[list[Block], Block]:
    """Options, and how a menu holds them: where there are many, in groups named by how they begin.

    What is chosen is always among them, even if it is no choice any more: it must not be lost by a look.
    """
    kept = {one: choices.get(one, one) for one in chosen if one}
    if len(choices) <= MOST_OPTIONS and len({**choices, **kept}) <= MOST_OPTIONS:
        shown = options({**choices, **kept})
        return shown, {"options": shown}
    first = dict(list(choices.items())[: MOST_SHOWN - len(kept)])
    labels = {value: shorten(words, _MANY_LABEL) for value, words in (first | kept).items()}
    values = list(labels)
    parts = [values[n : n + MOST_OPTIONS] for n in range(0, len(values), MOST_OPTIONS)]
    groups = [_group({value: labels[value] for value in part}) for part in parts]
    return options(labels), {"option_groups": groups}


def _group(part: Mapping[str, str]) -> Block:
    first, *_, last = (shorten(words, 30) for words in (*part.values(), *part.values()))
    return {"label": plain(f"{first} … {last}"), "options": options(part)}


def menu(action_id: str, label: str, choices: Mapping[str, str], chosen: str = "") -> Block:
    """A menu of one choice; `label` stands in it while nothing is chosen."""
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
    action_id: str, label: str, choices: Mapping[str, str], chosen: str | None
) -> Block:
    """A menu that narrows something down; its first choice, `ANY`, does not."""
    return menu(action_id, label, {ANY: label, **choices}, chosen or ANY)


def several(
    action_id: str, label: str, choices: Mapping[str, str], chosen: Collection[str] = ()
) -> Block:
    """A menu of any number of choices."""
    shown, offered = _offered(choices, chosen)
    element: Block = {
        "type": "multi_static_select",
        "action_id": action_id,
        "placeholder": plain(label, 150),
        **offered,
    }
    initial = [option for option in shown if option["value"] in chosen]
    return element | ({"initial_options": initial} if initial else {})


def people_menu(action_id: str, label: str, chosen: Sequence[str] = ()) -> Block:
    """A menu of any number of people."""
    element: Block = {
        "type": "multi_users_select",
        "action_id": action_id,
        "placeholder": plain(label, 150),
    }
    return element | ({"initial_users": list(chosen)} if chosen else {})


def channel_menu(action_id: str, label: str, chosen: str = "") -> Block:
    """A menu of one slack_channel, public or private."""
    element: Block = {
        "type": "conversations_select",
        "action_id": action_id,
        "placeholder": plain(label, 150),
        "filter": {"include": ["public", "private"], "exclude_bot_users": True},
    }
    return element | ({"initial_conversation": chosen} if chosen else {})


def channels_menu(action_id: str, label: str, chosen: Sequence[str] = ()) -> Block:
    """A menu of any number of slack_channels, public or private."""
    element: Block = {
        "type": "multi_conversations_select",
        "action_id": action_id,
        "placeholder": plain(label, 150),
        "filter": {"include": ["public", "private"], "exclude_bot_users": True},
    }
    return element | ({"initial_conversations": list(chosen)} if chosen else {})


def group_menu(action_id: str, label: str, groups: Mapping[str, str], chosen: str = "") -> Block:
    """A menu of one user group or none; where they are not known, an id can be typed."""
    if not groups:
        return text_field(action_id, initial=chosen, hint="S0123ABCD", most=30)
    return filter_menu(action_id, label, groups, chosen)


def tick(action_id: str, label: str, *, chosen: bool) -> Block:
    """One box to tick."""
    shown = options({"yes": label})
    box: Block = {"type": "checkboxes", "action_id": action_id, "options": shown}
    return box | ({"initial_options": shown} if chosen else {})


def text_field(
    action_id: str, *, initial: str = "", hint: str = "", many_lines: bool = False, most: int = 3000
) -> Block:
    """A field to type into."""
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
    """A question with its field; the block is named as the field is, so that errors find it."""
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
