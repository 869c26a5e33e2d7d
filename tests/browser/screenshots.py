"""Takes the README's pictures from the running sandbox, so that they never lie: `make screenshots`."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright

from handoff_bot.sandbox.world import ROOT
from tests.browser.conftest import FLAGS, PATIENCE, Sandbox
from tests.browser.sandbox_page import Desk, Phone

PICTURES = ROOT / "docs" / "pictures"


def main() -> None:
    """Play a little, and take three pictures."""
    PICTURES.mkdir(exist_ok=True)
    expect.set_options(timeout=PATIENCE)
    with tempfile.TemporaryDirectory(prefix="handoff-pictures-") as folder, sync_playwright() as p:
        browser = p.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        sandbox = Sandbox(Path(folder))
        try:
            sandbox.wait_until_up()
            desk(browser, sandbox)
            website(browser, sandbox)
            backstage(browser, sandbox)
        finally:
            sandbox.stop()
            browser.close()


def window(browser: Browser, sandbox: Sandbox, **options) -> Page:
    page = browser.new_page(viewport={"width": 1440, "height": 900}, locale="en-GB", **options)
    page.goto(sandbox.url)
    page.get_by_role("button", name="Got it").click()
    return page


def desk(browser: Browser, sandbox: Sandbox) -> None:
    """A customer on the phone, an agent in the thread."""
    page = window(browser, sandbox)
    phone, ana = Phone(page), Desk(page, "Ana")
    phone.writes("How long does delivery take?")
    phone.hears("Standard delivery takes 2 to 4 working days")
    phone.writes("Mine is a week late. I want to talk to a person")
    phone.hears("I'm connecting you")
    ana.press("claim", "is waiting")
    phone.hears("I've reviewed your conversation")
    ana.open_thread("Ana has this")
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
    shop.get_by_role("button", name="Send").click()
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


if __name__ == "__main__":
    main()
