"""E-mails website visitors a copy of their own conversation, to an address that they type.

Nobody has verified that address. So the visitor's own web addresses are left out: a copy must not
carry a stranger's link under our name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from handoff_bot.domain import texts
from handoff_bot.domain.desk import Post, PostKind
from handoff_bot.domain.errors import MailError, Malformed
from handoff_bot.domain.mail import Mail, is_address
from handoff_bot.domain.messages import Author
from handoff_bot.domain.text import one_line
from handoff_bot.domain.visitors import Cursor, VisitorLine
from handoff_bot.jobs import store
from handoff_bot.jobs.enqueuing import enqueue_job
from handoff_bot.jobs.handler import ProviderJob
from handoff_bot.jobs.job import Job, NewJob
from handoff_bot.ports import Clock, Mailer
from handoff_bot.services.outbox import outbox
from handoff_bot.storage import escalations as rows
from handoff_bot.storage import visitors
from handoff_bot.storage.database import Database
from handoff_bot.storage.models import Conversation
from handoff_bot.storage.transaction import Transaction

TRANSCRIPT = "transcript"
MOST = 500
"""Messages of each side in a copy: the last ones."""
NOT_SENT = "The copy of this conversation that the customer requested by email could not be sent."
_LINK = re.compile(r"(?i)\b(?:[a-z][a-z0-9+.-]{1,20}://|www\.)\S+|\b(?:[\w-]+\.)+[^\W\d_]{2,}\b\S*")
"""Also bare names such as example.com, which mail programs turn into links."""
_HIDDEN = "[…]"
_TEMPLATES = Environment(
    loader=PackageLoader("handoff_bot.services.notifications"),
    autoescape=select_autoescape(["html"]),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


class Transcripts:
    """Takes visitors' requests. Safe for any number of threads."""

    def __init__(self, database: Database, clock: Clock, *, has_mail: bool) -> None:
        self._database = database
        self._clock = clock
        self.is_on = has_mail

    def request(self, channel: str, address: str, to: str, locale: str) -> None:
        """Enqueues the e-mail with the conversation of this address; once for each new state of it.

        Raises:
            Malformed: this is no e-mail address, or nobody has answered yet.
        """
        if not is_address(to):
            raise Malformed("This is not an e-mail address.")
        with self._database.write() as tx:
            conversation_id = visitors.conversation_of(tx, channel, address)
            if conversation_id is None or not visitors.marks(tx, conversation_id)[1]:
                raise Malformed("There is no answer to send yet.")
            payload = {"conversation_id": conversation_id, "to": to, "locale": locale}
            # Not named after the address, because the rows of lanes outlive their jobs.
            lane = f"mail:chat-{conversation_id}"
            enqueue_job(tx, NewJob(TRANSCRIPT, lane, payload, due_at=self._clock.now()))


@dataclass(frozen=True)
class _Line:
    """One message of the copy; `at` in UTC."""

    who: str
    at: str
    text: str


class SendTranscript(ProviderJob[Mail, None]):
    """Sends the copy, and forgets the address with it. After a crash, it is sent again with the same
    Message-ID.
    """

    repeatable = True
    told = "the agents, in the thread"

    def __init__(self, mailer: Mailer | None, clock: Clock) -> None:
        self._mailer = mailer
        self._clock = clock

    def prepare(self, tx: Transaction, job: Job) -> Mail | None:
        """Returns the e-mail, or None without a mail server or after the customer was forgotten."""
        number = int(job.payload["conversation_id"])
        if self._mailer is None or tx.session.get(Conversation, number) is None:
            _forget_address(tx, job)
            return None
        lines = visitors.lines(tx, number, Cursor(), MOST)
        sent = f"{number}-{job.id}-{int(job.first_due_at.timestamp())}"
        return _mail(lines, str(job.payload["to"]), str(job.payload["locale"]), number, sent)

    def call(self, plan: Mail) -> None:
        if self._mailer is not None:
            self._mailer.send(plan)

    def finish(self, tx: Transaction, job: Job, plan: Mail, result: None) -> None:
        _forget_address(tx, job)

    def on_failed(self, tx: Transaction, job: Job, plan: Mail | None, error: Exception) -> None:
        """Tells the thread of an open escalation, without the address: only the visitor needs it."""
        _forget_address(tx, job)
        escalation = rows.open_of(tx, int(job.payload["conversation_id"]))
        if escalation is not None:
            why = f"{NOT_SENT} ({error.code})" if isinstance(error, MailError) else NOT_SENT
            outbox.post(tx, escalation, Post(PostKind.NOTICE, why), self._clock.now())


def _forget_address(tx: Transaction, job: Job) -> None:
    store.keep_of_payload(tx, job, "conversation_id")


def _mail(lines: Sequence[VisitorLine], to: str, locale: str, number: int, sent: str) -> Mail:
    language = locale.lower().replace("_", "-").partition("-")[0]
    language = language if texts.speaks(language, "widget") else texts.FALLBACK
    said = {
        "language": language,
        "direction": _text("direction", language),
        "subject": _text("mailSubject", language),
        "intro": _text("mailIntro", language),
        "lines": list(_shown(lines, language)),
    }
    return Mail(
        to=to,
        subject=str(said["subject"]),
        text=_TEMPLATES.get_template("transcript.txt").render(said),
        html=_TEMPLATES.get_template("transcript.html").render(said),
        id=f"chat-{sent}",
        thread=f"chat-{number}",
    )


def _shown(lines: Sequence[VisitorLine], language: str) -> Iterator[_Line]:
    for line in lines:
        text = _LINK.sub(_HIDDEN, line.text) if line.author is Author.CONTACT else line.text
        files = [f"[{one_line(file.name, 100) or _text('gone', language)}]" for file in line.files]
        at = f"{line.at:%Y-%m-%d %H:%M} UTC"
        yield _Line(_who(line, language), at, "\n".join([text, *files] if text else files))


def _who(line: VisitorLine, language: str) -> str:
    """Returns the speaker; what no human wrote is labelled as automatic."""
    if line.author is Author.CONTACT:
        return _text("you", language)
    if line.author is Author.AGENT:
        return one_line(line.name, 100) or _text("team", language)
    name = "assistant" if line.author is Author.ASSISTANT else "team"
    return f"{_text(name, language)} ({_text('automatic', language)})"


def _text(name: str, language: str) -> str:
    return texts.find("widget", name, language).fill()
