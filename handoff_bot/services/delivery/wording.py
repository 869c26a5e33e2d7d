"""Customer texts as admins change them: what is said now, what may be said instead, and silence."""

from __future__ import annotations

from dataclasses import dataclass

from handoff_bot.domain.texts import SILENCEABLE, Moment, problem
from handoff_bot.services.delivery import customer_texts
from handoff_bot.services.delivery.customer_texts import SILENT, Text
from handoff_bot.services.settings.preferences import Preferences, may_save
from handoff_bot.storage import changes, log
from handoff_bot.storage.database import Database
from handoff_bot.storage.transaction import Transaction

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
                template=customer_texts.template(tx, text),
                is_own=log.preference(tx, text.key, None) is not None,
                is_silent=text.moment in customer_texts.silent_moments(tx),
                seen=changes.newest_of(tx, _keys(text)),
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
            if own is not None or words != customer_texts.template(tx, text):
                self._preferences.change_in(tx, text.key, words, by)
            self._silence(tx, text.moment, by, silent=silent)
        return ""

    def _silence(self, tx: Transaction, moment: Moment, by: str, *, silent: bool) -> None:
        before = customer_texts.silent_moments(tx)
        if moment not in SILENCEABLE or (moment in before) is silent:
            return
        after = before | {moment} if silent else before - {moment}
        self._preferences.change_in(tx, SILENT, sorted(one.value for one in after), by)

    def reset(self, text: Text, by: str, seen: int | None = None) -> bool:
        """The text that stood behind it again: for all reasons, or the product's own. `seen` as above."""
        return self._preferences.change_several({text.key: None}, by, seen)


def _keys(text: Text) -> set[str]:
    return {text.key, SILENT}
