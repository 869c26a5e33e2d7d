"""What agents do with a card: each step from the click through its window down to rows."""

import pytest
from sqlmodel import select

from handoff_bot.domain.escalations import tags_of
from handoff_bot.domain.replies import CannedReply
from handoff_bot.storage.models import Escalation, Message, Note, Ticket, TicketTag
from tests.desk.conftest import words
from tests.slack import linter

pytestmark = pytest.mark.on_sqlite


@pytest.fixture
def waiting(bureau):
    """Dana waits for somebody."""
    bureau.says("I want a person")
    return bureau


@pytest.fixture
def taken(waiting):
    """Ana talks to her."""
    waiting.click(waiting.ana, "claim")
    return waiting


def only(bureau, model):
    with bureau.database.read() as tx:
        return tx.session.execute(select(model)).scalars().one()


def test_resolving_asks_what_came_of_it(taken):
    taken.click(taken.ana, "resolve")
    modal = taken.modal(taken.ana)
    assert "This conversation is now closed." in str(modal)
    taken.sends(taken.ana, {"solved_as": "answered", "tags": "#Refund, delivery refund"})
    assert only(taken, Escalation).status == "resolved"
    assert only(taken, Ticket).outcome == "answered"
    with taken.database.read() as tx:
        tags = tx.session.execute(select(TicketTag.tag).order_by(TicketTag.id)).scalars().all()
    assert tags == ["refund", "delivery"]
    assert "How did we do?" in taken.heard()[-1]


def test_the_closing_words_and_the_question_are_the_agents_to_choose(taken):
    taken.click(taken.ana, "resolve")
    taken.sends(taken.ana, {"closing": "Goodbye, Dana!", "ask": []})
    assert taken.heard()[-1] == "Goodbye, Dana!"


def test_somebody_elses_conversation_cannot_be_resolved(taken):
    taken.click(taken.ben, "resolve")
    sent = taken.sends(taken.ben)
    assert "Ana has this conversation." in sent.errors["closing"]
    assert only(taken, Escalation).status == "claimed"


def test_a_return_leaves_a_hint_for_the_assistant_which_nobody_is_said_to_have_written(taken):
    taken.click(taken.ana, "return")
    taken.sends(taken.ana, {"memory": "Refund of 20 € promised by Friday"})
    taken.says("When do I get my money?")
    talk = taken.assistant.asked[-1]
    assert talk.hints == ("Refund of 20 € promised by Friday",)
    assert not any("Refund of 20" in turn.text for turn in talk.turns)
    assert talk.turns[-1].role == "customer"
    assert "Refund of 20" not in " ".join(taken.heard())


def test_not_needed_says_why(waiting):
    waiting.chooses_more(waiting.ana, "dismiss")
    waiting.sends(waiting.ana, {"why": "ai_could"})
    escalation = only(waiting, Escalation)
    assert (escalation.status, escalation.dismissed_why) == ("dismissed", "ai_could")


def test_an_agent_gets_it_with_a_note_and_the_context(taken):
    taken.click(taken.ana, "assign")
    taken.sends(taken.ana, {"assignee": taken.ben, "note": "She was promised a refund"})
    assert any("Ana notes: She was promised a refund" in said for said in taken.thread())
    (told,) = taken.told(taken.ben)
    assert "Ana assigned you the conversation with +15550001 on SMS." in told
    assert "Note: She was promised a refund" in told
    assert "Now speaking with Ben." in " ".join(taken.heard())


def test_a_group_gets_it_and_is_called(taken):
    group = taken.slack.add_group("care", "Customer care", [taken.ben])
    taken.click(taken.ana, "assign")
    taken.sends(taken.ana, {"group": group, "note": "In Spanish, please"})
    escalation = only(taken, Escalation)
    assert (escalation.status, escalation.owner_id, escalation.group_id) == ("queued", None, group)
    thread = taken.slack.thread(taken.queue, taken.card())
    assert any(f"<!subteam^{group}>" in words(m["blocks"]) for m in thread)
    assert f"<!subteam^{group}>" in words(thread[0]["blocks"])


def test_it_can_go_back_into_the_queue(taken):
    taken.click(taken.ana, "assign")
    taken.sends(taken.ana, {"queue": ["yes"]})
    assert only(taken, Escalation).status == "queued"


TOO_MANY_OR_NONE = {"nobody": {}, "two": {"assignee": "ben", "queue": ["yes"]}}


@pytest.mark.parametrize("choice", TOO_MANY_OR_NONE.values(), ids=TOO_MANY_OR_NONE)
def test_one_has_to_be_chosen(taken, choice):
    taken.click(taken.ana, "assign")
    values = {k: taken.ben if v == "ben" else v for k, v in choice.items()}
    assert "Choose an agent" in taken.sends(taken.ana, values).errors["assignee"]


def test_an_app_cannot_be_assigned(taken):
    taken.click(taken.ana, "assign")
    sent = taken.sends(taken.ana, {"assignee": taken.slack.bot_user})
    assert "Choose a person" in sent.errors["assignee"]


def test_what_is_put_aside_comes_back_at_its_time(waiting):
    waiting.chooses_more(waiting.ana, "snooze")
    waiting.sends(waiting.ana, {"how_long": "1h"})
    assert "💤 Snoozed until" in words(waiting.cards()[-1]["blocks"])
    waiting.command(waiting.ben, "next")
    assert waiting.whispers(waiting.ben) == ["No customers are waiting."]

    waiting.later(minutes=59)
    assert "The snooze has ended." not in waiting.thread()
    waiting.later(minutes=2)
    assert "The snooze has ended." in waiting.thread()
    assert "💤" not in words(waiting.cards()[-1]["blocks"])
    waiting.later(hours=3)
    assert waiting.thread().count("The snooze has ended.") == 1


def test_what_is_put_aside_comes_back_when_the_customer_writes(waiting):
    waiting.chooses_more(waiting.ana, "snooze")
    waiting.sends(waiting.ana, {"until": "2h"})
    waiting.says("Hello?")
    assert "The customer replied, so the snooze has ended." in waiting.thread()
    waiting.later(hours=3)
    assert "The snooze has ended." not in waiting.thread()


def test_a_second_snooze_counts_instead_of_the_first(waiting):
    for length in ("30m", "3h"):
        waiting.chooses_more(waiting.ana, "snooze")
        waiting.sends(waiting.ana, {"how_long": length})
    waiting.later(minutes=31)
    assert "The snooze has ended." not in waiting.thread()
    waiting.later(hours=3)
    assert "The snooze has ended." in waiting.thread()


def test_a_time_that_is_none_is_refused_at_its_field(waiting):
    waiting.chooses_more(waiting.ana, "snooze")
    assert (
        "Enter a time such as" in waiting.sends(waiting.ana, {"until": "soonish"}).errors["until"]
    )
    assert "at most 30 days" in waiting.sends(waiting.ana, {"until": "90d"}).errors["until"]


def test_a_note_from_the_window_stays_inside_and_is_shown(taken):
    before = list(taken.heard())
    taken.chooses_more(taken.ana, "note")
    taken.sends(taken.ana, {"note": "Third complaint this week"})
    assert any("Ana notes: Third complaint this week" in said for said in taken.thread())
    assert only(taken, Note).text == "Third complaint this week"
    assert taken.heard() == before


def test_release_is_behind_the_dots(taken):
    taken.chooses_more(taken.ana, "release")
    assert only(taken, Escalation).status == "queued"


def test_a_draft_is_edited_and_sent_by_the_agent(taken):
    heard = list(taken.heard())
    taken.click(taken.ana, "draft")
    modal = taken.modal(taken.ana)
    assert "Answer to: I want a person" in str(modal)
    assert "From: FAQ" in words(modal)
    assert taken.heard() == heard  # never sent by itself

    taken.sends(taken.ana, {"words": "Returns take 14 days, Dana."})
    assert taken.heard()[-1] == "Returns take 14 days, Dana."
    assert any("Returns take 14 days, Dana." in said for said in taken.thread())
    with taken.database.read() as tx:
        sent = tx.session.execute(select(Message).where(Message.author == "agent")).scalars().one()
    assert sent.desk_channel == taken.queue  # so that its marks are shown on the post


def test_a_draft_in_the_queue_takes_over_as_it_is_sent(waiting):
    waiting.click(waiting.ben, "draft")
    assert waiting.modal(waiting.ben)["submit"]["text"] == "Take over & send"
    waiting.sends(waiting.ben, {"words": "Hello Dana"})
    assert waiting.heard()[-1] == "Hello Dana"
    assert "Now speaking with Ben." in waiting.heard()[-3]


def test_a_draft_for_somebody_elses_customer_is_refused_in_the_window(taken):
    taken.click(taken.ben, "draft")
    sent = taken.sends(taken.ben, {"words": "Hello Dana"})
    assert "Ana has this conversation" in sent.errors["words"]
    assert "Hello Dana" not in taken.heard()


def reply_in(modal):
    """The text field of a draft: its id and its text."""
    (field,) = [one for one in modal["blocks"] if one["type"] == "input"]
    return field["block_id"], field["element"].get("initial_value", "")


@pytest.mark.parametrize("tone", ["shorter", "friendlier", "translated"])
def test_a_draft_is_rewritten_in_the_open_modal_as_the_agent_edited_it(taken, tone):
    taken.click(taken.ana, "draft")
    before, _ = reply_in(taken.modal(taken.ana))
    view_id, typed = taken.modal(taken.ana)["id"], {before: "We look into it."}
    taken.slack.click_view(taken.ana, view_id, f"draft_{tone}", values=typed)
    taken.settle()
    shown = taken.modal(taken.ana)
    field, said = reply_in(shown)
    wanted = "[en] WE LOOK INTO IT." if tone == "translated" else f"({tone}) We look into it."
    assert said == wanted
    assert field != before  # Slack keeps what is in a field of the same id
    assert "From: FAQ" in words(shown)
    taken.sends(taken.ana)
    assert taken.heard()[-1] == wanted


def test_a_draft_that_cannot_be_rewritten_stays_and_the_modal_says_why(taken):
    taken.rewriter.fails = True
    taken.click(taken.ana, "draft")
    _, before = reply_in(taken.modal(taken.ana))
    taken.presses(taken.ana, "draft_shorter")
    shown = taken.modal(taken.ana)
    assert "could not rewrite the text. Your text is unchanged" in words(shown)
    assert reply_in(shown)[1] == before
    taken.rewriter.fails = False
    taken.presses(taken.ana, "draft_shorter")
    assert reply_in(taken.modal(taken.ana))[1] == f"(shorter) {before}"


def test_without_a_language_model_there_are_no_tones(taken):
    taken.core.drafting._rewriter = taken.core.drafting._translator = None
    taken.click(taken.ana, "draft")
    assert "draft_" not in str(taken.modal(taken.ana))


def test_without_a_suggestion_canned_replies_are_offered_in_the_same_modal(taken):
    taken.core.canned.save(CannedReply("hours", "", "Hello {customer}, we open at 9."), taken.mia)
    taken.core.canned.save(CannedReply("person", "", "I am {agent}."), taken.mia)
    taken.assistant.silent = True
    taken.click(taken.ana, "draft")
    shown = taken.modal(taken.ana)
    assert "Choose a canned reply, or write the reply yourself." in words(shown)
    (menu,) = linter.elements(shown["blocks"], "static_select")
    names = [option["value"] for option in menu["options"]]
    assert names == ["person", "hours"]  # the customer wrote "person"
    taken.chooses(taken.ana, "draft_canned", "person")
    assert reply_in(taken.modal(taken.ana))[1] == "I am Ana."
    taken.sends(taken.ana)
    assert taken.heard()[-1] == "I am Ana."


def test_a_canned_reply_that_is_gone_is_said_in_the_modal(taken):
    taken.core.canned.save(CannedReply("hours", "", "We open at 9."), taken.mia)
    taken.assistant.silent = True
    taken.click(taken.ana, "draft")
    (reply,) = taken.core.canned.every()
    taken.core.canned.delete(reply.id, taken.mia)
    taken.chooses(taken.ana, "draft_canned", "hours")
    assert "no longer exists" in words(taken.modal(taken.ana))


def test_tags_are_kept_in_one_form():
    assert tags_of("#Refund,  VIP vip ,") == ("refund", "vip")
    assert tags_of(["a b", ""]) == ("a b",)


def shown_on_card(bureau):
    return words(bureau.cards()[0]["blocks"])


def test_a_closed_card_says_what_came_of_it_and_follows_later_changes(taken):
    taken.click(taken.ana, "resolve")
    taken.sends(taken.ana, {"solved_as": "workaround", "tags": "refund, delivery"})
    assert "Workaround provided · #refund #delivery" in shown_on_card(taken)

    taken.says("4")
    assert "#refund #delivery · ⭐ 4/5" in shown_on_card(taken)

    taken.command(taken.ana, "ticket 1")
    taken.presses(taken.ana, "ticket_change")
    taken.sends(taken.ana, {"ticket_tags": "refund, vip"})
    assert "#refund #vip · ⭐ 4/5" in shown_on_card(taken)


def test_the_last_messages_stay_on_the_card_until_the_agent_has_replied(waiting):
    waiting.says("Where is my order 4711?")
    waiting.click(waiting.ana, "claim")
    assert "Where is my order 4711?" in shown_on_card(waiting)
    assert "I'm connecting you" not in shown_on_card(waiting)

    waiting.writes(waiting.ana, "I am looking for it.")
    assert "Where is my order 4711?" not in shown_on_card(waiting)
