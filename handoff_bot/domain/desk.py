"""What agents see at the desk, as plain values: cards, posts in a thread, whispers, the board.

Everything marked hostile was written by a contact: the desk must escape it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from handoff_bot.domain.delivery import DeliveryStatus
from handoff_bot.domain.escalations import Status, Step
from handoff_bot.domain.files import DeskFile
from handoff_bot.domain.messages import Author
from handoff_bot.domain.signals import Mood, Priority, Signal

NAMELESS = "an agent"
"""What an agent is called while the desk cannot say their name."""


@dataclass(frozen=True)
class Place:
    """One message at the desk: its slack_channel and its timestamp id."""

    slack_channel: str
    ts: str


@dataclass(frozen=True)
class AgentRef:
    """A human at the desk: the desk's id of them ("U024BE7LH") and the name customers may see.

    `is_admin` lets them take steps with conversations that other agents have.
    """

    desk_id: str
    name: str
    is_admin: bool = field(default=False, compare=False)


@dataclass(frozen=True)
class Line:
    """One line of a transcript. `text` and `name` are hostile when the author is the contact."""

    author: Author
    name: str
    text: str
    at: datetime
    note: bool = False
    delivery: DeliveryStatus | None = None


@dataclass(frozen=True)
class Card:
    """One escalation as the queue channel shows it.

    Attributes:
        escalation_id: ours; the buttons carry it.
        ticket: the ticket's number.
        status: where the escalation is; decides the buttons.
        owner: who has it, None while queued.
        contact: the contact's name or address (hostile).
        address: the contact's address on the channel (hostile).
        channel: the channel's kind.
        reason: the signal that tipped it.
        priority: how urgent.
        scores: every signal with its score, 0 to 1.
        evidence: the customer's own words (hostile).
        summary: one line of the AI (hostile).
        tried: what the assistant last answered, "" when nothing.
        recent: the last lines of the conversation, oldest first.
        earlier_tickets: how many tickets this contact had before.
        opened_at: since when they wait (aware UTC).
        claimed_at, closed_at: when, if so.
        closed_by: who ended it.
        opted_out: True when the contact opted out: nothing may be sent.
        invited: True when they have written again since, so that agents may answer.
        language: ISO 639-1, "" when unknown.
        mood: how the customer feels by their last words, None while none of them seemed more than calm.
        vip: True when an admin named them one.
        snoozed_until: until when it is put aside, None when it is not.
        group_id: the desk's id of the group it is for, "" for everybody.
        slack_channel: where it is posted, "" for the queue channel.
        reopened: how often the customer has come back to this ticket.
        previous_owner: who had it before, "" for nobody.
        reply_due_at, solve_due_at: what the SLA promises, None where nothing (more) is.
        window_closes_at: until when the channel lets us answer freely, None for ever.
        notes: what the customer's messages say besides: an ad, a quoted message, a form (hostile).
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


@dataclass(frozen=True)
class BoardRow:
    """One open escalation in the queue; `contact` is hostile. `owner` None while it waits."""

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
    """The queue: the most urgent rows, how many wait in all, how many are being talked to.

    `held` is how many customers wait for room in the queue; `slack_channel` is where the board is, "" for
    the queue channel of the deployment's settings.
    """

    rows: tuple[BoardRow, ...]
    waiting: int
    claimed: int
    slack_channel: str = ""
    held: int = 0


class Button(StrEnum):
    """Every button the desk draws; the value is its action id. Those of steps carry an escalation's id."""

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


STEPS: dict[Button, Step] = {
    Button.CLAIM: Step.CLAIM,
    Button.RELEASE: Step.RELEASE,
    Button.RESOLVE: Step.RESOLVE,
    Button.RETURN: Step.RETURN,
    Button.DISMISS: Step.DISMISS,
}
"""Buttons that lead to one step of the escalation whose id they carry; some ask something first."""


class PostKind(StrEnum):
    """What a post in a thread is; decides how it is drawn."""

    CONTACT = "contact"
    OURS = "ours"
    NOTICE = "notice"
    TOLD = "told"
    FAILURE = "failure"


@dataclass(frozen=True)
class Post:
    """Something to say in a thread, to all agents.

    Attributes:
        kind: `contact` for the customer's words, `ours` for what the assistant or system told the
            customer, `notice` for a change of state, `told` for something said to agents at length,
            `failure` for a delivery that failed.
        text: the words; hostile when the kind is contact.
        name: who spoke; hostile when the kind is contact.
        channel: the channel's kind, "" for notices.
        button: a button under it, or None.
        value: what the button carries.
        mentions: the desk's ids of people ("U…") and groups ("S…") to be called by name.
        buttons: more buttons that carry the same value, each said with its label.
        about: a thread to link to, for what is said outside of it.
        notes: what stands around a customer's words, such as the message that they quote (hostile).
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

    @property
    def spoken(self) -> str:
        """Notes and words in one text."""
        around = " · ".join(self.notes)
        return f"{self.text} ({around})" if self.text and around else self.text or around


@dataclass(frozen=True)
class Whisper:
    """Something to say in a thread to one agent alone; `buttons` all carry `value`."""

    desk_id: str
    place: Place
    text: str
    buttons: tuple[Button, ...] = ()
    value: str = ""


@dataclass(frozen=True)
class ThreadReply:
    """What somebody wrote in a thread of ours, parsed from the desk's event.

    Attributes:
        place: the thread (the card's place).
        ts: the reply's own timestamp id.
        author: who wrote it.
        text: plain text: mentions, links and emoji resolved.
        marked: the same with the marks for bold and the like, for channels that can show them.
        files: one line for each thing that came with it and is no file that could be sent.
        attached: the files that came with it.
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
    """One page of a whole conversation, oldest first; `page` counts from 0."""

    contact: str
    channel: str
    lines: tuple[Line, ...]
    page: int
    pages: int
