"""The part of Twilio's REST API of Conversations (classic) that handles messages."""

from __future__ import annotations

import json
from datetime import UTC
from typing import Any
from urllib.parse import urlencode

from flask import Flask, Response, jsonify, request

from handoff_sandbox.twilio.conversations import Conversations
from handoff_sandbox.twilio.messages import ChatMessage, Conversation
from handoff_sandbox.twilio.refusals import LONGEST_TEXT, NOT_FOUND, Refusal

HOST = "https://conversations.twilio.com"

_MOST = 100
_KNOWN = frozenset({"Author", "Body", "Attributes"})
"""Supported parameters; others are refused, so that no mistake stays hidden."""
_STEPS = ("sent", "delivered", "read", "failed", "undelivered")


class ConversationsApi:
    """The routes of one account's conversations, under their service and under the default one."""

    def __init__(self, conversations: Conversations) -> None:
        self._conversations = conversations

    def put_on(self, app: Flask) -> None:
        """Adds the routes; the app already checks credentials."""
        for base in ("/v1", "/v1/Services/<service>"):
            path = f"{base}/Conversations/<sid>/Messages"
            for method, view in (("POST", self.create), ("GET", self.messages)):
                app.add_url_rule(path, f"{method} {path}", view, methods=[method])
            one, delete = f"{path}/<message>", self.delete_message
            app.add_url_rule(one, f"DELETE {one}", delete, methods=["DELETE"])
            whole, delete_whole = f"{base}/Conversations/<sid>", self.delete
            app.add_url_rule(whole, f"DELETE {whole}", delete_whole, methods=["DELETE"])

    def create(self, sid: str, service: str = "") -> tuple[Response, int]:
        """Adds a message to a conversation."""
        talk = self._talk(sid, service)
        form = request.form
        _check(form.to_dict())
        author, attributes = form.get("Author") or "system", form.get("Attributes", "{}")
        is_told = request.headers.get("X-Twilio-Webhook-Enabled") == "true"
        taken = self._conversations.take(talk, author, form["Body"], attributes, is_told=is_told)
        answer = jsonify(self._shape(taken, service))  # before its delivery starts
        self._conversations.deliver(talk, taken)
        return answer, 201

    def messages(self, sid: str, service: str = "") -> Response:
        """Returns a page of a conversation's messages, oldest first by default."""
        self._talk(sid, service)
        found = self._conversations.messages(sid)
        order, size, number, token = _asked()
        if order == "desc":
            found.reverse()
        start = next((n for n, one in enumerate(found) if one.sid == token), number * size)
        shown, rest = found[start : start + size], found[start + size :]
        where = {"Order": order, "PageSize": size}
        following = {**where, "Page": number + 1, "PageToken": rest[0].sid} if rest else None
        return jsonify(
            messages=[self._shape(one, service) for one in shown],
            meta={
                "page": number,
                "page_size": size,
                "first_page_url": _url({**where, "Page": 0}),
                "previous_page_url": None,
                "url": _url({**where, "Page": number}),
                "next_page_url": _url(following) if following else None,
                "key": "messages",
            },
        )

    def delete_message(self, sid: str, message: str, service: str = "") -> tuple[str, int]:
        """Deletes a message of a conversation."""
        self._talk(sid, service)
        if not self._conversations.delete_message(sid, message):
            raise Refusal(*NOT_FOUND)
        return "", 204

    def delete(self, sid: str, service: str = "") -> tuple[str, int]:
        """Deletes a conversation with its messages and participants."""
        self._talk(sid, service)
        self._conversations.delete(sid)
        return "", 204

    def _talk(self, sid: str, service: str) -> Conversation:
        found = self._conversations.find(sid)
        if found is None or service not in ("", self._conversations.service):
            raise Refusal(*NOT_FOUND)
        return found

    def _shape(self, one: ChatMessage, service: str) -> dict[str, Any]:
        base = f"{HOST}/v1/Services/{service}" if service else f"{HOST}/v1"
        url = f"{base}/Conversations/{one.conversation}/Messages/{one.sid}"
        created = one.created.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return {
            "sid": one.sid,
            "account_sid": self._conversations.account.sid,
            **({"chat_service_sid": service} if service else {}),
            "conversation_sid": one.conversation,
            "body": one.body,
            "media": _media(one),
            "author": one.author,
            "participant_sid": one.participant or None,
            "attributes": one.attributes,
            "date_created": created,
            "date_updated": created,
            "index": one.index,
            "delivery": _delivery(one),
            "content_sid": None,
            "url": url,
            "links": {
                "delivery_receipts": f"{url}/Receipts",
                "channel_metadata": f"{url}/ChannelMetadata",
            },
        }


def _media(one: ChatMessage) -> list[dict[str, Any]] | None:
    return [
        {
            "sid": file.sid,
            "size": len(file.content),
            "content_type": file.content_type,
            "filename": f"file{number}",
        }
        for number, file in enumerate(one.files)
    ] or None


def _delivery(one: ChatMessage) -> dict[str, Any] | None:
    """Returns the delivery summary for phones; there is none for chats."""
    if not one.steps:
        return None
    return {"total": 1, **{step: "all" if step in one.steps else "none" for step in _STEPS}}


def _check(form: dict[str, str]) -> None:
    """Validates the parameters; the error codes are not documented."""
    unknown = form.keys() - _KNOWN
    if unknown:
        raise Refusal(400, 20001, f"Unknown parameter: {min(unknown)}")
    if not 0 < len(form.get("Body", "")) <= LONGEST_TEXT:
        raise Refusal(400, 20001, "Invalid parameter: Body")
    try:
        json.loads(form.get("Attributes", "{}"))
    except ValueError:
        raise Refusal(400, 20001, "Invalid parameter: Attributes") from None


def _asked() -> tuple[str, int, int, str]:
    """Returns the order, the page, and the token of its start."""
    asked = request.args
    order, size, number = (
        asked.get(name, default).lower()
        for name, default in (("Order", "asc"), ("PageSize", "50"), ("Page", "0"))
    )
    is_right = order in ("asc", "desc") and size.isdecimal() and number.isdecimal()
    if not (is_right and 1 <= int(size) <= _MOST):
        raise Refusal(400, 20001, "Invalid parameter: Order, PageSize or Page")
    return order, int(size), int(number), asked.get("PageToken", "")


def _url(query: dict[str, Any]) -> str:
    return f"{HOST}{request.path}?{urlencode(query)}"
