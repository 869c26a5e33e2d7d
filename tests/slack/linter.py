"""Checks messages and windows against Slack's limits, which its SDK does not check."""

import json
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from handoff_sandbox.slack.validation.block_rules import problems_of

Block = dict[str, Any]

MOST_CHARACTERS = 10_000
"""Of one message. Slack refuses at about 13,200, and has refused at 11,341."""

LARGEST_VIEW = 250_000
"""Bytes, with every character that is not ASCII escaped."""

KNOWN = {"header", "section", "context", "actions", "rich_text", "input", "divider", "image"}
NEWER = {"alert", "context_actions", "data_table", "data_visualization"}
"""Blocks that a workspace may not have."""
RICH = {"rich_text_section", "rich_text_quote", "rich_text_list"}
TEXTS = {"plain_text", "mrkdwn"}
STYLES = {"primary", "danger"}

MOST_OPTIONS = {
    "static_select": 100,
    "multi_static_select": 100,
    "overflow": 5,
    "radio_buttons": 10,
    "checkboxes": 10,
}
FORMATTED = {"radio_buttons", "checkboxes"}
FIELDS = {
    *MOST_OPTIONS,
    "users_select",
    "multi_users_select",
    "conversations_select",
    "multi_conversations_select",
    "channels_select",
    "multi_channels_select",
    "external_select",
    "multi_external_select",
    "plain_text_input",
    "number_input",
    "email_text_input",
    "url_text_input",
    "datepicker",
    "timepicker",
    "datetimepicker",
}


def lint_message(text: str, blocks: list[Block]) -> list[str]:
    """What Slack would not accept of a message; empty when all is well."""
    problems = list(_lint_blocks(blocks, 50, "message"))
    if not text.strip():
        problems.append("top-level text is empty")
    size = width(text) + sum(width(found) for found in texts(blocks))
    if size > MOST_CHARACTERS:
        problems.append(f"{size} characters in all")
    return problems


def lint_view(view: Block) -> list[str]:
    """What Slack would not accept of a modal or a Home tab."""
    problems = list(_lint_blocks(view["blocks"], 100, view["type"]))
    for part in ("title", "submit", "close"):
        if part in view:
            problems += _text(view[part], 24, part, plain=True)
    if len(view.get("private_metadata", "")) > 3000:
        problems.append("private_metadata too long")
    if len(view.get("callback_id", "")) > 255:
        problems.append("callback_id too long")
    if len(json.dumps(view)) > LARGEST_VIEW:
        problems.append("view too large")
    is_sent = view["type"] == "home" or "submit" in view
    if any(block["type"] == "input" for block in view["blocks"]) and not is_sent:
        problems.append("input without submit")
    return problems


def width(text: str) -> int:
    """Characters as JavaScript counts them."""
    return len(text.encode("utf-16-le")) // 2


def texts(part: Any) -> Iterator[str]:
    """Every text that is shown, wherever it stands."""
    if isinstance(part, dict):
        for name, value in part.items():
            if name in ("text", "fallback") and isinstance(value, str):
                yield value
            else:
                yield from texts(value)
    elif isinstance(part, list | tuple):
        for each in part:
            yield from texts(each)


def elements(part: Any, kind: str) -> Iterator[Block]:
    """Every element of this type, wherever it stands."""
    if isinstance(part, dict):
        if part.get("type") == kind:
            yield part
        for value in part.values():
            yield from elements(value, kind)
    elif isinstance(part, list | tuple):
        for each in part:
            yield from elements(each, kind)


def acting(part: Any) -> Iterator[str]:
    """The action ids of everything that acts at once: buttons, menus outside of questions."""
    if isinstance(part, list | tuple):
        for each in part:
            yield from acting(each)
    elif isinstance(part, dict) and (part.get("type") != "input" or part.get("dispatch_action")):
        if "action_id" in part:
            yield part["action_id"]
        for value in part.values():
            yield from acting(value)


def _lint_blocks(blocks: list[Block], most: int, surface: str) -> Iterator[str]:
    if not 1 <= len(blocks) <= most:
        yield f"{len(blocks)} blocks"
    ids = [block["block_id"] for block in blocks if "block_id" in block]
    if len(ids) != len(set(ids)):
        yield "block_id twice"
    for block in blocks:
        if block["type"] in NEWER:
            yield from problems_of([block], 1, surface)
        elif block["type"] not in KNOWN:
            yield f"unknown block {block['type']}"
        else:
            yield from _CHECKS[block["type"]](block)


def _text(text: Any, most: int, where: str, *, plain: bool = False) -> list[str]:
    if not isinstance(text, dict) or text.get("type") not in TEXTS:
        return [f"{where}: not a text object"]
    problems = []
    if plain and text["type"] != "plain_text":
        problems.append(f"{where}: must be plain text")
    if text["type"] == "plain_text" and text.get("emoji") is not False:
        problems.append(f"{where}: emoji codes would act")
    if not 1 <= width(text["text"]) <= most:
        problems.append(f"{where}: {width(text['text'])} characters")
    return problems


def _header(block: Block) -> Iterator[str]:
    yield from _text(block["text"], 150, "header", plain=True)


def _section(block: Block) -> Iterator[str]:
    fields = block.get("fields", [])
    if "text" in block:
        yield from _text(block["text"], 3000, "section")
    elif not fields:
        yield "section without text"
    if len(fields) > 10:
        yield "more than 10 fields"
    for field in fields:
        yield from _text(field, 2000, "field")
    if "accessory" in block:
        yield from _element(block["accessory"])


def _context(block: Block) -> Iterator[str]:
    if not 1 <= len(block["elements"]) <= 10:
        yield f"{len(block['elements'])} elements in a context"
    for element in block["elements"]:
        yield from _text(element, 3000, "context")


def _actions(block: Block) -> Iterator[str]:
    if not 1 <= len(block["elements"]) <= 25:
        yield f"{len(block['elements'])} buttons"
    ids = [element["action_id"] for element in block["elements"]]
    if len(ids) != len(set(ids)):
        yield "action_id twice in a block"
    for element in block["elements"]:
        yield from _element(element)


def _element(element: Block) -> Iterator[str]:
    """A button, a menu or a field, wherever it stands."""
    if element["type"] == "button":
        yield from _button(element)
        return
    if element["type"] == "image":
        yield from _alt_text(element)
        return
    if element["type"] not in FIELDS:
        yield f"unknown element {element['type']}"
        return
    if not 1 <= len(element["action_id"]) <= 255:
        yield "action_id length"
    if "placeholder" in element:
        yield from _text(element["placeholder"], 150, "placeholder", plain=True)
    if "confirm" in element:
        yield from _confirm(element["confirm"])
    yield from _options(element)
    yield from _typed(element)


def _options(element: Block) -> Iterator[str]:
    """The choices of a menu: how many, how long, and that what is chosen is among them."""
    if element["type"] not in MOST_OPTIONS:
        return
    groups = element.get("option_groups", [])
    options = [*element.get("options", []), *(o for group in groups for o in group["options"])]
    most = MOST_OPTIONS[element["type"]]
    counts = [len(group["options"]) for group in groups] or [len(options)]
    if not all(1 <= count <= most for count in (*counts, len(groups) or 1)):
        yield f"{counts} options in {element['type']}"
    for option in options:
        yield from _text(option["text"], 75, "option", plain=element["type"] not in FORMATTED)
        if not 1 <= len(option["value"]) <= 150:
            yield "option value length"
        if "description" in option:
            yield from _text(option["description"], 75, "option description")
    for group in groups:
        yield from _text(group["label"], 75, "option group", plain=True)
    yield from _chosen(element, options)


def _chosen(element: Block, options: list[Block]) -> Iterator[str]:
    values = [option["value"] for option in options]
    if len(values) != len(set(values)):
        yield "option value twice"
    initial = element.get("initial_options", [])
    initial = [*initial, element["initial_option"]] if "initial_option" in element else initial
    if any(one not in options for one in initial) or (
        initial == [] and "initial_options" in element
    ):
        yield "initial option not among the options"


def _typed(element: Block) -> Iterator[str]:
    if element["type"] == "plain_text_input":
        if element.get("max_length", 3000) > 3000:
            yield "max_length"
        if width(element.get("initial_value", "")) > element.get("max_length", 3000):
            yield "initial_value too long"
    if element["type"] == "number_input" and "is_decimal_allowed" not in element:
        yield "is_decimal_allowed is missing"


def _alt_text(image: Block) -> Iterator[str]:
    if not 1 <= width(image.get("alt_text", "")) <= 2000:
        yield "alt_text length"


def _button(button: Block) -> Iterator[str]:
    yield from _text(button["text"], 75, "button", plain=True)
    if not 1 <= len(button["action_id"]) <= 255:
        yield "action_id length"
    if not 1 <= len(button["value"]) <= 2000:
        yield "button value length"
    if not 1 <= width(button["accessibility_label"]) <= 75:
        yield "accessibility_label length"
    if "style" in button and button["style"] not in STYLES:
        yield f"style {button['style']}"
    if "confirm" in button:
        yield from _confirm(button["confirm"])


def _confirm(confirm: Block) -> Iterator[str]:
    for part, most in (("title", 100), ("text", 300), ("confirm", 30), ("deny", 30)):
        yield from _text(confirm[part], most, f"confirm {part}", plain=True)


def _rich_text(block: Block) -> Iterator[str]:
    kinds = [part["type"] for part in block["elements"]]
    if not kinds or not set(kinds) <= RICH:
        yield f"rich_text of {kinds}"
    for first, second in pairwise(kinds):
        if first == second == "rich_text_section":
            yield "two paragraphs in a row run together"
    for element in elements(block, "text"):
        if not element["text"]:
            yield "empty rich text"


def _input(block: Block) -> Iterator[str]:
    yield from _text(block["label"], 2000, "label", plain=True)
    if "hint" in block:
        yield from _text(block["hint"], 2000, "hint", plain=True)
    yield from _element(block["element"])


def _divider(block: Block) -> Iterator[str]:
    yield from ()


def _image(block: Block) -> Iterator[str]:
    yield from _alt_text(block)
    if "title" in block:
        yield from _text(block["title"], 2000, "image title", plain=True)
    if not ("image_url" in block or "slack_file" in block):
        yield "image without a picture"


_CHECKS = {
    "header": _header,
    "section": _section,
    "context": _context,
    "actions": _actions,
    "rich_text": _rich_text,
    "input": _input,
    "divider": _divider,
    "image": _image,
}
