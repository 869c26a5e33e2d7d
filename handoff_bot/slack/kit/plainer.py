"""Plainer forms of a message, for when Slack refuses its layout."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from handoff_bot.slack.kit.text import (
    NOTHING,
    SECTION_LIMIT,
    Block,
    SlackMessage,
    escape,
    plain,
    shorten,
)

PLAINER = "(Slack could not show this message in its usual layout.)"
"""Stands below every plainer form, so that readers know that there is more."""
WHOLE = 12_000
"""Characters of a message without blocks; Slack truncates a text after 40,000."""
SHORT = 3_000
"""Characters that Slack always accepts: it refuses the text of an update from 4,000 on."""

BASIC = frozenset({"actions", "context", "divider", "header", "image", "rich_text", "section"})
"""Types of blocks that every workspace has. Slack rolls out newer types workspace by workspace."""

_MARKUP = re.compile(r"<([^<>|]*)(?:\|([^<>]*))?>")
_FORMATTING = re.compile(r"([*_~`])")
_NO_FORMATTING = "\\1\u200b"
"""An invisible space, put behind it: `chat.update` has no argument that switches formatting off."""


@dataclass(frozen=True)
class Form:
    """One form of a message.

    Attributes:
        blocks: None for text only.
        is_full: the original form, under the speaker's name.
        is_marked: carries metadata, by which the message is found after a crash.
    """

    text: str
    blocks: list[Block] | None
    is_full: bool = False
    is_marked: bool = True


def forms(rendered: SlackMessage, named: SlackMessage | None = None, hint: str = "") -> list[Form]:
    """Returns the original message, then plainer forms. None of them leaves customers' markup active.

    Args:
        named: the message with the speaker's name in it, where `rendered` leaves the name to the sender.
        hint: what to do where no buttons are shown.
    """
    written = named or rendered
    source = written.blocks if written.basic is None else written.basic
    literal = "\n".join(_lines(source)) or NOTHING
    called = [block for block in source if _calls(block)]
    found = [Form(rendered.text, rendered.blocks, is_full=True)]
    if rendered.basic is not None:
        found.append(Form(rendered.text, rendered.basic, is_full=True))
    buttons = [block for block in source if block.get("type") == "actions"]
    if buttons:
        room = SECTION_LIMIT - len(PLAINER) - 1
        shown: Block = {
            "type": "section",
            "text": plain(f"{shorten(literal, room)}\n{PLAINER}", SECTION_LIMIT),
        }
        found.append(Form(rendered.text, [*called, shown, *buttons]))
    below = f"{PLAINER}\n{hint}" if hint else PLAINER
    calls = "".join(f"{_markup(block)}\n" for block in called)
    for limit in (WHOLE, SHORT):
        words = _FORMATTING.sub(_NO_FORMATTING, escape(shorten(literal, limit)))
        found.append(Form(f"{calls}{words}\n{below}", None))
    return found


def _lines(blocks: Iterable[Any]) -> Iterator[str]:
    """Yields the text of blocks, line by line."""
    for block in blocks:
        if block.get("type") in ("actions", "divider"):
            continue
        text = " ".join(filter(None, map(_text, _parts(block))))
        if text:
            yield text


def _calls(block: Any) -> bool:
    """Whether the text mentions people; only our own markup can."""
    markup = _markup(block)
    return "<@" in markup or "<!subteam" in markup


def _markup(block: Any) -> str:
    text = block.get("text")
    return str(text["text"]) if isinstance(text, dict) and text.get("type") == "mrkdwn" else ""


def _parts(block: Any) -> Sequence[Any]:
    text = [block["text"]] if isinstance(block.get("text"), dict) else []
    return [*text, *block.get("fields", ()), *block.get("elements", ())]


def _text(part: Any) -> str:
    """Returns the text of a text object of any kind."""
    if "elements" in part:
        ends = "\n" if part.get("type") == "rich_text_list" else ""
        return ends.join(map(_text, part["elements"]))
    text = part.get("text") or part.get("alt_text") or ""
    if isinstance(text, dict):
        return _text(text)
    return _without_markup(text) if part.get("type") == "mrkdwn" else str(text)


def _without_markup(text: str) -> str:
    """Renders our own markup as plain text: dates and links by their labels, mentions as nothing."""

    def shown(found: re.Match[str]) -> str:
        target, label = found[1], found[2]
        if label:
            return f"{label} ({target})" if target.startswith("http") else label
        return target if target.startswith("http") else ""

    spelled = _MARKUP.sub(shown, text)
    return spelled.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&").strip()
