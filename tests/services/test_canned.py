"""Canned replies down to rows: kept once for each language, remembered in the history, filled."""

import pytest
from sqlmodel import select

from handoff_bot.domain.replies import CannedReply
from handoff_bot.services.replies import canned
from handoff_bot.services.replies.canned import Part
from handoff_bot.storage.models import Escalation

pytestmark = pytest.mark.on_sqlite


@pytest.fixture
def replies(house):
    return house.core.canned


def history(house):
    changes = house.core.preferences.history(10, "canned.")
    return [(c.key, c.before["value"], c.after["value"], c.by) for c in changes]


def one(replies, name="refund", language="", text="In 5 days, {customer}."):
    assert replies.save(CannedReply(name, language, text), "UMIA") is None
    (found,) = [r for r in replies.page(name).rows if (r.name, r.language) == (name, language)]
    return found


@pytest.mark.on_both
def test_a_name_is_kept_once_for_each_language(replies):
    one(replies)
    one(replies, language="de", text="In 5 Tagen, {customer}.")
    assert replies.save(CannedReply("refund", "de", "Noch einmal"), "UMIA") == (
        Part.NAME,
        canned.TAKEN,
    )
    assert replies.page("refund").found == 2


def test_a_reply_is_changed_and_the_history_knows(house, replies):
    kept = one(replies)
    assert replies.save(CannedReply("money", "", kept.text, kept.id), "UBEN") is None
    assert replies.save(CannedReply("money", "", "Soon.", kept.id), "UBEN") is None
    assert history(house) == [
        ("canned.money.any", kept.text, "Soon.", "UBEN"),
        ("canned.money.any", None, kept.text, "UBEN"),
        ("canned.refund.any", kept.text, None, "UBEN"),
        ("canned.refund.any", None, kept.text, "UMIA"),
    ]


def test_renaming_onto_another_is_refused(replies):
    one(replies)
    other = one(replies, "money")
    assert replies.save(CannedReply("refund", "", "Soon.", other.id), "UMIA") is not None


def test_a_reply_is_deleted_once(house, replies):
    kept = one(replies)
    assert replies.delete(kept.id, "UMIA")
    assert not replies.delete(kept.id, "UMIA")
    assert replies.page("").found == 0
    assert replies.save(CannedReply("refund", "", "Back", kept.id), "UMIA") == (
        Part.TEXT,
        canned.GONE,
    )
    assert history(house)[0] == ("canned.refund.any", kept.text, None, "UMIA")


WRONG = {
    "name": (CannedReply("two words", "", "x"), Part.NAME),
    "language": (CannedReply("a", "xx", "x"), Part.LANGUAGE),
    "text": (CannedReply("a", "", "{salary}"), Part.TEXT),
    "empty": (CannedReply("a", "", " "), Part.TEXT),
}


@pytest.mark.parametrize(("reply", "part"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_said_where(replies, reply, part):
    problem = replies.save(reply, "UMIA")
    assert problem is not None
    assert problem[0] is part
    assert replies.page("").found == 0


@pytest.mark.on_both
def test_pages_hold_fifteen(replies):
    for number in range(32):
        one(replies, f"reply-{number:02}")
    assert [len(replies.page("", number=n).rows) for n in (0, 1, 2)] == [15, 15, 2]
    assert replies.page("", number=99).page == 2


def test_a_reply_is_filled_in_the_customers_language(house, replies):
    one(replies, text="{customer}, ticket {ticket}. {agent}")
    one(replies, language="de", text="{customer}, Ticket {ticket}. Ihre {agent}")
    house.says("I want a person", profile_name="{agent} Dana")
    with house.database.write() as tx:
        escalation = tx.session.execute(select(Escalation)).scalars().one()
        assert canned.rendered(tx, "REFUND", escalation, "Ana") == "{agent} Dana, ticket 1. Ana"
        assert canned.rendered(tx, "nothing", escalation, "Ana") is None
        assert [r.language for r in canned.find(tx, "refund", "de")] == ["", "de"]


@pytest.mark.on_both
def test_of_two_who_keep_the_same_name_at_once_one_is_told(house, replies):
    one(replies)
    assert replies.save(CannedReply("refund", "", "Mine"), "UBEN") == (Part.NAME, canned.TAKEN)
    other = one(replies, "money")
    assert replies.save(CannedReply("refund", "", "Mine", other.id), "UBEN") is not None
    assert [r.text for r in replies.every() if r.name == "money"] == [other.text]
    assert len(history(house)) == 2
