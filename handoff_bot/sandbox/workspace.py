"""A stand-in for Slack: a workspace, its Web API, and people who write and click."""

from __future__ import annotations

import hashlib
import hmac
import json
import queue
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import requests
from flask import Flask, Response, jsonify, request

from handoff_bot.sandbox.server import Answer, Entry, Faults, Journal, Server, json_answer

Json = dict[str, Any]

ACK_SECONDS = 3.0
LONGEST_MESSAGE = 13_200
MOST_BLOCKS = {"message": 50, "view": 100}
RATES = {"chat.update": 50, "reactions.add": 50, "pins.add": 20}
"""Calls a minute and workspace that are enforced with `enforce_limits`; posts: one a second and channel."""


class SlackError(Exception):
    """Answered as {"ok": false, "error": …}."""


@dataclass(frozen=True)
class ClickResult:
    """What came of a click or a command; `error` is what Slack would show when nothing came in time."""

    status: int
    error: str = ""
    body: Any = None


@dataclass
class _View:
    id: str
    user: str
    view: Json
    hash: str


@dataclass
class SlackStandIn:
    """One workspace on loopback.

    Attributes:
        events_url: where the bot listens ("…/slack/events").
        enforce_limits: answer 429 as Slack would.
        retry_pauses: seconds between deliveries of an event that was not acknowledged.
    """

    bot_token: str
    signing_secret: str
    events_url: str = ""
    journal: Journal = field(default_factory=Journal)
    faults: Faults = field(default_factory=Faults)
    enforce_limits: bool = False
    retry_pauses: tuple[float, ...] = (0.1, 0.5, 2.0)
    now: Callable[[], float] = time.time
    duplicates: int = 0

    team_id = "T0HANDOFF"
    app_id = "A0HANDOFF"
    bot_id = "B0HANDOFF"
    bot_user = "U0HANDOFF"

    def __post_init__(self) -> None:
        self._changed = threading.Condition(threading.RLock())
        self._last_ts = 0
        self.channels: dict[str, Json] = {}
        self.users: dict[str, Json] = {}
        self._messages: dict[str, dict[str, Json]] = {}
        self._ephemerals: list[Json] = []
        self._views: dict[str, _View] = {}
        self._homes: dict[str, Json] = {}
        self._pins: dict[str, list[str]] = {}
        self._triggers: dict[str, float] = {}
        self._responses: dict[str, Json] = {}
        self._calls: dict[str, list[float]] = {}
        self._events: queue.Queue[Json | None] = queue.Queue()
        self._pending = 0
        self._http = requests.Session()
        self._http.trust_env = False
        self._http.mount("http://", requests.adapters.HTTPAdapter(pool_maxsize=64))
        self.server = Server(
            self._routes(), "slack", self.journal, self.faults, fault_answer=_fault
        ).start()
        self.url = self.server.url
        self.add_user(self.bot_user, "handoff", "Handoff", is_bot=True)
        self._postman = threading.Thread(target=self._deliver_all, name="slack-events", daemon=True)
        self._postman.start()

    # -- the workspace

    def add_user(self, user: str, name: str, display: str, *, is_bot: bool = False) -> None:
        """Somebody joins the workspace."""
        profile = {"display_name": display, "real_name": display}
        self.users[user] = {
            "id": user,
            "team_id": self.team_id,
            "name": name,
            "real_name": display,
            "is_bot": is_bot,
            "deleted": False,
            "profile": profile,
        }

    def add_channel(self, channel: str, name: str, *, bot_is_in: bool = True) -> None:
        """A Slack channel is made; the people are all in it."""
        self.channels[channel] = {
            "id": channel,
            "name": name,
            "is_channel": True,
            "is_archived": False,
            "is_member": bot_is_in,
        }
        self._messages[channel] = {}

    # -- the Web API

    def _routes(self) -> Flask:
        app = Flask("slack")
        app.add_url_rule("/api/<method>", "api", self._api, methods=["GET", "POST"])
        app.add_url_rule("/response/<name>", "response", self._respond, methods=["POST"])
        return app

    def _api(self, method: str) -> Response:
        args = _arguments()
        try:
            answer = {"ok": True, **self._call(method, args)}
            status, headers = 200, dict[str, str]()
        except SlackError as error:
            answer, status, headers = {"ok": False, "error": str(error)}, 200, {}
            if str(error) == "ratelimited":
                status, headers = 429, {"Retry-After": "1"}
        response = jsonify(answer)
        response.status_code = status
        response.headers.update(headers)
        return response

    def _call(self, method: str, args: Json) -> Json:
        token = args.pop("token", "") or request.headers.get("Authorization", "")[7:]
        if not token:
            raise SlackError("not_authed")
        if not hmac.compare_digest(token, self.bot_token):
            raise SlackError("invalid_auth")
        handler = _METHODS.get(method)
        if handler is None:
            raise SlackError("unknown_method")
        with self._changed:
            self._limit(method, args)
            answer = handler(self, args)
            self._changed.notify_all()
        return answer

    def _limit(self, method: str, args: Json) -> None:
        if not self.enforce_limits:
            return
        key, most, within = method, RATES.get(method, 0), 60.0
        if method == "chat.postMessage":
            key, most, within = f"{method}:{args.get('channel')}", 3, 3.0
        if not most:
            return
        now = self.now()
        recent = [at for at in self._calls.get(key, []) if at > now - within]
        if len(recent) >= most:
            raise SlackError("ratelimited")
        self._calls[key] = [*recent, now]

    def _auth_test(self, args: Json) -> Json:
        return {
            "url": "https://sandbox.slack.example/",
            "team": "Sandbox",
            "user": "handoff",
            "team_id": self.team_id,
            "user_id": self.bot_user,
            "bot_id": self.bot_id,
        }

    def _place(self, args: Json) -> dict[str, Json]:
        channel = self.channels.get(args.get("channel", ""))
        if channel is None:
            raise SlackError("channel_not_found")
        if not channel["is_member"]:
            raise SlackError("not_in_channel")
        if channel["is_archived"]:
            raise SlackError("is_archived")
        return self._messages[channel["id"]]

    def _post_message(self, args: Json) -> Json:
        messages = self._place(args)
        thread = args.get("thread_ts")
        if thread and thread not in messages:
            raise SlackError("thread_not_found")
        _check_content(args)
        message = {
            "type": "message",
            "ts": self._ts(),
            "user": self.bot_user,
            "bot_id": self.bot_id,
            "app_id": self.app_id,
            "team": self.team_id,
            "text": args.get("text", ""),
            "blocks": args.get("blocks") or [],
        }
        if thread:
            message["thread_ts"] = thread
        if args.get("metadata"):
            message["metadata"] = args["metadata"]
        messages[message["ts"]] = message
        self._announce(args["channel"], dict(message))
        return {"channel": args["channel"], "ts": message["ts"], "message": message}

    def _update(self, args: Json) -> Json:
        messages = self._place(args)
        message = messages.get(args.get("ts", ""))
        if message is None:
            raise SlackError("message_not_found")
        if message.get("bot_id") != self.bot_id:
            raise SlackError("cant_update_message")
        _check_content(args)
        before = dict(message)
        message["text"] = args.get("text", "")
        message["blocks"] = args.get("blocks") or []
        self._announce(
            args["channel"],
            {
                "type": "message",
                "subtype": "message_changed",
                "message": dict(message),
                "previous_message": before,
                "hidden": True,
                "ts": self._ts(),
            },
        )
        return {
            "channel": args["channel"],
            "ts": message["ts"],
            "text": message["text"],
            "message": message,
        }

    def _post_ephemeral(self, args: Json) -> Json:
        self._place(args)
        if args.get("user") not in self.users:
            raise SlackError("user_not_in_channel")
        _check_content(args)
        ts = self._ts()
        self._ephemerals.append(dict(args, ts=ts))
        return {"message_ts": ts}

    def _history(self, args: Json) -> Json:
        messages = [m for m in self._place(args).values() if "thread_ts" not in m]
        return self._page(list(reversed(messages)), args)

    def _replies(self, args: Json) -> Json:
        thread = args.get("ts")
        messages = self._place(args)
        if thread not in messages:
            raise SlackError("thread_not_found")
        found = [m for ts, m in messages.items() if thread in (ts, m.get("thread_ts"))]
        return self._page(found, args)

    def _page(self, messages: list[Json], args: Json) -> Json:
        oldest = float(args.get("oldest") or 0)
        start = int(args.get("cursor") or 0)
        size = int(args.get("limit") or 100)
        found = [m for m in messages if float(m["ts"]) >= oldest]
        if not _truthy(args.get("include_all_metadata")):
            found = [{k: v for k, v in m.items() if k != "metadata"} for m in found]
        more = len(found) > start + size
        return {
            "messages": found[start : start + size],
            "has_more": more,
            "response_metadata": {"next_cursor": str(start + size) if more else ""},
        }

    def _users_info(self, args: Json) -> Json:
        user = self.users.get(args.get("user", ""))
        if user is None:
            raise SlackError("user_not_found")
        return {"user": user}

    def _conversations_info(self, args: Json) -> Json:
        channel = self.channels.get(args.get("channel", ""))
        if channel is None:
            raise SlackError("channel_not_found")
        return {"channel": channel}

    def _reactions_add(self, args: Json) -> Json:
        message = self._place(args).get(args.get("timestamp", ""))
        if message is None:
            raise SlackError("message_not_found")
        names = message.setdefault("reactions", [])
        if any(reaction["name"] == args["name"] for reaction in names):
            raise SlackError("already_reacted")
        names.append({"name": args["name"], "users": [self.bot_user], "count": 1})
        return {}

    def _pins_add(self, args: Json) -> Json:
        self._place(args)
        pins = self._pins.setdefault(args["channel"], [])
        if args.get("timestamp") in pins:
            raise SlackError("already_pinned")
        pins.append(args["timestamp"])
        return {}

    def _views_open(self, args: Json) -> Json:
        user = self._trigger(args.get("trigger_id", ""))
        return self._show(_View(f"V{uuid.uuid4().hex[:10].upper()}", user, {}, ""), args)

    def _views_update(self, args: Json) -> Json:
        view = self._views.get(args.get("view_id", ""))
        if view is None:
            raise SlackError("not_found")
        return self._show(view, args)

    def _show(self, view: _View, args: Json) -> Json:
        content = args.get("view") or {}
        if len(json.dumps(content)) > 250_000:
            raise SlackError("view_too_large")
        if len(content.get("blocks", [])) > MOST_BLOCKS["view"]:
            raise SlackError("invalid_arguments")
        view.view, view.hash = content, uuid.uuid4().hex[:12]
        self._views[view.id] = view
        shown = dict(content, id=view.id, hash=view.hash, team_id=self.team_id)
        return {"view": shown}

    def _views_publish(self, args: Json) -> Json:
        self._homes[args["user_id"]] = args.get("view") or {}
        return {"view": dict(args.get("view") or {}, id="VHOME")}

    def _trigger(self, trigger: str) -> str:
        name, _, user = trigger.partition(".")
        made = self._triggers.pop(trigger, None)
        if made is None:
            raise SlackError("exchanged_trigger_id" if name else "invalid_trigger_id")
        if self.now() - made > ACK_SECONDS:
            raise SlackError("expired_trigger_id")
        return user

    def _ts(self) -> str:
        micros = max(int(self.now() * 1_000_000), self._last_ts + 1)
        self._last_ts = micros
        return f"{micros // 1_000_000}.{micros % 1_000_000:06d}"

    # -- events

    def _announce(self, channel: str, event: Json) -> None:
        """Tell the bot what happened in a Slack channel it is in; its own posts come back to it too."""
        if not self.channels[channel]["is_member"]:
            return
        self._send_event(dict(event, channel=channel, channel_type="channel", event_ts=self._ts()))

    def _send_event(self, event: Json) -> None:
        body = {
            "token": "unused",
            "team_id": self.team_id,
            "api_app_id": self.app_id,
            "type": "event_callback",
            "event_id": f"Ev{uuid.uuid4().hex[:14].upper()}",
            "event_time": int(self.now()),
            "authorizations": [{"team_id": self.team_id, "user_id": self.bot_user, "is_bot": True}],
            "event": event,
        }
        for _ in range(1 + self.duplicates):
            with self._changed:
                self._pending += 1
            self._events.put(body)

    def _deliver_all(self) -> None:
        while (body := self._events.get()) is not None:
            self.deliver(body)
            with self._changed:
                self._pending -= 1
                self._changed.notify_all()

    def deliver(self, body: Json) -> int:
        """Deliver an event, with Slack's retries; says the last status, 0 when nobody answered."""
        status = 0
        for attempt in range(len(self.retry_pauses) + 1):
            headers = {}
            if attempt:
                time.sleep(self.retry_pauses[attempt - 1])
                reason = "http_error" if status else "connection_failed"
                headers = {"X-Slack-Retry-Num": str(attempt), "X-Slack-Retry-Reason": reason}
            answer = self._post(json.dumps(body), "application/json", headers)
            status = answer.status
            if 200 <= status < 300:
                break
        return status

    def _post(self, body: str, kind: str, headers: dict[str, str] | None = None) -> ClickResult:
        stamp = str(int(time.time()))
        signed = sign(self.signing_secret, stamp, body)
        sent = {
            "Content-Type": kind,
            "X-Slack-Request-Timestamp": stamp,
            "X-Slack-Signature": signed,
            **(headers or {}),
        }
        try:
            answer = self._http.post(
                self.events_url, data=body.encode(), headers=sent, timeout=ACK_SECONDS
            )
        except requests.Timeout:
            result = ClickResult(0, "operation_timeout")
        except requests.RequestException:
            result = ClickResult(0, "dispatch_failed")
        else:
            ok = answer.status_code == 200
            parsed = answer.json() if answer.text[:1] in "{[" and answer.text else answer.text
            result = ClickResult(answer.status_code, "" if ok else "dispatch_failed", parsed)
        self.journal.add(
            Entry(
                time.time(),
                "slack",
                "out",
                "POST",
                "/slack/events",
                body,
                result.status,
                result.body,
            )
        )
        return result

    # -- what people do

    def say(self, user: str, channel: str, text: str, thread_ts: str | None = None) -> str:
        """Somebody writes; says the message's ts."""
        with self._changed:
            message = {
                "type": "message",
                "ts": self._ts(),
                "user": user,
                "team": self.team_id,
                "client_msg_id": str(uuid.uuid4()),
                "text": text,
                "blocks": [_rich_text(text)],
            }
            if thread_ts:
                message["thread_ts"] = thread_ts
            self._messages[channel][message["ts"]] = message
            self._announce(channel, dict(message))
            self._changed.notify_all()
        return str(message["ts"])

    def edit(self, user: str, channel: str, ts: str, text: str) -> None:
        """Somebody changes their message."""
        with self._changed:
            message = self._messages[channel][ts]
            before = dict(message)
            message |= {
                "text": text,
                "blocks": [_rich_text(text)],
                "edited": {"user": user, "ts": self._ts()},
            }
            changed = {
                "type": "message",
                "subtype": "message_changed",
                "message": dict(message),
                "previous_message": before,
                "hidden": True,
                "ts": self._ts(),
            }
            self._announce(channel, changed)

    def delete(self, user: str, channel: str, ts: str) -> None:
        """Somebody deletes their message."""
        with self._changed:
            before = self._messages[channel].pop(ts)
            deleted = {
                "type": "message",
                "subtype": "message_deleted",
                "previous_message": before,
                "deleted_ts": ts,
                "hidden": True,
                "ts": self._ts(),
            }
            self._announce(channel, deleted)

    def click(self, user: str, channel: str, ts: str, action_id: str) -> ClickResult:
        """Somebody presses a button of a message. Raises LookupError when it is not there."""
        message = self._messages[channel][ts]
        element = find_button(message["blocks"], action_id)
        container = {"type": "message", "message_ts": ts, "channel_id": channel}
        if "thread_ts" in message:
            container["thread_ts"] = message["thread_ts"]
        return self._interact(user, channel, element, container, message)

    def click_ephemeral(self, user: str, action_id: str) -> ClickResult:
        """Somebody presses a button of the last message that only they see. Raises LookupError."""
        seen = [e for e in self._ephemerals if e["user"] == user and e.get("blocks")]
        for shown in reversed(seen):
            element = find_button(shown["blocks"], action_id, missing_ok=True)
            if element:
                container: Json = {
                    "type": "message",
                    "message_ts": shown["ts"],
                    "channel_id": shown["channel"],
                    "is_ephemeral": True,
                    "thread_ts": shown.get("thread_ts"),
                }
                return self._interact(user, str(shown["channel"]), element, container, None)
        raise LookupError(f"{user} sees no button {action_id}")

    def _interact(
        self, user: str, channel: str, element: Json, container: Json, message: Json | None
    ) -> ClickResult:
        payload: Json = {
            "type": "block_actions",
            "user": self._who(user),
            "api_app_id": self.app_id,
            "token": "unused",
            "container": container,
            "trigger_id": self.trigger_for(user),
            "team": {"id": self.team_id, "domain": "sandbox"},
            "enterprise": None,
            "is_enterprise_install": False,
            "channel": {"id": channel, "name": self.channels[channel]["name"]},
            "response_url": self._response_url(user, channel, container),
            "actions": [
                {
                    "type": "button",
                    "action_id": element["action_id"],
                    "block_id": "b",
                    "value": element.get("value", ""),
                    "text": element.get("text"),
                    "action_ts": self._ts(),
                }
            ],
        }
        if message is not None:
            payload["message"] = message
        return self.interaction(payload)

    def interaction(self, payload: Json) -> ClickResult:
        """Send an interaction as it is."""
        body = urlencode({"payload": json.dumps(payload)})
        return self._post(body, "application/x-www-form-urlencoded")

    def submit(self, user: str, view_id: str, values: Json) -> ClickResult:
        """Somebody submits a window; `values` as in view.state.values."""
        shown = self._views[view_id]
        view = dict(shown.view, id=view_id, hash=shown.hash, state={"values": values})
        payload = {
            "type": "view_submission",
            "team": {"id": self.team_id, "domain": "sandbox"},
            "user": self._who(user),
            "api_app_id": self.app_id,
            "token": "unused",
            "trigger_id": self.trigger_for(user),
            "view": view,
            "response_urls": [],
        }
        return self.interaction(payload)

    def command(self, user: str, channel: str, command: str, text: str) -> ClickResult:
        """Somebody enters a slash command."""
        form = {
            "command": command,
            "text": text,
            "user_id": user,
            "user_name": self.users[user]["name"],
            "channel_id": channel,
            "channel_name": self.channels[channel]["name"],
            "team_id": self.team_id,
            "team_domain": "sandbox",
            "api_app_id": self.app_id,
            "trigger_id": self.trigger_for(user),
            "response_url": self._response_url(user, channel, {}),
        }
        return self._post(urlencode(form), "application/x-www-form-urlencoded")

    def trigger_for(self, user: str) -> str:
        """A fresh trigger id: good once, for three seconds."""
        with self._changed:
            trigger = f"{uuid.uuid4().hex}.{user}"
            self._triggers[trigger] = self.now()
        return trigger

    def _who(self, user: str) -> Json:
        name = self.users[user]["name"]
        return {"id": user, "username": name, "name": name, "team_id": self.team_id}

    def _response_url(self, user: str, channel: str, container: Json) -> str:
        name = uuid.uuid4().hex
        self._responses[name] = {
            "user": user,
            "channel": channel,
            "left": 5,
            "until": self.now() + 1800,
            "thread_ts": container.get("thread_ts"),
        }
        return f"{self.url}/response/{name}"

    def _respond(self, name: str) -> Response:
        given = self._responses.get(name)
        body = request.get_json(force=True)
        if given is None or given["left"] == 0 or given["until"] < self.now():
            return Response("used_url", 404)
        with self._changed:
            given["left"] -= 1
            if not body.get("delete_original"):
                shown = dict(body, user=given["user"], channel=given["channel"], ts=self._ts())
                self._ephemerals.append(shown)
            self._changed.notify_all()
        return Response("ok", 200)

    # -- looking

    def messages(self, channel: str) -> list[Json]:
        """The Slack channel's own messages, oldest first, without threads."""
        with self._changed:
            return [m for m in self._messages[channel].values() if "thread_ts" not in m]

    def thread(self, channel: str, ts: str) -> list[Json]:
        """The replies below a message, oldest first."""
        with self._changed:
            return [m for m in self._messages[channel].values() if m.get("thread_ts") == ts]

    def message(self, channel: str, ts: str) -> Json:
        """One message."""
        with self._changed:
            return self._messages[channel][ts]

    def reactions(self, channel: str, ts: str) -> list[str]:
        """The names of the reactions to a message."""
        found = self.message(channel, ts).get("reactions", [])
        return [str(reaction["name"]) for reaction in found]

    def ephemerals(self, user: str) -> list[Json]:
        """What only this person was shown."""
        with self._changed:
            return [shown for shown in self._ephemerals if shown.get("user") == user]

    def views(self, user: str) -> dict[str, Json]:
        """The windows this person has open."""
        with self._changed:
            return {v.id: v.view for v in self._views.values() if v.user == user}

    def wait_for(self, wanted: Callable[[], bool], timeout: float = 10.0) -> None:
        """Until it is so, or TimeoutError."""
        with self._changed:
            if not self._changed.wait_for(wanted, timeout):
                raise TimeoutError("Slack's stand-in never got there")

    def drain(self, timeout: float = 10.0) -> None:
        """Until all events have been delivered."""
        self.wait_for(lambda: self._pending == 0, timeout)

    def stop(self) -> None:
        """Stop serving and delivering."""
        self.server.stop()
        self._events.put(None)
        self._postman.join()
        self._http.close()


_METHODS: dict[str, Callable[[SlackStandIn, Json], Json]] = {
    "api.test": lambda _slack, _args: {},
    "auth.test": SlackStandIn._auth_test,
    "chat.postEphemeral": SlackStandIn._post_ephemeral,
    "chat.postMessage": SlackStandIn._post_message,
    "chat.update": SlackStandIn._update,
    "conversations.history": SlackStandIn._history,
    "conversations.info": SlackStandIn._conversations_info,
    "conversations.replies": SlackStandIn._replies,
    "pins.add": SlackStandIn._pins_add,
    "reactions.add": SlackStandIn._reactions_add,
    "users.info": SlackStandIn._users_info,
    "views.open": SlackStandIn._views_open,
    "views.publish": SlackStandIn._views_publish,
    "views.update": SlackStandIn._views_update,
}


def sign(secret: str, stamp: str, body: str) -> str:
    """Slack's signature, by the standard library alone."""
    base = f"v0:{stamp}:{body}".encode()
    return "v0=" + hmac.new(secret.encode(), base, hashlib.sha256).hexdigest()


def find_button(blocks: list[Json], action_id: str, *, missing_ok: bool = False) -> Json:
    """The element with this action id, wherever in the blocks it is."""
    for block in blocks:
        for element in [*block.get("elements", []), block.get("accessory") or {}]:
            if element.get("action_id") == action_id:
                return dict(element)
    if missing_ok:
        return {}
    raise LookupError(f"there is no button {action_id}")


def _fault(status: int) -> Answer:
    """How Slack words a fault."""
    error = "ratelimited" if status == 429 else "internal_error"
    return json_answer(status, {"ok": False, "error": error})


def _arguments() -> Json:
    if request.is_json:
        return dict(request.get_json(silent=True) or {})
    given = {**request.args.to_dict(), **request.form.to_dict()}
    return {key: _decoded(key, value) for key, value in given.items()}


def _decoded(key: str, value: str) -> Any:
    if key in ("blocks", "view", "metadata", "attachments") and value:
        return json.loads(value)
    return value


def _truthy(value: Any) -> bool:
    return value in (True, "true", "True", "1", 1)


def _check_content(args: Json) -> None:
    blocks = args.get("blocks") or []
    if not blocks and not args.get("text"):
        raise SlackError("no_text")
    if len(blocks) > MOST_BLOCKS["message"]:
        raise SlackError("invalid_blocks")
    if len(json.dumps(blocks)) > LONGEST_MESSAGE * 3 or _characters(blocks) > LONGEST_MESSAGE:
        raise SlackError("msg_blocks_too_long")


def _characters(value: Any) -> int:
    if isinstance(value, dict):
        return sum(
            len(part)
            if key in ("text", "alt_text") and isinstance(part, str)
            else _characters(part)
            for key, part in value.items()
        )
    return sum(_characters(part) for part in value) if isinstance(value, list) else 0


def _rich_text(text: str) -> Json:
    section = {"type": "rich_text_section", "elements": [{"type": "text", "text": text}]}
    return {"type": "rich_text", "elements": [section]}
