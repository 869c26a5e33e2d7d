"""Windows on Slack's side of the page: filled in, sent, refused, drawn anew, lying on each other."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser import drawing_bot
from tests.browser.conftest import findings
from tests.browser.studio import choose, heard, open_form

pytestmark = pytest.mark.browser


def test_a_window_with_one_of_everything_is_sent(studio, windows):
    page = windows.open(studio.url)
    form = open_form(page)
    form.get_by_role("textbox", name="Note").fill("A new one today")
    contact = form.get_by_role("combobox", name="Contact")
    contact.fill("da")
    expect(form.get_by_text("Type at least 3 characters.")).to_be_visible()
    contact.fill("dana")
    choose(page, "Dana Reyes")
    form.get_by_role("combobox", name="Tags").click()
    choose(page, "B", exact=True)
    form.get_by_role("combobox", name="Teams").fill("queue")
    choose(page, "#queue")
    form.get_by_label("When").fill("2027-01-05T09:30")
    form.get_by_role("radio", name="High").check()
    form.get_by_role("checkbox", name="Chat").check()
    file = {"name": "a.txt", "mimeType": "text/plain", "buffer": b"hello"}
    form.get_by_label("Files").set_input_files(file)
    form.get_by_role("button", name="Save").click()
    expect(form).to_have_count(0)
    values = heard(page, studio, "view_submission")["view"]["state"]["values"]
    held = {name: one for block in values.values() for name, one in block.items()}
    assert held["note"]["value"] == "A new one today"
    assert held["contact"]["selected_option"]["value"] == "dana"
    assert [one["value"] for one in held["labels"]["selected_options"]] == ["b"]
    assert held["teams"]["selected_conversations"] == [studio.world.queue]
    assert held["urgency"]["selected_option"]["value"] == "high"
    assert [one["value"] for one in held["tell"]["selected_options"]] == ["chat"]
    assert isinstance(held["when"]["selected_date_time"], int)
    assert held["files"]["files"][0]["name"] == "a.txt"
    assert held["minutes"]["value"] is None


def test_what_is_wrong_is_said_at_its_field_and_heard(studio, windows):
    page = windows.open(studio.url)
    form = open_form(page)
    form.get_by_role("button", name="Save").click()
    note = form.get_by_role("textbox", name="Note")
    expect(note).to_be_focused()
    expect(note).to_have_accessible_description(re.compile("Please complete this required field."))
    note.fill("x")
    form.get_by_role("combobox", name="Contact").fill("wei")
    choose(page, "Dan Wei")
    form.get_by_role("radio", name="Low").check()
    studio.bot.answer = {"response_action": "errors", "errors": {"minutes": "At least 5, please"}}
    form.get_by_role("button", name="Save").click()
    minutes = form.get_by_role("spinbutton", name="Minutes")
    expect(minutes).to_be_focused()
    expect(minutes).to_have_accessible_description("At least 5, please")
    assert findings(page) == []


def test_a_click_in_a_window_tells_what_was_typed_and_a_window_above_keeps_it(studio, windows):
    page = windows.open(studio.url)
    form = open_form(page)
    form.get_by_role("textbox", name="Note").fill("Half a sentence")
    form.get_by_role("button", name="More").click()
    clicked = heard(page, studio, "block_actions")
    assert clicked["view"]["state"]["values"]["note"]["note"]["value"] == "Half a sentence"
    above = page.get_by_role("dialog", name="On top")
    expect(above).to_be_visible()
    above.get_by_role("button", name="Back to A form").click()
    expect(form.get_by_role("textbox", name="Note")).to_have_value("Half a sentence")
    form.get_by_role("button", name="More").click()
    above.get_by_role("button", name="Close all windows").click()
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_a_field_that_acts_at_once_does_and_what_was_typed_survives_the_answer(studio, windows):
    page = windows.open(studio.url)
    form = open_form(page)
    form.get_by_role("textbox", name="Note").fill("Stay")
    form.get_by_role("combobox", name="Filter").select_option(label="WhatsApp")
    told = heard(page, studio, "block_actions")
    assert told["actions"][0]["selected_option"]["value"] == "whatsapp"
    view = drawing_bot.modal("Redrawn", *drawing_bot.FIELDS, submit=drawing_bot.plain("Save"))
    studio.bot.client.views_update(view_id=told["view"]["id"], view=view)
    again = page.get_by_role("dialog", name="Redrawn")
    expect(again.get_by_role("textbox", name="Note")).to_have_value("Stay")
    expect(again.get_by_role("combobox", name="Filter")).to_have_value("whatsapp")


def test_a_long_window_begins_at_its_top_also_when_its_first_button_is_at_the_end(
    studio, windows, monkeypatch
):
    lines = [drawing_bot.section(f"Line {n}") for n in range(60)]
    monkeypatch.setattr(drawing_bot, "FORM", drawing_bot.modal("A form", *lines))
    form = open_form(windows.open(studio.url))
    expect(form.get_by_role("button", name="Cancel")).to_be_focused()
    expect(form.get_by_text("Line 0", exact=True)).to_be_in_viewport()


def test_escape_closes_a_list_first_and_then_the_window(studio, windows):
    page = windows.open(studio.url)
    form = open_form(page)
    form.get_by_role("combobox", name="Tags").click()
    page.keyboard.press("Escape")
    expect(form.get_by_role("listbox", name="Options")).to_have_count(0)
    expect(form).to_be_visible()
    page.keyboard.press("Escape")
    expect(form).to_have_count(0)
