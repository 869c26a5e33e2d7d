"""Tickets in Zendesk's stand-in, through its public API."""

from dataclasses import replace

import pytest

from handoff_bot.connectors.checks import check_zendesk
from handoff_bot.connectors.zendesk import Account, ZendeskConnector
from handoff_bot.domain.errors import ConnectorError
from handoff_bot.domain.escalations import TicketStatus
from handoff_bot.domain.signals import Priority
from handoff_bot.domain.tickets import key_of
from handoff_sandbox.server import Fault
from handoff_sandbox.zendesk.desk import Refusal
from tests.connectors.conftest import CREATED, RECORD, SOLVED, TAKEN

TICKETS = "/api/v2/tickets"


def calls(zendesk, method="*"):
    return [e for e in zendesk.journal.entries("zendesk") if method in ("*", e.method)]


def writes(zendesk):
    """How often a ticket was written."""
    return [e for e in calls(zendesk) if e.method != "GET" and e.path.startswith(TICKETS)]


def lose_the_answer(zendesk, path, *, behind):
    """The first request to `path` after one to `behind` takes effect, and its answer gets lost."""
    strike = zendesk.faults.strike

    def watch(asked):
        if asked == behind:
            zendesk.faults.strike = strike
            zendesk.faults.add(path, drop="after", count=1)
            return Fault(asked)
        return strike(asked)

    zendesk.faults.strike = watch


def test_a_new_ticket_is_created_with_a_note_that_only_agents_see(zendesk, sink):
    number = sink.put(RECORD, "")
    (ticket,) = zendesk.tickets()
    assert str(ticket["id"]) == number
    assert ticket["external_id"] == RECORD.key
    assert (ticket["subject"], ticket["status"], ticket["priority"]) == (
        "Where is my parcel?",
        "open",
        "high",
    )
    assert ticket["tags"] == ["handoff", "handoff_whatsapp"]
    assert not ticket["is_public"]
    assert zendesk.notes(ticket["id"]) == [
        "Handoff #12: open.\n\nDana (+15550001) on WhatsApp: asked for a person\nSummary: The "
        "parcel is a week late.\nConversation: https://acme.slack.test/archives/C1/p1"
    ]


def test_the_life_of_a_ticket_is_told_in_notes(zendesk, sink):
    number = sink.put(RECORD, "")
    sink.put(TAKEN, number)
    sink.put(replace(TAKEN, assignee="Ben"), number)
    sink.put(replace(SOLVED, assignee="Ben"), number)
    (ticket,) = zendesk.tickets()
    assert ticket["status"] == "solved"
    assert zendesk.notes(ticket["id"])[1:] == [
        "Handoff #12: pending, with Ana.",
        "Handoff #12: pending, with Ben.",
        "Handoff #12: solved, by Ben (answered).",
    ]


@pytest.mark.parametrize("known", [True, False], ids=["with its id", "with its id forgotten"])
def test_the_same_state_twice_writes_once(zendesk, sink, known):
    number = sink.put(TAKEN, "")
    before = len(writes(zendesk))
    assert sink.put(TAKEN, number if known else "") == number
    assert len(writes(zendesk)) == before
    assert len(zendesk.notes(int(number))) == 1


@pytest.mark.parametrize("changed", [False, True], ids=["unchanged", "changed meanwhile"])
def test_a_creation_whose_answer_was_lost_is_found_again(zendesk, sink, changed):
    lose_the_answer(zendesk, TICKETS, behind="/api/v2/users/create_or_update")
    with pytest.raises(ConnectorError) as lost:
        sink.put(RECORD, "")
    assert not lost.value.permanent
    assert len(zendesk.tickets()) == 1
    sink.put(TAKEN if changed else RECORD, "")
    assert len(zendesk.tickets()) == 1


def test_a_ticket_that_cannot_be_found_yet_is_not_made_again(zendesk, sink):
    sink.put(RECORD, "")
    (first,) = zendesk.desk.tickets.values()
    first.fields["external_id"] = "not in the index yet"
    assert sink.put(RECORD, "") == str(first.id)  # the same request: Zendesk answers as before
    with pytest.raises(ConnectorError) as early:
        sink.put(
            TAKEN, ""
        )  # another one under the same key: Zendesk refuses, and we look again soon
    assert (early.value.permanent, early.value.retry_after) == (False, 5.0)
    first.fields["external_id"] = RECORD.key
    assert sink.put(TAKEN, "") == str(first.id)
    assert len(zendesk.tickets()) == 1


def test_an_update_whose_answer_was_lost_leaves_one_note(zendesk, sink):
    number = sink.put(RECORD, "")
    path = f"{TICKETS}/{number}"
    lose_the_answer(zendesk, path, behind=f"{path}/comments")
    with pytest.raises(ConnectorError):
        sink.put(TAKEN, number)
    assert zendesk.tickets()[0]["status"] == "pending"
    sink.put(TAKEN, number)
    assert zendesk.notes(int(number))[1:] == ["Handoff #12: pending, with Ana."]


def test_a_ticket_that_an_agent_of_zendesks_changed_meanwhile_is_looked_at_again(zendesk, sink):
    number = sink.put(RECORD, "")
    ticket = zendesk.desk.get(int(number))
    look = sink._last_note
    sink._last_note = lambda which: ticket.fields.update(updated_at="later") or look(which)
    with pytest.raises(ConnectorError) as conflict:
        sink.put(TAKEN, number)
    assert (conflict.value.permanent, conflict.value.code) == (False, "409")


def test_tags_of_zendesks_agents_stay(zendesk, sink):
    number = sink.put(RECORD, "")
    zendesk.desk.get(int(number)).fields["tags"].append("vip")
    sink.put(replace(TAKEN, tags=("lost parcel", "été")), number)
    (ticket,) = zendesk.tickets()
    assert ticket["tags"] == ["handoff", "handoff_whatsapp", "vip", "lost_parcel", "été"]


def test_zendesk_solves_no_ticket_that_nobody_has(zendesk, sink):
    with pytest.raises(Refusal):
        zendesk.desk.create({"comment": {"body": "x"}, "status": "solved"}, "")
    sink.put(SOLVED, "")
    (ticket,) = zendesk.tickets()
    assert (ticket["status"], ticket["assignee_id"]) == ("solved", zendesk.desk.agent["id"])


def test_an_assignee_that_zendesk_chose_stays(zendesk, sink):
    number = sink.put(RECORD, "")
    zendesk.desk.get(int(number)).fields["assignee_id"] = 7
    sink.put(SOLVED, number)
    assert zendesk.tickets()[0]["assignee_id"] == 7


@pytest.mark.parametrize("status", TicketStatus)
def test_no_ticket_is_closed_for_ever(zendesk, sink, status):
    sink.put(replace(RECORD, status=status), "")
    assert zendesk.tickets()[0]["status"] in ("open", "pending", "solved")


@pytest.mark.parametrize("priority", Priority)
def test_priorities_are_zendesks_own(zendesk, sink, priority):
    sink.put(replace(RECORD, priority=priority), "")
    assert zendesk.tickets()[0]["priority"] == priority.value


def test_a_ticket_that_was_closed_there_gets_a_follow_up_when_the_customer_comes_back(
    zendesk, sink
):
    number = sink.put(SOLVED, "")
    zendesk.desk.get(int(number)).fields["status"] = "closed"
    assert sink.put(SOLVED, number) == number  # nothing is left to say
    second = sink.put(TAKEN, number)
    assert second != number
    assert zendesk.desk.get(int(second)).fields["followup_of"] == int(number)
    assert sink.put(TAKEN, number) == second  # had we died before we noted its id
    assert len(zendesk.tickets()) == 2


def test_a_ticket_that_was_deleted_there_stays_deleted(zendesk, sink):
    number = sink.put(RECORD, "")
    del zendesk.desk.tickets[int(number)]
    with pytest.raises(ConnectorError) as deleted:
        sink.put(TAKEN, number)
    assert deleted.value.permanent
    assert zendesk.tickets() == []


def test_a_contact_is_one_requester_whatever_their_tickets(zendesk, sink):
    other = replace(RECORD, number=13, key=key_of(13, CREATED), contact="Dana D.")
    sink.put(RECORD, "")
    sink.put(other, "")
    first, second = zendesk.tickets()
    assert first["requester_id"] == second["requester_id"]
    assert zendesk.desk.users[first["requester_id"]]["name"] == "Dana D."


def test_a_contact_with_an_address_is_found_by_it_and_not_renamed(zendesk, sink):
    known = zendesk.desk.user({"name": "Mrs Dana Doe", "email": "dana@example.com"})
    sink.put(replace(RECORD, address="dana@example.com"), "")
    assert zendesk.tickets()[0]["requester_id"] == known["id"]
    assert known["name"] == "Mrs Dana Doe"


def test_customers_fill_no_placeholders_in(zendesk, sink):
    words = "{{ticket.requester.email}} {% if x %} {{{dc.secret}}}"
    sink.put(replace(RECORD, subject=words, summary=words, contact=words), "")
    (ticket,) = zendesk.tickets()
    for text in (ticket["subject"], *zendesk.notes(ticket["id"])):
        assert "{{" not in text
        assert "{%" not in text


@pytest.mark.parametrize(
    "hostile",
    ["", "\n\n", "x" * 5000, "Handoff #12: solved, by Mallory.\nx", "\u202eevil\x00", "名前 🙂"],
    ids=["empty", "blank", "long", "forged", "controls", "unicode"],
)
def test_whatever_a_customer_is_called_the_ticket_is_taken(zendesk, sink, hostile):
    record = replace(RECORD, subject=hostile, contact=hostile, summary=hostile)
    number = sink.put(record, "")
    sink.put(replace(record, status=TicketStatus.PENDING), number)
    assert zendesk.tickets()[0]["status"] == "pending"
    assert len(zendesk.notes(int(number))) == 2


@pytest.mark.parametrize(
    ("status", "permanent"),
    [
        (400, True),
        (422, True),
        (401, False),
        (403, False),
        (409, False),
        (429, False),
        (500, False),
        (502, False),
    ],
)
def test_refusals_are_for_good_unless_waiting_can_help(zendesk, sink, status, permanent):
    zendesk.faults.add("*", status=status)
    with pytest.raises(ConnectorError) as refused:
        sink.put(RECORD, "")
    assert refused.value.permanent is permanent


def test_it_waits_as_long_as_zendesk_asks(zendesk, sink):
    zendesk.faults.add("*", status=429, retry_after=93)
    with pytest.raises(ConnectorError) as busy:
        sink.put(RECORD, "")
    assert busy.value.retry_after == 93


def test_a_record_that_zendesk_finds_wrong_is_given_up_in_plain_words(zendesk, sink, monkeypatch):
    monkeypatch.setattr("handoff_bot.connectors.zendesk.tags", lambda record: ())
    monkeypatch.setattr("handoff_sandbox.zendesk.desk.PRIORITIES", frozenset())
    with pytest.raises(ConnectorError, match="a required field may be missing in Zendesk") as wrong:
        sink.put(RECORD, "")
    assert wrong.value.permanent


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"{}"], ids=["html", "list", "empty"])
def test_an_answer_that_cannot_be_read_is_tried_again(zendesk, sink, body, monkeypatch):
    number = sink.put(RECORD, "")
    monkeypatch.setattr("handoff_bot.connectors.http._body", lambda response: body)
    with pytest.raises(ConnectorError) as garbled:
        sink.put(TAKEN, number)
    assert not garbled.value.permanent


def test_the_doctor_knows_whose_token_it_is(zendesk, sink, clock):
    (finding,) = check_zendesk(sink)
    assert (finding.ok, finding.words) == (True, "accepted, as agent")
    stranger = ZendeskConnector(Account(zendesk.url, zendesk.email, "guessed"), clock)
    (finding,) = check_zendesk(stranger)
    assert not finding.ok
    assert "guessed" not in finding.words


def test_the_doctor_says_when_nobody_answers(zendesk, sink):
    zendesk.faults.add("*", drop="before")
    (finding,) = check_zendesk(sink)
    assert not finding.ok


def test_no_secret_is_written_down(zendesk, sink):
    sink.put(RECORD, "")
    assert all(zendesk.token not in repr(entry) for entry in calls(zendesk))
