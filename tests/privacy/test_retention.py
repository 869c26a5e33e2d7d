"""What is older than a rule is blanked or deleted in batches; everything else stays."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from handoff_bot.domain.desk import AgentRef
from handoff_bot.domain.escalations import Step
from handoff_bot.domain.files import File
from handoff_bot.domain.rules import Retained, RetentionRule, retention_rules_in
from handoff_bot.services.privacy import retention
from handoff_bot.storage import attachments
from handoff_bot.storage.models import Attachment, Work
from tests.privacy.conftest import ADDRESS, WORD, rows_with

CHANNELS = ("sms", "whatsapp", "webchat")


def tick(office):
    office.core.scheduler.tick(retention.RETAIN)
    for _ in range(5):
        office.settle()
        office.clock.advance(seconds=2)


@pytest.fixture
def aged(office):
    """Forty days ago: a conversation that is over, on two channels, with a note and a file."""
    office.writes_in(f"What about {WORD}?", channel="whatsapp")
    office.writes_in(f"I want a person about {WORD}")
    office.click(office.ana, "claim")
    office.writes(office.ana, f"// they like {WORD}")
    office.core.escalations.take(Step.RESOLVE, 1, AgentRef(office.ana, "Ana"))
    with office.database.write() as tx:
        office_file = File(f"{WORD}.txt", "text/plain", b"x")
        attachments.add(tx, attachments.new_token(), office_file, 2, None, office.clock.now())
    office.settle()
    office.clock.advance(days=40)
    office.writes_in("Today", address="+15550007777")
    return office


def tables(office):
    return {table for table, _ in rows_with(office.database, WORD)}


def test_it_is_off_by_default(aged):
    before = rows_with(aged.database, WORD)
    tick(aged)
    assert rows_with(aged.database, WORD) == before


def test_messages_of_all_channels_are_blanked_with_their_copies(aged):
    aged.core.retention.save(["all messages 30"], "test")
    tick(aged)
    assert tables(aged) <= {"note", "attachment", "work"}
    assert rows_with(aged.database, "Today")


def test_a_channels_own_rule_replaces_that_of_all(aged):
    aged.core.retention.save(["all messages 30", "whatsapp messages 60"], "test")
    tick(aged)
    with aged.database.read() as tx:
        left = "SELECT channel FROM message WHERE text LIKE :word AND direction = 'inbound'"
        found = tx.core.execute(text(left), {"word": f"%{WORD}%"}).scalars().all()
    assert found == ["whatsapp"]


def test_notes_files_failed_jobs_and_the_log_have_rules(aged):
    with aged.database.write() as tx:
        tx.core.execute(text("UPDATE work SET status = 'failed', error = :w"), {"w": WORD})
        tx.core.execute(text("UPDATE work SET finished_at = first_due_at"))
    aged.core.preferences.change("rules.always", [WORD], "UADMIN")
    aged.core.preferences.change("rules.always", [], "UADMIN")
    aged.clock.advance(days=31)
    rules = [f"all {what} 30" for what in Retained]
    assert all(one.rows for one in aged.core.retention.preview(rules))
    aged.core.retention.save(rules, "test")
    tick(aged)
    assert tables(aged) == set()
    with aged.database.read() as tx:
        assert tx.session.query(Attachment).count() == 0
        assert tx.session.query(Work).filter(Work.status == "failed").count() == 0


def test_an_open_conversation_is_kept(office):
    office.writes_in(f"I want a person about {WORD}")
    office.clock.advance(days=400)
    office.core.retention.save(["all messages 30"], "test")
    tick(office)
    assert "message" in tables(office)


def test_it_goes_on_in_batches_until_nothing_is_left(aged, monkeypatch):
    monkeypatch.setattr(retention, "BATCH", 1)
    aged.core.retention.save(["all messages 30"], "test")
    (before,) = aged.core.retention.preview(["all messages 30"])
    assert before.rows > 3
    tick(aged)
    (after,) = aged.core.retention.preview(["all messages 30"])
    assert 0 < after.rows < before.rows
    for _ in range(before.rows):
        tick(aged)
    assert aged.core.retention.preview(["all messages 30"])[0].rows == 0


def test_a_blanked_customer_can_still_be_forgotten(aged):
    aged.core.retention.save(["all messages 30"], "test")
    tick(aged)
    for one in aged.core.forgetting.preview(ADDRESS):  # a contact by SMS, and one on WhatsApp
        aged.forget(one.contact_id)
    assert not rows_with(aged.database, ADDRESS)
    assert ADDRESS not in aged.everything_elsewhere()


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("all messages 365", RetentionRule("", Retained.MESSAGES, 365)),
        ("  SMS   Files 30 ", RetentionRule("sms", Retained.FILES, 30)),
        ("all log 1", RetentionRule("", Retained.LOG, 1)),
    ],
)
def test_a_rule_is_a_channel_a_kind_and_days(line, rule):
    assert retention_rules_in([line, ""], CHANNELS) == (rule,)
    assert retention_rules_in([rule.line()], CHANNELS) == (rule,)
    assert rule.age == timedelta(days=rule.days)


@pytest.mark.parametrize(
    "lines",
    [
        ["messages 30"],
        ["all messages 0"],
        ["all messages 99999"],
        ["all messages -1"],
        ["all words 30"],
        ["fax messages 30"],
        ["sms jobs 30"],
        ["all messages 30", "all messages 31"],
        [f"all messages {n}" for n in range(1, 60)],
    ],
)
def test_what_is_no_rule_is_refused(lines):
    with pytest.raises(ValueError, match=r"rule|channel|line"):
        retention_rules_in(lines, CHANNELS)
