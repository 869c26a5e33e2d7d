"""What Slack sends, as Slack sends it, with names and words of our own."""

import hashlib
import hmac
import json
import time
from typing import Any
from urllib.parse import urlencode

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
APP = "A0OURS"
OUR_USER = "U0BOT"
THREAD = "1763888400.000100"


def event(number: int = 1, **changes: Any) -> dict[str, Any]:
    """An event_callback around a message."""
    return {
        "token": "verification-token",
        "team_id": "T0ACME",
        "api_app_id": APP,
        "event": message(**changes),
        "type": "event_callback",
        "event_id": f"Ev{number:09d}",
        "event_time": 1763888460,
        "authorizations": [
            {"enterprise_id": None, "team_id": "T0ACME", "user_id": OUR_USER, "is_bot": True}
        ],
        "is_ext_shared_channel": False,
    }


def message(**changes: Any) -> dict[str, Any]:
    """A reply in a thread; None takes a field away."""
    fields = {
        "type": "message",
        "user": "U0ANA",
        "text": "Hello!",
        "ts": "1763888460.000300",
        "thread_ts": THREAD,
        "parent_user_id": OUR_USER,
        "channel": "C0QUEUE",
        "channel_type": "channel",
        "event_ts": "1763888460.000300",
        "team": "T0ACME",
        "client_msg_id": "4c5f7e2a-0f5f-4b7c-9a37-000000000001",
    }
    return {name: value for name, value in (fields | changes).items() if value is not None}


def changed(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """The fields of a message_changed event."""
    outer = {"subtype": "message_changed", "hidden": True, "ts": "1763888470.000400"}
    inner = {"message": after, "previous_message": before}
    return outer | inner | dict.fromkeys(("user", "text", "thread_ts", "client_msg_id"))


def deleted(before: dict[str, Any] | None) -> dict[str, Any]:
    """The fields of a message_deleted event."""
    outer = {"subtype": "message_deleted", "hidden": True, "deleted_ts": "1763888460.000300"}
    inner = {"previous_message": before, "ts": "1763888470.000400"}
    return outer | inner | dict.fromkeys(("user", "text", "thread_ts", "client_msg_id"))


def click(action_id: str, value: str = "7", **changes: Any) -> dict[str, Any]:
    """A block_actions payload: Ana pressed a button on a card."""
    fields = {
        "type": "block_actions",
        "user": {"id": "U0ANA", "username": "ana", "name": "ana", "team_id": "T0ACME"},
        "api_app_id": APP,
        "token": "verification-token",
        "container": {
            "type": "message",
            "message_ts": THREAD,
            "channel_id": "C0QUEUE",
            "is_ephemeral": False,
        },
        "trigger_id": "12466734323.1395872398",
        "team": {"id": "T0ACME", "domain": "acme"},
        "enterprise": None,
        "is_enterprise_install": False,
        "channel": {"id": "C0QUEUE", "name": "queue"},
        "message": {"type": "message", "user": OUR_USER, "ts": THREAD, "text": "…", "blocks": []},
        "response_url": "",
        "actions": [
            {
                "action_id": action_id,
                "block_id": "b1",
                "type": "button",
                "value": value,
                "text": {"type": "plain_text", "text": "…", "emoji": False},
                "action_ts": "1763888461.000500",
            }
        ],
    }
    return fields | changes


def submission(chosen: str | None, callback_id: str = "assign", **metadata: Any) -> dict[str, Any]:
    """A view_submission payload: Ana chose an assignee."""
    about = {"escalation_id": 7, "slack_channel": "C0QUEUE", "ts": THREAD} | metadata
    return {
        "type": "view_submission",
        "team": {"id": "T0ACME", "domain": "acme"},
        "user": {"id": "U0ANA", "username": "ana", "name": "ana", "team_id": "T0ACME"},
        "api_app_id": APP,
        "token": "verification-token",
        "trigger_id": "12466734323.1395872399",
        "view": {
            "id": "V0VIEW",
            "type": "modal",
            "callback_id": callback_id,
            "private_metadata": json.dumps(about),
            "state": {
                "values": {
                    "assignee": {
                        "assignee": {"type": "users_select", "selected_user": chosen},
                    }
                }
            },
        },
        "response_urls": [],
    }


def command(text: str, name: str = "/handoff") -> dict[str, str]:
    """The form of a slash command."""
    return {
        "token": "verification-token",
        "team_id": "T0ACME",
        "team_domain": "acme",
        "channel_id": "C0OTHER",
        "user_id": "U0ANA",
        "user_name": "ana",
        "command": name,
        "text": text,
        "api_app_id": APP,
        "response_url": "https://hooks.slack.com/commands/1234/5678",
        "trigger_id": "13345224609.738474920",
    }


def as_json(payload: Any) -> tuple[str, str]:
    """Body and content type of an event."""
    return json.dumps(payload), "application/json"


def as_form(payload: Any) -> tuple[str, str]:
    """Body and content type of a click or a submission."""
    return urlencode({"payload": json.dumps(payload)}), "application/x-www-form-urlencoded"


def as_command(fields: dict[str, str]) -> tuple[str, str]:
    """Body and content type of a command."""
    return urlencode(fields), "application/x-www-form-urlencoded"


def signed(body: str, secret: str = SECRET, at: float | None = None) -> dict[str, str]:
    """The headers by which Slack's requests are known."""
    timestamp = str(int(time.time() if at is None else at))
    text = f"v0:{timestamp}:{body}".encode()
    digest = hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()
    return {"X-Slack-Request-Timestamp": timestamp, "X-Slack-Signature": f"v0={digest}"}
