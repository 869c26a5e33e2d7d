"""After a contact was forgotten, nothing of them is left where we can reach it."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from handoff_bot.domain.desk import Post, PostKind
from handoff_bot.jobs.handler import given_up
from handoff_bot.services.outbox import outbox
from handoff_bot.services.privacy.forgetting import FORGET
from handoff_bot.storage import log
from handoff_bot.storage.erasures import _ID_FIELDS
from handoff_bot.storage.models import Contact, Work
from tests.privacy.conftest import ADDRESS, NAME, PHOTO, WORD, files_with, rows_with

SECRETS = (WORD, NAME, ADDRESS.lstrip("+"))
OTHER = "+15550009999"


@pytest.fixture
def known(office):
    """A customer with a whole life here: answered, escalated, answered by an agent, with files and notes."""
    with office.database.write() as tx:
        log.prefer(tx, "rules.vips", [ADDRESS, OTHER], "test", office.clock.now())
    office.core.preferences.change("rules.vips", [OTHER, ADDRESS], office.mia)
    office.writes_in(f"What about {WORD}?")
    office.writes_in(f"I want a person about {WORD}", media=[PHOTO])
    office.click(office.ana, "claim")
    office.writes(office.ana, "Hello! How can I help?")
    office.writes(office.ana, "// they seem upset")
    office.writes_in(f"It is about {WORD} again")
    office.writes_in("Somebody else", address=OTHER, name="Otto")
    office.settle()
    office.twilio.drain()
    return office


def test_nothing_is_left_anywhere(known, tmp_path):
    before = known.everything_elsewhere()
    assert [one for one in SECRETS if one in before] == list(SECRETS)
    assert [one for one in known.slack._slack.files._files.values() if one.content]
    assert {table for table, _ in rows_with(known.database, *SECRETS)} > {"contact", "work"}
    assert known.forget(known.contact()).done
    assert rows_with(known.database, *SECRETS) == []
    assert [one for one in SECRETS if one in known.everything_elsewhere()] == []
    if known.database.is_sqlite:
        assert files_with(tmp_path, *SECRETS) == []


FOUND_OTHERWISE = {
    "inbound": "the message that it stored, or its address",
    "delivery": "its address",
    "slack.event": "the thread's timestamp",
    "desk.ephemeral": "the thread's timestamp",
}
"""Kinds of jobs with a customer's text but no id of a row -> what finds them."""
HARMLESS_TEXT = """
trace source sink until to kind order epoch pool number due promise minutes overtaken_at priority
slack_channel ts group view_id token told judged item_id erasure_id desk_id name
"""
HARMLESS = set(HARMLESS_TEXT.split())
"""Fields of jobs that hold nothing a customer wrote."""


def test_every_kind_of_job_with_a_customers_text_is_found_when_they_are_forgotten():
    kinds = json.loads((Path(__file__).parents[1] / "contracts/data/jobs.json").read_text())
    with_text = {
        kind for kind, job in kinds.items() if set(job["fields"]) - HARMLESS - set(_ID_FIELDS)
    }
    assert {"desk.post", "desk.replace", "desk.tell", "learn.publish"} < with_text
    lost = {kind for kind in with_text if not set(kinds[kind]["fields"]) & set(_ID_FIELDS)}
    assert lost == set(FOUND_OTHERWISE)


@pytest.mark.on_sqlite
def test_a_message_to_the_team_about_no_escalation_leaves_no_text_in_its_job(office):
    office.writes_in("I want a person")
    with office.database.write() as tx:
        outbox.tell(tx, office.ana, Post(PostKind.TOLD, f"{NAME} waits"), office.clock.now())
    assert "work" in {table for table, _ in rows_with(office.database, f"{NAME} waits")}
    office.settle()
    assert f"{NAME} waits" in office.everything_elsewhere()
    assert rows_with(office.database, f"{NAME} waits") == []


def test_a_receipt_says_what_was_done_and_what_stays(known):
    contact = known.contact()
    known.writes(known.ana, "A word of mine")
    known.forget(contact)
    told = "\n".join(known.core.forgetting.receipt(contact))
    assert f"Contact {contact} was forgotten on 2026-11-23" in told
    assert "Requested by cli" in told
    assert "Database, message: " in told
    assert "Slack messages by the bot: " in told
    assert "Slack messages by people, for a workspace admin: 3, stays" in told
    assert "Messages at the channel's provider: " in told
    assert "1, Zendesk: ticket and customer deleted for good" in told
    assert "1, ticket webhook: told to forget; the receiver deletes" in told
    assert "Backups are not reached: delete those made before" in told
    assert not [one for one in SECRETS if one in told]
    (event,) = [one for one in known.receiver.events if one["type"] == "ticket.forgotten"]
    assert event["ticket"]["number"] == 1


def test_a_second_request_does_nothing_more(known):
    contact = known.contact()
    known.forget(contact)
    calls = len(known.slack.journal.entries("slack"))
    with known.database.read() as tx:
        jobs = tx.session.query(Work).filter(Work.kind == FORGET).count()
    outcome = known.forget(contact)
    assert outcome.text.startswith(f"Contact {contact} was forgotten on ")
    assert len(known.slack.journal.entries("slack")) == calls
    with known.database.read() as tx:
        assert tx.session.query(Work).filter(Work.kind == FORGET).count() == jobs


def test_a_message_during_forgetting_begins_a_new_contact(known):
    contact = known.contact()
    known.core.forgetting.request(contact, "cli")
    known.writes_in("Hello, it is me")
    known.finish()
    new = known.contact()
    assert new != contact
    with known.database.read() as tx:
        assert tx.session.get(Contact, contact).name == ""
        assert tx.session.get(Contact, new).name == NAME
    assert known.heard_by(ADDRESS)[-1].endswith("Answer to: Hello, it is me")
    assert not rows_with(known.database, WORD)


def test_other_customers_keep_everything(known):
    other = known.contact(OTHER)
    known.forget(known.contact())
    with known.database.read() as tx:
        assert tx.session.get(Contact, other).name == "Otto"
    assert rows_with(known.database, "Somebody else")
    (heard,) = known.heard_by(OTHER)
    assert heard.endswith("Answer to: Somebody else")
    assert known.core.preferences.get("rules.vips", []) == [OTHER]


def test_the_numbers_stay(known):
    before = known.core.metrics.numbers(known.all_time())
    with known.database.read() as tx:
        events = [(one.id, one.kind, one.at) for one in log.events(tx)]
    known.forget(known.contact())
    after = known.core.metrics.numbers(known.all_time())
    assert (after.escalations, after.reasons) == (before.escalations, before.reasons)
    with known.database.read() as tx:
        assert [(one.id, one.kind, one.at) for one in log.events(tx)][: len(events)] == events


def test_the_log_can_only_be_blanked_for_a_contact_with_the_right(known):
    for statement in ("UPDATE event SET data = '{}'", "DELETE FROM event"):
        with pytest.raises(DatabaseError, match="append-only"), known.database.write() as tx:
            tx.core.execute(text(statement))
    with known.database.write() as tx:
        contact, other = known.contact(), known.contact(OTHER)
        tx.core.execute(text(f"INSERT INTO event_right VALUES ({contact})"))  # noqa: S608
        ours = "(SELECT id FROM conversation WHERE contact_id = :who)"
        blank = f"UPDATE event SET data = '{{}}' WHERE conversation_id IN {ours}"  # noqa: S608
        tx.core.execute(text(blank), {"who": contact})
        for refused, who in (
            (blank, other),
            (f"UPDATE event SET kind = 'x' WHERE conversation_id IN {ours}", contact),  # noqa: S608
        ):
            with pytest.raises(DatabaseError, match="append-only"), tx.core.begin_nested():
                tx.core.execute(text(refused), {"who": who})
        tx.core.execute(text("DELETE FROM event_right"))


def test_killed_at_any_step_it_goes_on(known, monkeypatch):
    contact = known.contact()
    known.core.forgetting.request(contact, "cli")
    left = iter(range(100))
    for name in ("posted_in", "delete_post", "delete_file"):
        real = getattr(type(known.core.roles._desk), name)

        def flaky(self, *given, real=real):
            done = real(self, *given)
            if next(left) % 2 == 0:
                raise RuntimeError("killed after the call")
            return done

        monkeypatch.setattr(type(known.core.roles._desk), name, flaky)
    known.finish()
    assert not rows_with(known.database, *SECRETS)
    assert [one for one in SECRETS if one in known.everything_elsewhere()] == []
    assert known.core.forgetting.receipt(contact)[0].startswith(f"Contact {contact} was forgotten")


def test_what_cannot_be_deleted_is_said(known):
    known.slack.refusals.add("chat.delete", "compliance_exports_prevent_deletion", count=1000)
    contact = known.contact()
    known.forget(contact)
    told = "\n".join(known.core.forgetting.receipt(contact))
    assert "not deleted: Slack does not let the bot delete this" in told
    assert not rows_with(known.database, *SECRETS)
    with known.database.read() as tx:
        assert given_up(tx, 10)  # for the admins


def test_a_message_that_twilio_still_delivers_is_deleted_later(known):
    known.twilio.callbacks.delay = timedelta(seconds=0)
    message = known.twilio.phone(ADDRESS)[-1]
    message.status = "sent"
    contact = known.contact()
    known.forget(contact)
    assert known.twilio.phone(ADDRESS) == [message]
    assert known.core.forgetting.receipt(contact)[0].startswith(f"Contact {contact} is being")
    message.status = "delivered"
    known.finish()
    assert known.twilio.phone(ADDRESS) == []
    assert known.core.forgetting.receipt(contact)[0].startswith(f"Contact {contact} was forgotten")


def test_a_conversation_of_twilios_is_deleted_with_its_messages(office):
    sid = "CH" + "c" * 32
    office.twilio.conversations.write(sid, "zephyrine", f"Hello, {WORD}")
    said = office.twilio.conversations.messages(sid)[0]
    office.converses(sid, said, f"Hello, {WORD}")
    assert office.twilio.conversations.messages(sid)[1:]
    office.forget(office.contact(sid))
    assert office.twilio.conversations.find(sid) is None
    assert not rows_with(office.database, sid, WORD)


def test_a_visitor_of_the_website_is_forgotten(office):
    office.visits(f"Do you sell {WORD}?", "visitor-zq77")
    office.forget(office.contact("visitor-zq77"))
    assert not rows_with(office.database, "visitor-zq77", WORD, NAME)


@pytest.mark.parametrize("given", [ADDRESS, f"sms:{ADDRESS}"])
def test_a_contact_is_found_by_id_and_address(known, given):
    (found,) = known.core.forgetting.preview(given)
    assert (found.name, found.addresses) == (NAME, (f"sms: {ADDRESS}",))
    assert found.rows["message"] > 3
    assert known.core.forgetting.preview(str(found.contact_id)) == [found]
    assert known.core.forgetting.preview("+19990000000") == []
    assert known.core.forgetting.preview("99999999999999999999999") == []
