"""What the assignee writes to colleagues stays inside, and what is deleted leaves a trace for them."""

import json
from pathlib import Path

import pytest

from handoff_bot.domain.messages import Limits
from handoff_bot.services.delivery import reachability
from handoff_bot.services.replies import revising, thread_replies
from tests.desk.conftest import answers

pytestmark = pytest.mark.on_sqlite

CASES = Path(__file__).parents[3] / "shared" / "cases"


def buttons(bureau, who):
    shown = bureau.slack.ephemerals(who)[-1]["blocks"]
    return [
        each["action_id"]
        for block in shown
        if block["type"] == "actions"
        for each in block["elements"]
    ]


# -- words to a colleague

BEGINNINGS = {
    "a colleague": "<@{ben}> can you look at this one?",
    "behind blanks": "  \n<@{ben}> look?",
    "in bold": "*<@{ben}>* look?",
    "in a quote": "&gt; <@{ben}> look?",
    "behind a bullet": "• <@{ben}> look?",
    "behind a greeting": "hey <@{ben}>, look?",
    "behind cc": "cc: <@{ben}>",
    "behind a bracket": "(<@{ben}> look?)",
    "the channel": "<!here> who knows this?",
    "everybody": "<!channel> who knows this?",
    "a group": "<!subteam^S0123ABCD|@billing> is this ours?",
    "a name that is no link": "@ben can you look at this one?",
    "a wide sign": "\uff20ben look?",
    "two of them": "<@{ben}> <@{mia}> look?",
    "behind an emoji": ":wave: <@{ben}> look?",
    "behind a number": "1. <@{ben}> look?",
    "behind dots": "... <@{ben}> look?",
    "in quotation marks": '"<@{ben}>" look?',
    "behind a long greeting": "good morning team, <@{ben}> look?",
    "behind thanks": "thanks <@{ben}>!",
    "behind more thanks": "Thank you <@{ben}>!",
    "behind cc in brackets": "(cc <@{ben}>)",
}


@pytest.mark.parametrize("text", BEGINNINGS.values(), ids=BEGINNINGS)
def test_a_reply_that_begins_with_a_mention_stays_inside_and_its_author_is_asked(taken, text):
    before = taken.heard()
    taken.writes(taken.ana, text.format(ben=taken.ben, mia=taken.mia))
    assert taken.heard() == before
    assert taken.whispers(taken.ana) == [thread_replies.TO_COLLEAGUE]
    assert buttons(taken, taken.ana) == ["send_held", "keep_as_note"]


def test_the_cases_of_words_to_a_colleague_stay_inside(taken):
    path = CASES / "r11-word-to-a-colleague.json"
    if not path.exists():
        pytest.skip("the shared cases are not here")
    before = taken.heard()
    for text in json.loads(path.read_text("utf-8"))["cases"]:
        taken.writes(taken.ana, text)
    assert taken.heard() == before
    assert taken.whispers(taken.ana) == [thread_replies.TO_COLLEAGUE] * 3


def test_the_author_may_send_it_all_the_same(taken):
    before = taken.heard()
    taken.writes(taken.ana, f"<@{taken.ben}> will call you tomorrow.")
    answers(taken, taken.ana, "send_held")
    assert taken.heard()[len(before) :] == ["@Ben will call you tomorrow."]


def test_the_author_may_keep_it_as_a_note(taken):
    before = taken.heard()
    taken.writes(taken.ana, f"<@{taken.ben}> look?")
    answers(taken, taken.ana, "keep_as_note")
    assert taken.heard() == before


REPLIES = (
    "I asked <@{ben}> about it.",
    "Mail us at ben@shop.example",
    "@ 5 pm it is there",
    "Hey you",
    "Hello *you* <@{ben}>",
)


@pytest.mark.parametrize("text", REPLIES)
def test_other_replies_leave_at_once(taken, text):
    before = taken.heard()
    taken.writes(taken.ana, text.format(ben=taken.ben))
    assert len(taken.heard()) == len(before) + 1


def test_a_reply_that_is_changed_into_words_to_a_colleague_in_time_stays_inside(holding):
    before = holding.heard()
    ts = holding.writes(holding.ana, "look?")
    holding.slack.edit(holding.ana, holding.queue, ts, f"<@{holding.ben}> look?")
    holding.settle()
    holding.later(seconds=11)
    assert holding.heard() == before
    assert holding.whispers(holding.ana) == [revising.TO_COLLEAGUE]
    answers(holding, holding.ana, "send_held")
    holding.later(seconds=11)
    assert holding.heard()[len(before) :] == ["@Ben look?"]


# -- commands that are mistyped


def test_the_assignee_is_not_offered_to_take_over_what_they_have(taken):
    before = taken.heard()
    taken.writes(taken.ana, "!reslove")
    assert "Did you mean !resolve?" in taken.whispers(taken.ana)[-1]
    assert buttons(taken, taken.ana) == ["send_held", "keep_as_note"]
    answers(taken, taken.ana, "send_held")
    assert taken.heard()[len(before) :] == ["!reslove"]


def test_another_agent_is_offered_to_take_over(taken):
    taken.writes(taken.ben, "!xyzzy")
    assert "Did you mean" not in taken.whispers(taken.ben)[-1]
    assert buttons(taken, taken.ben) == ["take_over_and_send", "keep_as_note"]


def test_in_a_closed_conversation_nothing_is_offered(taken):
    taken.click(taken.ana, "resolve")
    taken.sends(taken.ana)
    before = taken.heard()
    taken.writes(taken.ana, "!reslove")
    assert buttons(taken, taken.ana) == []
    assert taken.heard() == before


# -- deletions


def test_a_reply_that_is_deleted_in_time_leaves_a_trace(holding):
    before = holding.heard()
    ts = holding.writes(holding.ana, "SECRET")
    holding.slack.delete(holding.ana, holding.queue, ts)
    holding.settle()
    holding.later(seconds=11)
    assert holding.heard() == before
    told = [said for said in holding.thread() if "deleted a reply" in said]
    assert told == ["Ana deleted a reply before it was sent. The customer did not receive it."]


def test_a_reply_that_the_customer_has_is_still_to_be_read_once_deleted(taken):
    ts = taken.writes(taken.ana, "You get a refund of <b>20</b> &amp; more.")
    taken.slack.delete(taken.ana, taken.queue, ts)
    taken.settle()
    (told,) = [said for said in taken.thread() if "deleted this reply" in said]
    assert "the customer already received it" in told
    assert "You get a refund" in told


# -- corrections


@pytest.mark.parametrize(
    ("language", "label"), [("en", "Correction:"), ("de", "Korrektur:"), ("fr", "Correction :")]
)
def test_a_correction_says_that_it_is_one_in_the_customers_language(taken, language, label):
    speak(taken, language)
    before = taken.heard()
    ts = taken.writes(taken.ana, "It costs 20 euros.")
    taken.slack.edit(taken.ana, taken.queue, ts, "It costs 30 euros.")
    taken.settle()
    answers(taken, taken.ana, "send_correction")
    assert taken.heard()[len(before) :] == ["It costs 20 euros.", f"{label}\nIt costs 30 euros."]
    taken.slack.edit(taken.ana, taken.queue, ts, "It costs 40 euros.")
    taken.settle()
    answers(taken, taken.ana, "send_correction")
    assert taken.heard()[-1] == f"{label}\nIt costs 40 euros."


def speak(bureau, language):
    from handoff_bot.storage.models import Conversation

    with bureau.database.write() as tx:
        tx.session.query(Conversation).update({"language": language})


# -- after the messaging window has closed


@pytest.fixture
def late(bureau):
    """Dana asked for a person 25 hours ago on a channel with a window of 24 hours."""
    bureau.channel.limits = Limits(text=160, reply_window_hours=24, templates=True)
    bureau.says("I want a person")
    bureau.later(hours=25)
    return bureau


def test_taking_over_after_the_window_tries_nothing_and_offers_a_template(late):
    before = late.heard()
    late.click(late.ana, "claim")
    assert late.heard() == before

    assert not [said for said in late.thread() if said.startswith("Not delivered")]
    assert sum(reachability.TAKEN_LATE in said for said in late.thread()) == 1
    offered = [
        message
        for message in late.slack.thread(late.queue, late.card())
        if "use_template" in json.dumps(message.get("blocks", []))
    ]
    assert len(offered) == 1
    late.click(late.ana, "use_template", ts=offered[0]["ts"])
    assert late.modal(late.ana)


def test_without_templates_the_agent_is_told_to_wait(late):
    late.channel.limits = Limits(text=160, reply_window_hours=24)
    late.click(late.ana, "claim")
    assert any(reachability.TAKEN_LATE_WITHOUT in said for said in late.thread())
    assert not [said for said in late.thread() if said.startswith("Not delivered")]


def test_no_fixed_text_is_tried_after_the_window(late):
    late.click(late.ana, "claim")
    before = late.heard()
    late.writes(late.ana, "!release")
    late.writes(late.ben, "!take")
    late.writes(late.ben, "!resolve")
    assert late.heard() == before
    assert not [said for said in late.thread() if said.startswith("Not delivered")]


def test_once_the_customer_has_written_again_the_assignee_can_reply(late):
    late.click(late.ana, "claim")
    late.says("Hello?")
    late.writes(late.ana, "Here I am.")
    assert late.heard()[-1] == "Here I am."
