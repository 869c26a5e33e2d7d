"""A workspace with one app, served like Slack."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import Any

from flask import Flask

from handoff_sandbox.server import Answer, Faults, Journal, Server
from handoff_sandbox.slack.api.rates import Rates
from handoff_sandbox.slack.api.tokens import Tokens
from handoff_sandbox.slack.api.web import fault_answer, put_on_wire
from handoff_sandbox.slack.delivery.deliveries import Deliveries
from handoff_sandbox.slack.delivery.links import ACK_DEADLINE, Courier, HttpLink, SocketLink
from handoff_sandbox.slack.payloads import Json
from handoff_sandbox.slack.state.backstage import Backstage
from handoff_sandbox.slack.state.files import Files
from handoff_sandbox.slack.state.herald import SUBSCRIPTIONS, Herald
from handoff_sandbox.slack.state.messages import SlackChannel
from handoff_sandbox.slack.state.people import Person, UserGroup
from handoff_sandbox.slack.state.scopes import Scopes
from handoff_sandbox.slack.state.screens import Screens
from handoff_sandbox.slack.state.triggers import ResponseUrls, Triggers
from handoff_sandbox.slack.state.views import Views
from handoff_sandbox.slack.state.workspace import App, Clock, Workspace
from handoff_sandbox.slack.ui.attending import Attending
from handoff_sandbox.slack.ui.inspection import Inspection
from handoff_sandbox.slack.ui.modals import Windows
from handoff_sandbox.slack.ui.stage import Deliver
from handoff_sandbox.slack.ui.talking import Talking

APP = App(app_id="A0SBXHANDOFF", bot_id="B0SBXHANDOFF", user_id="U0SBXHANDOFF", name="handoff")
TEAM = "T0SBXTEAM"
"""Ids that look like Slack's but are recognisably not real."""


class SlackStandIn(Talking, Attending, Windows, Inspection):
    """Slack, for the unmodified slack_sdk and Bolt: `WebClient(token=…, base_url=slack.api_url)`.

    Args:
        journal, faults: shared with other stand-ins; their own if None.
        port: 0 for any free one.
        team_id: of the workspace.
        bot_token, app_token, signing_secret: the only accepted ones.
        events_url: the bot's request URL for events, interactions and commands. "" sends everything
            through Socket Mode. May be set later, as `events_url`.
        subscriptions: names as in a manifest's `bot_events`; other events are not sent.
        scopes: the granted scopes; None for all. Methods that need another one answer missing_scope.
        deliver: "sync" makes people's actions return only after the bot has received them.
        retries: seconds after a failed delivery of an event until the next attempt, for each retry.
        ack_deadline: seconds that the bot has to answer.
        enforce_limits: answer 429 according to Slack's tiers.
        now: seconds since the epoch.

    Attributes:
        url, api_url: the addresses.
        tokens: set `tokens.is_revoked` to uninstall the app.
        scopes: set `scopes.granted` to reinstall it with other scopes.
        bot_user: the id of the app's user.
        refusals: add error codes for calls to refuse.
    """

    def __init__(
        self,
        journal: Journal | None = None,
        faults: Faults | None = None,
        *,
        port: int = 0,
        team_id: str = TEAM,
        bot_token: str = "xoxb-sandbox",  # noqa: S107 - opens nothing but this stand-in
        app_token: str = "xapp-sandbox",  # noqa: S107 - the same
        signing_secret: str = "sandbox-signing-secret",  # noqa: S107 - the same
        events_url: str = "",
        subscriptions: Iterable[str] = SUBSCRIPTIONS,
        scopes: Iterable[str] | None = None,
        deliver: Deliver = "queue",
        retries: Sequence[float] = (0.0, 0.2, 1.0),
        ack_deadline: float = ACK_DEADLINE,
        enforce_limits: bool = False,
        now: Clock = time.time,
    ) -> None:
        self.journal, self.faults = journal or Journal(), faults or Faults()
        self.bot_token, self.app_token, self.signing_secret = bot_token, app_token, signing_secret
        self.team_id, self.bot_user = team_id, APP.user_id
        self.tokens = Tokens(bot_token, app_token)
        app = Flask(__name__, static_folder=None)
        self.scopes = Scopes(scopes)
        self._server = Server(
            app, "slack", self.journal, self.faults, port=port, fault_answer=fault_answer
        )
        self.url, self.api_url = self._server.url, f"{self._server.url}/api/"
        self._http = HttpLink(signing_secret, events_url, self.journal, ack_deadline)
        self._socket = SocketLink(APP.app_id, self.journal, ack_deadline)
        courier = Courier(self._http, self._socket)
        workspace = Workspace(team_id, "sandbox", APP, now)
        backstage = _build(self.url, courier, retries, subscriptions, self.scopes, workspace)
        put_on_wire(app, backstage, self.tokens, Rates(now) if enforce_limits else None)
        self.refusals = backstage.refusals
        super().__init__(backstage, deliver)

    # -- running

    def exchange(self, environ: dict[str, Any], body: bytes) -> Answer | None:
        """Handles one request to the Web API that arrived elsewhere; see `SlackTeams`."""
        return self._server.exchange(environ, body)

    def announce(self, event: Json) -> None:
        """Sends an event that the app gets without a subscription or a slack_channel."""
        self._slack.deliveries.enqueue(self._slack.herald.envelope(event))
        self._happened()

    @property
    def events_url(self) -> str:
        """The bot's request URL."""
        return self._http.url

    @events_url.setter
    def events_url(self, url: str) -> None:
        self._http.url = url

    @property
    def retries(self) -> tuple[float, ...]:
        """Seconds after each failed delivery of an event until the next attempt."""
        return self._slack.deliveries.retries

    @retries.setter
    def retries(self, retries: Sequence[float]) -> None:
        self._slack.deliveries.retries = tuple(retries)

    def start(self) -> SlackStandIn:
        """Starts the server and the deliveries; returns itself."""
        self._slack.deliveries.start()
        self._server.start()
        return self

    def stop(self) -> None:
        """Closes all connections and threads; waiting events are dropped."""
        self._slack.deliveries.stop()
        self._slack.courier.close()
        self._server.stop()

    def __enter__(self) -> SlackStandIn:
        return self.start()

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def wait_for_sockets(self, count: int, timeout: float) -> None:
        """Waits until the bot has this many Socket Mode connections.

        Raises:
            TimeoutError: not within `timeout` seconds.
        """
        with self._socket.changed:
            if not self._socket.changed.wait_for(lambda: self._socket.count == count, timeout):
                raise TimeoutError(f"the bot has {self._socket.count} connections")

    def refresh_sockets(self) -> None:
        """Asks the bot to reconnect, as Slack does every few hours."""
        self._socket.refresh()

    # -- setup

    def add_person(
        self, name: str, real_name: str, *, display_name: str = "", is_admin: bool = False
    ) -> str:
        """Adds a person to the workspace; returns their id."""
        with self._workspace.changed:
            person = Person(self._workspace.new_id("U"), name, real_name, display_name)
            person.email, person.is_admin = f"{name}@example.com", is_admin
            self._workspace.people[person.id] = person
            return person.id

    def person(self, user: str) -> Person:
        """Returns a person, to change their name, presence, or whether they have left."""
        return self._workspace.people[user]

    def add_photo(self, user: str, content: bytes) -> None:
        """Gives a person a photo; b"" for Slack's default picture."""
        with self._workspace.changed:
            person = self._workspace.people[user]
            person.photo, person.photo_url = content, f"{self.url}/avatars/{user}.png"

    def add_channel(
        self, name: str, members: Iterable[str] = (), *, is_private: bool = False
    ) -> str:
        """Creates a slack_channel with these members (`bot_user` included, if listed); returns its id."""
        with self._workspace.changed:
            created = int(self._workspace.now())
            everybody = list(members)
            creator = everybody[0] if everybody else self.bot_user
            where = SlackChannel(self._workspace.new_id("C"), name, created, creator, is_private)
            where.members = everybody
            self._workspace.channels[where.id] = where
            return where.id

    def add_group(self, handle: str, name: str, members: Iterable[str]) -> str:
        """Creates a user group; returns its id."""
        with self._workspace.changed:
            group = UserGroup(self._workspace.new_id("S"), handle, name, list(members))
            group.created, group.created_by = int(self._workspace.now()), self.bot_user
            self._workspace.groups[group.id] = group
            return group.id


def _build(
    url: str,
    courier: Courier,
    retries: Sequence[float],
    subscriptions: Iterable[str],
    scopes: Scopes,
    workspace: Workspace,
) -> Backstage:
    now = workspace.now
    workspace.people[APP.user_id] = Person(APP.user_id, APP.name, "Handoff", is_bot=True)
    deliveries = Deliveries(courier.send, retries)
    herald = Herald(workspace, frozenset(subscriptions), scopes, deliveries.enqueue)
    workspace.announce = herald.announce
    return Backstage(
        url=url,
        workspace=workspace,
        triggers=Triggers(now),
        response_urls=ResponseUrls(now),
        views=Views(workspace),
        files=Files(workspace, url),
        herald=herald,
        deliveries=deliveries,
        courier=courier,
        tickets=set(),
        screens=Screens(),
        scopes=scopes,
    )
