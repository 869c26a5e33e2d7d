"""Canned replies: admins maintain them, agents search for them, placeholders are filled per
conversation.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import StrEnum

from handoff_bot.domain import replies as reply_rules
from handoff_bot.domain import texts
from handoff_bot.domain.desk import AgentRef
from handoff_bot.domain.events import EventKind
from handoff_bot.domain.messages import Author
from handoff_bot.domain.replies import PAGE_ROWS, CannedPage, CannedReply
from handoff_bot.domain.text import clean
from handoff_bot.ports import Clock
from handoff_bot.storage import canned as rows
from handoff_bot.storage import conversations, log
from handoff_bot.storage.database import Database
from handoff_bot.storage.models import Canned, Escalation
from handoff_bot.storage.transaction import Transaction

PREFIX = "canned."
ANY = "any"

TAKEN = "A reply with this name and language already exists."
CHANGED_MEANWHILE = "Another admin changed this reply in the meantime. Go back and check it again."
GONE = "This reply has been deleted."
ENOUGH = f"Limit of {rows.MOST:,} replies reached. Delete one first."


class Part(StrEnum):
    """The field that a problem refers to."""

    NAME = "name"
    LANGUAGE = "language"
    TEXT = "text"


Problem = tuple[Part, str]


def find(tx: Transaction, query: str, language: str = "") -> list[CannedReply]:
    """Returns matching replies, best match first. With a language, only replies in it or for all
    languages.
    """
    return reply_rules.fitting(map(_value, rows.every(tx)), query, language)


def rendered(tx: Transaction, called: str, escalation: Escalation, agent: str) -> str | None:
    """Returns the reply with its placeholders filled, or None if no reply has this name."""
    conversation = conversations.get(tx, escalation.conversation_id)
    found = map(_value, rows.called(tx, reply_rules.tidy_name(called)))
    reply = reply_rules.best(found, conversation.language)
    if reply is None or reply_rules.text_problem(reply.text):
        return None
    name = clean(conversations.own_name(tx, conversation))
    text = reply.text if name else reply_rules.without_customer(reply.text)
    return texts.fill_template(
        text,
        customer=name,
        agent=agent,
        ticket=escalation.ticket_id or "",
    )


MOST_NAMES = 100


class CannedReplies:
    """Admin operations on canned replies."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def page(self, query: str, language: str = "", number: int = 0) -> CannedPage:
        """Returns one page of matching replies; a page past the end returns the last page."""
        with self._database.read() as tx:
            found = find(tx, query, language)
        pages = max(1, -(-len(found) // PAGE_ROWS))
        number = max(0, min(number, pages - 1))
        shown = found[number * PAGE_ROWS : (number + 1) * PAGE_ROWS]
        return CannedPage(tuple(shown), number, pages, len(found))

    def say(self, name: str, escalation_id: int, agent: AgentRef) -> str | None:
        """Returns the reply with its placeholders filled, or None if no reply has this name."""
        with self._database.read() as tx:
            escalation = tx.session.get(Escalation, escalation_id)
            return rendered(tx, name, escalation, agent.name) if escalation else None

    def names_for(self, escalation_id: int) -> tuple[str, ...]:
        """Returns names of replies for a customer, as many as one menu has room for; those that
        their last message names come first.
        """
        with self._database.read() as tx:
            escalation = tx.session.get(Escalation, escalation_id)
            if escalation is None:
                return ()
            conversation = conversations.get(tx, escalation.conversation_id)
            last = conversations.newest_of(tx, conversation.id, Author.CONTACT)
            found = find(tx, "", conversation.language)
        said = last.text.casefold() if last else ""
        ranked = sorted(found, key=lambda reply: reply.name.casefold() not in said)
        return tuple(dict.fromkeys(reply.name for reply in ranked))[:MOST_NAMES]

    def get(self, canned_id: int) -> CannedReply | None:
        with self._database.read() as tx:
            row = tx.session.get(Canned, canned_id)
            return _value(row) if row else None

    def seen(self, reply: CannedReply) -> int:
        """Returns the number of the reply's newest change."""
        with self._database.read() as tx:
            return log.newest_change_of(tx, {_key(reply)})

    def save(self, reply: CannedReply, by: str, seen: int | None = None) -> Problem | None:
        """Saves a new or changed reply. Returns the problem, or None when saved.

        `seen` is the newest change that the admin has seen. If a newer one exists, nothing is
        saved.
        """
        wrong = problem(reply)
        if wrong:
            return wrong
        with self._database.write() as tx:
            row = tx.lock(Canned, reply.id) if reply.id else None
            if reply.id and row is None:
                return Part.TEXT, GONE
            if row and seen is not None and log.newest_change_of(tx, {_key(_value(row))}) > seen:
                return Part.TEXT, CHANGED_MEANWHILE
            if row is None and rows.count(tx) >= rows.MOST:
                return Part.NAME, ENOUGH
            kept = self._keep(tx, row, reply, by)
        return None if kept else (Part.NAME, TAKEN)

    def _keep(self, tx: Transaction, row: Canned | None, reply: CannedReply, by: str) -> bool:
        now = self._clock.now()
        before = _value(row) if row else None
        row = row or Canned(name=reply.name)
        asked = {"name": reply.name, "language": reply.language, "text": reply.text}
        if not rows.keep(tx, row, **asked, updated_at=now, updated_by=by):
            return False
        same = before is not None and _key(before) == _key(reply)
        if before and not same:
            log.remember_change(tx, _key(before), before.text, None, by, now)
        earlier = before.text if before and same else None
        if earlier != reply.text:
            log.remember_change(tx, _key(reply), earlier, reply.text, by, now)
        log.record(tx, EventKind.CANNED_CHANGED, now, canned_id=row.id, by=by)
        return True

    def every(self) -> list[CannedReply]:
        """Returns all replies by name and language."""
        with self._database.read() as tx:
            return [_value(row) for row in rows.every(tx)]

    def take_in(self, replies: Sequence[CannedReply], by: str) -> list[str]:
        """Imports replies; those with an existing name and language are replaced.

        Returns an error message for each wrong line. If there are any, nothing is imported.
        """
        wrong = list(_problems(replies))
        if wrong:
            return wrong
        with self._database.write() as tx:
            known = {(row.name, row.language): row for row in rows.every(tx)}
            if len(known.keys() | {(one.name, one.language) for one in replies}) > rows.MOST:
                return [f"The limit is {rows.MOST:,} replies."]
            for reply in replies:
                row = known.get((reply.name, reply.language))
                if row is None or row.text != reply.text:
                    self._keep(tx, row, reply, by)
        return []

    def delete(self, canned_id: int, by: str) -> bool:
        """Deletes a reply; False if it was already gone."""
        with self._database.write() as tx:
            row = tx.lock(Canned, canned_id)
            if row is None:
                return False
            reply, now = _value(row), self._clock.now()
            tx.session.delete(row)
            log.remember_change(tx, _key(reply), reply.text, None, by, now)
            log.record(tx, EventKind.CANNED_CHANGED, now, canned_id=reply.id, by=by)
            return True


def problem(reply: CannedReply) -> Problem | None:
    """Returns the first problem with the reply's fields, or None."""
    if words := reply_rules.name_problem(reply.name):
        return Part.NAME, words
    if words := reply_rules.language_problem(reply.language):
        return Part.LANGUAGE, words
    if words := reply_rules.text_problem(reply.text):
        return Part.TEXT, words
    return None


def _problems(replies: Sequence[CannedReply]) -> Iterator[str]:
    seen: set[tuple[str, str]] = set()
    for number, reply in enumerate(replies, 1):
        wrong = problem(reply)
        if wrong:
            yield f"Reply {number}, {wrong[0]}: {wrong[1]}"
        elif (reply.name, reply.language) in seen:
            yield f"Reply {number}: {reply.name} appears twice in this language."
        seen.add((reply.name, reply.language))


def _key(reply: CannedReply) -> str:
    return f"{PREFIX}{reply.name}.{reply.language or ANY}"


def _value(row: Canned) -> CannedReply:
    return CannedReply(row.name, row.language, row.text, row.id)
