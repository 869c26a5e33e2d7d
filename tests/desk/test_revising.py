"""Edits and deletions of what agents wrote: in time they act, too late they are told so."""

import pytest
from sqlmodel import select

from handoff_bot.domain.desk import AgentRef
from handoff_bot.domain.errors import DeliveryError
from handoff_bot.domain.messages import ReplyMark
from handoff_bot.services.replies import held_replies, revising
from handoff_bot.slack.desk import REACTIONS
from handoff_bot.storage.models import Escalation, Note, Ticket
from tests.desk.conftest import answers
from tests.fakes import OutcomeUnknownAfter

pytestmark = pytest.mark.on_sqlite

LIMIT = 160
"""Characters in one message of the fake channel."""


def edits(bureau, who, ts, text):
    bureau.slack.edit(who, bureau.queue, ts, text)
    bureau.settle()


def deletes(bureau, who, ts):
    bureau.slack.delete(who, bureau.queue, ts)
    bureau.settle()


def said_since(bureau, before):
    return bureau.heard()[len(before) :]


def history(bureau):
    with bureau.database.read() as tx:
        (escalation,) = tx.session.execute(select(Escalation.id)).scalars()
    page = bureau.core.escalations.transcript(escalation, 0)
    return [(line.text, line.note) for line in page.lines]


# -- replies that become notes or verbs


def test_a_reply_that_becomes_a_note_in_time_stays_inside(holding):
    before = holding.heard()
    ts = holding.writes(holding.ana, "a known fraudster")
    edits(holding, holding.ana, ts, "note: a known fraudster")
    holding.later(seconds=11)
    assert said_since(holding, before) == []
    assert ("a known fraudster", True) in history(holding)
    assert set(holding.slack.reactions(holding.queue, ts)) == {REACTIONS[ReplyMark.NOTE]}


def test_a_reply_that_becomes_a_verb_stays_inside_and_its_author_is_told(holding):
    before = holding.heard()
    ts = holding.writes(holding.ana, "resolve")
    edits(holding, holding.ana, ts, "!resolve")
    holding.later(seconds=11)
    assert said_since(holding, before) == []
    assert holding.whispers(holding.ana) == [revising.NO_THREAD_COMMAND]


def test_a_note_again_a_reply_is_sent_once_when_its_author_says_so(holding):
    before = holding.heard()
    ts = holding.writes(holding.ana, "hello")
    edits(holding, holding.ana, ts, "note: hello")
    edits(holding, holding.ana, ts, "hello there")
    holding.later(seconds=11)
    assert said_since(holding, before) == []
    answers(holding, holding.ana, "send_held")
    holding.later(seconds=11)
    assert said_since(holding, before) == ["hello there"]
    edits(holding, holding.ana, ts, "hello again")
    assert holding.whispers(holding.ana)[-1] == revising.DELIVERED_EDIT


def test_a_delivered_reply_that_becomes_a_note_is_told_without_a_correction(taken):
    before = taken.heard()
    ts = taken.writes(taken.ana, "hello")
    edits(taken, taken.ana, ts, "note: hello")
    (shown,) = taken.slack.ephemerals(taken.ana)
    assert shown["text"] == revising.DELIVERED_EDIT
    assert not any(block["type"] == "actions" for block in shown["blocks"])
    assert said_since(taken, before) == ["hello"]


def test_a_note_that_becomes_a_reply_asks(taken):
    before = taken.heard()
    ts = taken.writes(taken.ana, "note: your parcel comes tomorrow")
    edits(taken, taken.ana, ts, "your parcel comes tomorrow")
    assert said_since(taken, before) == []
    assert taken.whispers(taken.ana) == [revising.WAS_A_NOTE]
    answers(taken, taken.ana, "send_held")
    assert said_since(taken, before) == ["your parcel comes tomorrow"]


def test_somebody_elses_note_that_becomes_a_reply_needs_the_conversation(taken):
    ts = taken.writes(taken.ben, "note: hello")
    edits(taken, taken.ben, ts, "hello")
    assert "Ana has this conversation" in taken.whispers(taken.ben)[-1]
    answers(taken, taken.ben, "take_over_and_send")
    assert taken.heard()[-1] == "hello"


def test_a_changed_note_keeps_the_teams_prefix_out(taken):
    taken.core.preferences.change("note.prefixes", ["internal:"], taken.mia)
    before = taken.heard()
    ts = taken.writes(taken.ana, "internal: rude")
    edits(taken, taken.ana, ts, "internal: very rude")
    taken.writes(taken.ana, "!note she waits")
    assert said_since(taken, before) == []
    assert history(taken)[-2:] == [("very rude", True), ("she waits", True)]


def test_a_held_reply_that_becomes_a_note_cannot_be_sent_any_more(taken):
    before = taken.heard()
    ts = taken.writes(taken.ben, "liar")
    edits(taken, taken.ben, ts, "note: liar")
    answers(taken, taken.ben, "take_over_and_send")
    assert said_since(taken, before) in ([], ["Now speaking with Ben."])
    assert "liar" not in taken.heard()


# -- deletions


@pytest.mark.on_both
def test_a_held_reply_that_its_author_deleted_is_gone(taken):
    ts = taken.writes(taken.ben, "secret oops")
    deletes(taken, taken.ben, ts)
    answers(taken, taken.ben, "take_over_and_send")
    assert "secret oops" not in taken.heard()
    assert "secret oops" not in [text for text, _ in history(taken)]


def test_what_was_deleted_in_time_counts_as_no_answer(holding):
    ts = holding.writes(holding.ana, "We promise you 500 dollars")
    deletes(holding, holding.ana, ts)
    holding.later(seconds=11)
    with holding.database.read() as tx:
        assert tx.session.execute(select(Escalation.replied_at)).scalar_one() is None
        assert tx.session.execute(select(Ticket.replied_at)).scalar_one() is None
    holding.writes(holding.ana, "!return")
    holding.says("And now?")
    assert not any("500" in turn.text for turn in holding.assistant.asked[-1].turns)


def test_another_answer_keeps_the_promise_when_the_first_was_deleted(holding):
    first = holding.writes(holding.ana, "one")
    holding.later(seconds=2)
    holding.writes(holding.ana, "two")
    with holding.database.read() as tx:
        before = tx.session.execute(select(Escalation.replied_at)).scalar_one()
    deletes(holding, holding.ana, first)
    with holding.database.read() as tx:
        after = tx.session.execute(select(Escalation.replied_at)).scalar_one()
    assert (after - before).total_seconds() == 2


# -- order


@pytest.mark.on_both
def test_an_edit_in_time_keeps_the_order(holding):
    before = holding.heard()
    ts = holding.writes(holding.ana, "first")
    holding.writes(holding.ana, "second")
    edits(holding, holding.ana, ts, "first!")
    holding.later(seconds=30)
    assert said_since(holding, before) == ["first!", "second"]


@pytest.mark.on_both
def test_an_edit_that_needs_more_parts_keeps_the_order(holding):
    before = holding.heard()
    ts = holding.writes(holding.ana, "first")
    holding.writes(holding.ana, "second")
    longer = "word " * (LIMIT // 4)
    edits(holding, holding.ana, ts, longer)
    holding.later(seconds=30)
    heard = said_since(holding, before)
    assert len(heard) > 2
    assert heard[-1] == "second"
    assert " ".join(heard[:-1]).split() == longer.split()


def test_an_edit_that_needs_fewer_parts_sends_no_empty_ones(holding):
    before = holding.heard()
    ts = holding.writes(holding.ana, "word " * (LIMIT // 4))
    edits(holding, holding.ana, ts, "short")
    holding.later(seconds=30)
    assert said_since(holding, before) == ["short"]


def test_a_correction_before_the_closing_text_leaves_before_it(holding):
    before = holding.heard()
    ts = holding.writes(holding.ana, "bye")
    holding.writes(holding.ana, "!resolve")
    edits(holding, holding.ana, ts, "bye!")
    holding.later(seconds=30)
    first, closing = said_since(holding, before)
    assert (first, "closed" in closing) == ("bye!", True)


# -- what has failed, or may have left


@pytest.fixture
def failed(taken):
    """Ana's reply did not reach Dana; its ts."""
    error = DeliveryError("No such number.", permanent=True, code="21211")
    taken.channel.troubles.append(error)
    return taken, taken.writes(taken.ana, "Hello")


def retry(bureau):
    post = next(m for m in bureau.slack.thread(bureau.queue, bureau.card()) if "did not" in str(m))
    bureau.click(bureau.ana, "retry", ts=post["ts"])


@pytest.mark.on_both
def test_an_edit_of_what_failed_is_what_retry_sends(failed):
    bureau, ts = failed
    before = bureau.heard()
    edits(bureau, bureau.ana, ts, "Hello!!")
    assert bureau.whispers(bureau.ana) == [revising.FAILED_EDIT]
    retry(bureau)
    assert said_since(bureau, before) == ["Hello!!"]


def test_what_failed_and_was_deleted_is_not_tried_again(failed):
    bureau, ts = failed
    before = bureau.heard()
    deletes(bureau, bureau.ana, ts)
    assert bureau.whispers(bureau.ana) == []
    retry(bureau)
    assert bureau.whispers(bureau.ana) == [held_replies.TAKEN_BACK]
    assert said_since(bureau, before) == []


def test_only_who_has_the_conversation_sends_an_agents_words_again(failed):
    bureau, _ = failed
    before = bureau.heard()
    bureau.writes(bureau.ana, f"!assign <@{bureau.ben}>")
    retry(bureau)
    assert bureau.whispers(bureau.ana)[-1] == held_replies.NOT_AGAIN
    assert "Hello" not in said_since(bureau, before)


@pytest.fixture
def in_doubt(taken):
    """The provider took Ana's reply, and its answer was lost; the reply's ts."""
    taken.channel.troubles.append(OutcomeUnknownAfter("no answer"))
    return taken, taken.writes(taken.ana, "It costs 10")


def test_an_edit_of_what_may_have_left_is_no_second_version(in_doubt):
    bureau, ts = in_doubt
    edits(bureau, bureau.ana, ts, "It costs 20")
    bureau.later(minutes=1)
    assert [text for text in bureau.heard() if "costs" in text] == ["It costs 10"]
    assert bureau.whispers(bureau.ana) == [revising.IN_DOUBT_EDIT]
    answers(bureau, bureau.ana, "send_correction")
    assert [text for text in bureau.heard() if "costs" in text] == [
        "It costs 10",
        "Correction:\nIt costs 20",
    ]


@pytest.mark.on_both
def test_what_may_have_left_cannot_be_unsent(in_doubt):
    bureau, ts = in_doubt
    deletes(bureau, bureau.ana, ts)
    assert bureau.whispers(bureau.ana) == [revising.IN_DOUBT_DELETE]
    bureau.later(minutes=1)
    assert [text for text in bureau.heard() if "costs" in text] == ["It costs 10"]
    assert ("It costs 10", False) in history(bureau)


def test_editing_back_after_a_correction_is_a_correction_too(taken):
    ts = taken.writes(taken.ana, "It costs 10")
    for text in ("It costs 20", "It costs 10", "It costs 20"):
        edits(taken, taken.ana, ts, text)
        answers(taken, taken.ana, "send_correction")
    said = [text for text in taken.heard() if "costs" in text]
    assert said == [
        "It costs 10",
        "Correction:\nIt costs 20",
        "Correction:\nIt costs 10",
        "Correction:\nIt costs 20",
    ]


def test_keep_as_note_does_not_deny_what_was_sent(taken):
    taken.writes(taken.ben, "hello from Ben")
    shown = taken.slack.ephemerals(taken.ben)[-1]
    taken.slack.click_ephemeral(taken.ben, shown["ts"], "take_over_and_send")
    taken.settle()
    with taken.database.read() as tx:
        (note,) = tx.session.execute(select(Note.id)).scalars()
    said = taken.core.decisions.keep_as_note(note, AgentRef(taken.ben, "Ben"))
    assert (said.done, said.text) == (False, held_replies.SENT_ALREADY)
