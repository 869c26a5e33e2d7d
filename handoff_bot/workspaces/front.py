"""The web side of several workspaces: finds out which one a request is for, and passes it on."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from flask import Blueprint, Response, jsonify, request
from slack_bolt.adapter.flask.handler import to_bolt_request, to_flask_response
from slack_bolt.request import BoltRequest
from werkzeug.wrappers import Response as BaseResponse

from handoff_bot.domain.roles import Home
from handoff_bot.settings import Settings
from handoff_bot.slack.incoming.app import signed_request
from handoff_bot.slack.incoming.teams import home_of, is_of_another_bot, is_whole_revocation
from handoff_bot.web.application import create_web
from handoff_bot.web.health import Operators
from handoff_bot.workspaces.folders import PATH, Workspace
from handoff_bot.workspaces.metrics import metrics_of_several

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    from handoff_bot.slack.installations import Flow

logger = logging.getLogger(__name__)

NOT_BELOW = ("/slack/",)
"""Paths that a workspace has only through the address of the process: Slack has one for all."""
UNKNOWN_WORKSPACE = "This Slack workspace is not set up in this Handoff. Ask its operator."


WAITING = frozenset({"starting", "failed"})
"""States of a workspace whose requests cannot be handled yet."""


@dataclass(frozen=True)
class State:
    """The state of one workspace.

    Attributes:
        name: "running", "starting", "cut off" (its app was removed), "not installed" or "failed".
        why: the problem, without any value of a setting.
    """

    name: str
    why: str = ""

    @property
    def is_trouble(self) -> bool:
        return self.name in ("cut off", "failed")


class Serving(Protocol):
    """What is served of a workspace."""

    @property
    def bot_user(self) -> str: ...

    @property
    def workspace(self) -> Workspace: ...

    @property
    def handoff(self) -> Any: ...


class Served(Protocol):
    """All workspaces of the process."""

    def at(self, slug: str) -> Serving | None: ...

    def of(self, home: Home) -> Serving | None: ...

    def every(self) -> Sequence[Serving]: ...

    def states(self) -> dict[str, State]: ...

    def cut_off(self, home: Home) -> None: ...

    def installed(self) -> None: ...


class Front:
    """The WSGI application of the process."""

    def __init__(self, settings: Settings, workspaces: Served, flow: Flow | None) -> None:
        self._workspaces = workspaces
        operators = Operators(settings.METRICS_TOKEN.get_secret_value())
        secret = settings.SLACK_SIGNING_SECRET.get_secret_value()
        routes = [
            _slack(secret, workspaces),
            _health(operators, workspaces),
            metrics_of_several(operators, self._scrapes, self._ups),
        ]
        if flow:
            routes.append(_installing(flow, workspaces))
        self._own = create_web(routes, proxies=settings.TRUSTED_PROXIES)

    def _scrapes(self) -> dict[str, str]:
        """Returns what each workspace answers to this request for metrics."""
        answers = {
            one.workspace.slug: Response.from_app(one.handoff.web, _own_environ())
            for one in self._workspaces.every()
        }
        return {
            slug: answer.get_data(as_text=True)
            for slug, answer in answers.items()
            if answer.status_code == 200
        }

    def _ups(self) -> dict[str, bool]:
        states = self._workspaces.states()
        return {slug: state.name == "running" for slug, state in states.items()}

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        web, below = self._wanted(environ)
        return web(below, start)

    def _wanted(self, environ: WSGIEnvironment) -> tuple[WSGIApplication, WSGIEnvironment]:
        """Returns who answers, and the request as that workspace sees it: without the prefix, as
        behind a proxy whose address is its PUBLIC_BASE_URL.
        """
        path = environ["PATH_INFO"]
        if not path.startswith(PATH):
            return self._own, environ
        slug, _, rest = path[len(PATH) :].partition("/")
        one = self._workspaces.at(slug)
        if one is None:
            known = slug in self._workspaces.states()
            return (_unavailable if known else self._own), environ
        inner = f"/{rest.lstrip('/')}"  # Werkzeug also finds a route behind two slashes
        if inner.startswith(NOT_BELOW):
            return self._own, environ
        return one.handoff.web, {**environ, "PATH_INFO": inner}


def _own_environ() -> dict[str, Any]:
    """Returns the current request as it arrived, without what Flask has added."""
    added = ("flask.", "werkzeug.")
    return {key: value for key, value in request.environ.items() if not key.startswith(added)}


def _unavailable(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
    """Answers for a workspace that is not running: the provider tries again."""
    response = Response("This workspace is not available.\n", 503, mimetype="text/plain")
    response.headers["Retry-After"] = "60"
    return response(environ, start)


def _slack(signing_secret: str, workspaces: Served) -> Blueprint:
    blueprint = Blueprint("several", __name__)

    @blueprint.post("/slack/events")
    def receive() -> BaseResponse:
        environ = _own_environ()
        data = request.get_data(cache=False)
        signed = signed_request(data, signing_secret)
        if isinstance(signed, Response):
            return signed
        if signed.body.get("type") == "url_verification":
            return jsonify(challenge=str(signed.body.get("challenge")))
        return _passed_on(signed, workspaces, environ, data)

    return blueprint


def _passed_on(
    signed: BoltRequest, workspaces: Served, environ: dict[str, Any], data: bytes
) -> BaseResponse:
    home = home_of(signed)
    if is_whole_revocation(signed.body):
        workspaces.cut_off(home)
        return Response("", 200)
    one = workspaces.of(home)
    if one is None:
        logger.warning("request for an unknown workspace", extra={"team": home.team_id[:40]})
        # Its folder may be one that does not run now; then Slack has to send it again.
        if any(state.name in WAITING for state in workspaces.states().values()):
            return Response("", 503)
        is_command = isinstance(signed.body.get("command"), str)
        return Response(UNKNOWN_WORKSPACE if is_command else "", 200, mimetype="text/plain")
    if is_of_another_bot(signed.body, one.bot_user):
        logger.warning("click on another workspace's message", extra={"team": home.key[:40]})
        return Response("", 200)
    return Response.from_app(one.handoff.web, _with_body(environ, data))


def _with_body(environ: dict[str, Any], data: bytes) -> dict[str, Any]:
    """Returns the request as it arrived, with the body that was read."""
    return {**environ, "wsgi.input": io.BytesIO(data), "CONTENT_LENGTH": str(len(data))}


def _installing(flow: Flow, workspaces: Served) -> Blueprint:
    """Returns the routes of Bolt's OAuth flow. They change nothing without Slack's answer and the
    state in the browser's cookie.
    """
    blueprint = Blueprint("installing", __name__)

    @blueprint.get(flow.install_path)
    def install() -> Response:
        return to_flask_response(flow.begin(to_bolt_request(request)))

    @blueprint.get(flow.redirect_uri_path)
    def redirected() -> Response:
        answer = to_flask_response(flow.end(to_bolt_request(request)))
        workspaces.installed()
        return answer

    return blueprint


def _health(operators: Operators, workspaces: Served) -> Blueprint:
    blueprint = Blueprint("several-health", __name__)

    @blueprint.get("/livez")
    def livez() -> Response:
        return jsonify(status="ok")

    @blueprint.get("/readyz")
    def readyz() -> Response:
        return jsonify(status="ready")

    @blueprint.get("/healthz")
    def healthz() -> Response:
        states = workspaces.states()
        is_well = not any(state.is_trouble for state in states.values())
        body: dict[str, Any] = {"status": "ok" if is_well else "degraded", "process": "ok"}
        if operators.may_see(request):
            body["workspaces"] = {
                slug: {"state": state.name, "why": state.why} for slug, state in states.items()
            }
        return jsonify(body)

    return blueprint
