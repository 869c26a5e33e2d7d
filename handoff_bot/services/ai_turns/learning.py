"""Drafts articles from agents' answers after Resolve; admins approve, edit or reject them in Slack.

An approved draft is written by a job, outside of any transaction: the folder may be slow.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from handoff_bot.domain.articles import (
    GAP,
    Article,
    ArticleBusy,
    ArticleError,
    DraftStatus,
    Taught,
)
from handoff_bot.domain.desk import AgentRef, Button, Post, PostKind
from handoff_bot.domain.errors import ProviderFailure
from handoff_bot.domain.escalations import Step
from handoff_bot.domain.events import EventKind
from handoff_bot.domain.file_reading import Reading
from handoff_bot.domain.messages import Author
from handoff_bot.domain.results import ActionResult
from handoff_bot.jobs.handler import ADMINS, ProviderJob
from handoff_bot.jobs.job import Job, NewJob, enqueue_job
from handoff_bot.ports import Clock, Learner, Library
from handoff_bot.services.ai_turns import articles
from handoff_bot.services.outbox import alarms, outbox, view_models
from handoff_bot.services.outbox.outbox import EscalationChanged
from handoff_bot.services.settings_catalog import live
from handoff_bot.storage import article_drafts, conversations, log
from handoff_bot.storage import escalations as rows
from handoff_bot.storage.database import Database
from handoff_bot.storage.models import Agent, ArticleDraft, Message
from handoff_bot.storage.transaction import Transaction

logger = logging.getLogger(__name__)

LEARN = "learn.draft"
PUBLISH = "learn.publish"
COMPARED = 100
"""Number of earlier drafts that a new one is compared with."""
BEFORE = timedelta(days=1)
"""How long before the first answer a question may have been asked."""
MOST_TURNS = 20
SUBSTANTIAL = 40
"""Characters of a reply that may be an answer; what is asked after it is another question."""

GONE = "This draft no longer exists."
EXPIRED = "The text of this draft was deleted with the conversation."
DECIDED = {
    DraftStatus.APPROVED: "This draft is already approved, as {file}.",
    DraftStatus.REJECTED: "This draft is already rejected.",
    DraftStatus.EXPIRED: EXPIRED,
}
SAVING = "Approved by {name} at {{time}}. The article is being saved."
SAVED = "Approved by {name} at {{time}}: the AI answers from {file}."
NOT_SAVED = "Approved by {name} at {{time}}, but not saved: {why} Approve it again."
STILL_SAVING = "This draft is already approved, and the article is being saved."
REJECTED = "Rejected by {name} at {{time}}."
DONE = {
    DraftStatus.APPROVED: "Approved. The article is being saved: the message with the draft says when "
    "the AI answers from it.",
    DraftStatus.REJECTED: "Rejected. A similar answer will not be offered again.",
}
HEADING = "Draft article from an agent's answer. Approve it if every customer may read it."
GAPS = f" {GAP} stands for removed personal data: edit the text around it."


class Learning:
    """Subscriber: enqueues a draft when an agent resolves an escalation."""

    def __call__(self, change: EscalationChanged) -> None:
        if change.step is not Step.RESOLVE:
            return
        number = change.escalation.id
        lane, payload = f"learn:{number}", {"escalation_id": number}
        enqueue_job(
            change.tx, NewJob(LEARN, lane, payload, due_at=change.now, key=f"{LEARN}:{number}")
        )


@dataclass(frozen=True)
class Plan:
    """What was answered, and the titles of earlier drafts."""

    taught: Taught
    drafted: Sequence[str]


class DraftArticle(ProviderJob[Plan, Article | None]):
    """Drafts an article from one escalation, and posts it for the admins."""

    repeatable = True
    told = ADMINS

    def __init__(self, learner: Learner | None, clock: Clock) -> None:
        self._learner = learner
        self._clock = clock

    def prepare(self, tx: Transaction, job: Job) -> Plan | None:
        """Returns None if drafts are off, today's are used up, or no agent answered."""
        number = int(job.payload["escalation_id"])
        if self._learner is None or not self._may_draft(tx, number):
            return None
        taught = _taught(tx, number)
        return Plan(taught, article_drafts.titles(tx, COMPARED)) if taught else None

    def _may_draft(self, tx: Transaction, escalation_id: int) -> bool:
        most = live(tx).article_drafts
        midnight = self._clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
        is_drafted = article_drafts.of_escalation(tx, escalation_id) is not None
        return bool(most) and not is_drafted and article_drafts.count(tx, midnight) < most

    def call(self, plan: Plan) -> Article | None:
        return self._learner.draft(plan.taught, plan.drafted) if self._learner else None

    def finish(self, tx: Transaction, job: Job, plan: Plan, result: Article | None) -> None:
        """Stores and posts the draft, unless the customer was forgotten in the meantime."""
        number = int(job.payload["escalation_id"])
        escalation = rows.get(tx, number)
        if result is None or escalation is None or not self._may_draft(tx, number):
            return
        if conversations.hold(tx, escalation.conversation_id).forgotten_at:
            return
        now = self._clock.now()
        draft = tx.add(
            ArticleDraft(
                conversation_id=escalation.conversation_id,
                escalation_id=number,
                language=result.language,
                title=result.title,
                text=result.text,
                status=DraftStatus.OPEN.value,
                created_at=now,
            )
        )
        tx.session.flush()
        key = article_drafts.KEY.format(id=draft.id)
        for to in articles.recipients(tx):
            outbox.tell(tx, to, post_of(draft), now, key=f"{key}{to}", about=escalation)


def post_of(draft: ArticleDraft) -> Post:
    gaps = GAPS if GAP in f"{draft.title}{draft.text}" else ""
    return Post(
        PostKind.TOLD,
        f"{HEADING}{gaps}\n\n{draft.title}\n\n{draft.text}",
        value=str(draft.id),
        buttons=(Button.APPROVE_ARTICLE, Button.EDIT_ARTICLE, Button.REJECT_ARTICLE),
    )


def _taught(tx: Transaction, escalation_id: int) -> Taught | None:
    replies = conversations.replies(tx, escalation_id)
    escalation = rows.get(tx, escalation_id)
    if escalation is None or not any(one.text for one in replies):
        return None
    conversation = conversations.get(tx, escalation.conversation_id)
    first = next((one for one in replies if len(one.text) >= SUBSTANTIAL), replies[-1])
    asked = conversations.until(tx, conversation.id, first.id, MOST_TURNS)
    agents = {one.agent_id for one in replies} - {None}
    names = (tx.session.get_one(Agent, one).name for one in agents)
    return Taught(
        asked=tuple(filter(None, map(_said, (one for one in asked if _is_question(one, first))))),
        answered=tuple(one.text for one in replies if one.text),
        names=(*articles.names_of(tx, conversation), *names),
        language=conversation.language,
        contact_id=conversation.contact_id,
    )


def _is_question(message: Message, answer: Message) -> bool:
    is_recent = answer.created_at - message.created_at <= BEFORE
    return message.author == Author.CONTACT and is_recent


def _said(message: Message) -> str:
    """Returns the customer's own words: the text, and transcripts of voice notes."""
    read = view_models.readings(message)
    spoken = (text for _, kind, text in read if kind is Reading.TRANSCRIPT)
    return "\n".join(filter(None, (message.text, *spoken)))


class Drafts:
    """What admins do with drafts. `library` is None where no folder is connected."""

    def __init__(self, database: Database, clock: Clock, library: Library | None) -> None:
        self._database = database
        self._clock = clock
        self._library = library

    def get(self, draft_id: int) -> tuple[Article | None, str]:
        """Returns an open draft, or None and why there is none."""
        with self._database.read() as tx:
            draft = tx.session.get(ArticleDraft, draft_id)
            if why := _why_not(draft):
                return None, why
            assert draft is not None  # noqa: S101 - there is a reason otherwise
            return Article(draft.title, draft.text, draft.language), ""

    def approve(
        self, draft_id: int, admin: AgentRef, edited: Article | None = None
    ) -> ActionResult:
        """Has the draft written into the knowledge folder, once; `edited` replaces its text."""
        with self._database.write() as tx:
            draft = tx.lock(ArticleDraft, draft_id)
            if why := _why_not(draft):
                return ActionResult(False, why)
            assert draft is not None  # noqa: S101 - there is a reason otherwise
            if self._library is None:
                return ActionResult(False, articles.NO_LIBRARY)
            now, name = self._clock.now(), _bare(admin.name)
            tags: tuple[str, ...] = ()
            if edited:
                tags = edited.tags
                tx.set(draft, title=edited.title, text=edited.text, language=edited.language)
            payload = {"draft_id": draft.id, "name": name, "tags": list(tags)}
            enqueue_job(tx, NewJob(PUBLISH, f"learn:{draft.escalation_id}", payload, due_at=now))
            footer = SAVING.format(name=name)
            return _decided(tx, draft, DraftStatus.APPROVED, admin, footer, now)

    def reject(self, draft_id: int, admin: AgentRef) -> ActionResult:
        with self._database.write() as tx:
            draft = tx.lock(ArticleDraft, draft_id)
            if why := _why_not(draft):
                return ActionResult(False, why)
            assert draft is not None  # noqa: S101 - there is a reason otherwise
            now = self._clock.now()
            log.record(tx, EventKind.ARTICLE_REJECTED, now, by=admin.desk_id)
            footer = REJECTED.format(name=_bare(admin.name))
            return _decided(tx, draft, DraftStatus.REJECTED, admin, footer, now)


def _decided(
    tx: Transaction,
    draft: ArticleDraft,
    status: DraftStatus,
    admin: AgentRef,
    footer: str,
    now: datetime,
) -> ActionResult:
    """Also replaces the draft's messages, so that no admin decides again."""
    tx.set(draft, status=status.value, decided_by=admin.desk_id, decided_at=now)
    _show(tx, draft, post_of(draft).ended(footer, now), now)
    return ActionResult(True, DONE[status])


def _show(tx: Transaction, draft: ArticleDraft, post: Post, now: datetime) -> None:
    for told in article_drafts.posts(tx, draft.id):
        outbox.replace_message(tx, told, post, now, once=False)


@dataclass(frozen=True)
class Approved:
    """An article to write, and what marks its file as this draft's."""

    article: Article
    mark: str


class PublishDraft(ProviderJob[Approved, str]):
    """Writes an approved draft into the knowledge folder, and says so in the draft's messages."""

    repeatable = True
    told = ADMINS
    give_up_after = timedelta(minutes=10)

    def __init__(self, library: Library | None, clock: Clock) -> None:
        self._library = library
        self._clock = clock

    def prepare(self, tx: Transaction, job: Job) -> Approved | None:
        """Returns None if the draft is written, or was deleted with its customer's data."""
        draft = _to_publish(tx, job)
        if draft is None or draft.decided_at is None:
            return None
        tags = tuple(job.payload["tags"])
        article = Article(draft.title, draft.text, draft.language, tags)
        # The time as well: a database that was restored uses ids twice.
        return Approved(article, f"{draft.id}-{draft.decided_at.timestamp():.0f}")

    def call(self, plan: Approved) -> str:
        if self._library is None:
            raise ProviderFailure(articles.NO_LIBRARY, permanent=True)
        try:
            return self._library.create(plan.article, plan.mark)
        except ArticleError as error:
            is_final = not isinstance(error, ArticleBusy)
            raise ProviderFailure(str(error), permanent=is_final) from error

    def finish(self, tx: Transaction, job: Job, plan: Approved, result: str) -> None:
        draft = tx.lock(ArticleDraft, int(job.payload["draft_id"]))
        if draft is None:
            return
        now = self._clock.now()
        tx.set(draft, file=result)
        articles.remember(tx, result, None, plan.article.text, draft.decided_by, now)
        footer = SAVED.format(name=job.payload["name"], file=result)
        _show(tx, draft, post_of(draft).ended(footer, draft.decided_at or now), now)

    def on_failed(self, tx: Transaction, job: Job, plan: Approved | None, error: Exception) -> None:
        """Opens the draft again: its messages say why, with their buttons."""
        draft = _to_publish(tx, job)
        if draft is None:
            return
        now = self._clock.now()
        footer = NOT_SAVED.format(name=job.payload["name"], why=alarms.why(error))
        post = replace(post_of(draft), footer=footer, at=int((draft.decided_at or now).timestamp()))
        tx.set(draft, status=DraftStatus.OPEN.value, decided_by="", decided_at=None)
        _show(tx, draft, post, now)


def _to_publish(tx: Transaction, job: Job) -> ArticleDraft | None:
    draft = tx.lock(ArticleDraft, int(job.payload["draft_id"]))
    is_open = draft and draft.status == DraftStatus.APPROVED and draft.text and not draft.file
    return draft if is_open else None


def _why_not(draft: ArticleDraft | None) -> str:
    """Returns why a draft cannot be decided, "" if it can."""
    if draft is None:
        return GONE
    status = DraftStatus(draft.status)
    if status is DraftStatus.OPEN:
        return ""
    is_written = status is not DraftStatus.APPROVED or draft.file
    return DECIDED[status].format(file=draft.file) if is_written else STILL_SAVING


def _bare(name: str) -> str:
    """A footer is a format in Slack's markup: neither placeholders nor mentions come from a name."""
    return re.sub(r"[{}<>&]", " ", name)
