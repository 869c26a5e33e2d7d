"""A drafted reply in a modal, and feedback on what the assistant answered or drafted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from slack_bolt import Ack

from handoff_bot.domain.desk import Place
from handoff_bot.domain.replies import DRAFT, Draft, Tone, Verdict
from handoff_bot.domain.roles import Action
from handoff_bot.domain.text import language_name
from handoff_bot.slack.feature import (
    Click,
    Feature,
    Subject,
    Tools,
    ephemeral,
    guarded,
    number,
    submits,
    tell,
)
from handoff_bot.slack.features.actions import OLD_BUTTON
from handoff_bot.slack.features.knowledge import KnowledgeAction
from handoff_bot.slack.kit.fields import (
    FEEDBACK,
    LONGEST_TEXT,
    Number,
    labelled,
    menu,
    modal,
    plain_feedback_buttons,
)
from handoff_bot.slack.kit.form import (
    Field,
    Form,
    Metadata,
    Stale,
    Submission,
    first,
    text,
    word_of,
)
from handoff_bot.slack.kit.text import (
    WARNING,
    Block,
    actions,
    context,
    one_line,
    plain,
    section,
)

# -- the draft: edited, rewritten in another tone, or chosen among canned replies

CLOSED = "This conversation is already closed."
EMPTY = "Enter a text first."
NOTHING = "The AI has no suggestion. Write the reply yourself."
NOTHING_BUT_CANNED = "The AI has no suggestion. Choose a canned reply, or write the reply yourself."
REWRITING = "The AI is rewriting the text…"
NOT_REWRITTEN = "⚠️ The AI could not rewrite the text. Your text is unchanged; you can try again."
NO_CANNED = "⚠️ This canned reply no longer exists. Your text is unchanged."
_SOURCES = 300
_NAME = 40


class DraftAction(StrEnum):
    """Action ids of the modal."""

    SHORTER = "draft_shorter"
    FRIENDLIER = "draft_friendlier"
    TRANSLATED = "draft_translated"
    CANNED = "draft_canned"


TONES = {
    DraftAction.SHORTER: Tone.SHORTER,
    DraftAction.FRIENDLIER: Tone.FRIENDLIER,
    DraftAction.TRANSLATED: Tone.TRANSLATED,
}


@dataclass(frozen=True)
class Drafting:
    """The escalation of a modal, its thread, and what the modal shows besides the text.

    Attributes:
        round: number of texts that the modal has shown. It is part of the field's id: Slack keeps
            what is in a field while the id is the same.
        sources: titles of the articles, as one line.
        language: the customer's, "" if unknown.
        canned: whether canned replies are offered.
        drafted: whether the assistant wrote the first text, so that agents can rate it.
    """

    escalation_id: Number
    slack_channel: str
    ts: str
    round: Number = 0
    claims: bool = False
    sources: str = ""
    language: str = ""
    tones: tuple[Tone, ...] = ()
    canned: bool = False
    drafted: bool = False

    @property
    def thread(self) -> Place:
        return Place(self.slack_channel, self.ts)


ABOUT = Metadata(Drafting)
REPLY = text(
    "words",
    "Reply to the customer",
    many_lines=True,
    hint="Nothing is sent until you press the button.",
    current=lambda drafted: drafted,
)
FORM = Form("Reply with draft", "draft", (REPLY,), ABOUT, submit="Send")


def reply_of(about: Drafting) -> Field[str]:
    """Returns the field of the text that the modal shows."""
    return replace(REPLY, id=f"{REPLY.id}_{about.round}") if about.round else REPLY


def render_draft(
    about: Drafting,
    words: str,
    *,
    canned: tuple[str, ...] = (),
    banner: str = "",
    is_busy: bool = False,
) -> Block:
    """Renders a draft to edit and send.

    Args:
        about: what the modal remembers.
        words: the text, "" if there is no suggestion.
        canned: names of the canned replies to choose from.
        banner: what became of the last click, at the top.
        is_busy: True while the AI rewrites the text.
    """
    if is_busy:  # Slack would discard what is typed meanwhile
        return modal(FORM.title, [section(words), context(plain(REWRITING))])
    above: list[Block] = []
    if not words and not banner:
        above.append(section(NOTHING_BUT_CANNED if canned else NOTHING))
    if canned:
        names = {name: one_line(name, _NAME) for name in canned}
        above.append(actions(menu(DraftAction.CANNED, "Canned replies", names)))
    form = replace(FORM, parts=(*above, reply_of(about)))
    form = replace(form, submit="Take over & send") if about.claims else form
    below = [*_tones(about)]
    below += [context(plain(f"From: {about.sources}", _SOURCES))] if about.sources else []
    if about.drafted:
        below.append(plain_feedback_buttons(f"{about.escalation_id}:{DRAFT}"))
    return form.render(about, words, below=below, banner=banner)


def _tones(about: Drafting) -> Iterator[Block]:
    """The buttons for another tone; none without a language model."""
    labels = {
        Tone.SHORTER: (DraftAction.SHORTER, "Shorter"),
        Tone.FRIENDLIER: (DraftAction.FRIENDLIER, "Friendlier"),
        Tone.TRANSLATED: (
            DraftAction.TRANSLATED,
            f"Translate to {language_name(about.language)}",
        ),
    }
    if about.tones:
        yield actions(*(labelled(*labels[tone], tone.value) for tone in about.tones))


def open_draft(tools: Tools, click: Click, ack: Ack) -> None:
    """Opens the modal at once, and fills in the draft when the assistant has made it."""
    ack()
    if click.number is None or click.place is None:
        ephemeral(tools.desk, click, OLD_BUTTON)
        return
    open_for(tools, click.trigger_id, click.number, click.place)


def open_for(tools: Tools, trigger_id: str, escalation_id: int, thread: Place) -> None:
    """Opens the modal for an escalation."""
    loading = modal(FORM.title, [section("The AI is writing a draft…")])
    view_id = tools.desk.open_view(trigger_id, loading)
    made = tools.core.drafting.draft(escalation_id)
    if made is None:
        tools.desk.update_view(view_id, modal(FORM.title, [section(CLOSED)]))
        return
    names = () if made.text else tools.core.canned.names_for(escalation_id)
    about = replace(_about(made, escalation_id, thread), canned=bool(names))
    tools.desk.update_view(view_id, render_draft(about, made.text, canned=names))


def _about(made: Draft, escalation_id: int, thread: Place) -> Drafting:
    return Drafting(
        escalation_id,
        thread.slack_channel,
        thread.ts,
        claims=made.claims,
        sources=one_line(", ".join(made.sources), _SOURCES),
        language=made.language,
        tones=made.tones,
        drafted=bool(made.text),
    )


def rewrite(tools: Tools, click: Click, ack: Ack) -> None:
    """Rewrites the text of the open modal, as the agent has edited it."""
    ack()
    entered = _entered(click)
    if entered is None:
        return
    about, words = entered.about, entered[reply_of(entered.about)]
    if not words:
        _show(tools, click, about, "", f"{WARNING}{EMPTY}")
        return
    _show(tools, click, about, words, is_busy=True)
    tone = TONES[DraftAction(click.action_id)]
    said = tools.core.drafting.rewritten(about.escalation_id, words, tone)
    if said is None or len(said) > LONGEST_TEXT:  # a text that is cut must not be sent
        _show(tools, click, about, words, NOT_REWRITTEN)
    else:
        _show(tools, click, replace(about, round=about.round + 1), said)


def choose_canned(tools: Tools, click: Click, ack: Ack) -> None:
    """Puts the chosen canned reply into the text, in the customer's language."""
    ack()
    entered = _entered(click)
    if entered is None:
        return
    about, agent = entered.about, tools.desk.agent(click.desk_id)
    said = tools.core.canned.say(first(click.chosen), about.escalation_id, agent)
    if said is None:
        _show(tools, click, about, entered[reply_of(about)], NO_CANNED)
    else:
        _show(tools, click, replace(about, round=about.round + 1), said)


def show_outcome(tools: Tools, click: Click, banner: str) -> None:
    """Shows what became of a click; the text stays as the agent has edited it."""
    entered = _entered(click)
    if entered is not None:
        _show(tools, click, entered.about, entered[reply_of(entered.about)], banner)


def _entered(click: Click) -> Submission[Drafting] | None:
    try:
        return FORM.received(click.metadata, click.state)
    except Stale:
        return None


def _show(
    tools: Tools,
    click: Click,
    about: Drafting,
    words: str,
    banner: str = "",
    *,
    is_busy: bool = False,
) -> None:
    names = tools.core.canned.names_for(about.escalation_id) if about.canned else ()
    shown = render_draft(about, words, canned=names, banner=banner, is_busy=is_busy)
    tools.desk.update_view(click.view_id, shown)


def sent(tools: Tools, entered: Submission[Drafting], ack: Ack) -> None:
    """Sends the edited draft; a refusal is said at the text."""
    about, agent = entered.about, tools.agent(entered.by)
    field = reply_of(about)
    words = entered[field]
    if not words:
        raise field.invalid(EMPTY)
    outcome = tools.core.composed.send(about.escalation_id, agent, words, entered.view_id)
    if not outcome.done:
        raise field.invalid(outcome.text)
    if outcome.text:
        tell(tools.desk, agent.desk_id, about.thread, outcome.text)
    ack()


# -- feedback buttons below what the assistant answered or drafted

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
        show_outcome(tools, click, text)
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


FEATURE = Feature(
    clicks={
        **{each.value: guarded(Action.REPLY, rewrite, Subject.ESCALATION) for each in TONES},
        DraftAction.CANNED: guarded(Action.REPLY, choose_canned, Subject.ESCALATION),
        FEEDBACK: guarded(Action.NOTE, judged, Subject.ESCALATION),
    },
    views={FORM.callback_id: guarded(Action.REPLY, submits(FORM, sent), Subject.ESCALATION)},
)
