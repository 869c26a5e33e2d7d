"""The way from a customer's words to an agent's answer, through signed requests on loopback."""

import pytest

pytestmark = pytest.mark.on_sqlite


@pytest.mark.on_both
def test_a_customer_asks_and_an_agent_answers(bureau):
    bureau.says("I want to talk to a human")
    assert bureau.click(bureau.ana, "claim").status == 200
    bureau.writes(bureau.ana, "Hello *Dana*")
    assert bureau.heard()[-1] == "Hello Dana"


def test_an_answer_to_a_command_is_for_whoever_asked(bureau):
    bureau.says("I want to talk to a human")
    bureau.command(bureau.ana, "next")
    assert any("now assigned to you" in text for text in bureau.whispers(bureau.ana))
    assert bureau.whispers(bureau.ben) == []


@pytest.mark.parametrize("asked", ["take 1", "take #1"])
def test_a_conversation_is_taken_over_by_its_tickets_number(bureau, asked):
    bureau.says("I want to talk to a human")
    bureau.command(bureau.ana, asked)
    assert any("now assigned to you" in text for text in bureau.whispers(bureau.ana))
    assert "Now speaking with Ana." in bureau.heard()
    bureau.command(bureau.ben, asked)
    (told,) = bureau.whispers(bureau.ben)
    assert "Ana" in told
    assert bureau.heard().count("Now speaking with Ana.") == 1


@pytest.mark.parametrize(
    ("asked", "said"),
    [("take", "Add a ticket number"), ("take it", "Add a ticket"), ("take 9", "does not exist")],
)
def test_what_cannot_be_taken_over_is_said(bureau, asked, said):
    bureau.command(bureau.ana, asked)
    assert said in bureau.whispers(bureau.ana)[-1]
