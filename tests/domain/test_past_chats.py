"""Exports are recognized by their first line; each row becomes a message, is left out, or is broken."""

import csv
from contextlib import suppress
from typing import Any

import pytest

from handoff_bot.domain.past_chats import (
    AGENT,
    ASSISTANT,
    CUSTOMER,
    LONGEST_TEXT,
    ExportError,
    PastMessage,
    lines_format,
    table_format,
)


def read_table(text: str):
    header, *rows = csv.reader(text.splitlines())
    found = table_format(header)
    return found.name, [found.message(row) for row in rows]


def roles(messages):
    return [one and (one.role, one.text) for one in messages]


def test_chatwoots_messages():
    name, messages = read_table(
        "id,content,conversation_id,message_type,private,sender_type,created_at\n"
        "1,Hi,7,0,f,Contact,2026-11-01 10:00:00.123\n"
        "2,Hello,7,1,f,AgentBot,2026-11-01 10:00:01\n"
        "3,look here,7,1,t,User,2026-11-01 10:00:02\n"
        "4,Ana here,7,1,f,User,2026-11-01 10:00:03\n"
        "5,Assigned to Ana,7,2,f,,2026-11-01 10:00:03\n"
        "6,How did we do?,7,template,f,,2026-11-01 10:00:04\n"
        "7,,7,0,f,Contact,2026-11-01 10:00:05\n"
        "8,Captain says,7,outgoing,f,Captain::Assistant,2026-11-01 10:00:05\n"
    )
    assert name == "Chatwoot, table of messages"
    assert roles(messages) == [
        (CUSTOMER, "Hi"),
        (ASSISTANT, "Hello"),
        None,
        (AGENT, "Ana here"),
        None,
        (ASSISTANT, "How did we do?"),
        None,
        (ASSISTANT, "Captain says"),
    ]
    assert messages[0].at == 1793527200.123


@pytest.mark.parametrize(
    ("column", "cell", "role"),
    [("user_id", "3", AGENT), ("user_id", "", ASSISTANT), ("inbox_id", "1", AGENT)],
)
def test_older_tables_of_chatwoot_name_the_agent_otherwise(column, cell, role):
    _, [message] = read_table(f"conversation_id,message_type,content,{column}\n1,1,Hello,{cell}\n")
    assert message.role == role


def test_intercoms_csv():
    name, messages = read_table(
        "message_id,message_body,message_type,message_created_at,message_author_type,conversation_id\n"
        "1,<p>Hi &amp; hello</p>,conversation_message,2017-11-14 21:45:08,lead,9\n"
        "2,Try this,comment,2017-11-14 21:45:09,bot,9\n"
        "3,secret,note,2017-11-14 21:45:10,admin,9\n"
        "4,Ana here,comment,2017-11-14 21:45:11,admin,9\n"
        "5,,close,2017-11-14 21:45:12,admin,9\n"
    )
    assert name == "Intercom, CSV of messages"
    assert roles(messages) == [
        (CUSTOMER, "Hi & hello"),
        (ASSISTANT, "Try this"),
        None,
        (AGENT, "Ana here"),
        None,
    ]


@pytest.mark.parametrize(
    "header",
    ["conversation,role,text,time", "Chat ID,Author,Message,Date", "ticket-id,from,body,sent at"],
)
def test_a_plain_table_may_name_its_columns_in_several_ways(header):
    name, [message] = read_table(f"{header}\n1,Visitor,Hi,1793527200\n")
    assert name == "plain table"
    assert message == PastMessage("1", CUSTOMER, "Hi", 1793527200.0)


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("1,customer", "too short"),
        ("1,dog,Hi", "unknown role"),
        (",customer,Hi", "no conversation"),
    ],
)
def test_a_broken_row_says_so(row, says):
    with pytest.raises(ValueError, match=says):
        read_table(f"conversation,role,text\n{row}\n")


@pytest.mark.parametrize(
    ("header", "says"),
    [
        ("Id,Requester,Subject,Status", "holds no comments"),
        ("a,b,c", "format is unknown"),
        ("", "format is unknown"),
        (",".join(f"x{n}" for n in range(10_000)), "format is unknown"),
    ],
)
def test_an_unknown_table_says_what_to_do(header, says):
    with pytest.raises(ExportError, match=says):
        table_format(header.split(","))


def test_ten_thousand_columns_are_read():
    wide = [f"x{n}" for n in range(10_000)]
    found = table_format([*wide, "conversation", "role", "text"])
    assert found.message([*wide, "1", "bot", "Hi"]) == PastMessage("1", ASSISTANT, "Hi")


@pytest.mark.parametrize(
    ("time", "at"),
    [
        ("1793527200000", 1793527200.0),
        ("2026-11-01T10:00:00+00:00", 1793527200.0),
        ("2026-11-01 10:00:00 UTC", 1793527200.0),
        ("yesterday", None),
        ("nan", None),
        ("1e400", None),
        ("-5", None),
        ("9999-12-31T23:59:59-23:59", 253402387139.0),
    ],
)
def test_times_are_read_or_unknown(time, at):
    _, [message] = read_table(f"conversation,role,text,time\n1,user,Hi,{time}\n")
    assert message.at == at


def test_texts_are_bounded_and_storable():
    _, [message] = read_table(f"conversation,role,text\n1,user,\x00{'<b>' * 40_000}\n")
    assert (len(message.text), "\x00" in message.text) == (LONGEST_TEXT, False)


ZENDESK = {
    "id": 5,
    "requester_id": 20,
    "subject": "Help",
    "comments": [
        {
            "author_id": 20,
            "public": True,
            "plain_body": "My printer burns",
            "created_at": "2026-11-01",
        },
        {"author_id": -1, "public": True, "body": "We got it"},
        {"author_id": 30, "public": False, "body": "an old one"},
        {"author_id": 30, "public": True, "body": "Unplug it"},
    ],
}
INTERCOM = {
    "type": "conversation",
    "id": "8",
    "created_at": 1793527200,
    "source": {"body": "<p>Hello</p>", "author": {"type": "user"}},
    "conversation_parts": {
        "conversation_parts": [
            {"part_type": "comment", "body": "<p>Fin here</p>", "author": {"type": "bot"}},
            {
                "part_type": "comment",
                "body": "AI",
                "author": {"type": "admin", "is_ai_answer": True},
                "created_at": 1793527201,
            },
            {"part_type": "note", "body": "psst", "author": {"type": "admin"}},
            {"part_type": "assignment", "body": None, "author": {"type": "admin"}},
            {"part_type": "comment", "body": "Ana", "author": {"type": "admin"}},
        ]
    },
}
CHATWOOT: dict[str, Any] = {
    "meta": {},
    "payload": [
        {"conversation_id": 3, "message_type": 0, "content": "Hi", "sender": {"type": "contact"}},
        {
            "conversation_id": 3,
            "message_type": 1,
            "content": "Bot",
            "sender": {"type": "agent_bot"},
        },
        {"conversation_id": 3, "message_type": 1, "content": "Ana", "sender": {"type": "user"}},
        {"conversation_id": 3, "message_type": 0, "content": None},
    ],
}
JUDGED = {
    "id": "a",
    "turns": [{"role": "customer", "text": "Hi"}, {"role": "agent", "text": "Yes"}],
}


@pytest.mark.parametrize(
    ("line", "name", "wanted"),
    [
        (
            ZENDESK,
            "Zendesk, JSON lines",
            [(CUSTOMER, "My printer burns"), (ASSISTANT, "We got it"), None, (AGENT, "Unplug it")],
        ),
        (
            INTERCOM,
            "Intercom, JSON lines",
            [
                (CUSTOMER, "Hello"),
                (ASSISTANT, "Fin here"),
                (ASSISTANT, "AI"),
                None,
                None,
                (AGENT, "Ana"),
            ],
        ),
        (
            CHATWOOT,
            "Chatwoot, JSON lines",
            [(CUSTOMER, "Hi"), (ASSISTANT, "Bot"), (AGENT, "Ana"), None],
        ),
        (CHATWOOT["payload"][0], "Chatwoot, JSON lines", [(CUSTOMER, "Hi")]),
        (JUDGED, "plain JSON lines", [(CUSTOMER, "Hi"), (AGENT, "Yes")]),
    ],
    ids=["zendesk", "intercom", "chatwoot", "chatwoot-message", "judge"],
)
def test_json_lines(line, name, wanted):
    found = lines_format(line)
    assert (found.name, roles(found.messages(line))) == (name, wanted)


def test_unknown_json_lines_say_what_to_do():
    with pytest.raises(ExportError, match="id and turns"):
        lines_format({"a": 1})


@pytest.mark.parametrize("line", [ZENDESK, INTERCOM, CHATWOOT, JUDGED], ids="zich")
@pytest.mark.parametrize("harm", [None, 7, "x", [], [7], [None], {"a": 1}, [{"role": 1}]])
def test_a_broken_line_is_only_broken(line, harm):
    """Every value at every place of an object may be anything."""
    found = lines_format(line)
    for name in line:
        with suppress(ValueError):
            assert isinstance(found.messages({**line, name: harm}), list)
