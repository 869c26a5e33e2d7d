"""The desk's windows in the running sandbox, as agents and admins go through them with mouse and keyboard."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from handoff_bot.domain.escalations import ResolvedAs, Status
from handoff_bot.domain.signals import Mood, Signal
from handoff_bot.slack.cards.card import render_card
from tests.browser.conftest import findings
from tests.browser.sandbox_page import Desk, Phone
from tests.slack import builders

pytestmark = pytest.mark.browser


@pytest.fixture
def page(sandbox, windows):
    """Somebody waits."""
    page = windows.open(sandbox.url)
    phone = Phone(page)
    phone.writes("How long does delivery take?")
    phone.hears("Standard delivery takes 2 to 4 working days")
    phone.writes("Mine is a week late. I want to talk to a person")
    phone.hears("I'm connecting you")
    return page


def test_an_agent_works_from_home(page):
    ana = Desk(page, "Ana")
    home = ana.home()
    expect(home.get_by_text("Queue: 1 waiting")).to_be_visible()
    assert findings(page) == []
    home.get_by_role("button", name="Take next").click()
    expect(home.get_by_text("Your conversations: 1")).to_be_visible()
    expect(home.get_by_text("Waiting for your reply")).to_be_visible()
    home.get_by_role("button", name="View queue").click()
    window = page.get_by_role("dialog", name="Queue")
    expect(window.get_by_text("No customers are waiting.")).to_be_visible()
    assert findings(page) == []
    page.keyboard.press("Escape")
    expect(window).to_have_count(0)
    home.get_by_role("button", name="Reports").click()
    window = page.get_by_role("dialog", name="Reports")
    expect(window.get_by_text("1 escalation in 1 conversation")).to_be_visible()
    assert findings(page) == []
    window.get_by_role("button", name="Send me the chart").click()
    expect(window.get_by_text("as a direct message")).to_be_visible()
    page.keyboard.press("Escape")
    expect(window).to_have_count(0)
    ana.side.get_by_role("button", name="Messages").click()
    expect(ana.side.get_by_text("1 escalation in 1 conversation").first).to_be_visible()


def test_an_agent_drafts_resolves_and_finds_the_ticket_again(page):
    phone, ana = Phone(page), Desk(page, "Ana")
    ana.press("claim", "is waiting")
    phone.hears("I've reviewed your conversation")
    ana.press("draft", "Assigned to Ana")
    window = page.get_by_role("dialog", name="Reply with draft")
    field = window.get_by_role("textbox").first
    expect(field).to_be_visible()
    assert findings(page) == []
    field.fill("I'm sending it again today.")
    window.get_by_role("button", name="Send").click()
    phone.hears("I'm sending it again today.")
    ana.press("resolve", "Assigned to Ana")
    window = page.get_by_role("dialog", name="Resolve")
    window.get_by_role("textbox", name="Tags").fill("late parcel")
    assert findings(page) == []
    window.get_by_role("button", name="Resolve").click()
    phone.hears("How did we do?")
    ana.types("/handoff tickets")
    window = page.get_by_role("dialog", name="Tickets")
    window.get_by_role("textbox", name="Search").fill("#late")
    window.get_by_role("textbox", name="Search").press("Enter")
    window.get_by_role("button", name="Open: #1").click()
    window = page.get_by_role("dialog", name="Ticket #1")
    expect(window.get_by_text("#late #parcel")).to_be_visible()
    expect(window.get_by_text("I'm sending it again today.")).to_be_visible()
    assert findings(page) == []


def test_an_admin_writes_a_rule_and_it_counts(page):
    mia, phone = Desk(page, "Mia"), Phone(page)
    mia.types("/handoff settings")
    settings = page.get_by_role("dialog", name="Settings")
    assert findings(page) == []
    settings.get_by_role("button", name="Open: Waiting").click()
    waiting = page.get_by_role("dialog", name="Waiting")
    removes = waiting.get_by_role("button", name="Remove: After")
    expect(removes.nth(3)).to_be_visible()
    menus = waiting.locator("[data-action^=policy_what] select").all()
    for menu, remove in zip(menus, removes.all(), strict=True):
        assert abs(menu.bounding_box()["y"] - remove.bounding_box()["y"]) < 10, "it wraps"
    page.keyboard.press("Escape")
    expect(waiting).to_have_count(0)
    settings.get_by_role("button", name="Open: Notifications").click()
    rules = page.get_by_role("dialog", name="Notifications")
    rules.get_by_role("button", name="Add a rule").click()
    form = page.get_by_role("dialog", name="Add a rule")
    assert findings(page) == []
    form.get_by_role("button", name="Save").click()
    expect(form.get_by_text("Choose who is notified.")).to_be_visible()
    form.get_by_role("combobox", name="Direct message to").click()
    page.get_by_role("listbox", name="Options").get_by_role("option", name="Ben").click()
    form.get_by_role("button", name="Preview").click()
    expect(
        form.get_by_text("Tested on the last 1 escalation: the rule would have applied to 1.")
    ).to_be_visible()
    form.get_by_role("button", name="Save").click()
    expect(rules.get_by_text("Rule saved.")).to_be_visible()
    expect(rules.get_by_text("1. All conversations")).to_be_visible()
    assert findings(page) == []
    for window in (rules, settings):
        page.keyboard.press("Escape")
        expect(window).to_have_count(0)
    mia.press("claim", "is waiting")
    phone.hears("Now speaking with Mia.")
    mia.press("resolve", "Assigned to Mia")
    resolving = page.get_by_role("dialog", name="Resolve")
    resolving.get_by_role("button", name="Resolve").click()
    expect(resolving).to_have_count(0)
    phone.writes("I need a person again")
    ben = Desk(page, "Ben")
    ben.side.get_by_role("button", name="Messages").click()
    expect(ben.side.get_by_text("is waiting on").first).to_be_visible()


def test_an_admin_changes_what_customers_are_told(page):
    mia, phone = Desk(page, "Mia"), Phone(page)
    mia.types("/handoff settings texts")
    window = page.get_by_role("dialog")
    window.get_by_role("combobox", name="Moment").select_option(label="Taken over")
    expect(window.get_by_text("Now speaking with Ana.")).to_be_visible()
    field = window.get_by_role("textbox").first
    field.fill("Nobody special is here.")
    window.get_by_role("button", name="Save").click()
    expect(window.get_by_text("{agent}").first).to_be_visible()
    field.fill("{agent} is here now!")
    assert findings(page) == []
    window.get_by_role("button", name="Save").click()
    expect(window.get_by_text("saved").first).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    mia.press("claim", "is waiting")
    phone.hears("Mia is here now!")


def height_of(page, state):
    """The height of a card, without Slack's own line of replies."""
    card = page.locator("article.sl-message", has_text=state).first
    replies = card.get_by_role("button", name=re.compile(r"^\d+ repl"))
    expect(replies).to_be_visible()
    return card.bounding_box()["height"] - replies.bounding_box()["height"]


def test_a_card_leaves_room_for_others(page):
    phone, ana = Phone(page), Desk(page, "Ana")
    assert height_of(page, "Dana Reyes is waiting on WhatsApp") <= 260
    ana.press("claim", "is waiting")
    phone.hears("I've reviewed your conversation")
    ana.open_thread("Assigned to Ana")
    ana.replies("!resolve")
    phone.hears("This conversation is now closed")
    page.get_by_role("button", name="Close").click()
    assert height_of(page, "Resolved by Ana") <= 120


SAID = "My parcel was promised for Monday. Where is it? I want to talk to a person."
SUMMARY = "Order 4711 was promised for Monday and has not come."
LONG = f"{SAID} {SUMMARY} " * 4
WAITING = builders.card(
    attributes={"plan": "Business", "order": "4711", "page": "/returns"},
    reply_due_at=builders.NOW + timedelta(minutes=5),
    evidence=SAID,
    summary=SUMMARY,
)
AT_MOST = builders.card(
    attributes=dict.fromkeys(("plan", "order", "page", "more"), LONG),
    vip=True,
    mood=Mood.UPSET,
    reply_due_at=builders.NOW + timedelta(minutes=5),
    solve_due_at=builders.NOW + timedelta(hours=5),
    evidence=LONG,
    summary=LONG,
    scores=dict.fromkeys(Signal, 0.9),
)
TWO_LONG = replace(WAITING, evidence=LONG, summary=LONG)
STOPPED = replace(WAITING, opted_out=True)
ANSWERED = builders.closed(
    Status.RESOLVED,
    attributes=WAITING.attributes,
    tags=("refund", "late-parcel", "carrier"),
    outcome=ResolvedAs.WORKAROUND.value,
    rating=4,
    summary=LONG,
)


@pytest.mark.parametrize(
    ("card", "limit"),
    [(WAITING, 260), (TWO_LONG, 260), (STOPPED, 285), (AT_MOST, 320), (ANSWERED, 120)],
    ids=["waiting", "with long messages", "after STOP", "with the longest texts", "resolved"],
)
def test_a_card_with_all_its_parts_leaves_room_for_others_too(studio, windows, card, limit):
    studio.post(*render_card(card).blocks)
    page = windows.open(studio.url)
    shown = page.locator("article.sl-message", has_text="Dana R.").last
    expect(shown).to_be_visible()
    assert shown.bounding_box()["height"] <= limit
