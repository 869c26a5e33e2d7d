"""The sandbox's page as somebody uses it: a customer's phone, an agent's Slack."""

from playwright.sync_api import Locator, Page, expect


class Phone:
    """The customer's side of a window."""

    def __init__(self, page: Page) -> None:
        self._side = page.get_by_role("region", name="Customer", exact=True)
        self.log = self._side.get_by_role("log", name="Messages")

    def becomes(self, name: str) -> None:
        """Another customer's phone."""
        self._side.get_by_role("list", name="Customers").get_by_role("button", name=name).click()

    def writes(self, text: str) -> None:
        self._side.get_by_role("textbox", name="Message").fill(text)
        self._side.get_by_role("button", name="Send", exact=True).click()

    def hears(self, text: str) -> Locator:
        found = self.log.get_by_text(text).last
        expect(found).to_be_visible()
        return found


class Desk:
    """Slack's side of a window."""

    def __init__(self, page: Page, who: str) -> None:
        self._page = page
        self.side = page.get_by_role("region", name="Slack", exact=True)
        self._become(who)
        self.thread = self.side.get_by_role("region", name="Thread")
        self.channel = self.side.get_by_role("region", name="Channel queue")

    def _become(self, who: str) -> None:
        options = self.side.get_by_role("combobox", name="You are")
        role = "admin" if who == "Mia" else "agent"
        options.select_option(label=f"{who} ({role})")

    def card(self, text: str) -> Locator:
        """A card that says this and is in sight: in its channel or, where that is narrow, its thread."""
        cards = self.side.get_by_role("article").filter(has_text=text)
        return cards.filter(has=self._page.locator("[data-action=view]")).last

    def press(self, action: str, card_text: str) -> None:
        self.card(card_text).locator(f"[data-action={action}]").click()

    def open_thread(self, card_text: str) -> None:
        card = self.card(card_text)
        card.hover()
        card.get_by_role("button", name="Reply in thread").click()
        expect(self.thread).to_be_visible()

    def replies(self, text: str) -> None:
        self.thread.get_by_role("textbox", name="Reply…").fill(text)
        self.thread.get_by_role("button", name="Send").click()

    def reply(self, text: str) -> Locator:
        """A message in the thread that says this."""
        return self.thread.get_by_role("article").filter(has_text=text).last

    def sees(self, text: str) -> None:
        expect(self.thread.get_by_text(text).last).to_be_visible()

    def types(self, command: str) -> None:
        """Write a command into the queue channel."""
        box = self.channel.get_by_role("textbox", name="Message queue")
        box.fill(command)
        box.press("Enter")

    def home(self) -> Locator:
        """The app's Home tab, opened."""
        self.side.get_by_role("button", name="Handoff Home").click()
        return self.side.get_by_role("region", name="Home", exact=True)

    def enters(self, channel: str) -> None:
        """Go to a channel."""
        self.side.get_by_role("button", name=channel, exact=True).click()
