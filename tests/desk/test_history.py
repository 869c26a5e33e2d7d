"""Looking back: the history of the settings by pages, and the audit of what people did."""

import pytest

from handoff_bot.domain.events import EventKind
from handoff_bot.domain.replies import CannedReply
from handoff_bot.slack.features.history import label_of
from handoff_bot.storage import escalations, log
from tests.desk.conftest import words

pytestmark = pytest.mark.on_sqlite


@pytest.fixture
def busy(bureau):
    """Ana takes and releases, Ben takes, gives it to Ana; Mia changes a setting and a canned reply."""
    bureau.says("I want a person")
    bureau.click(bureau.ana, "claim")
    bureau.writes(bureau.ana, "!release")
    bureau.click(bureau.ben, "claim")
    bureau.writes(bureau.ben, f"!assign <@{bureau.ana}>")
    bureau.core.preferences.change("hold_seconds", 3, bureau.mia)
    bureau.core.canned.save(CannedReply("hello", "", "Hello"), bureau.mia)
    return bureau


def lines(bureau):
    blocks = bureau.modal(bureau.mia)["blocks"]
    return [words(block).replace("\n", " | ") for block in blocks if block["type"] == "context"]


def test_the_audit_says_who_did_what_newest_first(busy):
    busy.command(busy.mia, "audit")
    shown = [line.partition(" | ")[2] for line in lines(busy)]
    assert shown == [
        f"<@{busy.mia}> | changed the canned replies",
        f"<@{busy.mia}> | changed the setting “Seconds to hold replies before sending”",
        f"<@{busy.ben}> | assigned #1 to | <@{busy.ana}>",
        f"<@{busy.ben}> | took over #1",
        f"<@{busy.ana}> | released #1 to the queue",
        f"<@{busy.ana}> | took over #1",
    ]


def test_the_audit_and_the_timeline_say_in_sentences_how_it_ended(busy):
    busy.writes(busy.ana, "!resolve refund #vip")
    busy.command(busy.mia, "audit")
    newest = lines(busy)[0].partition(" | ")[2]
    assert newest == f"<@{busy.ana}> | resolved #1, tagged refund, vip"
    timeline = [each.what for each in busy.core.tickets.view(1).timeline if not each.quote]
    assert timeline == [
        "#1 was escalated: asked for a person",
        "#1 was created",
        "Ana took over #1",
        "Ana released #1 to the queue",
        "Ben took over #1",
        "Ben assigned #1 to Ana",
        "Ana resolved #1, tagged refund, vip",
    ]


def test_the_audit_leaves_out_offers_which_agents_did_not_make(bureau):
    bureau.command(bureau.ana, "on")
    bureau.says("I want a person")
    bureau.later(minutes=6)
    bureau.command(bureau.mia, "audit")
    shown = [line.partition(" | ")[2] for line in lines(bureau)]
    assert f"<@{bureau.ana}> | set their availability to available" in shown
    assert not any("offer" in line for line in shown)
    bureau.command(bureau.mia, "ticket 1")
    assert "#1 was offered to Ana" in words(bureau.modal(bureau.mia))


def test_a_rating_is_the_customers_and_not_the_agents(busy):
    with busy.database.write() as tx:
        found = escalations.get(tx, 1)
        ana = found.owner_id
        log.record(
            tx,
            EventKind.CSAT_ANSWERED,
            busy.clock.now(),
            escalation=found,
            agent_id=ana,
            score=4,
            comment="",
        )
    timeline = [each.what for each in busy.core.tickets.view(1).timeline]
    assert "The customer rated #1: 4 of 5" in timeline


@pytest.mark.on_both
def test_the_audit_of_one_person(busy):
    busy.command(busy.mia, "settings")
    busy.presses(busy.mia, "audit_show")
    busy.chooses(busy.mia, "audit_person", busy.ben)
    assert len(lines(busy)) == 2
    assert all(f"<@{busy.ben}>" in line for line in lines(busy))
    busy.chooses(busy.mia, "audit_person", busy.mia)
    assert len(lines(busy)) == 2
    busy.presses(busy.mia, "audit_everybody")
    assert len(lines(busy)) == 6


@pytest.mark.on_both
def test_a_long_audit_is_paged(busy):
    for seconds in range(50):
        busy.core.preferences.change("reopen_hours", seconds, busy.mia)
    busy.command(busy.mia, "audit")
    busy.chooses(busy.mia, "audit_person", busy.mia)
    assert len(lines(busy)) == 20
    busy.presses(busy.mia, "audit_older")
    busy.presses(busy.mia, "audit_older")
    assert len(lines(busy)) == 12
    assert "audit_older" not in str(busy.modal(busy.mia))
    busy.presses(busy.mia, "audit_newest")
    assert len(lines(busy)) == 20


def test_a_new_workspace_has_nothing_to_look_back_at(bureau):
    bureau.core.preferences.change("rules.pause_seconds", None, "test")
    bureau.command(bureau.mia, "audit")
    bureau.chooses(bureau.mia, "audit_person", bureau.ben)
    assert "No activity yet." in words(bureau.modal(bureau.mia))


@pytest.mark.parametrize("command", ["audit", "doctor", "settings"])
def test_agents_are_told_who_may(bureau, command):
    bureau.core.preferences.change("admins", [bureau.ben], "test")
    bureau.command(bureau.ana, command)
    assert any("Only admins can change settings" in said for said in bureau.whispers(bureau.ana))
    assert f"<@{bureau.ben}>" in words(bureau.slack.ephemerals(bureau.ana)[-1]["blocks"])
    assert bureau.slack.views(bureau.ana) == []


@pytest.mark.on_both
def test_the_history_is_paged(bureau):
    for hours in range(65):
        bureau.core.preferences.change("reopen_hours", hours, bureau.mia)
    bureau.command(bureau.mia, "settings history")
    assert "63 → 64" in words(bureau.modal(bureau.mia))
    bureau.presses(bureau.mia, "settings_history_older")
    bureau.presses(bureau.mia, "settings_history_older")
    assert "(not set) → 0" in words(bureau.modal(bureau.mia))
    assert "settings_history_older" not in str(bureau.modal(bureau.mia))
    bureau.presses(bureau.mia, "settings_history_newer")
    assert "33 → 34" in words(bureau.modal(bureau.mia))


LABELS = {
    "a setting": ("hold_seconds", "Seconds to hold replies before sending"),
    "a text": (
        "text.started.de.request",
        "Customer text “Escalated: agent requested”, German, when: Asked for an agent",
    ),
    "a text for all": ("text.taken.en.any", "Customer text “Taken over”, English, any reason"),
    "a canned reply": ("canned.refund.any", "Canned reply “refund”, any language"),
    "one that we do not know": ("text.of.old", "text.of.old"),
}


@pytest.mark.parametrize(("key", "label"), LABELS.values(), ids=LABELS)
def test_settings_are_named_in_words(key, label):
    assert label_of(key) == label
