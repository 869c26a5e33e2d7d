"""What the Slack listeners need from the services, as protocols."""

from __future__ import annotations

from typing import Protocol

from handoff_bot.domain.action_result import ActionResult
from handoff_bot.domain.desk import AgentRef, Place, ThreadReply, TranscriptPage
from handoff_bot.domain.escalations import Step


class DeskActions(Protocol):
    """Actions of the buttons. Each method is one fast transaction, safe to repeat."""

    def take(self, step: Step, escalation_id: int, agent: AgentRef) -> ActionResult:
        """Takes one step with an escalation."""

    def transcript(self, escalation_id: int, page: int) -> TranscriptPage | None:
        """Returns one page of a conversation, counted from 0; None if the conversation does not exist."""

    def send_held(self, note_id: int, agent: AgentRef) -> ActionResult:
        """Claims the escalation, and sends the customer a held reply."""

    def keep_as_note(self, note_id: int, agent: AgentRef) -> ActionResult:
        """Keeps a held reply as an internal note."""

    def retry(self, message_id: int, agent: AgentRef) -> ActionResult:
        """Retries a failed message."""

    def send_correction(self, correction_id: int, agent: AgentRef) -> ActionResult:
        """Sends the edited text of a delivered reply."""

    def translate_again(self, note_id: int, agent: AgentRef) -> ActionResult:
        """Retries the translation of a reply, and sends it."""

    def send_as_written(self, note_id: int, agent: AgentRef) -> ActionResult:
        """Sends a reply untranslated after its translation failed."""

    def may_be_slow(self) -> bool:
        """Whether sending a reply may wait for a model that translates it."""

    def came_late(self, escalation_id: int, agent: AgentRef) -> ActionResult:
        """Records the feedback that the conversation was escalated too late."""


class ThreadEvents(Protocol):
    """Events in threads. Called from a lane; safe to repeat."""

    def reply(self, reply: ThreadReply) -> None:
        """Handles a new message in a thread."""

    def is_known(self, place: Place, ts: str) -> bool:
        """Whether this reply has been handled before."""

    def escalation_at(self, place: Place) -> int | None:
        """Returns the escalation of a thread; None if the thread has none."""

    def ordered(self, reply: ThreadReply, text: str, *, done: bool) -> None:
        """Records a thread command, and tells its author the result.

        If the outcome is not `done` because the command is unknown, the author may still send it as text.
        """

    def edited(self, place: Place, ts: str, text: str, marked: str = "") -> None:
        """Handles an edit of the reply `ts` in the thread `place`; both as in `ThreadReply`."""

    def deleted(self, place: Place, ts: str) -> None:
        """Handles the deletion of the reply `ts` in the thread `place`."""


class Inbox(Protocol):
    """Stores events before they are acknowledged."""

    def store(self, kind: str, lane: str, key: str, payload: dict[str, object]) -> bool:
        """Stores durably and returns after commit. False if this key is already stored."""
