"""Canned replies in Slack: looked up by anybody, written by admins, from the window down to rows."""

from dataclasses import replace

import pytest
from sqlmodel import select

from handoff_bot.domain.replies import CannedReply
from handoff_bot.storage.models import Canned
from tests.desk.conftest import words

pytestmark = pytest.mark.on_sqlite

TEXT = "We refund within 5 days, {customer}."


@pytest.fixture
def replies(bureau):
    """Two are kept: refund and hello."""
    bureau.core.canned.save(CannedReply("refund", "", TEXT), bureau.mia)
    bureau.core.canned.save(CannedReply("hello", "de", "Guten Tag"), bureau.mia)
    return bureau


def kept(bureau):
    with bureau.database.read() as tx:
        found = tx.session.execute(select(Canned).order_by(Canned.name)).scalars().all()
    return [(one.name, one.language, one.text, one.updated_by) for one in found]


def test_an_agent_finds_a_reply_and_cannot_change_it(replies):
    replies.command(replies.ana, "canned refund")
    shown = replies.modal(replies.ana)
    assert TEXT in words(shown)
    assert "Guten Tag" not in words(shown)
    assert "canned_change" not in str(shown)
    assert "canned_add" not in str(shown)


def test_the_shortcut_opens_the_list(replies):
    replies.slack.shortcut(replies.ana, "show_canned")
    replies.settle()
    assert "2 replies" in words(replies.modal(replies.ana))


def test_searching_in_the_window(replies):
    replies.command(replies.ana, "canned")
    assert "2 replies" in words(replies.modal(replies.ana))
    replies.sends(replies.ana, {"canned_query": "", "canned_wanted": "de"})
    assert "2 replies" in words(replies.modal(replies.ana))
    replies.sends(replies.ana, {"canned_query": "guten", "canned_wanted": "de"})
    assert "hello · German" in words(replies.modal(replies.ana))
    replies.sends(replies.ana, {"canned_query": "nothing like it", "canned_wanted": "any"})
    assert "No canned replies found." in words(replies.modal(replies.ana))


def test_an_admin_adds_one_after_a_preview(bureau):
    bureau.command(bureau.mia, "settings")
    bureau.presses(bureau.mia, "canned_show")
    bureau.presses(bureau.mia, "canned_add")
    sent = bureau.sends(
        bureau.mia,
        {"canned_name": "!reply Refund", "canned_language": "fr", "canned_text": "{nom}"},
    )
    assert "{nom} cannot be used here" in sent.errors["canned_text"]
    bureau.presses(bureau.mia, "canned_preview")
    assert "{nom} cannot be used here" in words(bureau.modal(bureau.mia))
    sent = bureau.sends(bureau.mia, {"canned_text": "Bonjour {customer}, ticket {ticket}."})
    assert sent.errors == {}
    assert kept(bureau) == [("refund", "fr", "Bonjour {customer}, ticket {ticket}.", bureau.mia)]
    assert "refund is saved." in words(bureau.modal(bureau.mia))
    assert "refund · French" in words(bureau.modal(bureau.mia))


def test_the_preview_shows_how_it_reads(replies):
    replies.command(replies.mia, "canned refund")
    replies.presses(replies.mia, "canned_change")
    replies.presses(replies.mia, "canned_preview")
    assert "We refund within 5 days, Dana." in words(replies.modal(replies.mia))


def test_an_admin_changes_and_deletes_one(replies):
    replies.command(replies.mia, "canned refund")
    replies.presses(replies.mia, "canned_change")
    replies.sends(replies.mia, {"canned_text": "Soon."})
    assert ("refund", "", "Soon.", replies.mia) in kept(replies)
    replies.presses(replies.mia, "canned_change")
    replies.presses(replies.mia, "canned_delete")
    assert "refund is deleted." in words(replies.modal(replies.mia))
    replies.slack.close(replies.mia, replies.modal(replies.mia)["id"])
    assert "No canned replies found." in words(replies.modal(replies.mia))
    assert [name for name, *_ in kept(replies)] == ["hello"]


def test_who_is_no_admin_any_more_cannot_save(replies):
    replies.core.preferences.change("admins", [replies.ana], "test")
    replies.command(replies.ana, "canned refund")
    replies.presses(replies.ana, "canned_change")
    replies.core.preferences.change("admins", [replies.ben], "test")
    replies.sends(replies.ana, {"canned_text": "Never."})
    shown = words(replies.modal(replies.ana))
    assert "Only admins can change settings" in shown
    assert f"<@{replies.ben}>" in shown
    assert ("refund", "", TEXT, replies.mia) in kept(replies)


def test_many_replies_are_paged(bureau):
    for number in range(40):
        bureau.core.canned.save(CannedReply(f"reply-{number:02}", "", "x"), bureau.mia)
    bureau.command(bureau.ana, "canned")
    bureau.presses(bureau.ana, "canned_page_on")
    shown = words(bureau.modal(bureau.ana))
    assert "40 replies · page 2 of 3" in shown
    assert "reply-15" in shown
    assert "reply-14" not in shown


def test_one_that_somebody_else_changed_meanwhile_is_not_overwritten(replies):
    replies.command(replies.mia, "canned refund")
    replies.presses(replies.mia, "canned_change")
    (theirs,) = [one for one in replies.core.canned.every() if one.name == "refund"]
    assert replies.core.canned.save(replace(theirs, text="Ben's words."), replies.ben) is None
    sent = replies.sends(replies.mia, {"canned_text": "Mia's words."})
    assert "Another admin changed this reply" in sent.errors["canned_text"]
    assert ("refund", "", "Ben's words.", replies.ben) in kept(replies)
