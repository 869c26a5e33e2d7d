"""Routes of the website chat widget: /chat/…, described in docs/channels/webchat.md."""

from __future__ import annotations

import hashlib
import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from flask import Blueprint, Response, jsonify, request
from limits import RateLimitItem
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from werkzeug.wsgi import get_input_stream

from handoff_bot.domain.customers import Cursor, Session, Visitor
from handoff_bot.domain.errors import Exhausted, Malformed, Unacceptable, Unauthentic
from handoff_bot.domain.files import Fetched, File
from handoff_bot.domain.messages import DeliveryUpdate, InboundMessage
from handoff_bot.ports import WebhookRequest
from handoff_bot.services.delivery.inbound_files import LARGEST_UPLOAD
from handoff_bot.storage.attachments import OURS, new_token
from handoff_bot.web import chat_limits as rates
from handoff_bot.web.application import Stores, store
from handoff_bot.web.chat_files import WidgetFiles
from handoff_bot.web.chat_limits import network_of
from handoff_bot.web.chat_stream import LONGEST_POLL, Full, Streams, Watchers

logger = logging.getLogger(__name__)

# -- requests, and their refusals

LARGEST = 32 * 1024
"""Maximum body size in bytes: 4,000 escaped characters, plus a margin."""
_LONGEST_NAME = 255
_LONGEST_IDENTITY = 4096


@dataclass
class Refused(Exception):
    """Ends a request with this response.

    Attributes:
        code: read by the widget.
        retry_after: in seconds, 0 for none.
    """

    status: int
    code: str
    message: str
    retry_after: int = 0


def refusal(refused: Refused) -> Response:
    response = jsonify(error=refused.code, message=refused.message)
    response.status_code = refused.status
    if refused.retry_after:
        response.headers["Retry-After"] = str(refused.retry_after)
    return response


class _Session(BaseModel):
    """Body of a session request; `identity` is signed by the website."""

    model_config = ConfigDict(extra="ignore", strict=True, hide_input_in_errors=True)

    identity: str | None = Field(None, max_length=_LONGEST_IDENTITY)


def identity() -> str:
    """Returns the identity in a session request, or ""."""
    try:
        return _Session.model_validate_json(request.get_data(cache=False)).identity or ""
    except ValidationError as error:
        where = {".".join(map(str, detail["loc"])) for detail in error.errors()}
        what = "identity must be text" if where == {"identity"} else "The body must be an object"
        raise Refused(400, "malformed", f"{what} in standard JSON.") from None


class Transcript(BaseModel):
    """Body of a request for the conversation by e-mail."""

    model_config = ConfigDict(extra="ignore", strict=True, hide_input_in_errors=True)

    to: str = Field(max_length=254)
    locale: str = Field("", max_length=35)


def transcript() -> Transcript:
    try:
        return Transcript.model_validate_json(request.get_data(cache=False))
    except ValidationError:
        raise Refused(400, "malformed", "Send an e-mail address in `to`.") from None


def upload() -> bytes:
    """Returns an upload's body, which may exceed Flask's own limit."""
    if request.content_length is None:
        raise Refused(411, "length", "Send a Content-Length header.")
    stream = get_input_stream(request.environ, max_content_length=LARGEST_UPLOAD)
    return stream.read(LARGEST_UPLOAD + 1)


def file_name() -> str:
    """Returns the visitor's name of the file."""
    return request.args.get("name", "")[:_LONGEST_NAME]


def bearer() -> str:
    """Returns the session's token, or ""."""
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else ""


def cursor_of(text: str) -> Cursor:
    try:
        return Cursor.parse(text.partition("~")[0])
    except Malformed as error:
        raise Refused(400, "malformed", str(error)) from None


def wait_of() -> float:
    """Returns the seconds that a poll may wait."""
    try:
        return min(float(request.args.get("wait", "0")), LONGEST_POLL)
    except ValueError:
        raise Refused(400, "malformed", "wait must be a number of seconds.") from None


# -- routes

UPLOADS = "/chat/files"
"""Path with a higher body limit."""
LATER = 5
"""Retry-After in seconds when the server is full."""
_PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, POST",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, Last-Event-ID",
    "Access-Control-Max-Age": "600",
}


class Sessions(Protocol):
    """Creates and verifies sessions."""

    def begin(self, *, before: str = "", identity: str = "") -> Session:
        """Creates a session. Raises Unauthentic if the identity is not signed by the website."""

    def visitor(self, token: str) -> Visitor:
        """Returns the session's visitor. Raises Unauthentic."""

    def is_known(self, visitor: Visitor) -> bool:
        """Returns whether the website has verified the visitor's identity."""


class Keeps(Protocol):
    """Stores files."""

    def keep(self, message: InboundMessage, fetched: Fetched, token: str) -> tuple[str, File]:
        """Returns the stored file and its token. Raises Unacceptable, Exhausted and Malformed."""


class Copies(Protocol):
    """E-mails visitors their conversation."""

    is_on: bool

    def request(self, channel: str, address: str, to: str, locale: str) -> None:
        """Enqueues the e-mail. Raises Malformed."""


class Site(Protocol):
    """The channel as used by these routes."""

    kind: str

    @property
    def origins(self) -> frozenset[str]:
        """Returns the allowed websites."""

    @property
    def sessions(self) -> Sessions: ...

    @property
    def longest_text(self) -> int:
        """Returns the maximum characters of a message."""

    def uploaded(
        self, visitor: Visitor, message_id: str, url: str, kind: str, network: str
    ) -> InboundMessage:
        """Returns the message of a visitor's file. Raises Malformed."""

    def receive(self, request: WebhookRequest) -> Sequence[InboundMessage | DeliveryUpdate]:
        """Returns a request's content. Raises Unauthentic and Malformed."""


def chat(
    site: Site,
    inbox: Stores,
    streams: Streams,
    watchers: Watchers,
    keeper: Keeps,
    copies: Copies,
) -> Blueprint:
    blueprint = Blueprint("chat", __name__, url_prefix="/chat")
    door = _Door(site, inbox, streams, watchers, keeper, copies)
    blueprint.before_request(door.check)
    blueprint.after_request(door.let_read)
    blueprint.register_error_handler(Refused, refusal)
    blueprint.post("/session")(door.session)
    blueprint.post("/messages")(door.messages)
    blueprint.post("/marks")(door.marks)
    blueprint.post("/files")(door.files)
    blueprint.post("/transcript")(door.transcript)
    blueprint.get("/events")(door.events)
    blueprint.get("/poll")(door.poll)
    blueprint.get("/photos/<token>")(door.photo)
    blueprint.get("/<name>.js")(door.file)
    return blueprint


class _Door:
    """Views of the routes, without state between requests."""

    def __init__(
        self,
        site: Site,
        inbox: Stores,
        streams: Streams,
        watchers: Watchers,
        keeper: Keeps,
        copies: Copies,
    ) -> None:
        self._site, self._inbox, self._keeper, self._copies = site, inbox, keeper, copies
        self._streams, self._watchers = streams, watchers
        self._limits = rates.Limits()
        self._files = WidgetFiles()

    # -- before and after every request

    def check(self) -> None:
        """Checks the origin, the rate limit and the body size."""
        if request.method == "OPTIONS" or request.endpoint == "chat.file":
            return
        origin = request.headers.get("Origin")
        is_foreign = origin not in self._site.origins if origin else request.method == "POST"
        if is_foreign:
            raise Refused(403, "origin", "This website is not allowed to use the chat.")
        self._limit(rates.EVERYTHING, "everything", _network())
        largest = LARGEST_UPLOAD if request.endpoint == "chat.files" else LARGEST
        if (request.content_length or 0) > largest:
            raise Refused(413, "too_long", "This message is too long.")

    def let_read(self, response: Response) -> Response:
        """Adds the CORS headers."""
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
        """Creates or renews a session."""
        try:
            session = self._site.sessions.begin(before=bearer(), identity=identity())
        except Unauthentic as error:
            logger.warning("identity refused", extra={"why": str(error)})
            raise Refused(401, "identity", "This identity is not valid.") from None
        # Many anonymous visitors must not lock out a customer at the same address.
        is_known = self._site.sessions.is_known(session.visitor)
        who = session.visitor.address if is_known else _network()
        self._limit(rates.SESSIONS, "session", who)
        return jsonify(
            token=session.token,
            expires_in=session.expires_in,
            visitor=session.visitor.address,
            max_length=self._site.longest_text,
            transcript=self._copies.is_on,
        )

    def messages(self) -> tuple[Response, int]:
        """Receives a message. Responds after it is stored."""
        visitor = self._visitor()
        self._limit(rates.MESSAGES, "messages", visitor.address)
        self._limit(rates.MESSAGES_OF_NETWORK, "messages of network", _network())
        arrivals = self._received()
        if self._streams.visitors.has_much_waiting(visitor.address):
            raise Refused(
                429,
                "too_often",
                "Too many messages. Please wait until they have been processed.",
                LATER,
            )
        self._store(arrivals)
        self._watchers.wake(visitor.address)
        (said,) = (one for one in arrivals if isinstance(one, InboundMessage))
        return jsonify(id=said.fields["id"]), 202

    def marks(self) -> tuple[str, int]:
        """Receives read marks for messages to this visitor."""
        visitor = self._visitor()
        self._limit(rates.MARKS, "marks", visitor.address)
        news = [one for one in self._received() if isinstance(one, DeliveryUpdate)]
        self._store(self._streams.visitors.credible(visitor.address, news))
        return "", 204

    def files(self) -> tuple[Response, int]:
        """Receives a file as the body. Responds after it and its message are stored."""
        visitor = self._visitor()
        self._limit(rates.FILES, "files", visitor.address)
        self._limit(rates.FILES_OF_NETWORK, "files of network", _network())
        message_id = request.args.get("id", "")
        token, file = self._keep(visitor, message_id)
        self._store([self._uploaded(visitor, message_id, token, file.content_type)])
        self._watchers.wake(visitor.address)
        return jsonify(id=message_id), 202

    def transcript(self) -> tuple[str, int]:
        """E-mails the visitor their own conversation."""
        visitor = self._visitor()
        if not self._copies.is_on:
            raise Refused(404, "off", "There is no mail server.")
        asked_for = transcript()
        recipient = hashlib.sha256(asked_for.to.strip().lower().encode()).hexdigest()
        self._limit(rates.TRANSCRIPTS, "transcripts", visitor.address)
        self._limit(rates.TRANSCRIPTS_OF_NETWORK, "transcripts of network", _network())
        self._limit(rates.TRANSCRIPTS, "transcripts to recipient", recipient)
        self._limit(rates.TRANSCRIPTS_OF_ALL, "transcripts of all", "")
        try:
            to = asked_for.to.strip()
            self._copies.request(self._site.kind, visitor.address, to, asked_for.locale)
        except Malformed as error:
            raise Refused(400, "address", str(error)) from None
        return "", 202

    def _uploaded(self, visitor: Visitor, message_id: str, token: str, kind: str) -> InboundMessage:
        url = f"{OURS}{token}"
        return self._site.uploaded(visitor, message_id, url, kind, _network())

    def _keep(self, visitor: Visitor, message_id: str) -> tuple[str, File]:
        """Stores the file and returns its token."""
        token, kind = new_token(), request.mimetype
        try:
            message = self._uploaded(visitor, message_id, token, kind)
            fetched = Fetched(kind, file_name(), upload())
            return self._keeper.keep(message, fetched, token)
        except Malformed as error:
            raise Refused(400, "malformed", str(error)) from None
        except Unacceptable as error:
            raise Refused(415, "file", str(error)) from None
        except Exhausted as error:
            logger.warning("upload over its quota", extra={"limit": error.limit})
            seconds = max(1, math.ceil(error.retry_after))
            raise Refused(429, "too_often", str(error), seconds) from None

    def events(self) -> Response:
        """Streams changes while the page is open."""
        visitor = self._looking()
        cursor = cursor_of(request.headers.get("Last-Event-ID", ""))
        try:
            room, body = self._streams.stream(visitor.address, cursor, request.remote_addr or "")
        except Full:
            raise Refused(
                503, "full", "Too many open streams. Please poll instead.", LATER
            ) from None
        response = Response(body, mimetype="text/event-stream")
        response.call_on_close(room.close)  # also if the stream was never started
        response.headers["Cache-Control"] = "no-cache"
        response.headers["X-Accel-Buffering"] = "no"
        return response

    def poll(self) -> Response:
        """Returns changes since the last poll; waits for some if requested and if there is room."""
        visitor = self._looking()
        after, _, tag = request.args.get("after", "").partition("~")
        client = request.remote_addr or ""
        place, wait = cursor_of(after), wait_of()
        body = self._streams.poll(visitor.address, place, tag, wait, client)
        return Response(body, mimetype="application/json")

    def file(self, name: str) -> Response:
        """Returns the widget."""
        return self._files.answer(f"{name}.js") or Response("", 404)

    def photo(self, token: str) -> Response:
        """Returns an agent's photo: for an `img`, which sends neither a session nor an origin."""
        return self._streams.photos.answer(token)

    # -- shared

    def _visitor(self) -> Visitor:
        try:
            return self._site.sessions.visitor(bearer())
        except Unauthentic:
            raise Refused(401, "token", "The session is not valid or has expired.") from None

    def _looking(self) -> Visitor:
        visitor = self._visitor()
        self._limit(rates.LOOKS, "looks", visitor.address)
        return visitor

    def _limit(self, items: list[RateLimitItem], what: str, who: str) -> None:
        seconds = self._limits.seconds_to_wait(items, what, who)
        if seconds:
            logger.warning("chat request over its limit", extra={"limit": what})
            raise Refused(429, "too_often", "Too many requests. Please wait.", seconds)

    def _received(self) -> Sequence[InboundMessage | DeliveryUpdate]:
        """Parses the request with the channel."""
        arrived = WebhookRequest(
            path=request.path,
            query="",
            headers={name.lower(): value for name, value in request.headers.items()},
            body=request.get_data(cache=False),
            form=(),
            network=_network(),
        )
        try:
            return self._site.receive(arrived)
        except Unauthentic:
            raise Refused(401, "token", "The session is not valid or has expired.") from None
        except Malformed as error:
            raise Refused(400, "malformed", str(error)) from None

    def _store(self, arrivals: Sequence[InboundMessage | DeliveryUpdate]) -> None:
        try:
            for arrival in arrivals:
                store(self._inbox, arrival)
        except Malformed as error:
            raise Refused(400, "malformed", str(error)) from None


def _network() -> str:
    return network_of(request.remote_addr)
