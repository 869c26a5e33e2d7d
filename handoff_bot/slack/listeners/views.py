"""Windows that were submitted: what each asks of the core, and what it says when that cannot be."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from typing import Any

from slack_bolt import Ack

from handoff_bot.domain.desk import Place, Whisper
from handoff_bot.domain.errors import DeskError
from handoff_bot.slack.blocks import modals
from handoff_bot.slack.listeners.click import Tools
from handoff_bot.slack.listeners.feature import Feature

logger = logging.getLogger(__name__)

CHOOSE = "Choose an agent."
NOT_HUMAN = "Choose a person: apps and people who have left cannot answer customers."
OLD_WINDOW = "This window is from an older version. Please close it and click again."


@dataclass(frozen=True)
class Assignment:
    """Who gives which escalation to whom; the thread is where to tell them."""

    escalation_id: int
    thread: Place
    desk_id: str
    to: str

    @classmethod
    def parse(cls, body: dict[str, Any]) -> Assignment | None:
        """The submitted choice; None when the window is not one of ours."""
        try:
            about = json.loads(body["view"]["private_metadata"])
            chosen = body["view"]["state"]["values"][modals.ASSIGNEE][modals.ASSIGNEE]
            thread = Place(str(about["slack_channel"]), str(about["ts"]))
            to = str(chosen.get("selected_user") or "")
            return cls(int(about["escalation_id"]), thread, str(body["user"]["id"]), to)
        except (AttributeError, KeyError, TypeError, ValueError):
            return None


def assign(tools: Tools, body: dict[str, Any], ack: Ack) -> None:
    """Give the escalation to the chosen agent; what stands in the way is said in the window."""
    asked = Assignment.parse(body)
    problem = OLD_WINDOW if asked is None else _problem(tools, asked)
    if asked is None or problem:
        ack(response_action="errors", errors={modals.ASSIGNEE: problem})
        return
    desk = tools.desk
    outcome = tools.actions.reassign(
        asked.escalation_id, desk.agent(asked.desk_id), desk.agent(asked.to)
    )
    if not outcome.done:
        ack(response_action="errors", errors={modals.ASSIGNEE: outcome.text})
        return
    ack()
    if outcome.text:
        _tell(tools, asked, outcome.text)


def _problem(tools: Tools, asked: Assignment) -> str:
    if not asked.to:
        return CHOOSE
    return "" if tools.desk.is_human(asked.to) else NOT_HUMAN


def _tell(tools: Tools, asked: Assignment, text: str) -> None:
    try:
        tools.desk.whisper(Whisper(asked.desk_id, asked.thread, text))
    except DeskError as error:
        logger.warning("whisper lost", extra={"code": error.code, "window": modals.ASSIGN})


FEATURE = Feature(views={modals.ASSIGN: assign})
