"""Tables. Unique and partial unique indexes enforce the invariants; times are aware UTC."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Column, ForeignKey, Index, text
from sqlmodel import Field, SQLModel

from handoff_bot.storage.columns import (
    BigId,
    Json,
    Row,
    json_object,
    long_text,
    number,
    optional_sealed_json,
    reference,
    sealed_bytes,
    sealed_json,
    sealed_list,
    sealed_text,
    utc_time,
)
from handoff_bot.storage.sealed import bind_to_places

RETAINED = {
    "message": "text <> '' OR provider_id IS NOT NULL",
    "note": "text <> ''",
}
"""Table -> SQL for rows with content that retention may blank. Queries use the same text, because a
partial index is only used where its condition is repeated.
"""


def retained(table: str) -> Any:
    """Returns the condition of the table's index by age."""
    return text(f"({RETAINED[table].replace('text', f'{table}.text')})")


def where(condition: str) -> dict[str, Any]:
    """Returns the options of a partial index."""
    return {"postgresql_where": text(condition), "sqlite_where": text(condition)}


class Contact(Row, table=True):
    """A customer.

    `attributes` are what the website has signed, `looked_up` what the team's own system said at
    `looked_up_at`, both name -> value. `merged_into_id` is the contact that an agent has merged it
    into; that one is merged into none.
    """

    __tablename__ = "contact"

    name: str = sealed_text()
    created_at: datetime = utc_time()
    attributes: dict[str, str] | None = optional_sealed_json()
    looked_up: dict[str, str] | None = optional_sealed_json()
    looked_up_at: datetime | None = utc_time(nullable=True)
    merged_into_id: int | None = number(index=True)


class ContactAddress(Row, table=True):
    """One address or id of a contact on a channel; opaque, not always a phone number."""

    __tablename__ = "contact_address"
    __table_args__ = (Index("contact_address_once", "channel", "address", unique=True),)

    contact_id: int = reference("contact")
    channel: str
    address: str


class Conversation(Row, table=True):
    """All messages with one contact on one channel.

    `epoch` counts the changes between AI and agent; an AI message is only sent in the epoch in
    which it was written. `address` is the contact's last address, `recipient` our own address they
    wrote to, `counted_with` the limit groups of the sender (`InboundMessage`). `window_closes_at`
    is the end of the messaging window, where the channel has one. `invited_at` is the last message
    after an opt-out, if it allows agents to answer. After `forgotten_at` nothing is added to it.
    """

    __tablename__ = "conversation"
    __table_args__ = (
        Index("conversation_once", "contact_id", "channel", unique=True),
        Index("conversation_by_recipient", "channel", "recipient"),
    )

    contact_id: int = reference("contact", index=False)
    channel: str
    address: str
    recipient: str = ""
    counted_with: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    epoch: int = 0
    language: str = ""
    opted_out_at: datetime | None = utc_time(nullable=True)
    invited_at: datetime | None = utc_time(nullable=True)
    disclosed_at: datetime | None = utc_time(nullable=True)
    last_inbound_at: datetime | None = utc_time(nullable=True)
    window_closes_at: datetime | None = utc_time(nullable=True)
    created_at: datetime = utc_time()
    forgotten_at: datetime | None = utc_time(nullable=True)


class Message(Row, table=True):
    """One message. `desk_channel` and `desk_ts` identify an agent's thread reply.

    `epoch` is set on messages by the AI and on its fixed texts, and binds them to it. `payload` of
    an inbound message contains every field from the provider; of an AI message {"confidence",
    "sources", "by"}. `media` of an inbound message says where the provider stores each file; of an
    agent's message which attachment it becomes. `context` is an inbound message's content besides
    the text (`MessageContext`), {} for nothing. `mark` is the reaction that Slack shows on an
    agent's thread reply (`ReplyMark`).
    """

    __tablename__ = "message"
    __table_args__ = (
        Index("message_from_provider_once", "channel", "provider_id", unique=True),
        Index("message_from_desk_once", "desk_channel", "desk_ts", unique=True),
        Index("message_from_note_once", "note_id", unique=True),
        Index("message_by_age", "channel", "created_at", **where(RETAINED["message"])),
    )

    conversation_id: int = reference("conversation")
    escalation_id: int | None = reference("escalation", nullable=True)
    agent_id: int | None = reference("agent", nullable=True)
    note_id: int | None = number()
    work_id: int | None = number()
    direction: str
    author: str
    channel: str
    text: str = sealed_text()
    media: list[dict[str, str]] = sealed_list()
    provider_id: str | None = None
    desk_channel: str | None = None
    desk_ts: str | None = None
    epoch: int | None = None
    payload: Json = sealed_json()
    context: Json = sealed_json()
    mark: str = ""
    created_at: datetime = utc_time()


class Delivery(Row, table=True):
    """One part of an outbound message; a Retry supersedes it by a new one.

    `file` is the token of its attachment, "" for text only.
    """

    __tablename__ = "delivery"
    __table_args__ = (
        Index(
            "delivery_current_once",
            "message_id",
            "part",
            unique=True,
            postgresql_where=text("superseded_at IS NULL"),
            sqlite_where=text("superseded_at IS NULL"),
        ),
        Index("delivery_oid_once", "oid", unique=True),
        Index("delivery_by_provider_id", "provider_id"),
    )

    message_id: int = reference("message")
    part: int
    oid: str
    text: str = sealed_text()
    file: str = ""
    status: str
    provider_id: str | None = None
    error_code: str = ""
    error: str = sealed_text()
    begun_at: datetime | None = utc_time(nullable=True)
    updated_at: datetime = utc_time()
    superseded_at: datetime | None = utc_time(nullable=True)


class Agent(Row, table=True):
    """An agent.

    Agents are on the roster once they have set their availability or taken a conversation.
    `is_away` holds until `away_until` (None: until they return). `hours` is {"mon": [["09:00",
    "17:00"]], …} in their `timezone` (IANA), empty for none. `capacity` is the maximum number of
    conversations, 0 for the team's default.
    """

    __tablename__ = "agent"
    __table_args__ = (Index("agent_once", "desk_id", unique=True),)

    desk_id: str
    name: str = long_text()
    created_at: datetime = utc_time()
    on_roster: bool = False
    is_away: bool = False
    away_until: datetime | None = utc_time(nullable=True)
    capacity: int = 0
    hours: Json = json_object()
    timezone: str = ""
    language: str = ""
    last_offered_at: datetime | None = utc_time(nullable=True)


class Escalation(Row, table=True):
    """One request for an agent in a conversation. At most one is open per conversation.

    `settled_message_id` is the conversation's newest message when it ended. `slack_channel` is
    where its card goes ("" for the queue channel), `group_id` the Slack user group it was assigned
    to. No reminders are sent before `snoozed_until`. `dismissed_why` is the dismissal reason.
    """

    __tablename__ = "escalation"
    __table_args__ = (
        Index(
            "escalation_open_once",
            "conversation_id",
            unique=True,
            postgresql_where=text("status IN ('queued', 'claimed')"),
            sqlite_where=text("status IN ('queued', 'claimed')"),
        ),
        Index("escalation_by_status", "status", "opened_at"),
    )

    conversation_id: int = reference("conversation")
    message_id: int = number()
    status: str
    reason: str
    priority: str
    priority_rank: int
    scores: Json = json_object()
    evidence: str = sealed_text()
    summary: str = sealed_text()
    tried: str = sealed_text()
    judged_by: str = ""
    mood: str = ""
    owner_id: int | None = reference("agent", nullable=True)
    closed_by_id: int | None = reference("agent", nullable=True)
    opened_at: datetime = utc_time()
    claimed_at: datetime | None = utc_time(nullable=True)
    closed_at: datetime | None = utc_time(nullable=True)
    settled_message_id: int | None = number()
    ticket_id: int | None = number(index=True)
    slack_channel: str = ""
    group_id: str = ""
    vip: bool = False
    snoozed_until: datetime | None = utc_time(nullable=True)
    replied_at: datetime | None = utc_time(nullable=True)
    dismissed_why: str = ""


class Ticket(Row, table=True):
    """The support record of an escalation; its id is its number, and it outlives the escalation.

    A customer who returns soon continues it: `escalation_id` is its newest escalation. `searched`
    is the lowercase text for searches: subject and contact's name. `reply_due_at` and
    `solve_due_at` are its SLA targets, `replied_at` is the first agent reply since it was
    (re)opened.
    """

    __tablename__ = "ticket"
    __table_args__ = (
        Index("ticket_once", "escalation_id", unique=True),
        Index("ticket_by_status", "status", "id"),
        Index("ticket_by_assignee", "assignee_id", "status", "id"),
        Index("ticket_by_contact", "contact_id", "id"),
        Index(
            "ticket_reply_due",
            "reply_due_at",
            postgresql_where=text("replied_at IS NULL AND solved_at IS NULL"),
            sqlite_where=text("replied_at IS NULL AND solved_at IS NULL"),
        ),
        Index(
            "ticket_solve_due",
            "solve_due_at",
            postgresql_where=text("solved_at IS NULL"),
            sqlite_where=text("solved_at IS NULL"),
        ),
    )

    escalation_id: int = reference("escalation", index=False)
    contact_id: int = reference("contact", index=False)
    conversation_id: int = reference("conversation")
    subject: str = sealed_text()
    channel: str
    reason: str
    priority: str
    status: str
    assignee_id: int | None = reference("agent", nullable=True, index=False)
    outcome: str = ""
    searched: str = sealed_text()
    reopened: int = 0
    reply_due_at: datetime | None = utc_time(nullable=True)
    solve_due_at: datetime | None = utc_time(nullable=True)
    replied_at: datetime | None = utc_time(nullable=True)
    created_at: datetime = utc_time()
    updated_at: datetime = utc_time()
    solved_at: datetime | None = utc_time(nullable=True)


class DeskThread(Row, table=True):
    """Location of an escalation's card in Slack; replies below it are its thread.

    `read_until` is how far the thread was read back. `unread_since` is set while later replies may
    have been missed.
    """

    __tablename__ = "desk_thread"
    __table_args__ = (
        Index("desk_thread_once", "escalation_id", unique=True),
        Index("desk_thread_place_once", "slack_channel", "ts", unique=True),
    )

    escalation_id: int = reference("escalation", index=False)
    slack_channel: str
    ts: str
    created_at: datetime = utc_time()
    read_until: datetime | None = utc_time(nullable=True)
    unread_since: datetime | None = utc_time(nullable=True)


class Source(SQLModel, table=True):
    """A source of messages: Slack ("slack"), or a channel's kind.

    `in_contact_at` is the last contact, `read_until` the end of the last listing. Between
    `unread_since` and `unread_until`, both set until that is read, messages may have been missed.
    """

    __tablename__ = "source"

    name: str = Field(primary_key=True)
    in_contact_at: datetime = utc_time()
    read_until: datetime = utc_time()
    unread_since: datetime | None = utc_time(nullable=True)
    unread_until: datetime | None = utc_time(nullable=True)


class Note(Row, table=True):
    """An internal thread message. Separate from messages, so that no send can pick it up.

    `held` notes wait for their author to choose "Take over & send", "Send correction" or "Keep as
    note". `files` are its attachments as described by Slack (`DeskFile`). `mark` is as in a
    message.
    """

    __tablename__ = "note"
    __table_args__ = (
        Index("note_once", "desk_channel", "desk_ts", "revision", unique=True),
        Index("note_by_age", "created_at", **where(RETAINED["note"])),
    )

    conversation_id: int = reference("conversation")
    escalation_id: int = reference("escalation")
    agent_id: int = reference("agent")
    text: str = sealed_text()
    held: bool = False
    files: list[dict[str, Any]] = sealed_list()
    desk_channel: str
    desk_ts: str
    revision: str = ""
    mark: str = ""
    created_at: datetime = utc_time()


class Event(Row, table=True):
    """One entry of the append-only log. Contains no free text or addresses.

    Triggers refuse deletions, and all changes but one: `data` of a contact with an `EventRight`.
    """

    __tablename__ = "event"
    __table_args__ = (
        Index("event_by_kind", "kind", "at"),
        # Metrics look for an escalation's first event of a kind, which this index answers by itself.
        Index(
            "event_by_escalation",
            "escalation_id",
            "kind",
            "id",
            **where("escalation_id IS NOT NULL"),
        ),
        Index("event_by_agent", "agent_id", "id", **where("agent_id IS NOT NULL")),
    )

    at: datetime = utc_time()
    kind: str
    conversation_id: int | None = number(index=True)
    escalation_id: int | None = number()
    ticket_id: int | None = number()
    message_id: int | None = number()
    agent_id: int | None = number()
    data: Json = json_object()


class Spent(Row, table=True):
    """Language model usage of one day (UTC): a row per contact, and one in total.

    `contact_id` 0 is the total; `micros` are millionths of the currency of the prices.
    """

    __tablename__ = "spent"
    __table_args__ = (
        Index("spent_once", "day", "contact_id", unique=True),
        Index(
            "spent_in_total",
            "day",
            postgresql_where=text("contact_id = 0"),
            sqlite_where=text("contact_id = 0"),
        ),
    )

    day: str
    contact_id: int = Field(sa_type=BigId, nullable=False)
    calls: int = 0
    input_tokens: int = Field(default=0, sa_type=BigInteger)
    output_tokens: int = Field(default=0, sa_type=BigInteger)
    micros: int = Field(default=0, sa_type=BigInteger)


class Preference(SQLModel, table=True):
    """One live setting; its value is JSON {"value": …}."""

    __tablename__ = "preference"

    key: str = Field(primary_key=True)
    value: Json = json_object()
    updated_at: datetime = utc_time()
    updated_by: str = ""


class Work(Row, table=True):
    """One job, run in the order of its lane.

    `key` makes it unique: permanently if it names a provider's id, until its start if jobs
    coalesce. `begun_at` is set before a provider call and cleared when its response is known.
    """

    __tablename__ = "work"
    __table_args__ = (
        Index("work_key_once", "key", unique=True),
        Index(
            "work_waiting",
            "lane",
            "id",
            postgresql_where=text("status = 'ready'"),
            sqlite_where=text("status = 'ready'"),
        ),
        Index("work_by_status", "status", "finished_at"),
    )

    lane: str
    kind: str
    key: str | None = None
    payload: Json = sealed_json(is_job=True)
    status: str = "ready"
    due_at: datetime = utc_time()
    first_due_at: datetime = utc_time()
    attempts: int = 0
    begun_at: datetime | None = utc_time(nullable=True)
    error: str = sealed_text()
    finished_at: datetime | None = utc_time(nullable=True)


class Lane(SQLModel, table=True):
    """A lane: the key that orders jobs. `due_at` is the due time of its first job, NULL while
    empty.

    `grant` identifies the lease, `leased_by` the process. `waits_for` is the rate-limit budget that
    its first job waits for; the lowest `rank` goes first, and it counts as 0 from `turn_by` on.
    """

    __tablename__ = "lane"
    __table_args__ = (
        Index("lane_due", "family", "due_at"),
        Index("lane_waits", "waits_for"),
    )

    key: str = Field(primary_key=True)
    family: str
    due_at: datetime | None = utc_time(nullable=True)
    leased_by: str | None = None
    grant: str | None = None
    waits_for: str | None = None
    rank: int = 0
    turn_by: datetime | None = utc_time(nullable=True)


class Worker(SQLModel, table=True):
    """One process that runs lanes; its leases hold while it is alive.

    `joined_at` is None for programs older than schema 0020.
    """

    __tablename__ = "worker"

    id: str = Field(primary_key=True)
    alive_until: datetime = utc_time()
    joined_at: datetime | None = utc_time(nullable=True)


class ModelState(SQLModel, table=True):
    """State of one language model, shared by all processes.

    `failures` are consecutive since `failing_since`; `told_at` is when admins were told. `shutdown`
    is the date (ISO 8601) on which the provider shuts it down, "" if unknown; `looked_at` is the
    last lookup of it.
    """

    __tablename__ = "model_state"

    model: str = Field(primary_key=True)
    answered_at: datetime | None = utc_time(nullable=True)
    failing_since: datetime | None = utc_time(nullable=True)
    failures: int = 0
    trouble: str = ""
    detail: str = ""
    told_at: datetime | None = utc_time(nullable=True)
    shutdown: str = ""
    looked_at: datetime | None = utc_time(nullable=True)


class LackingBlock(SQLModel, table=True):
    """A type of Slack's blocks that the workspace refused, and when it last did."""

    __tablename__ = "lacking_block"

    type: str = Field(primary_key=True)
    refused_at: datetime = utc_time()


class TicketTag(Row, table=True):
    """One tag of a ticket, lowercase."""

    __tablename__ = "ticket_tag"
    __table_args__ = (
        Index("ticket_tag_once", "ticket_id", "tag", unique=True),
        Index("ticket_tag_by_tag", "tag", "ticket_id"),
    )

    ticket_id: int = reference("ticket", index=False)
    tag: str


class TicketLink(Row, table=True):
    """A ticket's id in another system; `sink` is our name of that system."""

    __tablename__ = "ticket_link"
    __table_args__ = (Index("ticket_link_once", "ticket_id", "sink", unique=True),)

    ticket_id: int = reference("ticket", index=False)
    sink: str
    external_id: str
    updated_at: datetime = utc_time()


class Canned(Row, table=True):
    """A canned reply in one language ("" for all)."""

    __tablename__ = "canned"
    __table_args__ = (Index("canned_once", "name", "language", unique=True),)

    name: str
    language: str = ""
    text: str = long_text()
    updated_at: datetime = utc_time()
    updated_by: str = ""


class ArticleDraft(Row, table=True):
    """An article that the assistant drafted from an agent's answer; at most one per escalation.

    `status` is a `DraftStatus`, `file` the article's name once it is approved. `decided_by` is the
    admin's Slack id, "" while it is open.
    """

    __tablename__ = "article_draft"
    __table_args__ = (
        Index("article_draft_once", "escalation_id", unique=True),
        Index("article_draft_by_age", "created_at"),
    )

    conversation_id: int = reference("conversation")
    escalation_id: int = reference("escalation", index=False)
    language: str = ""
    title: str = sealed_text()
    text: str = sealed_text()
    status: str
    file: str = ""
    decided_by: str = ""
    decided_at: datetime | None = utc_time(nullable=True)
    created_at: datetime = utc_time()


class SettingChange(Row, table=True):
    """One change of a live setting, with the values before and after as {"value": …}."""

    __tablename__ = "setting_change"
    __table_args__ = (Index("setting_change_by_key", "key", "id"),)

    key: str
    before: Json = json_object()
    after: Json = json_object()
    by: str
    at: datetime = utc_time()


class Attachment(Row, table=True):
    """The bytes of a stored file, until they are pruned.

    `token` is the unguessable name of its URL, which is open for a while after it was handed out
    (`offered_at`). `received_as` identifies the message and content of a customer's upload, to
    detect repetitions; "" for others.
    """

    __tablename__ = "attachment"
    __table_args__ = (
        Index("attachment_token_once", "token", unique=True),
        Index("attachment_by_age", "created_at"),
        Index("attachment_by_message", "received_as"),
    )

    token: str
    conversation_id: int = reference("conversation")
    message_id: int | None = number(index=True)
    name: str = sealed_text()
    content_type: str
    size: int
    data: bytes = sealed_bytes()
    created_at: datetime = utc_time()
    offered_at: datetime | None = utc_time(nullable=True)
    received_as: str = ""


class DeskChannel(SQLModel, table=True):
    """A Slack channel with the bot: its purpose, and why it is suspended, if it is.

    `purpose` is "queue", "urgent" (urgent cards only), "none", or "" until an admin chooses.
    """

    __tablename__ = "desk_channel"

    slack_channel: str = Field(primary_key=True)
    purpose: str = ""
    added_by: str = ""
    added_at: datetime = utc_time()
    suspended_at: datetime | None = utc_time(nullable=True)
    suspended_why: str = ""


class EarlierThread(Row, table=True):
    """Earlier location of a card that was posted again; replies there still count."""

    __tablename__ = "earlier_thread"
    __table_args__ = (Index("earlier_thread_place_once", "slack_channel", "ts", unique=True),)

    escalation_id: int = reference("escalation")
    slack_channel: str
    ts: str
    left_at: datetime = utc_time()


class Reservation(SQLModel, table=True):
    """A queued escalation reserved for an agent while the AI's last message is being sent.

    `desk_id` and `name` are that agent's, `others` the Slack ids of agents who were told. It ends
    at `until`; the agent's late claim deletes it.
    """

    __tablename__ = "reservation"

    escalation_id: int = Field(
        sa_column=Column(BigId, ForeignKey("escalation.id"), primary_key=True, autoincrement=False)
    )
    desk_id: str
    name: str = long_text()
    until: datetime = utc_time()
    others: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))


class RateLimit(SQLModel, table=True):
    """One budget of Slack's rate limits: when everything taken of it is paid for.

    `limited` counts Slack's rate-limit responses (429), `limited_at` is the last one.
    """

    __tablename__ = "pace"

    key: str = Field(primary_key=True)
    free_at: datetime = utc_time()
    limited: int = 0
    limited_at: datetime | None = utc_time(nullable=True)


class Tally(SQLModel, table=True):
    """Used amount of one limit in one period; `key` names both."""

    __tablename__ = "tally"
    __table_args__ = (Index("tally_by_end", "ends_at"),)

    key: str = Field(primary_key=True)
    used: int = Field(default=0, sa_type=BigInteger)
    ends_at: datetime = utc_time()


class MetricTotal(SQLModel, table=True):
    """A counter of `/metrics`: how many events there were, by labels (JSON list of texts).

    The row of the metric "mark" holds the id of the last counted event.
    """

    __tablename__ = "metric_total"

    metric: str = Field(primary_key=True)
    labels: str = Field(primary_key=True)
    value: int = Field(default=0, sa_type=BigInteger)


class HeldEscalation(Row, table=True):
    """An escalation held by its groups' limits; at most one per conversation.

    `refused_by` is the limiting group; `judgement` and `tried` are for its card.
    """

    __tablename__ = "held_escalation"
    __table_args__ = (
        Index("held_escalation_once", "conversation_id", unique=True),
        Index("held_escalation_by_group", "refused_by", "id"),
    )

    conversation_id: int = reference("conversation", index=False)
    message_id: int = number()
    refused_by: str
    judgement: Json = sealed_json()
    tried: str = sealed_text()
    held_at: datetime = utc_time()


class DeskPost(Row, table=True):
    """Location of a Slack message about an escalation outside its thread, by the job that posted it."""

    __tablename__ = "desk_post"
    __table_args__ = (Index("desk_post_by_escalation", "escalation_id"),)

    work_id: int = Field(sa_type=BigId, nullable=False)
    escalation_id: int | None = number()
    slack_channel: str
    ts: str
    created_at: datetime = utc_time()


class Erasure(Row, table=True):
    """One request to forget a contact, and its receipt, which contains no personal data.

    `addresses` are the contact's addresses as {"channel", "address", "recipient"} until it is
    finished, `step` is what is done next, `position` the last job that was looked at. `receipt` is
    {"rows": {table: count}, "outside": {what: {outcome: count}}, "notes": [sentence]}.
    """

    __tablename__ = "erasure"
    __table_args__ = (Index("erasure_by_contact", "contact_id"),)

    contact_id: int = Field(sa_type=BigId, nullable=False)
    requested_by: str
    requested_at: datetime = utc_time()
    finished_at: datetime | None = utc_time(nullable=True)
    step: str
    position: int = Field(default=0, sa_type=BigId, nullable=False)
    addresses: list[dict[str, str]] = Field(
        default_factory=list, sa_column=Column(JSON, nullable=False)
    )
    receipt: Json = json_object()


class ErasureItem(Row, table=True):
    """One thing to delete outside the database for an erasure. Its row lasts until that is finished.

    `what` is the kind of thing, `target` names it for its adapter. `outcome` is "" while it waits.
    """

    __tablename__ = "erasure_item"
    __table_args__ = (Index("erasure_item_once", "erasure_id", "what", "name", unique=True),)

    erasure_id: int = reference("erasure", index=False)
    what: str
    name: str
    target: Json = json_object()
    outcome: str = ""


class EventRight(SQLModel, table=True):
    """The right to blank `data` of one contact's events. Exists only within the transaction that
    uses it.
    """

    __tablename__ = "event_right"

    contact_id: int = Field(sa_column=Column(BigId, primary_key=True, autoincrement=False))


class EncryptionKey(SQLModel, table=True):
    """A key that has sealed values of this database, known by its id.

    `proof` is a text that it has sealed, so that a start with other keys is refused; "" once it is
    retired. Its row stays: only values of recorded keys count as sealed.
    """

    __tablename__ = "encryption_key"

    id: str = Field(primary_key=True)
    proof: str
    since: datetime = utc_time()


bind_to_places(SQLModel.metadata)
