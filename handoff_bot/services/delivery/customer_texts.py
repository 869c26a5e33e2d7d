"""Customer texts: the admins' versions if set, otherwise the defaults; with an estimated wait."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from handoff_bot.domain import detection
from handoff_bot.domain.escalations import Status
from handoff_bot.domain.messages import Author
from handoff_bot.domain.signals import Signal
from handoff_bot.domain.texts import (
    SHORTEST_WAIT,
    SILENCEABLE,
    LocalizedText,
    Moment,
    default,
    fill,
    names_in,
    problem,
    speaks,
    written,
)
from handoff_bot.services.delivery import reachability, sending
from handoff_bot.services.delivery.sending import Channels, OutboundDraft
from handoff_bot.services.settings import hours
from handoff_bot.services.settings.preferences import Preferences, may_save
from handoff_bot.storage import escalations as rows
from handoff_bot.storage import log, visitors
from handoff_bot.storage.database import Database
from handoff_bot.storage.models import Conversation, Escalation
from handoff_bot.storage.transaction import Transaction

# -- the time in queue, estimated from recent waits

CONSIDERED = 20
WITHIN = timedelta(days=7)


def wait_minutes(tx: Transaction, now: datetime, ahead: int) -> int:
    """Returns the estimate in business minutes for a customer with `ahead` others before them."""
    team = hours.of_the_team(tx)
    recent = rows.recent_waits(tx, now - WITHIN, CONSIDERED)
    return detection.wait_minutes([team.between(since, until) for since, until in recent], ahead)


def minutes_left(tx: Transaction, now: datetime, ahead: int, since: datetime) -> int:
    """Returns what is left of the estimate for a wait since then, at least the shortest that texts name."""
    waited = (now - since).total_seconds() // 60
    return max(SHORTEST_WAIT, wait_minutes(tx, now, ahead) - int(waited))


# -- the texts

PREFIX = "text."
ANY = "any"
SILENT = "texts.silent"
"""Setting with the moments at which nothing is sent."""

_OF_THE_QUEUE = frozenset({"position", "wait_minutes"})

EXAMPLE: dict[str, str | int] = {"agent": "Ana", "wait_minutes": 5, "position": 2, "ticket": 1042}
"""Values for previews."""


@dataclass(frozen=True)
class Text:
    """One editable text: for a moment, a language and a reason (None for all)."""

    moment: Moment
    language: str
    reason: Signal | None = None

    @property
    def key(self) -> str:
        """Returns its settings key."""
        return f"{PREFIX}{self.moment}.{self.language}.{self.reason or ANY}"


def say(
    tx: Transaction,
    moment: Moment,
    conversation: Conversation,
    now: datetime,
    escalation: Escalation | None = None,
    *,
    agent: str = "",
    wait_minutes: int | None = None,
) -> str:
    """Returns the text for a moment of a conversation; "" if it is switched off.

    Args:
        wait_minutes: replaces the estimate for a wait that begins now.
    """
    if moment in silent_moments(tx):
        return ""
    reason = Signal(escalation.reason) if escalation else None
    words = _effective(tx, Text(moment, conversation.language or "en", reason))
    values = _values(tx, words.template, escalation, now) if escalation else {}
    if wait_minutes is not None:
        values["wait_minutes"] = wait_minutes
    return fill(words, agent=agent, **values)


def silent_moments(tx: Transaction) -> frozenset[Moment]:
    """Returns the moments at which nothing is sent."""
    stored = log.preference(tx, SILENT, [])
    return frozenset(one for one in SILENCEABLE if isinstance(stored, list) and one in stored)


def template(tx: Transaction, text: Text) -> str:
    """Returns the effective template, without its plural forms."""
    return _effective(tx, text).template


def _effective(tx: Transaction, text: Text) -> LocalizedText:
    """Returns the effective text: by reason, else for all; by language, else in English."""
    stored = log.preferences(tx, f"{PREFIX}{text.moment}.")
    for language in dict.fromkeys((text.language, "en")):
        for reason in dict.fromkeys((text.reason, None)):
            own = stored.get(f"{language}.{reason or ANY}")
            if isinstance(own, str) and not problem(text.moment, own):
                return written(text.moment, language, own)
        if speaks(language):
            break
    return default(text.moment, text.language)


def _values(
    tx: Transaction, template: str, escalation: Escalation, now: datetime
) -> dict[str, str | int]:
    """Returns the placeholders' values. The queue is only read if the template uses it."""
    values: dict[str, str | int] = {"ticket": escalation.ticket_id or ""}
    if names_in(template) & _OF_THE_QUEUE:
        ahead = visitors.ahead(tx, escalation) if escalation.status == Status.QUEUED else 0
        values |= {
            "position": ahead + 1,
            "wait_minutes": wait_minutes(tx, now, ahead),
        }
    return values


def preview(text: Text, words: str) -> str:
    """Renders a template with example values."""
    return fill(written(text.moment, text.language, words), **EXAMPLE)


CHANGED_MEANWHILE = "Another admin changed this in the meantime. Go back and check it again."


@dataclass(frozen=True)
class Wording:
    """What is said now.

    Attributes:
        template: the text that counts, wherever it comes from.
        is_own: True when an admin wrote it for exactly this moment, language and reason.
        is_silent: True when nothing is said at that moment.
        seen: the newest change of it.
    """

    template: str
    is_own: bool
    is_silent: bool
    seen: int = 0


class CustomerTexts:
    """The texts, to be read and changed."""

    def __init__(self, database: Database, preferences: Preferences) -> None:
        self._database = database
        self._preferences = preferences

    def of(self, text: Text) -> Wording:
        """What is said now."""
        with self._database.read() as tx:
            return Wording(
                template=template(tx, text),
                is_own=log.preference(tx, text.key, None) is not None,
                is_silent=text.moment in silent_moments(tx),
                seen=log.newest_change_of(tx, _keys(text)),
            )

    def save(
        self, text: Text, words: str, by: str, *, silent: bool = False, seen: int | None = None
    ) -> str:
        """Say this from now on, or nothing at that moment; why not, when that cannot be.

        `seen` is the newest change that is known; when there is a newer one, nothing is saved.
        """
        wrong = problem(text.moment, words)
        if wrong:
            return wrong
        with self._database.write() as tx:
            if not may_save(tx, _keys(text), seen):
                return CHANGED_MEANWHILE
            own = log.preference(tx, text.key, None)
            if own is not None or words != template(tx, text):
                self._preferences.change_in(tx, text.key, words, by)
            self._silence(tx, text.moment, by, silent=silent)
        return ""

    def _silence(self, tx: Transaction, moment: Moment, by: str, *, silent: bool) -> None:
        before = silent_moments(tx)
        if moment not in SILENCEABLE or (moment in before) is silent:
            return
        after = before | {moment} if silent else before - {moment}
        self._preferences.change_in(tx, SILENT, sorted(one.value for one in after), by)

    def reset(self, text: Text, by: str, seen: int | None = None) -> bool:
        """The text that stood behind it again: for all reasons, or the product's own. `seen` as above."""
        return self._preferences.change_several({text.key: None}, by, seen)


def _keys(text: Text) -> set[str]:
    return {text.key, SILENT}


def send(
    tx: Transaction,
    conversation: Conversation,
    now: datetime,
    *,
    moment: Moment,
    channels: Channels,
) -> None:
    """Sends a text that needs no escalation, if the customer may be written to."""
    if reachability.refuses(conversation, now) or reachability.is_closed(conversation, now):
        return
    if text := say(tx, moment, conversation, now):
        sending.say(tx, conversation, OutboundDraft(text, Author.SYSTEM), channels, now)


@dataclass(frozen=True)
class About:
    """The conversation that a message is about, and the dependencies to send it."""

    tx: Transaction
    conversation: Conversation
    escalation: Escalation
    channels: Channels
    now: datetime


def tell(
    about: About,
    moment: Moment,
    agent: str = "",
    *,
    epoch_bound: bool = False,
    and_then: str = "",
    instead: str = "",
    choices: tuple[str, ...] = (),
) -> bool:
    """Sends the text of this moment. Returns False if nothing was sent.

    Nothing is sent after an opt-out or while the channel's messaging window is closed.

    Args:
        agent: the agent's name for the text.
        epoch_bound: sent only while the epoch has not changed.
        and_then: appended to the text.
        instead: replaces the text.
        choices: replies that the website chat offers as buttons.
    """
    tx, conversation, escalation = about.tx, about.conversation, about.escalation
    if reachability.refuses(conversation, about.now) or reachability.is_closed(
        conversation, about.now
    ):
        return False
    text = instead or say(tx, moment, conversation, about.now, escalation, agent=agent)
    text = "\n\n".join(filter(None, (text, and_then)))
    if text:
        words = OutboundDraft(
            text,
            Author.SYSTEM,
            epoch_bound=epoch_bound,
            escalation_id=escalation.id,
            choices=choices,
        )
        sending.say(tx, conversation, words, about.channels, about.now)
    return bool(text)
