"""Customers' files on their way into the thread: in order, once, and never passed over in silence."""

from dataclasses import replace

import pytest

from handoff_bot.domain.desk import Button
from handoff_bot.domain.errors import DeliveryError, DeskError, DeskOutcomeUnknown
from handoff_bot.domain.escalations import Step
from handoff_bot.domain.files import Fetched
from handoff_bot.domain.messages import Media
from handoff_bot.services.delivery import inbound_files
from tests.samples import JPEG, PDF

pytestmark = pytest.mark.on_sqlite

PHOTO = Media("https://provider/photo", "image/jpeg")
PAPER = Media("https://provider/paper", "application/pdf")
WEB_PAGE = Media("https://provider/page", "text/html")
BUSY = DeliveryError("Twilio cannot be reached at the moment.", permanent=False)


@pytest.fixture
def talk(house, ana):
    """Ana talks to the customer, whose provider keeps a few files."""
    house.channel.files = {
        PHOTO.url: Fetched("image/jpeg", "../../photo.exe", JPEG),
        PAPER.url: Fetched("application/pdf", "", PDF),
        WEB_PAGE.url: Fetched("text/html", "x.html", b"<html>"),
    }
    house.says("a human please")
    house.take(Step.CLAIM, ana)
    return house


def shown(house):
    return [file.name for file, _ in house.desk.uploads]


def sayings(house):
    return [text for text in house.desk.said("told") if text.startswith("📎")]


def test_a_file_comes_into_the_thread_under_a_harmless_name(talk):
    talk.says("Look", media=(PHOTO,))
    ((file, post),) = talk.desk.uploads
    assert (file.name, file.content_type, file.data) == ("photo.exe.jpg", "image/jpeg", JPEG)
    assert (post.kind, post.channel) == ("contact", "sms")
    assert post.text == "📎 Picture, 1 kB"


@pytest.mark.on_both
def test_words_and_files_stand_in_the_order_in_which_they_were_sent(talk):
    order = []
    talk.desk.upload = lambda thread, file, post, mark: order.append(file.name)
    real = talk.desk.post
    talk.desk.post = lambda *post: (order.append("words"), real(*post))[1]
    talk.says("First", settle=False)
    talk.says("", media=(PHOTO, PAPER), settle=False)
    talk.says("Last", settle=False)
    talk.settle()
    assert order == ["words", "photo.exe.jpg", "document.pdf", "words"]


def test_a_file_alone_needs_no_words(talk):
    before = len(talk.desk.said("contact"))
    talk.says("", media=(PHOTO,))
    assert len(talk.desk.said("contact")) == before
    assert len(talk.desk.uploads) == 1


@pytest.mark.on_both
def test_files_that_came_before_a_person_was_needed_are_brought_along(house):
    house.channel.files = {PHOTO.url: Fetched("image/jpeg", "a.jpg", JPEG)}
    house.says("Is this yours?", media=(PHOTO,))
    assert not house.desk.uploads
    house.says("a human please")
    assert shown(house) == ["a.jpg"]


def test_files_of_what_was_settled_before_are_not(talk, ana):
    talk.says("", media=(PHOTO,))
    talk.take(Step.RESOLVE, ana)
    talk.says("a human please")
    assert len(talk.desk.uploads) == 1


@pytest.mark.on_both
def test_a_message_that_is_delivered_twice_shows_its_file_once(talk):
    talk.says("Look", media=(PHOTO,), provider_id="SMX")
    talk.says("Look", media=(PHOTO,), provider_id="SMX")
    assert len(talk.desk.uploads) == 1


def test_a_file_that_may_not_pass_is_named_with_the_reason(talk):
    talk.says("Click", media=(WEB_PAGE,))
    assert not talk.desk.uploads
    assert sayings(talk) == [
        "📎 The customer sent a file (document) that cannot be shown here. Files of this "
        "type (text/html) cannot be forwarded."
    ]
    with pytest.raises(AssertionError):
        talk.desk.button(Button.FETCH_AGAIN)


def test_a_file_that_is_gone_is_said_to_be(talk):
    talk.says("", media=(replace(PHOTO, url="https://provider/other"),))
    assert "It is gone." in sayings(talk)[0]


def test_a_provider_that_is_slow_is_asked_again(talk):
    talk.channel.file_troubles = [BUSY, BUSY]
    talk.says("", media=(PHOTO,))
    assert not talk.desk.uploads
    for _ in range(3):
        talk.clock.advance(seconds=5)
        talk.settle()
    assert len(talk.desk.uploads) == 1
    assert sayings(talk) == []


def test_words_do_not_wait_for_ever_behind_a_file_and_it_can_be_asked_for_again(talk):
    talk.channel.file_troubles = [BUSY] * 50
    talk.says("", media=(PHOTO,), settle=False)
    talk.says("Hello?")
    for _ in range(30):
        talk.clock.advance(seconds=10)
        talk.settle()
    assert "Hello?" in talk.desk.said("contact")
    assert "cannot be reached" in sayings(talk)[0]

    talk.channel.file_troubles.clear()
    work_id = int(talk.desk.button(Button.FETCH_AGAIN))
    assert talk.core.files.fetch_again(work_id).done
    assert talk.core.files.fetch_again(work_id).done
    talk.settle()
    assert len(talk.desk.uploads) == 1


@pytest.mark.parametrize("work_id", [0, 1], ids=["none", "another kind"])
def test_only_files_can_be_asked_for_again(talk, work_id):
    assert not talk.core.files.fetch_again(work_id).done


def test_a_desk_that_is_down_is_waited_for(talk):
    talk.desk.file_troubles = [DeskError("Slack cannot be reached.", permanent=False)]
    talk.says("", media=(PHOTO,))
    talk.clock.advance(seconds=5)
    talk.settle()
    assert len(talk.desk.uploads) == 1


def test_a_desk_that_does_not_take_files_says_so_and_words_go_on(talk):
    talk.desk.file_troubles = [DeskError("The Slack app lacks files:write.", permanent=True)]
    talk.says("", media=(PHOTO,), settle=False)
    talk.says("Hello?")
    assert "lacks files:write" in sayings(talk)[0]
    assert "Hello?" in talk.desk.said("contact")


@pytest.mark.on_both
def test_a_file_whose_upload_was_not_answered_is_looked_for_before_it_is_uploaded_again(talk):
    talk.desk.lost_uploads = [DeskOutcomeUnknown("Slack did not answer.")]
    talk.says("", media=(PHOTO,))
    talk.clock.advance(seconds=5)
    talk.settle()
    assert len(talk.desk.uploads) == 1


def test_a_file_that_has_not_turned_up_is_given_time_before_it_is_uploaded_again(talk):
    talk.desk.file_troubles = [DeskOutcomeUnknown("Slack did not answer.")]
    talk.says("", media=(PHOTO,))
    talk.clock.advance(seconds=20)
    talk.settle()
    assert not talk.desk.uploads
    talk.clock.advance(seconds=30)
    talk.settle()
    assert len(talk.desk.uploads) == 1


def test_a_bug_of_ours_is_told_too(talk):
    talk.channel.files = {PHOTO.url: None}
    talk.says("", media=(PHOTO,))
    for _ in range(20):
        talk.clock.advance(minutes=2)
        talk.settle()
    assert "Something went wrong on our side." in sayings(talk)[0]


@pytest.mark.on_both
def test_the_log_knows_that_and_not_what(talk):
    talk.says("", media=(PHOTO, WEB_PAGE))
    with talk.database.read() as tx:
        found = [e for e in inbound_files.log.events(tx) if e.kind.startswith("file.")]
    assert [e.kind for e in found] == ["file.shown", "file.not_shown"]
    assert all(e.data == {} for e in found)
