"""One process that serves several workspaces, which come and go while it runs."""

from __future__ import annotations

import logging
import math
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import text

from handoff_bot import app
from handoff_bot.ai.detector.local import LocalDetector
from handoff_bot.app import Handoff, Share
from handoff_bot.clock import SystemClock
from handoff_bot.domain.errors import DeskError, HandoffError
from handoff_bot.domain.roles import Home
from handoff_bot.ports import Clock
from handoff_bot.services.delivery.inbound_files import LARGEST_UPLOAD
from handoff_bot.services.escalations import cut_off
from handoff_bot.serving import Server
from handoff_bot.settings import Settings, read_settings
from handoff_bot.slack.client.errors import slack_errors
from handoff_bot.slack.client.web_client import BotToken, KeptAliveClient
from handoff_bot.storage.database import Database, told_apart
from handoff_bot.web.chat import UPLOADS
from handoff_bot.workspaces.folders import PATH, Found, Workspace, read_folders, schema
from handoff_bot.workspaces.front import Front, State
from handoff_bot.workspaces.installing import SharedStore

logger = logging.getLogger(__name__)

START_SECONDS = 30.0
"""Seconds in which workspaces are started before the first request is answered."""
LOOK_SECONDS = 10.0
"""Seconds until the folders and installations are read again."""
OF_THE_FRONT = (
    "DATABASE_URL",
    "ENCRYPTION_KEY_FILE",
    "HOST",
    "LOG_LEVEL",
    "METRICS_TOKEN",
    "PORT",
    "PUBLIC_BASE_URL",
    "SENTRY_DSN",
    "SLACK_API_URL",
    "SLACK_CLIENT_ID",
    "SLACK_CLIENT_SECRET",
    "SLACK_SIGNING_SECRET",
    "SQLITE_SYNCHRONOUS",
    "TRUSTED_PROXIES",
    "WEB_CONCURRENCY",
    "WEB_THREADS",
    "WEBCHAT_VISITORS",
    "WORKSPACES_DIR",
    "WORKSPACES_MOST",
)
"""The settings that the process itself reads."""
TOO_MANY = "not served: WORKSPACES_MOST is reached"
FAILED = "could not be started"
_UPLOAD = re.compile(rf"{PATH}[a-z0-9-]{{1,40}}{re.escape(UPLOADS)}")


def read_process_settings(environ: Mapping[str, str]) -> Settings:
    """Reads the settings of the process itself.

    Raises:
        SettingsError: lists every problem with a hint, without any value.
    """
    return read_settings(environ, OF_THE_FRONT)


@dataclass(frozen=True)
class Running:
    """A workspace that is served.

    Attributes:
        token: read at each call of Slack; "" while the app is not installed.
        bot_user: id of the bot's user; "" if it is not known.
    """

    workspace: Workspace
    handoff: Handoff
    token: BotToken
    is_cut_off: bool
    bot_user: str = ""


class Workspaces:
    """The content of one process; see `Served`.

    Args:
        environ: the environment of the process.
        role: "all", "web" or "worker", for each workspace.
    """

    def __init__(
        self,
        settings: Settings,
        environ: Mapping[str, str],
        role: str = "all",
        clock: Clock | None = None,
    ) -> None:
        self._settings = settings
        self._environ = environ
        self._role = role
        self._clock = clock or SystemClock()
        self._detector = LocalDetector.load()
        self._shared = SharedStore(settings) if settings.SLACK_CLIENT_ID else None
        self._installations = self._shared.open() if self._shared else None
        self._allowed: frozenset[str] = frozenset()
        self._running: dict[str, Running] = {}
        self._by_team: dict[str, Running] = {}
        self._revoked: dict[str, str] = {}
        self._bot_users: dict[str, str] = {}
        self._states: dict[str, State] = {}
        self._guard = threading.Lock()
        self._stopping, self._woken = threading.Event(), threading.Event()
        self._looking: threading.Thread | None = None
        self._begins_until = math.inf
        self._exports: tuple[Callable[[], None], ...] = ()
        flow = self._installations.flow(self._may_install) if self._installations else None
        self.web = Front(settings, self, flow)

    # -- life cycle

    def start(self) -> None:
        """Starts all workspaces. One that cannot start is reported, and tried again.

        Those for which the time does not suffice are started while the others are served: the
        server's master ends a process that needs a minute to start.
        """
        self._exports = app.start_exports(self._settings)
        self._begins_until = time.monotonic() + START_SECONDS
        self.look()
        self._begins_until = math.inf
        self._looking = threading.Thread(target=self._look_again, name="workspaces", daemon=True)
        self._looking.start()

    def hang_up(self) -> None:
        """Ends all waiting streams and polls."""
        for one in list(self._running.values()):
            one.handoff.hang_up()

    def stop(self) -> None:
        """Stops all workspaces, each after its running jobs."""
        self._stopping.set()
        self._woken.set()
        if self._looking:
            self._looking.join()
        with self._guard:
            for one in self._running.values():
                one.handoff.hang_up()
            stopping = [threading.Thread(target=one.handoff.stop) for one in self._running.values()]
            for each in stopping:
                each.start()
            for each in stopping:
                each.join()
            self._running, self._by_team = {}, {}
        if self._shared:
            self._shared.close()
        for stop in self._exports:
            stop()

    def _look_again(self) -> None:
        while not self._stopping.is_set():
            self._woken.wait(LOOK_SECONDS)
            self._woken.clear()
            if self._stopping.is_set():
                return
            try:
                self.look()
            except Exception as error:  # whatever it was, the next look may succeed
                logger.exception("workspaces not read", extra={"error": type(error).__name__})

    # -- what the front asks

    def at(self, slug: str) -> Running | None:
        """Returns the workspace with this part of the address."""
        return self._running.get(slug)

    def of(self, home: Home) -> Running | None:
        """Returns the workspace that a request of Slack is for."""
        return self._by_team.get(home.key)

    def every(self) -> list[Running]:
        """Returns all that are served, by name."""
        return [one for _, one in sorted(self._running.items())]

    def states(self) -> dict[str, State]:
        """Returns the state of each workspace that has a folder, by name."""
        return dict(self._states)

    def cut_off(self, home: Home) -> None:
        """Handles Slack's report that the app was removed or its token revoked. Calls end at once."""
        running = self.of(home)
        if running is None or _is_accepted(self._settings.SLACK_API_URL, running.token.value):
            return  # the report is late, and the app was installed again
        slug = running.workspace.slug
        if running.token.value:
            self._revoked[slug] = running.token.value
        running.token.value = ""
        if self._installations and not running.workspace.by_token:
            self._installations.forget_tokens(home)
        self._woken.set()

    def installed(self) -> None:
        """Starts what was just installed."""
        self._woken.set()

    def _may_install(self, home: Home) -> bool:
        """Returns whether the operator has made a folder for it, which has no token of its own."""
        return home.key in self._allowed

    # -- changes

    def look(self) -> None:
        """Reads folders and installations, and starts, stops and changes what has changed."""
        with self._guard:
            found = read_folders(Path(self._settings.WORKSPACES_DIR), self._environ)
            self._allowed = frozenset(
                one.team_id for one in found.workspaces.values() if not one.by_token
            )
            tokens = self._tokens(found)
            states = {slug: State("failed", why) for slug, why in found.problems.items()}
            for slug in [one for one in self._running if one not in found.workspaces]:
                self._end(slug)
            for slug, workspace in found.workspaces.items():
                states[slug] = self._look_at(workspace, tokens.get(slug))
            for slug, state in states.items():
                if state != self._states.get(slug):
                    log = logger.error if state.is_trouble else logger.info
                    log(
                        "workspace",
                        extra={"workspace": slug, "state": state.name, "why": state.why},
                    )
            self._states = states

    def _tokens(self, found: Found) -> dict[str, str | None]:
        """Returns the bot token of each workspace; "" after it was revoked, None before any."""
        tokens: dict[str, str | None] = {}
        installed = self._installations.every() if self._installations else {}
        for one in installed.values():
            if self._installations and one.home.key in self._allowed:
                self._installations.rotate(one)
        installed = self._installations.every() if self._installations else {}
        for slug, workspace in found.workspaces.items():
            by_oauth = installed.get(workspace.team_id)
            if workspace.by_token:
                own = read_settings(workspace.environ, ("SLACK_BOT_TOKEN",))
                tokens[slug] = own.SLACK_BOT_TOKEN.get_secret_value()
            else:
                tokens[slug] = by_oauth.token if by_oauth else None
                self._bot_users[slug] = by_oauth.bot_user if by_oauth else ""
            if tokens[slug] and tokens[slug] == self._revoked.get(slug):
                tokens[slug] = ""
        return tokens

    def _look_at(self, workspace: Workspace, token: str | None) -> State:
        """Brings one workspace into the state that it should have, and returns that."""
        slug = workspace.slug
        running = self._running.get(slug)
        if token is None:
            if running:
                self._end(slug)
            return State("not installed", "")
        is_cut_off = not token
        if running and (running.workspace, running.is_cut_off) == (workspace, is_cut_off):
            running.token.value = token
        elif running is None and len(self._running) >= self._settings.WORKSPACES_MOST:
            return State("failed", TOO_MANY)
        elif running is None and time.monotonic() > self._begins_until:
            self._woken.set()
            return State("starting", "")
        else:
            try:
                self._begin(workspace, token)
            except HandoffError as error:
                return State("failed", str(error))
            except Exception as error:  # one workspace must not take the others along
                logger.exception("workspace not started", extra={"workspace": slug})
                return State("failed", f"{FAILED} ({type(error).__name__})")
        return State("cut off" if is_cut_off else "running", "")

    def _begin(self, workspace: Workspace, token: str) -> None:
        """Starts a workspace, or changes a running one without a gap: its webhooks are stored all along."""
        settings = app.servable(workspace.settings())
        make_room(workspace)
        share = Share(self._detector, BotToken(token))
        handoff = app.build(settings, self._role, self._clock, share=share)
        before = self._running.get(workspace.slug)
        cut_off.record(
            handoff.core.database, handoff.core.escalations, self._clock, is_cut_off=not token
        )
        bot_user = self._bot_users.get(workspace.slug, "")
        made = Running(workspace, handoff, share.token, not token, bot_user)
        self._put(made)
        if before:
            before.handoff.hang_up()
            before.handoff.stop()
            self._by_team = {team: one for team, one in self._by_team.items() if one is not before}
        try:
            handoff.start()
        except BaseException:
            self._end(workspace.slug)
            raise

    def _put(self, made: Running) -> None:
        self._running = {**self._running, made.workspace.slug: made}
        self._by_team = {**self._by_team, made.workspace.team_id: made}

    def _end(self, slug: str) -> None:
        ended = self._running[slug]
        self._running = {name: one for name, one in self._running.items() if one is not ended}
        self._by_team = {team: one for team, one in self._by_team.items() if one is not ended}
        ended.handoff.hang_up()
        ended.handoff.stop()


def _is_accepted(api_url: str, token: str) -> bool:
    """Returns whether Slack still accepts a token. Without an answer, its report is believed."""
    client = KeptAliveClient(token=token, base_url=api_url, timeout=2, retry_handlers=[])
    try:
        with slack_errors():
            client.auth_test()
    except DeskError:
        return False
    return True


def make_room(workspace: Workspace) -> None:
    """Creates the workspace's schema, if its database is a schema."""
    name = schema(workspace.slug)
    if not workspace.database_url.endswith(f"search_path%3D{name}"):
        return
    database = Database(workspace.database_url, pool_size=1)
    try:
        with told_apart(), database.engine.begin() as connection:
            connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {name}"))  # a slug: a-z, 0-9
    finally:
        database.close()


def server(
    settings: Settings, environ: Mapping[str, str], role: str = "all", clock: Clock | None = None
) -> Server:
    """Returns the server of several workspaces, not yet running."""
    return Server(
        lambda: Workspaces(settings, environ, role, clock),
        host=settings.HOST,
        port=settings.PORT,
        processes=settings.processes,
        threads=settings.WEB_THREADS,
        listeners=settings.WEBCHAT_VISITORS,
        proxies=settings.TRUSTED_PROXIES,
        bodies=lambda path: LARGEST_UPLOAD if _UPLOAD.fullmatch(path) else None,
    )
