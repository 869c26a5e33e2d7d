"""WhatsApp message templates: admins maintain them, agents send them when the messaging window is
closed.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from pydantic import TypeAdapter, ValidationError

from handoff_bot.domain import replies
from handoff_bot.domain.desk import AgentRef
from handoff_bot.domain.messages import Template
from handoff_bot.domain.replies import MessageTemplate
from handoff_bot.domain.results import ActionResult
from handoff_bot.services.delivery.sending import Channels
from handoff_bot.services.replies.held_replies import ModalReplies
from handoff_bot.services.settings.preferences import Preferences
from handoff_bot.storage import conversations
from handoff_bot.storage import escalations as rows
from handoff_bot.storage.database import Database
from handoff_bot.storage.models import Message

logger = logging.getLogger(__name__)

TEMPLATES = "templates"
"""Setting that holds all templates."""

NOT_HERE = "Templates cannot be sent on this channel."
GONE = "This conversation no longer exists."
DELETED = "This template has been deleted."
TAKEN = "A template with this name already exists."
ENOUGH = f"Limit of {replies.MOST} templates reached. Delete one first."

_ONE = TypeAdapter(MessageTemplate)


class Part(StrEnum):
    """The field that a problem refers to."""

    NAME = "name"
    SID = "sid"
    TEXT = "text"
    LABELS = "labels"


Problem = tuple[Part, str]


@dataclass(frozen=True)
class TemplateOptions:
    """The escalation and the templates that an agent can send."""

    escalation_id: int
    templates: tuple[MessageTemplate, ...]


class Templates:
    """The team's message templates."""

    def __init__(
        self,
        database: Database,
        channels: Channels,
        preferences: Preferences,
        composed: ModalReplies,
    ) -> None:
        self._database = database
        self._channels = channels
        self._preferences = preferences
        self._composed = composed

    def every(self) -> tuple[MessageTemplate, ...]:
        """Returns all templates by name, without those that are stored wrongly."""
        return _every(self._preferences.get(TEMPLATES, []))

    def get(self, name: str) -> MessageTemplate | None:
        return next((one for one in self.every() if one.name == name), None)

    def save(self, new: MessageTemplate, instead_of: str, by: str) -> Problem | None:
        """Saves a template in place of `instead_of` ("" for a new one). Returns the problem, or
        None when saved.
        """
        wrong = problem(new)
        if wrong:
            return wrong
        refused: list[Problem] = []

        def changed(stored: object) -> object:
            others = [one for one in _every(stored) if one.name != instead_of]
            if any(one.name.casefold() == new.name.casefold() for one in others):
                refused.append((Part.NAME, TAKEN))
            elif len(others) >= replies.MOST:
                refused.append((Part.NAME, ENOUGH))
            return stored if refused else _stored([*others, new])

        self._preferences.revise(TEMPLATES, changed, by)
        return refused[0] if refused else None

    def delete(self, name: str, by: str) -> None:
        def changed(stored: object) -> object:
            return _stored([one for one in _every(stored) if one.name != name])

        self._preferences.revise(TEMPLATES, changed, by)

    def chance(self, message_id: int) -> TemplateOptions | ActionResult:
        """Returns the templates that can replace this message, or an Outcome with the reason why
        none can.
        """
        with self._database.read() as tx:
            message = tx.session.get(Message, message_id)
            if message is None:
                return ActionResult(False, GONE)
            conversation = conversations.get(tx, message.conversation_id)
            escalation = rows.open_of(tx, message.conversation_id)
            channel = self._channels.get(conversation.channel)
        if escalation is None:
            return ActionResult(False, GONE)
        if channel is None or not channel.limits.templates:
            return ActionResult(False, NOT_HERE)
        return TemplateOptions(escalation.id, self.every())

    def send(
        self,
        message_id: int,
        agent: AgentRef,
        name: str,
        values: Mapping[str, str],
        key: str,
    ) -> ActionResult:
        """Sends a template once for each key. An unassigned conversation is claimed for the agent."""
        chance = self.chance(message_id)
        if isinstance(chance, ActionResult):
            return chance
        chosen = self.get(name)
        if chosen is None:
            return ActionResult(False, DELETED)
        given = {variable: values.get(variable, "").strip() for variable in chosen.variables}
        if any(map(replies.value_problem, given.values())):
            return ActionResult(False, "Fill in every value.")
        template = Template(chosen.content_sid, given)
        return self._composed.send(chance.escalation_id, agent, chosen.filled(given), key, template)


def problem(template: MessageTemplate) -> Problem | None:
    """Returns the first problem with the template's fields, or None."""
    checks = (
        (Part.NAME, replies.template_name_problem(template.name)),
        (Part.SID, replies.sid_problem(template.content_sid)),
        (Part.TEXT, replies.template_text_problem(template.text)),
    )
    return next(((part, words) for part, words in checks if words), None)


def _every(stored: object) -> tuple[MessageTemplate, ...]:
    found = filter(None, map(_read, stored if isinstance(stored, list) else []))
    return tuple(sorted(found, key=lambda one: one.name.casefold()))


def _stored(templates: Sequence[MessageTemplate]) -> list[dict[str, Any]] | None:
    return [asdict(one) for one in templates] or None


def _read(stored: object) -> MessageTemplate | None:
    try:
        found = _ONE.validate_python(stored)
    except ValidationError:
        logger.warning("a template is stored wrongly")
        return None
    return None if problem(found) else found
