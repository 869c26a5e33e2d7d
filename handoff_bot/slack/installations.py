"""Installations of the app by OAuth: stored with encrypted tokens, which are rotated before they expire."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from slack_bolt.oauth.callback_options import CallbackOptions, FailureArgs, SuccessArgs
from slack_bolt.oauth.oauth_flow import OAuthFlow
from slack_bolt.oauth.oauth_settings import OAuthSettings
from slack_bolt.request import BoltRequest
from slack_bolt.response import BoltResponse
from slack_sdk.errors import SlackApiError, SlackClientError, SlackTokenRotationError
from slack_sdk.oauth.installation_store import Bot, Installation
from slack_sdk.oauth.installation_store.sqlalchemy import SQLAlchemyInstallationStore
from slack_sdk.oauth.state_store.sqlalchemy import SQLAlchemyOAuthStateStore
from slack_sdk.oauth.token_rotation import TokenRotator
from slack_sdk.web import WebClient
from sqlalchemy import Connection, Engine, Table, Text, delete, select, update
from sqlalchemy.types import TypeDecorator

from handoff_bot.domain.errors import Undecryptable
from handoff_bot.domain.roles import Home
from handoff_bot.slack.client.web_client import KeptAliveClient
from handoff_bot.storage.database import told_apart
from handoff_bot.storage.encryption import Keyring

logger = logging.getLogger(__name__)

TIMEOUT = 10
STATE_SECONDS = 600
ROTATE_BEFORE_MINUTES = 120
"""Slack's tokens live for 12 hours; so early, an outage of Slack or of ours expires none."""
SECRETS = (
    "bot_token",
    "bot_refresh_token",
    "user_token",
    "user_refresh_token",
    "incoming_webhook_url",
)
INSTALL_PATH = "/slack/install"
MOST_STATES = 1000
"""Installations begun within STATE_SECONDS. The page is public, and each visit stores a row."""


class Encrypted(TypeDecorator[str]):
    """A text that the database only sees encrypted. Without the right key it reads as None."""

    impl = Text
    cache_ok = False

    def __init__(self, keys: Keyring, place: str) -> None:
        super().__init__()
        self._keys, self._place = keys, place

    def process_bind_param(self, value: str | None, dialect: Any) -> str | None:
        return None if value is None else self._keys.seal(value, self._place)

    def process_result_value(self, value: str | None, dialect: Any) -> str | None:
        if value is None:
            return None
        try:
            return self._keys.open(value, self._place)
        except Undecryptable:  # logged by the keys
            return None


class _EncryptedStore(SQLAlchemyInstallationStore):
    """The SDK's store. Its columns for tokens hold 200 characters, and an encrypted token is longer."""

    def __init__(self, client_id: str, engine: Engine, keys: Keyring) -> None:
        super().__init__(client_id, engine, logger=logger)
        for table in (self.bots, self.installations):
            for name in SECRETS:
                if name in table.c:
                    table.c[name].type = Encrypted(keys, f"{table.name}.{name}")


class _BoundedStates(SQLAlchemyOAuthStateStore):
    """The SDK's store, without the rows of installations that were not finished."""

    def issue(self, *args: Any, **given: Any) -> str:
        """Returns a new state, after removing expired ones.

        Raises:
            BusyInstalling: too many installations have begun.
        """
        now = datetime.now(UTC).replace(tzinfo=None)
        with self.engine.begin() as connection:
            connection.execute(delete(self.oauth_states).where(self.oauth_states.c.expire_at < now))
            begun = connection.execute(select(self.oauth_states.c.id).limit(MOST_STATES)).all()
        if len(begun) >= MOST_STATES:
            raise BusyInstalling
        return super().issue()


class BusyInstalling(Exception):
    """Too many installations have begun within ten minutes."""


@dataclass(frozen=True)
class Installed:
    """An installation. Its repr contains no token.

    Attributes:
        token: of the bot; "" after the app was removed, or while it cannot be decrypted.
        since: of the last installation.
    """

    home: Home
    name: str
    since: datetime
    bot: Bot | None

    @property
    def token(self) -> str:
        return (self.bot.bot_token if self.bot else None) or ""

    @property
    def bot_user(self) -> str:
        return (self.bot.bot_user_id if self.bot else None) or ""

    def __repr__(self) -> str:
        return f"Installed({self.home}, {self.since})"


@dataclass(frozen=True)
class SlackApp:
    """The distributed Slack app."""

    client_id: str
    client_secret: str
    api_url: str
    redirect_uri: str
    redirect_path: str
    scopes: Sequence[str]
    authorize_url: str = ""

    def __repr__(self) -> str:
        return f"SlackApp({self.client_id})"


class Installations:
    """The installations of one app, in tables of Slack's SDK. For several processes.

    Args:
        alone: makes one process at a time rotate a token: Slack accepts a refresh token once.
    """

    def __init__(
        self,
        engine: Engine,
        keys: Keyring,
        app: SlackApp,
        alone: Callable[[], AbstractContextManager[bool]],
    ) -> None:
        self._engine = engine
        self._app = app
        self._alone = alone
        self._store = _EncryptedStore(app.client_id, engine, keys)
        self._states = _BoundedStates(STATE_SECONDS, engine, logger)
        self._client = KeptAliveClient(
            token=None, base_url=app.api_url, timeout=TIMEOUT, logger=_quiet(), retry_handlers=[]
        )
        self._rotator = TokenRotator(
            client_id=app.client_id, client_secret=app.client_secret, client=self._client
        )

    def create_tables(self, connection: Connection) -> None:
        """Creates the tables that do not exist."""
        self._store.metadata.create_all(connection)
        self._states.metadata.create_all(connection)

    def every(self) -> dict[str, Installed]:
        """Returns the newest installation of each workspace ("T…") and organisation ("E…")."""
        rows, bots = self._store.installations, self._store.bots
        found: dict[str, Installed] = {}
        with told_apart(), self._engine.connect() as connection:
            for row in connection.execute(rows.select().order_by(rows.c.id)).mappings():
                if row["client_id"] == self._app.client_id:
                    home = _home(row)
                    found[home.key] = Installed(home, _name(row), _utc(row["installed_at"]), None)
            latest: dict[str, Bot] = {}
            for row in connection.execute(bots.select().order_by(bots.c.id)).mappings():
                if row["client_id"] == self._app.client_id:
                    latest[_home(row).key] = self._store.build_bot_entity(row)
        return {
            key: Installed(one.home, one.name, one.since, latest.get(key))
            for key, one in found.items()
        }

    def forget_tokens(self, home: Home) -> None:
        """Deletes the tokens after Slack has revoked them. That it was installed stays known."""
        team = None if home.is_org_wide else home.team_id
        for table in (self._store.installations, self._store.bots):
            with told_apart(), self._engine.begin() as connection:
                connection.execute(self._emptied(table, home, team))

    def _emptied(self, table: Table, home: Home, team: str | None) -> Any:
        mine = [table.c.client_id == self._app.client_id, table.c.team_id == team]
        if team is None:
            mine.append(table.c.enterprise_id == home.enterprise_id)
        if table is self._store.bots:
            return delete(table).where(*mine)
        return update(table).where(*mine).values(dict.fromkeys(n for n in SECRETS if n in table.c))

    def remove(self, home: Home) -> None:
        """Deletes everything about an installation."""
        team = None if home.is_org_wide else home.team_id
        for table in (self._store.installations, self._store.bots):
            mine = [table.c.client_id == self._app.client_id, table.c.team_id == team]
            if team is None:
                mine.append(table.c.enterprise_id == home.enterprise_id)
            with told_apart(), self._engine.begin() as connection:
                connection.execute(delete(table).where(*mine))

    def rotate(self, installed: Installed) -> None:
        """Exchanges the bot's token if it expires soon. Without success, the token stays until it expires.

        One process does it at a time, and looks again when its turn has come.
        """
        if not _expires_soon(installed.bot):
            return
        with self._alone() as is_mine:
            if not is_mine:
                return
            now = self.every().get(installed.home.key)
            if now is None or now.bot is None or not _expires_soon(now.bot):
                return
            try:
                fresh = self._rotator.perform_bot_token_rotation(
                    bot=now.bot, minutes_before_expiration=ROTATE_BEFORE_MINUTES
                )
            except (SlackTokenRotationError, SlackClientError, OSError) as error:
                extra = {"team": now.home.key, "why": type(error).__name__}
                logger.error("token not rotated", extra=extra)  # noqa: TRY400 - its text holds tokens
                return
            if fresh:
                self._store.save_bot(fresh)
                logger.info("token rotated", extra={"team": now.home.key})

    def flow(self, may_install: Callable[[Home], bool]) -> Flow:
        """Returns Bolt's OAuth flow, which installs only where it is allowed."""
        settings = OAuthSettings(
            client_id=self._app.client_id,
            client_secret=self._app.client_secret,
            scopes=self._app.scopes,
            user_scopes=[],
            redirect_uri=self._app.redirect_uri,
            install_path=INSTALL_PATH,
            install_page_rendering_enabled=False,  # it sends the browser to Slack at once
            redirect_uri_path=self._app.redirect_path,
            authorization_url=self._app.authorize_url or None,
            installation_store=self._store,
            state_store=self._states,
            state_expiration_seconds=STATE_SECONDS,
            callback_options=_pages(),
            logger=_quiet(),
        )
        return Flow(self._client, settings, may_install)


class NotAllowed(Exception):
    """The operator has not allowed this workspace."""


class Flow(OAuthFlow):
    """Refuses workspaces that the operator has not allowed, and gives their token back."""

    def __init__(
        self, client: WebClient, settings: OAuthSettings, may_install: Callable[[Home], bool]
    ) -> None:
        super().__init__(client=client, logger=_quiet(), settings=settings)
        self._may_install = may_install

    def begin(self, request: BoltRequest) -> BoltResponse:
        """Sends the browser to Slack, with a state in a cookie."""
        try:
            return self.handle_installation(request)
        except BusyInstalling:
            return _page(429, BUSY)

    def end(self, request: BoltRequest) -> BoltResponse:
        """Installs the app, when the browser has come back from Slack."""
        try:
            return self.handle_callback(request)
        except NotAllowed:
            return _page(403, REFUSED)

    def store_installation(self, request: BoltRequest, installation: Installation) -> None:
        """Stores it.

        Raises:
            NotAllowed: the operator has not allowed this workspace. The app was removed from it again.
        """
        home = _home(installation.to_dict())
        if not (installation.bot_token and self._may_install(home)):
            logger.warning("installation refused", extra={"team": home.key})
            self._uninstall(installation)
            raise NotAllowed
        super().store_installation(request, installation)
        logger.info("installed", extra={"team": home.key})

    def _uninstall(self, installation: Installation) -> None:
        try:
            self.client.apps_uninstall(
                token=installation.bot_token,
                client_id=self.settings.client_id,
                client_secret=self.settings.client_secret,
            )
        except (SlackApiError, SlackClientError, OSError) as error:
            logger.warning("app not removed", extra={"why": type(error).__name__})


DONE = "Handoff is installed in this Slack workspace. Open Slack, and invite @Handoff to a channel."
FAILED = "Handoff was not installed ({reason}). Close this page, and begin again."
REFUSED = (
    "This Slack workspace is not on the list of this Handoff, so the app was removed from it again. "
    "Ask the operator to add it."
)
BUSY = "Too many installations at once. Try again in ten minutes."


def _pages() -> CallbackOptions:
    """Returns plain pages, which show nothing from the request but Slack's error code."""

    def success(_: SuccessArgs) -> BoltResponse:
        return _page(200, DONE)

    def failure(args: FailureArgs) -> BoltResponse:
        reason = "".join(one for one in args.reason[:60] if one.isalnum() or one == "_")
        return _page(args.suggested_status_code, FAILED.format(reason=reason))

    return CallbackOptions(success=success, failure=failure)


def _page(status: int, words: str) -> BoltResponse:
    """Returns a page of plain text."""
    return BoltResponse(status=status, body=f"{words}\n", headers={"Content-Type": "text/plain"})


def _home(row: Any) -> Home:
    return Home(
        team_id=str(row["team_id"] or ""),
        enterprise_id=str(row["enterprise_id"] or ""),
        is_org_wide=bool(row["is_enterprise_install"]),
    )


def _name(row: Any) -> str:
    return str(row["team_name"] or row["enterprise_name"] or "")


def _utc(at: datetime) -> datetime:
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _expires_soon(bot: Bot | None) -> bool:
    if bot is None or bot.bot_token_expires_at is None:
        return False
    left = bot.bot_token_expires_at - datetime.now(UTC).timestamp()
    return left < ROTATE_BEFORE_MINUTES * 60


def _quiet() -> logging.Logger:
    """Returns a logger for the SDK, which logs codes and tokens below this level."""
    log = logging.getLogger("slack_sdk.oauth")
    log.setLevel(logging.CRITICAL)
    return log
