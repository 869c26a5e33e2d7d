"""What the desk must be told, as rows of work: cards, posts, whispers, marks, the board.

Three kinds of lanes, so that words never wait for drawings: `desk:` carries what is said in one thread, in
order; `draw:` redraws cards, marks and the board, of which only the latest state matters; `whisper:` tells
one agent something.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime

from pydantic import TypeAdapter

from handoff_bot.domain.desk import Button, Post, PostKind, Whisper
from handoff_bot.domain.messages import Author
from handoff_bot.jobs import store
from handoff_bot.jobs.enqueuing import enqueue_job
from handoff_bot.jobs.job import NewJob
from handoff_bot.storage import deliveries, escalations
from handoff_bot.storage.conversations import id_of
from handoff_bot.storage.models import Escalation, Message
from handoff_bot.storage.transaction import Transaction

CARD = "desk.card"
POST = "desk.post"
REDRAW = "desk.redraw"
BOARD = "desk.board"
MARK = "desk.mark"
WHISPER = "desk.whisper"
TELL = "desk.tell"
_POST = TypeAdapter(Post)


def post_card(tx: Transaction, escalation: Escalation, now: datetime) -> None:
    """Put a new escalation's card into the queue channel; what is said later goes below it."""
    payload = {"escalation_id": id_of(escalation)}
    enqueue_job(tx, NewJob(CARD, _thread_lane(id_of(escalation)), payload, due_at=now))
    redraw_board(tx, now)


def post_card_again(
    tx: Transaction, escalation: Escalation, now: datetime, key: str, why: str = ""
) -> None:
    """Post another card; what is said waits for it. Once for each key; `why` is said below it."""
    lane, number = card_lane(id_of(escalation)), id_of(escalation)
    payload = {"escalation_id": number}
    enqueue_job(tx, NewJob(CARD, lane, payload, due_at=now, key=key, high_priority=True))
    if why:
        said = payload | {"post": asdict(Post(PostKind.NOTICE, why))}
        enqueue_job(tx, NewJob(POST, lane, said, due_at=now, key=f"{key}:why"))


def card_lane(escalation_id: int) -> str:
    """Where a card that is posted again waits, beside what is to be said below it."""
    return f"{_thread_lane(escalation_id)}:card"


def post(
    tx: Transaction,
    escalation: Escalation,
    what: Post,
    now: datetime,
    message: Message | None = None,
    key: str | None = None,
    judged: str = "",
    inbound: Message | None = None,
) -> None:
    """Say something in an escalation's thread, after what was said there before; once for each key.

    When it shows an agent's `message`, it will carry the marks of how far that has come. `judged` says
    when the customer's mood is judged by it (`moods.when`), `inbound` which message of theirs it is.
    """
    payload = {"escalation_id": id_of(escalation), "post": _POST.dump_python(what)}
    if message:
        payload["message_id"] = id_of(message)
    if judged:
        payload["judged"] = judged
    if inbound:
        payload["inbound"] = id_of(inbound)
    # A change of state: somebody has acted, and will look for the thread.
    high_priority = what.kind is PostKind.NOTICE
    lane = _thread_lane(id_of(escalation))
    enqueue_job(tx, NewJob(POST, lane, payload, due_at=now, key=key, high_priority=high_priority))


def unposted(tx: Transaction, escalation_id: int) -> list[int]:
    """The customer's messages that no agent can have seen, because they are not in the thread yet."""
    waiting = store.waiting(tx, _thread_lane(escalation_id))
    return [int(job.payload["inbound"]) for job in waiting if "inbound" in job.payload]


def notice(tx: Transaction, escalation: Escalation, text: str, now: datetime) -> None:
    """Say in the thread what changed."""
    post(tx, escalation, Post(PostKind.NOTICE, text), now)


def resolved(tx: Transaction, escalation: Escalation, text: str, now: datetime) -> None:
    """Say in the thread that it is resolved, with a button to say that a person came too late."""
    words = Post(PostKind.NOTICE, text, button=Button.SOONER, value=str(id_of(escalation)))
    post(tx, escalation, words, now)


def redraw(tx: Transaction, escalation: Escalation, now: datetime) -> None:
    """The card and the board show something that has changed."""
    redraw_of(tx, id_of(escalation), now)


def redraw_of(tx: Transaction, escalation_id: int, now: datetime) -> None:
    """The same, by the escalation's id."""
    key = f"draw:card:{escalation_id}"
    payload = {"escalation_id": escalation_id}
    enqueue_job(tx, NewJob(REDRAW, key, payload, due_at=now, key=key, coalesce=True))
    redraw_board(tx, now)


def redraw_board(tx: Transaction, now: datetime) -> None:
    """The queue has changed."""
    enqueue_job(tx, NewJob(BOARD, "draw:board", {}, due_at=now, key="draw:board", coalesce=True))


def whisper(tx: Transaction, what: Whisper, now: datetime) -> None:
    """Tell one agent something in a thread."""
    lane = f"whisper:{what.place.slack_channel}:{what.place.ts}"
    enqueue_job(tx, NewJob(WHISPER, lane, asdict(what), due_at=now))


def tell(
    tx: Transaction,
    to: str,
    what: Post,
    now: datetime,
    key: str | None = None,
    about: Escalation | None = None,
    *,
    alarm: bool = False,
) -> None:
    """Say something to a person (by their desk id) or in a slack_channel ("": the queue); once for each key.

    `about` links to that escalation's thread. Nobody is told when an `alarm` cannot be said.
    """
    payload: dict[str, object] = {
        "to": to,
        "post": asdict(what),
        "about": id_of(about) if about else None,
    }
    if alarm:
        payload["alarm"] = True
    enqueue_job(tx, NewJob(TELL, f"tell:{to}", payload, due_at=now, key=key))


def delivery_moved(tx: Transaction, message: Message, now: datetime) -> None:
    """Show on an agent's reply how far it has come; the assistant's messages carry no marks."""
    if message.author != Author.AGENT or not message.desk_ts:
        return
    key = f"draw:mark:{id_of(message)}"
    payload = {"message_id": id_of(message)}
    enqueue_job(tx, NewJob(MARK, key, payload, due_at=now, key=key, coalesce=True))


def delivery_failed(
    tx: Transaction, message: Message, words: str, now: datetime, *, use_template: bool = False
) -> bool:
    """Say in the thread that a message did not reach the customer, with Retry; or with a template.

    False when there is no thread to say it in.
    """
    delivery_moved(tx, message, now)
    escalation = (
        escalations.get(tx, message.escalation_id)
        if message.escalation_id
        else escalations.open_of(tx, message.conversation_id)
    )
    if escalation is None:
        return False
    failure = Post(
        PostKind.FAILURE,
        f"{words}\n“{_shortened(message.text or _files(message))}”",
        button=Button.RETRY,
        value=str(id_of(message)),
        buttons=(Button.USE_TEMPLATE,) if use_template else (),
    )
    # Parts that fail one after the other are one failure; after a Retry there are others.
    first = deliveries.first_failed(tx, id_of(message))
    post(tx, escalation, failure, now, key=f"failed:{id_of(message)}:{first}")
    return True


def _files(message: Message) -> str:
    return ", ".join(one.get("name", "") for one in message.media)


def _shortened(text: str, limit: int = 200) -> str:
    return text if len(text) <= limit else f"{text[:limit]}…"


def _thread_lane(escalation_id: int) -> str:
    return f"desk:{escalation_id}"
