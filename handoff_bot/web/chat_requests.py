"""Parses and refuses requests of the website chat."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Response, jsonify, request
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from werkzeug.wsgi import get_input_stream

from handoff_bot.domain.errors import Malformed
from handoff_bot.domain.visitors import Cursor
from handoff_bot.services.delivery.inbound_files import LARGEST_UPLOAD
from handoff_bot.web.chat_stream import LONGEST_POLL

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


def cursor(text: str) -> Cursor:
    try:
        return Cursor.parse(text.partition("~")[0])
    except Malformed as error:
        raise Refused(400, "malformed", str(error)) from None


def wait() -> float:
    """Returns the seconds that a poll may wait."""
    try:
        return min(float(request.args.get("wait", "0")), LONGEST_POLL)
    except ValueError:
        raise Refused(400, "malformed", "wait must be a number of seconds.") from None
