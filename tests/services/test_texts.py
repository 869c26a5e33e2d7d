"""Which words a customer is told: the closest that an admin wrote, else the product's own."""

import pytest

from handoff_bot.domain.signals import Signal
from handoff_bot.domain.texts import Moment, languages, usual
from handoff_bot.services.delivery import customer_texts
from handoff_bot.services.delivery.customer_texts import Text

pytestmark = pytest.mark.on_sqlite

GREETING = Moment.GREETING
USUAL = {language: usual(GREETING, language) for language in languages()}

ORDER = {
    "nothing is written": ({}, "de", USUAL["de"]),
    "for this reason": ({"de.request": "A {agent}", "de.any": "B {agent}"}, "de", "A {agent}"),
    "for all reasons": ({"de.sentiment": "A {agent}", "de.any": "B {agent}"}, "de", "B {agent}"),
    "a language of the product's own": ({"en.any": "C {agent}"}, "de", USUAL["de"]),
    "any other language, in English": ({"en.any": "C {agent}"}, "th", "C {agent}"),
    "any other language, written": (
        {"en.any": "C {agent}", "th.any": "D {agent}"},
        "th",
        "D {agent}",
    ),
    "nothing is written in another": ({}, "th", USUAL["en"]),
    "one that lacks what it must say": ({"de.any": "B"}, "de", USUAL["de"]),
    "one that is no text": ({"de.any": 5}, "de", USUAL["de"]),
}


@pytest.mark.parametrize(("written", "language", "said"), ORDER.values(), ids=ORDER)
def test_the_closest_text_is_said(house, written, language, said):
    for name, words in written.items():
        house.core.preferences.change(f"text.greeting.{name}", words, "UMIA")
    with house.database.read() as tx:
        assert customer_texts.template(tx, Text(GREETING, language, Signal.REQUEST)) == said


SILENCES = {
    "a moment that may be": (["greeting"], {Moment.GREETING}),
    "one that customers must hear": (["taken", "stopped"], set()),
    "what is no list": (5, set()),
    "nothing": ([], set()),
}


@pytest.mark.parametrize(("stored", "silent"), SILENCES.values(), ids=SILENCES)
def test_only_some_moments_can_be_silent(house, stored, silent):
    house.core.preferences.change(customer_texts.SILENT, stored, "UMIA")
    with house.database.read() as tx:
        assert customer_texts.silent_moments(tx) == silent


@pytest.mark.on_both
def test_a_text_is_saved_taken_back_and_remembered(house):
    wording, text = house.core.customer_texts, Text(GREETING, "en")
    assert wording.save(text, "Hello", "UMIA") == "Add the placeholder {agent}."
    assert wording.save(text, "Hello, {agent} here.", "UMIA", silent=True) == ""
    assert (wording.of(text).is_own, wording.of(text).is_silent) == (True, True)
    assert wording.save(text, "Hello, {agent} here.", "UMIA") == ""
    wording.reset(text, "UBEN")
    assert wording.of(text).template == USUAL["en"]
    changes = [(c.key, c.by) for c in house.core.preferences.history(10)][:4]
    assert changes == [
        ("text.greeting.en.any", "UBEN"),
        ("texts.silent", "UMIA"),
        ("texts.silent", "UMIA"),
        ("text.greeting.en.any", "UMIA"),
    ]


def test_taking_back_what_was_never_written_changes_nothing(house):
    before = len(house.core.preferences.history(10))
    house.core.customer_texts.reset(Text(GREETING, "fr"), "UMIA")
    assert len(house.core.preferences.history(10)) == before


WRITTEN_BEFORE = {
    "a text of the team's": (
        "{{Ticket}} {ticket}: {wait_minutes} minutes, place {position}.",
        "{Ticket} 1: 5 minutes, place 1.",
    ),
    "the default, saved as it was": (
        usual(Moment.STARTED, "en"),
        "I'm connecting you with a member of our team. Your wait time is approximately 5 minutes.",
    ),
}


@pytest.mark.parametrize(("stored", "told"), WRITTEN_BEFORE.values(), ids=WRITTEN_BEFORE)
def test_a_text_that_was_stored_before_there_were_catalogues_is_told_as_before(house, stored, told):
    house.core.preferences.change("text.started.en.any", stored, "UMIA")
    house.says("I want a human")
    assert told in house.channel.phone
