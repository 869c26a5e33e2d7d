"""What agents see in Slack, as plain values: cards, posts, ephemeral messages, the board, the queue."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from handoff_bot.domain.escalations import Status, Step
from handoff_bot.domain.files import DeskFile
from handoff_bot.domain.messages import Author, DeliveryStatus
from handoff_bot.domain.metrics import AgentNumbers, Numbers
from handoff_bot.domain.report import Chart, Table
from handoff_bot.domain.signals import Evidence, Mood, Priority, Signal

# -- cards, posts, ephemeral messages, the board
# Values marked hostile were written by a contact and must be escaped.

HERE, EVERYONE = "here", "channel"
"""Mentions of a Slack channel: its active members, and all of them."""
NAMELESS = "an agent"
"""Name of an agent while Slack does not return one."""
CLOCKS_APART = timedelta(minutes=1)
"""How far this machine's clock and Slack's may differ."""


@dataclass(frozen=True)
class Place:
    """One message in Slack: its slack_channel and its timestamp."""

    slack_channel: str
    ts: str


@dataclass(frozen=True)
class AgentRef:
    """An agent: the Slack id ("U024BE7LH") and the name that customers may see.

    `is_admin` allows actions on other agents' conversations.
    """

    desk_id: str
    name: str
    is_admin: bool = field(default=False, compare=False)


@dataclass(frozen=True)
class Line:
    """One line of a transcript. `text` and `name` are hostile if the author is the contact."""

    author: Author
    name: str
    text: str
    at: datetime
    note: bool = False
    delivery: DeliveryStatus | None = None


@dataclass(frozen=True)
class Card:
    """One escalation as shown on its card.

    Attributes:
        escalation_id: our id, carried by the buttons.
        ticket: the ticket number.
        status: decides which buttons are shown.
        owner: the assignee, None while queued.
        contact: the contact's name or address (hostile).
        address: the contact's address on the channel (hostile).
        channel: the channel's kind.
        reason: the decisive signal.
        priority: the priority.
        scores: the score of every signal, 0 to 1.
        evidence: the customer's own text (hostile).
        summary: one line by the AI (hostile).
        tried: the assistant's last answer, or "".
        grounds: what the assistant's last answer was based on (look-ups are hostile).
        recent: the last lines of the conversation, oldest first, until an agent has answered.
        earlier_tickets: number of earlier tickets of this contact.
        opened_at: start of the wait (aware UTC).
        claimed_at, closed_at: times, None if not yet.
        closed_by: the agent who ended it.
        opted_out: True if nothing may be sent to the contact.
        invited: True if the opted-out contact wrote again, so agents may answer.
        language: ISO 639-1, "" if unknown.
        mood: the customer's mood by their last message, None while it was never more than calm.
        vip: True if the contact is a VIP.
        snoozed_until: end of the snooze, None if not snoozed.
        group_id: Slack id of the group it is for, "" for all agents.
        slack_channel: where it is posted, "" for the queue channel.
        reopened: how often the customer has returned to this ticket.
        previous_owner: the previous assignee, or "".
        reply_due_at, solve_due_at: open SLA targets, None if met or not set.
        window_closes_at: end of the messaging window, None if the channel has none.
        notes: further content of the customer's messages: an ad, a quoted message, a form
            (hostile).
        outcome: the ticket's outcome, "" while it is open.
        tags: of the ticket.
        rating: the customer's, 1 to 5, None if there is none.
        attributes: the customer's, name -> value (hostile).
        mentions: a group's Slack id, HERE or EVERYONE. Slack notifies them when the card is posted,
            and not of its updates.
    """

    escalation_id: int
    ticket: int
    status: Status
    owner: AgentRef | None
    contact: str
    address: str
    channel: str
    reason: Signal
    priority: Priority
    scores: dict[Signal, float]
    evidence: str
    summary: str
    tried: str
    recent: tuple[Line, ...]
    earlier_tickets: int
    opened_at: datetime
    claimed_at: datetime | None = None
    closed_at: datetime | None = None
    closed_by: AgentRef | None = None
    opted_out: bool = False
    invited: bool = False
    language: str = ""
    mood: Mood | None = None
    vip: bool = False
    snoozed_until: datetime | None = None
    group_id: str = ""
    slack_channel: str = ""
    reopened: int = 0
    previous_owner: str = ""
    reply_due_at: datetime | None = None
    solve_due_at: datetime | None = None
    window_closes_at: datetime | None = None
    notes: tuple[str, ...] = ()
    grounds: tuple[Evidence, ...] = ()
    outcome: str = ""
    tags: tuple[str, ...] = ()
    rating: int | None = None
    mentions: tuple[str, ...] = ()
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class BoardRow:
    """One open escalation on the board; `contact` is hostile. `owner` is None while queued."""

    escalation_id: int
    contact: str
    channel: str
    reason: Signal
    priority: Priority
    opened_at: datetime
    thread: Place | None
    owner: AgentRef | None = None
    vip: bool = False
    snoozed_until: datetime | None = None


@dataclass(frozen=True)
class Board:
    """The board: the most urgent rows, and how many escalations wait and are in progress in total.

    `held` is the number of customers held by the escalation limits. `slack_channel` is where the
    board is, "" for the configured queue channel.
    """

    rows: tuple[BoardRow, ...]
    waiting: int
    claimed: int
    slack_channel: str = ""
    held: int = 0


class Button(StrEnum):
    """All buttons; the value is the action id. Action buttons carry an escalation's id."""

    CLAIM = "claim"
    ASSIGN = "assign"
    RELEASE = "release"
    RESOLVE = "resolve"
    RETURN = "return"
    DISMISS = "dismiss"
    VIEW = "view"
    TAKE_OVER_AND_SEND = "take_over_and_send"
    SEND_HELD = "send_held"
    KEEP_AS_NOTE = "keep_as_note"
    RETRY = "retry"
    SEND_CORRECTION = "send_correction"
    TRANSLATE_AGAIN = "translate_again"
    SEND_AS_WRITTEN = "send_as_written"
    SOONER = "sooner"
    SNOOZE = "snooze"
    DRAFT = "draft"
    NOTE = "note"
    MORE = "more"
    ACCEPT = "offer_accept"
    DECLINE = "offer_decline"
    QUEUE_HERE = "queue_here"
    URGENT_HERE = "urgent_here"
    NOT_HERE = "not_here"
    FETCH_AGAIN = "fetch_again"
    USE_TEMPLATE = "use_template"
    SHOW_QUEUE = "queue_show"
    APPROVE_ARTICLE = "article_approve"
    EDIT_ARTICLE = "article_edit_draft"
    REJECT_ARTICLE = "article_reject"
    WRITE_ARTICLE = "article_write"


STEPS: dict[Button, Step] = {
    Button.CLAIM: Step.CLAIM,
    Button.RELEASE: Step.RELEASE,
    Button.RESOLVE: Step.RESOLVE,
    Button.RETURN: Step.RETURN,
    Button.DISMISS: Step.DISMISS,
}
"""Buttons that run one action on the escalation whose id they carry; some open a modal first."""


class PostKind(StrEnum):
    """Kind of a thread post; decides how it is rendered."""

    CONTACT = "contact"
    OURS = "ours"
    NOTICE = "notice"
    TOLD = "told"
    FAILURE = "failure"
    TRANSCRIPT = "transcript"


@dataclass(frozen=True)
class PostRow:
    """One line of a list with a button of its own. `text` is hostile."""

    text: str
    button: Button
    value: str


@dataclass(frozen=True)
class Post:
    """A message for all agents in a thread.

    Attributes:
        kind: `contact` for the customer's messages, `ours` for messages to the customer by the
            assistant or the system, `notice` for a state change, `told` for longer messages to
            agents, `failure` for a failed delivery, `transcript` for earlier messages.
        text: the text; hostile if the kind is contact.
        name: the speaker; hostile if the kind is contact.
        channel: the channel's kind, "" for notices.
        button: a button below it, or None.
        value: the value of the buttons.
        mentions: Slack ids of people ("U…") and groups ("S…") to mention, HERE or EVERYONE.
        buttons: more buttons with the same value.
        about: a thread to link to, for posts outside of it.
        notes: context of the customer's message, such as the quoted message (hostile).
        footer: a line of our own below it; "{time}" and "{moment}" stand for `at` (Unix seconds) in
            the reader's time zone, without and with the day.
        said: speakers and messages of a transcript, oldest first (hostile).
        rows: lines below the text, each with its own button.
        charts: at most two charts below the text.
        table: a table below them, or None.
        feedback: the value of the feedback buttons below it, "" for none.
    """

    kind: PostKind
    text: str
    name: str = ""
    channel: str = ""
    button: Button | None = None
    value: str = ""
    mentions: tuple[str, ...] = ()
    buttons: tuple[Button, ...] = ()
    about: Place | None = None
    notes: tuple[str, ...] = ()
    footer: str = ""
    at: int = 0
    said: tuple[tuple[str, str], ...] = ()
    rows: tuple[PostRow, ...] = ()
    charts: tuple[Chart, ...] = ()
    table: Table | None = None
    feedback: str = ""

    def ended(self, footer: str, at: datetime) -> Post:
        """Returns the post without its buttons, with what became of it."""
        return replace(self, button=None, buttons=(), footer=footer, at=int(at.timestamp()))

    @property
    def spoken(self) -> str:
        """Returns notes and text as one text."""
        around = " · ".join(self.notes)
        return f"{self.text} ({around})" if self.text and around else self.text or around


@dataclass(frozen=True)
class EphemeralMessage:
    """An ephemeral message to one agent in a thread; all `buttons` carry `value`."""

    desk_id: str
    place: Place
    text: str
    buttons: tuple[Button, ...] = ()
    value: str = ""


@dataclass(frozen=True)
class ThreadReply:
    """A reply in one of our threads, parsed from Slack's event.

    Attributes:
        place: the thread (the card's place).
        ts: the reply's own timestamp.
        author: who wrote it.
        text: plain text with mentions, links and emoji resolved.
        marked: the text with bold and similar marks, for channels that can show them.
        files: one line for each attachment that cannot be sent.
        attached: the files.
    """

    place: Place
    ts: str
    author: AgentRef
    text: str
    files: tuple[str, ...] = ()
    attached: tuple[DeskFile, ...] = ()
    marked: str = ""


@dataclass(frozen=True)
class TranscriptPage:
    """One page of a conversation, oldest first; `page` counts from 0.

    The last page is full and has the card; the first has what is left over.
    """

    contact: str
    channel: str
    lines: tuple[Line, ...]
    page: int
    pages: int
    card: Card | None = None


@dataclass(frozen=True)
class MyRow:
    """One of the agent's own conversations.

    Attributes:
        said_at: time of the last message, None if there was none since the claim.
        waits_for_me: True if that message was the customer's.
    """

    row: BoardRow
    said_at: datetime | None
    waits_for_me: bool


@dataclass(frozen=True)
class Home:
    """Data of one agent's Home tab.

    Attributes:
        mine: own conversations, those waiting for a reply first; `mine_in_all` is their number.
        waiting: the most urgent of the queue.
        waits: number of waiting conversations.
        claimed: number of conversations in progress.
        today: metrics since the agent's midnight; `mine_today` are the agent's own.
        may_administer: True shows the settings button.
    """

    agent: AgentRef
    mine: tuple[MyRow, ...]
    waiting: tuple[BoardRow, ...]
    waits: int
    claimed: int
    today: Numbers
    mine_today: AgentNumbers | None = None
    may_administer: bool = False
    mine_in_all: int = 0


@dataclass(frozen=True)
class ThreadPage:
    """One page of a thread.

    Attributes:
        posts: the bot's own messages.
        files: ids of the bot's own files.
        by_others: messages by people, which the bot cannot delete.
        cursor: of the next page, "" at the end.
    """

    posts: tuple[Place, ...] = ()
    files: tuple[str, ...] = ()
    by_others: tuple[Place, ...] = ()
    cursor: str = ""


# -- the queue: filter and page

EMPTY = "No customers are waiting."
PAGE_ROWS = 15


class Whose(StrEnum):
    """Which conversations to show."""

    WAITING = "waiting"
    MINE = "mine"
    CLAIMED = "claimed"
    OPEN = "open"


@dataclass(frozen=True)
class Filter:
    """Filter of the queue; None for any.

    Attributes:
        waited: minimum wait.
        owner: Slack id of the assignee.
        slack_channels: channels of the conversations; "" is the configured queue channel.
    """

    whose: Whose = Whose.WAITING
    channel: str | None = None
    priority: Priority | None = None
    reason: Signal | None = None
    waited: timedelta | None = None
    owner: str | None = None
    slack_channels: frozenset[str] | None = None


@dataclass(frozen=True)
class HeldRow:
    """A customer held by the escalation limits; `contact` and `text` are hostile."""

    contact: str
    channel: str
    text: str
    held_at: datetime


@dataclass(frozen=True)
class QueuePage:
    """One page of the queue, most urgent first; `page` counts from 0.

    Attributes:
        found: number of matches.
        waiting: number of all waiting conversations.
        channels: kinds of channels to filter by.
        owners: agents with conversations to filter by, by name.
        held: the longest held customers.
        held_in_all: number of held customers.
    """

    rows: tuple[BoardRow, ...]
    page: int
    found: int
    waiting: int
    channels: tuple[str, ...]
    at: datetime
    owners: tuple[AgentRef, ...] = ()
    held: tuple[HeldRow, ...] = ()
    held_in_all: int = 0

    @property
    def pages(self) -> int:
        """Returns the number of pages, at least one."""
        return max(1, -(-self.found // PAGE_ROWS))
