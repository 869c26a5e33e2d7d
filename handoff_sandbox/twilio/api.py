"""Twilio's REST API as the official client calls it, with all hosts at one address."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from flask import Flask, Response, jsonify, request
from werkzeug.exceptions import HTTPException

from handoff_sandbox.twilio import shapes
from handoff_sandbox.twilio.account import Account
from handoff_sandbox.twilio.messages import FINAL, Message, StoredFile
from handoff_sandbox.twilio.refusals import NOT_FOUND, Refusal

CDN = "/cdn/"
"""Paths of another host, where files are stored and credentials must not be sent."""

_MOST = 1000
_REALM = 'Basic realm="Twilio API"'


class Api:
    """The views of one account."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def put_on(self, app: Flask) -> None:
        """Adds Twilio's routes to a Flask app."""
        app.json.sort_keys = False  # type: ignore[attr-defined] # of the default provider, which this is
        app.before_request(self._authorise)
        app.register_error_handler(Refusal, _refused)
        app.register_error_handler(HTTPException, _unknown)
        base = shapes.root("<account>")
        one = f"{base}/Messages/<sid>"
        for method, path, view in (
            ("POST", f"{base}/Messages.json", self.create),
            ("GET", f"{base}/Messages.json", self.messages),
            ("GET", f"{one}.json", self.fetch),
            ("POST", f"{one}.json", self.update),
            ("DELETE", f"{one}.json", self.delete),
            ("GET", f"{one}/Media.json", self.files),
            ("GET", f"{one}/Media/<media>.json", self.file),
            ("DELETE", f"{one}/Media/<media>.json", self.delete_file),
            ("GET", f"{one}/Media/<media>", self.redirect),
            ("GET", f"{CDN}<sid>/<media>", self.content),
            ("POST", "/v2/Indicators/Typing.json", self.typing),
        ):
            app.add_url_rule(path, view.__name__, view, methods=[method])

    def _authorise(self) -> None:
        if request.path.startswith(CDN):
            if "Authorization" in request.headers:
                raise Refusal(400, 20001, "Credentials do not belong here")
            return
        given = request.authorization
        user, password = (given.username, given.password) if given else (None, None)
        if not self._account.secrets.admit(user or "", password or ""):
            raise Refusal(401, 20003, "Authenticate")
        if (request.view_args or {}).get("account", self._account.sid) != self._account.sid:
            raise Refusal(*NOT_FOUND)

    # -- messages

    def create(self, account: str) -> tuple[Response, int]:
        """Creates a message."""
        message = self._account.take(request.form)
        answer = jsonify(shapes.message(account, message))  # before its delivery starts
        self._account.deliver(message)
        return answer, 201

    def messages(self, account: str) -> Response:
        """Returns a page of messages, newest first."""
        page, token = _asked()
        wanted = _Filter(page.filters)
        every = self._account.messages.newest_first(page.filters.get("To"))
        found = [one for one in every if wanted.fits(one)]
        by_number = page.number * page.size
        start = next((n for n, one in enumerate(found) if f"PA{one.sid}" == token), by_number)
        shown, rest = found[start : start + page.size], found[start + page.size :]
        following = f"PA{rest[0].sid}" if rest else None
        items = [shapes.message(account, one) for one in shown]
        return jsonify(page.show("messages", items, following))

    def fetch(self, account: str, sid: str) -> Response:
        """Returns one message."""
        return jsonify(shapes.message(account, self._message(sid)))

    def update(self, account: str, sid: str) -> Response:
        """Redacts a message; nothing else can be changed."""
        message = self._message(sid)
        if request.form.to_dict(flat=False) != {"Body": [""]}:
            raise Refusal(400, 20001, "Only an empty Body can be given")
        self._account.messages.redact(message)
        return jsonify(shapes.message(account, message))

    def delete(self, account: str, sid: str) -> tuple[str, int]:
        """Deletes a message and its files."""
        message = self._message(sid)
        if message.status not in FINAL:
            raise Refusal(409, 20009, "Cannot delete this resource before it is complete")
        self._account.messages.remove(message)
        return "", 204

    def _message(self, sid: str) -> Message:
        found = self._account.messages.get(sid)
        if found is None:
            raise Refusal(*NOT_FOUND)
        return found

    # -- files

    def files(self, account: str, sid: str) -> Response:
        """Returns the files of a message."""
        page, _ = _asked()
        message = self._message(sid)
        items = [shapes.stored_file(account, message, file) for file in self._there(message)]
        return jsonify(page.show("media_list", items, None))

    def file(self, account: str, sid: str, media: str) -> Response:
        """Returns the metadata of a file."""
        message, file = self._file(sid, media)
        return jsonify(shapes.stored_file(account, message, file))

    def delete_file(self, account: str, sid: str, media: str) -> tuple[str, int]:
        """Deletes one file of a message."""
        message, file = self._file(sid, media)
        self._account.messages.drop_file(message, file)
        return "", 204

    def redirect(self, account: str, sid: str, media: str) -> Response:
        """Redirects to the file, on another host."""
        self._file(sid, media)
        return Response(
            status=302, headers={"Location": f"{request.host_url[:-1]}{CDN}{sid}/{media}"}
        )

    def content(self, sid: str, media: str) -> Response:
        """Returns the file's content."""
        _, file = self._file(sid, media)
        answer = Response(file.content, content_type=file.content_type)
        if file.name:
            named = quote(file.name, safe="")
            answer.headers["Content-Disposition"] = f"inline; filename*=UTF-8''{named}"
        return answer

    def _file(self, sid: str, media: str) -> tuple[Message, StoredFile]:
        message = self._message(sid)
        for file in self._there(message):
            if file.sid == media:
                return message, file
        raise Refusal(*NOT_FOUND)

    def _there(self, message: Message) -> Iterable[StoredFile]:
        """Returns the files that are available: Twilio's webhook may be faster than its storage."""
        is_there = self._account.now() - message.created >= self._account.media_delay
        return message.files if is_there else ()

    # -- indicators

    def typing(self) -> Response:
        """Shows the customer a typing indicator."""
        message = self._account.messages.get(request.form.get("messageId", ""))
        if request.form.get("channel") != "whatsapp" or not (message and message.is_whatsapp):
            raise Refusal(400, 20001, "Invalid parameter: channel or messageId")
        return jsonify(success=True)


class _Filter:
    """The filters of a list of messages; dates as days or moments, both ends included."""

    def __init__(self, given: Any) -> None:
        self._sender = given.get("From")
        day = given.get("DateSent")
        self._since = _moment(given.get("DateSent>") or (day and day[:10]))
        self._until = _moment(given.get("DateSent<") or (day and day[:10]), is_end=True)

    def fits(self, message: Message) -> bool:
        """Whether a message matches."""
        if self._sender not in (None, message.sender):
            return False
        sent = message.sent and message.sent.replace(microsecond=0)
        if self._since and not (sent and sent >= self._since):
            return False
        return not self._until or bool(sent and sent <= self._until)


def _moment(text: str | None, *, is_end: bool = False) -> datetime | None:
    """Returns the start of a day, or its end."""
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise Refusal(400, 20001, "Invalid parameter: DateSent") from None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return at + timedelta(days=1, seconds=-1) if is_end and len(text) == 10 else at


def _asked() -> tuple[shapes.Page, str | None]:
    """Returns the requested page of a list, and the token of its start."""
    query = request.args.to_dict()
    number, size = query.pop("Page", "0"), query.pop("PageSize", "50")
    token = query.pop("PageToken", None)
    if not (number.isdecimal() and size.isdecimal() and 1 <= int(size) <= _MOST):
        raise Refusal(400, 20001, "Invalid parameter: Page or PageSize")
    return shapes.Page(request.path, query, int(number), int(size)), token


def _refused(refusal: Refusal) -> tuple[Response, int]:
    answer = jsonify(shapes.problem(refusal.status, refusal.code, str(refusal)))
    if refusal.status == 401:
        answer.headers["WWW-Authenticate"] = _REALM
    return answer, refusal.status


def _unknown(error: HTTPException) -> tuple[Response, int]:
    """Twilio's error for an unknown path or method."""
    status = error.code or 500
    code = {404: 20404, 405: 20004}.get(status, 20500)
    return jsonify(shapes.problem(status, code, error.name)), status
