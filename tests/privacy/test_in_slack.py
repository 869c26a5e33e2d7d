"""Admins forget customers and set retention in Slack, after they have seen what is deleted."""

import pytest

from handoff_bot.services.privacy.forgetting import Preview
from handoff_bot.slack.features import privacy
from handoff_bot.storage import contacts, log
from handoff_bot.storage.models import Erasure
from tests.desk.conftest import words
from tests.privacy.conftest import ADDRESS, NAME, WORD, rows_with


@pytest.fixture
def backend():
    return "sqlite"


@pytest.fixture
def known(office):
    office.writes_in(f"I want a person about {WORD}")
    return office


def test_an_admin_sees_what_is_deleted_and_confirms(known):
    known.command(known.mia, f"forget {ADDRESS}")
    shown = known.modal(known.mia)
    assert NAME in words(shown)
    assert "message: " in words(shown)
    assert rows_with(known.database, WORD)
    known.sends(known.mia)
    assert "is being forgotten" in words(known.modal(known.mia))
    known.finish()
    assert not rows_with(known.database, WORD, NAME)
    (direct,) = [one for one in known.slack.channels() if one.kind == "im"]
    receipt = words(known.slack.messages(direct.id)[-1])
    assert "was forgotten on" in receipt
    assert "Backups are not reached" in receipt


def test_all_contacts_of_a_merged_customer_are_forgotten_also_those_that_are_not_shown(known):
    for number in range(6):
        known.writes_in("Hello", address=f"+1555000770{number}")
    with known.database.write() as tx:
        contacts.merge(tx, range(1, 8))
    known.command(known.mia, f"forget {ADDRESS}")
    assert "And 2 more contacts." in words(known.modal(known.mia))
    known.sends(known.mia)
    assert "And 2 more contacts." in words(known.modal(known.mia))
    known.finish()
    with known.database.read() as tx:
        assert {one.contact_id for one in tx.session.query(Erasure)} == set(range(1, 8))


def test_what_is_not_forgotten_because_a_customer_has_too_many_contacts_is_said():
    many = [Preview(10**11 + number) for number in range(privacy.MOST_AT_ONCE + 3)]
    view = privacy.render_forget(many)
    assert "enter the command again for 3 other contacts" in words(view)
    assert len(view["private_metadata"]) < 3000


def test_the_audit_log_names_the_admin_and_the_contact(known):
    contact = known.contact()
    known.command(known.mia, f"forget {contact}")
    known.sends(known.mia)
    known.finish()
    page = known.core.audit.page()
    (entry,) = [one for one in page.done if one.kind == "contact.forgotten"]
    assert (entry.who, entry.what) == (known.mia, f"contact {contact}")


@pytest.mark.parametrize("command", ["forget 1", "retention"])
def test_agents_may_not(known, command):
    known.command(known.ana, command)
    assert "Only admins" in known.whispers(known.ana)[-1]
    assert not known.slack.views(known.ana)


def test_an_admin_who_was_demoted_meanwhile_may_not(known):
    known.command(known.mia, f"forget {ADDRESS}")
    known.slack.person(known.mia).is_admin = False
    known.later(minutes=2)
    known.sends(known.mia)
    known.finish()
    with known.database.read() as tx:
        assert tx.session.query(Erasure).count() == 0
    assert rows_with(known.database, WORD)


@pytest.mark.parametrize(
    ("asked", "said"),
    [("forget", "Name a customer"), ("forget +19998887777", "No contact has this id or address")],
)
def test_an_unknown_customer_is_said(known, asked, said):
    known.command(known.mia, asked)
    assert said in known.whispers(known.mia)[-1]


def test_an_address_that_slack_made_a_link_is_understood(known):
    known.command(known.mia, f"forget <tel:{ADDRESS}|{ADDRESS}>")
    assert NAME in words(known.modal(known.mia))


def test_retention_acts_only_after_its_preview_was_confirmed(known):
    known.clock.advance(days=40)
    known.writes_in("New", address="+15550007777")
    known.command(known.mia, "retention")
    known.sends(known.mia, {"rules": "all messages 30"})
    assert "all messages 30: 0 rows older than 30 days" in words(known.modal(known.mia))
    assert known.core.retention.lines() == []
    known.sends(known.mia)
    assert known.core.retention.lines() == ["all messages 30"]
    with known.database.read() as tx:
        assert log.preference(tx, "retention", None) == ["all messages 30"]


def test_a_line_that_is_no_rule_is_refused_at_its_field(known):
    known.command(known.mia, "retention")
    refused = known.sends(known.mia, {"rules": "everything 3"})
    assert "is no rule" in refused.errors["rules"]
