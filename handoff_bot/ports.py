"""What the core asks of the world. Adapters implement these; the core never imports an adapter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from handoff_bot.domain.delivery import DeliveryStatus
from handoff_bot.domain.desk import AgentRef, Board, Card, Place, Post, Whisper
from handoff_bot.domain.messages import (
    DeliveryUpdate,
    InboundMessage,
    Limits,
    OutboundMessage,
    Receipt,
)
from handoff_bot.domain.signals import Answer, Judgement, Turn


@dataclass(frozen=True)
class WebhookRequest:
    """A request as it arrived, before anything is believed.

    Attributes:
        path: the path alone, e.g. "/webhooks/sms".
        query: the raw query string, exactly as sent, without "?".
        headers: names in lower case.
        body: the raw bytes.
        form: the decoded form fields in order, blank values kept, repeats kept.
    """

    path: str
    query: str
    headers: dict[str, str]
    body: bytes
    form: tuple[tuple[str, str], ...]


class Channel(Protocol):
    """A way customers reach us."""

    kind: str
    limits: Limits

    def receive(self, request: WebhookRequest) -> Sequence[InboundMessage | DeliveryUpdate]:
        """Check that the provider really sent this, and say what it holds.

        Raises:
            Unauthentic: the signature or the account is not ours.
            Malformed: a signed request lacks what it must hold.
        """

    def send(self, message: OutboundMessage) -> Receipt:
        """Hand one message to the provider, once.

        Raises:
            DeliveryError: the provider refused (`permanent`) or is in trouble.
            OutcomeUnknown: it was called and never answered.
        """

    def sent_since(self, message: OutboundMessage, since: datetime) -> Sequence[Receipt]:
        """Messages that the provider took from us since then and that equal this one, oldest first.

        Asked after a crash or a timeout in the middle of `send`; the caller leaves out those it knows.

        Raises:
            DeliveryError: the provider cannot be asked (now, or ever when `permanent`).
        """


class Desk(Protocol):
    """Where agents work. Every method may raise DeskError; those that post also DeskOutcomeUnknown."""

    def draw_card(self, card: Card, at: Place | None, mark: str) -> Place:
        """Post the card (at None) or redraw the one that is there; says where it is.

        `mark` is our own opaque id of a new post, for `find_card`.
        """

    def find_card(self, mark: str, since: datetime) -> Place | None:
        """The card that was posted with this mark since then, if there is one."""

    def post(self, thread: Place, post: Post, mark: str) -> Place:
        """Say something in a thread. `mark` is our own opaque id of it, for `find_post`."""

    def find_post(self, thread: Place, mark: str, since: datetime) -> Place | None:
        """The post in this thread that carries this mark, if there is one."""

    def whisper(self, whisper: Whisper) -> None:
        """Say something in a thread to one agent alone."""

    def mark_delivery(self, reply: Place, status: DeliveryStatus) -> None:
        """Show on an agent's own reply how far it has come. Doing it twice is harmless."""

    def draw_board(self, board: Board, at: Place | None, mark: str) -> Place:
        """Post and pin the board (at None) or redraw it; says where it is."""

    def agent(self, desk_id: str) -> AgentRef:
        """Who this is, with the name that customers may see."""


class Detector(Protocol):
    """Sees when a person is needed."""

    def judge(self, turns: Sequence[Turn]) -> Judgement:
        """Judge the last turn, always the customer's, in the light of all of them.

        Raises:
            ModelError: it cannot say; the caller has another detector or escalates.
        """


class Assistant(Protocol):
    """The automatic answerer."""

    def answer(self, turns: Sequence[Turn], language: str) -> Answer | None:
        """What it would say to the last turn, None when it has nothing to say.

        Raises:
            ModelError: it cannot answer now.
        """


class Clock(Protocol):
    """The time, so that tests can hold it."""

    def now(self) -> datetime:
        """Aware UTC."""
