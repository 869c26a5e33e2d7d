"""The buttons below files that could not be shown in a thread."""

from __future__ import annotations

from slack_bolt import Ack

from handoff_bot.domain.desk import Button
from handoff_bot.domain.roles import Action
from handoff_bot.slack.cards.thread import settled
from handoff_bot.slack.click import Click, Tools, ephemeral, replace
from handoff_bot.slack.feature import Feature, Subject, guarded
from handoff_bot.slack.features.actions import OLD_BUTTON


def fetch_again(tools: Tools, click: Click, ack: Ack) -> None:
    """Retries to post a customer's file in the thread."""
    if click.number is None:
        ack()
        ephemeral(tools.desk, click, OLD_BUTTON)
        return
    outcome = tools.core.files.fetch_again(click.number)
    ack()
    if outcome.done:
        replace(tools.desk, click, settled(click.blocks, outcome.text))
    else:
        ephemeral(tools.desk, click, outcome.text)


FEATURE = Feature(
    clicks={Button.FETCH_AGAIN.value: guarded(Action.NOTE, fetch_again, Subject.THREAD)}
)
