"""Conversations (classic) of one account: their messages and webhooks."""

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
    """The conversations of one account; thread-safe.

    Args:
        account: has the time, the random numbers, and unreachable recipients (`failing`, by conversation).
        hooks: post events.
        report: runs the steps of a delivery.

    Attributes:
        service: the id of the service of all conversations.
        patience: timeout in seconds of a webhook; there is no retry, and no override.
        echoes: True to post the bot's own messages, even if it did not ask for it.
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
        """Writes in a new or existing conversation; returns when the bot has answered or timed out.

        Args:
            conversation_sid: "CH…".
            author: their identity in a chat, their number on a phone.
            source: "SDK" for a chat, "SMS" or "WHATSAPP" for a phone, "API" for another program.
            attributes: JSON, as their chat sets it.
            media: content type and content of each file.
            fields: parameters to add or to replace.
            sid: the message's id, a new one if None; a repeated id is the same message.
            times: number of simultaneous copies of the webhook.
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

    # -- calls of the bot

    def take(
        self, talk: Conversation, author: str, text: str, attributes: str, *, is_told: bool
    ) -> ChatMessage:
        """Accepts a message of the bot; `is_told` if it wants a webhook for it. Call `deliver` next."""
        with self.account.messages.changed:
            message = self._add(talk, author, text, attributes, "API")
        if is_told or self.echoes:
            self._report([News(ADDED, 0.0, is_told=True)], partial(self._happen, message))
        return message

    def deliver(self, talk: Conversation, message: ChatMessage) -> None:
        """Starts the delivery to a phone; does not wait for it. Twilio reports no delivery for chats."""
        with self.account.messages.changed:
            news = self.account.callbacks.plan(self._steps(talk), self.account.dice)
        self._report(news, partial(self._happen, message))

    def tell_delivery(
        self, message: ChatMessage, status: str, error_code: int | None = None
    ) -> WebhookResult:
        """Reports a status: "sent", "delivered", "read", "undelivered" or "failed"."""
        with self.account.messages.changed:
            message.steps.append(status)
            message.error_code = error_code
            self.account.messages.changed.notify_all()
        form = forms.delivery(self.account.sid, self.service, message, self.account.now())
        return self._hooks.post(self._webhook, form)

    def delete_message(self, conversation_sid: str, sid: str) -> bool:
        """Deletes a message; False if it does not exist."""
        with self.account.messages.changed:
            talk = self._all[conversation_sid]
            kept = [one for one in talk.messages if one.sid != sid]
            is_known, talk.messages = len(kept) < len(talk.messages), kept
            return is_known

    def delete(self, conversation_sid: str) -> None:
        """Deletes a conversation."""
        with self.account.messages.changed:
            del self._all[conversation_sid]

    # -- queries

    def find(self, sid: str) -> Conversation | None:
        """Returns the conversation with this id."""
        return self._all.get(sid)

    def messages(self, conversation_sid: str) -> list[ChatMessage]:
        """Returns all messages of a conversation, oldest first."""
        with self.account.messages.changed:
            talk = self._all.get(conversation_sid)
            return list(talk.messages) if talk else []

    # -- internals

    @property
    def _webhook(self) -> str:
        """The address for events, with Conversations' own timeouts, written as Messaging's overrides."""
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
            index=talk.messages[-1].index + 1 if talk.messages else 0,
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
        """Returns the reported steps of a delivery."""
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
