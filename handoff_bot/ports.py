"""Ports: what the core needs from outside. Adapters implement them; the core never imports an
adapter.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from handoff_bot.domain.articles import Article, ArticleFile, Crawled, Taught, Unanswered
from handoff_bot.domain.conversation_context import ConversationContext
from handoff_bot.domain.desk import (
    AgentRef,
    Board,
    Card,
    EphemeralMessage,
    Place,
    Post,
    ThreadPage,
)
from handoff_bot.domain.files import DeskFile, Fetched, File
from handoff_bot.domain.language_models import Look, Trouble, Usage
from handoff_bot.domain.look_ups import Found
from handoff_bot.domain.mail import Mail
from handoff_bot.domain.mcp_servers import AnyLookUp, Listed, McpServer
from handoff_bot.domain.messages import (
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
from handoff_bot.domain.signals import Answer, Judgement, QueueAct
from handoff_bot.domain.tickets import TicketRecord


@dataclass(frozen=True)
class WebhookRequest:
    """A request as received, not yet verified.

    Attributes:
        path: without the query, e.g. "/webhooks/sms".
        query: the raw query string as sent, without "?".
        headers: lowercase names.
        body: raw bytes.
        form: decoded form fields in order, including blank and repeated ones.
        network: the client's network: an IPv4 address, or the /64 of an IPv6 address; "" if not
            determined.
    """

    path: str
    query: str
    headers: dict[str, str]
    body: bytes
    form: tuple[tuple[str, str], ...]
    network: str = ""


class Channel(Protocol):
    """A channel that customers use."""

    kind: str
    limits: Limits

    def receive(self, request: WebhookRequest) -> Sequence[InboundMessage | DeliveryUpdate]:
        """Verifies the request and returns its content.

        Raises:
            Unauthentic: the signature or the account is wrong.
            Malformed: a signed request is incomplete.
        """

    def send(self, message: OutboundMessage) -> Receipt:
        """Sends one message, once.

        Raises:
            DeliveryError: the provider refused (`permanent`) or has a temporary problem.
            OutcomeUnknown: the provider did not respond.
        """

    def sent_since(self, message: OutboundMessage, since: datetime) -> Sequence[Receipt]:
        """Returns messages equal to this one that the provider accepted since then, oldest first.

        Used after a crash or a timeout during `send`; the caller excludes the known ones.

        Raises:
            DeliveryError: the provider cannot be asked (now, or ever if `permanent`).
        """

    def fetch(self, media: Media) -> Fetched:
        """Downloads a message's file, at most `files.LARGEST` bytes.

        Only contacts the provider, never an address that a customer may have chosen.

        Raises:
            DeliveryError: it cannot be downloaded (now, or ever if `permanent`).
        """


class Directory(Protocol):
    """Slack users and their memberships. Every method sends at most one or two requests.

    `trusted` is the maximum age of a cached answer while Slack does not respond.

    Raises:
        DeskError: Slack does not say, and no cached answer is young enough.
    """

    def home(self) -> Home:
        """Returns the bot's own workspace."""

    def person(
        self, desk_id: str, now: datetime, max_age: timedelta, trusted: timedelta
    ) -> Person | None:
        """Returns Slack's data about a person, at most `max_age` old; None if unknown."""

    def is_in(self, desk_id: str, slack_channel: str, now: datetime, trusted: timedelta) -> bool:
        """Returns whether a person is a member of a Slack channel, as of at most a minute ago."""

    def is_in_group(self, desk_id: str, group_id: str, now: datetime, trusted: timedelta) -> bool:
        """Returns whether a person is in a user group, as of at most a minute ago."""

    def forget_person(self, desk_id: str) -> None:
        """Drops cached data about a person."""

    def forget_channel(self, slack_channel: str) -> None:
        """Drops cached memberships of a Slack channel."""


class Backlog(Protocol):
    """A channel whose provider lists customers' messages.

    Attributes:
        stretch: the period that one listing covers.
        is_swept: True if listing is cheap enough for regular checks.
    """

    stretch: timedelta
    is_swept: bool

    def received(
        self,
        since: datetime,
        until: datetime,
        recipients: Collection[str],
        addresses: Collection[str],
    ) -> Sequence[InboundMessage]:
        """Returns customers' messages of this period, each with `sent_at`; oldest first per
        customer.

        Args:
            recipients: our own addresses besides the configured ones.
            addresses: customers who wrote recently.

        Raises:
            DeliveryError: the provider cannot be asked (now, or ever if `permanent`).
        """


class Eraser(Protocol):
    """A channel whose provider stores messages and can delete them."""

    def stored(self, address: str, recipient: str, until: datetime) -> Sequence[str]:
        """Returns ids of what the provider stores of a customer up to then, at most a few hundred.

        A customer's own conversation comes after its messages.

        Raises:
            DeliveryError: the provider cannot be asked (now, or ever if `permanent`).
        """

    def erase(self, provider_id: str, address: str, recipient: str) -> bool:
        """Deletes one of them with its files; False if it no longer exists.

        Raises:
            DeliveryError: it cannot be deleted (now, or ever if `permanent`).
        """


class ListedChannel(Channel, Backlog, Eraser, Protocol):
    """A channel whose provider lists and deletes messages."""


class Desk(Protocol):
    """The agents' workplace (Slack). Every method may raise DeskError; those that post also
    DeskOutcomeUnknown.

    `queue_channel` is the default channel for cards and the board.
    """

    @property
    def queue_channel(self) -> str: ...

    @property
    def directory(self) -> Directory: ...

    def render_card(self, card: Card, at: Place | None, mark: str) -> Place:
        """Posts the card (at None) or updates it; returns its location.

        `mark` is our own opaque id of a new post, for `find_card`.
        """

    def find_card(self, mark: str, since: datetime, slack_channel: str = "") -> Place | None:
        """Returns the card posted with this mark since then ("" for the queue channel), or None."""

    def post(self, thread: Place, posts: Sequence[Post], mark: str) -> Place:
        """Posts in a thread as one message; several posts have one speaker and keep their order.

        `mark` is our own opaque id of it, for `find_post`.
        """

    def find_post(self, thread: Place, mark: str, since: datetime) -> Place | None:
        """Returns the post with this mark in the thread, or None."""

    def tell(self, to: str, post: Post, mark: str) -> Place:
        """Posts to a person (as a direct message) or to a Slack channel."""

    def upload(self, thread: Place, file: File, post: Post, mark: str) -> Place | None:
        """Uploads a file to a thread with `post` as its message; None if its location is not
        returned.

        `mark` is our own opaque id of it, for `find_post`, which may find it with a delay.
        """

    def download(self, file: DeskFile, most: int) -> Fetched:
        """Downloads a file from a thread; more than `most` bytes raise a permanent error."""

    def hand(self, to: str, file: File, post: Post, mark: str) -> None:
        """Sends a person a file in a direct message with `post` above it."""

    def replace_message(self, at: Place, post: Post) -> None:
        """Replaces a message that `tell` posted."""

    def ephemeral(self, ephemeral: EphemeralMessage) -> None:
        """Posts an ephemeral message to one agent in a thread."""

    def mark_reply(
        self, reply: Place, wanted: ReplyMark | None, shown: ReplyMark | None = None
    ) -> None:
        """Replaces the reaction that is shown on an agent's message. Safe to repeat."""

    def render_board(self, board: Board, at: Place | None, mark: str) -> Place:
        """Posts and pins the board (at None) or updates it; returns its location."""

    def agent(self, desk_id: str) -> AgentRef:
        """Returns the agent with the name that customers may see."""

    def members(self, group_id: str) -> Sequence[str]:
        """Returns the Slack ids of a group's members; empty if unknown."""

    def channel_members(self, slack_channel: str) -> Sequence[str]:
        """Returns the first members of a Slack channel, without apps and deactivated users."""

    def active(self, people: Collection[str]) -> Collection[str]:
        """Returns the given people who are active in Slack, as many as can be asked quickly."""

    def resting(self, people: Collection[str], now: datetime) -> Collection[str]:
        """Returns the given agents who are in do-not-disturb. Never raises."""

    def link(self, thread: Place) -> str:
        """Returns the URL of a thread, or "" if unknown. Never raises."""

    def posted_in(self, thread: Place, cursor: str) -> ThreadPage:
        """Returns one page of a thread, with its first message; empty if it does not exist."""

    def delete_post(self, post: Place) -> bool:
        """Deletes one of the bot's own messages; False if it no longer exists."""

    def delete_file(self, file_id: str) -> bool:
        """Deletes one of the bot's own files; False if it no longer exists."""


class CustomerLookup(Protocol):
    """The team's own system, which knows more about its customers."""

    def look_up(self, channel: str, address: str) -> Mapping[str, str]:
        """Returns a customer's attributes, empty if it does not know the customer.

        Raises:
            ConnectorError: it refused (`permanent`), has a temporary problem, or did not respond.
        """


class TicketConnector(Protocol):
    """A connector to another ticket system."""

    def put(self, record: TicketRecord, external_id: str) -> str:
        """Creates or updates the ticket; safe to repeat.

        Args:
            external_id: the ticket's id there, "" if unknown.

        Returns:
            The ticket's id there, or "" if the system has none.

        Raises:
            ConnectorError: it refused (`permanent`), has a temporary problem, or did not respond.
        """

    def forget(self, key: str, number: int, external_id: str) -> str:
        """Removes a forgotten customer's ticket; safe to repeat.

        Args:
            key: the ticket's `TicketRecord.key`.
            external_id: the ticket's id there, "" if unknown.

        Returns:
            What was done and what remains there, as a sentence without personal data.

        Raises:
            ConnectorError: as above.
        """


class Mailer(Protocol):
    """Sends email to the team."""

    def send(self, mail: Mail) -> None:
        """Hands an email to the mail server.

        Raises:
            MailError: it refused (`permanent`), has a temporary problem, or did not respond; in the
                last case the email may have been sent.
        """


class Detector(Protocol):
    """Detects when an agent is needed, using the conversation's rules and open turns."""

    def quick_check(self, talk: ConversationContext) -> Judgement:
        """Quick check on this machine; not `final` if `judge` would find more.

        Raises:
            ModelError: no result; escalate to be safe.
        """

    def judge(self, talk: ConversationContext) -> Judgement:
        """Evaluates the last turn, which is the customer's, with all open turns as context.

        Raises:
            ModelError: no result; the quick check stands.
        """

    def may_matter(self, words: str) -> bool:
        """Returns whether the text may contain any signal, by its spelling. Prefers false positives."""

    def announces(self, words: str) -> bool:
        """Returns whether the assistant's text promises an agent."""

    def about(self, talk: ConversationContext) -> str:
        """Returns what the customer last asked about, as a sentence of a summary; "" without one.
        Hostile text.
        """

    def queue_act(self, words: str) -> QueueAct:
        """Returns what a queued customer's message asks for."""


class Assistant(Protocol):
    """The AI assistant."""

    def answer(self, talk: ConversationContext, language: str) -> Answer | None:
        """Returns the answer to the last turn, or None if the assistant has none.

        Raises:
            ModelError: it cannot answer now.
        """


class LookUps(Protocol):
    """Makes look-ups for the language model. Read-only, within limits."""

    def find(
        self,
        look_up: AnyLookUp,
        arguments: Mapping[str, Any],
        talk: ConversationContext,
        seconds: float,
    ) -> Found:
        """Returns the result, or why there is none, within `seconds`. Never raises."""


class Fetcher(Protocol):
    """Sends a look-up's request."""

    def fetch(self, look_up: AnyLookUp, arguments: Mapping[str, Any], seconds: float) -> Found:
        """Returns the result, or why there is none, within `seconds`. Never raises."""


class ToolServers(Protocol):
    """Connects to MCP servers."""

    def tools(self, server: McpServer, seconds: float) -> Listed:
        """Returns a server's tools, or why there are none, within `seconds`. Never raises."""


class Library(Protocol):
    """The knowledge base's articles, for editing."""

    def articles(self) -> Sequence[ArticleFile]:
        """Returns the articles by title, without their texts."""

    def get(self, name: str) -> ArticleFile | None:
        """Returns an article, or None if there is none of this name."""

    def create(self, article: Article, mark: str = "") -> str:
        """Stores a new article; returns its name. The same article, or one with the same mark, is
        only stored once.

        Raises:
            ArticleError: it cannot be stored; ArticleBusy if a retry may help.
        """

    def save(self, name: str, article: Article, digest: str) -> None:
        """Replaces an article that has this digest.

        Raises:
            ArticleError: it has changed in the meantime, or cannot be stored.
        """


class Crawler(Protocol):
    """Reads the operator's web pages into the knowledge base."""

    def crawl(self) -> Crawled:
        """Fetches what has changed; takes minutes. Problems of single pages are in the result."""


class Learner(Protocol):
    """Drafts articles from agents' answers."""

    def draft(self, taught: Taught, drafted: Sequence[str] = ()) -> Article | None:
        """Returns a draft without personal data; None if there is nothing to learn.

        `drafted` are titles of earlier drafts; a similar one is not offered again.
        """

    def groups(self, asked: Sequence[Unanswered]) -> Sequence[Unanswered]:
        """Returns one question for those that mean the same, the most frequent first.

        Small talk, and what the articles answer by now, is left out.
        """


class Translator(Protocol):
    """Translates single messages."""

    def translate(self, text: str, language: str, contact_id: int | None = None) -> str:
        """Translates the text into this language (ISO 639-1); `contact_id` is the contact whose
        spending cap applies.

        Raises:
            ModelError: no translation now, or not without losing content.
        """


class Rewriter(Protocol):
    """Rewrites agents' drafts."""

    def rewrite(self, text: str, tone: Tone, contact_id: int | None = None) -> str:
        """Returns the text in this tone, in its own language; `contact_id` as in `translate`.

        Raises:
            ModelError: it cannot be rewritten now, or not without adding facts.
        """


class FileReader(Protocol):
    """Turns customers' voice notes and pictures into text, which is hostile like theirs.

    `contact_id` is the contact whose spending cap applies.

    Raises:
        ModelError: no text now; CapReached if today's spending cap is reached.
    """

    def transcribe(self, file: File, contact_id: int | None = None) -> str:
        """Returns what is said in a voice note, "" if nothing is."""

    def describe(self, file: File, asked: str, language: str, contact_id: int | None = None) -> str:
        """Returns what a picture shows.

        Args:
            asked: what the customer wrote with it, or "".
            language: ISO 639-1 of the description if that text has none, "" if unknown.
        """


class Spending(Protocol):
    """Spending limits and records for language models."""

    def allows(self, contact_id: int | None) -> bool:
        """Returns whether both the total and the contact's cap allow another call."""

    def record(self, contact_id: int | None, usage: Usage) -> None: ...


class ModelWatch(Protocol):
    """Receives outcomes of language model requests. Never raises."""

    def answered(self) -> None: ...

    def failed(self, trouble: Trouble, detail: str = "") -> None:
        """Records a failure; `detail` contains no customer text."""

    def refused_tools(self, names: Sequence[str]) -> None:
        """Records that the service does not accept these tools' definitions; the others are used."""


class ModelProbe(Protocol):
    """Tests a language model. Its cost is counted, and a watch receives the outcome."""

    def look(self) -> Look:
        """Sends one test request and looks up the model's shutdown date. Takes seconds; never raises."""


class Clock(Protocol):
    """The time; tests replace it."""

    def now(self) -> datetime:
        """Returns the current time as aware UTC."""
