"""Serves the page, its files and its API, on loopback and only to the page itself."""

from __future__ import annotations

import json
import re
import threading
from pathlib import Path
from typing import Any

from flask import Blueprint, Flask, Response, redirect, request, send_from_directory
from werkzeug.exceptions import HTTPException, NotFound
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from handoff_sandbox.journal import Entry
from handoff_sandbox.page import jobs, look_ups
from handoff_sandbox.page.actions import Actions
from handoff_sandbox.page.mirror import Mirror
from handoff_sandbox.page.stage import Stage
from handoff_sandbox.server import HOST

SANDBOX = Path(__file__).resolve().parents[1]
STATIC, SHOP = SANDBOX / "static", SANDBOX / "shop"
LARGEST = 30 * 1024 * 1024
"""Limit in bytes of a request: files are sent in base64."""
JOURNAL_PAGE = 500
PATIENCE = 5
PICTURES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
"""Types that are shown; all others are only downloaded."""
_ABOUT = re.compile(
    r"(?:whatsapp:)?(\+\d{6,15})|\b(\d{10}\.\d{6})\b|((?:visitor|user):[\w-]{4,64})"
)


class PageServer:
    """The server of a stage's page.

    Args:
        port: 0 for any free one.

    Raises:
        OSError: the port is taken.
    """

    def __init__(self, stage: Stage, port: int) -> None:
        self._stage = stage
        self._mirror = Mirror(stage.look)
        self._server = _listen(_application(stage, self._mirror, port), port)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True)
        self.url = f"http://{HOST}:{self._server.server_port}"

    def start(self) -> PageServer:
        """Starts the server; returns itself."""
        self._mirror.start()
        self._thread.start()
        return self

    def stop(self) -> None:
        """Closes all connections and threads."""
        self._mirror.stop()
        self._server.shutdown()
        self._thread.join(PATIENCE)
        self._server.server_close()


def origins(port: int) -> tuple[str, ...]:
    """The addresses under which a browser may show the page."""
    return f"http://{HOST}:{port}", f"http://localhost:{port}"


class _Quiet(WSGIRequestHandler):
    """Without access log: the page has a journal."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Logs nothing."""


def _listen(app: Flask, port: int) -> BaseWSGIServer:
    return make_server(HOST, port, app, threaded=True, request_handler=_Quiet)


def _application(stage: Stage, mirror: Mirror, port: int) -> Flask:
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = LARGEST
    guard = _Guard(stage, port)
    app.before_request(guard.check)
    app.after_request(guard.protect)
    app.register_error_handler(HTTPException, _refusal)
    app.register_blueprint(_pages(stage))
    app.register_blueprint(_api(stage, mirror))
    return app


class _Guard:
    """Prevents other websites from using the sandbox through a visitor's browser."""

    def __init__(self, stage: Stage, port: int) -> None:
        self._stage = stage
        self._origins = frozenset(origins(port))
        self._hosts = frozenset(origin.removeprefix("http://") for origin in self._origins)

    def check(self) -> Response | None:
        """Allows only our own host names, and changes only from our own page."""
        if request.host not in self._hosts:
            return Response("This is not the sandbox's address.\n", 421)
        if request.method == "GET":
            return None
        origin = request.headers.get("Origin")
        if origin is not None and origin not in self._origins:
            return Response("This is another website.\n", 403)
        if request.mimetype != "application/json":
            return Response("Send JSON.\n", 415)
        return None

    def protect(self, response: Response) -> Response:
        """Adds the security headers to a response."""
        bot = self._stage.world.bot_url
        is_shop = request.path.startswith("/shop")
        response.headers["Content-Security-Policy"] = _shop_policy(bot) if is_shop else _POLICY
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers.setdefault("Cache-Control", "no-cache")
        return response


_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; frame-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
"""React uses inline styles; inline scripts are forbidden."""


def _shop_policy(bot: str) -> str:
    """A shop's strict policy: the chat widget needs only the bot's address."""
    return (
        f"default-src 'none'; script-src {bot}; connect-src {bot}; style-src 'self'; "
        f"img-src 'self' {bot}; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
    )


def _pages(stage: Stage) -> Blueprint:
    """The page, the shop, and sent files."""
    pages = Blueprint("pages", __name__)

    @pages.get("/")
    def root() -> Any:
        return redirect("/sandbox")

    @pages.get("/sandbox")
    @pages.get("/sandbox/")
    def page() -> Response:
        return send_from_directory(STATIC, "index.html")

    @pages.get("/sandbox/<path:name>")
    def asset(name: str) -> Response:
        return send_from_directory(STATIC, name)

    @pages.get("/shop/")
    def shop() -> Response:
        text = (SHOP / "index.html").read_text(encoding="utf-8")
        return Response(text.replace("{{bot_url}}", stage.world.bot_url), mimetype="text/html")

    @pages.get("/shop/<path:name>")
    def shop_file(name: str) -> Response:
        return send_from_directory(SHOP, name)

    @pages.get("/sandbox/media/<sid>")
    def media(sid: str) -> Response:
        file = stage.phones.file(sid)
        return _sent(file.content, file.content_type) if file else _sent(None, "")

    @pages.get("/sandbox/files/<file_id>")
    def slack_file(file_id: str) -> Response:
        file = stage.slack.file(file_id)
        return _sent(file.content, file.mimetype) if file else _sent(None, "")

    return pages


def _api(stage: Stage, mirror: Mirror) -> Blueprint:
    """The API of the page's script."""
    api = Blueprint("api", __name__, url_prefix="/sandbox/api")
    actions = Actions(stage)

    @api.get("/state")
    def state() -> Response:
        return Response(mirror.state(), mimetype="application/json")

    @api.get("/events")
    def events() -> Response:
        return Response(mirror.stream(), mimetype="text/event-stream")

    @api.get("/journal")
    def journal() -> Response:
        after = request.args.get("after", "0")
        number = int(after) if after.isascii() and after.isdigit() else 0
        found = stage.journal.after(number, JOURNAL_PAGE)
        ours = {stage.twilio.sms_number, stage.twilio.whatsapp_number.removeprefix("whatsapp:")}
        return _json({"entries": [_entry(at, entry, ours) for at, entry in found]})

    @api.get("/jobs")
    def newest_jobs() -> Response:
        return _json({"jobs": jobs.newest(stage.database)})

    @api.get("/look-ups")
    def newest_look_ups() -> Response:
        return _json({"look_ups": look_ups.newest(stage.database)})

    @api.post("/do/<name>")
    def do(name: str) -> Response:
        details = request.get_json(silent=True)
        if not isinstance(details, dict):
            return _json({"ok": False, "error": "The body must be a JSON object."})
        result = actions.do(name, details)
        mirror.refresh()
        return _json(result)

    return api


def _json(content: object) -> Response:
    return Response(json.dumps(content), mimetype="application/json")


def _sent(content: bytes | None, content_type: str) -> Response:
    """A sent file: pictures are shown, everything else is downloaded."""
    if content is None:
        raise NotFound
    if content_type in PICTURES:
        return Response(content, mimetype=content_type)
    response = Response(content, mimetype="application/octet-stream")
    response.headers["Content-Disposition"] = "attachment"
    return response


def _entry(number: int, entry: Entry, ours: set[str]) -> dict[str, Any]:
    """Returns an entry in the page's format, with the names of its conversations."""
    text = f"{entry.path} {json.dumps(entry.request)} {json.dumps(entry.response)}"
    about = {next(name for name in found if name) for found in _ABOUT.findall(text)}
    return {"number": number, **vars(entry), "about": sorted(about - ours)}


def _refusal(error: HTTPException) -> Response:
    return Response(f"{error.name}\n", error.code, mimetype="text/plain")
