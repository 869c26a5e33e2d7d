"""A queued customer can ask how long, is answered where the assistant is sure, and can leave."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from handoff_bot.ai.detector.local import LocalDetector
from handoff_bot.domain.messages import Author
from handoff_bot.domain.signals import QueueAct
from handoff_bot.services.delivery import sending
from handoff_bot.services.delivery.sending import OutboundDraft
from handoff_bot.storage import conversations
from handoff_bot.storage.models import Escalation, Ticket
from tests.desk.conftest import DANA, words

pytestmark = pytest.mark.on_sqlite

BEN_S, EVA = "+15550002", "+15550003"


@pytest.fixture
def queued(bureau):
    """Dana waits behind another customer."""
    bureau.says("I want a person", BEN_S)
    bureau.says("I want a person")
    return bureau


def status(bureau, number=2):
    with bureau.database.read() as tx:
        return tx.session.get_one(Escalation, number).status


def outcome(bureau, number=2):
    with bureau.database.read() as tx:
        found = select(Ticket).where(Ticket.escalation_id == number)
        return tx.session.execute(found).scalar_one().outcome


@pytest.mark.parametrize("question", ["how long?", "Am I next?"])
def test_the_position_and_what_is_left_of_the_wait_are_told_on_asking(queued, question):
    queued.later(minutes=2)
    queued.says(question)

    assert queued.heard()[-1] == (
        "You are number 2 in the queue. Your wait time is approximately 4 minutes."
    )
    assert question in "\n".join(queued.thread())
    assert status(queued) == "queued"


def test_when_the_estimate_is_over_no_minutes_are_promised(queued):
    queued.core.preferences.change("ladder.rungs", [], "test")
    queued.later(minutes=30)
    queued.says("how long?")

    assert queued.heard()[-1].startswith("Sorry for the wait. You are number 2 in the queue")


def test_out_of_hours_the_truth_is_told_instead_of_minutes(queued):
    queued.core.preferences.change("hours.timezone", "UTC", queued.mia)
    queued.core.preferences.change("hours.lines", ["mon-fri 13:00-17:00"], queued.mia)
    queued.says("how long?")

    assert queued.heard()[-1].startswith("Our team is currently offline. Your request is ticket #")


def test_asking_is_answered_although_the_team_has_switched_positions_off(queued):
    queued.core.preferences.change("texts.silent", ["position", "waiting_long"], queued.mia)
    queued.says("how long?")
    assert queued.heard()[-1].startswith("I'm connecting you with a member of our team.")

    queued.core.preferences.change("ladder.rungs", [], "test")
    queued.later(minutes=30)
    queued.says("how long?")
    assert queued.heard()[-1].startswith("Our team is busy right now.")


def test_a_question_that_the_assistant_is_sure_of_is_answered_and_marked_as_automatic(queued):
    queued.says("when do you open?")

    assert queued.heard()[-1] == "Automatic answer while you wait:\nAnswer to: when do you open?"
    thread = "\n".join(queued.thread())
    assert "when do you open?" in thread
    assert "The AI answered while the customer was waiting: Answer to: when do you open?" in thread
    assert status(queued) == "queued"


@pytest.mark.parametrize("said", ["My order number is 4711", "thanks", "👍"])
def test_what_asks_for_nothing_only_goes_to_the_thread(queued, said):
    before = queued.heard()
    queued.says(said)

    assert queued.heard() == before
    assert said in "\n".join(queued.thread())


def test_an_answer_that_the_assistant_is_not_sure_of_is_left_to_the_agent(queued):
    queued.assistant.confidence = 0.5
    before = queued.heard()
    queued.says("when do you open?")

    assert queued.heard() == before


@pytest.mark.on_both
def test_never_mind_leaves_the_queue_and_tells_the_customer_and_the_team(queued):
    queued.says("never mind, I solved it")

    assert status(queued) == "returned"
    assert outcome(queued) == "left_queue"
    assert queued.heard()[-1] == (
        "All right, you're no longer in the queue. Write again any time, or ask for a person."
    )
    assert "+15550001 left the queue and no longer needs an agent." in "\n".join(queued.thread())
    assert "👋 Customer left the queue" in words(queued.cards()[-1]["blocks"])
    assert "Take Over" not in words(queued.cards()[-1]["blocks"])


def test_after_leaving_the_ai_answers_and_a_person_can_be_asked_for_again(queued):
    queued.says("never mind")
    queued.says("when do you open?")
    assert queued.heard()[-1].endswith("Answer to: when do you open?")
    assert "Automatic answer" not in queued.heard()[-1]

    queued.says("I want a person")
    assert status(queued, 3) == "queued"
    queued.says("how long?")
    assert queued.heard()[-1].startswith("You are number 2 in the queue.")


def test_what_follows_never_mind_in_one_go_keeps_the_customer_in_the_queue(queued):
    queued.core.preferences.change("rules.pause_seconds", 2, "test")
    queued.says("never mind")
    queued.later(seconds=1)
    queued.says("no, it still leaks")
    queued.later(seconds=5)

    assert status(queued) == "queued"
    assert "no, it still leaks" in "\n".join(queued.thread())


def test_once_an_agent_has_claimed_it_the_words_are_for_the_agent(queued):
    queued.core.preferences.change("rules.pause_seconds", 2, "test")
    queued.says("never mind")
    queued.click(queued.ana, "claim")
    queued.later(seconds=5)
    queued.says("how long?")
    queued.later(seconds=5)

    assert status(queued) == "claimed"
    assert not [one for one in queued.heard() if one.startswith(("All right", "You are number"))]


@pytest.mark.on_both
def test_another_customers_place_moves_up_when_one_leaves(queued):
    queued.says("I want a person", EVA)
    queued.says("never mind")
    queued.says("how long?", EVA)

    assert queued.heard(EVA)[-1].startswith("You are number 2 in the queue.")


def test_who_has_said_stop_hears_nothing_and_stays_with_the_team(queued):
    queued.says("STOP", consent="stop", consent_answered=True)
    before = queued.heard()
    queued.says("how long?")

    assert queued.heard(DANA) == before
    assert status(queued) == "queued"


SAID = {
    QueueAct.WAIT: (
        *("how long do I still have to wait?", "what's my place in the queue?"),
        *("wie lange muss ich noch warten?", "combien de temps encore ?"),
        *("¿cuánto tengo que esperar todavía?", "quanto tempo ainda falta?"),
        *(
            "Сколько ещё ждать ответа?",
            "あとどのくらい待ちますか",
            "还要等多久",
            "얼마나 더 기다려야 하나요?",
        ),
        *("كم يجب أن أنتظر؟", "hoe lang nog wachten?", "ile jeszcze muszę czekać?"),
    ),
    QueueAct.LEAVE: (
        *("Never mind, I solved it.", "nvm", "I don't need an agent anymore, thanks"),
        *("hat sich erledigt, danke", "laissez tomber, j'ai trouvé", "olvídalo, ya lo arreglé"),
        *("deixe, já consegui resolver", "lascia stare, ho risolto", "laat maar, opgelost"),
        *(
            "неважно, уже решил",
            "もう大丈夫です、解決しました",
            "问题已经解决了",
            "괜찮아요, 해결됐어요",
        ),
    ),
}
NEITHER = (
    *("Ok, I'll wait", "I can wait", "no need to rush", "I'll hold", "take your time", "thanks"),
    *("ok, ich warte", "ich kann warten", "j'attends", "puedo esperar", "attendo", "ok, ik wacht"),
    *("我可以等", "хорошо, подожду", "حسنا سأنتظر", "no importa, espero", "egal, ich bleibe dran"),
    *("nevermind, I still need help", "never mind, I need a doctor now", "never mind?", "ok"),
    *("leave me alone", "I want to close my account", "delete my data"),
    *("how long does delivery take?", "it is not solved", "I want to cancel my order", "thank you"),
    *("wie lange dauert die Lieferung?", "no funciona todavía", "je veux annuler ma commande"),
    "I solved the first problem but the pump still leaks, please help",
)


def test_each_later_message_is_not_told_the_position_again(queued):
    queued.says("how long?")
    told = [said for said in queued.heard() if "in the queue" in said]
    for said in ("ok thanks", "I am in no hurry", "just so you know"):
        queued.later(minutes=1)
        queued.says(said)
    assert [said for said in queued.heard() if "in the queue" in said] == told


@pytest.mark.on_both
def test_two_messages_in_one_go_are_told_the_position_once(queued):
    queued.core.preferences.change("rules.pause_seconds", 2, "test")
    queued.says("how long?")
    queued.says("hello??")
    queued.later(seconds=5)
    told = [said for said in queued.heard() if "in the queue" in said]
    assert len(told) == 1
    queued.says("ok thanks")
    queued.later(minutes=1)
    assert [said for said in queued.heard() if "in the queue" in said] == told


@pytest.mark.on_both
def test_an_automatic_answer_that_a_claim_stops_is_corrected_in_the_thread(queued):
    with queued.database.write() as tx:
        escalation = tx.session.get_one(Escalation, 2)
        conversation = conversations.hold(tx, escalation.conversation_id)
        draft = OutboundDraft("We open at 9.", Author.ASSISTANT, epoch_bound=True, escalation_id=2)
        sending.say(tx, conversation, draft, {"sms": queued.channel}, queued.clock.now())
        conversation.epoch += 1  # as a claim does
    queued.settle()
    assert "We open at 9." not in queued.heard()
    assert sending.NOT_SENT in queued.thread()


def test_the_shipped_detector_knows_both_in_many_languages_and_mistakes_little_for_them():
    detector = LocalDetector.load()
    for act, texts in SAID.items():
        assert [text for text in texts if detector.queue_act(text) is not act] == []
    wrong = {QueueAct.WAIT, QueueAct.LEAVE}
    assert [text for text in NEITHER if detector.queue_act(text) in wrong] == []
