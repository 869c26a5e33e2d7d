"""Labels, styles, confirmations and accessibility labels of all buttons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from handoff_bot.domain.desk import Button
from handoff_bot.slack.kit.fields import options
from handoff_bot.slack.kit.text import BUTTON_LIMIT, LABEL_LIMIT, Block, one_line, plain


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
