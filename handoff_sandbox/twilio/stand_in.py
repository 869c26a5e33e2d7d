"""Twilio's stand-in on loopback: its API for the unmodified client, and customers with phones."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from urllib.parse import parse_qs, urlencode

from flask import Flask

from handoff_sandbox.server import Faults, Journal, Server
from handoff_sandbox.twilio import forms
from handoff_sandbox.twilio.account import Account
from handoff_sandbox.twilio.api import Api
from handoff_sandbox.twilio.carrier import News
from handoff_sandbox.twilio.conversations import Conversations
from handoff_sandbox.twilio.conversations_api import ConversationsApi
from handoff_sandbox.twilio.fetching import Fetcher, Unfetched
from handoff_sandbox.twilio.forms import Button, Form, Location, Utterance
from handoff_sandbox.twilio.hooks import Hooks, WebhookResult
from handoff_sandbox.twilio.messages import Clock, Message, StoredFile, new_sid
from handoff_sandbox.twilio.refusals import Senders
from handoff_sandbox.twilio.reports import Reports
from handoff_sandbox.twilio.setup_api import Hooks as ConversationHooks
from handoff_sandbox.twilio.setup_api import Service, Setup, SetupApi
from handoff_sandbox.twilio.shapes import fault, root
from handoff_sandbox.twilio.signature import Fields, Secrets
from handoff_sandbox.twilio.webhooks import Courier

SERVICE = "MG" + "5b" * 16
CHANNELS = ("sms", "whatsapp", "conversations")


class TwilioStandIn:
    """One Twilio account, which answers as soon as it is created. Stop it at the end.

    Every host of Twilio's is `server.url`: give the client an HTTP client that maps to it.

    Args:
        account_sid: "AC…".
        auth_token: the primary token.
        public_base_url: the bot's address as Twilio knows it; signatures are made over it, and only
            addresses below it are called.
        bot_url: the bot's real address; may be set later, "" for none yet.
        journal, faults: shared with other stand-ins; its own if None.
        seed: of the random numbers for `callbacks`.
        port: 0 for any free one.

    Attributes:
        secrets: set `shared_key`, add to `api_keys`.
        account: set `webhooks`, `failing`, `media_delay`.
        callbacks: behaviour of status callbacks; may be changed at any time.
        conversations: the account's Conversations (classic).
        setup: the account as set in Twilio's console, which the health checks read.
        conversation_writes: writes in one of them, see `Conversations.write`.
    """

    def __init__(
        self,
        account_sid: str,
        auth_token: str,
        public_base_url: str,
        bot_url: str = "",
        *,
        journal: Journal | None = None,
        faults: Faults | None = None,
        now: Clock = lambda: datetime.now(UTC),
        seed: int = 0,
        sms_number: str = "+15550100",
        whatsapp_number: str = "whatsapp:+15550101",
        port: int = 0,
    ) -> None:
        self.journal, self.faults = journal or Journal(), faults or Faults()
        self.account_sid, self.public_base_url = account_sid, public_base_url.rstrip("/")
        self.sms_number, self.whatsapp_number = sms_number, whatsapp_number
        self.messaging_service_sid = SERVICE
        self.secrets = Secrets(account_sid, auth_token)
        self._courier = Courier(self.public_base_url, bot_url, self.journal)
        self._hooks = Hooks(self.secrets, self._courier)
        self._reports = Reports()
        self.account = Account(
            secrets=self.secrets,
            senders=Senders(sms_number, whatsapp_number, SERVICE),
            webhooks={c: f"{self.public_base_url}/webhooks/{c}" for c in CHANNELS},
            now=now,
            report=lambda message, news: self._reports.enqueue(
                news, partial(self._happen, message)
            ),
            fetch=lambda message: self._reports.enqueue(
                [News("fetching", 0.0, is_told=False)], lambda _: self._fetch(message)
            ),
            dice=random.Random(seed),  # noqa: S311 - draws troubles, guards nothing
        )
        self.callbacks = self.account.callbacks
        self.conversations = Conversations(self.account, self._hooks, self._reports.enqueue)
        self.conversation_writes = self.conversations.write
        self.setup = Setup(services=[self._service()], hooks=self._conversation_hooks())
        app = Flask(__name__, static_folder=None)
        Api(self.account).put_on(app)
        SetupApi(self.account, self.setup).put_on(app)
        ConversationsApi(self.conversations).put_on(app)
        self.server = Server(
            app, "twilio", self.journal, self.faults, port=port, fault_answer=fault
        )
        self._reports.start()
        self.server.start()

    def stop(self) -> None:
        """Closes all connections and threads; waiting callbacks are dropped."""
        self._courier.close()
        self._reports.stop()
        self.server.stop()

    def __enter__(self) -> TwilioStandIn:
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    # -- settings of the console

    def _service(self) -> Service:
        """The Messaging Service, as the bot needs it; it holds both senders, and defers to them."""
        url = self.account.webhooks["sms"]
        return Service(
            SERVICE,
            url,
            defers=True,
            numbers=(self.sms_number,),
            senders=(self.whatsapp_number,),
        )

    def _conversation_hooks(self) -> ConversationHooks:
        url = self.account.webhooks["conversations"]
        return ConversationHooks(
            url, method="POST", filters=["onMessageAdded", "onDeliveryUpdated"]
        )

    @property
    def bot_url(self) -> str:
        """The bot's real address."""
        return self._courier.bot_url

    @bot_url.setter
    def bot_url(self, url: str) -> None:
        self._courier.bot_url = url

    @property
    def auth_token(self) -> str:
        """The primary token, which signs."""
        return self.secrets.auth_token

    @auth_token.setter
    def auth_token(self, token: str) -> None:
        self.secrets.auth_token = token

    @property
    def next_auth_token(self) -> str:
        """The secondary token, "" for none; set it to start a rotation."""
        return self.secrets.next_auth_token

    @next_auth_token.setter
    def next_auth_token(self, token: str) -> None:
        self.secrets.next_auth_token = token

    def promote(self) -> None:
        """Makes the secondary token the primary one. Raises ValueError if there is none."""
        self.secrets.promote()

    # -- actions of customers

    def customer_writes(
        self,
        channel: str,
        address: str,
        text: str,
        *,
        media: Sequence[tuple[str, bytes] | tuple[str, bytes, str]] = (),
        profile_name: str = "",
        external_user_id: str = "",
        button: Button | None = None,
        location: Location | None = None,
        fields: Mapping[str, str] | None = None,
        sid: str | None = None,
        times: int = 1,
    ) -> WebhookResult:
        """A customer sends a message; returns after the bot's answer, or after 15 s without one.

        Args:
            channel: "sms" or "whatsapp".
            address: a phone number, or on WhatsApp a user id like "US.1A2b" of a customer who hides it.
            media: content type, content and optional name of each file.
            fields: parameters to add or to replace.
            sid: the message's id, a new one if None.
            times: number of simultaneous copies of the webhook.
        """
        url, sid = self.account.webhooks[channel], sid or new_sid("MM" if media else "SM")
        sender, ours = self._ends(channel, address)
        files = tuple(StoredFile(new_sid("ME"), *one) for one in media)
        kept = [(self._file_url(sid, file), file.content_type) for file in files]
        said = Utterance(text, kept, profile_name, external_user_id, button, location)
        form = forms.inbound(self.account_sid, sid, sender, ours, said) | dict(fields or {})
        self.account.hear(form["MessageSid"], form["From"], form["To"], form["Body"], files)
        return self._hooks.post(url, form, times)

    def inbound_form(self, channel: str, address: str, text: str, sid: str) -> Form:
        """Returns the form that Twilio would post for a customer's message; nothing is sent."""
        return forms.inbound(self.account_sid, sid, *self._ends(channel, address), Utterance(text))

    def webhook(
        self, path: str, sent: Fields | bytes, *, signature: str | None = None
    ) -> WebhookResult:
        """Posts anything to a path of the bot, e.g. "/webhooks/sms?x=1", valid or not.

        Args:
            sent: fields, or a whole form as it is; signed as far as it can be parsed.
            signature: replaces the valid one, "" for none.
        """
        url = self.public_base_url + path
        content = sent if isinstance(sent, bytes) else urlencode(sent, doseq=True).encode()
        fields = parse_qs(content.decode(errors="replace"), keep_blank_values=True)
        headers = self.secrets.headers(url, fields)
        if signature is not None:
            headers |= {"X-Twilio-Signature": signature}
        headers = {name: value for name, value in headers.items() if value}
        reply = self._courier.post(url, content, headers)
        return WebhookResult(reply.status, reply.body, fields.get("MessageSid", [""])[0])

    def _ends(self, channel: str, address: str) -> tuple[str, str]:
        """Returns the customer's address and ours, in Twilio's format."""
        if channel == "sms":
            return address, self.sms_number
        return "whatsapp:" + address.removeprefix("whatsapp:"), self.whatsapp_number

    def _file_url(self, sid: str, file: StoredFile) -> str:
        return f"{self.server.url}{root(self.account_sid)}/Messages/{sid}/Media/{file.sid}"

    # -- status callbacks

    def _happen(self, message: Message, news: News) -> None:
        self.account.messages.advance(message, news.step)
        if not (message.callback and news.is_told):
            return
        form = forms.report(self.account_sid, message, news.step, self.account.now())
        self._hooks.post(message.callback, form)

    def _fetch(self, message: Message) -> None:
        """Fetches the files of a message from the bot, then continues its delivery."""
        try:
            found = Fetcher(self.public_base_url, self.bot_url).files(message)
        except Unfetched as failed:
            self.account.bring(message, (), failed.code)
        else:
            self.account.bring(message, found, None)

    def pending_callbacks(self) -> int:
        """The number of future delivery steps."""
        return self._reports.pending

    def drain(self, timeout: float = 10.0) -> None:
        """Waits until all deliveries have ended. Raises TimeoutError."""
        self._reports.drain(timeout)

    # -- queries

    def phone(self, address: str) -> list[Message]:
        """Returns the messages on a customer's phone, oldest first, Twilio's own replies included.

        Args:
            address: in Twilio's format: "+1555…" for SMS, "whatsapp:+1555…" for WhatsApp.
        """
        return self.account.messages.to(address)

    def messages(self) -> list[Message]:
        """Returns all messages of the bot that were accepted, oldest first."""
        every = self.account.messages.newest_first()
        return [one for one in every if one.direction == "outbound-api"][::-1]

    def wait_for(self, predicate: Callable[[], bool], timeout: float = 10.0) -> None:
        """Waits until the predicate holds; it is called after each change of a message.

        Raises:
            TimeoutError: not within `timeout` seconds.
        """
        with self.account.messages.changed:
            if not self.account.messages.changed.wait_for(predicate, timeout):
                raise TimeoutError(f"no matching change within {timeout} s")
