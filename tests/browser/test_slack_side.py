"""Slack's side of the page: menus, shortcuts, Home, direct messages, channels, files."""

import re

import pytest
from playwright.sync_api import expect

from handoff_bot.domain.report import Cell, Chart, Point, Table
from handoff_bot.slack.kit.fields import feedback_buttons
from handoff_bot.slack.kit.text import chart_block, table_block
from tests.browser import drawing_bot
from tests.browser.conftest import findings
from tests.browser.drawing_bot import actions, button, menus, section
from tests.browser.studio import choose, desk_of, heard, queue_of

pytestmark = pytest.mark.browser


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
    expect(queue.get_by_text("No customers are waiting.")).to_be_visible()


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


def test_nothing_can_be_clicked_before_the_world_has_arrived(studio, windows):
    page = windows.open("about:blank")
    held = []
    page.route("**/sandbox/api/events", lambda route: held.append(route))
    page.goto(studio.url)
    desk = desk_of(page)
    expect(desk).to_be_visible()
    expect(desk.get_by_role("button", name="Messages", exact=True)).to_have_count(0)
    held[0].continue_()
    desk.get_by_role("button", name="Messages", exact=True).click()
    direct = desk.get_by_role("region", name="Handoff", exact=True)
    expect(direct.get_by_role("textbox", name="Message Handoff")).to_be_visible()


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


# -- charts, tables and feedback buttons


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_charts_tables_and_feedback_buttons_are_drawn_and_act(studio, windows, scheme):
    points = (Point("Mon", 2, "2"), Point("Tue", 5, "5"))
    rows = tuple((Cell(f"Agent {n:02}"), Cell(str(n), n)) for n in range(1, 31))
    studio.post(
        chart_block(Chart("Escalations per day", "Escalations", points)),
        table_block(Table("Agents", ("Agent", "Claimed"), rows)),
        feedback_buttons("7:draft"),
    )
    page = windows.open(studio.url, color_scheme=scheme)
    queue = queue_of(page)
    expect(queue.get_by_text("Escalations per day")).to_be_visible()
    expect(queue.get_by_text("Tue").first).to_be_visible()
    table = queue.get_by_role("table", name="Agents")
    expect(table.get_by_role("row")).to_have_count(21)
    for name in ("Agent 01", "Agent 30"):
        queue.get_by_role("button", name="Claimed").click()
        expect(table.get_by_role("row").nth(1)).to_contain_text(name)
    queue.get_by_role("button", name="Next", exact=True).click()
    expect(table.get_by_role("row").nth(1)).to_contain_text("Agent 10")
    queue.get_by_role("button", name="Not helpful").click()
    action = heard(page, studio, "block_actions")["actions"][0]
    assert (action["type"], action["value"]) == ("feedback_buttons", "7:draft:bad")
    assert findings(page) == []
