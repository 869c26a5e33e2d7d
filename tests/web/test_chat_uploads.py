"""Files in the website chat: visitors hand them to us, and look at ours."""

import uuid

import pytest

from handoff_bot.domain.escalations import Step
from handoff_bot.domain.files import DeskFile, Fetched
from handoff_bot.services.delivery.inbound_files import LARGEST_UPLOAD
from handoff_bot.storage.models import Message
from tests.samples import JPEG, PDF, PNG

pytestmark = pytest.mark.on_sqlite


def hands(browser, data=JPEG, kind="image/jpeg", name="photo.jpg", cid=None, **headers):
    return browser.client.post(
        "/chat/files",
        query_string={"id": cid or str(uuid.uuid4()), "name": name},
        data=data,
        headers=browser.headers | {"Content-Type": kind} | headers,
    )


def bubbles(browser):
    events = browser.poll().json["events"]
    return [event["data"] for event in events if event["event"] == "message"]


@pytest.fixture
def talking(shop):
    """A visitor talks to Ana."""
    browser = shop.browser()
    browser.says("a person please", person=True)
    shop.settle()
    shop.take(Step.CLAIM)
    return browser


@pytest.mark.on_both
def test_a_visitors_photo_reaches_the_thread_and_stays_in_their_conversation(shop, talking):
    answer = hands(talking, name="../../<i>photo.jpg")
    assert answer.status_code == 202
    shop.settle()
    ((file, post),) = shop.desk.uploads
    assert (file.name, file.data) == ("i_photo.jpg", JPEG)
    assert post.channel == "webchat"
    shown = next(one for one in bubbles(talking) if one["files"])
    assert (shown["author"], shown["text"], shown["cid"]) == ("visitor", "", answer.json["id"])
    (seen,) = shown["files"]
    got = shop.client.get(f"/{seen['url']}")
    assert (got.data, got.headers["Content-Type"]) == (JPEG, "image/jpeg")


def test_a_photo_can_be_the_first_that_is_heard_of_somebody(shop):
    browser = shop.browser()
    assert hands(browser).status_code == 202
    shop.settle()
    browser.says("a person please", person=True)
    shop.settle()
    assert [file.data for file, _ in shop.desk.uploads] == [JPEG]


@pytest.mark.on_both
def test_the_same_file_sent_twice_has_one_effect(shop, talking):
    cid = str(uuid.uuid4())
    assert [hands(talking, cid=cid).status_code for _ in range(2)] == [202, 202]
    shop.settle()
    assert len(shop.desk.uploads) == 1


REFUSED = {
    "a web page": (b"<html>", "text/html", 415, "cannot be forwarded"),
    "a program as a photo": (b"MZ\x90\x00", "image/jpeg", 415, "does not match its type"),
    "a picture that can run scripts": (b"<svg/>", "image/svg+xml", 415, "cannot be forwarded"),
    "too large": (JPEG + bytes(LARGEST_UPLOAD), "image/jpeg", 413, "too long"),
}


@pytest.mark.parametrize(("data", "kind", "status", "words"), REFUSED.values(), ids=REFUSED)
def test_what_may_not_pass_is_refused_in_words(shop, talking, data, kind, status, words):
    answer = hands(talking, data, kind)
    assert answer.status_code == status
    assert words in answer.json["message"]
    shop.settle()
    assert not shop.desk.uploads


def test_a_file_that_is_larger_than_messages_may_be_is_taken(shop, talking):
    assert hands(talking, PNG + bytes(5_000_000), "image/png").status_code == 202


def test_without_a_session_or_an_id_nothing_is_kept(shop, talking):
    stranger = shop.browser()
    stranger.headers.pop("Authorization")
    assert hands(stranger).status_code == 401
    assert hands(talking, cid="../x").status_code == 400
    assert hands(talking, Origin="https://evil.example.com").status_code == 403
    with shop.database.read() as tx:
        assert tx.session.query(Message).filter_by(text="").count() == 0


def test_too_many_files_are_too_many(shop, talking):
    answers = [hands(talking).status_code for _ in range(6)]
    assert answers == [202] * 5 + [429]


def test_an_agents_files_are_shown_with_their_words(shop, talking):
    shop.desk.files = {
        "F1": Fetched("image/png", "ours.png", PNG),
        "F2": Fetched("application/pdf", "bill.pdf", PDF),
    }
    shop.replies(
        "Like this?",
        attached=(
            DeskFile("F1", "ours.png", "image/png", 10, "https://slack/1"),
            DeskFile("F2", "bill.pdf", "application/pdf", 10, "https://slack/2"),
        ),
    )
    first, second = [one for one in bubbles(talking) if one["author"] == "agent"]
    assert (first["text"], first["files"][0]["type"]) == ("Like this?", "image/png")
    assert (second["text"], second["files"][0]["name"]) == ("", "bill.pdf")
    assert shop.client.get(f"/{second['files'][0]['url']}").data == PDF


def test_of_a_file_that_is_gone_it_is_shown_that_it_was_there(shop, talking):
    hands(talking)
    shop.settle()
    shop.clock.advance(days=31)
    shop.core.scheduler.tick("tick.prune")
    shop.settle()
    shown = next(one for one in bubbles(talking) if one["files"])
    assert shown["files"] == [{"url": None, "name": "", "type": ""}]
