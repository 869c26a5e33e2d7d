"""Slack's side of the page with one of everything in it: menus, windows, Home, shortcuts, channels, files."""

import re
import time

import pytest
from playwright.sync_api import expect

from handoff_bot.sandbox.page import stage as stages
from handoff_bot.sandbox.page.server import PageServer, origins
from handoff_bot.sandbox.page.stage import Stage
from handoff_bot.sandbox.slack.scopes import EVERYTHING
from handoff_bot.sandbox.world import free_port
from tests.browser import drawing_bot
from tests.browser.conftest import findings
from tests.browser.drawing_bot import DrawingBot, actions, button, menus, section

pytestmark = pytest.mark.browser


class Studio:
    """A page whose bot draws whatever a test wants."""

    def __init__(self, folder):
        port = free_port()
        self.stage = Stage(folder, origins(port))
        self.slack, self.world = self.stage.slack, self.stage.world
        self.slack.scopes.granted = EVERYTHING
        self.bot = DrawingBot(self.slack)
        self.page = PageServer(self.stage, port).start()
        self.url = f"{self.page.url}/sandbox"

    def post(self, *blocks, **more):
        """Something from the bot in the queue channel; says its ts."""
        said = {"channel": self.world.queue, "text": "Drawn", "blocks": list(blocks) or None} | more
        return self.bot.client.chat_postMessage(**said)["ts"]

    def stop(self):
        self.page.stop()
        self.slack.drain(5)
        self.bot.stop()
        self.stage.stop()


@pytest.fixture
def studio(tmp_path, monkeypatch):
    real = stages.manifest()
    features = real["features"] | {"shortcuts": drawing_bot.SHORTCUTS}
    monkeypatch.setattr(stages, "manifest", lambda: real | {"features": features})
    made = Studio(tmp_path)
    yield made
    made.stop()


def desk_of(page):
    """Slack's side."""
    return page.get_by_role("region", name="Slack", exact=True)


def queue_of(page):
    return desk_of(page).get_by_role("region", name="Channel queue")


def heard(page, studio, kind, count=1):
    """The last payload of a type, waited for."""
    deadline = time.monotonic() + 10
    while len(studio.bot.of_type(kind)) < count and time.monotonic() < deadline:
        page.wait_for_timeout(20)
    return studio.bot.of_type(kind)[count - 1]


def choose(page, name, **more):
    """Click on this in the list that is open."""
    page.get_by_role("listbox", name="Options").get_by_role("option", name=name, **more).click()


# -- menus in a message


def test_menus_of_a_message_tell_what_was_chosen_and_keep_it(studio, windows):
    studio.post(*menus())
    page = windows.open(studio.url)
    queue = queue_of(page)
    queue.get_by_role("combobox", name="Pick one").select_option(label="Two")
    assert heard(page, studio, "block_actions")["actions"][0]["selected_option"]["value"] == "two"
    queue.get_by_role("combobox", name="Pick a place").select_option(label="#general")
    second = heard(page, studio, "block_actions", 2)
    assert second["actions"][0]["selected_conversation"].startswith("C")
    held = {
        name: one for block in second["state"]["values"].values() for name, one in block.items()
    }
    assert held["static"]["selected_option"]["value"] == "two"
    page.reload()
    expect(queue.get_by_role("combobox", name="Pick one")).to_have_value("two")


def test_ticks_are_told_together(studio, windows):
    studio.post(*menus())
    page = windows.open(studio.url)
    queue = queue_of(page)
    queue.get_by_role("checkbox", name="Slack In the channel").check()
    heard(page, studio, "block_actions")
    queue.get_by_role("checkbox", name="E-mail").check()
    ticked = heard(page, studio, "block_actions", 2)["actions"][0]["selected_options"]
    assert [one["value"] for one in ticked] == ["slack", "mail"]
    queue.get_by_role("radio", name="Three").check()
    chosen = heard(page, studio, "block_actions", 3)["actions"][0]["selected_option"]
    assert chosen["value"] == "three"
    expect(queue.get_by_role("radio", name="Three")).to_be_checked()


def test_a_menu_is_searched_by_keyboard(studio, windows):
    studio.post(*menus())
    page = windows.open(studio.url)
    queue = queue_of(page)
    box = queue.get_by_role("combobox", name="Search contacts")
    box.focus()
    page.keyboard.type("dan")
    expect(queue.get_by_role("option", name="Dan Wei")).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    action = heard(page, studio, "block_actions")["actions"][0]
    assert action["selected_option"]["value"] == "wei"
    assert studio.bot.of_type("block_suggestion")[-1]["value"] == "dan"
    expect(queue.get_by_role("button", name="Remove Dan Wei")).to_be_visible()


def test_several_are_chosen_and_taken_back(studio, windows):
    studio.post(*menus())
    page = windows.open(studio.url)
    queue = queue_of(page)
    box = queue.get_by_role("combobox", name="Pick a team")
    for number, name in enumerate(("Ana", "Ben"), start=1):
        box.click()
        choose(page, name)
        heard(page, studio, "block_actions", number)
    queue.get_by_role("button", name="Remove Ana").click()
    left = heard(page, studio, "block_actions", 3)["actions"][0]["selected_users"]
    assert left == [studio.world.ben]


def test_an_overflow_menu_and_a_date_are_told(studio, windows):
    studio.post(*menus())
    page = windows.open(studio.url)
    queue = queue_of(page)
    queue.get_by_role("button", name="More options").click()
    page.get_by_role("menuitem", name="Archive").click()
    chosen = heard(page, studio, "block_actions")["actions"][0]["selected_option"]
    assert chosen["value"] == "archive"
    queue.get_by_label("Day").fill("2027-02-03")
    assert heard(page, studio, "block_actions", 2)["actions"][0]["selected_date"] == "2027-02-03"


# -- shortcuts, commands


def test_a_message_has_the_apps_shortcuts(studio, windows):
    ts = studio.post(section("A card"))
    page = windows.open(studio.url)
    message = queue_of(page).get_by_role("article").last
    message.hover()
    message.get_by_role("button", name="More actions").click()
    expect(page.get_by_role("menuitem", name="Add as note")).to_be_focused()
    page.keyboard.press("Enter")
    payload = heard(page, studio, "message_action")
    assert (payload["callback_id"], payload["message"]["ts"]) == ("add_note", ts)


def test_shortcuts_and_commands_are_beside_the_field(studio, windows):
    page = windows.open(studio.url)
    queue = queue_of(page)
    queue.get_by_role("button", name="Shortcuts").click()
    expect(page.get_by_role("menuitem", name="Fill a form")).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    field = queue.get_by_role("textbox", name="Message queue")
    expect(field).to_have_value("/handoff ")
    field.press("Enter")
    expect(queue.get_by_text("Nobody is waiting.")).to_be_visible()


def open_form(page):
    queue_of(page).get_by_role("button", name="Shortcuts").click()
    page.get_by_role("menuitem", name="Fill a form").click()
    form = page.get_by_role("dialog", name="A form")
    expect(form).to_be_visible()
    return form


# -- windows


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


def test_escape_closes_a_list_first_and_then_the_window(studio, windows):
    page = windows.open(studio.url)
    form = open_form(page)
    form.get_by_role("combobox", name="Tags").click()
    page.keyboard.press("Escape")
    expect(form.get_by_role("listbox", name="Options")).to_have_count(0)
    expect(form).to_be_visible()
    page.keyboard.press("Escape")
    expect(form).to_have_count(0)


# -- Home, direct messages, channels


def home_with(*blocks):
    return {"type": "home", "blocks": list(blocks)}


def test_home_is_drawn_anew_as_soon_as_it_is_published(studio, windows):
    page = windows.open(studio.url)
    desk = desk_of(page)
    studio.bot.client.views_publish(
        user_id=studio.world.ana,
        view=home_with(section("One waits"), actions(button("Next", "next"))),
    )
    desk.get_by_role("button", name="Handoff Home").click()
    home = desk.get_by_role("region", name="Home", exact=True)
    expect(home.get_by_text("One waits")).to_be_visible()
    home.get_by_role("button", name="Next").focus()
    studio.bot.client.views_publish(
        user_id=studio.world.ana,
        view=home_with(section("Two wait"), actions(button("Next", "next")), *menus("home_")),
    )
    expect(home.get_by_text("Two wait")).to_be_visible()
    expect(home.get_by_role("button", name="Next")).to_be_focused()
    home.get_by_role("combobox", name="Search contacts").click()
    choose(page, "Miguel Ángel")
    action = heard(page, studio, "block_actions")["actions"][0]
    assert action["selected_option"]["value"] == "miguel"


def test_people_and_the_app_write_to_each_other(studio, windows):
    page = windows.open(studio.url)
    desk = desk_of(page)
    desk.get_by_role("button", name="Messages", exact=True).click()
    direct = desk.get_by_role("region", name="Handoff", exact=True)
    direct.get_by_role("textbox", name="Message Handoff").fill("Hello bot")
    direct.get_by_role("button", name="Send").click()
    expect(direct.get_by_role("article").get_by_text("Hello bot")).to_be_visible()
    opened = heard(page, studio, "app_home_opened")
    assert opened["event"]["tab"] == "messages"
    studio.bot.client.chat_postMessage(channel=studio.world.ana, text="Hello Ana")
    expect(direct.get_by_text("Hello Ana")).to_be_visible()


def test_the_app_is_invited_to_a_new_channel_and_removed(studio, windows):
    page = windows.open(studio.url)
    desk = desk_of(page)
    desk.get_by_role("button", name="Add a channel").click()
    window = page.get_by_role("dialog", name="Add a channel")
    window.get_by_role("textbox", name="Name").fill("Urgent ones")
    window.get_by_role("button", name="Add", exact=True).click()
    channel = desk.get_by_role("region", name="Channel urgent-ones")
    expect(channel.get_by_text("Handoff is not in this channel.")).to_be_visible()
    channel.get_by_role("button", name="Invite Handoff").click()
    expect(channel.get_by_text("Handoff joined the channel.")).to_be_visible()
    event = heard(page, studio, "member_joined_channel")["event"]
    assert (event["user"], event["inviter"]) == (studio.slack.bot_user, studio.world.ana)
    channel.get_by_role("button", name="Channel actions").click()
    page.get_by_role("menuitem", name="Remove Handoff from this channel").click()
    expect(channel.get_by_text("Handoff is not in this channel.")).to_be_visible()
    box = channel.get_by_role("textbox", name="Message urgent-ones")
    box.fill("/invite @Handoff")
    box.press("Enter")
    expect(channel.get_by_text("Handoff is not in this channel.")).to_have_count(0)


def test_somebody_is_away_and_does_not_want_to_be_disturbed(studio, windows):
    page = windows.open(studio.url)
    desk = desk_of(page)
    desk.get_by_role("button", name="You are active. Set yourself away.").click()
    expect(desk.get_by_role("button", name="You are away. Set yourself active.")).to_be_visible()
    desk.get_by_role("button", name="Notifications on. Change…").click()
    page.get_by_role("menuitem", name="Pause for 1 hour").click()
    expect(desk.get_by_role("button", name=re.compile("Paused until"))).to_be_visible()
    status = heard(page, studio, "dnd_updated_user")["event"]["dnd_status"]
    assert status["dnd_enabled"] is True
    assert studio.bot.client.users_getPresence(user=studio.world.ana)["presence"] == "away"


# -- messages


def test_customers_names_and_icons_and_pictures_are_shown(studio, windows):
    chart = studio.bot.upload("Waits by the hour")
    studio.post(username="Dana Reyes", icon_emoji=":iphone:", text="My parcel is gone")
    studio.post(
        {
            "type": "image",
            "slack_file": {"id": chart},
            "alt_text": "A rising line",
            "title": drawing_bot.plain("Waits"),
        },
        section(
            "Beside",
            accessory={
                "type": "image",
                "image_url": "https://example.com/x.png",
                "alt_text": "a cat",
            },
        ),
    )
    page = windows.open(studio.url)
    queue = queue_of(page)
    customer = queue.get_by_role("article", name=re.compile("Dana Reyes"))
    expect(customer.locator(".sl-avatar")).to_have_text("📱")
    picture = queue.get_by_role("img", name="A rising line")
    expect(picture).to_be_visible()
    assert picture.evaluate("one => one.complete && one.naturalWidth > 0")
    expect(queue.get_by_text("[a cat]")).to_be_visible()
    expect(queue.get_by_text("Beside")).to_be_visible()


def test_a_file_is_attached_in_a_thread_and_shown(studio, windows):
    ts = studio.post(section("A card"))
    page = windows.open(studio.url)
    desk = desk_of(page)
    card = queue_of(page).get_by_role("article").last
    card.hover()
    card.get_by_role("button", name="Reply in thread").click()
    thread = desk.get_by_role("region", name="Thread")
    file = {"name": "label.png", "mimeType": "image/png", "buffer": drawing_bot.PNG}
    thread.get_by_label("Attach a file").set_input_files(file)
    thread.get_by_role("button", name="Send").click()
    expect(thread.get_by_role("img", name="label.png")).to_be_visible()
    expect(thread.get_by_role("link", name="label.png")).to_be_visible()
    event = heard(page, studio, "message", len(studio.bot.of_type("message")) or 1)["event"]
    assert (event["subtype"], event["thread_ts"]) == ("file_share", ts)


def test_a_group_is_mentioned_by_its_handle(studio, windows):
    page = windows.open(studio.url)
    queue = queue_of(page)
    queue.get_by_role("textbox", name="Message queue").fill("Look, @sup")
    queue.get_by_role("button", name="@support").click()
    queue.get_by_role("button", name="Send").click()
    expect(queue.get_by_role("article").get_by_text("@support")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_everything_can_be_used_by_everybody(studio, windows, scheme, width):
    studio.post(*menus())
    studio.post(username="Dana", icon_emoji=":iphone:", text="Hello")
    page = windows.open(studio.url, viewport={"width": width, "height": 900}, color_scheme=scheme)
    if width < 700:
        page.get_by_role("button", name="Slack", exact=True).click()
    found = {}
    queue = queue_of(page)
    expect(queue.get_by_role("radio", name="Three")).to_be_visible()
    found["menus"] = findings(page)
    queue.get_by_role("combobox", name="Pick tags").click()
    choose(page, "Two")
    found["list"] = findings(page)
    page.keyboard.press("Escape")
    queue.get_by_role("button", name="Shortcuts").click()
    found["shortcuts"] = findings(page)
    page.get_by_role("menuitem", name="Fill a form").click()
    form = page.get_by_role("dialog", name="A form")
    form.get_by_role("combobox", name="Tags").click()
    choose(page, "B", exact=True)
    found["window"] = findings(page)
    assert form.evaluate("one => one.scrollWidth <= one.clientWidth + 1")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert {view: what for view, what in found.items() if what} == {}
