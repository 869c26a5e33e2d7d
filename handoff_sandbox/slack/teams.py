"""Slack for an app that is installed in several workspaces: one address, installation by OAuth."""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import parse_qs, urlencode, urlsplit

from flask import Flask, Response, request

from handoff_sandbox.server import Answer, Faults, Journal, Server, json_answer
from handoff_sandbox.slack.payloads import Json
from handoff_sandbox.slack.stand_in import APP, SlackStandIn

CLIENT_ID, CLIENT_SECRET = "1234567890.0987654321", "sandbox-client-secret"
_IN_HOURS = 43_200
"""Seconds that an expiring token lives."""


@dataclass
class _Grant:
    """An approval by a person, until the app has fetched its token."""

    team: SlackStandIn
    redirect_uri: str


class SlackTeams:
    """The Web API for the tokens of several stand-ins, and their installation.

    Args:
        teams: each keeps its own journal, and answers calls with its bot token.

    Attributes:
        rotates: gives tokens that expire, with refresh tokens.
        organisation: an enterprise id; then an installation is for all of its workspaces.
        uninstalled: the team ids in which the app has removed itself.
    """

    def __init__(self, teams: Iterable[SlackStandIn]) -> None:
        self.teams = list(teams)
        self.journal = Journal()
        self.rotates = False
        self.organisation = ""
        self.uninstalled: list[str] = []
        self._grants: dict[str, _Grant] = {}
        self._refreshes: dict[str, SlackStandIn] = {}
        self._numbers = itertools.count(1)
        app = Flask(__name__, static_folder=None)
        app.add_url_rule("/api/<name>", view_func=self._call, methods=["POST", "GET"])
        self._server = Server(app, "slack", self.journal, Faults())
        self.url, self.api_url = self._server.url, f"{self._server.url}/api/"

    def __enter__(self) -> SlackTeams:
        self._server.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._server.stop()

    # -- what people do

    def approve(self, authorize_url: str, team: SlackStandIn) -> str:
        """A person allows the app in a workspace; returns the address that their browser goes to."""
        asked = parse_qs(urlsplit(authorize_url).query)
        code = f"code-{next(self._numbers)}"
        redirect_uri = asked["redirect_uri"][0]
        self._grants[code] = _Grant(team, redirect_uri)
        return f"{redirect_uri}?{urlencode({'code': code, 'state': asked['state'][0]})}"

    def uninstall(self, team: SlackStandIn) -> None:
        """A person removes the app: its token is dead, and Slack says so in two events."""
        team.tokens.is_revoked = True
        team.announce({"type": "tokens_revoked", "tokens": {"oauth": [], "bot": [team.bot_user]}})
        team.announce({"type": "app_uninstalled"})

    # -- what the app calls

    def _call(self, name: str) -> Response:
        body = request.get_data()
        args = request.values.to_dict()
        if name == "oauth.v2.access":
            return _response(json_answer(200, self._access(args)))
        _, _, token = request.headers.get("Authorization", "").partition(" ")
        team = self._of(token or args.get("token", ""))
        if team is None:
            return _response(json_answer(200, {"ok": False, "error": "invalid_auth"}))
        if name == "apps.uninstall":
            team.tokens.is_revoked = True
            self.uninstalled.append(team.team_id)
            return _response(json_answer(200, {"ok": True}))
        environ = {key: value for key, value in request.environ.items() if "werkzeug." not in key}
        answer = team.exchange({**environ, "wsgi.input": io.BytesIO(body)}, body)
        return _response(answer or json_answer(503, None))

    def _of(self, token: str) -> SlackStandIn | None:
        return next((team for team in self.teams if team.tokens.is_bot(token)), None)

    def _access(self, args: Json) -> Json:
        given = request.authorization  # the SDK sends them so, as Slack recommends
        if given is None or (given.username, given.password) != (CLIENT_ID, CLIENT_SECRET):
            return {"ok": False, "error": "bad_client_secret"}
        if args.get("grant_type") == "refresh_token":
            team = self._refreshes.pop(str(args.get("refresh_token")), None)
            return self._token(team) if team else {"ok": False, "error": "invalid_refresh_token"}
        grant = self._grants.pop(str(args.get("code")), None)
        if grant is None or grant.redirect_uri != args.get("redirect_uri"):
            return {"ok": False, "error": "invalid_code"}
        return self._token(grant.team)

    def _token(self, team: SlackStandIn) -> Json:
        number = next(self._numbers)
        token = f"xoxb-{team.team_id}-{number}"
        team.bot_token = token
        team.tokens.grant(token)
        expiring: Json = {}
        if self.rotates:
            refresh = f"xoxe-1-{team.team_id}-{number}"
            self._refreshes[refresh] = team
            expiring = {"expires_in": _IN_HOURS, "refresh_token": refresh}
        is_org_wide = bool(self.organisation)
        return {
            "ok": True,
            "app_id": APP.app_id,
            "authed_user": {"id": "U0INSTALLER"},
            "scope": team.scopes.header,
            "token_type": "bot",
            "access_token": token,
            "bot_user_id": team.bot_user,
            "team": None if is_org_wide else {"id": team.team_id, "name": team.team_id.title()},
            "enterprise": {"id": self.organisation, "name": "Acme"} if is_org_wide else None,
            "is_enterprise_install": is_org_wide,
            **expiring,
        }


def _response(answer: Answer) -> Response:
    return Response(answer.body, answer.status, answer.headers)
