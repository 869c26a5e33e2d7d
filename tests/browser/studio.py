"""A page whose bot draws whatever a test wants, and Slack's side of it."""

import time

from playwright.sync_api import expect

from handoff_sandbox.free_port import free_port
from handoff_sandbox.page.server import PageServer, origins
from handoff_sandbox.page.stage import Stage
from handoff_sandbox.slack.state.scopes import EVERYTHING
from tests.browser.drawing_bot import DrawingBot


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


def open_form(page):
    queue_of(page).get_by_role("button", name="Shortcuts").click()
    page.get_by_role("menuitem", name="Fill a form").click()
    form = page.get_by_role("dialog", name="A form")
    expect(form).to_be_visible()
    return form
