"""Setup in Slack: the checklist, and what a Slack channel is used for."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from slack_bolt import Ack

from handoff_bot.domain.desk import Button, Place, Post, PostKind
from handoff_bot.domain.errors import DeskGone
from handoff_bot.domain.roles import Action
from handoff_bot.jobs.handler import ADMINS, ProviderJob
from handoff_bot.jobs.job import Job
from handoff_bot.services.home import DISMISSED, KEEPABLE, PLACE, UNNOTIFIED, SetupStep, StepId
from handoff_bot.services.outbox import outbox
from handoff_bot.services.outbox.slack_channels import Purpose
from handoff_bot.slack.cards.thread import render_words, settled
from handoff_bot.slack.client.web_client import missing
from handoff_bot.slack.feature import (
    Body,
    Click,
    ClickListener,
    Feature,
    SlashCommand,
    Tools,
    guarded,
    replace_message,
)
from handoff_bot.slack.features.admins import by_admins
from handoff_bot.slack.features.customer_texts import TextAction
from handoff_bot.slack.features.knowledge import KnowledgeAction
from handoff_bot.slack.features.message_templates import TemplateAction
from handoff_bot.slack.features.rules import NOTICES
from handoff_bot.slack.features.settings import SettingsAction
from handoff_bot.slack.kit.fields import labelled
from handoff_bot.slack.kit.text import (
    Block,
    SlackMessage,
    actions,
    context,
    header,
    notification,
    plain,
    section,
)
from handoff_bot.storage import log
from handoff_bot.storage.transaction import Transaction

MARK = "setup"
DONE = "Setup is complete. To see the checklist again, enter /handoff setup."
NOT_INVITED = "Invite @Handoff to this Slack channel first: enter /invite @Handoff, then try again."
WARNING = (
    "{why} Customers can wait without being seen. To fix this, enter /handoff setup, or see "
    "/handoff doctor."
)


class SetupAction(StrEnum):
    """Action ids of the checklist's own buttons."""

    KEEP = "setup_keep"
    DISMISS = "setup_dismiss"


TITLES: dict[StepId, str] = {
    StepId.QUEUE_CHANNEL: "Queue channel",
    StepId.AGENTS: "Agents",
    StepId.NOTIFIED: "Notifications",
    StepId.HOURS: "Business hours",
    StepId.LANGUAGE: "Language",
    StepId.TEXTS: "Customer texts",
    StepId.KNOWLEDGE: "Your own knowledge base",
    StepId.TEMPLATES: "WhatsApp templates",
    StepId.TEST: "Test message",
    StepId.LIVE: "Go live",
}
_KEEP = {StepId.LIVE: "We're live"}
_OPENS: Mapping[StepId, Sequence[tuple[str, str, str]]] = {
    StepId.AGENTS: ((SettingsAction.OPEN, "Choose agents", "team"),),
    StepId.NOTIFIED: (
        (SettingsAction.OPEN, "Choose a group", "waiting"),
        (NOTICES.show, "Notification rules", "open"),
    ),
    StepId.HOURS: ((SettingsAction.OPEN, "Set hours", "hours"),),
    StepId.LANGUAGE: ((SettingsAction.OPEN, "Set up translation", "translation"),),
    StepId.TEXTS: ((TextAction.SHOW, "Edit texts", "open"),),
    StepId.KNOWLEDGE: ((KnowledgeAction.SHOW, "Write articles", "open"),),
    StepId.TEMPLATES: ((TemplateAction.SHOW, "Add templates", "open"),),
    StepId.TEST: ((Button.SHOW_QUEUE.value, "View queue", "home"),),
    StepId.LIVE: ((SettingsAction.OPEN, "Pause the AI", "triggers"),),
}
"""The buttons of each step: action id, label and value."""


# -- the checklist


def is_complete(steps: Sequence[SetupStep]) -> bool:
    """Returns whether all steps are done."""
    return all(step.done for step in steps)


def render_steps(steps: Sequence[SetupStep]) -> list[Block]:
    """Renders the checklist: steps that are done in short, the others with their buttons."""
    done = [step for step in steps if step.done]
    blocks: list[Block] = [header(f"Set up Handoff: {len(done)} of {len(steps)} done")]
    if done:
        ticks = " · ".join(f"✅ {TITLES[step.id]}" for step in done)
        blocks.append(context(plain(ticks)))
    for step in steps:
        if not step.done:
            blocks += _open_step(step)
    dismiss = labelled(SetupAction.DISMISS, "Dismiss checklist", "all")
    return [*blocks, actions(dismiss), {"type": "divider"}]


def _open_step(step: SetupStep) -> Iterator[Block]:
    title = TITLES[step.id]
    yield section(f"⬜ {title}\n{step.words}")
    buttons = [labelled(one, label, value, title) for one, label, value in _OPENS.get(step.id, ())]
    if step.id in KEEPABLE:
        keep = labelled(SetupAction.KEEP, _KEEP.get(step.id, "Keep as it is"), step.id, title)
        buttons.append(keep)
    if buttons:
        yield actions(*buttons)


def shown(tools: Tools) -> tuple[SetupStep, ...]:
    """Returns the steps to show; empty once all are done, or the checklist is dismissed."""
    if not tools.core.first_steps.is_open():
        return ()
    steps = tools.core.first_steps.steps()
    return () if is_complete(steps) else steps


def render_checklist(steps: Sequence[SetupStep]) -> SlackMessage:
    """Renders the message in the queue channel."""
    if not steps:
        return SlackMessage(notification(DONE), [context(plain(DONE))])
    done = sum(step.done for step in steps)
    text = f"Setup of Handoff: {done} of {len(steps)} steps are done."
    return SlackMessage(notification(text), render_steps(steps)[:-1])


@dataclass(frozen=True)
class ChecklistPlan:
    """Where the checklist is (None if not yet posted), and the digest of what it shows."""

    at: Place | None
    digest: str
    mark: str


@dataclass(frozen=True)
class Posted:
    """Where the checklist is now, and why no agent would be notified, ""."""

    at: Place | None
    digest: str
    unnotified: str
    is_over: bool = False


class ShowChecklist(ProviderJob[ChecklistPlan, Posted]):
    """Keeps the checklist in the queue channel up to date, and warns if no agent would be notified."""

    coalesces = True
    told = ADMINS

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    def prepare(self, tx: Transaction, job: Job) -> ChecklistPlan:
        """Returns where the checklist is."""
        held = log.preference(tx, PLACE, None) or {}
        at = Place(held["slack_channel"], held["ts"]) if held else None
        return ChecklistPlan(at, str(held.get("digest", "")), MARK)

    def call(self, plan: ChecklistPlan) -> Posted:
        """Posts or updates the checklist, unless it already shows this."""
        steps = shown(self._tools)
        where = self._where()
        at = plan.at if plan.at and plan.at.slack_channel == where else None
        rendered = render_checklist(steps)
        digest = hashlib.sha256(json.dumps(rendered.blocks).encode()).hexdigest()
        if where and digest != plan.digest and (steps or at):
            at = self._tools.desk.show(rendered, at, plan.mark, where)
        checked = self._tools.core.first_steps.notified()
        is_unnotified = bool(where) and checked.words.startswith(UNNOTIFIED)
        return Posted(at, digest, checked.words if is_unnotified else "", is_over=not steps)

    def _where(self) -> str:
        return self._tools.core.desk_channels.queue() or self._tools.desk.queue_channel

    def recover(self, job: Job, begun_at: datetime) -> tuple[ChecklistPlan, Posted] | None:
        """Finds a first checklist that was posted before a crash."""
        place = self._tools.desk.find_card(MARK, begun_at, self._where())
        return (ChecklistPlan(None, "", MARK), Posted(place, "", "")) if place else None

    def on_retry(
        self, tx: Transaction, job: Job, plan: ChecklistPlan | None, error: Exception
    ) -> None:
        """Posts a deleted checklist again."""
        if isinstance(error, DeskGone):
            log.forget(tx, PLACE)

    def finish(self, tx: Transaction, job: Job, plan: ChecklistPlan, result: Posted) -> None:
        """Stores where the checklist is, and warns at most once a day."""
        now = self._tools.core.clock.now()
        if result.at:
            held: dict[str, Any] = asdict(result.at) | {"digest": result.digest}
            if log.preference(tx, PLACE, None) != held:
                log.prefer(tx, PLACE, held, "system", now)
        if result.is_over and not log.preference(tx, DISMISSED, False):
            log.prefer(tx, DISMISSED, True, "system", now)
        if result.unnotified:
            words = WARNING.format(why=result.unnotified)
            key = f"setup:unnotified:{now:%Y%m%d}"
            outbox.tell(tx, "", Post(PostKind.TOLD, words), now, key=key)


# -- channels


def invited(tools: Tools, body: Body) -> None:
    """A person joined a channel; if it is the bot, it asks how to use the channel."""
    event = body["event"]
    tools.desk.directory.forget_channel(str(event["channel"]))
    if event.get("user") != tools.desk.own_id():
        return
    granted = tools.desk.scopes()
    lacking = missing(granted) if granted else []
    event_id = str(body.get("event_id") or event.get("event_ts") or "")
    by = str(event.get("inviter") or "")
    tools.core.desk_channels.joined(str(event["channel"]), by, lacking, event_id)


def _chosen(purpose: Purpose) -> ClickListener:
    def listener(tools: Tools, click: Click, ack: Ack) -> None:
        outcome = tools.core.desk_channels.choose(click.value, purpose, click.desk_id)
        tools.core.first_steps.changed()
        ack()
        replace_message(tools.desk, click, settled(click.blocks, outcome.text))

    return listener


def here(tools: Tools, asked: SlashCommand) -> SlackMessage:
    """`/handoff here`: uses this Slack channel as the queue channel."""
    if not tools.desk.may_write_in(asked.slack_channel):
        return render_words(NOT_INVITED)
    outcome = tools.core.desk_channels.choose(asked.slack_channel, Purpose.QUEUE, asked.desk_id)
    tools.core.first_steps.changed()
    return render_words(outcome.text)


FEATURE = Feature(
    clicks={
        Button.QUEUE_HERE.value: by_admins(_chosen(Purpose.QUEUE)),
        Button.URGENT_HERE.value: by_admins(_chosen(Purpose.URGENT)),
        Button.NOT_HERE.value: by_admins(_chosen(Purpose.NONE)),
    },
    commands={"here": by_admins(here)},
    events={"member_joined_channel": guarded(Action.REPORT, invited)},
    help=("/handoff here: use this Slack channel as the queue channel",),
)
