"""`/handoff doctor`: opens a modal at once, and fills it in with the health checks.

The checks need several calls, and Slack expects an answer within three seconds, so they run as a job.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable, Iterator, Sequence

from slack_bolt import Ack
from slack_sdk.web import WebClient

from handoff_bot.domain.errors import DeskError
from handoff_bot.domain.results import CheckResult, checked
from handoff_bot.domain.text import many
from handoff_bot.jobs.handler import ADMINS, ProviderJob
from handoff_bot.jobs.job import Job
from handoff_bot.services.outbox.slack_channels import DeskPlace, Purpose
from handoff_bot.slack.checks import check_channel, examine
from handoff_bot.slack.feature import Click, Feature, SlashCommand, Tools
from handoff_bot.slack.features.admins import by_admins, put
from handoff_bot.slack.kit.fields import modal
from handoff_bot.slack.kit.text import (
    Block,
    context,
    header,
    mrkdwn,
    one_line,
    plain,
    section,
    shorten,
)
from handoff_bot.storage.transaction import Transaction

logger = logging.getLogger(__name__)

EXAMINE = "slack.examine"

PURPOSES: dict[Purpose, str] = {
    Purpose.QUEUE: "queue channel",
    Purpose.URGENT: "channel for urgent conversations",
}


TITLE = "Doctor"
SHOW = "doctor_show"
_MOST = 40
_WORDS = 800
_CHANNEL = re.compile(r"\b[CG][A-Z0-9]{6,20}\b")


def looking() -> Block:
    """Renders the modal while the checks run."""
    return modal(TITLE, [section("Checking all connections. This can take a minute.")])


def render_checks(checks: Sequence[CheckResult]) -> Block:
    """Renders the results, failed checks first."""
    wrong = [each for each in checks if not each.ok]
    well = [each for each in checks if each.ok]
    blocks: list[Block] = [header(_summary(len(wrong)))]
    for each in (*wrong, *well)[:_MOST]:
        blocks.append(
            section(
                f"{'✅' if each.ok else '❌'} {one_line(each.what, 150)}\n{shorten(each.words, _WORDS)}"
            )
        )
        named = [f"<#{channel}>" for channel in _CHANNEL.findall(each.what)]
        if named:
            blocks.append(context(mrkdwn(f"Channel: {' '.join(named[:5])}")))
    blocks.append(
        context(plain("On the server, handoff doctor also checks the database and the detector."))
    )
    return modal(TITLE, blocks)


def _summary(wrong: int) -> str:
    if not wrong:
        return "Everything looks good."
    return f"{many(wrong, 'problem')} found."


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

    core = tools.core
    parts: tuple[tuple[str, Callable[[], Iterable[CheckResult]]], ...] = (
        ("Slack", lambda: tools.desk.inspect(look)),
        ("notifications", lambda: [core.first_steps.notified()]),
        ("alarms", lambda: [core.first_steps.alarmed()]),
        ("language model", core.model.checks),
        ("translation", lambda: [core.interpreter.check_result()]),
        ("connections", core.connected_checks),
    )
    return [found for part, check in parts for found in checked(part, check)]


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
    lane = f"model:{EXAMINE}:{view_id}"
    tools.core.inbox.store(EXAMINE, lane, f"{EXAMINE}:{view_id}", {"view_id": view_id})


FEATURE = Feature(
    clicks={SHOW: by_admins(show)},
    commands={"doctor": by_admins(asked_for)},
    help=("/handoff doctor: check Slack, the language model and all other connections",),
)
