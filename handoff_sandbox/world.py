"""The bot's environment on loopback: stand-ins, settings, and the real bot as a process."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Protocol

import requests

from handoff_bot.slack.manifest import OPTIONAL_SCOPES, SCOPES
from handoff_sandbox.free_port import free_port
from handoff_sandbox.server import Journal
from handoff_sandbox.slack.payloads import Json
from handoff_sandbox.slack.stand_in import SlackStandIn
from handoff_sandbox.twilio import TwilioStandIn

PUBLIC = "https://bot.example.com"
PEERS = ("TICKET_", "ZENDESK_", "SMTP_", "MAIL_", "OTEL_", "SENTRY_")
OURS = ("SLACK_", "TWILIO_", "OPENAI_", "DATABASE_", "KNOWLEDGE_", "SAMPLE_", "WEBCHAT_", *PEERS)
"""Prefixes of the settings for the bot's accounts and addresses."""
ROOT = Path(__file__).resolve().parents[1]
"""The folder in which the bot's package lies: a checkout or site-packages."""
KNOWLEDGE = ROOT / "handoff_bot" / "knowledge"


class Process(Protocol):
    """What a world needs to know of the bot's process, as `subprocess.Popen` has it."""

    @property
    def pid(self) -> int: ...

    def poll(self) -> int | None: ...

    def wait(self, timeout: float | None = None) -> int: ...

    def terminate(self) -> None: ...


class Launch(Protocol):
    """Starts Python with these arguments, this environment, and this file for its output."""

    def __call__(
        self, arguments: Sequence[str], environment: Mapping[str, str], log: Path
    ) -> Process: ...


def new_process(arguments: Sequence[str], environment: Mapping[str, str], log: Path) -> Process:
    """Starts a new interpreter in a session of its own."""
    with log.open("ab") as output:
        return subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, *arguments],
            cwd=ROOT,
            env=environment,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )


class World:
    """Stand-ins for Slack and Twilio, and the settings for a bot that uses them.

    Args:
        database_url: the bot's database.
        knowledge: the folder of Markdown files.
        log: the file for the bot's output.
        now: the sandbox's time, in seconds since the epoch.

    Attributes:
        launch: how bots are started.
        ana, ben, mia: the ids of two agents and an admin.
        queue: the id of the queue's Slack channel.
    """

    launch: ClassVar[Launch] = staticmethod(new_process)

    def __init__(
        self,
        database_url: str,
        *,
        knowledge: Path,
        log: Path,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.port = free_port()
        self.bot_url = f"http://127.0.0.1:{self.port}"
        self.journal = Journal()
        self.twilio = TwilioStandIn(
            "AC" + "0" * 32,
            "twilio-auth-token",
            PUBLIC,
            self.bot_url,
            journal=self.journal,
            now=lambda: datetime.fromtimestamp(now(), UTC),
        )
        self.slack = SlackStandIn(
            journal=self.journal, events_url=f"{self.bot_url}/slack/events", now=now
        ).start()
        self.slack.scopes.granted = (*SCOPES, *OPTIONAL_SCOPES)
        self.ana = self.slack.add_person("ana", "Ana")
        self.ben = self.slack.add_person("ben", "Ben")
        self.mia = self.slack.add_person("mia", "Mia", is_admin=True)
        members = [self.slack.bot_user, self.ana, self.ben, self.mia]
        self.queue = self.slack.add_channel("queue", members)
        self._log = log
        self._process: Process | None = None
        self._settings = {
            "DATABASE_URL": database_url,
            "HOST": "127.0.0.1",
            "PORT": str(self.port),
            "PUBLIC_BASE_URL": PUBLIC,
            "SLACK_BOT_TOKEN": self.slack.bot_token,
            "SLACK_SIGNING_SECRET": self.slack.signing_secret,
            "SLACK_API_URL": self.slack.api_url,
            "SLACK_QUEUE_CHANNEL": self.queue,
            "SLACK_LIMITS": "none",  # this workspace has none, and a sandbox should not wait
            "TWILIO_ACCOUNT_SID": self.twilio.account_sid,
            "TWILIO_AUTH_TOKEN": self.twilio.auth_token,
            "TWILIO_SMS_FROM": self.twilio.sms_number,
            "TWILIO_WHATSAPP_FROM": self.twilio.whatsapp_number,
            "TWILIO_API_URL": self.twilio.server.url,
            "KNOWLEDGE_DIR": str(knowledge),
            "SAMPLE_KNOWLEDGE": "true",
        }

    def environment(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        """Returns the bot's environment; settings of real accounts are neither inherited nor read
        from a `.env` file.
        """
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
        own = {**self._settings, "HANDOFF_ENV_FILE": os.devnull}
        return {**inherited, **own, **(more or {})}

    # -- the bot

    def start_bot(
        self,
        arguments: Sequence[str] = ("-m", "handoff_bot", "serve"),
        more: Mapping[str, str] | None = None,
    ) -> None:
        """Starts the real bot in its own process group; does not wait for it."""
        self._process = self.launch(arguments, self.environment(more), self._log)

    def wait_until_ready(self, timeout: float = 30.0) -> None:
        """Waits until the bot answers. Raises TimeoutError, also if it has exited."""
        deadline = time.monotonic() + timeout
        with requests.Session() as session:
            session.trust_env = False
            while self.is_up() and time.monotonic() < deadline:
                try:
                    if session.get(f"{self.bot_url}/healthz", timeout=2).status_code == 200:
                        return
                except requests.RequestException:
                    threading.Event().wait(0.05)
        raise TimeoutError(f"the bot does not answer; its log is {self._log}")

    @property
    def pid(self) -> int:
        """Id of the bot's first process; 0 before the start."""
        return self._process.pid if self._process else 0

    def is_up(self) -> bool:
        """Whether the process runs."""
        return self._process is not None and self._process.poll() is None

    def kill_bot(self, how: int = signal.SIGKILL) -> None:
        """Kills the bot with its child processes."""
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError):  # it may have exited
            os.killpg(self._process.pid, how)
        self._process.wait(timeout=30)

    def stop_bot(self) -> None:
        """Stops the bot as an operator would."""
        if self._process and self.is_up():
            self._process.terminate()
            try:
                self._process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                self.kill_bot()

    def cards(self) -> list[Json]:
        """Returns the cards in the queue channel that wait for an agent, oldest first."""
        return [m for m in self.slack.messages(self.queue) if " is waiting on " in m["text"]]

    def log(self) -> str:
        """Returns the bot's log."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    def __enter__(self) -> World:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop_bot()
        self.twilio.stop()
        self.slack.stop()
