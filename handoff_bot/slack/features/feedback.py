"""Feedback buttons below what the assistant answered or drafted."""

from __future__ import annotations

from slack_bolt import Ack

from handoff_bot.domain.action_result import ActionResult
from handoff_bot.domain.drafts import Verdict
from handoff_bot.domain.roles import Action
from handoff_bot.slack.click import Click, Tools, ephemeral, number
from handoff_bot.slack.feature import Feature, Subject, guarded
from handoff_bot.slack.features import draft
from handoff_bot.slack.features.actions import OLD_BUTTON
from handoff_bot.slack.kit.fields import FEEDBACK
from handoff_bot.slack.kit.form import word_of


def judged(tools: Tools, click: Click, ack: Ack) -> None:
    """Records the verdict, and says so: below the message, or in the draft's modal."""
    ack()
    outcome = _recorded(tools, click)
    if click.view_id:
        draft.show_outcome(tools, click, outcome.text)
    else:
        ephemeral(tools.desk, click, outcome.text)


def _recorded(tools: Tools, click: Click) -> ActionResult:
    """Parses "escalation:about:verdict"."""
    escalation, _, rest = click.value.partition(":")
    about, _, said = rest.partition(":")
    escalation_id, verdict = number(escalation), word_of(Verdict, said)
    if escalation_id is None or verdict is None:
        return ActionResult(False, OLD_BUTTON)
    agent = tools.agent(click.desk_id)
    return tools.core.feedback.judged(escalation_id, about, verdict, agent)


FEATURE = Feature(clicks={FEEDBACK: guarded(Action.NOTE, judged, Subject.ESCALATION)})
"""A negative verdict only counts: articles cannot be edited in Slack."""
