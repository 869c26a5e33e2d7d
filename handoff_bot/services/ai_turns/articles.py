"""Articles that admins write in Slack, and the weekly list of questions without an answer."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from handoff_bot.domain.articles import (
    PAGE_ROWS,
    Article,
    ArticleError,
    ArticleFile,
    Crawled,
    Unanswered,
)
from handoff_bot.domain.desk import Button, Post, PostKind, PostRow
from handoff_bot.domain.detection import UNSURE
from handoff_bot.domain.events import EventKind
from handoff_bot.domain.results import ActionResult
from handoff_bot.domain.text import many
from handoff_bot.domain.thread_syntax import zone
from handoff_bot.jobs.handler import ADMINS, ProviderJob, TransactionJob
from handoff_bot.jobs.job import Job, NewJob, enqueue_job
from handoff_bot.ports import Clock, Crawler, Learner, Library
from handoff_bot.services.outbox import alarms, outbox
from handoff_bot.services.settings_catalog import live
from handoff_bot.storage import article_drafts, conversations, log
from handoff_bot.storage.database import Database
from handoff_bot.storage.models import Conversation, Message
from handoff_bot.storage.transaction import Transaction

logger = logging.getLogger(__name__)

PREFIX = "article."
"""Beginning of the keys of changes; the article's name follows."""
UNANSWERED = "learn.unanswered"
TICK = "tick.unanswered"
CRAWL = "learn.crawl"
CRAWL_TICK = "tick.crawl"
CRAWL_EVERY = timedelta(hours=6)
PROBLEMS = (
    "Some web pages of KNOWLEDGE_URLS could not be read. Pages that were read before stay as they "
    "were.\n{problems}"
)
EVERY = timedelta(hours=1)
WEEK = timedelta(days=7)
FROM_HOUR = 9
"""On Mondays in the team's time zone."""
MOST_READ, MOST_SHOWN = 500, 10
NO_LIBRARY = "There is no knowledge folder."
SAVED = "Saved as {name}. The AI answers from it within seconds."
TIMES = "{text} ({times})"
HEADING = (
    "{questions} of last week had no answer in the knowledge base. Write an article for those that "
    "customers may ask again:"
)


def remember(
    tx: Transaction, name: str, before: str | None, after: str, by: str, now: datetime
) -> None:
    """Keeps an article's change in the history."""
    log.remember_change(tx, f"{PREFIX}{name}", before, after, by, now)
    log.record(tx, EventKind.ARTICLE_CHANGED, now, by=by)


def recipients(tx: Transaction) -> Sequence[str]:
    """Returns the Slack channels that are set for it, else the admins."""
    return live(tx).article_channels or alarms.admins(tx)


def names_of(tx: Transaction, conversation: Conversation) -> tuple[str, ...]:
    """Returns what the customer is called, which no article may contain."""
    both = (conversations.own_name(tx, conversation), conversations.contact_name(tx, conversation))
    return tuple(dict.fromkeys(filter(None, both)))


class Articles:
    """The knowledge base in Slack. `library` is None where no folder is connected."""

    def __init__(
        self, database: Database, clock: Clock, library: Library | None, learner: Learner | None
    ) -> None:
        self._database = database
        self._clock = clock
        self._library = library
        self._learner = learner

    def page(self, query: str, number: int) -> tuple[Sequence[ArticleFile], int, int, int]:
        """Returns the articles of a page, its number, the number of pages, and of articles found."""
        every = self._library.articles() if self._library else ()
        wanted = query.casefold().split()
        found = [one for one in every if all(word in _searched(one) for word in wanted)]
        pages = max(1, -(-len(found) // PAGE_ROWS))
        number = max(0, min(number, pages - 1))
        return found[number * PAGE_ROWS : (number + 1) * PAGE_ROWS], number, pages, len(found)

    def get(self, name: str) -> ArticleFile | None:
        return self._library.get(name) if self._library else None

    def save(self, article: Article, by: str, name: str = "", digest: str = "") -> ActionResult:
        """Saves a new article, or a changed one that still has this digest."""
        if self._library is None:
            return ActionResult(False, NO_LIBRARY)
        before = self._library.get(name) if name else None
        try:
            if name:
                self._library.save(name, article, digest)
            else:
                name = self._library.create(article)
        except ArticleError as error:
            return ActionResult(False, str(error))
        with self._database.write() as tx:
            said = before.article.text if before else None
            remember(tx, name, said, article.text, by, self._clock.now())
        return ActionResult(True, SAVED.format(name=name))

    def question(self, message_id: int) -> Unanswered | None:
        """Returns a customer's question without personal data; None once it is deleted or answered."""
        with self._database.read() as tx:
            message = tx.session.get(Message, message_id)
            if message is None or not message.text:
                return None
            asked = _asked(tx, message, conversations.get(tx, message.conversation_id))
        found = self._learner.groups([asked]) if self._learner else ()
        return found[0] if found else None


def _searched(one: ArticleFile) -> str:
    return f"{one.cited} {one.name} {one.article.language}".casefold()


def _asked(tx: Transaction, message: Message, conversation: Conversation) -> Unanswered:
    names = names_of(tx, conversation)
    return Unanswered(message.id, message.text, conversation.language, names)


class Tick(TransactionJob):
    """Enqueues the weekly list, once a week: on Monday, or as soon as the bot runs again."""

    told = ADMINS

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def run(self, tx: Transaction, job: Job) -> None:
        settings = live(tx)
        if not settings.unanswered_weekly:
            return
        now = self._clock.now()
        local = now.astimezone(zone(settings.timezone))
        if local.weekday() == 0 and local.hour < FROM_HOUR:
            return
        year, week, _ = local.isocalendar()
        key = f"{UNANSWERED}:{year}-{week}"
        enqueue_job(tx, NewJob(UNANSWERED, "learn:unanswered", {}, due_at=now, key=key))


class CrawlTick(TransactionJob):
    """Enqueues a run over the listed web pages."""

    told = ADMINS

    def __init__(self, crawler: Crawler | None, clock: Clock) -> None:
        self._crawler = crawler
        self._clock = clock

    def run(self, tx: Transaction, job: Job) -> None:
        if self._crawler:
            now = self._clock.now()
            new = NewJob(CRAWL, "learn:crawl", {}, due_at=now, key=CRAWL, coalesce=True)
            enqueue_job(tx, new)


class Crawl(ProviderJob[bool, Crawled]):
    """Reads the listed web pages, and tells the admins once a day what went wrong."""

    repeatable = True
    coalesces = True
    told = ADMINS

    def __init__(self, crawler: Crawler | None, clock: Clock) -> None:
        self._crawler = crawler
        self._clock = clock

    def prepare(self, tx: Transaction, job: Job) -> bool | None:
        return True if self._crawler else None

    def call(self, plan: bool) -> Crawled:
        return self._crawler.crawl() if self._crawler else Crawled()

    def finish(self, tx: Transaction, job: Job, plan: bool, result: Crawled) -> None:
        logger.info(
            "web pages are read",
            extra={"written": result.written, "problems": len(result.problems)},
        )
        if not result.problems:
            return
        now = self._clock.now()
        shown = "\n".join(f"• {one}" for one in result.problems[:MOST_SHOWN])
        post = Post(PostKind.TOLD, PROBLEMS.format(problems=shown))
        for to in recipients(tx):
            outbox.tell(tx, to, post, now, key=f"{CRAWL}:{now:%Y%m%d}:{to}")


class ListUnanswered(ProviderJob[Sequence[Unanswered], Sequence[Unanswered]]):
    """Groups last week's questions without an answer, and tells the admins."""

    repeatable = True
    told = ADMINS

    def __init__(self, learner: Learner | None, clock: Clock) -> None:
        self._learner = learner
        self._clock = clock

    def prepare(self, tx: Transaction, job: Job) -> Sequence[Unanswered] | None:
        if self._learner is None:
            return None
        since = self._clock.now() - WEEK
        found = article_drafts.unanswered(tx, since, UNSURE, MOST_READ)
        return [_asked(tx, *one) for one in found] or None

    def call(self, plan: Sequence[Unanswered]) -> Sequence[Unanswered]:
        return self._learner.groups(plan) if self._learner else ()

    def finish(
        self,
        tx: Transaction,
        job: Job,
        plan: Sequence[Unanswered],
        result: Sequence[Unanswered],
    ) -> None:
        if not result:
            return
        now = self._clock.now()
        questions = many(sum(one.count for one in result), "question")
        post = Post(PostKind.TOLD, HEADING.format(questions=questions), rows=tuple(_rows(result)))
        for to in recipients(tx):
            outbox.tell(tx, to, post, now, key=f"{UNANSWERED}:{job.id}:{to}")


def _rows(found: Sequence[Unanswered]) -> Iterator[PostRow]:
    for one in found[:MOST_SHOWN]:
        times = f"{one.count} times" if one.count > 1 else ""
        text = TIMES.format(text=one.text, times=times) if times else one.text
        yield PostRow(text, Button.WRITE_ARTICLE, str(one.message_id))
