"""E-mails website visitors a copy of their own conversation, to an address that they type.

That address is not verified. So the visitor's own web addresses are left out: a copy must not
carry a stranger's link under our name.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from handoff_bot.domain import texts
from handoff_bot.domain.customers import Cursor, VisitorLine
from handoff_bot.domain.desk import Post, PostKind
from handoff_bot.domain.errors import MailError, Malformed
from handoff_bot.domain.mail import Mail, is_address
from handoff_bot.domain.messages import Author
from handoff_bot.domain.text import one_line
from handoff_bot.jobs import store
from handoff_bot.jobs.handler import ProviderJob
from handoff_bot.jobs.job import Job, NewJob, enqueue_job
from handoff_bot.ports import Clock, Mailer
from handoff_bot.services.notifications.notifications import TEMPLATES
from handoff_bot.services.outbox import outbox
from handoff_bot.storage import escalations as rows
from handoff_bot.storage import visitors
from handoff_bot.storage.database import Database
from handoff_bot.storage.models import Conversation
from handoff_bot.storage.transaction import Transaction

TRANSCRIPT = "transcript"
TellVisitor = Callable[[Transaction, Conversation, datetime], None]
"""Writes in the chat that the copy could not be sent."""
MOST = 500
"""Messages of each side in a copy: the last ones."""
MOST_CHARACTERS = 100_000
"""In a copy, likewise the last ones: whole messages, except that the newest one is cut."""
NOT_SENT = "The copy of this conversation that the customer requested by e-mail could not be sent."
_LINK = re.compile(
    r"(?i)[a-z][a-z0-9+.-]{0,20}://\S+"
    r"|\bwww\.\S+"
    r"|(?<![\w-])(?:[\w-]{1,63}\.){1,10}[^\W\d_]{2,}\b\S*"
)
"""Also bare names such as example.com, which mail programs turn into links. The bounds, which are
those of DNS names or above, keep the time linear.
"""
_HIDDEN = "[…]"
_WORD = re.compile(r"\S+")
_WIDE_STOP = re.compile("[\u3002\uff0e\uff61]")
_STOP_IN_NAME = re.compile(r"\u3002(?=[A-Za-z]{2,63}\b)")
"""Before a top-level domain in ASCII; elsewhere it ends a sentence, which no space follows."""
_UNSEEN = ("Cf", "Mn", "Mc")
"""Unicode categories of what does not separate the letters of a name: soft hyphens, accents."""


class Transcripts:
    """Takes visitors' requests. Safe for any number of threads."""

    def __init__(self, database: Database, clock: Clock, *, has_mail: bool) -> None:
        self._database = database
        self._clock = clock
        self.is_on = has_mail

    def request(self, channel: str, address: str, to: str, locale: str) -> None:
        """Enqueues the e-mail with the conversation of this address; once for each new state of it.

        Raises:
            Malformed: this is no e-mail address, or the conversation has no answer yet.
        """
        if not is_address(to):
            raise Malformed("This is not an e-mail address.")
        with self._database.write() as tx:
            conversation_id = visitors.conversation_of(tx, channel, address)
            state = (0, 0) if conversation_id is None else visitors.marks(tx, conversation_id)
            if not state[1]:
                raise Malformed("There is no answer to send yet.")
            payload = {"conversation_id": conversation_id, "to": to, "locale": locale}
            # Not named after the address, because the rows of lanes outlive their jobs.
            lane = f"mail:chat-{conversation_id}"
            # The recipient cannot be guessed from the hash once the visitor's address is erased.
            named = "\n".join((address, to.lower(), *map(str, state)))
            key = f"{TRANSCRIPT}:{conversation_id}:{hashlib.sha256(named.encode()).hexdigest()}"
            enqueue_job(tx, NewJob(TRANSCRIPT, lane, payload, self._clock.now(), key=key))


@dataclass(frozen=True)
class _Line:
    """One message of the copy; `at` in UTC."""

    who: str
    at: str
    text: str


@dataclass(frozen=True)
class _Copy:
    """What the e-mail is rendered from; `id` and `thread` as in `Mail`."""

    lines: Sequence[VisitorLine]
    to: str
    locale: str
    id: str
    thread: str


class SendTranscript(ProviderJob[_Copy, None]):
    """Sends the copy, and forgets the address with it. After a crash, it is sent again with the same
    Message-ID.
    """

    repeatable = True
    told = "the visitor in the chat, the agents in the thread"

    def __init__(self, mailer: Mailer | None, clock: Clock, tell_visitor: TellVisitor) -> None:
        self._mailer = mailer
        self._clock = clock
        self._tell_visitor = tell_visitor

    def prepare(self, tx: Transaction, job: Job) -> _Copy | None:
        """Returns None without a mail server or after the customer was forgotten.

        Only loads the messages: others wait for this transaction.
        """
        number = int(job.payload["conversation_id"])
        if self._mailer is None or tx.session.get(Conversation, number) is None:
            _forget_address(tx, job)
            return None
        return _Copy(
            lines=visitors.lines(tx, number, Cursor(), MOST),
            to=str(job.payload["to"]),
            locale=str(job.payload["locale"]),
            id=f"chat-{number}-{job.id}-{int(job.first_due_at.timestamp())}",
            thread=f"chat-{number}",
        )

    def call(self, plan: _Copy) -> None:
        if self._mailer is not None:
            self._mailer.send(_mail(plan))

    def finish(self, tx: Transaction, job: Job, plan: _Copy, result: None) -> None:
        _forget_address(tx, job)

    def on_failed(self, tx: Transaction, job: Job, plan: _Copy | None, error: Exception) -> None:
        """Tells the visitor, and the thread of an open escalation, without the address.

        The visitor may request the same copy again.
        """
        _forget_address(tx, job)
        store.forget_key(tx, job)
        number, now = int(job.payload["conversation_id"]), self._clock.now()
        conversation = tx.session.get(Conversation, number)
        if conversation is not None:
            self._tell_visitor(tx, conversation, now)
        escalation = rows.open_of(tx, number)
        if escalation is not None:
            why = f"{NOT_SENT} ({error.code})" if isinstance(error, MailError) else NOT_SENT
            outbox.post(tx, escalation, Post(PostKind.NOTICE, why), now)


def _forget_address(tx: Transaction, job: Job) -> None:
    store.keep_of_payload(tx, job, "conversation_id")


def _mail(copy: _Copy) -> Mail:
    language = copy.locale.lower().replace("_", "-").partition("-")[0]
    language = language if texts.speaks(language, "widget") else texts.FALLBACK
    said = {
        "language": language,
        "direction": _text("direction", language),
        "subject": _text("mailSubject", language),
        "intro": _text("mailIntro", language),
        "lines": list(_shown(_last(copy.lines), language)),
    }
    return Mail(
        to=copy.to,
        subject=str(said["subject"]),
        text=TEMPLATES.get_template("transcript.txt").render(said),
        html=TEMPLATES.get_template("transcript.html").render(said),
        id=copy.id,
        thread=copy.thread,
    )


def _last(lines: Sequence[VisitorLine]) -> Sequence[VisitorLine]:
    """Returns the last lines, with `MOST_CHARACTERS` at most."""
    taken: list[VisitorLine] = []
    left = MOST_CHARACTERS
    for line in reversed(lines):
        if len(line.text) > left and taken:
            break
        taken.append(replace(line, text=line.text[:left]))
        left -= len(line.text)
    return taken[::-1]


def _shown(lines: Sequence[VisitorLine], language: str) -> Iterator[_Line]:
    for line in lines:
        theirs = line.author is Author.CONTACT
        names = [_file_name(file.name, theirs) or _text("gone", language) for file in line.files]
        files = [f"[{name}]" for name in names]
        text = _without_links(line.text) if theirs else line.text
        at = f"{line.at:%Y-%m-%d %H:%M} UTC"
        yield _Line(_who(line, language), at, "\n".join([text, *files] if text else files))


def _file_name(name: str, theirs: bool) -> str:
    """Returns the name in a copy; its extension is ours and stays."""
    stem, dot, ending = one_line(name, 100).rpartition(".")
    return f"{_without_links(stem) if theirs else stem}{dot}{ending}"


def _without_links(text: str) -> str:
    """Returns the text with its web addresses hidden. Words without one stay as they are."""
    return _WORD.sub(lambda found: _word_without_links(found[0]), text)


def _word_without_links(word: str) -> str:
    plain = word if word.isascii() else _plainly(word)
    return _LINK.sub(_HIDDEN, plain) if _LINK.search(plain) else word


def _plainly(word: str) -> str:
    """Returns the word as a browser reads the name of a host: https://www.unicode.org/reports/tr46/."""
    plain = unicodedata.normalize("NFKC", _WIDE_STOP.sub("\u3002", word))
    seen = "".join(char for char in plain if unicodedata.category(char) not in _UNSEEN)
    return _STOP_IN_NAME.sub(".", seen)


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
