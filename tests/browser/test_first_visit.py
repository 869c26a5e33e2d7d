"""What a first visit meets in the sandbox: the tour, what is new, what is hidden by nothing."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import findings_in_both
from tests.browser.drawing_bot import button, mrkdwn, plain, section
from tests.browser.studio import desk_of, queue_of

pytestmark = pytest.mark.browser

TEXT_AT = """(one) => {
  const range = document.createRange();
  range.selectNodeContents(one);
  const { x, y, right, bottom } = range.getBoundingClientRect();
  return [x, y, right, bottom];
}"""
AT = "(one) => { const { x, y, right, bottom } = one.getBoundingClientRect(); return [x, y, right, bottom]; }"


@pytest.mark.parametrize("width", [1440, 390])
def test_the_tour_leads_through_all_sides_and_is_not_shown_again(studio, windows, width):
    page = windows.open(studio.url, viewport={"width": width, "height": 844})
    tour = page.get_by_role("region", name="Guided tour")
    expect(tour.get_by_role("status")).to_contain_text("Step 1 of 7: Write as the customer")
    assert findings_in_both(page) == []
    for _ in range(6):
        tour.get_by_role("button", name="Next").click()
    expect(page.get_by_role("region", name="Behind the scenes")).to_be_visible()
    tour.get_by_role("button", name="Back").click()
    expect(page.locator("iframe")).to_be_visible()
    tour.get_by_role("button", name="Next").click()
    tour.get_by_role("button", name="Done").click()
    expect(tour).to_have_count(0)
    expect(page.get_by_role("button", name="How to try it")).to_be_focused()
    page.reload()
    expect(page.get_by_role("button", name="How to try it")).to_be_visible()
    expect(tour).to_have_count(0)


def test_a_skipped_tour_stays_away_until_it_is_asked_for(studio, windows):
    page = windows.open(studio.url)
    tour = page.get_by_role("region", name="Guided tour")
    tour.get_by_role("button", name="Skip the tour").click()
    page.reload()
    page.get_by_role("button", name="How to try it").click()
    expect(tour).to_contain_text("Write as the customer")


def test_the_answer_to_a_command_comes_into_sight_also_for_who_reads_further_up(studio, windows):
    for n in range(12):
        studio.post(section(f"Message {n}\n" * 5))
    page = windows.open(studio.url)
    queue = queue_of(page)
    expect(queue.get_by_text("Message 11").last).to_be_in_viewport()
    queue.get_by_text("Message 0").first.scroll_into_view_if_needed()
    field = queue.get_by_role("textbox", name="Message queue")
    field.fill("/handoff")
    field.press("Enter")
    expect(queue.get_by_text("No customers are waiting.")).to_be_in_viewport()
    queue.get_by_text("Message 0").first.scroll_into_view_if_needed()
    studio.post(section("Something new"))
    expect(queue.get_by_text("Something new")).to_be_attached()
    expect(queue.get_by_text("Message 0").first).to_be_in_viewport()


def test_what_is_typed_while_a_message_is_sent_stays(studio, windows):
    page = windows.open(studio.url)
    queue = queue_of(page)
    field = queue.get_by_role("textbox", name="Message queue")
    held = []
    page.route("**/sandbox/api/do/slack.say", lambda route: held.append(route))
    field.fill("First")
    field.press("Enter")
    expect(field).to_have_value("")
    field.press("Enter")
    field.fill("Second")
    with page.expect_response("**/sandbox/api/do/slack.say"):
        held[0].continue_()
    expect(queue.get_by_text("First")).to_be_visible()
    expect(field).to_have_value("Second")
    assert len(held) == 1


def test_a_message_that_slack_refuses_is_in_the_field_again(studio, windows):
    page = windows.open(studio.url)
    field = queue_of(page).get_by_role("textbox", name="Message queue")
    refused = {"ok": False, "error": "channel_not_found"}
    page.route("**/sandbox/api/do/slack.say", lambda route: route.fulfill(json=refused))
    field.fill("First")
    field.press("Enter")
    expect(page.get_by_text("channel_not_found")).to_be_visible()
    expect(field).to_have_value("First")


def test_a_late_scroll_event_does_not_end_the_stay_at_the_end(studio, windows):
    """The list grows between the scrolling and its event."""
    for n in range(12):
        studio.post(section(f"Message {n}\n" * 5))
    page = windows.open(studio.url)
    queue = queue_of(page)
    expect(queue.get_by_text("Message 11").last).to_be_in_viewport()
    page.evaluate(
        """() => {
            const list = [...document.querySelectorAll("*")].find(
                (one) => one.scrollTop > 0 && one.textContent.includes("Message 11"));
            list.firstElementChild.style.paddingBottom = "300px";
            list.dispatchEvent(new Event("scroll"));
            list.firstElementChild.style.paddingBottom = "";
        }"""
    )
    studio.post(section("Something new"))
    expect(queue.get_by_text("Something new")).to_be_in_viewport()


def test_what_is_new_in_the_queue_is_counted_where_it_was_not_seen(studio, windows):
    card = studio.post(section("A card"))
    page = windows.open(studio.url)
    side = desk_of(page)
    expect(queue_of(page).get_by_text("A card")).to_be_visible()
    article = queue_of(page).get_by_role("article").last
    studio.post(section("A reply"), thread_ts=card)
    article.get_by_role("button", name="1 reply").click()
    expect(side.get_by_role("region", name="Thread").get_by_text("A reply")).to_be_visible()
    side.get_by_role("button", name="general", exact=True).click()
    studio.post(section("A second card"))
    expect(side.get_by_role("button", name="queue 1 unread")).to_be_visible()
    studio.post(section("A second reply"), thread_ts=card)
    side.get_by_role("button", name="queue 2 unread").click()
    expect(article.or_(queue_of(page).get_by_role("article")).get_by_text("1 new")).to_be_visible()
    queue_of(page).get_by_role("button", name="2 replies").click()
    expect(side.get_by_text("1 new")).to_have_count(0)
    expect(side.get_by_role("button", name="queue", exact=True)).to_be_visible()

    phone = windows.open(studio.url, viewport={"width": 390, "height": 844})
    phone.get_by_role("button", name="Slack", exact=True).click()
    expect(queue_of(phone).get_by_text("A second card")).to_be_visible()
    desk_of(phone).get_by_role("button", name="Back to the list").click()
    studio.post(section("A third card"))
    expect(desk_of(phone).get_by_role("button", name="queue 1 unread")).to_be_visible()


def test_the_actions_of_a_message_hide_nothing_and_its_badge_keeps_to_one_line(studio, windows):
    name = "Somebody with a name that is far too long for one line of a narrow thread"
    words = "Words that fill the line to its very end. " * 8
    root = studio.post(section(words), username=name)
    for n in range(2):
        studio.post(section(f"{n} {words}"), thread_ts=root, username=name)
    page = windows.open(studio.url, viewport={"width": 1000, "height": 900})
    queue_of(page).get_by_role("button", name="2 replies").click()
    thread = desk_of(page).get_by_role("region", name="Thread")
    articles = thread.get_by_role("article")
    expect(articles).to_have_count(3)
    for message in articles.all():
        message.hover()
        left, top, right, bottom = message.get_by_role("group").evaluate(AT)
        for part in thread.locator(".sl-head, .sl-blocks, .sl-replies, .sl-event").all():
            x, y, end, below = part.evaluate(TEXT_AT)
            covers = min(right, end) - max(left, x) > 1 and min(bottom, below) - max(top, y) > 1
            assert not covers, part.text_content()
        badge = message.locator(".sl-app")
        assert badge.evaluate("(one) => one.getClientRects().length") == 1
        assert badge.bounding_box()["height"] < 24


@pytest.mark.parametrize("width", [1440, 390])
def test_columns_of_a_message_keep_apart(studio, windows, width):
    fields = [mrkdwn("whatsapp:+155501234567890 is waiting"), plain("Since today, 13:19")]
    studio.post({"type": "section", "fields": fields, "accessory": button("Take Over", "claim")})
    page = windows.open(studio.url, viewport={"width": width, "height": 844})
    if width == 390:
        page.get_by_role("button", name="Slack", exact=True).click()
    columns = queue_of(page).locator(".grid-cols-2 > *")
    expect(columns).to_have_count(2)
    one, two = (columns.nth(n).evaluate(AT) for n in range(2))
    assert two[0] - one[2] >= 12
    assert columns.first.evaluate("(one) => one.scrollWidth <= one.clientWidth + 1")


def test_plain_text_holds_neither_mentions_nor_links(studio, windows):
    said = plain(f"Dana <@{studio.world.ana}> <!here> <https://evil.example|x> <#C1>")
    block = {"type": "section", "fields": [said, mrkdwn(f"<@{studio.world.ana}>")], "text": said}
    studio.post(block, {"type": "context", "elements": [said]}, {"type": "header", "text": said})
    drawn = queue_of(windows.open(studio.url)).get_by_role("article").last
    expect(drawn.locator(".sl-mention")).to_have_text(["@Ana"])
    expect(drawn.get_by_role("link")).to_have_count(0)
    expect(drawn.get_by_text("<!here>").or_(drawn.get_by_text("<\u2060!here>"))).to_have_count(4)


def test_the_dark_theme_reaches_the_shop_and_its_chat(studio, windows):
    page = windows.open(studio.url, color_scheme="light")
    page.get_by_role("tab", name="Website").click()
    shop = page.frame_locator("iframe")
    body = shop.locator("body")
    expect(body).to_have_css("background-color", "rgb(250, 247, 241)")
    page.get_by_role("button", name="Dark theme").click()
    expect(body).to_have_css("background-color", "rgb(23, 26, 24)")
    script = shop.locator("script[data-title]")
    expect(script).to_have_attribute("data-theme", "dark")
    page.reload()
    expect(body).to_have_css("background-color", "rgb(23, 26, 24)")
