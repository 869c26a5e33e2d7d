"""Tickets: searched, read, changed, reopened; from windows down to rows."""

import csv
import io
import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import insert, text
from sqlmodel import col, select

from handoff_bot.domain.escalations import TicketStatus
from handoff_bot.domain.tickets import BY_HAND, TicketQuery, may_become
from handoff_bot.services.tickets import tickets
from handoff_bot.storage import tickets as store
from handoff_bot.storage.models import Contact, Conversation, DeskThread, Escalation, Event, Ticket
from handoff_bot.storage.transaction import table_of
from tests.desk.conftest import words

pytestmark = pytest.mark.on_sqlite

OTHER = "+15550002"


@pytest.fixture
def two(bureau):
    """Dana's ticket is Ana's, another one waits."""
    bureau.says("I want a person, my Parcel is lost", profile_name="Dana Reyes")
    bureau.click(bureau.ana, "claim")
    bureau.says("A person about an invoice please", OTHER, profile_name="Ed")
    return bureau


def rows(bureau, model):
    with bureau.database.read() as tx:
        return tx.session.execute(select(model).order_by(model.id)).scalars().all()


def shown(bureau):
    return words(bureau.modal(bureau.ana))


# -- searching


@pytest.mark.on_both
def test_tickets_are_listed_newest_first(two):
    two.command(two.ana, "tickets")
    found = shown(two)
    assert found.index("#2 A person about an invoice") < found.index(
        "#1 I want a person, my Parcel"
    )
    assert "🟡 Pending · 🔵 Normal · Dana Reyes on SMS · Ana" in found


@pytest.mark.on_both
@pytest.mark.parametrize("asked", ["#1", "1", "parcel", "PARCEL lost", "reyes"])
def test_a_number_or_words_find_a_ticket(two, asked):
    two.command(two.ana, f"tickets {asked}")
    assert "#1 " in shown(two)
    assert "#2 " not in shown(two)


@pytest.mark.on_both
@pytest.mark.parametrize("asked", ["%", "_", "nothing of the kind", "#99"])
def test_what_does_not_fit_finds_nothing(two, asked):
    two.command(two.ana, f"tickets {asked}")
    assert "No tickets found." in shown(two)


@pytest.mark.on_both
def test_filters_narrow_it_down(two):
    two.command(two.ana, "tickets")
    two.chooses(two.ana, "tickets_status", "pending")
    assert "#2 " not in shown(two)
    two.chooses(two.ana, "tickets_status", "any")
    two.chooses(two.ana, "tickets_assignee", two.ana)
    assert "#2 " not in shown(two)
    assert "#1 " in shown(two)


# -- searching messages


@pytest.mark.parametrize("asked", ["voucher", "VOUCHER code", "straße", "STRASSENBAHN", "refunded"])
def test_tickets_are_found_by_the_words_of_their_messages(two, asked):
    first = two.cards()[0]["ts"]
    two.says("I had a Voucher code for the Straße")
    two.writes(two.ana, "You are refunded, take the Strassenbahn", ts=first)
    two.command(two.ana, f"tickets {asked}")
    assert "#1 " in shown(two)
    assert "#2 " not in shown(two)


def test_what_the_customer_told_the_ai_before_is_found_too(bureau):
    bureau.says("Does my voucher still work?")
    bureau.says("I want a person")
    bureau.command(bureau.ana, "tickets voucher")
    assert "#1 " in shown(bureau)


def test_automatic_messages_find_no_ticket(two):
    assert any("connecting you" in said for said in two.heard())
    two.command(two.ana, "tickets connecting")
    assert "No tickets found." in shown(two)


def test_a_message_finds_the_ticket_in_which_it_was_written_only(bureau):
    bureau.core.preferences.change("reopen_hours", 0, bureau.mia)
    bureau.says("I want a person about my voucher")
    bureau.click(bureau.ana, "claim")
    bureau.says("The code is XMAS")
    bureau.writes(bureau.ana, "!resolve")
    bureau.later(hours=1)
    bureau.says("I want a person again")
    bureau.later(minutes=1)
    bureau.command(bureau.ana, "tickets xmas")
    assert "#1 " in shown(bureau)
    assert "#2 " not in shown(bureau)


def test_an_agent_finds_no_messages_of_a_slack_channel_that_they_are_not_in(two):
    two.says("The voucher is XMAS")
    two.slack._workspace.channels[two.queue].members.remove(two.ben)
    two.later(minutes=2)
    reach = two.core.roles.reach(two.ben)
    query = TicketQuery(words="voucher", slack_channels=reach)
    assert two.core.tickets.search(query).rows == ()
    everywhere = replace(query, slack_channels=two.core.roles.reach(two.ana))
    assert [row.number for row in two.core.tickets.search(everywhere).rows] == [1]


def test_only_the_newest_messages_are_searched(two, monkeypatch):
    two.says("The voucher is XMAS")
    two.says("My voucher is EASTER", OTHER)
    monkeypatch.setattr(tickets, "MESSAGES", 1)
    found = [row.number for row in two.core.tickets.search(TicketQuery(words="voucher")).rows]
    assert found == [2]
    assert [row.number for row in two.core.tickets.search(TicketQuery(words="parcel")).rows] == [1]


# -- earlier conversations


def comes_back(bureau, times):
    """Dana has so many conversations that Ana resolved."""
    bureau.core.preferences.change("reopen_hours", 0, bureau.mia)
    for _ in range(times):
        bureau.says("I want a person")
        bureau.click(bureau.ana, "claim")
        bureau.writes(bureau.ana, "!resolve")
        bureau.later(hours=1)
    bureau.says("I want a person")


def test_earlier_conversations_are_listed_with_outcome_and_link(bureau):
    comes_back(bureau, 1)
    for opens in ("view", "ticket"):
        if opens == "view":
            bureau.click(bureau.ana, "view")
        else:
            bureau.command(bureau.ana, "ticket 2")
        said = shown(bureau)
        (line,) = [one for one in said.splitlines() if one.startswith("• #1 · ")]
        assert "Solved" in line
        assert "|Open thread>" in line
        assert "• #2" not in said


def test_a_first_conversation_lists_no_earlier_ones(two):
    two.command(two.ana, "ticket 1")
    assert "Earlier conversations" not in shown(two)


def test_only_the_latest_earlier_conversations_are_listed(bureau):
    comes_back(bureau, 7)
    found = [each.number for each in bureau.core.tickets.earlier(8, None)]
    assert found == [7, 6, 5, 4, 3]


def test_earlier_conversations_of_other_slack_channels_are_not_listed(bureau):
    comes_back(bureau, 1)
    with bureau.database.write() as tx:
        for thread in tx.session.execute(select(DeskThread)).scalars():
            if thread.escalation_id == 1:
                thread.slack_channel = "C0ELSEWHERE"
    reach = bureau.core.roles.reach(bureau.ben)
    assert bureau.core.tickets.earlier(2, reach) == ()
    bureau.command(bureau.ben, "ticket 2")
    assert "Earlier conversations" not in words(bureau.modal(bureau.ben))


# -- one ticket


def test_a_ticket_shows_its_whole_story(two):
    card = two.cards()[0]["ts"]
    two.writes(two.ana, "Hello Dana", ts=card)
    two.writes(two.ana, "note: third time", ts=card)
    two.command(two.ana, "ticket 1")
    told = shown(two)
    for fact in (
        "assigned to Ana",
        "Dana Reyes on SMS · Asked for an agent",
        "#1 was escalated: asked for a person",
        "Ana took over #1",
        "Hello Dana",
        "Ana wrote a note:",
        "third time",
        "Automatic message",
    ):
        assert fact in told
    assert "|Open thread>" in told


@pytest.mark.on_both
def test_a_long_story_is_paged(two):
    card = two.cards()[0]["ts"]
    for n in range(40):
        two.writes(two.ana, f"line {n:02d}.", ts=card)
    two.command(two.ana, "ticket 1")
    assert "line 39." in shown(two)
    assert "line 10." not in shown(two)
    two.presses(two.ana, "ticket_older")
    assert "line 10." in shown(two)
    two.presses(two.ana, "ticket_open")
    assert "line 39." in shown(two)


def test_there_is_no_such_ticket(two):
    two.command(two.ana, "ticket 99")
    assert "This ticket does not exist." in two.whispers(two.ana)


# -- changing


def editing(bureau, number=1):
    bureau.command(bureau.ana, f"ticket {number}")
    bureau.presses(bureau.ana, "ticket_change")


@pytest.mark.on_both
def test_subject_priority_and_tags_are_changed_and_shown(two):
    editing(two)
    changes = {
        "ticket_subject": "Lost in Oslo",
        "ticket_priority": "urgent",
        "ticket_tags": "vip, lost",
    }
    assert two.sends(two.ana, changes).errors == {}
    ticket = rows(two, Ticket)[0]
    assert (ticket.subject, ticket.priority) == ("Lost in Oslo", "urgent")
    assert rows(two, Escalation)[0].priority_rank == 0
    assert "🔴 Urgent" in words(two.cards()[0]["blocks"])
    two.command(two.ana, "tickets oslo")
    assert "#1 Lost in Oslo" in shown(two)
    (edited,) = [e for e in rows(two, Event) if e.kind == "ticket.edited"]
    assert edited.data["fields"] == ["subject", "priority", "tags"]


def test_solving_it_resolves_the_conversation(two):
    editing(two)
    two.sends(two.ana, {"ticket_status": "solved"})
    assert rows(two, Escalation)[0].status == "resolved"
    assert rows(two, Ticket)[0].status == "solved"
    assert any("This conversation is now closed." in said for said in two.heard())


@pytest.mark.on_both
def test_another_assignee_gets_the_conversation(two):
    editing(two, 2)
    two.sends(two.ana, {"ticket_assignee": two.ben})
    assert "Now speaking with Ben." in two.heard(OTHER)
    assert rows(two, Ticket)[1].status == "pending"


def test_what_stands_in_the_way_is_said_and_nothing_changes(two):
    two.command(two.ben, "ticket 1")
    two.presses(two.ben, "ticket_change")
    sent = two.sends(two.ben, {"ticket_status": "solved", "ticket_subject": "Mine"})
    assert "Ana has this conversation." in sent.errors["ticket_status"]
    assert rows(two, Ticket)[0].subject != "Mine"


def test_after_the_end_the_ticket_alone_is_changed(two):
    editing(two)
    two.sends(two.ana, {"ticket_status": "solved"})
    before = list(two.heard())
    editing(two)
    two.sends(two.ana, {"ticket_status": "closed", "ticket_assignee": two.ana})
    assert rows(two, Ticket)[0].status == "closed"
    assert two.heard() == before


@pytest.mark.parametrize("now", TicketStatus)
@pytest.mark.parametrize("then", TicketStatus)
def test_by_hand_only_what_the_table_says(now, then):
    assert may_become(now, then) is (now is then or then in BY_HAND[now])


# -- coming back


def resolved(bureau):
    bureau.says("I want a person")
    bureau.click(bureau.ana, "claim")
    bureau.writes(bureau.ana, "!resolve")


@pytest.mark.on_both
def test_who_comes_back_soon_continues_the_same_ticket(bureau):
    resolved(bureau)
    bureau.later(hours=2)
    bureau.says("It broke again, I want a person")
    (ticket,) = rows(bureau, Ticket)
    assert (ticket.status, ticket.reopened, ticket.solved_at) == ("open", 1, None)
    assert [e.ticket_id for e in rows(bureau, Escalation)] == [ticket.id, ticket.id]
    assert "Customer returned, previously with Ana" in words(bureau.cards()[-1]["blocks"])


@pytest.mark.on_both
def test_who_comes_back_late_gets_a_new_one(bureau):
    resolved(bureau)
    bureau.later(hours=25)
    bureau.says("I want a person")
    assert [t.status for t in rows(bureau, Ticket)] == ["solved", "open"]


def test_thanks_do_not_reopen_it(bureau):
    resolved(bureau)
    bureau.says("Thank you!")
    assert [t.status for t in rows(bureau, Ticket)] == ["solved"]


@pytest.mark.parametrize(("hours", "tickets"), [(0, 2), ("x", 1)], ids=["never", "not a number"])
def test_a_team_may_want_a_new_one_each_time(bureau, hours, tickets):
    bureau.core.preferences.change("reopen_hours", hours, "test")
    resolved(bureau)
    bureau.says("I want a person")
    assert len(rows(bureau, Ticket)) == tickets


# -- many


@pytest.mark.on_both
def test_a_hundred_thousand_tickets_are_listed_without_reading_them_all(database):
    """By the plan and not by the clock: the newest twenty come from an index, nothing is sorted."""
    at = datetime(2026, 11, 1, tzinfo=UTC)
    with database.write() as tx:
        tx.add(Contact(name="Dana", created_at=at))
        tx.add(Conversation(contact_id=1, channel="sms", address="+1", created_at=at))
        escalations = [
            {
                "id": n,
                "conversation_id": 1,
                "status": "resolved",
                "reason": "request",
                "priority": "normal",
                "priority_rank": 2,
                "opened_at": at,
                "scores": {},
            }
            for n in range(1, 2001)
        ]
        blank = {"evidence": "", "summary": "", "tried": "", "judged_by": "", "mood": ""}
        flags = {"slack_channel": "", "group_id": "", "vip": False, "dismissed_why": ""}
        tx.core.execute(insert(table_of(Escalation)), [one | blank | flags for one in escalations])
        tickets = [
            {
                "id": n,
                "escalation_id": n,
                "contact_id": 1,
                "conversation_id": 1,
                "subject": f"Matter {n}",
                "searched": f"matter {n}",
                "channel": "sms",
                "reason": "request",
                "priority": "normal",
                "status": "open" if n % 50 == 0 else "closed",
                "outcome": "",
                "reopened": 0,
                "created_at": at,
                "updated_at": at,
            }
            for n in range(1, 2001)
        ]
        tx.core.execute(insert(table_of(Ticket)), tickets)
    with database.read() as tx:
        for query in (
            TicketQuery(),
            TicketQuery(status=TicketStatus.OPEN),
            TicketQuery(before=900),
        ):
            plan = _plan(database, tx, query)
            assert "temp b-tree" not in plan
            assert "sort  (" not in plan
        assert len(store.found(tx, TicketQuery(status=TicketStatus.OPEN), 21)) == 21


def _plan(database, tx, query) -> str:
    statement = store.fitting(tx, query).order_by(col(Ticket.id).desc()).limit(21)
    compiled = statement.compile(database.engine, compile_kwargs={"literal_binds": True})
    explain = "EXPLAIN QUERY PLAN " if database.is_sqlite else "EXPLAIN "
    if not database.is_sqlite:
        for habit in (
            "seqscan",
            "hashjoin",
            "mergejoin",
            "sort",
        ):  # the table is too small to want an index
            tx.session.execute(text(f"SET LOCAL enable_{habit} = off"))
    return str(tx.session.execute(text(explain + str(compiled))).all()).lower()


# -- as a file


def given_file(bureau, who):
    """The file that somebody was given directly, None for none."""
    with_bot = [one for one in bureau.slack.channels() if one.kind == "im" and who in one.members]
    posts = [m for one in with_bot for m in bureau.slack.messages(one.id) if m.get("files")]
    return bureau.slack.file(posts[-1]["files"][0]["id"]) if posts else None


@pytest.mark.on_both
def test_an_admin_gets_all_that_fit_as_csv(bureau):
    bureau.says("=I want a person")
    bureau.says("I want a person, too", OTHER)
    bureau.command(bureau.mia, "tickets too")
    bureau.presses(bureau.mia, "tickets_csv")
    assert "as a direct message" in words(bureau.modal(bureau.mia))
    file = given_file(bureau, bureau.mia)
    assert file.name == "tickets.csv"
    rows = list(csv.DictReader(io.StringIO(file.content.decode("utf-8-sig"))))
    assert [row["subject"] for row in rows] == ["I want a person, too"]
    assert "Your export of 1 ticket." in bureau.told(bureau.mia)[0]
    bureau.command(bureau.mia, "tickets")
    bureau.presses(bureau.mia, "tickets_json")
    found = json.loads(given_file(bureau, bureau.mia).content)
    assert [one["subject"] for one in found] == ["=I want a person", "I want a person, too"]


def test_who_is_no_admin_is_offered_no_file(bureau):
    bureau.says("I want a person")
    bureau.command(bureau.ana, "tickets")
    assert "Export" not in words(bureau.modal(bureau.ana))


# -- given on by its number


def test_a_tickets_conversation_is_given_to_somebody_by_command(two):
    two.command(two.ana, f"assign #2 <@{two.ben}|ben> Please, you know invoices")
    assert rows(two, Escalation)[1].owner_id == 2
    assert "Please, you know invoices" in two.told(two.ben)[0]
    assert "Now speaking with Ben." in two.heard(OTHER)
    assert two.whispers(two.ana)[-1] == "Ticket #2 is reassigned."


def test_it_can_be_put_back_into_the_queue(two):
    two.command(two.ben, "assign 1 queue somebody else, please")
    assert rows(two, Escalation)[0].owner_id is None
    assert any("somebody else, please" in said for said in two.thread(two.cards()[0]["ts"]))


def test_it_can_be_given_to_a_group(two):
    group = two.slack.add_group("billing", "Billing", [two.ben])
    two.command(two.ana, f"assign #1\n<!subteam^{group}|@billing> an invoice again")
    first = rows(two, Escalation)[0]
    assert (first.owner_id, first.group_id) == (None, group)
    assert two.whispers(two.ana)[-1] == "Ticket #1 is reassigned."


@pytest.mark.parametrize(
    ("words_said", "answer"),
    [
        ("assign", "Add a ticket number and an assignee"),
        ("assign x", "Add a ticket number and an assignee"),
        ("assign #", "Add a ticket number and an assignee"),
        ("assign 99999999999999999999 queue", "Add a ticket number and an assignee"),
        ("assign 99 queue", "Ticket #99 does not exist."),
        ("assign 0 queue", "Ticket #0 does not exist."),
        ("assign 1", "Add an assignee"),
        ("assign 1 Ben", "Add an assignee"),
        ("assign 1 queued", "Add an assignee"),
        ("assign 1 <@{bot}>", "a person"),
        ("assign 1 <@{ana}>", "Ana already has this conversation."),
    ],
)
def test_mistakes_are_said_to_whoever_made_them_and_change_nothing(two, words_said, answer):
    before = list(two.heard()), list(two.heard(OTHER))
    two.command(two.ana, words_said.format(bot=two.slack.bot_user, ana=two.ana))
    assert answer in two.whispers(two.ana)[-1]
    assert [one.owner_id for one in rows(two, Escalation)] == [1, None]
    assert (two.heard(), two.heard(OTHER)) == before


def test_what_is_closed_is_given_to_nobody(two):
    two.writes(two.ana, "!resolve", ts=two.cards()[0]["ts"])
    for to in (f"<@{two.ben}>", "queue"):
        two.command(two.ben, f"assign 1 {to}")
        assert "is reassigned" not in two.whispers(two.ben)[-1]
    assert rows(two, Escalation)[0].status == "resolved"


def test_the_help_names_it(two):
    two.command(two.ana, "help")
    assert "/handoff assign 12 @agent" in two.whispers(two.ana)[-1]
