"""Feedback buttons below what the assistant answered or drafted."""

from __future__ import annotations

from collections.abc import Sequence

from slack_bolt import Ack

from handoff_bot.domain.drafts import Verdict
from handoff_bot.domain.roles import Action
from handoff_bot.slack.click import Click, Tools, ephemeral, number
from handoff_bot.slack.feature import Feature, Subject, guarded
from handoff_bot.slack.features import draft
from handoff_bot.slack.features.actions import OLD_BUTTON
from handoff_bot.slack.features.knowledge import KnowledgeAction
from handoff_bot.slack.kit.fields import FEEDBACK, labelled
from handoff_bot.slack.kit.form import word_of
from handoff_bot.slack.kit.text import Block, one_line

MOST_ARTICLES = 3
TITLE = 60


def judged(tools: Tools, click: Click, ack: Ack) -> None:
    """Records the verdict, and says so: below the message, or in the draft's modal."""
    ack()
    escalation, _, rest = click.value.partition(":")
    about, _, said = rest.partition(":")
    escalation_id, verdict = number(escalation), word_of(Verdict, said)
    if escalation_id is None or verdict is None:
        _tell(tools, click, OLD_BUTTON)
        return
    agent = tools.agent(click.desk_id)
    outcome = tools.core.feedback.judged(escalation_id, about, verdict, agent)
    is_bad = outcome.done and verdict is Verdict.BAD
    sources = tools.core.feedback.sources(escalation_id, about) if is_bad else ()
    _tell(
        tools, click, outcome.text, _articles(tools, sources) if is_bad and agent.is_admin else ()
    )


def _tell(tools: Tools, click: Click, text: str, buttons: Sequence[Block] = ()) -> None:
    if click.view_id:
        draft.show_outcome(tools, click, text)
    else:
        ephemeral(tools.desk, click, text, buttons)


def _articles(tools: Tools, sources: Sequence[str]) -> list[Block]:
    """Returns buttons that edit the articles that an answer cites so; one that writes an article if none can
    be edited.
    """
    buttons = []
    for row, source in enumerate(sources[:MOST_ARTICLES], 1):
        files, *_ = tools.core.articles.page(source, 0)
        for file in (one for one in files if one.cited == source and not one.locked):
            label = f"Edit “{one_line(file.article.title, TITLE)}”…"
            change = labelled(f"{KnowledgeAction.CHANGE}:{row}", label, file.name[:2000])
            buttons.append(change)
            break
    return buttons or [labelled(KnowledgeAction.ADD, "Write an article…", "new")]


FEATURE = Feature(clicks={FEEDBACK: guarded(Action.NOTE, judged, Subject.ESCALATION)})
