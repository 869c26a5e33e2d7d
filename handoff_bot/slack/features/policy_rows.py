"""The waiting policy as rows of menus: after how long, what, and for which conversations."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from typing import Any

from handoff_bot.domain.signals import Priority
from handoff_bot.domain.text import length
from handoff_bot.domain.waiting_policy import MOST_STEPS, WHAT, PolicyStep
from handoff_bot.services.settings_catalog import key_of
from handoff_bot.slack.kit import fields as elements
from handoff_bot.slack.kit.fields import Entered, State, chosen, held, labelled
from handoff_bot.slack.kit.form import Field
from handoff_bot.slack.kit.text import (
    LABEL_LIMIT,
    Block,
    actions,
    context,
    one_line,
    plain,
    rich,
    strong,
)
from handoff_bot.slack.kit.text import line as paragraph

Rows = Mapping[int, str]
"""Lines of the policy by the number of their row. A row keeps its number while the modal is open: Slack
keeps what was chosen in it by its block_id."""


class PolicyAction(StrEnum):
    """Action ids; those of menus are followed by a colon and the number of their row."""

    AFTER = "policy_after"
    WHAT = "policy_what"
    WHOM = "policy_whom"
    ADD = "policy_add"
    REMOVE = "policy_remove"


_HOURS = (1, 2, 3, 4, 6, 8, 12, 24, 48, 72, 7 * 24)
MINUTES = (0, 1, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, *(60 * hours for hours in _HOURS))
ALL = "all"
WHOM = {ALL: "All"} | {each.value: each.value.capitalize() for each in Priority}
_ROW = re.compile(r"policy:(\d{1,6})")


def after_words(minutes: int) -> str:
    return f"After {length(timedelta(minutes=minutes))}" if minutes else "At once"


def step_words(line: str) -> str:
    """Returns a stored line as text: "After 10 min: Send queue position (urgent only)"."""
    try:
        found = PolicyStep.parse(line)
    except ValueError:
        return line
    whom = f" ({found.priority.value} only)" if found.priority else ""
    return f"{after_words(found.minutes)}: {WHAT[found.kind]}{whom}"


class PolicyField(Field[list[str]]):
    """The field of the policy. It shows stored lines, or rows as they are in the modal."""

    def blocks(self, shown: object = None) -> list[Block]:
        value: Any = self.current(shown) if shown is not None else []
        rows: Rows = value if isinstance(value, Mapping) else dict(enumerate(value))
        found = [
            rich(paragraph(strong(self.label))),
            *(_row(number, line) for number, line in rows.items()),
        ]
        if len(rows) < MOST_STEPS:
            found.append(actions(labelled(PolicyAction.ADD, "Add a step", "add")))
        return [*found, context(plain(self.hint))]


def _row(number: int, line: str) -> Block:
    policy_step = PolicyStep.parse(line)
    minutes = {str(each): after_words(each) for each in sorted({*MINUTES, policy_step.minutes})}
    whom = policy_step.priority.value if policy_step.priority else ALL
    # Only a symbol has room beside three menus: "Remove" would stand below them.
    remove = labelled(PolicyAction.REMOVE, "✕", str(number))
    remove["accessibility_label"] = one_line(f"Remove: {step_words(line)}", LABEL_LIMIT)
    block = actions(
        _menu(PolicyAction.AFTER, number, minutes, str(policy_step.minutes)),
        _menu(PolicyAction.WHAT, number, WHAT, policy_step.kind.value),
        _menu(PolicyAction.WHOM, number, WHOM, whom),
        remove,
    )
    return block | {"block_id": f"policy:{number}"}


def _menu(action: PolicyAction, number: int, choices: Mapping[Any, str], value: str) -> Block:
    return elements.menu(f"{action}:{number}", "Choose", choices, value)


def rows_in(state: State) -> dict[int, str]:
    """Returns the rows of an open modal, with what is chosen in them."""
    found = {}
    for block_id, held_in in state.items():
        numbered = _ROW.fullmatch(block_id)
        if numbered and isinstance(held_in, dict):
            number = int(numbered[1])
            line = _line(held_in, number)
            if line:
                found[number] = line
    return dict(sorted(found.items()))


def _line(held_in: Mapping[str, Any], number: int) -> str:
    """Returns the line of a row; "" if it cannot be one."""
    parts = []
    for action in (PolicyAction.WHOM, PolicyAction.AFTER, PolicyAction.WHAT):
        element = held_in.get(f"{action}:{number}")
        parts.append(next(chosen(element), "") if isinstance(element, dict) else "")
    whom, after, what = parts
    line = f"{after} {what}" if whom == ALL else f"{whom}: {after} {what}"
    try:
        return PolicyStep.parse(line).line
    except ValueError:
        return ""


def entered(state: State) -> Entered:
    """Returns the lines; those of the text field from modals that were opened before an upgrade."""
    typed = "".join(held(state, key_of("waiting_policy")))
    return tuple(rows_in(state).values()) or tuple(filter(str.strip, typed.splitlines()))


def with_another(rows: Rows) -> Rows:
    """Returns the rows with a new one below, some time after the last."""
    if len(rows) >= MOST_STEPS:
        return rows
    latest = max((PolicyStep.parse(line).minutes for line in rows.values()), default=0)
    after = next((each for each in MINUTES if each > latest), MINUTES[-1])
    return {**rows, max(rows, default=-1) + 1: f"{after} remind"}


def without(rows: Rows, number: int | None) -> Rows:
    return {each: line for each, line in rows.items() if each != number}
