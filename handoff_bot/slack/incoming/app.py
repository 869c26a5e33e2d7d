"""Builds the Slack side: the client and the Bolt app at once, the listeners when the core exists."""

from __future__ import annotations

import logging
import threading
from concurrent.futures import Executor, ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

from flask import Blueprint, Response, request
from slack_bolt import App
from slack_bolt.adapter.flask.handler import to_flask_response
from slack_bolt.adapter.socket_mode.builtin import SocketModeHandler
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.request import BoltRequest
from slack_sdk.errors import SlackClientError
from slack_sdk.signature import SignatureVerifier
from slack_sdk.socket_mode.builtin import SocketModeClient
from slack_sdk.web import WebClient

from handoff_bot import spans
from handoff_bot.clock import SystemClock
from handoff_bot.domain.desk import Place, Post, PostKind
from handoff_bot.domain.errors import DeskError
from handoff_bot.domain.results import ActionResult
from handoff_bot.jobs.handler import JobKind, ProviderJob
from handoff_bot.jobs.inbox import Inbox
from handoff_bot.jobs.job import Job
from handoff_bot.services.catching_up import READ_THREAD, read_thread
from handoff_bot.services.container import Services
from handoff_bot.services.home import SHOW
from handoff_bot.services.outbox import alarms, outbox
from handoff_bot.services.replies.thread_replies import ThreadReplies
from handoff_bot.services.translation import translating
from handoff_bot.slack.client.web_client import BotToken, KeptAliveClient
from handoff_bot.slack.desk import TIMEOUT as DESK_TIMEOUT
from handoff_bot.slack.desk import SlackDesk
from handoff_bot.slack.feature import ThreadCommand, ThreadCommandListener, Tools
from handoff_bot.slack.features.doctor import EXAMINE, Examine
from handoff_bot.slack.features.setup import ShowChecklist
from handoff_bot.slack.incoming import direct, gate
from handoff_bot.slack.incoming.arrivals import KIND, Arrivals, thread_of
from handoff_bot.slack.incoming.events import handle_event, is_direct
from handoff_bot.slack.incoming.gate import admitted
from handoff_bot.slack.incoming.reading import READ_BACK, ReadThread, heard
from handoff_bot.slack.incoming.registration import register
from handoff_bot.slack.incoming.registry import EVERYTHING
from handoff_bot.storage import sources
from handoff_bot.storage.transaction import Transaction

logger = logging.getLogger(__name__)

# -- the Bolt app, and its doors: HTTP and Socket Mode
# Building it makes no call to Slack.


def build_bolt(
    *,
    client: WebClient,
    signing_secret: str,
    tools: Tools,
    inbox: Inbox,
    executor: Executor,
) -> App:
    """Returns a Bolt app with all listeners.

    With a token, Bolt would call `auth.test` on every start. It gets none: the listeners call Slack
    through the desk.

    Args:
        client: has the Web API's address and the logger. Below WARNING, Bolt logs whole requests. Its
            token is not used.
        signing_secret: "" for Socket Mode only.
        tools: what the listeners work with.
        inbox: stores events before they are acknowledged.
        executor: runs the listeners; each occupies a thread until its last response is sent.
    """
    app = App(
        name="handoff",
        logger=client.logger,
        signing_secret=signing_secret,
        client=WebClient(base_url=client.base_url, timeout=client.timeout, retry_handlers=[]),
        authorize=_authorize,
        before_authorize=Arrivals(inbox),
        listener_executor=executor,
    )
    register(app, tools)
    app.error(_failed)
    return app


def _authorize(enterprise_id: str | None, team_id: str | None) -> AuthorizeResult:
    """There is one installation, and the signature is already checked, so nothing is looked up."""
    return AuthorizeResult(enterprise_id=enterprise_id, team_id=team_id)


def _failed(error: Exception) -> None:
    """Answers 500, so that Slack retries an event, or tells the user that the click failed."""
    logger.error("request failed", exc_info=error)


_LONGEST_TIMESTAMP = 20


def slack_events(bolt: App, signing_secret: str) -> Blueprint:
    """Returns the route. It checks the signature before anything is parsed; Bolt checks it again.

    Args:
        bolt: handles the requests.
        signing_secret: "" refuses every request, because Socket Mode is in use.
    """
    blueprint = Blueprint("slack", __name__)

    @blueprint.post("/slack/events")
    def receive() -> Response:
        signed = signed_request(request.get_data(cache=False), signing_secret)
        return signed if isinstance(signed, Response) else to_flask_response(bolt.dispatch(signed))

    return blueprint


def signed_request(data: bytes, signing_secret: str) -> BoltRequest | Response:
    """Returns the current request if Slack has signed it and it can be read, or its refusal.

    Args:
        data: its body.
        signing_secret: "" refuses every request.
    """
    body = _readable(data)
    if body is None:
        return _refused(400, "The body must be UTF-8.")
    if not _is_signed(body, signing_secret):
        return _refused(401, "The signature is not valid.")
    return _parsed(body) or _refused(400, "The body cannot be read.")


def _readable(body: bytes) -> str | None:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _is_signed(body: str, signing_secret: str) -> bool:
    timestamp = request.headers.get("X-Slack-Request-Timestamp", "")
    signature = request.headers.get("X-Slack-Signature", "")
    is_number = timestamp.isascii() and timestamp.isdigit() and len(timestamp) < _LONGEST_TIMESTAMP
    if not (signing_secret and is_number and signature.isascii()):
        return False
    return SignatureVerifier(signing_secret).is_valid(body, timestamp, signature)


def _parsed(body: str) -> BoltRequest | None:
    """Returns Bolt's request; None if the body is neither a JSON object nor a form with one."""
    # Bolt takes a command whose words contain "payload" for an interaction, and reads nothing.
    is_plain = body.startswith(("{", "payload="))
    try:
        made = BoltRequest(
            body=body if is_plain else body.replace("payload", "%70ayload"),
            query=request.query_string.decode("latin-1"),
            headers=dict(request.headers),
        )
    except (AttributeError, KeyError, RecursionError, TypeError, ValueError):
        return None
    made.raw_body = body  # that was signed
    return made


def _refused(status: int, words: str) -> Response:
    logger.warning("slack request refused", extra={"status": status})
    return Response(f"{words}\n", status, mimetype="text/plain")


TIMEOUT = 10
LONGEST_PAUSE = 60.0


class SocketMode:
    """Keeps one connection. The SDK reconnects a broken one;

    the first attempt is repeated until it succeeds.
    """

    def __init__(self, client: SocketModeClient, first_pause: float) -> None:
        self._client = client
        self._first_pause = first_pause
        self._closing = threading.Event()
        self._opening = threading.Thread(target=self._open, name="slack-socket", daemon=True)

    def start(self) -> None:
        """Connects in the background."""
        self._opening.start()

    def is_connected(self) -> bool:
        """Whether the connection is open."""
        return bool(self._client.is_connected())

    def close(self) -> None:
        """Disconnects, and ends every thread."""
        self._closing.set()
        self._opening.join(TIMEOUT)
        self._client.close()

    def _open(self) -> None:
        pause = self._first_pause
        while not self._closing.is_set():
            try:
                self._client.connect_to_new_endpoint()
            except (OSError, SlackClientError) as error:
                logger.warning("socket mode not connected", extra={"why": type(error).__name__})
            if self._client.is_connected():
                logger.info("socket mode connected")
                return
            self._closing.wait(pause)
            pause = min(LONGEST_PAUSE, 2 * pause)


def start_socket_mode(
    app: App,
    app_token: str,
    base_url: str,
    *,
    sdk_logger: logging.Logger | None = None,
    concurrency: int = 16,
    first_pause: float = 1.0,
) -> SocketMode:
    """Connects an app to Slack by Socket Mode; requests arrive as over HTTP.

    Args:
        app: handles the requests.
        app_token: `xapp-…`, with the scope connections:write.
        base_url: the Web API's address.
        sdk_logger: the SDK's; below WARNING it logs whole requests.
        concurrency: how many requests are handled at once.
        first_pause: seconds until the second attempt to connect; each later pause is twice as long.
    """
    client = WebClient(base_url=base_url, timeout=TIMEOUT, logger=sdk_logger, retry_handlers=[])
    handler = SocketModeHandler(
        app, app_token, logger=sdk_logger, web_client=client, concurrency=concurrency
    )
    mode = SocketMode(handler.client, first_pause)
    mode.start()
    return mode


# -- the Slack side: the client at once, the listeners when the core exists

HOME_OPENED = "app_home_opened"
LONGEST_WAIT = timedelta(minutes=1)
"""How long an event waits until its thread has been read back."""
EARLIER_FIRST = "the thread is being read back"
LISTENER_THREADS = 32
"""Bolt's default is 5: a sixth slow response would make the next click fail."""

LOST = "Not sent: an error on our side. {why} Please send it again.\n“{text}”"


class HandleEvent(ProviderJob[dict[str, Any], None]):
    """Handles a stored event. Safe to repeat, because the services recognise handled events."""

    repeatable = True
    chained = True
    told = "the person who wrote it, in a direct message"

    def __init__(self, threads: ThreadReplies, tools: Tools) -> None:
        self._threads = threads
        self._tools = tools
        self._commands = {
            name: partial(self._obey, rule.listener)
            for name, rule in EVERYTHING.thread_commands.items()
        }

    def prepare(self, tx: Transaction, job: Job) -> dict[str, Any] | None:
        """Returns Slack's event; None if its thread has a lane of its own."""
        thread = thread_of(job.payload["event"])
        if thread and not job.payload.get(READ_BACK):
            self._let_earlier_go_first(tx, job, thread)
        return None if thread and translating.detour(tx, job, thread) else job.payload

    def _let_earlier_go_first(self, tx: Transaction, job: Job, thread: Place) -> None:
        """Defers a live event while its thread is being read back, so that earlier messages come first.

        Raises:
            DeskError: temporary; retry soon.
        """
        now = self._tools.core.clock.now()
        known = sources.thread(tx, thread)
        if known and known.unread_since and now - job.first_due_at < LONGEST_WAIT:
            raise DeskError(EARLIER_FIRST, permanent=False, code="catching_up", retry_after=1.0)

    def on_retry(
        self, tx: Transaction, job: Job, plan: dict[str, Any] | None, error: Exception
    ) -> None:
        """Raises the priority of the job that this one waits for."""
        thread = thread_of(job.payload["event"])
        if thread and isinstance(error, DeskError) and error.code == "catching_up":
            read_thread(tx, thread, self._tools.core.clock.now(), high_priority=True)

    def call(self, plan: dict[str, Any]) -> None:
        """Handles the event."""
        event = plan["event"]
        rule = EVERYTHING.events.get(event["type"])
        if rule:
            refused = gate.stopped_later(self._tools, rule, gate.of_event(event))
            if refused is None:
                rule.listener(self._tools, plan)
            elif event["type"] == HOME_OPENED and refused.words:
                self._tools.desk.publish_home(event["user"], gate.refusal_home(refused))
        elif is_direct(plan):
            direct.answer(self._tools, plan)
        elif admitted(self._tools, plan, EVERYTHING.thread_commands):
            handle_event(plan, self._threads, self._tools.desk, self._commands)

    def finish(self, tx: Transaction, job: Job, plan: dict[str, Any], result: None) -> None:
        """Sends the author no second ephemeral message about the same refusal."""
        heard(tx, plan["event"], self._tools.core.clock.now())

    def _obey(self, listener: ThreadCommandListener, said: ThreadCommand) -> ActionResult:
        author = self._tools.agent(said.author.desk_id)
        return listener(self._tools, replace(said, author=author))

    def on_failed(
        self, tx: Transaction, job: Job, plan: dict[str, Any] | None, error: Exception
    ) -> None:
        """Tells the author that a message in a thread was not sent."""
        event = job.payload["event"]
        subject = event.get("message") or event
        author, text = subject.get("user"), subject.get("text")
        if isinstance(author, str) and thread_of(event):
            words = LOST.format(why=alarms.why(error), text=str(text or "")[: alarms.MOST])
            now, post = self._tools.core.clock.now(), Post(PostKind.TOLD, words)
            outbox.tell(tx, author, post, now, key=f"event.lost:{job.id}")


class _CarryingExecutor(ThreadPoolExecutor):
    """Its threads go on with the caller's span, so that calls to Slack belong to their click."""

    def submit(self, run: Any, /, *arguments: Any, **named: Any) -> Any:
        return super().submit(copy_context().run, run, *arguments, **named)


class SlackSide:
    """The Slack side of one process: the client, and after `attach` the route and Socket Mode."""

    blueprint: Blueprint

    def __init__(
        self, client: WebClient, queue_channel: str, signing_secret: str, app_token: str
    ) -> None:
        self.desk = SlackDesk(client, queue_channel, SystemClock())
        self._client = client
        self._signing_secret = signing_secret
        self._app_token = app_token
        self._executor = (_CarryingExecutor if spans.recorder else ThreadPoolExecutor)(
            LISTENER_THREADS, "slack-listener"
        )
        self._socket: SocketMode | None = None

    def attach(self, core: Services) -> None:
        """Registers the listeners."""
        tools = Tools(self.desk, core)
        self.desk.chosen_channel = core.desk_channels.queue
        self.desk.layouts.lacking = core.lacking_blocks
        self._bolt = build_bolt(
            client=self._client,
            signing_secret=self._signing_secret,
            tools=tools,
            inbox=core.inbox,
            executor=self._executor,
        )
        core.handlers.add(JobKind(KIND, HandleEvent(core.relay, tools), "slack", "translate"))
        core.handlers.add(JobKind(EXAMINE, Examine(tools), "model"))
        core.handlers.add(JobKind(SHOW, ShowChecklist(tools), "slack"))
        core.handlers.add(JobKind(READ_THREAD, ReadThread(self.desk, core.clock), "read"))
        core.catching_up.is_desk_connected = self.is_connected
        self.blueprint = slack_events(self._bolt, self._signing_secret)

    def is_connected(self) -> bool:
        """Whether Slack's events can reach this process. Always True over HTTP, where it is unknown."""
        if not self._app_token:
            return True
        return self._socket is not None and self._socket.is_connected()

    def start(self) -> None:
        """Connects by Socket Mode, if it is configured."""
        if self._app_token:
            self._socket = start_socket_mode(
                self._bolt,
                self._app_token,
                self._client.base_url,
                sdk_logger=self._client.logger,
            )

    def stop(self) -> None:
        """Disconnects, and lets running listeners finish."""
        if self._socket:
            self._socket.close()
        self._executor.shutdown()


def build_slack(
    *,
    bot_token: str | BotToken,
    signing_secret: str,
    app_token: str,
    api_url: str,
    queue_channel: str,
) -> SlackSide:
    """Builds the Slack side without starting or calling anything."""
    log = logging.getLogger("slack_sdk")
    log.setLevel(logging.WARNING)  # below, the SDK and Bolt log message texts
    client = KeptAliveClient(
        token=bot_token, base_url=api_url, timeout=DESK_TIMEOUT, logger=log, retry_handlers=[]
    )
    return SlackSide(client, queue_channel, signing_secret, app_token)
