"""The HTTP side of the stand-in: the Web API, response_urls, Socket Mode and files, as one Flask app."""

from __future__ import annotations

import json
from typing import Any

from flask import Blueprint, Flask, Response, request

from handoff_sandbox.server import SWITCHING_PROTOCOLS, Answer, json_answer
from handoff_sandbox.slack.api import (
    chat_methods,
    conversation_methods,
    item_methods,
    people_methods,
    view_methods,
)
from handoff_sandbox.slack.api.answers import accept_answer
from handoff_sandbox.slack.api.calls import Call, Method
from handoff_sandbox.slack.api.lookups import kinds_of
from handoff_sandbox.slack.api.rates import Rates
from handoff_sandbox.slack.api.tokens import Tokens
from handoff_sandbox.slack.payloads import Json
from handoff_sandbox.slack.state.backstage import Backstage
from handoff_sandbox.slack.state.refusal import Refusal
from handoff_sandbox.slack.state.scopes import METHODS as SCOPES

METHODS: dict[str, Method] = (
    chat_methods.METHODS
    | conversation_methods.METHODS
    | item_methods.METHODS
    | people_methods.METHODS
    | view_methods.METHODS
)

_LOGIN_PAGE = "<!DOCTYPE html><html><head><title>Slack</title></head><body>Sign in</body></html>"
_BALANCER_PAGE = "<html><body><h1>Service Unavailable</h1></body></html>"


def put_on_wire(app: Flask, slack: Backstage, tokens: Tokens, rates: Rates | None) -> None:
    """Adds Slack's routes to a Flask app; without rate limits if `rates` is None."""
    app.register_blueprint(_api(slack, tokens, rates))
    app.register_blueprint(_response_urls(slack))
    app.register_blueprint(_socket_mode(slack))
    app.register_blueprint(_files(slack, tokens))


def fault_answer(status: int) -> Answer:
    """Returns Slack's body of a 429, and a load balancer's HTML for other errors."""
    if status == 429:
        return json_answer(status, {"ok": False, "error": "ratelimited"})
    answer = json_answer(status, None)
    answer.headers["Content-Type"] = "text/html"
    return answer._replace(body=_BALANCER_PAGE.encode())


def _api(slack: Backstage, tokens: Tokens, rates: Rates | None) -> Blueprint:
    api = Blueprint("api", __name__)

    @api.route("/api/<name>", methods=["GET", "POST"])
    def call_method(name: str) -> Response:
        try:
            call = Call(_arguments())
            tokens.check(name, _token(call.args))
            method = METHODS.get(name, _unknown)
            with slack.workspace.changed:
                slack.scopes.check(name, kinds_of(slack, name, call))
                wait = rates.wait_for(name, call.text("channel")) if rates else 0
                slack.refusals.check(name, call.args)
                if not wait:
                    return _json(method(slack, call))
            return _json({"ok": False, "error": "ratelimited"}, 429, {"Retry-After": str(wait)})
        except Refusal as refusal:
            return _json(refusal.answer)

    @api.after_request
    def name_scopes(response: Response) -> Response:
        method = (request.view_args or {}).get("name", "")
        if tokens.is_bot(_token(request.values.to_dict())):
            response.headers["x-oauth-scopes"] = slack.scopes.header
            response.headers["x-accepted-oauth-scopes"] = ",".join(SCOPES.get(method, ()))
        return response

    return api


def _unknown(_slack: Backstage, _call: Call) -> Json:
    raise Refusal("unknown_method")


def _arguments() -> Json:
    """Returns the arguments, from the query, the form or the JSON body.

    Raises:
        Refusal: the body is not a JSON object.
    """
    if request.mimetype != "application/json" or not request.get_data():
        return request.values.to_dict()
    content = request.get_json(silent=True)
    if not isinstance(content, dict):
        raise Refusal("invalid_json")
    return request.args.to_dict() | content


def _token(args: Json) -> str:
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    return token if kind == "Bearer" else str(args.get("token") or "")


def _response_urls(slack: Backstage) -> Blueprint:
    urls = Blueprint("response_urls", __name__)

    @urls.post("/response/<key>")
    def answer(key: str) -> Response:
        content = _answer()
        if content is None:
            return Response("invalid_payload", 400)
        with slack.workspace.changed:
            try:
                origin = slack.response_urls.use(key)
            except Refusal as refusal:
                return _json(refusal.answer, 404)
            try:
                accept_answer(slack, origin, content)
            except Refusal as refusal:
                return _json(refusal.answer, 400)
        return Response("ok")

    return urls


def _answer() -> Json | None:
    content: Any = request.get_json(silent=True)
    if content is None and "payload" in request.form:
        content = json.loads(request.form["payload"])
    return content if isinstance(content, dict) else None


def _socket_mode(slack: Backstage) -> Blueprint:
    sockets = Blueprint("socket_mode", __name__)

    @sockets.route("/link/", websocket=True)
    def link() -> Response:
        ticket = request.args.get("ticket", "")
        with slack.workspace.changed:
            if ticket not in slack.tickets:
                return Response("invalid ticket", 403)
            slack.tickets.remove(ticket)
        slack.courier.socket.serve(request.environ)
        return Response(status=SWITCHING_PROTOCOLS)

    return sockets


def _files(slack: Backstage, tokens: Tokens) -> Blueprint:
    files = Blueprint("files", __name__)

    @files.get("/files-pri/<path:place>")
    def download(place: str) -> Response:
        if not (tokens.is_bot(_token({})) and slack.scopes.has("files:read")):
            return Response(_LOGIN_PAGE, mimetype="text/html")
        file = slack.files.find(place.partition("/")[0].rpartition("-")[2])
        if file is None or file.content is None:
            return Response("Not Found", 404)
        return Response(file.content, mimetype=file.mimetype)

    @files.get("/avatars/<user>.png")
    def avatar(user: str) -> Response:
        person = slack.workspace.people.get(user)
        found = person is not None and bool(person.photo)
        return (
            Response(person.photo, mimetype="image/png") if person and found else Response("", 404)
        )

    @files.post("/upload/<file_id>")
    def upload(file_id: str) -> Response:
        file = slack.files.find(file_id)
        if file is None:
            return Response("Not Found", 404)
        with slack.workspace.changed:
            file.content = _uploaded_bytes()
            file.size = len(file.content)
        return Response(f"OK - {file.size}")

    return files


def _uploaded_bytes() -> bytes:
    """Returns the body, or the only file of a multipart form."""
    if request.mimetype == "multipart/form-data":
        return b"".join(sent.read() for sent in request.files.values())
    return request.get_data()


def _json(content: Json, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    body = json.dumps(content, ensure_ascii=False)
    return Response(body, status, headers, mimetype="application/json")
