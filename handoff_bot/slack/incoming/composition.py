"""Builds the Slack side: the client at once, the listeners when the core exists."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

from flask import Blueprint
from slack_sdk.web import WebClient

from handoff_bot.clock import SystemClock
from handoff_bot.domain.action_result import ActionResult
from handoff_bot.domain.desk import Place, Post, PostKind
from handoff_bot.domain.errors import DeskError
from handoff_bot.jobs.handler import JobKind, ProviderJob
from handoff_bot.jobs.job import Job
from handoff_bot.services.catching_up import READ_THREAD, read_thread
from handoff_bot.services.container import Services
from handoff_bot.services.first_steps import SHOW
from handoff_bot.services.outbox import alarms, outbox
from handoff_bot.services.replies.thread_replies import ThreadReplies
from handoff_bot.services.translation import translating
from handoff_bot.slack.click import Tools
from handoff_bot.slack.client.web_client import KeptAliveClient
from handoff_bot.slack.desk import TIMEOUT, SlackDesk
from handoff_bot.slack.feature import ThreadCommand, ThreadCommandListener
from handoff_bot.slack.features.doctor import EXAMINE, Examine
from handoff_bot.slack.features.setup import ShowChecklist
from handoff_bot.slack.incoming import direct, gate
from handoff_bot.slack.incoming.app import SocketMode, build_bolt, slack_events, start_socket_mode
from handoff_bot.slack.incoming.arrivals import KIND, thread_of
from handoff_bot.slack.incoming.events import handle_event, is_direct
from handoff_bot.slack.incoming.gate import admitted
from handoff_bot.slack.incoming.reading import READ_BACK, ReadThread, heard
from handoff_bot.slack.incoming.registry import EVERYTHING
from handoff_bot.storage import sources
from handoff_bot.storage.transaction import Transaction

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
        self._executor = ThreadPoolExecutor(LISTENER_THREADS, "slack-listener")
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
        core.handlers.add(JobKind(EXAMINE, Examine(tools), "slack"))
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
    *, bot_token: str, signing_secret: str, app_token: str, api_url: str, queue_channel: str
) -> SlackSide:
    """Builds the Slack side without starting or calling anything."""
    log = logging.getLogger("slack_sdk")
    log.setLevel(logging.WARNING)  # below, the SDK and Bolt log message texts
    client = KeptAliveClient(
        token=bot_token, base_url=api_url, timeout=TIMEOUT, logger=log, retry_handlers=[]
    )
    return SlackSide(client, queue_channel, signing_secret, app_token)
