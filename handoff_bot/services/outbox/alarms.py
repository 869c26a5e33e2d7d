"""Alarms: reports failures to the assignee, the queue channel and the admins in Slack.

An alarm is itself a job that Slack may refuse. A failed alarm raises no further alarm: it is one of
several, and the health page and `handoff jobs` count every failed job.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from handoff_bot.domain.desk import Button, Post, PostKind
from handoff_bot.domain.errors import ProviderFailure
from handoff_bot.domain.escalations import Status
from handoff_bot.domain.text import short_name, shorten, spelled
from handoff_bot.jobs.job import Job
from handoff_bot.services.outbox import outbox
from handoff_bot.services.settings import preferences
from handoff_bot.storage import conversations
from handoff_bot.storage import escalations as rows
from handoff_bot.storage.models import Conversation, Escalation
from handoff_bot.storage.transaction import Transaction

QUEUE = ""
"""The recipient that stands for the queue channel."""
MOST = 2000
"""Maximum length of a quoted text in characters."""

OURS = "Something went wrong on our side."
UNLISTED = (
    "Messages that customers sent on {source} while the bot was offline cannot be fetched: "
    "{why} New messages are handled as usual. Run /handoff doctor to see what to check."
)
GIVEN_UP = (
    "A job failed and will not be retried: {kind} ({why}). Run `handoff jobs show {id}` on "
    "the server for details."
)
NOT_SHOWN = "{what} could not be posted in its thread. {why}"
WAITS = (
    "{what} cannot be posted in its thread right now. Handoff keeps retrying for several "
    "hours. {why}"
)
HELD_UP = (
    "{what} cannot be posted in its thread right now. {why} It will be posted, together "
    "with later messages, as soon as the channel accepts posts again."
)
NO_CARD = (
    "The card for this conversation could not be posted, so it has no thread. {why} The "
    "customer is waiting. Read the conversation here."
)
CARD_WAITS = (
    "The card for this conversation cannot be posted right now, so it has no thread yet. "
    "{why} Handoff keeps retrying for several hours. The customer is waiting. Read the "
    "conversation here."
)
UNDECRYPTABLE = (
    "Stored data cannot be decrypted ({places}). It is kept as it is, and shown as unreadable; nothing "
    "of it is sent. Compare ENCRYPTION_KEY_FILE with your copy of it, and run `handoff doctor`."
)
UNHANDLED = "A customer's message could not be processed, so it was not answered ({why})."
TOOLS_REFUSED = (
    "The language model's service does not accept the definition of {names}, so the AI answers "
    "without it. Change or remove it in /handoff lookups or /handoff mcp."
)
UNSENT = (
    "The AI assistant's messages are not reaching customers. {why} Other conversations "
    "from the last hour may be affected."
)


def admins(tx: Transaction) -> list[str]:
    """Returns the Slack ids of the admins named in the settings, or the queue channel if none are
    named.
    """
    return preferences.admins(tx) or [QUEUE]


def why(error: Exception) -> str:
    """Returns the error's message for the team. For a bug, returns no details, because its message
    may contain customer data.
    """
    return str(error) if isinstance(error, ProviderFailure) else OURS


def given_up(tx: Transaction, job: Job, why: str, now: datetime) -> None:
    """Tells the admins that a job failed, without its payload. At most once an hour for each kind
    and reason.
    """
    if job.payload.get("alarm"):
        return
    text = GIVEN_UP.format(kind=job.kind, why=why.rstrip("."), id=job.id)
    _tell(tx, admins(tx), Post(PostKind.TOLD, text), now, f"{job.kind}:{why}:{now:%Y%m%d%H}")


def not_shown(
    tx: Transaction,
    escalation: Escalation,
    what: str,
    text: str,
    why: str,
    now: datetime,
    key: str,
    *,
    waits: bool = False,
) -> None:
    """Reports what could not be posted in the escalation's thread; `text` is the missing message."""
    words = (WAITS if waits else NOT_SHOWN).format(what=what, why=why)
    quoted = shorten(text, MOST)
    _of(tx, escalation, f"{words}\n“{quoted}”" if quoted else words, now, key)


def held_up(
    tx: Transaction, escalation: Escalation, what: str, text: str, why: str, now: datetime, key: str
) -> None:
    """Tells the assignee what is held back until their Slack channel accepts posts again."""
    owner = rows.agent(tx, escalation.owner_id)
    if owner:
        words = f"{HELD_UP.format(what=what, why=why)}\n“{shorten(text, MOST)}”"
        post = _post(tx, escalation, words)
        _tell(tx, [owner.desk_id], post, now, key, escalation)


def no_card(
    tx: Transaction,
    escalation: Escalation,
    why: str,
    now: datetime,
    key: str,
    *,
    waits: bool = False,
) -> None:
    """Reports that an escalation has no card."""
    words = (CARD_WAITS if waits else NO_CARD).format(why=why)
    quoted = shorten(escalation.evidence or escalation.summary, MOST)
    _of(tx, escalation, f"{words}\n“{quoted}”" if quoted else words, now, key)


def unhandled(
    tx: Transaction,
    escalation: Escalation | None,
    who: str,
    text: str,
    why: str,
    now: datetime,
    key: str,
) -> None:
    """Reports a customer's message that was not handled because of a bug. `who` and `text` are
    untrusted.
    """
    words = f"{UNHANDLED.format(why=why)}\n{who}: “{shorten(text, MOST)}”"
    if escalation:
        _of(tx, escalation, words, now, key)
    else:
        _tell(tx, [QUEUE, *preferences.admins(tx)], Post(PostKind.TOLD, words), now, key)


def unsent(tx: Transaction, code: str, why: str, now: datetime) -> None:
    """Reports that the assistant's messages are not delivered. At most once an hour for each error
    code.
    """
    post = Post(PostKind.TOLD, UNSENT.format(why=why))
    _tell(tx, [QUEUE, *preferences.admins(tx)], post, now, f"unsent:{code}:{now:%Y%m%d%H}")


def tools_refused(tx: Transaction, names: Sequence[str], now: datetime) -> None:
    """Reports look-ups that the language model's service refuses. At most once an hour for the same
    names.
    """
    listed = ", ".join(sorted(names))
    words = TOOLS_REFUSED.format(names=shorten(listed, MOST))
    key = f"tools:{short_name(listed)}:{now:%Y%m%d%H}"
    _tell(tx, admins(tx), Post(PostKind.TOLD, words), now, key)


def unlisted(tx: Transaction, source: str, why: str, now: datetime) -> None:
    """Reports, once a day, that a provider refuses to list the messages missed while the bot was
    offline.
    """
    words = UNLISTED.format(source=spelled(source), why=why)
    key = f"unlisted:{source}:{now:%Y%m%d}"
    _tell(tx, admins(tx), Post(PostKind.TOLD, words), now, key)


def undecryptable(tx: Transaction, places: Sequence[str], now: datetime) -> None:
    """Reports, once a day for the same places ("message.text"), values that cannot be decrypted."""
    shown = ", ".join(places)
    post = Post(PostKind.TOLD, UNDECRYPTABLE.format(places=shorten(shown, MOST)))
    _tell(tx, admins(tx), post, now, f"undecryptable:{shown}:{now:%Y%m%d}")


def untold(tx: Transaction, job: Job, post: Post, why: str, now: datetime) -> None:
    """Reports a message to one agent or Slack channel that could not be posted."""
    if job.payload.get("alarm"):
        return
    to = str(job.payload["to"])
    called = (to,) if to else ()
    text = f"A message to the person or channel named above could not be posted. {why}\n{post.text}"
    told = Post(PostKind.TOLD, text, mentions=called)
    others = [one for one in (QUEUE, *preferences.admins(tx)) if one != to]
    about = rows.get(tx, job.payload["about"]) if job.payload.get("about") else None
    _tell(tx, others, told, now, f"untold:{job.id}", about)


def _of(tx: Transaction, escalation: Escalation, text: str, now: datetime, key: str) -> None:
    """Sends the alarm once each to the assignee, the queue channel and the admins."""
    owner = rows.agent(tx, escalation.owner_id)
    to = [QUEUE, *([owner.desk_id] if owner else []), *preferences.admins(tx)]
    _tell(tx, to, _post(tx, escalation, text), now, key, escalation)


def _post(tx: Transaction, escalation: Escalation, text: str) -> Post:
    conversation = conversations.get(tx, escalation.conversation_id)
    is_queued = escalation.status == Status.QUEUED
    return Post(
        PostKind.TOLD,
        f"{_named(tx, escalation, conversation)}\n{text}",
        value=str(escalation.id),
        buttons=(Button.CLAIM, Button.VIEW) if is_queued else (Button.VIEW,),
    )


def _named(tx: Transaction, escalation: Escalation, conversation: Conversation) -> str:
    who = conversations.contact_name(tx, conversation)
    return f"Ticket #{escalation.ticket_id}: {who} on {spelled(conversation.channel)}"


def _tell(
    tx: Transaction,
    to: Iterable[str],
    post: Post,
    now: datetime,
    key: str,
    about: Escalation | None = None,
) -> None:
    for one in dict.fromkeys(to):
        name = f"alarm:{key}:{one}"
        outbox.tell(tx, one, post, now, key=name, about=about, alarm=True)
