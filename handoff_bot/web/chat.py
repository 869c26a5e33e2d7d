"""The website chat's side of the door: /chat/… for the widget, as docs/channels/webchat.md says."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from flask import Blueprint, Response, jsonify, request
from limits import RateLimitItem
from werkzeug.wsgi import get_input_stream

from handoff_bot.domain.errors import Malformed, Unacceptable, Unauthentic
from handoff_bot.domain.files import Fetched, File
from handoff_bot.domain.messages import DeliveryUpdate, InboundMessage
from handoff_bot.domain.visitors import Cursor, Session, Visitor
from handoff_bot.ports import WebhookRequest
from handoff_bot.services.files import LARGEST_UPLOAD
from handoff_bot.storage.attachments import OURS, new_token
from handoff_bot.web import chat_limits as rates
from handoff_bot.web.chat_files import WidgetFiles
from handoff_bot.web.chat_stream import LONGEST_POLL, Streams
from handoff_bot.web.watchers import Full, Watchers
from handoff_bot.web.webhooks import Stores, store

logger = logging.getLogger(__name__)

LARGEST = 32 * 1024
"""Bytes of a request's body: 4,000 characters, each escaped, and some air."""
UPLOADS = "/chat/files"
"""Where bodies may be larger than elsewhere."""
_LONGEST_NAME = 255
LATER = 5
"""Seconds until somebody for whom there is no room may ask again."""
_PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, POST",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, Last-Event-ID",
    "Access-Control-Max-Age": "600",
}


class Sessions(Protocol):
    """Makes and believes sessions."""

    def begin(self, *, before: str = "", identity: str = "") -> Session:
        """A session. Raises Unauthentic when the identity is not the website's."""

    def visitor(self, token: str) -> Visitor:
        """Whose session this is. Raises Unauthentic."""


class Keeps(Protocol):
    """Takes files into our keeping."""

    def keep(self, message: InboundMessage, fetched: Fetched, token: str) -> File:
        """The file as it is kept. Raises Unacceptable."""


class Site(Protocol):
    """The channel, as far as this side needs it."""

    @property
    def origins(self) -> frozenset[str]:
        """The websites that may ask."""

    @property
    def sessions(self) -> Sessions:
        """Who visitors are."""

    @property
    def longest_text(self) -> int:
        """Characters of one message."""

    def uploaded(self, visitor: Visitor, message_id: str, url: str, kind: str) -> InboundMessage:
        """The message that a visitor's file is. Raises Malformed."""

    def receive(self, request: WebhookRequest) -> Sequence[InboundMessage | DeliveryUpdate]:
        """What a visitor has sent. Raises Unauthentic and Malformed."""


@dataclass
class Refused(Exception):
    """A request gets no more than this answer.

    Attributes:
        code: what the widget looks at.
        retry_after: seconds, 0 for not said.
    """

    status: int
    code: str
    message: str
    retry_after: int = 0


def chat(
    site: Site, inbox: Stores, streams: Streams, watchers: Watchers, keeper: Keeps
) -> Blueprint:
    """The routes."""
    blueprint = Blueprint("chat", __name__, url_prefix="/chat")
    door = _Door(site, inbox, streams, watchers, keeper)
    blueprint.before_request(door.check)
    blueprint.after_request(door.let_read)
    blueprint.register_error_handler(Refused, _refusal)
    blueprint.post("/session")(door.session)
    blueprint.post("/messages")(door.messages)
    blueprint.post("/marks")(door.marks)
    blueprint.post("/files")(door.files)
    blueprint.get("/events")(door.events)
    blueprint.get("/poll")(door.poll)
    blueprint.get("/<name>.js")(door.file)
    return blueprint


class _Door:
    """The routes' views; nothing of one request is kept for the next."""

    def __init__(
        self, site: Site, inbox: Stores, streams: Streams, watchers: Watchers, keeper: Keeps
    ) -> None:
        self._site, self._inbox, self._keeper = site, inbox, keeper
        self._streams, self._watchers = streams, watchers
        self._limits = rates.Limits()
        self._files = WidgetFiles()

    # -- before and after every request

    def check(self) -> None:
        """Only websites that are allowed, not too often, not too much."""
        if request.method == "OPTIONS" or request.endpoint == "chat.file":
            return
        origin = request.headers.get("Origin")
        is_foreign = origin not in self._site.origins if origin else request.method == "POST"
        if is_foreign:
            raise Refused(403, "origin", "This website may not use the chat.")
        self._limit(rates.EVERYTHING, "everything", request.remote_addr or "")
        largest = LARGEST_UPLOAD if request.endpoint == "chat.files" else LARGEST
        if (request.content_length or 0) > largest:
            raise Refused(413, "too_long", "This is too long.")

    def let_read(self, response: Response) -> Response:
        """Let the website read the answer, as browsers demand."""
        if request.endpoint == "chat.file":
            return response
        response.headers["Vary"] = "Origin"
        response.headers.setdefault("Cache-Control", "no-store")
        response.headers["X-Content-Type-Options"] = "nosniff"
        origin = request.headers.get("Origin", "")
        if origin in self._site.origins:
            response.headers["Access-Control-Allow-Origin"] = origin
            response.headers["Access-Control-Expose-Headers"] = "Retry-After"
            if request.method == "OPTIONS":
                response.headers.update(_PREFLIGHT)
        return response

    # -- the routes

    def session(self) -> Response:
        """A session for this browser."""
        self._limit(rates.SESSIONS, "session", request.remote_addr or "")
        asked = _json()
        identity = asked.get("identity") or ""
        if not isinstance(identity, str):
            raise Refused(400, "malformed", "identity must be text.")
        try:
            session = self._site.sessions.begin(before=_bearer(), identity=identity)
        except Unauthentic as error:
            logger.warning("identity refused", extra={"why": str(error)})
            raise Refused(401, "identity", "This identity is not valid.") from None
        return jsonify(
            token=session.token,
            expires_in=session.expires_in,
            visitor=session.visitor.address,
            max_length=self._site.longest_text,
        )

    def messages(self) -> tuple[Response, int]:
        """A visitor writes. Answered when it is stored."""
        visitor = self._visitor()
        self._limit(rates.MESSAGES, "messages", visitor.address)
        arrivals = self._receive()
        self._watchers.wake(visitor.address)
        (said,) = (one for one in arrivals if isinstance(one, InboundMessage))
        return jsonify(id=said.fields["id"]), 202

    def marks(self) -> tuple[str, int]:
        """A visitor's page tells what it has shown."""
        self._limit(rates.MARKS, "marks", self._visitor().address)
        self._receive()
        return "", 204

    def files(self) -> tuple[Response, int]:
        """A visitor hands us a file, as the body. Answered when it and its message are stored."""
        visitor = self._visitor()
        self._limit(rates.FILES, "files", visitor.address)
        token, kind = new_token(), request.mimetype
        fetched = Fetched(kind, request.args.get("name", "")[:_LONGEST_NAME], _upload())
        url, message_id = f"{OURS}{token}", request.args.get("id", "")
        try:
            message = self._site.uploaded(visitor, message_id, url, kind)
            file = self._keeper.keep(message, fetched, token)
        except Malformed as error:
            raise Refused(400, "malformed", str(error)) from None
        except Unacceptable as error:
            raise Refused(415, "file", str(error)) from None
        message = self._site.uploaded(visitor, message_id, url, file.content_type)
        store(self._inbox, message)
        self._watchers.wake(visitor.address)
        return jsonify(id=message_id), 202

    def events(self) -> Response:
        """News as they come, for as long as the page is there."""
        visitor = self._looking()
        cursor = _cursor(request.headers.get("Last-Event-ID", ""))
        try:
            room, body = self._streams.stream(visitor.address, cursor, request.remote_addr or "")
        except Full:
            raise Refused(503, "full", "Please poll instead.", LATER) from None
        response = Response(body, mimetype="text/event-stream")
        response.call_on_close(room.close)  # also when the stream was never begun
        response.headers["Cache-Control"] = "no-cache"
        response.headers["X-Accel-Buffering"] = "no"
        return response

    def poll(self) -> Response:
        """News since the last time; waits for some if asked to, and if there is room."""
        visitor = self._looking()
        try:
            wait = min(float(request.args.get("wait", "0")), LONGEST_POLL)
        except ValueError:
            raise Refused(400, "malformed", "wait must be seconds.") from None
        after, _, tag = request.args.get("after", "").partition("~")
        client = request.remote_addr or ""
        body = self._streams.poll(visitor.address, _cursor(after), tag, wait, client)
        return Response(body, mimetype="application/json")

    def file(self, name: str) -> Response:
        """One of the widget's modules."""
        return self._files.answer(f"{name}.js") or Response("", 404)

    # -- what they share

    def _visitor(self) -> Visitor:
        try:
            return self._site.sessions.visitor(_bearer())
        except Unauthentic:
            raise Refused(401, "token", "The session is not valid (any more).") from None

    def _looking(self) -> Visitor:
        visitor = self._visitor()
        self._limit(rates.LOOKS, "looks", visitor.address)
        return visitor

    def _limit(self, items: list[RateLimitItem], what: str, who: str) -> None:
        seconds = self._limits.seconds_to_wait(items, what, who)
        if seconds:
            logger.warning("chat request over its limit", extra={"limit": what})
            raise Refused(429, "too_often", "That was too fast. Please wait.", seconds)

    def _receive(self) -> Sequence[InboundMessage | DeliveryUpdate]:
        """What the channel makes of this request, stored."""
        arrived = WebhookRequest(
            path=request.path,
            query="",
            headers={name.lower(): value for name, value in request.headers.items()},
            body=request.get_data(cache=False),
            form=(),
        )
        try:
            arrivals = self._site.receive(arrived)
        except Unauthentic:
            raise Refused(401, "token", "The session is not valid (any more).") from None
        except Malformed as error:
            raise Refused(400, "malformed", str(error)) from None
        for arrival in arrivals:
            store(self._inbox, arrival)
        return arrivals


def _upload() -> bytes:
    """The body, which is larger than any other: Flask's own limit does not count for it."""
    if request.content_length is None:
        raise Refused(411, "length", "Say how long it is.")
    stream = get_input_stream(request.environ, max_content_length=LARGEST_UPLOAD)
    return stream.read(LARGEST_UPLOAD + 1)


def _json() -> dict[str, Any]:
    found = request.get_json(silent=True)
    if not isinstance(found, dict):
        raise Refused(400, "malformed", "The body must be a JSON object.")
    return found


def _bearer() -> str:
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else ""


def _cursor(text: str) -> Cursor:
    try:
        return Cursor.parse(text.partition("~")[0])
    except Malformed as error:
        raise Refused(400, "malformed", str(error)) from None


def _refusal(refused: Refused) -> Response:
    response = jsonify(error=refused.code, message=refused.message)
    response.status_code = refused.status
    if refused.retry_after:
        response.headers["Retry-After"] = str(refused.retry_after)
    return response
