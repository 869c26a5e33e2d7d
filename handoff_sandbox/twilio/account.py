"""One account of Twilio's stand-in: outbound messages, customers' messages, and settings."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from handoff_sandbox.twilio.carrier import Callbacks, News, OptOuts
from handoff_sandbox.twilio.messages import (
    Clock,
    Direction,
    Message,
    Messages,
    StoredFile,
    new_sid,
)
from handoff_sandbox.twilio.refusals import (
    Form,
    Senders,
    check_content,
    check_pair,
    check_parameters,
    check_recipient,
    rendered,
)
from handoff_sandbox.twilio.signature import Secrets

WINDOW = timedelta(hours=24)
OUTSIDE_WINDOW = 63016

Report = Callable[[Message, list[News]], None]


@dataclass
class Account:
    """The state and behaviour of one account.

    Attributes:
        secrets: authenticate requests, and sign webhooks.
        senders: the addresses that it may send from.
        webhooks: addresses for customers' messages, by channel; an address may end in overrides,
            e.g. "#rc=2&rp=5xx".
        now: the time, aware.
        report: runs the steps of a delivery.
        dice: random numbers for `callbacks`.
        failing: address -> the code with which every delivery to it fails.
        media_delay: how long a customer's file is missing after its webhook.
        templates: approved texts by their ContentSid, with variables like {{1}}.
        fetch: fetches the files that the bot sends; returns at once, `bring` is called next.
    """

    secrets: Secrets
    senders: Senders
    webhooks: dict[str, str]
    now: Clock
    report: Report
    dice: random.Random
    callbacks: Callbacks = field(default_factory=Callbacks)
    failing: dict[str, int] = field(default_factory=dict)
    media_delay: timedelta = timedelta()
    templates: dict[str, str] = field(default_factory=dict)
    fetch: Callable[[Message], None] = lambda _message: None

    def __post_init__(self) -> None:
        self.messages = Messages(self.now)
        self._opt_outs = OptOuts()
        self._last_heard: dict[tuple[str, str], datetime] = {}

    @property
    def sid(self) -> str:
        """The account's id."""
        return self.secrets.account_sid

    def take(self, form: Form) -> Message:
        """Accepts a message of the bot; call `deliver` next.

        Raises:
            Refusal: Twilio does not accept it.
        """
        check_parameters(form)
        to = form.get("To", "")
        check_recipient(to)
        sender = self.senders.choose(form)
        check_content(form)
        media = tuple(form.getlist("MediaUrl"))
        body = rendered(form, self.templates) if form.get("ContentSid") else form.get("Body", "")
        message = self._new("outbound-api", sender, to, body, "queued")
        message.is_template = bool(form.get("ContentSid"))
        message.media_urls = media
        message.sid = new_sid("MM") if media else message.sid
        message.callback = form.get("StatusCallback", "")
        message.service = form.get("MessagingServiceSid") or None
        message.status = "accepted" if message.service else "queued"
        with self.messages.changed:
            check_pair(to, sender, self._opt_outs)
            message.fails_with = self._failure(message)
            self.messages.add(message)
        return message

    def deliver(self, message: Message) -> None:
        """Starts the delivery of a message; does not wait for it. Files are fetched first."""
        if message.media_urls and not message.fails_with:
            self.fetch(message)
            return
        self._deliver(message)

    def bring(self, message: Message, files: tuple[StoredFile, ...], problem: int | None) -> None:
        """Continues a delivery after its files were fetched, or failed."""
        with self.messages.changed:
            message.files, message.fails_with = files, problem
        self._deliver(message)

    def _deliver(self, message: Message) -> None:
        with self.messages.changed:
            news = self.callbacks.plan(self._steps(message), self.dice)
        self.report(message, news)

    def hear(
        self, sid: str, customer: str, ours: str, text: str, files: tuple[StoredFile, ...] = ()
    ) -> None:
        """Receives a customer's message; a repeated one changes nothing."""
        with self.messages.changed:
            if sid in self.messages:
                return
            message = self._new("inbound", customer, ours, text, "received")
            message.sid, message.files = sid, files
            self.messages.add(message)
            self._last_heard[customer, ours] = message.created
            if not message.is_whatsapp:
                self._answer(customer, ours, text)

    def _answer(self, customer: str, ours: str, text: str) -> None:
        """Twilio's own replies to keywords on SMS."""
        reply = self._opt_outs.hear(customer, ours, text)
        if reply:
            answer = self._new("outbound-reply", ours, customer, reply, "delivered")
            answer.by_twilio = True
            self.messages.add(answer)

    def _new(self, direction: Direction, sender: str, to: str, body: str, status: str) -> Message:
        at = self.now()
        sent = None if direction == "outbound-api" else at
        return Message(new_sid("SM"), direction, sender, to, body, status, at, at, sent)

    def _failure(self, message: Message) -> int | None:
        is_free = message.is_whatsapp and not message.is_template
        if is_free and self._is_outside_window(message):
            return OUTSIDE_WINDOW
        return self.failing.get(message.to)

    def _is_outside_window(self, message: Message) -> bool:
        heard = self._last_heard.get((message.to, message.sender))
        return heard is None or message.created - heard > WINDOW

    def _steps(self, message: Message) -> list[str]:
        """Returns the delivery steps after acceptance; the first status is never reported."""
        begun = ["queued"] if message.service else []
        if message.fails_with:
            return [*begun, "failed"] if message.is_whatsapp else [*begun, "sent", "undelivered"]
        is_read = message.is_whatsapp and self.dice.random() < self.callbacks.read
        return [*begun, "sent", "delivered", *(["read"] if is_read else [])]
