"""Values to draw, and the texts that contacts write to do harm."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from handoff_bot.domain.desk import (
    PAGE_ROWS,
    AgentRef,
    Board,
    BoardRow,
    Card,
    Home,
    Line,
    MyRow,
    Place,
    QueuePage,
    TranscriptPage,
)
from handoff_bot.domain.escalations import Status, TicketStatus
from handoff_bot.domain.messages import Author, DeliveryStatus
from handoff_bot.domain.metrics import AgentNumbers, Lengths, Numbers, Slice
from handoff_bot.domain.report import MOST_POINTS
from handoff_bot.domain.signals import Priority, Signal
from handoff_bot.domain.tickets import (
    EarlierTicket,
    Happened,
    TicketPage,
    TicketQuery,
    TicketRow,
    TicketView,
)
from handoff_bot.services.tickets.ticket_edits import OfferedTags

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
ANA = AgentRef("U0ANA", "Ana")
CARD_AT = Place("C0QUEUE", "1763888400.000100")
NO_TAGS = OfferedTags((), may_add=True)

HOSTILE = (
    "<!channel> <!here> <@U0ANA> <#C0QUEUE> <!subteam^S1|@all> "
    "<https://evil.example|your bank> *bold* _it_ ~no~ `code` :rotating_light: "
    "<!date^0^{date}|x> &lt;!everyone&gt; @channel @here \u202eevil\u2066 \x00\x07 > quote"
)

TEXTS = {
    "usual": "My order never arrived",
    "empty": "",
    "blank": " \n\t ",
    "hostile": HOSTILE,
    "long": "word " * 5000,
    "long without spaces": "x" * 50_000,
    "emoji": "👩‍👩‍👧‍👦" * 3000,
    "escapes": "<&>" * 20_000,
    "newlines": "a\n" * 10_000,
    "surrogate": "half \ud83d of an emoji",
    "arabic": "أريد التحدث إلى شخص " * 300,
}


def card(**changes: Any) -> Card:
    """A card that waits in the queue."""
    values: dict[str, Any] = {
        "escalation_id": 7,
        "ticket": 12,
        "status": Status.QUEUED,
        "owner": None,
        "contact": "Dana R.",
        "address": "whatsapp:+15551234567",
        "channel": "whatsapp",
        "reason": Signal.REQUEST,
        "priority": Priority.HIGH,
        "scores": {Signal.REQUEST: 0.97, Signal.SENTIMENT: 0.4},
        "evidence": "I want a person",
        "summary": "Order 4711 has not arrived.",
        "tried": "Your order is on its way.",
        "recent": (said("I want a person"),),
        "earlier_tickets": 2,
        "opened_at": NOW,
        "language": "en",
    }
    return Card(**(values | changes))


def claimed(**changes: Any) -> Card:
    """A card that Ana has."""
    later = NOW + timedelta(minutes=2)
    values = {"status": Status.CLAIMED, "owner": ANA, "claimed_at": later, "recent": ()}
    return card(**(values | changes))


def closed(status: Status, **changes: Any) -> Card:
    """A card that Ana closed."""
    values = {"status": status, "closed_by": ANA, "closed_at": NOW + timedelta(minutes=9)}
    return claimed(**(values | changes))


def said(text: str, author: Author = Author.CONTACT, name: str = "Dana R.", **changes: Any) -> Line:
    """A line of a conversation."""
    return Line(author=author, name=name, text=text, at=NOW, **changes)


def board(rows: int, text: str = "Dana R.") -> Board:
    """A board of so many rows."""
    made = tuple(
        BoardRow(
            n, text, "whatsapp", Signal.REQUEST, Priority.HIGH, NOW, Place("C0QUEUE", f"1.{n}")
        )
        for n in range(1, rows + 1)
    )
    return Board(made, waiting=rows, claimed=3)


def queue_page(rows: int, text: str = "Dana R.") -> QueuePage:
    """A page of a queue of so many, in the middle; every other row is somebody's."""
    made = board(rows, text).rows[:PAGE_ROWS]
    owned = tuple(replace(row, owner=ANA, vip=True) if n % 2 else row for n, row in enumerate(made))
    owners = tuple(AgentRef(f"U{n}", text) for n in range(min(rows, 80)))
    return QueuePage(owned, 1, rows * 3, rows, ("sms", "whatsapp"), NOW, owners)


def figures(rows: int, text: str = "Ana") -> Numbers:
    """Figures of so many escalations, reasons, channels and agents."""
    some = Lengths(rows, timedelta(minutes=3), timedelta(hours=2)) if rows else Lengths()
    return Numbers(
        conversations=10 * rows,
        escalated=rows,
        escalations=rows,
        reasons={f"{text[:99]}{n}": 1 for n in range(rows)},
        priorities={"high": rows} if rows else {},
        channels={f"{text[:99]}{n}": 1 for n in range(rows)},
        waited=some,
        replied=some,
        resolution=some,
        resolved=rows,
        ended=rows,
        agents=tuple(AgentNumbers(n, text, rows, 1, some) for n in range(rows)),
        slices=tuple(
            Slice(NOW + timedelta(days=n), n, timedelta(minutes=n) if n % 2 else None)
            for n in range(min(rows, MOST_POINTS))
        ),
    )


def home(rows: int, text: str = "Dana R.") -> Home:
    """The Home tab of somebody with so many conversations, and so many who wait."""
    made = board(rows, text).rows
    mine = tuple(MyRow(row, NOW, n % 2 == 0) for n, row in enumerate(made[:20]))
    return Home(ANA, mine, made[:10], rows, 3, figures(rows), figures(1).agents[0], True)


def ticket_row(text: str = "Dana R.") -> TicketRow:
    """A ticket in a list."""
    assignee = AgentRef("U0ANA", text)
    kind = TicketStatus.PENDING
    return TicketRow(12, text, text, "whatsapp", kind, Priority.HIGH, assignee, NOW)


def tickets(rows: int, text: str = "Dana R.") -> TicketPage:
    """A page of so many tickets, with others behind."""
    query = TicketQuery(before=99, assignee="U0ANA")
    return TicketPage((ticket_row(text),) * rows, query, more=rows > 1)


EARLIER = tuple(
    EarlierTicket(n, NOW, TicketStatus.SOLVED, "answered", Place("C0QUEUE", f"{n}.1"))
    for n in range(11, 6, -1)
)
"""As many earlier conversations as are listed."""


def ticket(lines: int, text: str = "Dana R.") -> TicketView:
    """A ticket with so many lines in its timeline."""
    line = Happened(NOW, text, text, text)
    return TicketView(
        ticket_row(text),
        7,
        Signal.REQUEST,
        "solved",
        (text[:40],) * 3,
        2,
        NOW,
        Place("C0QUEUE", "1.1"),
        (line,) * lines,
        1,
        True,
        NOW,
        NOW,
    )


def page(lines: int, text: str = "Hello", number: int = 1, pages: int = 3) -> TranscriptPage:
    """A page of so many lines, of every kind."""
    kinds: list[dict[str, Any]] = [
        {"author": Author.CONTACT},
        {"author": Author.ASSISTANT, "delivery": DeliveryStatus.DELIVERED},
        {"author": Author.AGENT, "name": "Ana", "delivery": DeliveryStatus.FAILED},
        {"author": Author.AGENT, "name": "Ana", "note": True},
        {"author": Author.SYSTEM, "delivery": DeliveryStatus.READ},
    ]
    made = tuple(said(text, **kinds[n % len(kinds)]) for n in range(lines))
    return TranscriptPage("Dana R.", "whatsapp", made, number, pages)
