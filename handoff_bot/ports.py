"""What the core asks of the world. Adapters implement these; the core never imports an adapter."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from handoff_bot.domain.delivery import DeliveryStatus
from handoff_bot.domain.desk import AgentRef, Board, Card, Place, Post, Whisper
from handoff_bot.domain.files import DeskFile, Fetched, File
from handoff_bot.domain.mail import Mail
from handoff_bot.domain.messages import (
    DeliveryUpdate,
    InboundMessage,
    Limits,
    Media,
    OutboundMessage,
    Receipt,
)
from handoff_bot.domain.model_health import Look, Trouble
from handoff_bot.domain.roles import Home, Person
from handoff_bot.domain.signals import Answer, Judgement
from handoff_bot.domain.spending import Usage
from handoff_bot.domain.talk import Talk
from handoff_bot.domain.ticket_record import TicketRecord


@dataclass(frozen=True)
class WebhookRequest:
    """A request as it arrived, before anything is believed.

    Attributes:
        path: the path alone, e.g. "/webhooks/sms".
        query: the raw query string, exactly as sent, without "?".
        headers: names in lower case.
        body: the raw bytes.
        form: the decoded form fields in order, blank values kept, repeats kept.
        network: the network that the client is in: an IPv4 address, or the /64 of an IPv6 address; "" when
            nobody looks at it.
    """

    path: str
    query: str
    headers: dict[str, str]
    body: bytes
    form: tuple[tuple[str, str], ...]
    network: str = ""


class Channel(Protocol):
    """A way customers reach us."""

    kind: str
    limits: Limits

    def receive(self, request: WebhookRequest) -> Sequence[InboundMessage | DeliveryUpdate]:
        """Check that the provider really sent this, and say what it holds.

        Raises:
            Unauthentic: the signature or the account is not ours.
            Malformed: a signed request lacks what it must hold.
        """

    def send(self, message: OutboundMessage) -> Receipt:
        """Hand one message to the provider, once.

        Raises:
            DeliveryError: the provider refused (`permanent`) or is in trouble.
            OutcomeUnknown: it was called and never answered.
        """

    def sent_since(self, message: OutboundMessage, since: datetime) -> Sequence[Receipt]:
        """Messages that the provider took from us since then and that equal this one, oldest first.

        Asked after a crash or a timeout in the middle of `send`; the caller leaves out those it knows.

        Raises:
            DeliveryError: the provider cannot be asked (now, or ever when `permanent`).
        """

    def fetch(self, media: Media) -> Fetched:
        """The file that came with a message, at most `files.LARGEST` bytes of it.

        Asks nobody but the provider: an address that a customer may have chosen is never called.

        Raises:
            DeliveryError: it cannot be had (now, or ever when `permanent`).
        """


class Directory(Protocol):
    """Who the people at the desk are, and where they are members. Every method asks at most once or twice.

    `trusted` is how old an earlier answer may be when the desk does not answer now.

    Raises:
        DeskError: the desk does not say, and there is no earlier answer that is young enough.
    """

    def home(self) -> Home:
        """The workspace that the bot is installed in."""

    def person(
        self, desk_id: str, now: datetime, max_age: timedelta, trusted: timedelta
    ) -> Person | None:
        """What the desk said of a person at most `max_age` ago, None when it knows no such person."""

    def is_in(self, desk_id: str, slack_channel: str, now: datetime, trusted: timedelta) -> bool:
        """Whether a person is a member of a Slack channel, as of a minute ago at most."""

    def is_in_group(self, desk_id: str, group_id: str, now: datetime, trusted: timedelta) -> bool:
        """Whether a person is in a user group, as of a minute ago at most."""

    def forget_person(self, desk_id: str) -> None:
        """Something about this person has changed."""

    def forget_channel(self, slack_channel: str) -> None:
        """A person came into this Slack channel, or left it."""


class Backlog(Protocol):
    """A channel whose provider lists what customers have sent.

    Attributes:
        stretch: how much time one listing covers.
        is_swept: True when listing is cheap enough to be done now and then without a reason.
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
        """What customers sent in this time, each with `sent_at`, the oldest of one customer first.

        Args:
            recipients: our own addresses that customers have written to, besides the configured ones.
            addresses: the addresses of customers who wrote lately.

        Raises:
            DeliveryError: the provider cannot be asked (now, or ever when `permanent`).
        """


class ListedChannel(Channel, Backlog, Protocol):
    """A channel that customers reach us by, and whose provider lists what they sent."""


class Desk(Protocol):
    """Where agents work. Every method may raise DeskError; those that post also DeskOutcomeUnknown.

    `queue_channel` is where cards and the board go that name no other slack_channel.
    """

    @property
    def queue_channel(self) -> str:
        """Its id."""

    @property
    def directory(self) -> Directory:
        """Who the people are, for roles."""

    def draw_card(self, card: Card, at: Place | None, mark: str) -> Place:
        """Post the card (at None) or redraw the one that is there; says where it is.

        `mark` is our own opaque id of a new post, for `find_card`.
        """

    def find_card(self, mark: str, since: datetime, slack_channel: str = "") -> Place | None:
        """The card that was posted with this mark since then ("" in the queue channel), if there is one."""

    def post(self, thread: Place, posts: Sequence[Post], mark: str) -> Place:
        """Say something in a thread, as one message; several posts are by one speaker, in order.

        `mark` is our own opaque id of it, for `find_post`.
        """

    def find_post(self, thread: Place, mark: str, since: datetime) -> Place | None:
        """The post in this thread that carries this mark, if there is one."""

    def tell(self, to: str, post: Post, mark: str) -> Place:
        """Say something to a person (their id, as a direct message) or in a slack_channel."""

    def upload(self, thread: Place, file: File, post: Post, mark: str) -> Place | None:
        """Show a file in a thread, said as `post` says it; None when it is not told where.

        `mark` is our own opaque id of it, for `find_post`, which may take a moment to find it.
        """

    def download(self, file: DeskFile, most: int) -> Fetched:
        """A file that somebody put into a thread; more than `most` bytes are an error for good."""

    def hand(self, to: str, file: File, post: Post, mark: str) -> None:
        """Give a person (by their id) a file, in a direct message that says `post` above it."""

    def whisper(self, whisper: Whisper) -> None:
        """Say something in a thread to one agent alone."""

    def mark_delivery(self, reply: Place, status: DeliveryStatus, *, held: bool = False) -> None:
        """Show on an agent's own reply how far it has come. Doing it twice is harmless.

        `held` when it waited before it left, so that the mark for waiting has to go.
        """

    def draw_board(self, board: Board, at: Place | None, mark: str) -> Place:
        """Post and pin the board (at None) or redraw it; says where it is."""

    def agent(self, desk_id: str) -> AgentRef:
        """Who this is, with the name that customers may see."""

    def members(self, group_id: str) -> Sequence[str]:
        """The desk's ids of who is in a group; nobody where that is not to be known."""

    def resting(self, people: Collection[str], now: datetime) -> Collection[str]:
        """Those of these who do not want to be disturbed now, as far as the desk says. Raises nothing."""

    def link(self, thread: Place) -> str:
        """The address that opens a thread, "" while it is not known. Raises nothing."""


class TicketSink(Protocol):
    """Another system that keeps our tickets."""

    def put(self, record: TicketRecord, external_id: str) -> str:
        """Bring its ticket up to date, or create it; doing it twice is harmless.

        Args:
            external_id: what the ticket is called there, "" while that is not known.

        Returns:
            What it is called there, "" when it has no names of its own.

        Raises:
            SinkError: it refused (`permanent`), or is in trouble, or never answered.
        """


class Mailer(Protocol):
    """Sends e-mail to the team."""

    def send(self, mail: Mail) -> None:
        """Hand one mail to the mail server.

        Raises:
            MailError: it refused (`permanent`), or is in trouble, or never answered; after the latter the
                mail may have left.
        """


class Detector(Protocol):
    """Sees when a person is needed. It follows the talk's rules and looks at its open turns."""

    def glance(self, talk: Talk) -> Judgement:
        """What can be said at once and on this machine; not `final` when `judge` would see more.

        Raises:
            ModelError: it cannot say; a person had better look.
        """

    def judge(self, talk: Talk) -> Judgement:
        """Judge the last turn, always the customer's, in the light of all open ones.

        Raises:
            ModelError: it cannot say; what it said at a glance stands.
        """

    def may_matter(self, words: str) -> bool:
        """Could any signal be in this text? By its spelling; rather too often than too seldom."""

    def announces(self, words: str) -> bool:
        """Do these words of the assistant say that a person will come, or was told?"""


class Assistant(Protocol):
    """The automatic answerer."""

    def answer(self, talk: Talk, language: str) -> Answer | None:
        """What it would say to the last turn, None when it has nothing to say.

        Raises:
            ModelError: it cannot answer now.
        """


class Translator(Protocol):
    """Puts single messages into another language."""

    def translate(self, text: str, language: str, contact_id: int | None = None) -> str:
        """The text in the language with this code (ISO 639-1); `contact_id` is whose share of the spending.

        Raises:
            ModelError: it cannot be had now, or not without losing something.
        """


class Spending(Protocol):
    """What asking a language model may cost, and what it has cost."""

    def allows(self, contact_id: int | None) -> bool:
        """Is there anything left today, of all and of this contact's share?"""

    def record(self, contact_id: int | None, usage: Usage) -> None:
        """Count what one call used."""


class ModelWatch(Protocol):
    """Is told how a language model does. Its methods raise nothing."""

    def answered(self) -> None:
        """It answered."""

    def failed(self, trouble: Trouble, detail: str = "") -> None:
        """It did not; `detail` holds nothing that a customer wrote."""


class ModelProbe(Protocol):
    """Asks a language model whether it works. What it costs is counted; a watch is told of the outcome."""

    def look(self) -> Look:
        """Asks one real question, and when the model is switched off. Takes seconds; raises nothing."""


class Clock(Protocol):
    """The time, so that tests can hold it."""

    def now(self) -> datetime:
        """Aware UTC."""
