"""Templates in Slack: an admin keeps one, an agent sends it when the window is closed."""

import pytest

from handoff_bot.domain.messages import Limits
from handoff_bot.domain.replies import MessageTemplate
from tests.desk.conftest import words

pytestmark = pytest.mark.on_sqlite

SID = "HX" + "1" * 32
NEWS = MessageTemplate(
    "News", SID, "Hi {{1}}, your order {{2}} has news.", {"1": "Customer's name"}
)
BYE = MessageTemplate("Bye", SID, "Goodbye!")


def add(bureau, **changes):
    bureau.command(bureau.mia, "templates")
    bureau.presses(bureau.mia, "template_add")
    given = {
        "template_name": "News",
        "template_sid": SID,
        "template_text": NEWS.text,
        "template_labels": "1: Customer's name",
    }
    return bureau.sends(bureau.mia, given | changes)


def test_an_admin_adds_one(bureau):
    add(bureau)
    assert bureau.core.templates.every() == (NEWS,)
    assert "News is saved." in words(bureau.modal(bureau.mia))
    assert NEWS.text in words(bureau.modal(bureau.mia))


def test_it_is_changed_and_deleted(bureau):
    add(bureau)
    bureau.presses(bureau.mia, "template_change")
    bureau.sends(bureau.mia, {"template_name": "Olds"})
    assert [one.name for one in bureau.core.templates.every()] == ["Olds"]
    bureau.presses(bureau.mia, "template_change")
    bureau.presses(bureau.mia, "template_delete")
    assert bureau.core.templates.every() == ()


def test_the_settings_lead_there(bureau):
    bureau.command(bureau.mia, "settings")
    bureau.presses(bureau.mia, "templates_show")
    assert "No templates yet." in words(bureau.modal(bureau.mia))


WRONG = {
    "no name": ({"template_name": " "}, "template_name"),
    "no id": ({"template_sid": "HX1"}, "template_sid"),
    "half a variable": ({"template_text": "Hi {{1"}, "template_text"),
    "a label of nothing": ({"template_labels": "for whom: x"}, "template_labels"),
}


@pytest.mark.parametrize(("changes", "field"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_said_at_its_field(bureau, changes, field):
    assert set(add(bureau, **changes).errors) == {field}
    assert bureau.core.templates.every() == ()


def test_agents_who_are_no_admins_see_no_list(bureau):
    result = bureau.command(bureau.ana, "templates")
    assert bureau.slack.views(bureau.ana) == []
    assert result


@pytest.fixture
def closed(bureau):
    """Ana answers Dana a day too late."""
    bureau.channel.limits = Limits(text=160, reply_window_hours=24, templates=True)
    bureau.core.templates.save(NEWS, "", bureau.mia)
    bureau.core.templates.save(BYE, "", bureau.mia)
    bureau.says("I want a person")
    bureau.click(bureau.ana, "claim")
    bureau.later(hours=25)
    bureau.writes(bureau.ana, "Still there?")
    return bureau


def failure(bureau):
    (found,) = [
        m["ts"]
        for m in bureau.slack.thread(bureau.queue, bureau.card())
        if m["text"].startswith("Not delivered")
    ]
    return found


def test_an_agent_chooses_one_fills_it_in_and_sends_it(closed):
    assert "Still there?" not in closed.heard()
    closed.click(closed.ana, "use_template", ts=failure(closed))
    assert "Goodbye!" in words(closed.modal(closed.ana))
    closed.chooses(closed.ana, "template_choice", "News")
    shown = words(closed.modal(closed.ana))
    assert NEWS.text in shown
    assert "Customer's name" in shown
    assert "Value of {{2}}" in shown

    sent = closed.sends(closed.ana, {"template_value_0": "Dana", "template_value_1": "a\nb"})
    assert set(sent.errors) == {"template_value_1"}
    closed.sends(closed.ana, {"template_value_0": "Dana", "template_value_1": "4711"})
    assert closed.heard()[-1] == "Hi Dana, your order 4711 has news."
    assert any("Hi Dana, your order 4711 has news." in said for said in closed.thread())


def test_variables_of_buttons_and_files_are_asked_for_and_sent(closed):
    content = {"template_name": "Track", "template_text": "Hi {{1}}, track your parcel."}
    add(closed, **content, template_labels="1: Name\n2: Tracking code\n3: Invoice")
    assert "{{2}}, {{3}}" in words(closed.modal(closed.mia))
    closed.click(closed.ana, "use_template", ts=failure(closed))
    closed.chooses(closed.ana, "template_choice", "Track")
    assert "Tracking code" in words(closed.modal(closed.ana))
    given = {"template_value_0": "Dana", "template_value_1": "ABC"}
    closed.sends(closed.ana, given | {"template_value_2": "77"})
    sent, _ = closed.channel.taken[-1]
    assert sent.text == "Hi Dana, track your parcel."
    assert sent.template.variables == {"1": "Dana", "2": "ABC", "3": "77"}


def test_somebody_else_is_told_whose_it_is(closed):
    closed.click(closed.ben, "use_template", ts=failure(closed))
    sent = closed.sends(closed.ben, {})
    assert "Ana has this conversation" in sent.errors["template_choice"]


def test_without_any_the_window_says_who_can_add_some(closed):
    closed.core.templates.delete("News", closed.mia)
    closed.core.templates.delete("Bye", closed.mia)
    closed.click(closed.ana, "use_template", ts=failure(closed))
    assert "Ask an admin" in words(closed.modal(closed.ana))


def test_a_template_that_was_deleted_meanwhile_is_not_sent(closed):
    closed.click(closed.ana, "use_template", ts=failure(closed))
    closed.core.templates.delete("Bye", closed.mia)
    closed.sends(closed.ana, {})
    assert "Goodbye!" not in closed.heard()


def test_the_card_says_until_when_replies_are_open(bureau):
    bureau.channel.limits = Limits(text=160, reply_window_hours=24)
    bureau.says("I want a person")
    bureau.click(bureau.ana, "claim")
    shown = bureau.slack.message(bureau.queue, bureau.card())
    assert "Messaging window open until" in str(shown["blocks"])
