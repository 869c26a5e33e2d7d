"""Conversations (classic) of one account at Twilio's stand-in: who writes in them, and who hears of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from handoff_sandbox.twilio import conversations_forms as forms
from handoff_sandbox.twilio.account import Account
from handoff_sandbox.twilio.carrier import News
from handoff_sandbox.twilio.hooks import Hooks, WebhookResult
from handoff_sandbox.twilio.messages import (
    FAILURES,
    ChatMessage,
    Conversation,
    StoredFile,
    new_sid,
)
from handoff_sandbox.twilio.reports import Happen

CHAT_SERVICE = "IS" + "6c" * 16
ADDED = "added"


class Conversations:
    """What happens in one account's conversations; safe to use from any thread.

    Args:
        account: says the time, throws the dice, knows who cannot be reached (`failing`, by conversation).
        hooks: post events.
        report: lets the steps of a delivery happen.

    Attributes:
        service: the id of the service that all of them are in.
        patience: seconds to wait for the bot; there is no second try, and no override.
        echoes: True to post what the bot itself has sent, even if it did not ask for that.
    """

    def __init__(
        self, account: Account, hooks: Hooks, report: Callable[[Sequence[News], Happen], None]
    ) -> None:
        self.service = CHAT_SERVICE
        self.patience = 5.0
        self.echoes = False
        self.account = account
        self._hooks = hooks
        self._report = report
        self._all: dict[str, Conversation] = {}

    # -- what customers do

    def write(
        self,
        conversation_sid: str,
        author: str,
        text: str,
        *,
        source: str = "SDK",
        attributes: str = "{}",
        media: Sequence[tuple[str, bytes]] = (),
        fields: Mapping[str, str] | None = None,
        sid: str | None = None,
        times: int = 1,
    ) -> WebhookResult:
        """Somebody writes in a conversation, new or old; returns when the bot has answered or is too late.

        Args:
            conversation_sid: "CH…".
            author: their identity in a chat, their number on a phone.
            source: "SDK" for a chat, "SMS" or "WHATSAPP" for a phone, "API" for another program.
            attributes: JSON, as their chat sets it.
            media: content type and content of each file.
            fields: parameters to add or to replace.
            sid: the message's id, a new one if None; the same one again is the same message again.
            times: how often the webhook is sent, all at once.
        """
        files = tuple(StoredFile(new_sid("ME"), *one) for one in media)
        with self.account.messages.changed:
            talk = self._all.setdefault(conversation_sid, Conversation(conversation_sid))
            talk.source = talk.source if source == "API" else source
            said = next((one for one in talk.messages if one.sid == sid), None) or self._add(
                talk, author, text, attributes, source, sid=sid, files=files
            )
        form = forms.added(self.account.sid, self.service, said) | dict(fields or {})
        return self._hooks.post(self._webhook, form, times)

    # -- what the bot does

    def take(
        self, talk: Conversation, author: str, text: str, attributes: str, *, is_told: bool
    ) -> ChatMessage:
        """Take a message from the bot; `is_told` when it wants the webhook for it. Call `deliver` next."""
        with self.account.messages.changed:
            message = self._add(talk, author, text, attributes, "API")
        if is_told or self.echoes:
            self._report([News(ADDED, 0.0, is_told=True)], partial(self._happen, message))
        return message

    def deliver(self, talk: Conversation, message: ChatMessage) -> None:
        """Let the delivery to a phone happen; does not wait for it. Of chats Twilio tells nothing."""
        with self.account.messages.changed:
            news = self.account.callbacks.plan(self._steps(talk), self.account.dice)
        self._report(news, partial(self._happen, message))

    def tell_delivery(
        self, message: ChatMessage, status: str, error_code: int | None = None
    ) -> WebhookResult:
        """Say how far a message is: "sent", "delivered", "read", "undelivered" or "failed"."""
        with self.account.messages.changed:
            message.steps.append(status)
            message.error_code = error_code
            self.account.messages.changed.notify_all()
        form = forms.delivery(self.account.sid, self.service, message, self.account.now())
        return self._hooks.post(self._webhook, form)

    # -- looking

    def find(self, sid: str) -> Conversation | None:
        """The conversation with this id."""
        return self._all.get(sid)

    def messages(self, conversation_sid: str) -> list[ChatMessage]:
        """What was said in a conversation, by everybody, oldest first."""
        with self.account.messages.changed:
            talk = self._all.get(conversation_sid)
            return list(talk.messages) if talk else []

    # -- the rest

    @property
    def _webhook(self) -> str:
        """Where events go, with Conversations' own patience in the words of Messaging's overrides."""
        wait = int(self.patience * 1000)
        return f"{self.account.webhooks['conversations']}#ct={wait}&rt={wait}&tt={wait}&rc=0"

    def _add(
        self,
        talk: Conversation,
        author: str,
        text: str,
        attributes: str,
        source: str,
        *,
        sid: str | None = None,
        files: tuple[StoredFile, ...] = (),
    ) -> ChatMessage:
        is_person = source != "API"
        message = ChatMessage(
            sid=sid or new_sid("IM"),
            conversation=talk.sid,
            index=len(talk.messages),
            author=author,
            body=text,
            attributes=attributes,
            source=source,
            created=self.account.now(),
            participant=talk.participants.setdefault(author, new_sid("MB")) if is_person else "",
            files=files,
        )
        talk.messages.append(message)
        self.account.messages.changed.notify_all()
        return message

    def _steps(self, talk: Conversation) -> list[str]:
        """What Twilio tells of a delivery."""
        on_whatsapp = talk.source == "WHATSAPP"
        if talk.source == "SDK":
            return []
        if talk.sid in self.account.failing:
            return ["failed"] if on_whatsapp else ["sent", "undelivered"]
        is_read = on_whatsapp and self.account.dice.random() < self.account.callbacks.read
        return ["sent", "delivered", *(["read"] if is_read else [])]

    def _happen(self, message: ChatMessage, news: News) -> None:
        if news.step == ADDED:
            self._hooks.post(self._webhook, forms.added(self.account.sid, self.service, message))
        elif news.is_told:
            fails_with = self.account.failing.get(message.conversation)
            self.tell_delivery(message, news.step, fails_with if news.step in FAILURES else None)
