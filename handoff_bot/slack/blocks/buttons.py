"""Every button: its label, style, confirmation and what a screen reader says."""

from __future__ import annotations

from dataclasses import dataclass

from handoff_bot.domain.desk import Button
from handoff_bot.slack.blocks.text import BUTTON_LIMIT, LABEL_LIMIT, Block, one_line, plain


@dataclass(frozen=True)
class _Look:
    label: str
    spoken: str
    style: str = ""
    question: str = ""


_LOOKS: dict[Button, _Look] = {
    Button.CLAIM: _Look("Take Over", "Take over", "primary"),
    Button.ASSIGN: _Look("Assign…", "Assign to somebody"),
    Button.RELEASE: _Look("Release", "Put back into the queue"),
    Button.RESOLVE: _Look(
        "Resolve",
        "Resolve",
        question="The ticket is solved, and the customer is told that the conversation is closed.",
    ),
    Button.RETURN: _Look("Return to AI", "Return to the assistant"),
    Button.DISMISS: _Look(
        "Not needed",
        "No person needed",
        question="Nobody will talk to the customer: the assistant carries on.",
    ),
    Button.VIEW: _Look("View conversation", "View the whole conversation"),
    Button.TAKE_OVER_AND_SEND: _Look("Take over & send", "Take over and send this", "primary"),
    Button.KEEP_AS_NOTE: _Look("Keep as note", "Keep this as a note"),
    Button.RETRY: _Look("Retry", "Send this message again", "primary"),
    Button.SEND_CORRECTION: _Look("Send correction", "Send the correction", "primary"),
}


def button(kind: Button, value: str, about: str = "") -> Block:
    """A button that carries `value`.

    Args:
        kind: which button; its value is the action id.
        value: what a click brings back, at most 2,000 characters.
        about: whom it is about, for screen readers, where many buttons look the same.
    """
    look = _LOOKS[kind]
    return labelled(kind.value, look.label, value, look.spoken, about) | _extras(look)


def labelled(action_id: str, label: str, value: str, spoken: str, about: str = "") -> Block:
    """A button with these words."""
    full = f"{spoken}: {about}" if about else spoken
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
