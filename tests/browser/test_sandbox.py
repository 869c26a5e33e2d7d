"""The whole flow in a browser: a customer's phone, two agents, an admin, and trouble."""

import json
import re
from contextlib import contextmanager
from threading import Barrier

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import findings
from tests.browser.sandbox_page import Desk, Phone

pytestmark = pytest.mark.browser


@contextmanager
def in_the_same_moment(slack):
    """Two clicks on what both people see: neither is sent to the bot before both have been made."""
    both = Barrier(2, timeout=30)
    send = slack._interact

    def send_together(payload):
        both.wait()
        return send(payload)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(slack, "_interact", send_together)
        yield


def test_from_hello_to_a_rating_with_two_agents_and_a_race(sandbox, windows):
    one = windows.open(sandbox.url)
    two = windows.open(sandbox.url)
    phone, ana, ben = Phone(one), Desk(one, "Ana"), Desk(two, "Ben")

    phone.writes("How long does delivery take?")
    phone.hears("Standard delivery takes 2 to 4 working days")
    phone.writes("I want to talk to a person <!channel>")
    phone.hears("I'm connecting you with a member of our team.")
    expect(ana.card("Dana Reyes")).to_contain_text("<!channel>")

    # Both press at the same moment: one has it, the other is told who.
    for desk in (ana, ben):
        expect(desk.card("is waiting").locator("[data-action=claim]")).to_be_enabled()
    with in_the_same_moment(sandbox.stage.slack):
        two.evaluate("document.querySelector('[data-action=claim]').click()")
        one.evaluate("document.querySelector('[data-action=claim]').click()")
        phone.hears("Now speaking with")
    # By what the customer reads: the cards are drawn again in their own time.
    name = "Ana" if "Now speaking with Ana" in phone.log.inner_text() else "Ben"
    winner, loser = (ana, ben) if name == "Ana" else (ben, ana)
    told = re.compile(rf"{name} took this (just now|\d+ s ago)\.")
    expect(loser.side.get_by_text(told)).to_be_visible()
    assert len([t for t in texts(sandbox) if t.startswith("Now speaking with")]) == 1

    winner.open_thread(f"Assigned to {name}")
    winner.replies("Hello Dana, *what* happened?")
    heard = phone.hears("Hello Dana, what happened?")
    expect(heard.locator("strong")).to_have_text("what")
    expect(winner.reply("Hello Dana").get_by_role("button", name="eyes 1")).to_be_visible()
    phone.writes("My parcel is lost & gone")
    winner.sees("My parcel is lost & gone")

    # What is not for the customer never reaches the phone.
    winner.replies("note: third lost parcel in that street")
    loser.open_thread(f"Assigned to {name}")
    loser.replies("Just send another one")
    loser.sees("Saved as an internal note")

    # A reload in the middle loses nothing.
    one.reload()
    phone.hears("Hello Dana, what happened?")
    winner.sees("third lost parcel")

    winner.replies("It leaves again today.")
    phone.hears("It leaves again today.")
    assert not any("third lost" in text or "another one" in text for text in texts(sandbox))

    winner.press("resolve", f"Assigned to {name}")
    dialog = winner.side.get_by_role("dialog", name="Resolve")
    dialog.get_by_role("button", name="Resolve").click()
    phone.hears("How did we do?")
    phone.writes("5")
    phone.hears("Thank you for your answer.")
    winner.sees("Dana Reyes rated this conversation: 5 of 5.")


def texts(sandbox) -> list[str]:
    """Everything that Dana's phone was sent."""
    return [sent.body for sent in sandbox.stage.twilio.phone("whatsapp:+15550123")]


def test_a_visitor_of_the_shop_talks_to_mia_and_is_returned_to_the_assistant(sandbox, windows):
    page = windows.open(sandbox.url)
    mia = Desk(page, "Mia")
    page.get_by_role("tab", name="Website").click()
    shop = page.frame_locator('iframe[title="The shop\'s website"]')
    shop.get_by_role("button", name="Open chat").click()
    shop.get_by_role("button", name="Talk to a person").click()
    expect(shop.get_by_text("You are number 1 in the queue.")).to_be_visible()

    mia.press("claim", "is waiting on web chat")
    expect(shop.get_by_text("You are talking to Mia.")).to_be_visible()
    mia.open_thread("Assigned to Mia")
    mia.replies("Welcome to Fern & Finch")
    expect(shop.get_by_text("Welcome to Fern & Finch")).to_be_visible()

    mia.press("return", "Assigned to Mia")
    window = page.get_by_role("dialog", name="Return to AI")
    window.get_by_role("button", name="Return").click()
    expect(shop.get_by_text("You're back with our automated assistant.")).to_be_visible()
    shop.get_by_role("textbox", name="Write a message").fill("When are you open?")
    shop.get_by_role("button", name="Send", exact=True).click()
    expect(shop.get_by_text("Assistant (automatic)").last).to_be_visible()


def test_slack_in_trouble_delays_the_card_and_loses_nothing(sandbox, windows):
    page = windows.open(sandbox.url)
    phone, ana = Phone(page), Desk(page, "Ana")
    page.get_by_role("button", name="Behind the scenes").click()
    switch = page.get_by_role("switch", name="Slack server error")
    switch.click()
    expect(switch).to_be_checked()
    phone.writes("I want to talk to a human being")
    phone.hears("I'm connecting you")
    journal = page.get_by_role("list", name="Exchanges")
    expect(journal.get_by_text("500").first).to_be_visible()
    expect(ana.card("is waiting")).to_have_count(0)

    switch.click()
    expect(ana.card("Dana Reyes is waiting")).to_have_count(1)


def test_a_killed_bot_comes_back_and_goes_on(sandbox, windows):
    page = windows.open(sandbox.url)
    phone, ana = Phone(page), Desk(page, "Ana")
    phone.writes("I want to talk to a person")
    ana.press("claim", "Dana Reyes is waiting")
    phone.hears("Now speaking with Ana.")
    page.get_by_role("button", name="Behind the scenes").click()
    page.get_by_role("button", name="Kill the bot").click()
    expect(page.get_by_text("The bot is down")).to_be_visible()
    page.get_by_role("button", name="Start the bot").click()
    expect(page.get_by_text("The bot is up")).to_be_visible()
    ana.open_thread("Assigned to Ana")
    ana.replies("Here I am again")
    phone.hears("Here I am again")


def test_what_a_customer_writes_while_the_bot_starts_is_answered(sandbox, windows):
    page = windows.open(sandbox.url)
    phone = Phone(page)
    expect(page.get_by_text("The bot is up")).to_be_visible()
    sandbox.stage.kill_bot()
    sandbox.stage.start_bot()
    phone.writes("How long does delivery take?")
    sandbox.wait_until_up()
    phone.hears("Standard delivery takes 2 to 4 working days")


def test_an_e_mail_to_the_team_can_be_read_in_the_mailbox_and_its_job_is_listed(sandbox, windows):
    page = windows.open(sandbox.url)
    mia = Desk(page, "Mia")
    mia.types("/handoff notices")
    page.get_by_role("dialog", name="Notifications").get_by_role(
        "button", name="Add a rule"
    ).click()
    rule = page.get_by_role("dialog", name="Add a rule")
    rule.get_by_role("textbox", name="E-mail to").fill("ops@example.com")
    rule.get_by_role("button", name="Save").click()
    expect(rule).to_have_count(0)
    page.keyboard.press("Escape")
    # While a dialog is open, the rest of the page takes no focus and so no text.
    expect(page.get_by_role("dialog")).to_have_count(0)
    Phone(page).writes("I want to talk to a person <b>now</b>")
    page.get_by_role("button", name="Behind the scenes").click()
    mailbox = page.get_by_role("region", name="Mailbox")
    mailbox.get_by_text("Dana Reyes is waiting on WhatsApp").click()
    expect(mailbox.get_by_text("I want to talk to a person <b>now</b>")).to_be_visible()
    expect(mailbox.get_by_text("To ops@example.com")).to_be_visible()
    jobs = page.get_by_role("region", name="Jobs")
    jobs.get_by_text("The newest jobs").click()
    expect(jobs.get_by_text("mail:ops@example.com").first).to_be_visible()


def test_a_look_up_is_listed_with_its_address_and_what_was_shown(sandbox, windows):
    page = windows.open(sandbox.url)
    page.get_by_role("button", name="Behind the scenes").click()
    made = page.get_by_role("region", name="Look-ups")
    made.get_by_text("What the AI asked").click()
    expect(made.get_by_text("No look-ups yet.")).to_be_visible()
    page.get_by_role("button", name="Start Where is my order?").click()
    expect(made.get_by_text("order_status")).to_be_visible()
    expect(made.get_by_text(f"{sandbox.stage.shop.url}/orders/{{number}}")).to_be_visible()
    expect(made.get_by_text("Status: shipped")).to_be_visible()


def test_two_windows_stay_in_step_and_scripts_play(sandbox, windows):
    one, two = windows.open(sandbox.url), windows.open(sandbox.url)
    one.get_by_role("button", name="Behind the scenes").click()
    one.get_by_role("button", name="Start Ten at once").click()
    for page in (one, two):
        desk = Desk(page, "Ben")
        expect(desk.channel.get_by_text("Queue: 10 waiting").first).to_be_visible()


def test_the_clock_shuts_whatsapps_window_and_the_thread_says_so(sandbox, windows):
    page = windows.open(sandbox.url)
    phone, ana = Phone(page), Desk(page, "Ana")
    phone.writes("I want to talk to a person")
    ana.press("claim", "Dana Reyes is waiting")
    phone.hears("I've reviewed your conversation")  # all that is sent by itself has left
    page.get_by_role("button", name="Behind the scenes").click()
    page.get_by_role("button", name="+25 h").click()
    ana.open_thread("Assigned to Ana")
    ana.replies("Are you still there?")
    ana.sees("24-hour window has closed")
    ana.thread.get_by_role("button", name="Use template").click()
    window = page.get_by_role("dialog", name="Use a template")
    expect(window.get_by_text("/handoff templates")).to_be_visible()


def test_windows_commands_and_edits_work(sandbox, windows):
    page = windows.open(sandbox.url)
    phone, ana = Phone(page), Desk(page, "Ana")
    phone.writes("I want to talk to a person")
    ana.press("assign", "Dana Reyes is waiting")
    window = page.get_by_role("dialog", name="Assign")
    window.get_by_role("combobox", name="An agent").select_option(label="Ben")
    window.get_by_role("button", name="Assign").click()
    phone.hears("Now speaking with Ben.")

    ana.press("view", "Assigned to Ben")
    window = page.get_by_role("dialog")
    expect(window).to_contain_text("I want to talk to a person")
    page.keyboard.press("Escape")
    expect(window).to_have_count(0)

    box = ana.channel.get_by_role("textbox", name="Message queue")
    box.fill("/hand")
    ana.channel.get_by_role("button", name="/handoff").click()
    box.press_sequentially("help")
    box.press("Enter")
    expect(ana.channel.get_by_text("Only visible to you")).to_be_visible()

    ben = Desk(page, "Ben")
    ben.open_thread("Assigned to Ben")
    ben.replies("One momet")
    phone.hears("One momet")
    said = ben.reply("One momet")
    said.hover()
    said.get_by_role("button", name="Edit").click()
    said = ben.thread.get_by_role("textbox", name="Edit message")
    said.fill("One moment")
    ben.thread.get_by_role("button", name="Save").click()
    ben.thread.locator("[data-action=send_correction]").click()
    phone.hears("Correction:\nOne moment")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_every_view_can_be_used_by_everybody(sandbox, windows, scheme, width):
    size = {"width": width, "height": 850}
    page = windows.open(sandbox.url, viewport=size, color_scheme=scheme)
    sandbox.stage.twilio.customer_writes("whatsapp", "+15550123", "I want to talk to a person")
    is_narrow = width < 700
    found: dict[str, list[str]] = {}
    expect(page.get_by_text("The bot is up")).to_be_visible()
    found["first"] = findings(page)
    if is_narrow:
        page.get_by_role("button", name="Slack", exact=True).click()
    side = page.get_by_role("region", name="Slack", exact=True)
    expect(side.get_by_text("is waiting on WhatsApp").first).to_be_visible()
    found["channel"] = findings(page)
    card = side.locator("article", has=page.locator("[data-action=view]")).last
    card.locator("[data-action=assign]").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    found["window"] = findings(page)
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    card.focus() if is_narrow else card.hover()
    page.evaluate(
        "document.querySelectorAll('.sl-menu button').forEach((one) => "
        "one.textContent === 'Reply in thread' && one.click())"
    )
    expect(side.get_by_role("region", name="Thread")).to_be_visible()
    found["thread"] = findings(page)
    page.get_by_role("button", name="Behind the scenes").click()
    expect(page.get_by_role("region", name="Behind the scenes")).to_be_visible()
    found["backstage"] = findings(page)
    assert {view: what for view, what in found.items() if what} == {}


def test_hostile_words_stay_words(sandbox, windows):
    page = windows.open(sandbox.url)
    phone, ana = Phone(page), Desk(page, "Ana")
    hostile = "<img src=x> *b* <http://evil.example|click> human please"
    phone.writes(hostile)
    expect(ana.card("is waiting")).to_contain_text("<img src=x> *b*")
    expect(ana.card("is waiting")).to_contain_text("<http://evil.example|click>")
    assert page.locator("img[src=x], a[href*='evil.example']").count() == 0


def test_other_websites_cannot_use_the_sandbox(sandbox, windows):
    page = windows.open(sandbox.url)
    answer = page.request.post(
        f"{sandbox.page.url}/sandbox/api/do/bot.kill",
        data=json.dumps({}),
        headers={"Origin": "http://evil.example", "Content-Type": "application/json"},
    )
    assert answer.status == 403
    assert sandbox.stage.bot_state() == "up"
