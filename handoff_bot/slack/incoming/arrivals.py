"""First middleware: stores events before they are acknowledged, and rejects malformed requests.

Slack retries an event until it gets 200, so 200 means "stored". The lane `slack:` then handles the event; a
second delivery is recognised.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from slack_bolt import BoltRequest, BoltResponse
from slack_bolt.middleware import Middleware

from handoff_bot.domain.desk import Place
from handoff_bot.jobs.inbox import Inbox
from handoff_bot.slack.incoming.events import EVENTS
from handoff_bot.slack.incoming.payloads import is_event, is_request, is_storable
from handoff_bot.slack.incoming.registry import EVERYTHING

logger = logging.getLogger(__name__)

KIND = "slack.event"

HEARD = frozenset(EVENTS) | frozenset(EVERYTHING.events)
"""Types of events that are handled. Others are acknowledged and dropped."""

_PASSED_ON = frozenset(
    {
        "block_actions",
        "block_suggestion",
        "message_action",
        "shortcut",
        "url_verification",
        "view_submission",
    }
)


class Arrivals(Middleware):
    """Bolt's first middleware after the signature check. Raises what the inbox raises, so that Slack retries.

    A class, because Bolt would parse the request before it calls a function, and fail on malformed requests.
    """

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox

    def process(
        self,
        *,
        req: BoltRequest,
        resp: BoltResponse,
        next: Callable[[], BoltResponse],
    ) -> BoltResponse | None:
        """Answers the request, or passes it on to the listeners."""
        body = req.body
        if not is_storable(body):
            return _refused()
        if body.get("type") == "event_callback":
            return _store(self._inbox, body)
        if not _is_for_listeners(body):
            logger.warning("request ignored", extra={"type": _type_of(body)})
            return BoltResponse(status=200, body="")
        if not is_request(body):
            return _refused()
        return next()


def _store(inbox: Inbox, body: dict[str, Any]) -> BoltResponse:
    if not is_event(body):
        return _refused()
    event = body["event"]
    if event["type"] not in HEARD:
        logger.info("event ignored", extra={"type": _type_of(event)})
    elif not _is_echo(body, event) and _matters(event):
        # `token` is a deprecated shared secret; nothing here needs it.
        payload = {name: value for name, value in body.items() if name != "token"}
        inbox.store(KIND, lane_of(event), f"slack:{body['event_id']}", payload)
    return BoltResponse(status=200, body="")


def lane_of(event: Mapping[str, Any]) -> str:
    """Returns the lane that keeps everything about one thread in order."""
    subject = event.get("message") or event.get("previous_message") or event
    thread = subject.get("thread_ts") or subject.get("ts") or event.get("ts")
    place = event.get("channel") or event.get("user") or event.get("type")
    return f"slack:{place if isinstance(place, str) else event.get('type')}:{thread}"


def thread_of(event: Mapping[str, Any]) -> Place | None:
    """Returns the thread of a message, its edit or its deletion; None for anything else."""
    subject = event.get("message") or event.get("previous_message") or event
    channel, thread = event.get("channel"), subject.get("thread_ts")
    return Place(channel, thread) if isinstance(channel, str) and isinstance(thread, str) else None


def _is_echo(body: dict[str, Any], event: dict[str, Any]) -> bool:
    """Whether it is about a message of our own app. Slack sends every post of ours as an event."""
    ours = body.get("api_app_id")
    about = (event, event.get("message") or {}, event.get("previous_message") or {})
    return bool(ours) and any(message.get("app_id") == ours for message in about)


def _matters(event: dict[str, Any]) -> bool:
    """Of the frequent changes of users, keeps only those that revoke rights."""
    if event["type"] != "user_change":
        return True
    user = event.get("user")
    lost = ("deleted", "is_restricted", "is_ultra_restricted", "is_stranger")
    return isinstance(user, dict) and any(user.get(name) for name in lost)


def _is_for_listeners(body: dict[str, Any]) -> bool:
    kind = body.get("type")
    return (isinstance(kind, str) and kind in _PASSED_ON) or isinstance(body.get("command"), str)


def _refused() -> BoltResponse:
    """Rejects a signed but malformed request with 400: a retry would not help."""
    logger.warning("request malformed")
    return BoltResponse(status=400, body="", headers={"x-slack-no-retry": "1"})


def _type_of(body: dict[str, Any]) -> str:
    return str(body.get("type"))[:80]
