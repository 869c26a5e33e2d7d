"""What Slack's side asks of the core, in as few methods as it needs; the services implement it."""

from __future__ import annotations

from typing import Protocol

from handoff_bot.domain.desk import AgentRef, Place, ThreadReply, TranscriptPage
from handoff_bot.domain.escalations import Step
from handoff_bot.services.outcome import Outcome


class DeskActions(Protocol):
    """What agents do with buttons. Every method is one fast transaction, safe to repeat."""

    def take(self, step: Step, escalation_id: int, agent: AgentRef) -> Outcome:
        """Take one step with an escalation."""

    def transcript(self, escalation_id: int, page: int) -> TranscriptPage | None:
        """One page of a conversation, None when it is not known; pages count from 0."""

    def send_held(self, note_id: int, agent: AgentRef) -> Outcome:
        """Take the escalation over and send the customer a reply that was kept back."""

    def keep_as_note(self, note_id: int, agent: AgentRef) -> Outcome:
        """Leave a reply that was kept back inside."""

    def retry(self, message_id: int, agent: AgentRef) -> Outcome:
        """Send a failed message again."""

    def send_correction(self, correction_id: int, agent: AgentRef) -> Outcome:
        """Send what a delivered reply was changed to."""

    def translate_again(self, note_id: int, agent: AgentRef) -> Outcome:
        """Try once more to translate a reply, and send it."""

    def send_as_written(self, note_id: int, agent: AgentRef) -> Outcome:
        """Send a reply that could not be translated as it was written."""

    def may_be_slow(self) -> bool:
        """May sending a reply have to wait for a model that translates it?"""

    def came_late(self, escalation_id: int, agent: AgentRef) -> Outcome:
        """Remember that a person should have been asked for sooner."""


class ThreadEvents(Protocol):
    """What agents do in threads. Called from a lane; hearing of the same thing again changes nothing."""

    def reply(self, reply: ThreadReply) -> None:
        """Somebody wrote in a thread."""

    def is_known(self, place: Place, ts: str) -> bool:
        """Has this reply been handled before?"""

    def escalation_at(self, place: Place) -> int | None:
        """Whose thread this is, None when it is none of ours."""

    def ordered(self, reply: ThreadReply, text: str, *, done: bool) -> None:
        """Keep a verb that somebody wrote, so that it is known, and tell them what came of it.

        When it is not `done` because the verb is not known, they may still send it as words.
        """

    def edited(self, place: Place, ts: str, text: str, marked: str = "") -> None:
        """Somebody changed the reply `ts` in the thread `place`; both as in `ThreadReply`."""

    def deleted(self, place: Place, ts: str) -> None:
        """Somebody deleted the reply `ts` in the thread `place`."""


class Inbox(Protocol):
    """Where arrivals go before they are acknowledged."""

    def store(self, kind: str, lane: str, key: str, payload: dict[str, object]) -> bool:
        """Store durably; returns after commit. False when this key was known already."""
