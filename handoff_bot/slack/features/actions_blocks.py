"""Renders the modal of a conversation, page by page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import StrEnum

from handoff_bot.domain.delivery import DeliveryStatus
from handoff_bot.domain.desk import Line, TranscriptPage
from handoff_bot.domain.tickets import EarlierTicket
from handoff_bot.slack.cards.board import render_earlier
from handoff_bot.slack.cards.card import render_details, speaker
from handoff_bot.slack.features.merging import MergeAction
from handoff_bot.slack.kit.fields import labelled, modal
from handoff_bot.slack.kit.text import (
    Block,
    actions,
    context,
    line,
    moment,
    mrkdwn,
    named,
    plain,
    rich,
    section,
    spelled,
    words,
)

_TITLE = "Conversation"
_MOST_LINES = 44
_WORDS_IN_ALL = 24_000
_WORDS_OF_ONE = 3000


class Turn(StrEnum):
    """Action ids of the paging buttons."""

    PREVIOUS = "page_previous"
    NEXT = "page_next"


_DELIVERIES: dict[DeliveryStatus, str] = {
    DeliveryStatus.QUEUED: "waiting to be sent",
    DeliveryStatus.SENDING: "being sent",
    DeliveryStatus.ACCEPTED: "being sent",
    DeliveryStatus.SENT: "✓ sent",
    DeliveryStatus.DELIVERED: "✓✓ delivered",
    DeliveryStatus.READ: "👁 read",
    DeliveryStatus.FAILED: "❌ not delivered",
    DeliveryStatus.DROPPED: "not sent",
}


def loading() -> Block:
    """Renders the modal that opens at once: a trigger id expires after three seconds.

    It is filled in later.
    """
    return modal(_TITLE, [section("Loading…")])


def gone(text: str) -> Block:
    """Renders the modal that says why there is nothing to show."""
    return modal(_TITLE, [section(text)])


def conversation(
    page: TranscriptPage,
    escalation_id: int,
    earlier: Sequence[EarlierTicket] = (),
    workspace_url: str = "",
) -> Block:
    """Renders one page of a conversation, oldest first; the newest also has the customer's earlier
    conversations.
    """
    about = f"{named(page.contact)} on {spelled(page.channel)}"
    blocks = [context(plain(f"{about} · page {page.page + 1} of {page.pages}"))]
    if page.card:
        blocks += render_details(page.card)
        merge = labelled(MergeAction.OPEN, "Merge customers…", str(escalation_id))
        blocks += [*render_earlier(earlier, workspace_url), actions(merge), {"type": "divider"}]
    left_out = len(page.lines) - _MOST_LINES
    if left_out > 0:
        blocks.append(context(plain(f"Earlier messages left out on this page: {left_out}")))
    shown = page.lines[-_MOST_LINES:]
    limit = min(_WORDS_OF_ONE, _WORDS_IN_ALL // max(1, len(shown)))
    for said in shown:
        blocks += _line(said, page.contact, limit)
    if not shown:
        blocks.append(section("No messages yet."))
    turns = list(_turns(page, escalation_id))
    return modal(_TITLE, [*blocks, actions(*turns)] if turns else blocks)


def _line(said: Line, contact: str, limit: int) -> Iterator[Block]:
    details = moment(said.at)
    if said.delivery:
        details += f" · {_DELIVERIES[said.delivery]}"
    yield context(plain(speaker(said, contact)), mrkdwn(details))
    yield rich(line(words(said.text, limit)))


def _turns(page: TranscriptPage, escalation_id: int) -> Iterator[Block]:
    """Yields the paging buttons; their value is the escalation and the page."""
    if page.page > 0:
        value = f"{escalation_id}:{page.page - 1}"
        yield labelled(Turn.PREVIOUS, "Previous page", value)
    if page.page + 1 < page.pages:
        yield labelled(Turn.NEXT, "Next page", f"{escalation_id}:{page.page + 1}")
