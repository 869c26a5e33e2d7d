"""What happens in a card's thread: verbs, the send hold, names on customers' words."""

from dataclasses import replace

import pytest
from sqlmodel import select

from handoff_bot.domain.errors import DeliveryError
from handoff_bot.domain.replies import CannedReply
from handoff_bot.slack.features import home
from handoff_bot.slack.manifest import SCOPES
from handoff_bot.storage import log
from handoff_bot.storage.models import Escalation, Message
from tests.desk.conftest import words
from tests.slack import linter

pytestmark = pytest.mark.on_sqlite


def escalation(bureau):
    with bureau.database.read() as tx:
        return tx.session.execute(select(Escalation)).scalars().one()


# -- verbs


def test_assign_gives_it_to_somebody_with_a_note(taken):
    taken.writes(taken.ana, f"!assign <@{taken.ben}> she is waiting for a refund")
    assert "Ana assigned this conversation to Ben." in taken.thread()
    assert any("Note: she is waiting for a refund" in said for said in taken.told(taken.ben))
    assert not any("refund" in said for said in taken.heard())


@pytest.mark.on_both
def test_assign_gives_it_to_a_group_or_to_the_queue(taken):
    group = taken.slack.add_group("care", "Care", [taken.ben])
    taken.writes(taken.ana, f"!assign <!subteam^{group}> please")
    assert escalation(taken).group_id == group
    taken.writes(taken.ben, "!take")
    assert escalation(taken).status == "claimed"
    taken.writes(taken.ben, "!assign queue")
    assert escalation(taken).status == "queued"


@pytest.mark.on_both
def test_snooze_resolve_return_and_release(taken):
    taken.writes(taken.ana, "!snooze 2h")
    assert escalation(taken).snoozed_until is not None
    taken.writes(taken.ana, "!release")
    assert escalation(taken).status == "queued"
    taken.writes(taken.ana, "!take")
    taken.writes(taken.ana, "!resolve refund")
    assert escalation(taken).status == "resolved"


def test_a_return_with_a_hint_lets_the_assistant_know(taken):
    taken.writes(taken.ana, "!return refund promised by Friday")
    taken.says("And now?")
    assert taken.assistant.asked[-1].hints == ("refund promised by Friday",)


SAID_WRONGLY = {
    "nobody named": ("!assign", "Add an assignee"),
    "no time": ("!snooze whenever", "Enter a time such as"),
    "somebody else's": ("!resolve", "Ana has this conversation."),
}


@pytest.mark.parametrize(("verb", "answer"), SAID_WRONGLY.values(), ids=SAID_WRONGLY)
def test_what_cannot_be_done_is_whispered(taken, verb, answer):
    taken.writes(taken.ben, verb)
    assert any(answer in said for said in taken.whispers(taken.ben))
    assert escalation(taken).status == "claimed"


def test_a_verb_that_is_mistyped_never_reaches_the_customer_by_itself(taken):
    before = list(taken.heard())
    taken.writes(taken.ana, "!resovle")
    assert taken.heard() == before
    assert any("!resovle is not a command" in said for said in taken.whispers(taken.ana))

    shown = taken.slack.ephemerals(taken.ana)[-1]
    taken.slack.click_ephemeral(taken.ana, shown["ts"], "send_held")
    taken.settle()
    assert taken.heard()[-1] == "!resovle"


@pytest.mark.on_both
def test_a_verb_that_is_delivered_twice_acts_once(taken):
    taken.writes(taken.ana, "!assign queue", duplicates=2)
    assert taken.thread().count("Ana released this conversation to the queue.") == 1


def canned(bureau, **changes):
    reply = CannedReply("refund", "", "Hello {customer}, your money is on its way. {agent}")
    bureau.core.canned.save(replace(reply, **changes), bureau.mia)


def test_a_canned_reply_is_sent_in_the_customers_language_and_shown(taken):
    canned(taken)
    canned(taken, language="es", text="Hola {customer}, ya viene tu dinero.")
    taken.writes(taken.ana, "!reply refund", duplicates=1)
    assert taken.heard().count("Hello, your money is on its way. Ana") == 1
    assert any("your money is on its way" in said for said in taken.thread())


def test_a_canned_reply_that_is_none_is_not_sent(taken):
    before = list(taken.heard())
    taken.writes(taken.ana, "!reply dragons")
    assert taken.heard() == before
    assert any("No canned reply has this name" in said for said in taken.whispers(taken.ana))


def test_a_canned_reply_to_somebody_elses_customer_stays_inside(taken):
    canned(taken)
    taken.writes(taken.ben, "!reply refund")
    assert not any("money" in said for said in taken.heard())
    assert any("Ana has this conversation" in said for said in taken.whispers(taken.ben))


def test_help_lists_the_verbs(taken):
    taken.writes(taken.ana, "!help")
    assert any("!snooze 2h" in said for said in taken.whispers(taken.ana))


def test_the_shortcut_on_a_message_keeps_a_note(taken):
    reply = taken.writes(taken.ana, "Hello")
    taken.slack.shortcut(taken.ana, "add_note", taken.queue, reply)
    taken.settle()
    taken.sends(taken.ana, {"note": "She is from Oslo"})
    assert any("Ana notes: She is from Oslo" in said for said in taken.thread())


@pytest.mark.parametrize(
    ("shortcut", "title"),
    [
        ("reply_with_draft", "Reply with draft"),
        ("assign", "Assign conversation"),
        ("resolve", "Resolve"),
    ],
)
def test_what_the_card_does_is_in_the_menu_of_every_message_of_its_thread(taken, shortcut, title):
    reply = taken.writes(taken.ana, "Hello")
    taken.slack.shortcut(taken.ana, shortcut, taken.queue, reply)
    taken.settle()
    assert taken.modal(taken.ana)["title"]["text"] == title
    assert taken.modal(taken.ana).get("submit")


def test_elsewhere_it_says_that_there_is_no_customer_there(taken):
    stray = taken.slack.say(taken.ana, taken.queue, "Lunch?")
    taken.slack.shortcut(taken.ana, "resolve", taken.queue, stray)
    taken.settle()
    assert any("not in the thread of a conversation" in one for one in taken.whispers(taken.ana))
    assert taken.slack.views(taken.ana) == []


# -- the start of the thread


def talks_first(bureau, said="When do you open?"):
    bureau.says(said)
    bureau.says("I want a person")
    return bureau.slack.thread(bureau.queue, bureau.card())[1:]


def test_a_thread_begins_with_the_messages_that_led_to_it(bureau):
    first, *others = talks_first(bureau)
    said = [line for line in words(first["blocks"]).splitlines() if line]
    assert said[0] == "Messages before the escalation:"
    assert said[2] == "When do you open?"
    assert said[3] == "Assistant: "
    assert said[4].endswith("Answer to: When do you open?")
    assert said[6:] == ["I want a person", "👍", "👎"]
    bureau.says("Still there?")
    assert not any("Answer to" in words(each["blocks"]) for each in others)
    assert bureau.thread()[-1].endswith("Still there?")


def test_a_customer_whose_first_message_asks_for_an_agent_needs_no_transcript(bureau):
    bureau.says("I want a person")
    assert not any("Messages before" in said for said in bureau.thread())


def test_admins_may_switch_the_transcript_off(bureau):
    bureau.core.preferences.change("thread.transcript", False, bureau.mia)
    talks_first(bureau)
    assert not any("Messages before" in said for said in bureau.thread())


def test_a_transcript_holds_the_newest_messages_and_acts_on_nothing(bureau):
    for number in range(9):
        bureau.says(f"Question {number} <!channel> <@{bureau.ana}> *bold*")
    first = talks_first(bureau, "<https://evil.test|click> @here " + "x" * 3000)[0]
    shown = words(first["blocks"])
    assert "Question 8" in shown
    assert "Question 1" not in shown
    assert list(linter.elements(first["blocks"], "mrkdwn")) == []
    assert linter.lint_message(first["text"], first["blocks"]) == []


# -- the send hold


def test_a_reply_waits_and_is_marked_as_waiting(holding):
    reply = holding.writes(holding.ana, "Hello")
    assert "Hello" not in holding.heard()
    assert "hourglass_flowing_sand" in holding.slack.reactions(holding.queue, reply)
    holding.later(seconds=10)
    assert holding.heard()[-1] == "Hello"
    assert "hourglass_flowing_sand" not in holding.slack.reactions(holding.queue, reply)


@pytest.mark.on_both
def test_an_edit_in_that_time_changes_what_is_sent(holding):
    reply = holding.writes(holding.ana, "You idiot")
    holding.later(seconds=5)
    holding.slack.edit(holding.ana, holding.queue, reply, "You are right")
    holding.settle()
    holding.later(seconds=9)
    assert not {"You idiot", "You are right"} & set(holding.heard())
    holding.later(seconds=1)
    assert holding.heard()[-1] == "You are right"
    assert "You idiot" not in holding.heard()


@pytest.mark.on_both
def test_a_deletion_in_that_time_cancels_it(holding):
    reply = holding.writes(holding.ana, "Oops")
    holding.slack.delete(holding.ana, holding.queue, reply)
    holding.settle()
    holding.later(seconds=20)
    assert "Oops" not in holding.heard()


def test_afterwards_the_truth_is_told_and_a_correction_offered(holding):
    reply = holding.writes(holding.ana, "It costs 10")
    holding.later(seconds=10)
    holding.slack.edit(holding.ana, holding.queue, reply, "It costs 20")
    holding.settle()
    assert any(
        "already received the original message" in said for said in holding.whispers(holding.ana)
    )


@pytest.mark.on_both
@pytest.mark.parametrize("wrong", [-1, 11, "5", None])
def test_a_hold_that_is_stored_wrongly_is_none(taken, wrong):
    with taken.database.write() as tx:
        log.prefer(tx, "hold_seconds", wrong, "test", taken.clock.now())
    taken.writes(taken.ana, "Hello")
    assert taken.heard()[-1] == "Hello"


# -- names


def test_the_customers_words_stand_under_their_name(taken):
    taken.says("My parcel is lost", profile_name="Dana <!channel>")
    shown = taken.slack.thread(taken.queue, taken.card())[-1]
    assert shown["username"] == "Dana <!channel> on SMS"
    assert words(shown["blocks"]).strip() == "My parcel is lost"


def test_without_that_scope_a_line_says_who_speaks(bureau):
    bureau.slack.scopes.granted = set(SCOPES) - {"chat:write.customize"}
    bureau.says("I want a person")
    bureau.says("It is broken")
    shown = bureau.slack.thread(bureau.queue, bureau.card())[-1]
    assert "username" not in shown
    assert "+15550001 on SMS" in words(shown["blocks"])


def test_a_thread_broadcast_reaches_the_customer_once(taken):
    taken.writes(taken.ana, "To all of you", broadcast=True)
    assert taken.heard().count("To all of you") == 1
    with taken.database.read() as tx:
        sent = tx.session.execute(select(Message).where(Message.author == "agent")).scalars().all()
    assert len(sent) == 1


def test_a_canned_reply_names_who_has_a_name(bureau):
    canned(bureau)
    bureau.says("I want a person", profile_name="Dana")
    bureau.click(bureau.ana, "claim")
    bureau.writes(bureau.ana, "!reply refund")
    assert bureau.heard()[-1] == "Hello Dana, your money is on its way. Ana"


def test_a_name_that_cannot_be_seen_is_none(bureau):
    bureau.says("I want a person", profile_name="\u200b\u2060\u3164")
    assert "+15550001 is waiting" in bureau.cards()[0]["text"]


def test_a_long_reply_that_fails_is_one_failure(taken):
    error = DeliveryError("No such number.", permanent=True, code="21211")
    taken.channel.troubles.extend([error] * 3)
    taken.writes(taken.ana, "word " * 90)
    (failure,) = failures(taken)
    taken.channel.troubles.extend([error] * 3)
    taken.click(taken.ana, "retry", ts=failure)
    (again,) = failures(taken)  # the first says by now that it was sent again
    assert again != failure


def failures(bureau):
    posts = bureau.slack.thread(bureau.queue, bureau.card())
    return [post["ts"] for post in posts if "Not delivered" in post["text"]]


def test_home_counts_all_of_ones_own_and_shows_who_waits(bureau, monkeypatch):
    monkeypatch.setattr(home, "_MOST_MINE", 3)
    for n in range(5):
        bureau.says("I want a person", f"+1555010{n:02}")
        bureau.command(bureau.ana, "next")
    for ts in [card["ts"] for card in bureau.cards()[:4]]:
        bureau.writes(bureau.ana, "Hello", ts=ts)
    shown = words(bureau.home(bureau.ana))
    assert "Your conversations: 5" in shown
    assert shown.count("Waiting for your reply") == 1
    assert "… and 2 more." in shown


def test_hours_can_be_changed_without_fixing_the_capacity(bureau):
    bureau.core.preferences.change("capacity", 3, bureau.mia)
    view = bureau.home(bureau.ana)
    bureau.slack.click_view(bureau.ana, view["id"], "availability_arrange")
    bureau.settle()
    assert bureau.sends(bureau.ana, {"my_hours": "mon-fri 8:00-17:00"}).errors == {}
    bureau.core.preferences.change("capacity", 5, bureau.mia)
    assert "0 of 5 in progress" in words(bureau.home(bureau.ana))
