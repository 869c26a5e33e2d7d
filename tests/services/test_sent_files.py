"""Agents' files on their way to the customer: looked at, in order, and open for as long as needed."""

import pytest

from handoff_bot.domain.desk import Button, Place
from handoff_bot.domain.errors import DeskError
from handoff_bot.domain.escalations import Step
from handoff_bot.domain.files import MB, DeskFile, Fetched, File
from handoff_bot.domain.messages import DeliveryStatus, Limits
from handoff_bot.services import timers
from handoff_bot.storage import attachments, log
from handoff_bot.storage.models import Note
from tests.fakes import OutcomeUnknownAfter
from tests.samples import JPEG, PDF

pytestmark = pytest.mark.on_sqlite

PHOTO = DeskFile("F1", "photo.jpg", "image/jpeg", len(JPEG), "https://slack/photo")
PAPER = DeskFile("F2", "../Ihre Bestellung.pdf", "application/pdf", len(PDF), "https://slack/pdf")
PROGRAM = DeskFile("F3", "setup.exe", "application/x-msdownload", 10, "https://slack/exe")
LIAR = DeskFile("F4", "liar.png", "image/png", 10, "https://slack/liar")
TYPES = {"image/jpeg": 5 * MB, "image/png": 5 * MB, "application/pdf": 16 * MB}
ORIGIN = "https://bot.example.com/files/"


@pytest.fixture
def talk(house, ana):
    """Ana talks to a customer whose phone shows pictures with captions of up to 30 characters."""
    house.channel.limits = Limits(text=160, media=TYPES, caption=30)
    house.desk.files = {
        "F1": Fetched("image/jpeg", "photo.jpg", JPEG),
        "F2": Fetched("application/pdf", "../Ihre Bestellung.pdf", PDF),
        "F4": Fetched("image/png", "liar.png", b"MZ\x90"),
    }
    house.says("a human please")
    house.take(Step.CLAIM, ana)
    house.before = len(house.channel.taken)
    return house


def sent(house):
    """Words and names of files, message by message."""
    return [
        (message.text, *(url.rpartition("/")[2] for url in message.media))
        for message, _ in house.channel.taken[house.before :]
    ]


def served(house, number=-1):
    (url,) = house.channel.taken[number][0].media
    return read(house.core.serving.find(url.removeprefix(ORIGIN).partition("/")[0]))


def read(stored):
    """The file as it was given to us."""
    return stored and File(stored.name, stored.content_type, b"".join(stored.pieces))


def failures(house):
    return house.desk.said("failure")


# -- in which order


def test_words_stand_below_a_picture_when_they_fit(talk, ana):
    talk.replies(ana, "Here it is", attached=(PHOTO,))
    assert sent(talk) == [("Here it is", "photo.jpg")]
    assert served(talk).data == JPEG


@pytest.mark.on_both
def test_words_that_do_not_fit_go_first(talk, ana):
    talk.replies(ana, "x" * 31, attached=(PHOTO,))
    assert sent(talk) == [("x" * 31,), ("", "photo.jpg")]


def test_of_a_document_words_go_first(talk, ana):
    talk.replies(ana, "Your order", attached=(PAPER,))
    assert sent(talk) == [("Your order",), ("", "Ihre%20Bestellung.pdf")]


@pytest.mark.on_both
def test_several_files_go_one_by_one(talk, ana):
    talk.replies(ana, "Both", attached=(PHOTO, PAPER))
    assert sent(talk) == [("Both", "photo.jpg"), ("", "Ihre%20Bestellung.pdf")]


def test_a_file_alone_goes_alone(talk, ana):
    talk.replies(ana, "", attached=(PAPER,))
    assert sent(talk) == [("", "Ihre%20Bestellung.pdf")]


@pytest.mark.on_both
def test_what_is_written_afterwards_arrives_afterwards_though_the_desk_is_slow(talk, ana):
    talk.desk.file_troubles = [DeskError("Slack did not answer.", permanent=False)]
    talk.replies(ana, "", attached=(PAPER,))
    talk.replies(ana, "As you see there")
    assert sent(talk) == []
    talk.clock.advance(seconds=5)
    talk.settle()
    assert sent(talk) == [("", "Ihre%20Bestellung.pdf"), ("As you see there",)]


# -- which files


def test_a_program_stays_and_its_sender_is_told_and_the_words_go(talk, ana):
    talk.replies(ana, "Install this", attached=(PROGRAM,))
    assert sent(talk) == [("Install this",)]
    assert talk.desk.whispers[-1].text == (
        "The customer did not receive setup.exe: Files of this type "
        "(application/x-msdownload) cannot be forwarded."
    )
    assert talk.desk.downloads == 0


def test_a_file_that_is_too_large_is_not_even_downloaded(talk, ana):
    large = DeskFile("F1", "photo.jpg", "image/jpeg", 6 * MB, "https://slack/photo")
    talk.replies(ana, "", attached=(large,))
    assert "larger than 5 MB" in talk.desk.whispers[-1].text
    assert (sent(talk), talk.desk.downloads) == ([], 0)


def test_a_channel_without_files_says_so(talk, ana):
    talk.channel.limits = Limits(text=160)
    talk.replies(ana, "Look", attached=(PHOTO,))
    assert "Files cannot be sent on this channel." in talk.desk.whispers[-1].text
    assert sent(talk) == [("Look",)]


def test_more_than_ten_files_are_too_many(talk, ana):
    talk.replies(ana, "", attached=(PHOTO,) * 11)
    assert len(sent(talk)) == 10
    assert "at most 10 files" in talk.desk.whispers[-1].text


def test_a_file_that_is_not_what_it_says_is_shown_as_failed_and_the_words_go(talk, ana):
    ts = talk.replies(ana, "Look", attached=(LIAR,))
    assert sent(talk) == [("Look",)]
    (failure,) = failures(talk)
    assert failure == (
        "The customer did not receive liar.png: The file's content does not match its type "
        "(image/png)."
    )
    assert talk.desk.marks[Place("CQUEUE", ts)] == DeliveryStatus.FAILED


def test_a_file_that_the_desk_does_not_give_can_be_tried_again(talk, ana):
    talk.desk.file_troubles = [DeskError("The app lacks files:read.", permanent=True)]
    talk.replies(ana, "Look", attached=(PHOTO,))
    assert sent(talk) == [("Look",)]
    assert "lacks files:read" in failures(talk)[0]
    assert talk.core.decisions.retry(int(talk.desk.button(Button.RETRY)), ana).done
    talk.settle()
    assert sent(talk)[1:] == [("", "photo.jpg")]


def test_a_desk_that_never_answers_does_not_hold_up_words_for_ever(talk, ana):
    talk.desk.file_troubles = [DeskError("Slack did not answer.", permanent=False)] * 100
    talk.replies(ana, "", attached=(PHOTO,))
    talk.replies(ana, "Hello?")
    for _ in range(15):
        talk.clock.advance(minutes=1)
        talk.settle()
    assert sent(talk) == [("Hello?",)]
    assert "Slack did not answer." in failures(talk)[0]


# -- whose


def test_files_of_others_stay_inside_until_they_take_over(talk, ben):
    talk.replies(ben, "I know this", attached=(PHOTO,))
    assert sent(talk) == []
    note_id = int(talk.desk.button(Button.TAKE_OVER_AND_SEND))
    assert talk.core.decisions.send_held(note_id, ben).done
    talk.settle()
    assert sent(talk)[-1] == ("I know this", "photo.jpg")


def test_files_alone_of_others_too(talk, ben):
    talk.replies(ben, "", attached=(PAPER,))
    assert sent(talk) == []
    talk.core.decisions.send_held(int(talk.desk.button(Button.TAKE_OVER_AND_SEND)), ben)
    talk.settle()
    assert sent(talk)[-1] == ("", "Ihre%20Bestellung.pdf")


def test_files_of_a_note_never_leave(talk, ana):
    talk.replies(ana, "note: for us alone", attached=(PHOTO,))
    assert (sent(talk), talk.desk.downloads) == ([], 0)
    with talk.database.read() as tx:
        assert tx.session.query(Note).one().files == []


# -- once


@pytest.mark.on_both
def test_a_reply_that_is_heard_twice_sends_its_file_once(talk, ana):
    ts = talk.replies(ana, "", attached=(PHOTO,))
    talk.replies(ana, "", ts=ts, attached=(PHOTO,))
    assert len(sent(talk)) == 1


@pytest.mark.on_both
def test_a_file_that_was_sent_without_an_answer_is_looked_up_before_it_is_sent_again(talk, ana):
    talk.channel.troubles = [OutcomeUnknownAfter("no answer")]
    talk.replies(ana, "", attached=(PHOTO,))
    talk.clock.advance(seconds=30)
    talk.settle()
    assert len(sent(talk)) == 1


@pytest.mark.on_both
def test_a_retry_sends_the_file_again(talk, ana):
    talk.replies(ana, "Here", attached=(PHOTO,))
    talk.reports(DeliveryStatus.FAILED, talk.last_sent(), error_code="63019", error="Not fetched.")
    talk.core.decisions.retry(int(talk.desk.button(Button.RETRY)), ana)
    talk.settle()
    assert sent(talk) == [("Here", "photo.jpg")] * 2
    assert talk.desk.downloads == 1


@pytest.fixture
def holding(talk):
    with talk.database.write() as tx:
        log.prefer(tx, "hold_seconds", 10, "test", talk.clock.now())
    return talk


def test_in_the_hold_words_can_be_changed_and_the_file_stays_with_them(holding, ana):
    ts = holding.replies(ana, "Heer", attached=(PHOTO,))
    holding.core.relay.edited(holding.desk.place, ts, "Here")
    holding.clock.advance(seconds=11)
    holding.settle()
    assert sent(holding) == [("Here", "photo.jpg")]


@pytest.mark.on_both
def test_in_the_hold_all_of_it_can_be_deleted(holding, ana):
    ts = holding.replies(ana, "Oops", attached=(PHOTO,))
    holding.core.relay.deleted(holding.desk.place, ts)
    holding.clock.advance(seconds=11)
    holding.settle()
    assert sent(holding) == []


@pytest.mark.parametrize("change", ["Right words", None])
def test_a_refused_file_does_not_keep_words_from_being_changed_or_deleted(holding, ana, change):
    ts = holding.replies(ana, "Wrong words", attached=(LIAR,))
    if change:
        holding.core.relay.edited(holding.desk.place, ts, change)
    else:
        holding.core.relay.deleted(holding.desk.place, ts)
    holding.clock.advance(seconds=11)
    holding.settle()
    assert sent(holding) == ([(change,)] if change else [])
    assert holding.desk.whispers == []


# -- for how long


def test_a_provider_can_fetch_a_file_for_a_day_after_it_was_sent(talk, ana):
    talk.replies(ana, "", attached=(PHOTO,))
    assert served(talk).name == "photo.jpg"
    talk.clock.advance(hours=25)
    assert served(talk) is None


def test_a_retry_opens_it_again(talk, ana):
    talk.replies(ana, "", attached=(PHOTO,))
    talk.reports(DeliveryStatus.FAILED, talk.last_sent(), error_code="63019", error="Not fetched.")
    talk.clock.advance(hours=25)
    talk.core.decisions.retry(int(talk.desk.button(Button.RETRY)), ana)
    talk.settle()
    assert served(talk) is not None


def test_where_customers_look_at_it_with_us_it_stays_as_long_as_it_is_kept(talk, ana):
    talk.replies(ana, "", attached=(PHOTO,))
    talk.channel.limits = Limits(text=160, media=TYPES, shows_ours=True)
    talk.clock.advance(days=29)
    assert served(talk) is not None


@pytest.mark.on_both
def test_after_thirty_days_it_is_gone(talk, ana):
    talk.replies(ana, "", attached=(PHOTO,))
    talk.clock.advance(days=29)
    talk.core.scheduler.tick(timers.PRUNE)
    talk.settle()
    assert kept(talk) == 1
    talk.clock.advance(days=2)
    talk.core.scheduler.tick(timers.PRUNE)
    talk.settle()
    assert kept(talk) == 0


def test_a_retry_of_what_is_gone_takes_it_from_the_desk_again(talk, ana):
    talk.replies(ana, "", attached=(PHOTO,))
    talk.reports(DeliveryStatus.FAILED, talk.last_sent(), error_code="63019", error="Not fetched.")
    talk.clock.advance(days=31)
    talk.core.scheduler.tick(timers.PRUNE)
    talk.settle()
    talk.core.decisions.retry(int(talk.desk.button(Button.RETRY)), ana)
    talk.settle()
    assert talk.desk.downloads == 2
    assert served(talk) is not None


def kept(house):
    with house.database.read() as tx:
        return tx.session.query(attachments.Attachment).count()


def test_nobody_gets_a_file_by_guessing(talk, ana):
    talk.replies(ana, "", attached=(PHOTO,))
    for guess in ("", "x", "1", "../", "%"):
        assert talk.core.serving.find(guess) is None
    (url,) = talk.channel.taken[-1][0].media
    assert len(url.removeprefix(ORIGIN).partition("/")[0]) == 32
