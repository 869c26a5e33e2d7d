"""What the website chat reads of a request, and how it refuses one."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Response, jsonify, request
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from werkzeug.wsgi import get_input_stream

from handoff_bot.domain.errors import Malformed
from handoff_bot.domain.visitors import Cursor
from handoff_bot.services.files import LARGEST_UPLOAD
from handoff_bot.web.chat_stream import LONGEST_POLL

LARGEST = 32 * 1024
"""Bytes of a request's body: 4,000 characters, each escaped, and some air."""
_LONGEST_NAME = 255
_LONGEST_IDENTITY = 4096


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


def refusal(refused: Refused) -> Response:
    """The answer."""
    response = jsonify(error=refused.code, message=refused.message)
    response.status_code = refused.status
    if refused.retry_after:
        response.headers["Retry-After"] = str(refused.retry_after)
    return response


class _Session(BaseModel):
    """What a browser sends for a session; `identity` is what its website has signed."""

    model_config = ConfigDict(extra="ignore", strict=True, hide_input_in_errors=True)

    identity: str | None = Field(None, max_length=_LONGEST_IDENTITY)


def identity() -> str:
    """The identity in the body of a request for a session, "" for none."""
    try:
        return _Session.model_validate_json(request.get_data(cache=False)).identity or ""
    except ValidationError as error:
        where = {".".join(map(str, detail["loc"])) for detail in error.errors()}
        what = "identity must be text" if where == {"identity"} else "The body must be an object"
        raise Refused(400, "malformed", f"{what} in standard JSON.") from None


def upload() -> bytes:
    """The body, which is larger than any other: Flask's own limit does not count for it."""
    if request.content_length is None:
        raise Refused(411, "length", "Send a Content-Length header.")
    stream = get_input_stream(request.environ, max_content_length=LARGEST_UPLOAD)
    return stream.read(LARGEST_UPLOAD + 1)


def file_name() -> str:
    """What the visitor calls the file."""
    return request.args.get("name", "")[:_LONGEST_NAME]


def bearer() -> str:
    """The session's token, "" for none."""
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else ""


def cursor(text: str) -> Cursor:
    """A place in the conversation."""
    try:
        return Cursor.parse(text.partition("~")[0])
    except Malformed as error:
        raise Refused(400, "malformed", str(error)) from None


def wait() -> float:
    """Seconds that a poll may wait."""
    try:
        return min(float(request.args.get("wait", "0")), LONGEST_POLL)
    except ValueError:
        raise Refused(400, "malformed", "wait must be a number of seconds.") from None
