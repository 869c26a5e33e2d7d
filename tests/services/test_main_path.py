"""The flow that must never break, told as conversations. Invariants 4, 5, 6, 7, 8 and 11."""

import logging
import threading
from dataclasses import replace

import pytest

from handoff_bot.domain.desk import NAMELESS, AgentRef, Button, ThreadReply
from handoff_bot.domain.errors import DeliveryError, DeskError, DeskOutcomeUnknown, ModelError
from handoff_bot.domain.escalations import Status, Step
from handoff_bot.domain.messages import Consent, DeliveryStatus
from handoff_bot.domain.signals import Signal
from handoff_bot.domain.texts import Moment, usual
from handoff_bot.logs import JsonLines
from handoff_bot.services.delivery import sending
from handoff_bot.services.outbox.view_models import PAGE_LINES
from handoff_bot.services.replies import revising, threads
from handoff_bot.storage import conversations, escalations, log
from handoff_bot.storage.models import Escalation, Message, Ticket
from tests.fakes import OutcomeUnknownAfter

STARTED = "I'm connecting you with a member of our team. Your wait time is approximately 5 minutes."


def kinds(house) -> list[str]:
    with house.database.read() as tx:
        return [event.kind for event in log.events(tx)]


def test_the_assistant_answers_and_says_that_it_is_one_once(house):
    house.says("When do you open?")
    house.says("And on Sunday?")
    disclosure = usual(Moment.DISCLOSURE, "en")
    assert house.channel.phone == [
        f"{disclosure}\n\nAnswer to: When do you open?",
        "Answer to: And on Sunday?",
    ]


def test_asking_for_a_human_opens_an_escalation_with_its_ticket(house):
    house.says("I want a human")
    assert house.channel.phone == [STARTED]
    card = house.desk.card
    assert (card.status, card.reason, card.evidence) == (
        Status.QUEUED,
        Signal.REQUEST,
        "I want a human",
    )
    with house.database.read() as tx:
        ticket = tx.session.query(Ticket).one()
    assert (ticket.subject, ticket.status, ticket.id) == ("I want a human", "open", card.ticket)
    (board,) = house.desk.boards.values()
    assert (board.waiting, board.rows[0].thread) == (1, house.desk.place)


def test_the_same_webhook_twice_has_one_effect(house):
    sid = house.says("I want a human")
    house.says("I want a human", provider_id=sid)
    assert len(house.desk.cards) == 1
    assert len(house.channel.phone) == 1


def test_one_webhook_stored_under_two_keys_still_has_one_effect(house):
    """The message's own unique key is the second line of defence."""
    sid = house.says("hello")
    with house.database.read() as tx:
        payload = tx.session.query(Message).filter_by(provider_id=sid).one()
    house.core.inbox.store(
        "inbound",
        "in:sms:+15550001",
        "another key",
        {
            "channel": "sms",
            "provider_id": payload.provider_id,
            "address": "+15550001",
            "recipient": "",
            "text": "hello",
        },
    )
    house.settle()
    assert len(house.channel.phone) == 1


def test_take_over_makes_one_owner_and_tells_the_customer(house, ana):
    house.says("I want a human")
    house.clock.advance(minutes=2)
    assert house.take(Step.CLAIM, ana).done
    assert house.channel.phone[1:] == [
        "Now speaking with Ana.",
        "Hi, I'm Ana. I've reviewed your conversation and I'm here to help.",
    ]
    assert (house.desk.card.status, house.desk.card.owner) == (Status.CLAIMED, ana)
    assert house.desk.said("notice") == [
        "Ana took over. Their messages in this thread are sent to the customer."
    ]


def test_a_second_agent_is_told_who_was_faster(house, ana, ben):
    house.says("I want a human")
    house.take(Step.CLAIM, ana)
    house.clock.advance(seconds=3)
    outcome = house.take(Step.CLAIM, ben)
    assert (outcome.done, outcome.text) == (False, "Ana took this just now.")
    for later, ago in ((40, "43 s"), (120, "2 min"), (7200, "2 h")):
        house.clock.advance(seconds=later)
        assert house.take(Step.CLAIM, ben).text == f"Ana took this {ago} ago."
    assert house.take(Step.CLAIM, ana).done


def test_twenty_simultaneous_clicks_make_one_owner_and_tell_nineteen_who(house):
    house.says("I want a human")
    agents = [AgentRef(f"U{n}", f"Agent {n}") for n in range(20)]
    barrier = threading.Barrier(20)
    outcomes = {}

    def click(agent):
        barrier.wait()
        outcomes[agent] = house.core.escalations.take(
            Step.CLAIM, house.desk.card.escalation_id, agent
        )

    threads = [threading.Thread(target=click, args=(agent,)) for agent in agents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    house.settle()
    (winner,) = [agent for agent, outcome in outcomes.items() if outcome.done]
    losers = [outcome.text for outcome in outcomes.values() if not outcome.done]
    assert losers == [f"{winner.name} took this just now."] * 19
    assert house.desk.card.owner == winner
    assert house.channel.phone.count(f"Now speaking with {winner.name}.") == 1


def test_the_owners_words_reach_the_customer_and_theirs_the_thread(house, ana):
    house.says("I want a human")
    house.take(Step.CLAIM, ana)
    house.replies(ana, "Hello, how can I help?")
    house.says("My parcel is lost")
    assert house.channel.phone[-1] == "Hello, how can I help?"
    assert house.desk.said("contact") == ["My parcel is lost"]


def test_the_ai_is_silent_while_a_human_is_wanted(house, ana):
    house.says("I want a human")
    house.says("hello?")
    house.take(Step.CLAIM, ana)
    house.says("anybody?")
    assert not [text for text in house.channel.phone if text.startswith("Answer")]


def test_an_answer_composed_before_the_claim_is_dropped(house, ana):
    """Invariant 4: what is already queued does not leave once the claim has committed."""
    house.says("I want a human")
    house.channel.troubles = [DeliveryError("busy", permanent=False)]
    house.take(Step.DISMISS, ana)  # the AI is back, and Twilio is slow
    house.says("When do you open?")
    house.says("I want a human")
    second = max(card.escalation_id for card in house.desk.cards.values())
    house.core.escalations.take(Step.CLAIM, second, ana)
    house.clock.advance(minutes=5)
    house.settle()
    assert "message.dropped" in kinds(house)
    assert not [text for text in house.channel.phone if text.startswith("Answer")]


def test_a_claim_waits_for_an_ai_message_that_is_on_the_wire(house, ana, ben):
    """The strict reading of invariant 4: no AI message arrives after the claim has committed."""
    house.says("I want a human")
    escalation_id = house.desk.card.escalation_id
    committed = []

    def claim_while_sending(message):
        if message.text.startswith("I'm passing"):
            outcome = house.core.escalations.take(Step.CLAIM, escalation_id, ben)
            with house.database.read() as tx:
                row = escalations.get(tx, escalation_id)
                committed.append((outcome.done, row.status))

    house.take(Step.CLAIM, ana)
    house.channel.before_send = [claim_while_sending]
    house.take(Step.RELEASE, ana)  # says "I'm passing you…", bound to the epoch
    assert committed == [(True, "queued")]
    house.clock.advance(seconds=1)
    house.settle()
    assert house.desk.card.owner == ben
    assert house.channel.phone[-2] == "Now speaking with Ben."


@pytest.mark.parametrize(
    ("step", "status", "moment"),
    [
        (Step.RESOLVE, Status.RESOLVED, Moment.RESOLVED),
        (Step.RETURN, Status.RETURNED, Moment.RETURNED),
    ],
)
def test_an_agent_finishes_and_the_assistant_answers_again(house, ana, step, status, moment):
    house.says("I want a human")
    house.take(Step.CLAIM, ana)
    assert house.take(step, ana).done
    assert house.desk.card.status == status
    assert "".join(house.channel.phone[2:]).count(usual(moment, "en")) == 1
    house.says("When do you open?")
    assert house.channel.phone[-1].endswith("Answer to: When do you open?")
    with house.database.read() as tx:
        assert tx.session.query(Ticket).one().status == "solved"


def test_release_puts_it_back_into_the_queue(house, ana, ben):
    house.says("I want a human")
    house.take(Step.CLAIM, ana)
    assert not house.take(Step.RELEASE, ben).done
    assert house.take(Step.RELEASE, ana).done
    assert (house.desk.card.status, house.desk.card.owner) == (Status.QUEUED, None)
    assert house.take(Step.CLAIM, ben).done


def test_assign_gives_it_to_another_agent(house, ana, ben):
    house.says("I want a human")
    house.take(Step.CLAIM, ana)
    number = house.desk.card.escalation_id
    assert house.core.escalations.reassign(number, ana, ben).done
    house.settle()
    assert house.desk.card.owner == ben
    assert house.channel.phone[-1] == "Now speaking with Ben."
    house.replies(ana, "am I still here?")
    assert house.channel.phone[-1] == "Now speaking with Ben."


def test_only_the_owner_resolves(house, ana, ben):
    house.says("I want a human")
    house.take(Step.CLAIM, ana)
    outcome = house.take(Step.RESOLVE, ben)
    assert (outcome.done, outcome.text[:25]) == (False, "Ana has this conversation")


def test_not_needed_returns_to_the_ai(house, ana):
    house.says("I want a human")
    assert house.take(Step.DISMISS, ana).done
    assert house.desk.card.status == Status.DISMISSED
    house.says("When do you open?")
    assert house.channel.phone[-1].endswith("Answer to: When do you open?")


def test_a_late_click_on_a_closed_card_is_answered(house, ana, ben):
    house.says("I want a human")
    house.take(Step.CLAIM, ana)
    house.take(Step.RESOLVE, ana)
    assert house.take(Step.CLAIM, ben).text == "Ana already closed this conversation (resolved)."
    assert house.core.escalations.take(Step.CLAIM, 4711, ben).text


# -- notes, and who may speak


def test_a_reply_in_an_unclaimed_thread_is_held(house, ana):
    house.says("I want a human")
    house.replies(ana, "Hello!")
    assert house.channel.phone == [STARTED]
    (ephemeral,) = house.desk.whispers
    assert (ephemeral.desk_id, ephemeral.text) == ("UANA", threads.UNCLAIMED)
    assert ephemeral.buttons == (Button.TAKE_OVER_AND_SEND, Button.KEEP_AS_NOTE)


def test_take_over_and_send_sends_once(house, ana):
    house.says("I want a human")
    house.replies(ana, "Hello!")
    note = int(house.desk.button(Button.TAKE_OVER_AND_SEND))
    assert house.core.decisions.send_held(note, ana).done
    assert not house.core.decisions.send_held(note, ana).done
    house.settle()
    assert house.channel.phone[-1] == "Hello!"
    assert house.channel.phone.count("Hello!") == 1
    assert house.desk.card.owner == ana


def test_a_colleagues_reply_stays_inside_until_they_take_over(house, ana, ben):
    house.says("I want a human")
    house.take(Step.CLAIM, ana)
    house.replies(ben, "She always says that")
    assert "She always says that" not in house.channel.phone
    house.core.decisions.send_held(int(house.desk.button(Button.TAKE_OVER_AND_SEND)), ben)
    house.settle()
    assert house.desk.card.owner == ben
    assert house.channel.phone[-2:] == ["Now speaking with Ben.", "She always says that"]


def test_keep_as_note_ends_the_matter(house, ana):
    house.says("I want a human")
    house.replies(ana, "Hello!")
    note = int(house.desk.button(Button.KEEP_AS_NOTE))
    assert house.core.decisions.keep_as_note(note, ana).done
    assert not house.core.decisions.send_held(note, ana).done


def test_what_was_kept_back_and_sent_is_shown_once_as_sent(house, ana):
    house.says("I want a human")
    house.replies(ana, "Hello!")
    house.core.decisions.send_held(int(house.desk.button(Button.TAKE_OVER_AND_SEND)), ana)
    house.core.composed.send(house.desk.card.escalation_id, ana, "From a window", "V1")
    house.core.composed.note(house.desk.card.escalation_id, ana, "Polite", "V2")
    house.settle()
    page = house.core.escalations.transcript(house.desk.card.escalation_id, 0)
    said = [(line.text, line.note) for line in page.lines if line.name == "Ana"]
    assert said[-3:] == [("Hello!", False), ("From a window", False), ("Polite", True)]
    timeline = house.core.tickets.view(1).timeline
    for words in ("Hello!", "From a window", "Polite"):
        assert sum(words in str(entry) for entry in timeline) == 1


def test_the_newest_page_of_a_conversation_is_full_and_the_oldest_has_the_rest(house):
    for n in range(PAGE_LINES):
        house.says(f"Hello number {n}")
    house.says("I want a human")
    number = house.desk.card.escalation_id
    oldest = house.core.escalations.transcript(number, 0)
    newest = house.core.escalations.transcript(number, oldest.pages - 1)
    assert len(newest.lines) == PAGE_LINES
    assert 0 < len(oldest.lines) < PAGE_LINES


@pytest.mark.parametrize("text", ["note: VIP!", "Note: VIP!", "  !note VIP!", "// VIP!"])
def test_notes_never_leave(house, ana, text):
    house.says("I want a human")
    house.take(Step.CLAIM, ana)
    before = list(house.channel.phone)
    house.replies(ana, text)
    assert house.channel.phone == before
    page = house.core.escalations.transcript(house.desk.card.escalation_id, 0)
    assert [line.text for line in page.lines if line.note] == ["VIP!"]


def test_the_note_prefix_is_a_preference(house, ana):
    with house.database.write() as tx:
        log.prefer(tx, "note.prefixes", ["psst "], "UADMIN", house.clock.now())
    house.says("I want a human")
    house.take(Step.CLAIM, ana)
    house.replies(ana, "psst VIP")
    house.replies(ana, "note: this leaves")
    assert house.channel.phone[-1] == "note: this leaves"
    assert "psst VIP" not in house.channel.phone


def test_a_reply_after_the_end_is_not_dropped_silently(house, ana):
    house.says("I want a human")
    house.take(Step.CLAIM, ana)
    house.take(Step.RESOLVE, ana)
    house.replies(ana, "One more thing")
    assert house.desk.whispers[-1].text == threads.CLOSED
    assert "One more thing" not in house.channel.phone


def test_the_same_reply_event_twice_is_sent_once(house, ana):
    house.says("I want a human")
    house.take(Step.CLAIM, ana)
    ts = house.replies(ana, "Hello!")
    house.replies(ana, "Hello!", ts=ts)
    assert house.channel.phone.count("Hello!") == 1


def test_files_are_answered_honestly(house, ana):
    house.says("I want a human")
    house.take(Step.CLAIM, ana)
    house.replies(ana, "see here", files=("form.pdf",))
    assert house.channel.phone[-1] == "see here"
    assert "form.pdf" in house.desk.whispers[-1].text


# -- edits and deletes


def test_an_edit_in_time_changes_what_is_sent(house, ana):
    house.says("I want a human")
    house.take(Step.CLAIM, ana)
    house.channel.troubles = [DeliveryError("busy", permanent=False)]
    ts = house.replies(ana, "Helo")
    house.core.relay.edited(house.desk.place, ts, "Hello")
    house.clock.advance(minutes=1)
    house.settle()
    assert house.channel.phone[-1] == "Hello"
    assert "Helo" not in house.channel.phone


def test_an_edit_after_delivery_offers_a_correction_once(house, ana):
    house.says("I want a human")
    house.take(Step.CLAIM, ana)
    ts = house.replies(ana, "Helo")
    for _ in range(2):
        house.core.relay.edited(house.desk.place, ts, "Hello")
    house.settle()
    (ephemeral,) = house.desk.whispers
    assert ephemeral.text == revising.DELIVERED_EDIT
    assert house.core.decisions.send_correction(int(ephemeral.value), ana).done
    house.settle()
    assert house.channel.phone[-2:] == ["Helo", "Correction:\nHello"]


def test_a_delete_in_time_unsends(house, ana):
    house.says("I want a human")
    house.take(Step.CLAIM, ana)
    house.channel.troubles = [DeliveryError("busy", permanent=False)]
    ts = house.replies(ana, "Oops")
    house.core.relay.deleted(house.desk.place, ts)
    house.clock.advance(minutes=1)
    house.settle()
    assert "Oops" not in house.channel.phone
    assert house.desk.whispers == []


def test_a_delete_after_delivery_is_answered_honestly(house, ana):
    house.says("I want a human")
    house.take(Step.CLAIM, ana)
    ts = house.replies(ana, "Oops")
    house.core.relay.deleted(house.desk.place, ts)
    house.settle()
    assert house.desk.whispers[-1].text == revising.DELIVERED_DELETE


# -- delivery


def test_delivery_marks_move_forward_only(house, ana):
    house.says("I want a human")
    house.take(Step.CLAIM, ana)
    ts = house.replies(ana, "Hello!")
    sent = house.last_sent()
    reply = next(place for place in house.desk.marks if place.ts == ts)
    seen = []
    for status in ("delivered", "sent", "delivered", "read", "failed", "delivered"):
        house.reports(DeliveryStatus(status), sent)
        seen.append(house.desk.marks[reply].value)
    assert seen == ["delivered", "delivered", "delivered", "read", "read", "read"]


def test_news_may_come_before_the_answer_of_the_send(house, ana):
    house.says("I want a human")
    house.take(Step.CLAIM, ana)
    house.channel.before_send = [
        lambda message: house.reports(DeliveryStatus.DELIVERED, message, settle=False)
    ]
    ts = house.replies(ana, "Hello!")
    (status,) = [status for place, status in house.desk.marks.items() if place.ts == ts]
    assert status == DeliveryStatus.DELIVERED


def test_a_failed_message_is_shown_with_retry(house, ana):
    house.says("I want a human")
    house.take(Step.CLAIM, ana)
    house.channel.troubles = [DeliveryError("That is a landline.", permanent=True, code="30006")]
    house.replies(ana, "Hello!")
    (failure,) = house.desk.said("failure")
    assert failure == "That is a landline.\n“Hello!”"
    message_id = int(house.desk.button(Button.RETRY))
    assert house.core.decisions.retry(message_id, ana).done
    assert not house.core.decisions.retry(message_id, ana).done
    house.settle()
    assert house.channel.phone[-1] == "Hello!"


def test_a_failure_by_callback_is_shown_too(house, ana):
    house.says("I want a human")
    house.take(Step.CLAIM, ana)
    house.replies(ana, "Hello!")
    house.reports(
        DeliveryStatus.FAILED, house.last_sent(), error_code="63016", error="Window closed."
    )
    assert house.desk.said("failure") == ["Window closed.\n“Hello!”"]


def test_a_send_whose_answer_got_lost_is_found_and_not_sent_again(house, ana):
    house.says("I want a human")
    house.take(Step.CLAIM, ana)
    house.channel.troubles = [OutcomeUnknownAfter("timeout")]
    house.replies(ana, "Hello!")
    house.clock.advance(minutes=1)
    house.settle()
    assert house.channel.phone.count("Hello!") == 1
    assert house.desk.said("failure") == []


def test_a_send_that_never_arrived_is_sent_once_the_provider_must_know(house, ana):
    from handoff_bot.domain.errors import OutcomeUnknown

    house.says("I want a human")
    house.take(Step.CLAIM, ana)
    house.channel.troubles = [OutcomeUnknown("timeout")]
    house.replies(ana, "Hello!")
    house.clock.advance(seconds=2)
    house.settle()
    assert "Hello!" not in house.channel.phone
    house.clock.advance(seconds=10)
    house.settle()
    assert house.channel.phone.count("Hello!") == 1


def test_when_the_provider_can_never_be_asked_it_is_said_and_nothing_is_doubled(house, ana):
    house.says("I want a human")
    house.take(Step.CLAIM, ana)
    house.channel.troubles = [OutcomeUnknownAfter("timeout")]
    house.channel.cannot_be_asked = DeliveryError("The account is closed.", permanent=True)
    house.replies(ana, "Hello!")
    house.clock.advance(minutes=1)
    house.settle()
    assert house.channel.phone.count("Hello!") == 1
    (failure,) = house.desk.said("failure")
    assert failure.startswith("It is not known whether this message reached the customer.")


def test_two_equal_messages_are_both_sent_after_a_lost_answer(house, ana):
    house.says("I want a human")
    house.take(Step.CLAIM, ana)
    house.replies(ana, "ok")
    house.channel.troubles = [OutcomeUnknownAfter("timeout")]
    house.replies(ana, "ok")
    house.clock.advance(minutes=1)
    house.settle()
    assert house.channel.phone.count("ok") == 2


def test_long_replies_leave_in_parts_and_in_order(house, ana):
    house.says("I want a human")
    house.take(Step.CLAIM, ana)
    house.replies(ana, " ".join(f"Sentence number {n}." for n in range(40)))
    parts = house.channel.phone[3:]
    assert len(parts) > 3
    assert all(len(part) <= 160 for part in parts)
    assert "".join(parts).replace(" ", "").endswith("number39.")


def test_a_late_provider_is_told_to_the_team_once(house, ana):
    house.says("I want a human")
    house.take(Step.CLAIM, ana)
    house.channel.troubles = [DeliveryError("Twilio is busy.", permanent=False)] * 100
    house.replies(ana, "Hello!")
    for _ in range(4):
        house.clock.advance(minutes=1)
        house.core.scheduler.tick("tick.watch")
        house.settle()
    late = [text for text in house.desk.said("notice") if "delayed" in text]
    assert late == [
        "Messages to the customer are delayed: Twilio is busy. Handoff keeps retrying, in order."
    ]


# -- consent


def test_stop_is_honoured_and_never_answered_by_the_ai(house, ana):
    house.says("I want a human")
    house.take(Step.CLAIM, ana)
    before = len(house.channel.phone)
    house.says("STOP", consent=Consent.STOP)
    assert house.channel.phone[before:] == [usual(Moment.STOPPED, "en")]
    assert house.desk.card.opted_out
    house.replies(ana, "But wait")
    assert house.desk.whispers[-1].text == sending.OPTED_OUT
    assert len(house.channel.phone) == before + 1


def test_stop_that_the_provider_has_answered_is_not_answered_again(house):
    house.says("STOP", consent=Consent.STOP, consent_answered=True)
    house.says("hello?")
    assert house.channel.phone == []


def test_start_resumes(house):
    house.says("STOP", consent=Consent.STOP, consent_answered=True)
    house.says("START", consent=Consent.START, consent_answered=True)
    house.says("When do you open?")
    assert len(house.channel.phone) == 1


# -- the AI in trouble


def test_no_answer_escalates_once(house):
    house.assistant.silent = True
    house.says("???")
    house.says("???")
    assert len(house.desk.cards) == 1


def test_not_knowing_twice_in_a_row_escalates(house):
    house.assistant.confidence = 0.1
    house.says("What is the meaning of life?")
    assert house.desk.cards == {}
    house.says("But what is it?")
    assert house.desk.card.reason == Signal.CONFIDENCE


def test_a_broken_detector_escalates_once(house):
    def broken(talk):
        raise ModelError("gone")

    house.detector.quick_check = broken
    house.says("hello")
    house.says("hello?")
    assert len(house.desk.cards) == 1
    assert house.desk.said("contact") == ["hello?"]


# -- the desk in trouble


def test_a_dead_desk_delays_its_own_work_and_nothing_else(house, ana):
    house.desk.troubles = [DeskError("Slack is down.", permanent=False)] * 3
    house.says("I want a human")
    assert house.channel.phone == [STARTED]
    assert house.desk.cards == {}
    for _ in range(6):
        house.clock.advance(minutes=2)
        house.settle()
    assert house.desk.card.status == Status.QUEUED


def test_a_card_whose_answer_got_lost_is_found(house):
    house.desk.lost_answers = [DeskOutcomeUnknown("timeout")]
    house.says("I want a human")
    house.says("still here")
    house.clock.advance(minutes=1)
    house.settle()
    assert len(house.desk.cards) == 1
    assert house.desk.said("contact") == ["still here"]


def test_a_transcript_whose_answer_got_lost_is_not_posted_twice(house):
    house.says("When do you open?")
    post, lost = house.desk.post, []

    def loses_the_answer(thread, posts, mark):
        place = post(thread, posts, mark)
        if not lost:
            lost.append(place)
            raise DeskOutcomeUnknown("timeout")
        return place

    house.desk.post = loses_the_answer
    house.says("I want a human")
    house.clock.advance(minutes=1)
    house.settle()
    shown = [p for thread in house.desk.threads.values() for p in thread if p.kind == "transcript"]
    assert len(shown) == 1
    assert [text for _, text in shown[0].said][-1] == "I want a human"


def test_a_claim_while_the_card_is_being_posted_is_drawn(house, ana):
    original = house.desk.render_card

    def claim_meanwhile(card, at, mark):
        if at is None:
            house.core.escalations.take(Step.CLAIM, card.escalation_id, ana)
        return original(card, at, mark)

    house.desk.render_card = claim_meanwhile
    house.says("I want a human")
    assert (house.desk.card.status, house.desk.card.owner) == (Status.CLAIMED, ana)


# -- records


def test_every_change_of_state_is_in_the_log(house, ana, ben):
    house.says("I want a human")
    house.take(Step.CLAIM, ana)
    house.take(Step.RELEASE, ana)
    house.take(Step.CLAIM, ben)
    house.take(Step.RETURN, ben)
    steps = [kind for kind in kinds(house) if kind.startswith(("escalation.", "ticket."))]
    assert steps == [
        "escalation.opened",
        "ticket.created",
        "escalation.claim",
        "escalation.release",
        "escalation.claim",
        "escalation.return",
    ]


def test_the_database_refuses_a_second_open_escalation(house):
    from sqlalchemy.exc import IntegrityError

    house.says("I want a human")
    with house.database.read() as tx:
        values = tx.session.query(Escalation).one().model_dump(exclude={"id"})
    with pytest.raises(IntegrityError), house.database.write() as tx:
        tx.add(Escalation(**values))


@pytest.mark.parametrize("statement", ["UPDATE event SET kind = 'x'", "DELETE FROM event"])
def test_the_database_refuses_to_rewrite_the_log(house, statement):
    from sqlalchemy import text
    from sqlalchemy.exc import DatabaseError

    house.says("hello")
    with pytest.raises(DatabaseError, match="append-only"), house.database.write() as tx:
        tx.session.execute(text(statement))


def test_nul_and_lone_surrogates_do_no_harm(house):
    house.says("I want a human\x00\ud800!", profile_name="Eve\x00")
    assert house.desk.card.contact == "Eve"
    assert house.desk.card.evidence.startswith("I want a human")


def test_a_held_reply_is_not_lost_when_the_claim_has_to_wait(house, ana, ben):
    """An AI message is on the wire when Ben presses "Take over & send"."""
    house.says("I want a human")
    house.take(Step.CLAIM, ana)
    outcomes = []

    def press(message):
        if message.text.startswith("I'm passing"):
            house.core.relay.reply(ThreadReply(house.desk.place, "7.7", ben, "Hello from Ben"))
            with house.database.read() as tx:
                note = conversations.note_from_desk(tx, house.desk.place.slack_channel, "7.7")
            outcomes.append((note.id, house.core.decisions.send_held(note.id, ben)))

    house.channel.before_send = [press]
    house.take(Step.RELEASE, ana)
    ((note_id, outcome),) = outcomes
    assert not outcome.done
    house.clock.advance(seconds=1)
    house.settle()
    assert house.core.decisions.send_held(note_id, ben).done
    house.settle()
    assert house.channel.phone[-1] == "Hello from Ben"


def test_a_name_that_slack_cannot_tell_now_does_not_replace_a_known_one(house, ana):
    house.says("I want a human")
    house.take(Step.CLAIM, ana)
    house.take(Step.RELEASE, AgentRef("UANA", NAMELESS))
    house.take(Step.CLAIM, AgentRef("UANA", NAMELESS))
    assert house.desk.card.owner == ana


def test_a_failing_statement_does_not_tell_the_log_what_was_in_it(house):
    """PostgreSQL quotes the failing row in its own words, SQLAlchemy the parameters."""
    from sqlalchemy.exc import StatementError

    with pytest.raises(StatementError) as error, house.database.write() as tx:
        tx.add(Ticket(subject="my secret", escalation_id=4711))
    failed = (error.type, error.value, error.value.__traceback__)
    record = logging.LogRecord("x", logging.ERROR, "f", 1, "work failed", None, failed)
    line = JsonLines().format(record)
    assert "IntegrityError" in line
    assert "my secret" not in line


def test_a_claim_that_commits_while_the_card_is_being_recorded_is_drawn(house, ana, database_url):
    """Another process claims between the look at the escalation and the lock on its conversation."""
    if house.database.is_sqlite:
        pytest.skip("one writer at a time: it cannot happen")
    from handoff_bot.services.container import Dependencies, Services
    from handoff_bot.storage.database import Database

    other = Database(database_url)
    elsewhere = Services.build(
        Dependencies(
            other, {"sms": house.channel}, house.desk, house.detector, house.assistant, house.clock
        )
    )
    original, claimed = conversations.hold, []

    def claim_first(tx, conversation_id):
        if house.desk.cards and not claimed:
            claimed.append(True)
            assert elsewhere.escalations.take(Step.CLAIM, 1, ana).done
            elsewhere.worker.run_until_idle()  # its redraw comes too early
        return original(tx, conversation_id)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(conversations, "hold", claim_first)
        house.says("I want a human")
    house.settle()
    other.close()
    assert house.desk.card.status == Status.CLAIMED


def test_marks_reach_channels_that_show_them(house, ana):
    house.channel.limits = replace(house.channel.limits, marks=True)
    house.says("I want a human")
    house.take(Step.CLAIM, ana)
    ts = house.replies(ana, "bold", marked="*bold*")
    assert house.last_sent().text == "*bold*"
    house.core.relay.edited(house.desk.place, ts, "bold", "*bold*")
    house.settle()
    assert house.desk.whispers == []


def test_other_channels_get_plain_words(house, ana):
    house.says("I want a human")
    house.take(Step.CLAIM, ana)
    house.replies(ana, "bold", marked="*bold*")
    assert house.last_sent().text == "bold"
