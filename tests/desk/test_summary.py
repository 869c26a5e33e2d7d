"""What the customer wants now stands on the card, in the offer and in the assignment."""

from __future__ import annotations

import pytest

from handoff_bot.ai.detector.local import LocalDetector
from tests.desk.conftest import words

pytestmark = pytest.mark.on_sqlite

TOPIC = "my *grinder* came <!channel> without <https://evil.example|its lid>"


@pytest.fixture
def asking(bureau):
    """The shipped detector at work, and a customer who asks for an agent after two subjects."""
    shipped = LocalDetector.load()
    bureau.detector.quick_check = shipped.quick_check
    bureau.detector.judge = shipped.judge
    bureau.detector.about = shipped.about
    for text in ("Do you ship to Spain?", TOPIC):
        bureau.says(text)
    return bureau


def test_the_card_says_that_they_asked_for_an_agent_and_about_what(asking):
    asking.says("human please")

    shown = words(asking.cards()[-1]["blocks"])
    assert "Wants to talk to an agent. About: my *grinder*" in shown
    assert "Spain" not in shown.partition("Summary: ")[2]


def test_the_button_for_an_agent_keeps_the_subject(asking):
    asking.says("Talk to a person", wants_person=True)

    shown = words(asking.cards()[-1]["blocks"])
    assert "Asked for an agent by button. About: my *grinder*" in shown


def test_the_offer_and_the_assignment_say_the_same_and_ping_no_channel(asking):
    asking.core.preferences.change("ladder.rungs", ["1 offer"], "test")
    asking.command(asking.ana, "on")
    asking.says("human please")
    asking.later(minutes=1)
    asking.writes(asking.ana, f"!assign <@{asking.ben}>")

    for who in (asking.ana, asking.ben):
        (told,) = asking.told(who)
        assert "Wants to talk to an agent. About: my *grinder*" in told
        assert "<!channel>" not in told
