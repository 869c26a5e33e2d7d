"""The queue: the modal with its filters, "Take next", and the Home tab."""

import pytest

from handoff_bot.domain import desk
from handoff_bot.services.escalations import claims
from tests.desk.conftest import words

pytestmark = pytest.mark.on_sqlite

PHONES = [f"+1555{n:07d}" for n in range(9)]


@pytest.fixture
def crowd(bureau, monkeypatch):
    """Three pages of four customers wait, since one minute after another."""
    for module in (desk, claims):
        monkeypatch.setattr(module, "PAGE_ROWS", 4)
    for n, phone in enumerate(PHONES):
        bureau.says(f"I want a person {n}", phone)
        bureau.later(minutes=1)
    return bureau


@pytest.mark.on_both
def test_the_queue_is_paged_and_filtered_and_the_longest_wait_comes_first(crowd):
    crowd.command(crowd.ana, "queue")
    shown = words(crowd.modal(crowd.ana))
    assert "9 shown · 9 waiting in total · page 1 of 3" in shown
    assert PHONES[0] in shown
    assert PHONES[4] not in shown

    crowd.presses(crowd.ana, "queue_page_later")
    assert PHONES[4] in words(crowd.modal(crowd.ana))
    crowd.presses(crowd.ana, "queue_page_later")
    assert "page 3 of 3" in words(crowd.modal(crowd.ana))

    crowd.chooses(crowd.ana, "queue_waited", "5")
    shown = words(crowd.modal(crowd.ana))
    assert "5 shown · 9 waiting in total · page 1 of 2" in shown
    crowd.presses(crowd.ana, "queue_page_later")
    assert "5 shown · 9 waiting in total · page 2 of 2" in words(crowd.modal(crowd.ana))

    crowd.chooses(crowd.ana, "queue_priority", "low")
    assert "No conversations match these filters." in words(crowd.modal(crowd.ana))


def test_taking_in_the_window_says_what_came_of_it(bureau):
    bureau.says("I want a person")
    bureau.command(bureau.ana, "queue")
    bureau.command(bureau.ben, "queue")
    bureau.presses(bureau.ana, "queue_take")
    bureau.presses(bureau.ben, "queue_take")
    assert "This conversation is now assigned to you." in words(bureau.modal(bureau.ana))
    assert "Ana took this just now." in words(bureau.modal(bureau.ben))
    bureau.chooses(bureau.ben, "queue_whose", "claimed")
    assert "Assigned to Ana" in words(bureau.modal(bureau.ben))


def test_one_agents_conversations_are_shown_alone(bureau):
    bureau.says("I want a person", PHONES[0])
    bureau.says("I want a person", PHONES[1])
    bureau.command(bureau.ana, "next")
    bureau.command(bureau.ben, "next")
    bureau.command(bureau.mia, "queue")
    bureau.chooses(bureau.mia, "queue_whose", f"agent:{bureau.ben}")
    shown = words(bureau.modal(bureau.mia))
    assert "🟢 Assigned to Ben" in shown
    assert "🟢 Assigned to Ana" not in shown
    bureau.writes(bureau.ben, "!resolve", ts=bureau.card())
    bureau.chooses(bureau.mia, "queue_waited", "any")
    assert "An agent with no open conversations" in words(bureau.modal(bureau.mia))


@pytest.mark.on_both
def test_next_for_me_takes_the_most_urgent_and_each_gets_another(bureau):
    bureau.says("I want a person", PHONES[0])
    bureau.says("I want a person", PHONES[1])
    bureau.command(bureau.ana, "next")
    bureau.command(bureau.ben, "next")
    bureau.command(bureau.mia, "next")
    assert "Now speaking with Ana." in bureau.heard(PHONES[0])
    assert "Now speaking with Ben." in bureau.heard(PHONES[1])
    assert bureau.whispers(bureau.mia) == ["No customers are waiting."]


@pytest.mark.on_both
def test_home_shows_what_is_mine_and_who_waits(bureau):
    bureau.says("I want a person", PHONES[0])
    bureau.says("I want a person", PHONES[1])
    bureau.command(bureau.ana, "next")
    shown = words(bureau.home(bureau.ana))
    assert "Your conversations: 1" in shown
    assert "Waiting for your reply" in shown
    assert "Queue: 1 waiting · 1 in progress" in shown
    assert "2 escalations in 2 conversations (100 % of them)" in shown
    assert "You: 1 taken · 0 resolved" in shown

    bureau.writes(bureau.ana, "Hello", ts=str(bureau.cards()[0]["ts"]))
    assert "Waiting for the customer" in words(bureau.home(bureau.ana))
    assert "You have no open conversations." in words(bureau.home(bureau.ben))


def test_next_for_me_works_in_home(bureau):
    bureau.says("I want a person")
    view = bureau.home(bureau.ana)
    bureau.slack.click_view(bureau.ana, view["id"], "queue_next", "home")
    bureau.settle()
    shown = words(bureau.slack.home(bureau.ana))
    assert "This conversation is now assigned to you." in shown
    assert "Your conversations: 1" in shown


def test_the_shortcut_opens_the_queue(bureau):
    bureau.says("I want a person")
    bureau.slack.shortcut(bureau.ana, "show_queue")
    bureau.settle()
    assert "1 waiting in total" in words(bureau.modal(bureau.ana))
