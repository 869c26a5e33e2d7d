"""The website chat's door: who may ask, what is stored, what a visitor sees."""

import base64
import hashlib
import hmac
import json
import time
import uuid
from dataclasses import asdict

import pytest

from handoff_bot.domain.errors import DeliveryError
from handoff_bot.domain.escalations import Status, Step
from handoff_bot.domain.files import File
from handoff_bot.domain.messages import DeliveryStatus, InboundMessage
from handoff_bot.domain.signals import Answer
from handoff_bot.domain.texts import SHORTEST_WAIT, Moment, usual
from handoff_bot.services import visitors
from handoff_bot.services.ai_turns.inbound import INBOUND, inbound_lane
from handoff_bot.storage.models import Delivery, Work
from tests.web.conftest import IDENTITY_SECRET, ORIGIN, Browser

pytestmark = pytest.mark.on_sqlite


def stored(shop, kind: str = "inbound"):
    with shop.database.read() as tx:
        return tx.session.query(Work).filter(Work.kind == kind).count()


def identity(secret: str = IDENTITY_SECRET, **said) -> str:
    content = {"id": "customer-7", "name": "Dana R.", "expires": int(time.time()) + 600} | said
    payload = base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")
    signature = hmac.new(secret.encode(), payload.encode(), hashlib.sha256).hexdigest()
    return f"{payload}.{signature}"


# -- who may ask


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        (ORIGIN, 200),
        ("https://evil.example.com", 403),
        ("http://shop.example.com", 403),
        ("https://shop.example.com:444", 403),
        ("https://shop.example.com.evil.example", 403),
        ("null", 403),
        (None, 403),
    ],
    ids=["ours", "another", "not https", "another port", "a longer name", "opaque", "none"],
)
def test_only_allowed_websites_get_a_session(shop, origin, status):
    headers = {"Origin": origin} if origin else {}
    answer = shop.client.post("/chat/session", json={}, headers=headers)
    assert answer.status_code == status
    assert answer.headers.get("Access-Control-Allow-Origin") == (ORIGIN if status == 200 else None)


def test_a_browser_may_ask_beforehand_what_it_may_send(shop):
    answer = shop.client.options("/chat/messages", headers={"Origin": ORIGIN})
    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert "Authorization" in answer.headers["Access-Control-Allow-Headers"]


@pytest.mark.parametrize("path", ["messages", "marks"])
@pytest.mark.parametrize(
    "token", [None, "", "Bearer ", "Bearer guessed", "Basic abc"], ids=lambda t: str(t)
)
def test_without_a_session_nothing_is_stored(shop, path, token):
    browser = Browser(shop.client)
    if token is not None:
        browser.headers["Authorization"] = token
    answer = browser.post(path, id=str(uuid.uuid4()), text="hello", read=["x"])
    assert (answer.status_code, answer.json["error"]) == (401, "token")
    assert (stored(shop), stored(shop, "delivery")) == (0, 0)


def test_without_a_session_nothing_is_seen(shop):
    browser = Browser(shop.client)
    assert browser.poll().status_code == 401
    assert shop.client.get("/chat/events").status_code == 401


def test_a_session_ends_and_can_be_renewed(shop, monkeypatch):
    browser = shop.browser()
    browser.says("hello")
    late = time.time() + 3700
    monkeypatch.setattr(time, "time", lambda: late)
    assert browser.says("late").status_code == 401
    assert browser.begin().status_code == 200
    assert browser.says("again").status_code == 202
    shop.settle()
    assert [text for who, text in browser.sees() if who == "visitor"] == ["hello", "again"]


def test_a_session_that_is_too_old_becomes_somebody_new(shop, monkeypatch):
    browser = shop.browser()
    browser.says("hello")
    late = time.time() + 31 * 24 * 3600
    monkeypatch.setattr(time, "time", lambda: late)
    assert browser.begin().status_code == 200
    assert browser.sees() == []


# -- who somebody is


@pytest.mark.on_both
def test_who_the_website_vouches_for_is_the_same_on_every_device(shop):
    phone, laptop = shop.browser(identity=identity()), shop.browser(identity=identity())
    phone.says("Is my parcel on its way?")
    shop.settle()
    assert laptop.sees()[0] == ("visitor", "Is my parcel on its way?")


@pytest.mark.parametrize(
    "wrong",
    [
        identity(secret="guessed"),
        identity(expires=1),
        identity(id=""),
        identity(expires="never"),
        "not-base64.",
        "…",
        identity().partition(".")[0],
    ],
    ids=["forged", "expired", "nobody", "for ever", "unreadable", "not ASCII", "unsigned"],
)
def test_an_identity_that_is_not_the_websites_is_refused(shop, wrong):
    answer = Browser(shop.client).begin(identity=wrong)
    assert (answer.status_code, answer.json["error"]) == (401, "identity")


@pytest.mark.on_both
def test_the_card_shows_what_the_website_has_signed_until_it_signs_something_else(shop):
    browser = shop.browser(identity=identity(attributes={"Plan": "Pro", "order": 4711}))
    browser.says("I want a person")
    shop.settle()
    assert shop.desk.card.attributes == {"plan": "Pro", "order": "4711"}
    browser.begin(identity=identity(attributes={"Plan": "Free"}))
    browser.says("are you there?")
    shop.settle()
    shop.take(Step.CLAIM)
    assert shop.desk.card.attributes == {"plan": "Free"}


@pytest.mark.parametrize("given", [None, "pro", ["pro"], {"a" * 33: "x", "plan": {"is": "pro"}}])
def test_attributes_that_are_wrong_do_not_close_the_chat(shop, given):
    browser = shop.browser(identity=identity(attributes=given))
    browser.says("I want a person")
    shop.settle()
    assert shop.desk.card.attributes == {}


def test_who_is_anonymous_has_no_attributes(shop):
    browser = shop.browser(attributes={"plan": "pro"})
    browser.says("I want a person", attributes={"plan": "pro"})
    shop.settle()
    assert shop.desk.card.attributes == {}


def test_who_signs_out_is_somebody_new(shop):
    browser = shop.browser(identity=identity())
    browser.says("mine alone")
    shop.settle()
    browser.begin()
    assert browser.sees() == []


def test_two_visitors_do_not_see_each_other(shop):
    dana, eve = shop.browser(), shop.browser()
    dana.says("my secret")
    shop.settle()
    assert eve.sees() == []
    assert eve.state()["phase"] == "assistant"


# -- what is stored


@pytest.mark.on_both
def test_a_message_is_stored_before_the_answer(shop):
    cid = str(uuid.uuid4())
    answer = shop.browser().says("hello", cid)
    assert (answer.status_code, answer.json) == (202, {"id": cid})
    assert stored(shop) == 1


@pytest.mark.on_both
def test_the_same_message_twice_has_one_effect(shop):
    browser, cid = shop.browser(), str(uuid.uuid4())
    for _ in range(3):
        assert browser.says("hello", cid).status_code == 202
    shop.settle()
    assert [one for one in browser.sees() if one[0] == "visitor"] == [("visitor", "hello")]
    assert stored(shop) == 1


@pytest.mark.on_both
def test_two_visitors_may_make_the_same_id(shop):
    dana, eve, cid = shop.browser(), shop.browser(), str(uuid.uuid4())
    dana.says("from Dana", cid)
    eve.says("from Eve", cid)
    shop.settle()
    assert (dana.sees()[0][1], eve.sees()[0][1]) == ("from Dana", "from Eve")


@pytest.mark.parametrize(
    "content",
    [
        {"id": "1", "text": "hello"},
        {"text": "hello"},
        {"id": str(uuid.uuid4())},
        {"id": str(uuid.uuid4()), "text": " \n "},
        {"id": str(uuid.uuid4()), "text": "x" * 4001},
        {"id": str(uuid.uuid4()), "text": ["hello"]},
        {"id": str(uuid.uuid4()), "text": "hello", "locale": "x" * 99},
    ],
    ids=["id", "no id", "no text", "blank", "too long", "not text", "locale"],
)
def test_a_malformed_message_is_refused_in_words(shop, content):
    answer = shop.browser().post("messages", **content)
    assert (answer.status_code, answer.json["error"]) == (400, "malformed")
    assert stored(shop) == 0


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff", b"null"], ids=repr)
def test_a_body_that_is_no_object_is_refused(shop, body):
    browser = shop.browser()
    for path in ("session", "messages", "marks"):
        answer = shop.client.post(f"/chat/{path}", data=body, headers=browser.headers)
        assert answer.status_code == 400


def test_a_body_that_is_too_large_is_refused(shop):
    answer = shop.browser().says("x" * 40_000)
    assert (answer.status_code, answer.json["error"]) == (413, "too_long")


def test_who_writes_too_fast_is_told_when_to_go_on(shop):
    browser = shop.browser()
    answers = [browser.says(f"{n}") for n in range(11)]
    assert [answer.status_code for answer in answers] == [202] * 10 + [429]
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 10
    assert shop.browser().says("somebody else").status_code == 202


# -- what a visitor sees


def test_the_assistant_answers(shop):
    browser = shop.browser()
    browser.says("hello")
    assert browser.state()["typing"] is True
    shop.settle()
    (mine, answer) = browser.sees()
    assert mine == ("visitor", "hello")
    assert answer[0] == "assistant"
    state = browser.state()
    assert (state["typing"], state["phase"]) == (False, "assistant")
    assert state["delivered"] < state["read"]


def test_the_button_brings_a_person_without_asking_the_ai(shop):
    browser = shop.browser()
    browser.says("Mit einem Menschen sprechen", person=True, locale="de-AT")
    shop.settle()
    assert shop.detector.judged == []
    assert shop.desk.card.evidence == "Mit einem Menschen sprechen"
    assert browser.sees()[-1][0] == "system"
    assert "Team" in browser.sees()[-1][1]
    state = browser.state()
    assert (state["phase"], state["position"]) == ("waiting", 1)


def test_the_button_leaves_the_queue_once_and_nobody_answers_it(shop):
    browser = shop.browser()
    browser.says("Talk to a person", person=True)
    shop.settle()
    for _ in range(2):
        browser.says("Leave the queue", leave=True)
        shop.settle()
    assert browser.state()["phase"] == "assistant"
    assert shop.desk.card.status == Status.RETURNED
    assert [text for _, text in browser.sees()][2:] == [
        "Leave the queue",
        usual(Moment.LEFT, "en"),
        "Leave the queue",
    ]
    assert "Leave the queue" in [
        post.text for posts in shop.desk.threads.values() for post in posts
    ]
    assert shop.detector.judged == []


def test_who_an_agent_has_taken_cannot_leave_the_queue_and_the_agent_reads_it(shop):
    browser = shop.browser()
    browser.says("Talk to a person", person=True)
    shop.settle()
    shop.take(Step.CLAIM)
    browser.says("Leave the queue", leave=True)
    shop.settle()
    assert browser.state()["phase"] == "agent"
    assert "Leave the queue" in [
        post.text for posts in shop.desk.threads.values() for post in posts
    ]


@pytest.mark.on_both
def test_those_in_the_queue_see_their_own_place(shop):
    first, second = shop.browser(), shop.browser()
    for browser in (first, second):
        browser.says("Talk to a person", person=True)
        shop.settle()
        shop.clock.advance(seconds=1)
    assert (first.state()["position"], second.state()["position"]) == (1, 2)
    shop.take(Step.CLAIM, 1)
    assert first.state()["agent"] == "Ana"
    assert second.state()["position"] == 1


def test_the_estimate_shrinks_while_one_waits(shop):
    browser = shop.browser()
    browser.says("Talk to a person", person=True)
    shop.settle()
    before = browser.state()["wait_minutes"]
    shop.clock.advance(minutes=2)
    assert browser.state()["wait_minutes"] == before - 2
    shop.clock.advance(hours=2)
    assert browser.state()["wait_minutes"] == SHORTEST_WAIT  # as the texts of the chat say it


def test_an_agent_is_named_and_heard(shop):
    browser = shop.browser()
    browser.says("Talk to a person", person=True)
    shop.settle()
    shop.take(Step.CLAIM)
    shop.replies("<b>Hello</b> & welcome")
    assert browser.state()["phase"] == "agent"
    said = [e["data"] for e in browser.poll().json["events"] if e["event"] == "message"][-1]
    assert (said["author"], said["name"], said["text"]) == (
        "agent",
        "Ana",
        "<b>Hello</b> & welcome",
    )
    shop.take(Step.RESOLVE)
    assert browser.state()["phase"] == "assistant"


def test_an_agents_photo_comes_from_our_own_host_and_only_by_a_signed_address(shop):
    browser = shop.browser()
    browser.says("Talk to a person", person=True)
    shop.settle()
    shop.take(Step.CLAIM)
    shop.replies("Hello")
    path = browser.state()["agent_photo"]
    said = [e["data"] for e in browser.poll().json["events"] if e["event"] == "message"]
    assert path.startswith("chat/photos/")
    assert {one["photo"] for one in said} == {None, path}
    assert "UANA" not in path
    assert "agent_id" not in browser.state()
    none = shop.client.get(f"/{path}")
    assert (none.status_code, none.data) == (204, b"")
    shop.photos[int(path.split("/")[-1].split(".")[0])] = File("photo", "image/png", b"\x89PNG")
    shop.streams.photos.forget()
    shown = shop.client.get(f"/{path}")
    assert (shown.status_code, shown.data, shown.mimetype) == (200, b"\x89PNG", "image/png")
    assert shown.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert shown.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    for forged in ("1", "1.", "2." + path.partition(".")[2], "x." + path.partition(".")[2], "é.é"):
        assert shop.client.get(f"/chat/photos/{forged}").status_code == 404


def test_a_message_of_the_ai_that_was_dropped_is_never_seen(shop, monkeypatch):
    browser = shop.browser()
    trouble = DeliveryError("later", permanent=False)
    with monkeypatch.context() as patch:
        patch.setattr(shop.site, "send", lambda message: raise_(trouble))
        browser.says("Talk to a person", person=True)
        shop.settle()
    shop.take(Step.CLAIM)
    shop.clock.advance(minutes=1)
    shop.settle()
    texts = [text for _, text in browser.sees()]
    assert not any("connecting you" in text for text in texts)
    assert any("Ana" in text for text in texts)


@pytest.mark.on_both
def test_what_was_shown_moves_the_delivery_marks(shop):
    browser = shop.browser()
    browser.says("Talk to a person", person=True)
    shop.settle()
    shop.take(Step.CLAIM)
    shop.replies("Hello")
    messages = [e["data"] for e in browser.poll().json["events"] if e["event"] == "message"]
    oid = messages[-1]["oid"]
    assert browser.post("marks", delivered=[oid], read=[oid]).status_code == 204
    shop.settle()
    with shop.database.read() as tx:
        (delivery,) = tx.session.query(Delivery).filter(Delivery.oid == oid)
        assert delivery.status == DeliveryStatus.READ
    assert list(shop.desk.marks.values())[-1] == DeliveryStatus.READ


def test_marks_of_messages_that_nobody_sent_change_nothing(shop):
    browser = shop.browser()
    assert browser.post("marks", delivered=["guessed"], read=[]).status_code == 204
    assert browser.post("marks", read=["x"] * 101).status_code == 400
    shop.settle()


# -- polls


@pytest.mark.on_both
def test_a_poll_goes_on_where_the_last_one_ended(shop):
    browser = shop.browser()
    browser.says("one")
    shop.settle()
    first = browser.poll().json
    assert len(first["events"]) == 3
    again = browser.poll(first["cursor"]).json
    assert [event["event"] for event in again["events"]] == ["state"]
    browser.says("two")
    shop.settle()
    more = browser.poll(first["cursor"]).json["events"]
    assert next(e["data"]["text"] for e in more if e["event"] == "message") == "two"


@pytest.mark.parametrize(
    "after", ["x", "1", "1.2.3", "-1.0", "1.9999999999999999999", "\uff11.\uff11"]
)
def test_a_place_that_is_none_is_refused(shop, after):
    browser = shop.browser()
    assert browser.poll(after).status_code == 400
    answer = shop.client.get("/chat/events", headers=browser.headers | {"Last-Event-ID": "x.y"})
    assert answer.status_code == 400


def test_a_wait_that_is_no_number_is_refused(shop):
    assert shop.browser().poll(wait="soon").status_code == 400


@pytest.mark.on_both
def test_a_long_history_begins_with_its_end_and_loses_nothing_after(shop, monkeypatch):
    monkeypatch.setattr(visitors, "HISTORY", 5)
    browser = Browser(shop.client)
    address = browser.begin().json["visitor"]
    for n in range(7):
        shop.core.inbox.store(*inbound(address, f"line {n}"))
    shop.settle()
    answer = browser.poll().json
    mine = [e["data"]["text"] for e in answer["events"] if e["event"] == "message"]
    assert [text for text in mine if text.startswith("line")][-1] == "line 6"
    assert "line 0" not in mine
    for n in range(7, 19):
        shop.core.inbox.store(*inbound(address, f"line {n}"))
    shop.settle()
    cursor, seen = answer["cursor"], []
    while len(events := (answer := browser.poll(cursor).json)["events"]) > 1:
        seen += [e["data"]["text"] for e in events if e["event"] == "message"]
        cursor = answer["cursor"]
    assert [text for text in seen if text.startswith("line")] == [f"line {n}" for n in range(7, 19)]


def inbound(address: str, text: str) -> tuple:
    """A message as the door would store it, past its rate limit."""
    said = InboundMessage("webchat", f"{address}/{uuid.uuid4()}", address, "", text)
    return INBOUND, inbound_lane("webchat", address), f"webchat:{said.provider_id}", asdict(said)


def raise_(error: Exception) -> None:
    raise error


# -- the widget's files


def test_a_file_that_is_not_the_widgets_is_not_there(shop):
    for path in ("/chat/nothing.js", "/chat/../chat.js", "/chat/%2e%2e%2fchat.js"):
        assert shop.client.get(path).status_code == 404


# -- choices


def asks_back(talk, language):
    """Asks which is meant, and answers a choice by its number or its name."""
    said = talk.turns[-1].text
    if said in {"1", "Repairing <b>watches</b>"}:
        return Answer("Ten days.", 0.9, ("Repairs",), "scripted")
    if said == "my timepiece is broken":
        names = ("Repairing <b>watches</b>", "Repairing clocks")
        text = "Do you mean one of these?\n1. Repairing <b>watches</b>\n2. Repairing clocks"
        return Answer(text, 0.4, by="scripted", choices=names)
    return Answer("I'm not sure.", 0.4, by="scripted")


def choices_of(browser):
    events = browser.poll().json["events"]
    return [one["data"].get("choices") for one in events if one["event"] == "message"]


@pytest.mark.parametrize("reply", ["1", "Repairing <b>watches</b>"])
def test_choices_are_offered_as_data_and_a_click_is_a_message_like_any_other(shop, reply):
    shop.assistant.answer = asks_back
    browser = shop.browser()
    browser.says("my timepiece is broken")
    shop.settle()
    assert choices_of(browser) == [None, ["Repairing <b>watches</b>", "Repairing clocks"]]

    click = str(uuid.uuid4())
    assert browser.says(reply, click).status_code == 202
    browser.says(reply, click)  # sent again by the browser
    shop.settle()

    assert [text for author, text in browser.sees() if author == "assistant"][1:] == ["Ten days."]
    assert [text for author, text in browser.sees() if author == "visitor"][1:] == [reply]


@pytest.mark.parametrize("late", ["2", "Repairing clocks", "<script>alert(1)</script>", "9" * 4000])
def test_a_late_or_forged_choice_is_read_like_any_message(shop, late):
    shop.assistant.answer = asks_back
    browser = shop.browser()
    browser.says("my timepiece is broken")
    shop.settle()
    browser.says("something else")
    shop.settle()
    assert browser.says(late, choices=["x"], choice={"a": 1}).status_code == 202
    shop.settle()

    assert browser.sees()[-2:] == [("visitor", late), ("assistant", "I'm not sure.")]


def test_the_survey_offers_its_numbers(shop):
    browser = shop.browser()
    browser.says("a human please")
    shop.settle()
    shop.take(Step.CLAIM)
    shop.take(Step.RESOLVE)
    assert choices_of(browser)[-1] == ["1", "2", "3", "4", "5"]

    browser.says("4")
    shop.settle()
    assert browser.sees()[-1] == ("system", "Thank you for your answer.")
    assert choices_of(browser)[-1] is None
