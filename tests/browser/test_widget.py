"""The chat widget on a strange website: strict policy, hostile words, bad networks, every reader."""

import base64
import json
import re

import pytest
from playwright.sync_api import Page, expect

from handoff_bot.domain import texts
from handoff_bot.web.chat_files import BUNDLE, languages
from handoff_sandbox.slack import Attachment
from tests.browser.conftest import findings, findings_in_both

pytestmark = pytest.mark.browser


class Chat:
    """The widget in a window."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.launcher = page.get_by_role("button", name="Open chat")
        self.panel = page.get_by_role("dialog")
        self.log = self.panel.get_by_role("log")

    def open(self) -> "Chat":
        self.launcher.click()
        expect(self.panel).to_be_visible()
        return self

    def writes(self, *texts: str) -> None:
        for text in texts:
            self.panel.get_by_role("textbox").fill(text)
            self.page.keyboard.press("Enter")

    def shows(self, text: str) -> None:
        expect(self.log.get_by_text(text, exact=True).last).to_be_visible()

    def mine(self):
        return self.page.evaluate(
            "[...document.getElementById('handoff-chat').shadowRoot"
            ".querySelectorAll('.mine .bubble')].map((one) => one.textContent)"
        )


def claimed(sandbox, user: str | None = None) -> str:
    """The card of the only conversation, taken over."""
    world = sandbox.stage.world
    world.slack.wait_for(lambda: bool(world.cards()), 20)
    card = str(world.cards()[0]["ts"])
    world.slack.click(user or world.ana, world.queue, card, "claim")
    return card


def in_thread(sandbox, card: str, count: int) -> list[str]:
    """Returns the visitor's messages in the thread, once there are so many; one post may hold several."""
    world = sandbox.stage.world

    def found() -> list[str]:
        thread = world.slack.thread(world.queue, card)
        return [line for m in thread for line in re.findall(r"line \d", m["text"])]

    world.slack.wait_for(lambda: len(found()) >= count, 20)
    return found()


LOADED = "(url) => performance.getEntriesByName(url)[0].toJSON()"


def test_a_page_view_costs_one_small_request_that_delays_no_paint(sandbox, windows):
    page = windows.open("about:blank")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(sandbox.shop)
    expect(Chat(page).launcher).to_be_visible()
    page.wait_for_load_state("networkidle")
    of_bot = [url for url in asked if url.startswith(sandbox.stage.world.bot_url)]
    assert of_bot == [f"{sandbox.stage.world.bot_url}/chat/widget.js"]
    loaded = page.evaluate(LOADED, of_bot[0])
    assert loaded["renderBlockingStatus"] == "non-blocking"


def test_two_visitors_are_two_and_a_reload_keeps_what_was_said(sandbox, windows):
    dana, eve = Chat(windows.open(sandbox.shop)).open(), Chat(windows.open(sandbox.shop)).open()
    dana.writes("How long does delivery take?")
    expect(dana.log).to_contain_text("Standard delivery takes 2 to 4 working days")
    eve.writes("When are you open?")
    expect(eve.log).to_contain_text("Assistant (automatic)")
    assert dana.mine() == ["How long does delivery take?"]
    assert eve.mine() == ["When are you open?"]

    dana.page.reload()
    dana.open()
    dana.shows("How long does delivery take?")
    assert dana.mine() == ["How long does delivery take?"]

    # Another tab of the same browser shows the same conversation, and stays in step.
    other = Chat(dana.page.context.new_page())
    other.page.goto(sandbox.shop)
    other.open()
    other.shows("How long does delivery take?")
    other.writes("And express?")
    dana.shows("And express?")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_choices_are_buttons_for_keyboard_and_reader_on_a_phone_and_are_sent_once(
    sandbox, windows, scheme
):
    phone = {"width": 390, "height": 844}
    chat = Chat(windows.open(sandbox.shop, viewport=phone, color_scheme=scheme)).open()
    world = sandbox.stage.world
    chat.panel.get_by_role("button", name="Talk to a person").click()
    card = claimed(sandbox)
    world.slack.say(world.ana, world.queue, "!resolve", card)

    group = chat.panel.get_by_role("group")
    expect(group.get_by_role("button")).to_have_text(["1", "2", "3", "4", "5"])
    assert group.get_attribute("aria-label").startswith("This conversation is now closed.")
    assert findings(chat.page) == []
    four = group.get_by_role("button", name="4")
    box = four.bounding_box()
    assert box["height"] >= 44
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    four.evaluate("(button) => { button.focus(); button.click(); button.click(); }")

    expect(group).to_be_hidden()
    expect(chat.panel.get_by_role("textbox")).to_be_focused()
    chat.shows("Thank you for your answer.")
    assert chat.mine() == ["Talk to a person", "4"]


def test_a_typed_reply_does_what_a_button_does_and_takes_the_buttons_away(sandbox, windows):
    chat = Chat(windows.open(sandbox.shop)).open()
    world = sandbox.stage.world
    chat.panel.get_by_role("button", name="Talk to a person").click()
    card = claimed(sandbox)
    world.slack.say(world.ana, world.queue, "!resolve", card)
    group = chat.panel.get_by_role("group")
    expect(group).to_be_visible()

    chat.writes("5")

    expect(group).to_be_hidden()
    chat.shows("Thank you for your answer.")


DOT = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def test_files_go_both_ways_and_what_may_not_pass_is_said(sandbox, windows):
    chat, slack = Chat(windows.open(sandbox.shop)).open(), sandbox.stage.world.slack
    queue, ana = sandbox.stage.world.queue, sandbox.stage.world.ana
    chat.panel.get_by_role("button", name="Talk to a person").click()
    card = claimed(sandbox)

    photo = {"name": "<b>dot.png", "mimeType": "image/png", "buffer": DOT}
    chat.panel.locator("input[type=file]").set_input_files([photo])
    slack.wait_for(lambda: any(m.get("files") for m in slack.thread(queue, card)), 20)
    expect(chat.log.get_by_role("img", name="b_dot.png")).to_be_visible()
    chat.page.wait_for_function(
        "document.getElementById('handoff-chat').shadowRoot.querySelector('.mine img').naturalWidth"
    )

    page = {"name": "page.html", "mimeType": "text/html", "buffer": b"<script>alert(1)</script>"}
    chat.panel.locator("input[type=file]").set_input_files([page])
    expect(chat.panel.get_by_role("alert")).to_contain_text("page.html was not sent")

    files = [Attachment("ours.png", DOT), Attachment("bill.pdf", b"%PDF-1.7")]
    slack.say(ana, queue, "Like this?", card, files=files)
    expect(chat.log.get_by_role("img", name="ours.png")).to_be_visible()
    chat.shows("Like this?")
    expect(chat.log.get_by_role("link", name="bill.pdf")).to_have_attribute(
        "href", re.compile("/files/")
    )


def test_a_website_that_forbids_pictures_shows_their_names(sandbox, windows):
    sandbox.website.embed(sandbox.stage.world.bot_url, "")
    page = windows.open(sandbox.website.url)
    chat = Chat(page).open()
    photo = {"name": "dot.png", "mimeType": "image/png", "buffer": DOT}
    chat.panel.locator("input[type=file]").set_input_files([photo])
    expect(chat.log.get_by_role("link", name="dot.png")).to_be_visible()
    expect(chat.log.get_by_role("img")).to_have_count(0)
    windows.complaints[:] = [one for one in windows.complaints if "img-src" not in one]


def test_what_is_written_offline_goes_out_in_order_and_once(sandbox, windows):
    chat = Chat(windows.open(sandbox.shop)).open()
    chat.panel.get_by_role("button", name="Talk to a person").click()
    expect(chat.panel.get_by_role("status")).to_contain_text("You are number 1 in the queue.")
    card = claimed(sandbox)
    expect(chat.panel.get_by_role("status")).to_contain_text("You are talking to Ana.")

    chat.page.context.set_offline(True)
    chat.writes("line 1", "line 2", "line 3")
    expect(chat.panel.get_by_role("alert")).to_contain_text("No connection")
    expect(chat.log.get_by_text("Sending")).to_have_count(3)
    chat.page.context.set_offline(False)
    expect(chat.log.get_by_text("Sending")).to_have_count(0)
    assert in_thread(sandbox, card, 3) == ["line 1", "line 2", "line 3"]
    assert chat.mine()[-3:] == ["line 1", "line 2", "line 3"]


def test_a_bot_that_was_killed_gets_what_was_written_meanwhile_even_after_a_reload(
    sandbox, windows
):
    chat = Chat(windows.open(sandbox.shop)).open()
    chat.panel.get_by_role("button", name="Talk to a person").click()
    expect(chat.panel.get_by_role("status")).to_contain_text("number 1")
    sandbox.stage.kill_bot()
    chat.writes("line 1", "line 2")
    expect(chat.log.get_by_text("Sending")).to_have_count(2)
    sandbox.wait_until_up()
    chat.page.reload()
    chat.open()
    chat.shows("line 2")
    card = claimed(sandbox)
    assert in_thread(sandbox, card, 2) == ["line 1", "line 2"]


def test_an_agent_is_shown_and_their_words_arrive_and_are_marked_as_read(sandbox, windows):
    world = sandbox.stage.world
    world.slack.add_photo(world.ana, DOT)
    chat = Chat(windows.open(sandbox.shop)).open()
    chat.panel.get_by_role("button", name="Talk to a person").click()
    card = claimed(sandbox)
    expect(chat.panel.get_by_role("status").first).to_contain_text("You are talking to Ana.")
    photo = chat.panel.locator(".status img.photo")
    expect(photo).to_have_attribute("src", re.compile(re.escape(world.bot_url) + "/chat/photos/"))
    assert photo.evaluate("(one) => one.naturalWidth") > 0
    reply = world.slack.say(world.ana, world.queue, "Hello you", card)
    chat.shows("Hello you")
    world.slack.wait_for(lambda: "eyes" in world.slack.reactions(world.queue, reply), 20)
    expect(chat.log.get_by_role("article").filter(has_text="Talk to a person")).to_contain_text(
        "Read"
    )

    chat.panel.get_by_role("button", name="Close chat").click()
    late = world.slack.say(world.ana, world.queue, "Anything else?", card)
    expect(chat.page.get_by_role("button", name="Open chat, 1 unread")).to_be_visible()
    world.slack.wait_for(lambda: "white_check_mark" in world.slack.reactions(world.queue, late), 20)
    assert "eyes" not in world.slack.reactions(world.queue, late)
    chat.page.get_by_role("button", name="Open chat, 1 unread").click()
    world.slack.wait_for(lambda: "eyes" in world.slack.reactions(world.queue, late), 20)


HOSTILE = "<img src=x onerror=alert(1)><script>alert(2)</script> &amp; javascript:alert(3)"


def test_hostile_words_of_both_sides_stay_words(sandbox, windows):
    world = sandbox.stage.world
    # A new one: the bot may know Ben's name already.
    bob = world.slack.add_person("bob", "<b onclick=alert(4)>Bob</b>")
    world.slack.join(bob, world.queue)
    page = windows.open(sandbox.shop)
    page.on("dialog", lambda dialog: windows.complaints.append(f"alert: {dialog.message}"))
    chat = Chat(page).open()
    chat.writes(HOSTILE)
    chat.shows(HOSTILE)
    chat.panel.get_by_role("button", name="Talk to a person").click()
    card = claimed(sandbox, bob)
    expect(chat.panel.get_by_role("status")).to_contain_text("<b onclick=alert(4)>Bob</b>")
    world.slack.say(bob, world.queue, f"{HOSTILE} see https://ok.example/a?b=1.", card)
    link = chat.log.get_by_role("link", name="https://ok.example/a?b=1")
    expect(link).to_have_attribute("rel", "noopener noreferrer nofollow")
    inside = "document.getElementById('handoff-chat').shadowRoot.querySelectorAll"
    assert page.evaluate(f"{inside}('img, script, b, [onclick], [onerror]').length") == 0
    assert page.evaluate(f"{inside}('a').length") == 1


def test_a_keyboard_is_enough(sandbox, windows):
    page = windows.open(sandbox.shop)
    chat = Chat(page)
    chat.launcher.focus()
    page.keyboard.press("Enter")
    field = chat.panel.get_by_role("textbox", name="Write a message")
    expect(field).to_be_focused()
    page.keyboard.type("When are you open?")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("On Sundays?")
    page.keyboard.press("Enter")
    expect(chat.log).to_contain_text("When are you open?\nOn Sundays?", use_inner_text=True)
    chat.panel.get_by_role("button", name="Talk to a person").focus()
    page.keyboard.press("Enter")
    expect(chat.panel.get_by_role("status")).to_contain_text("number 1")
    expect(field).to_be_focused()
    page.keyboard.press("Escape")
    expect(chat.panel).to_have_count(0)
    expect(chat.launcher).to_be_focused()


FOCUS = "document.activeElement.id || document.activeElement.tagName"


@pytest.mark.parametrize("opener", ["launcher", "the website's own button"])
def test_on_a_phone_the_focus_stays_in_the_panel_and_goes_back_to_where_it_was(
    sandbox, windows, opener
):
    page = windows.open(sandbox.shop, viewport={"width": 390, "height": 844})
    chat = Chat(page)
    if opener == "launcher":
        chat.launcher.focus()
        page.keyboard.press("Enter")
    else:
        page.evaluate("document.querySelector('a[href]').id = 'help'")
        page.evaluate("help.focus(); HandoffChat.open()")
    expect(chat.panel.get_by_role("textbox")).to_be_focused()
    for key in ["Tab"] * 8 + ["Shift+Tab"] * 12:
        page.keyboard.press(key)
        assert page.evaluate(FOCUS) in ("handoff-chat", "BODY"), key
    assert page.evaluate("document.querySelector('a[href]').matches(':focus')") is False
    back = "handoff-chat" if opener == "launcher" else "help"
    chat.panel.get_by_role("button", name="Close chat").click()
    assert page.evaluate(FOCUS) == back
    # As a browser does that goes back without asking the page.
    chat.open().panel.evaluate("(dialog) => dialog.close()")
    expect(chat.launcher).to_be_visible()
    chat.open()
    expect(chat.panel.get_by_role("textbox")).to_be_focused()


def test_a_visitor_leaves_the_queue_after_one_question(sandbox, windows):
    chat = Chat(windows.open(sandbox.shop)).open()
    world = sandbox.stage.world
    chat.panel.get_by_role("button", name="Talk to a person").click()
    world.slack.wait_for(lambda: bool(world.cards()), 20)
    card = world.cards()[0]["ts"]
    leave = chat.panel.get_by_role("button", name="Leave the queue")
    leave.click()
    expect(chat.panel.get_by_role("button", name="Keep waiting")).to_be_focused()
    chat.page.keyboard.press("Enter")
    expect(leave).to_be_focused()
    expect(chat.panel.get_by_role("status").first).to_contain_text("number 1")

    leave.click()
    chat.panel.get_by_role("button", name="Leave the queue").click()
    chat.shows(texts.usual(texts.Moment.LEFT, "en"))
    expect(leave).to_be_hidden()
    expect(chat.panel.get_by_role("button", name="Talk to a person")).to_be_visible()
    assert chat.mine() == ["Talk to a person", "Leave the queue"]
    world.slack.wait_for(lambda: "left the queue" in str(world.slack.thread(world.queue, card)), 20)


def test_what_was_said_last_stays_in_sight_when_the_place_in_the_queue_is_shown(sandbox, windows):
    chat = Chat(windows.open(sandbox.shop, viewport={"width": 1440, "height": 600})).open()
    chat.writes("How can I return an item?")
    expect(chat.log).to_contain_text("within 30 days")
    chat.panel.get_by_role("button", name="Talk to a person").click()
    expect(chat.panel.get_by_role("status").first).to_contain_text("number 1")
    last = chat.log.get_by_text("I'm connecting you").last
    expect(last).to_be_in_viewport(ratio=1)


def test_a_visitor_has_the_conversation_sent_to_their_address(sandbox, windows):
    chat = Chat(windows.open(sandbox.shop)).open()
    mail = chat.panel.get_by_role("button", name="Send by e-mail")
    expect(mail).to_be_hidden()
    chat.writes("How long does delivery take?")
    expect(chat.log).to_contain_text("Standard delivery")
    mail.click()
    field = chat.panel.get_by_role("textbox", name="Your e-mail address")
    expect(field).to_be_focused()
    assert findings(chat.page) == []
    form = chat.panel.locator(".mailing")
    field.fill("dana")
    chat.page.keyboard.press("Enter")
    expect(form).to_contain_text("This is not an e-mail address.")
    field.fill("dana@example.com")
    form.get_by_role("button", name="Send").click()
    expect(form).to_contain_text("The conversation is on its way to dana@example.com.")
    expect(field).to_have_value("")
    sandbox.stage.world.slack.wait_for(lambda: bool(sandbox.stage.look()["mail"]), 20)
    (sent,) = sandbox.stage.look()["mail"]
    assert "dana@example.com" in str(sent)
    assert "Standard delivery" in str(sent)
    form.get_by_role("button", name="Cancel").click()
    expect(form).to_be_hidden()


def test_two_tabs_that_open_at_once_are_one_visitor(sandbox, windows):
    page = windows.open(sandbox.shop)
    other = page.context.new_page()
    other.goto(sandbox.shop)
    for tab in (page, other):
        tab.evaluate("setTimeout(() => HandoffChat.open(), 50)")
    one, two = Chat(page), Chat(other)
    one.writes("from the first")
    two.shows("from the first")
    two.writes("from the second")
    one.shows("from the second")


def test_who_signs_in_keeps_what_they_were_about_to_send(sandbox, windows):
    chat = Chat(windows.open(sandbox.shop)).open()
    chat.writes("hello")
    expect(chat.log).to_contain_text("Assistant (automatic)")
    chat.page.context.set_offline(True)
    chat.writes("line 1")
    expect(chat.log.get_by_text("Sending")).to_have_count(1)
    chat.page.evaluate("identity => HandoffChat.identify(identity)", sandbox.identity("dana-7"))
    chat.page.context.set_offline(False)
    expect(chat.log.get_by_text("Sending")).to_have_count(0)
    chat.shows("line 1")
    assert chat.mine() == ["line 1"]


def test_many_pages_in_a_row_find_room(sandbox, windows):
    page = windows.open(sandbox.shop)
    Chat(page).open().writes("hello")
    expect(Chat(page).log).to_contain_text("Assistant (automatic)")
    refused: list[int] = []
    page.on("response", lambda got: refused.append(got.status) if got.status == 503 else None)
    for _ in range(12):
        page.reload()
    Chat(page).open()
    Chat(page).shows("hello")
    assert refused == []


def test_a_screen_reader_finds_everything_by_name(sandbox, windows):
    chat = Chat(windows.open(sandbox.shop)).open()
    expect(chat.page.get_by_role("dialog", name="Fern & Finch")).to_be_visible()
    for name in ("Talk to a person", "Close chat", "Send"):
        expect(chat.panel.get_by_role("button", name=name)).to_be_visible()
    expect(chat.panel.get_by_role("log", name="Messages")).to_have_attribute("aria-live", "polite")
    expect(chat.page.locator(".launcher")).to_have_attribute("aria-expanded", "true")


@pytest.mark.parametrize("width", [1280, 360])
def test_the_widget_can_be_used_by_everybody(sandbox, windows, width):
    size = {"width": width, "height": 760}
    page = windows.open(sandbox.shop, viewport=size)
    chat = Chat(page)
    expect(chat.launcher).to_be_visible()
    assert findings_in_both(page) == []
    chat.open().writes("How long does delivery take?")
    expect(chat.log).to_contain_text("Standard delivery")
    chat.panel.get_by_role("button", name="Talk to a person").click()
    expect(chat.panel.get_by_role("status")).to_contain_text("number 1")
    assert findings_in_both(page) == []
    box = chat.panel.bounding_box()
    assert box is not None
    if width == 360:
        assert (box["x"], box["y"], box["width"], box["height"]) == (0, 0, 360, 760)
    else:
        assert box["x"] >= 0
        assert box["y"] >= 0


def test_a_page_in_arabic_reads_from_the_right(sandbox, windows):
    attributes = 'data-locale="ar" data-accent="#fe0" data-theme="dark"'
    sandbox.website.embed(sandbox.stage.world.bot_url, attributes)
    page = windows.open(sandbox.website.url)
    page.get_by_role("button", name="افتح المحادثة").click()
    panel = page.get_by_role("dialog")
    assert panel.evaluate("(one) => getComputedStyle(one).direction") == "rtl"
    box = panel.bounding_box()
    assert box is not None
    assert 0 <= box["x"] <= 1440 - box["width"]
    # A light colour of the website's gets dark words, so that they can be read.
    title = panel.get_by_role("heading")
    assert title.evaluate("(one) => getComputedStyle(one).color") == "rgb(0, 0, 0)"
    assert findings(page) == []


def module(name: str, *before: str) -> str:
    """A JavaScript expression: this module of the widget, with what stands for its imports."""
    source = (BUNDLE.with_name("widget") / name).read_text(encoding="utf-8")
    made = "\n".join([*before, re.sub(r"(?m)^import .*$", "", source)])
    blob = f"new Blob([{json.dumps(made)}], {{ type: 'text/javascript' }})"
    return f"await import(URL.createObjectURL({blob}))"


COUNTED = """async ([languages, numbers]) => {
  const { textsFor, fill } = MODULE;
  return Object.keys(JSON.parse(languages)).flatMap((one) => numbers.flatMap((n) =>
    ["waitingAt", "minutes", "tooFast", "unread"].map((key) =>
      [one, key, n, fill(textsFor([one]), key, { [key === "minutes" ? key : "n"]: n })])));
}"""


def test_browsers_choose_the_plural_forms_that_the_bot_would(windows):
    page = windows.open("about:blank")
    found = COUNTED.replace("MODULE", module("texts.js", f"const LANGUAGES = {languages()};"))
    told = page.evaluate(found, [languages(), [0, 1, 2, 5, 11, 21, 101]])
    assert {language for language, *_ in told} == set(texts.languages("widget"))
    for language, key, number, words in told:
        text = texts.find("widget", key, language)
        assert words == text.fill(minutes=number, n=number), (language, key, number)


KEPT = """
const kept = { outbox: [
  { id: "1", text: "a person, please", person: true, at: 1, failed: false, visitor: "" },
  { id: "2", text: "hello", person: false, at: 2, failed: false, visitor: "" },
  { id: "3", text: "leave", wish: "leave", at: 3, failed: false, visitor: "" },
] };
class Refused extends Error {}
const recall = (name) => kept[name], keep = (name, value) => { kept[name] = value; }, onOthers = () => {};
"""
SENT = """async () => {
  const { Outbox } = MODULE;
  const sent = [];
  const server = { post: async (path, said) => { sent.push(said); } };
  await new Outbox(server, () => {}, () => {}).flush();
  return sent;
}"""


def test_what_an_older_widget_kept_is_sent_with_what_it_asked_for(windows):
    page = windows.open("about:blank")
    sent = page.evaluate(SENT.replace("MODULE", module("outbox.js", KEPT)))
    wishes = [(one["id"], one.get("person"), one.get("leave")) for one in sent]
    assert wishes == [("1", True, None), ("2", None, None), ("3", None, True)]


CLICKED = """async () => {
  const { el } = DOM;
  Object.assign(window, { el, Refused: class extends Error {}, fill: () => "on its way" });
  const { Mailing } = MODULE;
  let posts = 0, answer;
  const server = { post: () => { posts += 1; return new Promise((resolve) => { answer = resolve; }); } };
  const mailing = new Mailing({ texts: { send: "Send" }, locale: "en" }, server, () => {});
  document.body.append(mailing.form);
  mailing.open();
  mailing.address.value = "dana@example.com";
  const busy = () => mailing.submit.getAttribute("aria-disabled");
  mailing.submit.click();
  mailing.submit.click();
  const during = busy();
  answer();
  await new Promise((resolve) => setTimeout(resolve));
  return [posts, during, busy(), mailing.result.textContent];
}"""


def test_two_clicks_on_send_are_one_request(windows):
    page = windows.open("about:blank")
    clicked = CLICKED.replace("DOM", module("dom.js")).replace("MODULE", module("asides.js"))
    assert page.evaluate(clicked) == [1, "true", "false", "on its way"]


def test_where_no_stream_comes_through_it_polls(sandbox, windows):
    page = windows.open("about:blank")
    page.route(
        re.compile("/chat/events"),
        lambda route: route.fulfill(
            status=503,
            headers={"Access-Control-Allow-Origin": sandbox.page.url, "Retry-After": "1"},
            json={"error": "full"},
        ),
    )
    page.goto(sandbox.shop)
    chat = Chat(page).open()
    chat.writes("How long does delivery take?")
    expect(chat.log).to_contain_text("Standard delivery takes 2 to 4 working days")
    expect(chat.panel.get_by_role("alert")).to_have_count(0)
    assert chat.mine() == ["How long does delivery take?"]
