"""What a click gives the bot: a trigger id for a modal, and a response_url."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from handoff_sandbox.slack.state.refusal import Refusal
from handoff_sandbox.slack.state.workspace import Clock

TRIGGER_LIFE = 3.0
"""Seconds within which a trigger id opens a modal, once."""

ANSWER_LIFE = 30 * 60
ANSWER_USES = 5

_MOST = 10_000


@dataclass
class Trigger:
    """Who clicked and when; `is_used` after it opened a modal."""

    user: str
    at: float
    is_used: bool = False


class Triggers:
    """Trigger ids: valid for three seconds, and once."""

    def __init__(self, now: Clock) -> None:
        self._now = now
        self._given: dict[str, Trigger] = {}

    def give(self, user: str) -> str:
        """Returns a new trigger id for this person."""
        trigger_id = f"{len(self._given)}.{uuid.uuid4().int % 10**12}.{uuid.uuid4().hex}"
        if len(self._given) >= _MOST:
            del self._given[next(iter(self._given))]
        self._given[trigger_id] = Trigger(user, self._now())
        return trigger_id

    def exchange(self, trigger_id: str) -> str:
        """Uses a trigger id; returns the person.

        Raises:
            Refusal: it is unknown, expired or used.
        """
        trigger = self._given.get(trigger_id)
        if trigger is None:
            raise Refusal("invalid_trigger_id")
        if trigger.is_used:
            raise Refusal("exchanged_trigger_id")
        if self._now() - trigger.at > TRIGGER_LIFE:
            raise Refusal("expired_trigger_id")
        trigger.is_used = True
        return trigger.user


@dataclass
class Origin:
    """The origin of a response_url: a click on a message (`ts`), or a command (`ts` is "").

    Attributes:
        is_ephemeral: whether the clicked message was ephemeral.
        thread_ts: its thread, "" for none.
    """

    user: str
    channel: str
    ts: str = ""
    is_ephemeral: bool = False
    thread_ts: str = ""
    at: float = 0.0
    uses: int = 0


class ResponseUrls:
    """response_urls of clicks and commands: valid five times, within thirty minutes."""

    def __init__(self, now: Clock) -> None:
        self._now = now
        self._given: dict[str, Origin] = {}

    def give(self, origin: Origin) -> str:
        """Returns the path of a new one."""
        origin.at = self._now()
        key = uuid.uuid4().hex
        if len(self._given) >= _MOST:
            del self._given[next(iter(self._given))]
        self._given[key] = origin
        return f"/response/{key}"

    def use(self, key: str) -> Origin:
        """Uses a response_url; returns its origin.

        Raises:
            Refusal: it is unknown, expired or used up.
        """
        origin = self._given.get(key)
        if origin is None or self._now() - origin.at > ANSWER_LIFE:
            raise Refusal("expired_url")
        if origin.uses >= ANSWER_USES:
            raise Refusal("used_url")
        origin.uses += 1
        return origin
