"""Takes the pictures of README and docs from the running sandbox, so they never lie: `make screenshots`."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Locator, Page, ViewportSize, expect, sync_playwright

from handoff_sandbox.world import ROOT
from tests.browser.conftest import FLAGS, PATIENCE, Sandbox
from tests.browser.sandbox_page import Desk, Phone

PICTURES = ROOT / "docs" / "pictures"
TALL = 1300
"""Pixels, so that most windows need no scrolling."""


def main() -> None:
    """Play a little, and take the pictures."""
    PICTURES.mkdir(exist_ok=True)
    expect.set_options(timeout=PATIENCE)
    with tempfile.TemporaryDirectory(prefix="handoff-pictures-") as folder, sync_playwright() as p:
        browser = p.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        sandbox = Sandbox(Path(folder))
        try:
            sandbox.wait_until_up()
            first_day(browser, sandbox)
            desk(browser, sandbox)
            website(browser, sandbox)
            agents(browser, sandbox)
            admins(browser, sandbox)
            backstage(browser, sandbox)
        finally:
            sandbox.stop()
            browser.close()


def window(browser: Browser, sandbox: Sandbox, height: int = 900, **options) -> Page:
    size = ViewportSize(width=1440, height=height)
    page = browser.new_page(viewport=size, locale="en-GB", **options)
    page.goto(sandbox.url)
    page.get_by_role("button", name="Skip the tour").click()
    return page


def first_day(browser: Browser, sandbox: Sandbox) -> None:
    """What an admin of a fresh install sees, for docs/first-day.md."""
    page = window(browser, sandbox, TALL)
    mia = Desk(page, "Mia")
    home = mia.home()
    expect(home.get_by_text("Set up Handoff: 3 of 10 done")).to_be_visible()
    keep(home, "first-day-checklist")
    home.get_by_role("button", name="Set hours").click()
    close(keep(settled(page, "Business hours"), "first-day-hours"))
    page.close()


def desk(browser: Browser, sandbox: Sandbox) -> None:
    """A customer on the phone, an agent in the thread."""
    page = window(browser, sandbox)
    phone, ana = Phone(page), Desk(page, "Ana")
    phone.writes("How long does delivery take?")
    phone.hears("Standard delivery takes 2 to 4 working days")
    phone.writes("Mine is a week late. I want to talk to a person")
    phone.hears("I'm connecting you")
    keep(ana.card("is waiting"), "first-day-card")
    ana.press("claim", "is waiting")
    phone.hears("I've reviewed your conversation")
    ana.open_thread("Assigned to Ana")
    ana.replies("Hello Dana, I'm sorry about that. I'm sending it again today, express.")
    phone.hears("I'm sending it again today")
    expect(ana.reply("express").get_by_role("button", name="eyes 1")).to_be_visible()
    phone.writes("Thank you so much!")
    ana.sees("Thank you so much!")
    page.mouse.move(0, 0)
    page.screenshot(path=PICTURES / "desk.png")


def website(browser: Browser, sandbox: Sandbox) -> None:
    """A visitor of the shop in the queue, and their card."""
    page = window(browser, sandbox)
    page.get_by_role("tab", name="Website").click()
    shop = page.frame_locator('iframe[title="The shop\'s website"]')
    shop.get_by_role("button", name="Open chat").click()
    shop.get_by_role("textbox", name="Write a message").fill("How can I return an item?")
    shop.get_by_role("button", name="Send", exact=True).click()
    expect(shop.get_by_text("Assistant (automatic)").last).to_be_visible()
    shop.get_by_role("button", name="Talk to a person").click()
    expect(shop.get_by_text("in the queue")).to_be_visible()
    ben = Desk(page, "Ben")
    expect(ben.card("is waiting on web chat")).to_be_visible()
    page.mouse.move(0, 0)
    page.screenshot(path=PICTURES / "website.png")


def backstage(browser: Browser, sandbox: Sandbox) -> None:
    """Behind the scenes, in the dark: the journal, the switches, ten customers at once."""
    page = window(browser, sandbox, color_scheme="dark")
    page.get_by_role("button", name="Behind the scenes").click()
    page.get_by_role("button", name="Start Ten at once").click()
    mia = Desk(page, "Mia")
    expect(mia.side.get_by_text("Queue: 11 waiting").first).to_be_visible()
    page.mouse.move(0, 0)
    page.screenshot(path=PICTURES / "backstage.png")


def agents(browser: Browser, sandbox: Sandbox) -> None:
    """What an agent has before them all day, for docs/agents.md."""
    page = window(browser, sandbox, TALL)
    ana, wei = Desk(page, "Ana"), Phone(page)
    wei.becomes("Wei")
    wei.writes("How long does delivery take?")
    wei.hears("Standard delivery takes 2 to 4 working days")
    wei.writes("My order 1042 arrived broken. Let me talk to a person please")
    wei.hears("I'm connecting you")
    keep(ana.card("Wei is waiting"), "agent-card")
    home = ana.home()
    expect(home.get_by_text("Queue: 2 waiting")).to_be_visible()
    page.set_viewport_size({"width": 1440, "height": 640})
    keep(home, "agent-home")
    page.set_viewport_size({"width": 1440, "height": TALL})
    home.get_by_role("button", name="View queue").click()
    close(keep(settled(page, "Queue"), "agent-queue"))
    ana.enters("queue")
    ana.press("claim", "Wei is waiting")
    wei.hears("I've reviewed your conversation")
    wei.writes("How can I return an item?")
    expect(ana.channel.get_by_text("3 replies")).to_be_visible()
    ana.press("draft", "Assigned to Ana")
    page.get_by_role("dialog", name="Reply with draft").get_by_role("textbox").first.wait_for()
    close(keep(settled(page, "Reply with draft"), "agent-draft"))
    ana.press("resolve", "Assigned to Ana")
    resolve = settled(page, "Resolve")
    resolve.get_by_role("textbox", name="Tags").fill("damaged, refund")
    keep(resolve, "agent-resolve")
    resolve.get_by_role("button", name="Resolve").click()
    expect(resolve).to_have_count(0)
    wei.hears("How did we do?")
    ana.types("/handoff ticket 3")
    close(keep(settled(page, "Ticket #3"), "agent-ticket"))
    ana.home().get_by_role("button", name="Reports").click()
    close(keep(settled(page, "Reports"), "agent-figures"))


def admins(browser: Browser, sandbox: Sandbox) -> None:
    """What an admin sets, for docs/admins.md."""
    page = window(browser, sandbox, TALL)
    mia = Desk(page, "Mia")
    mia.types("/handoff settings")
    settings = keep(settled(page, "Settings"), "admin-settings")
    settings.get_by_role("button", name="Open: Waiting").click()
    close(keep(settled(page, "Waiting"), "admin-waiting"))
    close(settings)
    mia.types("/handoff settings texts")
    text = settled(page, "Customer text")
    text.get_by_role("combobox", name="Moment").select_option(label="Taken over")
    expect(text.get_by_text("Now speaking with Ana.")).to_be_visible()
    text.get_by_role("textbox").first.fill("{agent} from Fern & Finch is here now!")
    expect(text.get_by_text("Ana from Fern & Finch is here now!")).to_be_visible()
    close(keep(text, "admin-text"))
    for command, title, name in (
        ("/handoff routing", "Routing", "admin-routing"),
        ("/handoff notices", "Notifications", "admin-notice"),
    ):
        mia.types(command)
        rules = settled(page, title)
        rules.get_by_role("button", name="Add a rule").click()
        close(keep(settled(page, "Add a rule"), name))
        close(rules)


def settled(page: Page, title: str) -> Locator:
    """A window with this title, once it is filled."""
    shown = page.get_by_role("dialog", name=title)
    expect(shown).to_be_visible()
    expect(shown.get_by_text("Loading…")).to_have_count(0)
    return shown


def close(shown: Locator) -> None:
    """Close this window, which is on top."""
    shown.page.keyboard.press("Escape")
    expect(shown).to_have_count(0)


def keep(shown: Locator, name: str) -> Locator:
    """Take a picture of a part of the page, and go on with it."""
    shown.page.mouse.move(0, 0)
    shown.screenshot(path=PICTURES / f"{name}.png", animations="disabled")
    return shown


if __name__ == "__main__":
    main()
