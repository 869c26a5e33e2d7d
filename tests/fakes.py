"""Fakes of the ports: they behave, they remember, and they can be told to fail."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from handoff_bot.domain.articles import (
    Article,
    ArticleError,
    ArticleFile,
    Crawled,
    Taught,
    Unanswered,
)
from handoff_bot.domain.conversation_context import ConversationContext
from handoff_bot.domain.desk import (
    AgentRef,
    Board,
    Button,
    Card,
    EphemeralMessage,
    Place,
    Post,
    ThreadPage,
)
from handoff_bot.domain.errors import DeliveryError, DeskError, ModelError, OutcomeUnknown
from handoff_bot.domain.files import DeskFile, Fetched, File
from handoff_bot.domain.mail import Mail
from handoff_bot.domain.mcp_servers import Listed, McpServer
from handoff_bot.domain.messages import (
    DeliveryStatus,
    DeliveryUpdate,
    InboundMessage,
    Limits,
    Media,
    OutboundMessage,
    Receipt,
    ReplyMark,
)
from handoff_bot.domain.replies import Tone
from handoff_bot.domain.roles import Home, Person
from handoff_bot.domain.signals import Answer, Evidence, Judgement, Priority, QueueAct, Signal, Turn
from handoff_bot.domain.tickets import TicketRecord
from handoff_bot.domain.tool_definitions import tool_of
from handoff_bot.jobs.worker import Worker
from handoff_bot.ports import WebhookRequest
from handoff_bot.storage import log
from handoff_bot.storage.database import Database
from handoff_sandbox.tool_server import DELETE_TOOL, STOCK_TOOL


def answer_at_once(database: Database, clock: FrozenClock) -> None:
    """Wait for no pause of the customer's, so that tests need not move the clock for each answer."""
    with database.write() as tx:
        log.prefer(tx, "rules.pause_seconds", 0, "test", clock.now())


def idle_worker(database: Database, clock: FrozenClock) -> Worker:
    """A worker that knows no jobs: what is stored for it stays."""
    return Worker(database, {}, clock, threads={})


class FrozenClock:
    """Stands still until told to move."""

    def __init__(self) -> None:
        self.at = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at

    def advance(self, **kwargs: float) -> None:
        self.at += timedelta(**kwargs)


@dataclass
class FakeChannel:
    """A provider that takes messages; `troubles` are raised by the next sends, in order.

    A trouble raised "after" means: the message was taken, and then the answer got lost.
    """

    clock: FrozenClock
    kind: str = "sms"
    limits: Limits = field(default_factory=lambda: Limits(text=160))
    phone: list[str] = field(default_factory=list)
    taken: list[tuple[OutboundMessage, Receipt]] = field(default_factory=list)
    troubles: list[DeliveryError] = field(default_factory=list)
    cannot_be_asked: DeliveryError | None = None
    before_send: list = field(default_factory=list)
    files: dict[str, Fetched] = field(default_factory=dict)
    file_troubles: list[DeliveryError] = field(default_factory=list)

    def receive(self, request: WebhookRequest) -> Sequence[InboundMessage | DeliveryUpdate]:
        return []

    def send(self, message: OutboundMessage) -> Receipt:
        for hook in self.before_send:
            hook(message)
        trouble = self.troubles.pop(0) if self.troubles else None
        if trouble and not isinstance(trouble, OutcomeUnknownAfter):
            raise trouble
        receipt = Receipt(f"SM{len(self.taken):032d}", DeliveryStatus.ACCEPTED, self.clock.now())
        self.taken.append((message, receipt))
        self.phone.append(message.text)
        if trouble:
            raise trouble
        return receipt

    def sent_since(self, message: OutboundMessage, since: datetime) -> Sequence[Receipt]:
        if self.cannot_be_asked:
            raise self.cannot_be_asked
        return [
            receipt
            for sent, receipt in self.taken
            if (sent.to, sent.text) == (message.to, message.text)
            and bool(sent.media) == bool(message.media)
        ]

    def fetch(self, media: Media) -> Fetched:
        if self.file_troubles:
            raise self.file_troubles.pop(0)
        if media.url not in self.files:
            raise DeliveryError("It is gone.", permanent=True, code="gone")
        return self.files[media.url]


class OutcomeUnknownAfter(OutcomeUnknown):
    """The provider took the message, and we never heard of it."""


@dataclass
class FakeDirectory:
    """Everybody is a full member of the workspace and of every Slack channel, unless a test says otherwise.

    `people` are those who are something else, `outside` pairs of a person and a Slack channel.
    """

    people: dict[str, Person] = field(default_factory=dict)
    outside: set[tuple[str, str]] = field(default_factory=set)
    troubles: list[DeskError] = field(default_factory=list)

    def home(self) -> Home:
        return Home("T0ACME")

    def person(
        self, desk_id: str, now: datetime, max_age: timedelta, trusted: timedelta
    ) -> Person | None:
        if self.troubles:
            raise self.troubles.pop(0)
        return self.people.get(desk_id, Person(desk_id, frozenset({"T0ACME"})))

    def is_in(self, desk_id: str, slack_channel: str, now: datetime, trusted: timedelta) -> bool:
        return (desk_id, slack_channel) not in self.outside

    def is_in_group(self, desk_id: str, group_id: str, now: datetime, trusted: timedelta) -> bool:
        return False

    def forget_person(self, desk_id: str) -> None:
        pass

    def forget_channel(self, slack_channel: str) -> None:
        pass


@dataclass
class FakeDesk:
    """A desk on which everything can be looked at."""

    directory: FakeDirectory = field(default_factory=FakeDirectory)
    asleep: set[str] = field(default_factory=set)
    awake: set[str] = field(default_factory=set)
    queue_channel: str = "CQUEUE"
    cards: dict[Place, Card] = field(default_factory=dict)
    threads: dict[Place, list[Post]] = field(default_factory=dict)
    whispers: list[EphemeralMessage] = field(default_factory=list)
    told: dict[str, list[Post]] = field(default_factory=dict)
    retold: dict[Place, Post] = field(default_factory=dict)
    marks: dict[Place, ReplyMark] = field(default_factory=dict)
    boards: dict[Place, Board] = field(default_factory=dict)
    uploads: list[tuple[File, Post]] = field(default_factory=list)
    handed: list[tuple[str, File, Place]] = field(default_factory=list)
    files: dict[str, Fetched] = field(default_factory=dict)
    downloads: int = 0
    file_troubles: list[DeskError] = field(default_factory=list)
    lost_uploads: list[DeskError] = field(default_factory=list)
    groups: dict[str, tuple[str, ...]] = field(default_factory=dict)
    shown: int = 0
    calls: list[tuple[Post, ...]] = field(default_factory=list)
    deleted: list[Place] = field(default_factory=list)
    troubles: list[DeskError] = field(default_factory=list)
    lost_answers: list[DeskError] = field(default_factory=list)
    _marks_of_posts: dict[str, Place] = field(default_factory=dict)
    _number: int = 0

    def _place(self, mark: str) -> Place:
        self._number += 1
        place = Place(self.queue_channel, f"1700000000.{self._number:06d}")
        self._marks_of_posts[mark] = place
        return place

    def _fail_before(self) -> None:
        if self.troubles:
            raise self.troubles.pop(0)

    def _fail_after(self) -> None:
        if self.lost_answers:
            raise self.lost_answers.pop(0)

    def render_card(self, card: Card, at: Place | None, mark: str) -> Place:
        self._fail_before()
        self.shown += 1
        place = at or self._place(mark)
        self.cards[place] = card
        self._fail_after()
        return place

    def find_card(self, mark: str, since: datetime, slack_channel: str = "") -> Place | None:
        return self._marks_of_posts.get(mark)

    def post(self, thread: Place, posts: Sequence[Post], mark: str) -> Place:
        self._fail_before()
        self.calls.append(tuple(posts))
        self.threads.setdefault(thread, []).extend(posts)
        place = self._place(mark)
        self._fail_after()
        return place

    def find_post(self, thread: Place, mark: str, since: datetime) -> Place | None:
        return self._marks_of_posts.get(mark)

    def upload(self, thread: Place, file: File, post: Post, mark: str) -> Place:
        if self.file_troubles:
            raise self.file_troubles.pop(0)
        self.uploads.append((file, post))
        place = self._place(mark)
        if self.lost_uploads:
            raise self.lost_uploads.pop(0)
        return place

    def hand(self, to: str, file: File, post: Post, mark: str) -> None:
        self.handed.append((to, file, self.tell(to, post, mark)))

    def download(self, file: DeskFile, most: int) -> Fetched:
        self.downloads += 1
        if self.file_troubles:
            raise self.file_troubles.pop(0)
        return self.files[file.id]

    def tell(self, to: str, post: Post, mark: str) -> Place:
        self._fail_before()
        self.told.setdefault(to, []).append(post)
        place = self._place(mark)
        self._fail_after()
        return place

    def replace_message(self, at: Place, post: Post) -> None:
        self._fail_before()
        self.retold[at] = post

    def ephemeral(self, ephemeral: EphemeralMessage) -> None:
        self._fail_before()
        self.whispers.append(ephemeral)

    def resting(self, people: Collection[str], now: datetime) -> set[str]:
        return {one for one in people if one in self.asleep}

    def members(self, group_id: str) -> Sequence[str]:
        self._fail_before()
        return self.groups.get(group_id, ())

    def channel_members(self, slack_channel: str) -> Sequence[str]:
        return self.groups.get(slack_channel, ())

    def active(self, people: Collection[str]) -> set[str]:
        return {one for one in people if one in self.awake}

    def link(self, thread: Place) -> str:
        return f"https://acme.slack.test/archives/{thread.slack_channel}/p{thread.ts}"

    def mark_reply(
        self, reply: Place, wanted: ReplyMark | None, shown: ReplyMark | None = None
    ) -> None:
        self._fail_before()
        if wanted:
            self.marks[reply] = wanted
        elif self.marks.get(reply) is shown:
            self.marks.pop(reply, None)

    def render_board(self, board: Board, at: Place | None, mark: str) -> Place:
        self._fail_before()
        place = at or self._place(mark)
        self.boards[place] = board
        return place

    def agent(self, desk_id: str) -> AgentRef:
        return AgentRef(desk_id, desk_id.title())

    def posted_in(self, thread: Place, cursor: str) -> ThreadPage:
        """Every post of the desk, one thread a page."""
        self._fail_before()
        said = self.threads.get(thread, [])
        known = [place for place in self._marks_of_posts.values() if place not in self.cards]
        return ThreadPage(posts=(thread, *known) if said or thread in self.cards else ())

    def delete_post(self, post: Place) -> bool:
        self._fail_before()
        self.deleted.append(post)
        self.threads.pop(post, None)
        return self.cards.pop(post, None) is not None

    def delete_file(self, file_id: str) -> bool:
        self._fail_before()
        return self.files.pop(file_id, None) is not None

    # what tests ask

    @property
    def card(self) -> Card:
        (card,) = self.cards.values()
        return card

    @property
    def place(self) -> Place:
        (place,) = self.cards
        return place

    def said(self, kind: str | None = None) -> list[str]:
        return [
            post.text
            for thread in self.threads.values()
            for post in thread
            if kind is None or post.kind == kind
        ]

    def button(self, wanted: Button) -> str:
        """What the last whisper's or post's button of this kind carries."""
        for ephemeral in reversed(self.whispers):
            if wanted in ephemeral.buttons:
                return ephemeral.value
        for thread in self.threads.values():
            for post in reversed(thread):
                if post.button is wanted or wanted in post.buttons:
                    return post.value
        raise AssertionError(f"no {wanted} button in sight")


@dataclass
class FakeSink:
    """Another system that keeps tickets; `troubles` are raised by the next calls, in order.

    A trouble in `lost_answers` is raised when the ticket has been put already.
    """

    put_records: list[tuple[TicketRecord, str]] = field(default_factory=list)
    forgotten: list[int] = field(default_factory=list)
    troubles: list[Exception] = field(default_factory=list)
    lost_answers: list[Exception] = field(default_factory=list)
    before_put: list = field(default_factory=list)

    def put(self, record: TicketRecord, external_id: str) -> str:
        for hook in self.before_put:
            hook(record)
        if self.troubles:
            raise self.troubles.pop(0)
        self.put_records.append((record, external_id))
        if self.lost_answers:
            raise self.lost_answers.pop(0)
        return f"Z{record.number}"

    def forget(self, key: str, number: int, external_id: str) -> str:
        if self.troubles:
            raise self.troubles.pop(0)
        self.forgotten.append(number)
        self.put_records = [one for one in self.put_records if one[0].number != number]
        return "fake: deleted"

    # what tests ask

    @property
    def records(self) -> list[TicketRecord]:
        return [record for record, _ in self.put_records]

    @property
    def statuses(self) -> list[str]:
        return [record.status.value for record in self.records]


@dataclass
class FakeMailer:
    """A mail server that takes what it gets; `troubles` are raised by the next calls, in order."""

    sent: list[Mail] = field(default_factory=list)
    troubles: list[Exception] = field(default_factory=list)

    def send(self, mail: Mail) -> None:
        if self.troubles:
            raise self.troubles.pop(0)
        self.sent.append(mail)


@dataclass
class ScriptedDetector:
    """Escalates on words it was told; asks for a human on "human" by default."""

    words: dict[str, Signal] = field(
        default_factory=lambda: {"human": Signal.REQUEST, "person": Signal.REQUEST}
    )
    promises: tuple[str, ...] = ("on its way to you",)
    quick: bool = True
    priority: Priority = Priority.NORMAL
    language: str = "en"
    judged: list[tuple[Turn, ...]] = field(default_factory=list)
    talks: list[ConversationContext] = field(default_factory=list)
    meanwhile: list[Callable[[], object]] = field(default_factory=list)
    """What happens while it judges, once."""

    def quick_check(self, talk: ConversationContext) -> Judgement:
        return replace(self._judgement(talk), final=self.quick)

    def may_matter(self, words: str) -> bool:
        return True

    def announces(self, words: str) -> bool:
        return any(promise in words for promise in self.promises)

    def about(self, talk: ConversationContext) -> str:
        return ""

    def queue_act(self, words: str) -> QueueAct:
        said = words.lower()
        if said in {"how long?", "am i next?"}:
            return QueueAct.WAIT
        if said.startswith("never mind"):
            return QueueAct.LEAVE
        return QueueAct.QUESTION if said.endswith("?") else QueueAct.OTHER

    def judge(self, talk: ConversationContext) -> Judgement:
        return self._judgement(talk)

    def _judgement(self, talk: ConversationContext) -> Judgement:
        self.talks.append(talk)
        self.judged.append(talk.turns)
        if self.meanwhile:
            self.meanwhile.pop()()
        last = talk.turns[-1].text
        reason = next((s for word, s in self.words.items() if word in last.lower()), None)
        return Judgement(
            scores={reason: 0.97} if reason else {Signal.REQUEST: 0.01},
            reason=reason,
            priority=self.priority,
            evidence=last if reason else "",
            summary=last,
            language=self.language,
            by="scripted",
        )


@dataclass
class ScriptedAssistant:
    """Answers everything with an echo."""

    confidence: float = 0.9
    silent: bool = False
    in_time: bool | None = None
    asks: bool = False
    evidence: tuple[Evidence, ...] = ()
    asked: list[ConversationContext] = field(default_factory=list)

    def answer(self, talk: ConversationContext, language: str) -> Answer | None:
        self.asked.append(talk)
        if self.silent:
            return None
        words = f"Answer to: {talk.turns[-1].text}"
        return Answer(
            words,
            self.confidence,
            ("FAQ",),
            "scripted",
            self.in_time,
            asks=self.asks,
            evidence=self.evidence,
        )


class ScriptedLibrary:
    """Articles in memory."""

    def __init__(self) -> None:
        self.files: dict[str, ArticleFile] = {}

    def articles(self) -> Sequence[ArticleFile]:
        return [replace(one, article=replace(one.article, text="")) for one in self.files.values()]

    def get(self, name: str) -> ArticleFile | None:
        return self.files.get(name)

    def create(self, article: Article) -> str:
        name = f"article-{len(self.files) + 1}.md"
        self.files[name] = ArticleFile(name, article, "1")
        return name

    def save(self, name: str, article: Article, digest: str) -> None:
        if self.files[name].digest != digest:
            raise ArticleError("changed")
        self.files[name] = ArticleFile(name, article, f"{digest}1")


class ScriptedToolServers:
    """Servers that all have the same tools."""

    def __init__(self) -> None:
        self.listed = Listed("ok", tuple(filter(None, (tool_of(STOCK_TOOL), tool_of(DELETE_TOOL)))))

    def tools(self, server: McpServer, seconds: float) -> Listed:
        return self.listed


class ScriptedLearner:
    """Learns nothing until it has an article; every question stands for itself."""

    def __init__(self) -> None:
        self.article: Article | None = None

    def draft(self, taught: Taught, drafted: Sequence[str] = ()) -> Article | None:
        return self.article

    def groups(self, asked: Sequence[Unanswered]) -> Sequence[Unanswered]:
        return asked


class ScriptedCrawler:
    """Cannot read one page."""

    def crawl(self) -> Crawled:
        return Crawled(1, 0, 0, ("https://shop.example/a: the server answers 500",))


class ScriptedRewriter:
    """Names the tone, or fails while it is told to."""

    def __init__(self) -> None:
        self.fails = False

    def rewrite(self, text: str, tone: Tone, contact_id: int | None = None) -> str:
        if self.fails:
            raise ModelError("timeout")
        return f"({tone}) {text}"


class ScriptedTranslator:
    """Translates by shouting, or repeats what it was given, or fails while it is told to."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.fails = self.repeats = False

    def translate(self, text: str, language: str, contact_id: int | None = None) -> str:
        """The text in capitals, with the language before it."""
        self.asked.append((text, language))
        if self.fails:
            raise ModelError("timeout")
        return text if self.repeats else f"[{language}] {text.upper()}"


class ScriptedReader:
    """Hears and sees what it was told, or fails as often as it was told to."""

    def __init__(self, heard: str = "Where is my order?", seen: str = "A torn jumper") -> None:
        self.heard, self.seen = heard, seen
        self.read: list[tuple[str, str]] = []
        self.heard_next: list[str] = []
        """What it hears in later voice notes; after them `heard` again."""
        self.troubles: list[Exception] = []
        self.meanwhile: list[Callable[[], object]] = []
        """What happens while it reads, once."""
        self.after: list[Callable[[], object]] = []
        """What happens once it has read, once."""

    def transcribe(self, file: File, contact_id: int | None = None) -> str:
        heard = self.heard_next.pop(0) if self.read and self.heard_next else self.heard
        return self._read(file, "", heard)

    def describe(self, file: File, asked: str, language: str, contact_id: int | None = None) -> str:
        return self._read(file, asked, self.seen)

    def _read(self, file: File, asked: str, text: str) -> str:
        self.read.append((file.content_type, asked))
        if self.meanwhile:
            self.meanwhile.pop()()
        if self.troubles:
            raise self.troubles.pop(0)
        if self.after:
            self.after.pop()()
        return text
