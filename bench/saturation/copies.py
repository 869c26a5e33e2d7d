"""Thousands of conversations and a million old messages in seconds: copies of one real conversation, in SQL.

The conversation was opened through the front door, so that what is copied is what the bot writes itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    Connection,
    String,
    Table,
    case,
    cast,
    delete,
    func,
    insert,
    literal,
    select,
    text,
)

from bench.saturation.fire import address
from handoff_bot.domain.events import EventKind
from handoff_bot.storage.models import (
    Contact,
    ContactAddress,
    Conversation,
    Delivery,
    DeskThread,
    Escalation,
    Event,
    Message,
    Source,
    Ticket,
    Work,
)
from handoff_bot.storage.transaction import table_of

STRIDE = 1_000
"""Ids of a copy are those of the original and a multiple of this."""
CLOSED = 100_000
"""Copies from this number on are old conversations, whose escalations are resolved."""
EACH = 50
"""Messages of an old conversation."""
SHARE = 5
"""Of the old messages one in so many belongs to a conversation that is still open."""
HISTORY = 10_000_000
"""Copies of messages from this number on."""
DONE = 100_000
"""Jobs that are done and not yet pruned."""
COPIED = (
    Contact,
    ContactAddress,
    Conversation,
    Escalation,
    Ticket,
    DeskThread,
    Message,
    Delivery,
    Event,
)
SUBJECT = frozenset(
    {
        "id",
        "contact_id",
        "conversation_id",
        "escalation_id",
        "ticket_id",
        "message_id",
        "settled_message_id",
    }
)
"""Columns that name a row which is copied too; agents and jobs are not."""
UNIQUE = frozenset({"provider_id", "oid", "key"})
Values = Mapping[str, Any]


def open_conversations(connection: Connection, count: int) -> None:
    """As many as the original's, claimed and at rest, are there afterwards."""
    connection.execute(
        delete(table_of(Source))
    )  # a bot that was never away has nothing to read back
    copies = count - 1
    for model in COPIED:
        table = table_of(model)
        _copy(connection, table, copies, lambda number, table=table: _as_open(table, number))


def old_messages(connection: Connection, count: int, conversations: int) -> None:
    """So many messages of last year; a share of them in the open conversations."""
    closed = max(1, count // EACH)
    for model in COPIED[:6]:
        table = table_of(model)
        _copy(connection, table, closed, lambda number, table=table: _as_closed(table, number))
    for table in (table_of(Message), table_of(Delivery), table_of(Event)):
        _copy(
            connection,
            table,
            count // 2,
            lambda number, table=table: _as_old(table, number, closed, conversations),
            rows=_two_messages(connection, table),
        )
    work = table_of(Work)
    first = select(func.min(work.c.id)).where(work.c.status == "done")
    _copy(connection, work, DONE, lambda number: _shifted(work, number), first)
    if connection.dialect.name == "postgresql":
        connection.execute(text("ANALYZE"))


def _copy(connection: Connection, table: Table, times: int, values: Any, rows: Any = None) -> None:
    """Insert the original's rows again so many times; `values` says which columns differ, by number."""
    if times < 1:
        return
    first = select(literal(1).label("number")).cte("numbers", recursive=True)
    numbers = first.union_all(select(first.c.number + 1).where(first.c.number < times))
    changed = values(numbers.c.number)
    columns = [changed.get(column.name, column).label(column.name) for column in table.c]
    originals = table.c.id < STRIDE if rows is None else table.c.id.in_(rows)
    copied = select(*columns).select_from(table.join(numbers, literal(value=True))).where(originals)
    connection.execute(insert(table).from_select([column.name for column in table.c], copied))
    if connection.dialect.name == "postgresql":
        sequence = func.pg_get_serial_sequence(table.name, "id")
        connection.execute(
            select(func.setval(sequence, select(func.max(table.c.id)).scalar_subquery()))
        )


def _shifted(table: Table, number: Any) -> dict[str, Any]:
    """The ids and the unique names of a copy."""
    columns = {column.name: column for column in table.c}
    ids = {name: columns[name] + number * STRIDE for name in SUBJECT & columns.keys()}
    names = {name: columns[name] + "-" + cast(number, String) for name in UNIQUE & columns.keys()}
    return ids | names


def _as_open(table: Table, number: Any) -> dict[str, Any]:
    """A copy that is another customer's."""
    prefix = address(0)[:-5]
    digits = func.substr(cast(100_000 + number, String), 2)
    names = {
        "address": literal(prefix) + digits,
        "ts": cast(1_700_000_000 + number, String) + ".000001",
    }
    return _shifted(table, number) | {name: names[name] for name in names if name in table.c}


def _as_closed(table: Table, number: Any) -> dict[str, Any]:
    """A copy that is a former customer's, whose escalation was resolved last year."""
    then = datetime.now(UTC) - timedelta(days=300)
    found = _as_open(table, CLOSED + number)
    if table.name == "contact_address" or table.name == "conversation":
        found["address"] = literal("+1666") + cast(CLOSED + number, String)
    ended = {"escalation": ("resolved", "closed_at"), "ticket": ("solved", "solved_at")}
    if table.name in ended:
        status, at = ended[table.name]
        found |= {"status": literal(status), at: literal(then, table.c[at].type)}
    return found


def _two_messages(connection: Connection, table: Table) -> Any:
    """Which rows of a table belong to one message of the customer's and one to them."""
    message = table_of(Message)
    two = [
        connection.execute(
            select(func.min(message.c.id)).where(message.c.direction == way)
        ).scalar()
        for way in ("inbound", "outbound")
    ]
    if table is message:
        return two
    found = table.c.message_id.in_(two) & (table.c.id < STRIDE)
    if "kind" in table.c:
        found &= table.c.kind.in_([EventKind.MESSAGE_RECEIVED, EventKind.MESSAGE_SENT])
    return select(table.c.id).where(found)


def _as_old(table: Table, number: Any, closed: int, conversations: int) -> dict[str, Any]:
    """A copy of a message that was written last year, in an old conversation or in an open one."""
    found = _shifted(table, HISTORY + number)
    then = literal(datetime.now(UTC) - timedelta(days=300), table_of(Message).c.created_at.type)
    found |= {name: then for name in ("created_at", "updated_at", "at") if name in table.c}
    # One conversation after another: indexes grow at their ends, which is several times as fast.
    old = (CLOSED + 1 + number // (EACH // 2) % closed) * STRIDE
    still_open = (number % conversations) * STRIDE
    chosen = case((number % SHARE == 0, still_open), else_=old)
    for name in ("conversation_id", "escalation_id"):
        if name in table.c:
            found[name] = table.c[name] + chosen
    return found
