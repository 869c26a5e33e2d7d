"""What was given up reaches people: the assignee, the queue channel and the admins, in Slack.

An alarm is itself a job that Slack may refuse. It is not told of again: it is one of several, and all that
was given up is counted on the health page and listed by `handoff jobs`.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from handoff_bot.domain.desk import Button, Post, PostKind
from handoff_bot.domain.errors import ProviderFailure
from handoff_bot.domain.escalations import Status
from handoff_bot.domain.words import shorten, spelled
from handoff_bot.jobs.job import Job
from handoff_bot.services import deskwork, preferences
from handoff_bot.storage import conversations
from handoff_bot.storage import escalations as rows
from handoff_bot.storage.conversations import id_of
from handoff_bot.storage.models import Conversation, Escalation
from handoff_bot.storage.transaction import Transaction

QUEUE = ""
"""As the recipient of a job: the queue channel."""
MOST = 2000
"""Characters of a text that is told of."""

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
UNHANDLED = "A customer's message could not be processed, so it was not answered ({why})."
UNSENT = (
    "The AI assistant's messages are not reaching customers. {why} Other conversations "
    "from the last hour may be affected."
)


def admins(tx: Transaction) -> list[str]:
    """Who is told what admins must know: those named in the settings; without any, the queue channel."""
    return preferences.admins(tx) or [QUEUE]


def why(error: Exception) -> str:
    """An error in words for the team; of a bug nothing, for its own words may hold anything."""
    return str(error) if isinstance(error, ProviderFailure) else OURS


def given_up(tx: Transaction, job: Job, why: str, now: datetime) -> None:
    """Tell the admins of a job, without what it holds: once an hour for each kind and reason."""
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
    """Tell what the thread of an escalation does not show; `text` is what it would have said."""
    words = (WAITS if waits else NOT_SHOWN).format(what=what, why=why)
    quoted = shorten(text, MOST)
    _of(tx, escalation, f"{words}\n“{quoted}”" if quoted else words, now, key)


def held_up(
    tx: Transaction, escalation: Escalation, what: str, text: str, why: str, now: datetime, key: str
) -> None:
    """Tell the assignee, who alone cannot see it elsewhere, what waits until their Slack channel is open."""
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
    """Tell of an escalation that no card shows."""
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
    """Tell of a customer's message that a bug has kept from being handled; `who` and `text` are hostile."""
    words = f"{UNHANDLED.format(why=why)}\n{who}: “{shorten(text, MOST)}”"
    if escalation:
        _of(tx, escalation, words, now, key)
    else:
        _tell(tx, [QUEUE, *preferences.admins(tx)], Post(PostKind.TOLD, words), now, key)


def unsent(tx: Transaction, code: str, why: str, now: datetime) -> None:
    """Tell that what the assistant says does not arrive, outside of any escalation: once an hour and code."""
    post = Post(PostKind.TOLD, UNSENT.format(why=why))
    _tell(tx, [QUEUE, *preferences.admins(tx)], post, now, f"unsent:{code}:{now:%Y%m%d%H}")


def unlisted(tx: Transaction, source: str, why: str, now: datetime) -> None:
    """Tell, once a day, that a provider refuses to list what customers wrote while we were away."""
    words = UNLISTED.format(source=spelled(source), why=why)
    key = f"unlisted:{source}:{now:%Y%m%d}"
    _tell(tx, admins(tx), Post(PostKind.TOLD, words), now, key)


def untold(tx: Transaction, job: Job, post: Post, why: str, now: datetime) -> None:
    """Tell others what one person or Slack channel could not be told."""
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
    """Tell the assignee, the queue channel and the admins of one escalation, each once."""
    owner = rows.agent(tx, escalation.owner_id)
    to = [QUEUE, *([owner.desk_id] if owner else []), *preferences.admins(tx)]
    _tell(tx, to, _post(tx, escalation, text), now, key, escalation)


def _post(tx: Transaction, escalation: Escalation, text: str) -> Post:
    conversation = conversations.get(tx, escalation.conversation_id)
    is_queued = escalation.status == Status.QUEUED
    return Post(
        PostKind.TOLD,
        f"{_named(tx, escalation, conversation)}\n{text}",
        value=str(id_of(escalation)),
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
        deskwork.tell(tx, one, post, now, key=name, about=about, alarm=True)
