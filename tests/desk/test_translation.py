"""Translation in threads: customers' words at once and then translated, agents' translated or not at all."""

import pytest
from sqlalchemy import select

from handoff_bot.storage.models import Message
from tests.desk.conftest import words


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


def test_the_original_stands_when_there_is_no_translation(spanish):
    spanish.translator.fails = True
    spanish.says("¿Dónde está mi paquete?")
    assert said(spanish)[-2:] == [
        "¿Dónde está mi paquete?",
        "This could not be translated; the original stands above.",
    ]


def test_an_agents_words_leave_translated_and_the_thread_says_how(spanish):
    spanish.writes(spanish.ana, "It is on its way")
    assert spanish.heard()[-1] == "[es] IT IS ON ITS WAY"
    assert "🌐 Sent in Spanish: [es] IT IS ON ITS WAY" in spanish.thread()
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
    whisper = spanish.slack.ephemerals(spanish.ana)[-1]
    assert "could not be translated into Spanish" in whisper["text"]
    assert "Send untranslated" in words(whisper["blocks"])
    spanish.slack.click_ephemeral(spanish.ana, whisper["ts"], "send_as_written")
    spanish.settle()
    assert spanish.heard() == [*before, "It is on its way"]


def test_what_was_kept_back_is_translated_when_it_is_sent(spanish):
    spanish.writes(spanish.ben, "Let me help")
    whisper = spanish.slack.ephemerals(spanish.ben)[-1]
    spanish.slack.click_ephemeral(spanish.ben, whisper["ts"], "take_over_and_send")
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
