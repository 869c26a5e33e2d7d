"""`/handoff doctor`: opens a modal at once, and fills it in with the health checks of Slack and the model.

The checks need several calls, and Slack expects an answer within three seconds, so they run as a job.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator

from slack_bolt import Ack
from slack_sdk.web import WebClient

from handoff_bot.domain.errors import DeskError
from handoff_bot.domain.health_checks import CheckResult
from handoff_bot.jobs.handler import ADMINS, ProviderJob
from handoff_bot.jobs.job import Job
from handoff_bot.services.outbox.slack_channels import DeskPlace, Purpose
from handoff_bot.slack.checks import check_channel, examine
from handoff_bot.slack.click import Click, Tools
from handoff_bot.slack.feature import Feature, SlashCommand
from handoff_bot.slack.features.admins import by_admins, put
from handoff_bot.slack.features.doctor_blocks import looking, render_checks
from handoff_bot.slack.features.settings_blocks import SettingsAction
from handoff_bot.storage.transaction import Transaction

logger = logging.getLogger(__name__)

EXAMINE = "slack.examine"

PURPOSES: dict[Purpose, str] = {
    Purpose.QUEUE: "queue channel",
    Purpose.URGENT: "channel for urgent conversations",
}


class Examine(ProviderJob[str, None]):
    """Runs the health checks, and shows them in a modal."""

    repeatable = True
    told = ADMINS

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    def prepare(self, tx: Transaction, job: Job) -> str:
        """Returns the modal."""
        return str(job.payload["view_id"])

    def call(self, plan: str) -> None:
        """Runs the checks. The modal may be closed by then."""
        view = render_checks(_checks(self._tools))
        try:
            self._tools.desk.update_view(plan, view)
        except DeskError as error:
            logger.warning("findings not shown", extra={"code": error.code})


def _checks(tools: Tools) -> list[CheckResult]:
    places = tools.core.desk_channels.places()

    def look(client: WebClient, queue_channel: str) -> Iterator[CheckResult]:
        yield from examine(client, queue_channel)
        for place in places:
            if place.slack_channel != queue_channel or place.suspended_why:
                yield _of_place(client, place)

    return [
        *tools.desk.inspect(look),
        *tools.core.model.checks(),
        tools.core.interpreter.check_result(),
    ]


def _of_place(client: WebClient, place: DeskPlace) -> CheckResult:
    purpose = PURPOSES.get(place.purpose, "channel")
    found = check_channel(client, place.slack_channel, purpose)
    if found.ok and place.suspended_why:
        words = f"cannot post there: {place.suspended_why}"
        return CheckResult(found.what, False, words)
    return found


def asked_for(tools: Tools, asked: SlashCommand) -> None:
    """`/handoff doctor`."""
    _begin(tools, tools.desk.open_view(asked.trigger_id, looking()))


def show(tools: Tools, click: Click, ack: Ack) -> None:
    """The button in the settings."""
    ack()
    _begin(tools, put(tools, click, looking()))


def _begin(tools: Tools, view_id: str) -> None:
    lane = f"slack:{EXAMINE}:{view_id}"
    tools.core.inbox.store(EXAMINE, lane, f"{EXAMINE}:{view_id}", {"view_id": view_id})


FEATURE = Feature(
    clicks={SettingsAction.DOCTOR: by_admins(show)},
    commands={"doctor": by_admins(asked_for)},
    help=("/handoff doctor: check Slack and the language model (admins)",),
)
