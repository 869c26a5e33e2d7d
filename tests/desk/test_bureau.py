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
