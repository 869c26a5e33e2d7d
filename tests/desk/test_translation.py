"""Translation in threads: customers' words at once and then translated, agents' translated or not at all."""

import pytest
from sqlalchemy import select

from handoff_bot.domain.errors import DeliveryError
from handoff_bot.jobs.worker import Worker
from handoff_bot.storage.models import Message, Work
from tests.desk.conftest import words

pytestmark = pytest.mark.on_sqlite


@pytest.fixture
def spanish(bureau):
    """A Spanish customer whom Ana talks to, with translation on."""
    bureau.core.preferences.change("translation.on", True, bureau.mia)
    bureau.detector.language = "es"
    bureau.says("Quiero hablar con un human")
    bureau.click(bureau.ana, "claim")
    return bureau


def said(bureau):
    return [text.split(": ", 1)[-1] for text in bureau.thread()]


def test_a_customers_words_are_shown_as_they_are_and_then_translated(spanish):
    spanish.says("¿Dónde está mi paquete?")
    thread = spanish.thread()
    assert thread[-2].endswith("¿Dónde está mi paquete?")
    assert "translated from Spanish" in thread[-1]
    assert thread[-1].endswith("[en] ¿DÓNDE ESTÁ MI PAQUETE?")


def test_the_words_for_which_a_person_is_called_are_translated_below_the_card(spanish):
    (first, *_) = spanish.thread()
    assert "translated from Spanish" in first
    assert first.endswith("[en] QUIERO HABLAR CON UN HUMAN")


def test_the_original_stands_when_three_tries_bring_no_translation(spanish):
    spanish.translator.fails = True
    asked = len(spanish.translator.asked)
    spanish.says("¿Dónde está mi paquete?")
    assert said(spanish)[-1] == "¿Dónde está mi paquete?"
    for _ in range(60):
        spanish.later(seconds=2)
    assert said(spanish)[-2:] == [
        "¿Dónde está mi paquete?",
        "This message could not be translated. The original is shown above.",
    ]
    assert len(spanish.translator.asked) == asked + 3


def test_a_model_that_comes_back_translates_in_order(spanish):
    spanish.translator.fails = True
    spanish.says("Uno")
    spanish.says("Dos")
    spanish.translator.fails = False
    spanish.later(seconds=10)
    assert said(spanish)[-4:] == ["Uno", "Dos", "[en] UNO", "[en] DOS"]


def test_what_is_in_the_teams_language_already_is_said_once(spanish):
    spanish.translator.repeats = True
    spanish.says("OK, thanks")
    assert said(spanish)[-1] == "OK, thanks"
    assert said(spanish).count("OK, thanks") == 1


def test_an_agents_words_leave_translated_and_the_thread_says_how(spanish):
    spanish.writes(spanish.ana, "It is on its way")
    assert spanish.heard()[-1] == "[es] IT IS ON ITS WAY"
    assert "🌐 In Spanish: [es] IT IS ON ITS WAY" in spanish.thread()
    with spanish.database.read() as tx:
        stored = (
            tx.session.execute(select(Message).where(Message.author == "agent")).scalars().one()
        )
    assert (stored.text, stored.payload["written"]) == ("[es] IT IS ON ITS WAY", "It is on its way")


def test_nothing_leaves_untranslated_unless_its_author_says_so(spanish):
    spanish.translator.fails = True
    before = list(spanish.heard())
    spanish.writes(spanish.ana, "It is on its way")
    assert spanish.heard() == before
    ephemeral = spanish.slack.ephemerals(spanish.ana)[-1]
    assert "could not be translated into Spanish" in ephemeral["text"]
    assert "Send untranslated" in words(ephemeral["blocks"])
    spanish.slack.click_ephemeral(spanish.ana, ephemeral["ts"], "send_as_written")
    spanish.settle()
    assert spanish.heard() == [*before, "It is on its way"]


def test_it_can_be_tried_again(spanish):
    spanish.translator.fails = True
    spanish.writes(spanish.ana, "It is on its way")
    ephemeral = spanish.slack.ephemerals(spanish.ana)[-1]
    spanish.slack.click_ephemeral(spanish.ana, ephemeral["ts"], "translate_again")
    spanish.settle()
    again = spanish.slack.ephemerals(spanish.ana)[-1]
    assert "could not be translated" in again["text"]
    spanish.translator.fails = False
    spanish.slack.click_ephemeral(spanish.ana, again["ts"], "translate_again")
    spanish.settle()
    assert spanish.heard()[-1] == "[es] IT IS ON ITS WAY"


def test_a_failed_delivery_is_tried_again_with_the_same_words(spanish):
    spanish.channel.troubles = [DeliveryError("not now", permanent=True, code="30008")]
    spanish.writes(spanish.ana, "It is on its way")
    asked = len(spanish.translator.asked)
    failure = spanish.slack.thread(spanish.queue, spanish.card())[-1]
    spanish.click(spanish.ana, "retry", ts=failure["ts"])
    assert spanish.heard()[-1] == "[es] IT IS ON ITS WAY"
    assert len(spanish.translator.asked) == asked


def test_what_would_not_leave_is_not_translated(spanish):
    asked = len(spanish.translator.asked)
    spanish.writes(spanish.ben, "She is a good customer")
    assert len(spanish.translator.asked) == asked


def test_what_was_kept_back_is_translated_when_it_is_sent(spanish):
    spanish.writes(spanish.ben, "Let me help")
    ephemeral = spanish.slack.ephemerals(spanish.ben)[-1]
    spanish.slack.click_ephemeral(spanish.ben, ephemeral["ts"], "take_over_and_send")
    spanish.settle()
    assert spanish.heard()[-1] == "[es] LET ME HELP"


def test_what_was_kept_back_and_cannot_be_translated_is_offered_untranslated(spanish):
    spanish.writes(spanish.ben, "Let me help")
    kept = spanish.slack.ephemerals(spanish.ben)[-1]
    spanish.translator.fails = True
    spanish.slack.click_ephemeral(spanish.ben, kept["ts"], "take_over_and_send")
    spanish.settle()
    assert "Let me help" not in spanish.heard()
    offered = spanish.slack.ephemerals(spanish.ben)[-1]
    spanish.slack.click_ephemeral(spanish.ben, offered["ts"], "send_as_written")
    spanish.settle()
    assert spanish.heard()[-1] == "Let me help"


def test_an_edit_in_time_is_translated_too(spanish):
    spanish.core.preferences.change("hold_seconds", 10, spanish.mia)
    reply = spanish.writes(spanish.ana, "On its wya")
    spanish.slack.edit(spanish.ana, spanish.queue, reply, "On its way")
    spanish.settle()
    spanish.later(seconds=11)
    assert spanish.heard()[-1] == "[es] ON ITS WAY"
    assert not any("WYA" in one for one in spanish.heard())


def test_an_edit_in_time_that_cannot_be_translated_changes_nothing_and_its_author_is_told(spanish):
    spanish.core.preferences.change("hold_seconds", 10, spanish.mia)
    reply = spanish.writes(spanish.ana, "On its way")
    spanish.translator.fails = True
    spanish.slack.edit(spanish.ana, spanish.queue, reply, "On its way, Dana")
    spanish.settle()
    spanish.later(seconds=11)
    assert spanish.heard()[-1] == "[es] ON ITS WAY"
    assert "the original message is kept" in spanish.whispers(spanish.ana)[-1]


def test_an_edit_too_late_is_offered_as_a_correction_and_then_translated(spanish):
    reply = spanish.writes(spanish.ana, "On its way")
    spanish.translator.fails = True
    spanish.slack.edit(spanish.ana, spanish.queue, reply, "On its way, Dana")
    spanish.settle()
    spanish.translator.fails = False
    ephemeral = spanish.slack.ephemerals(spanish.ana)[-1]
    spanish.slack.click_ephemeral(spanish.ana, ephemeral["ts"], "send_correction")
    spanish.settle()
    assert spanish.heard()[-2:] == ["[es] ON ITS WAY", "Corrección:\n[es] ON ITS WAY, DANA"]


def test_what_is_deleted_in_time_does_not_leave(spanish):
    spanish.core.preferences.change("hold_seconds", 10, spanish.mia)
    before = list(spanish.heard())
    reply = spanish.writes(spanish.ana, "On its way")
    spanish.slack.delete(spanish.ana, spanish.queue, reply)
    spanish.settle()
    spanish.later(seconds=11)
    assert spanish.heard() == before


# -- a slow model delays nobody who needs none


def events_in(bureau, family):
    """The lanes of a family in which events were handled, in order."""
    handled = select(Work.lane, Work.payload).where(Work.kind == "slack.event").order_by(Work.id)
    with bureau.database.read() as tx:
        found = tx.session.execute(handled).all()
    return [row.payload["event"].get("text") for row in found if row.lane.startswith(f"{family}:")]


def test_only_threads_with_translation_are_heard_in_its_lanes(spanish):
    spanish.writes(spanish.ana, "Hello")
    spanish.detector.language = "en"
    spanish.says("I want a person", "+15550002")
    spanish.writes(spanish.ben, "note: easy one")
    assert events_in(spanish, "translate") == ["Hello"]


def test_order_is_kept_when_it_is_switched_off_meanwhile(spanish):
    spanish.writes(spanish.ana, "Zero")
    worker = Worker(spanish.database, spanish.core.handlers, spanish.clock, threads={"slack": 1})
    spanish.slack.say(spanish.ana, spanish.queue, "One", spanish.card())
    worker.run_until_idle()
    spanish.core.preferences.change("translation.on", False, spanish.mia)
    spanish.slack.say(spanish.ana, spanish.queue, "Two", spanish.card())
    worker.run_until_idle()
    spanish.settle()
    assert spanish.heard()[-2:] == ["One", "Two"]
    spanish.writes(spanish.ana, "Three")
    assert spanish.heard()[-1] == "Three"
    assert events_in(spanish, "translate") == ["Zero", "One", "Two"]


def test_notes_and_verbs_are_not_translated(spanish):
    asked = len(spanish.translator.asked)
    spanish.writes(spanish.ana, "note: seems upset")
    spanish.writes(spanish.ana, "!release")
    assert len(spanish.translator.asked) == asked


@pytest.mark.parametrize(("on", "language"), [(False, "es"), (True, "en"), (True, "")], ids=str)
def test_without_need_nobody_is_asked(bureau, on, language):
    bureau.core.preferences.change("translation.on", on, bureau.mia)
    bureau.detector.language = language
    bureau.says("I want a person")
    bureau.click(bureau.ana, "claim")
    bureau.says("Hello?")
    bureau.writes(bureau.ana, "Hi")
    assert bureau.heard()[-1] == "Hi"
    assert bureau.translator.asked == []


def test_admins_switch_it_on(bureau):
    bureau.command(bureau.mia, "settings translation")
    values = {"translation.on": ["yes"], "translation.language": "de"}
    assert bureau.sends(bureau.mia, values).errors == {}
    assert bureau.core.preferences.get("translation.language", "") == "de"


def test_without_a_key_the_settings_say_so(bureau):
    bureau.command(bureau.mia, "settings translation")
    assert "Nothing is translated" not in words(bureau.modal(bureau.mia))
    bureau.core.interpreter._translator = None
    bureau.command(bureau.mia, "settings translation")
    assert "Nothing is translated" in words(bureau.modal(bureau.mia))
