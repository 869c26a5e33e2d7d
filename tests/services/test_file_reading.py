"""Voice notes and pictures that a language model reads: in order, once, and never in the way."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from handoff_bot.domain.desk import PostKind
from handoff_bot.domain.errors import CapReached, DeliveryError, ModelError
from handoff_bot.domain.escalations import Step
from handoff_bot.domain.file_reading import LARGEST_VOICE, LONGEST_TEXT
from handoff_bot.domain.files import Fetched, File
from handoff_bot.domain.messages import Media, MessageContext, MessageKind
from handoff_bot.domain.signals import Mood, Signal
from handoff_bot.jobs.job import Job
from handoff_bot.services.ai_turns import answering, file_reading, inbound
from handoff_bot.services.outbox import view_models
from handoff_bot.storage import attachments, log
from handoff_bot.storage import escalations as rows
from handoff_bot.storage.models import Conversation, Message, Work
from tests.fakes import ScriptedReader, ScriptedTranslator
from tests.samples import JPEG, SAMPLES
from tests.services.conftest import build_house

pytestmark = pytest.mark.on_sqlite

NOTE = Media("https://provider/note", "audio/ogg; codecs=opus")
PHOTO = Media("https://provider/photo", "image/jpeg")
AMR = Media("https://provider/amr", "audio/amr")
TIMEOUT = ModelError("timeout")
GONE = DeliveryError("Twilio does not have the file yet.", permanent=False)


@pytest.fixture
def reader():
    return ScriptedReader()


@pytest.fixture
def house(database, clock, reader):
    house = build_house(database, clock, file_reader=reader)
    house.channel.files = {
        NOTE.url: Fetched("audio/ogg", "a.ogg", SAMPLES["audio/ogg"]),
        PHOTO.url: Fetched("image/jpeg", "a.jpg", JPEG),
        AMR.url: Fetched("audio/amr", "a.amr", SAMPLES["audio/amr"]),
    }
    for key in ("files.transcribe", "files.pictures"):
        house.core.preferences.change(key, True, "UMIA")
    return house


@pytest.fixture
def talk(house, ana):
    """Ana talks to the customer."""
    house.says("a human please")
    house.take(Step.CLAIM, ana)
    return house


def sent(house):
    return [message.text for message, _ in house.channel.taken]


def times_told(house):
    """Returns how often the customer was told that voice notes cannot be listened to."""
    return " ".join(sent(house)).count("listen to voice notes")


def thread(house):
    """Returns what the thread shows: files by type, posts by name and text."""
    return [(post.name, post.text) for post in house.desk.threads[house.desk.place]]


def messages(house):
    with house.database.read() as tx:
        return list(tx.session.execute(select(Message).order_by(Message.id)).scalars())


def wait(house, times=3, seconds=3):
    for _ in range(times):
        house.clock.advance(seconds=seconds)
        house.settle()


# -- what the assistant does with it


@pytest.mark.on_both
def test_a_voice_note_is_answered_like_a_typed_message(house, reader):
    house.says("", media=(NOTE,))
    assert sent(house)[-1].endswith("Answer to: Where is my order?")
    assert len(house.channel.taken) == 1
    assert reader.read == [("audio/ogg", "")]


@pytest.mark.on_both
def test_a_request_for_a_person_in_a_voice_note_escalates(house, reader):
    reader.heard = "I want a human"
    house.says("", media=(NOTE,))
    assert house.desk.card.evidence == "I want a human"
    assert house.desk.card.recent[-1].text == "[audio/ogg; codecs=opus]\nTranscript: I want a human"
    assert [file.name for file, _ in house.desk.uploads] == ["a.ogg"]
    assert thread(house) == [
        ("+15550001 · transcribed by the assistant", "Transcript: I want a human")
    ]


@pytest.mark.on_both
def test_a_picture_is_answered_by_what_it_shows_and_what_was_written(house, reader):
    house.says("What can I do?", media=(PHOTO,))
    assert sent(house)[-1].endswith("Answer to: What can I do?\nPicture: A torn jumper")
    assert len(house.channel.taken) == 1
    assert reader.read == [("image/jpeg", "What can I do?")]


def test_a_picture_alone_is_answered_too(house):
    house.says("", media=(PHOTO,))
    assert sent(house)[-1].endswith("Answer to: Picture: A torn jumper")


@pytest.mark.on_both
def test_a_text_that_follows_waits_for_the_voice_note(house, reader):
    reader.meanwhile = [lambda: house.says("It is 4711", settle=False)]
    house.says("", media=(NOTE,))
    wait(house)
    (asked,) = house.assistant.asked
    assert [turn.text for turn in asked.turns] == ["Where is my order?", "It is 4711"]
    assert asked.waiting == 2
    assert len(house.channel.taken) == 1


@pytest.mark.on_both
def test_a_text_does_not_wait_for_ever(house):
    house.says("Hello")
    now = house.clock.now()
    stuck = Work(
        lane=file_reading.lane(1),
        kind=file_reading.READ,
        payload={"message_id": 0},
        due_at=now + timedelta(days=1),
        first_due_at=now,
    )
    with house.database.write() as tx:  # a reading that never ends
        tx.session.add(stuck)
    house.says("", media=(NOTE,), settle=False)
    house.says("Are you there?")
    wait(house, times=10, seconds=5)
    assert len(house.assistant.asked) == 1
    wait(house, times=7, seconds=20)
    assert sent(house)[-1] == "Answer to: Are you there?"


def test_a_visitors_upload_is_read_from_the_database(house, reader):
    house.says("Hello")
    with house.database.write() as tx:
        note = File("note.ogg", "audio/ogg", SAMPLES["audio/ogg"])
        attachments.add(tx, "token", note, 1, None, house.clock.now())
    house.channel.files.clear()
    house.says("", media=(Media(f"{attachments.OURS}token", "audio/ogg"),))
    assert sent(house)[-1] == "Answer to: Where is my order?"


@pytest.mark.on_both
@pytest.mark.parametrize("second", [(), (NOTE,)], ids=["a text", "another voice note"])
def test_a_spoken_request_for_a_person_counts_although_the_customer_wrote_on(house, reader, second):
    def write_on():
        house.says("" if second else "It is 4711", media=second, settle=False)

    reader.heard, reader.heard_next = "I want a human", ["It is 4711"]
    reader.meanwhile = [write_on]
    house.says("", media=(NOTE,))
    wait(house)
    assert house.desk.card.evidence == "I want a human"
    assert [text for _, text in thread(house) if text.endswith("It is 4711")]
    with house.database.read() as tx:
        assert rows.open_of(tx, 1).message_id == messages(house)[0].id


def test_anger_in_a_voice_note_counts_although_the_customer_wrote_on(talk, reader):
    talk.detector.words["lawyer"] = Signal.SENTIMENT
    reader.heard = "I call my lawyer"
    reader.meanwhile = [lambda: talk.says("It is 4711", settle=False)]
    talk.says("", media=(NOTE,))
    wait(talk)
    assert "I call my lawyer" in [turns[-1].text for turns in talk.detector.judged]
    assert talk.desk.card.mood is Mood.UPSET


def test_a_calm_voice_note_does_not_calm_the_anger_that_was_written_after_it(talk, reader):
    talk.detector.words["lawyer"] = Signal.SENTIMENT
    reader.heard = "It is 4711"
    reader.meanwhile = [lambda: talk.says("I call my lawyer", settle=False)]
    talk.says("", media=(NOTE,))
    wait(talk)
    assert [turns[-1].text for turns in talk.detector.judged][-1] == "It is 4711"
    assert talk.desk.card.mood is Mood.UPSET


# -- what it does not do


@pytest.mark.parametrize("key", ["files.transcribe", "files.pictures"])
def test_what_is_switched_off_is_not_read(house, reader, key):
    house.core.preferences.change(key, False, "UMIA")
    house.says("", media=(NOTE if key == "files.transcribe" else PHOTO,))
    assert reader.read == []
    assert house.assistant.asked == []


def test_both_are_off_until_an_admin_switches_them_on(database, clock, reader):
    house = build_house(database, clock, file_reader=reader)
    house.says("", media=(NOTE,))
    house.says("", media=(PHOTO,), address="+15550002")
    assert reader.read == []


def test_without_a_language_model_all_is_as_before(database, clock):
    house = build_house(database, clock)
    house.core.preferences.change("files.transcribe", True, "UMIA")
    house.says("", media=(NOTE,))
    assert times_told(house) == 1


def test_a_type_that_the_model_does_not_take_is_not_sent(house, reader):
    house.says("", media=(AMR,))
    assert reader.read == []
    assert times_told(house) == 1


def test_a_sticker_is_no_picture_to_look_at(house, reader):
    house.says("", media=(PHOTO,), context=MessageContext(kind=MessageKind.STICKER))
    assert reader.read == []
    assert house.channel.taken == []


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (JPEG, "The file's content does not match its type (audio/ogg)."),
        (b"OggS" + bytes(LARGEST_VOICE), "The file is larger than 5.0 MB."),
        (b"OggS" + bytes(24) + b"OpusHead" + b"OggS\0\4" + b"\xff" * 8, "than 10 minutes."),
    ],
    ids=["another type", "too large", "too long"],
)
def test_what_is_no_voice_note_within_the_limits_is_not_sent(talk, reader, data, why):
    talk.channel.files[NOTE.url] = Fetched("audio/ogg", "a.ogg", data)
    talk.says("", media=(NOTE,))
    assert reader.read == []
    assert [text for text in talk.desk.said("notice") if text.endswith(why)]


@pytest.mark.parametrize(
    ("kind", "head"),
    [
        ("audio/mp4", b"\0\0\0\x18ftypM4A "),
        ("audio/mpeg", b"ID3\4"),
        ("audio/ogg", b"OggS" + bytes(24) + b"\1vorbis"),
    ],
    ids=["M4A", "MP3", "Ogg Vorbis"],
)
def test_a_note_whose_length_is_only_estimated_is_read(house, reader, kind, head):
    note = Media("https://provider/long", kind)
    house.channel.files[note.url] = Fetched(kind, "a", head + bytes(1_500_000))
    house.says("", media=(note,))
    assert [kind for kind, _ in reader.read] == [kind]


def test_at_most_three_files_of_a_message_are_read(house, reader):
    house.says("Look", media=(PHOTO,) * 5)
    assert len(reader.read) == 3


def test_no_further_file_is_begun_when_the_first_ones_took_long(house, reader):
    reader.meanwhile = [lambda: house.clock.advance(seconds=61)]
    house.says("Look", media=(PHOTO, PHOTO))
    wait(house)
    assert len(reader.read) == 1
    assert [one.get("unread") for one in messages(house)[0].media] == [None, "It took too long."]


# -- when it fails


@pytest.mark.on_both
def test_a_model_that_does_not_answer_is_asked_twice_and_the_customer_is_told(house, reader):
    reader.troubles = [TIMEOUT, TIMEOUT]
    house.says("", media=(NOTE,))
    assert house.channel.taken == []
    wait(house)
    assert len(reader.read) == 2
    assert times_told(house) == 1


def test_the_second_try_may_succeed(house, reader):
    reader.troubles = [TIMEOUT]
    house.says("", media=(NOTE,))
    wait(house)
    assert sent(house)[-1].endswith("Answer to: Where is my order?")


def test_the_team_is_told_in_the_thread_what_was_not_read_and_why(talk, reader):
    reader.troubles = [CapReached("spent enough for today")]
    talk.says("", media=(NOTE,))
    assert len(reader.read) == 1
    assert talk.desk.said("notice")[-1] == (
        "The AI did not read this file. Today's spending cap is reached."
    )
    assert len(talk.desk.uploads) == 1


def test_silence_is_said_to_be_silence(talk, reader):
    reader.heard = " \n"
    talk.says("", media=(NOTE,))
    assert talk.desk.said("notice")[-1].endswith("No words were heard.")


def test_a_file_that_the_provider_does_not_have_yet_is_fetched_again(house, reader):
    house.channel.file_troubles = [GONE]
    house.says("", media=(NOTE,))
    assert house.channel.taken == []
    wait(house)
    assert sent(house)[-1].endswith("Answer to: Where is my order?")


def test_a_file_that_never_comes_delays_the_customer_for_a_minute_at_most(house, reader):
    house.channel.file_troubles = [GONE] * 100
    house.says("", media=(NOTE,))
    wait(house, times=10, seconds=10)
    assert reader.read == []
    assert times_told(house) == 1


def test_a_bug_in_reading_leaves_the_message_as_it_was(house, reader):
    reader.troubles = [RuntimeError("bug")] * 10
    house.says("", media=(NOTE,))
    wait(house, times=12, seconds=30)
    assert times_told(house) == 1


def test_what_waited_too_long_for_a_thread_is_not_read(house, reader):
    house.says("", media=(NOTE,), settle=False)
    house.core.worker.run_once()  # only the message itself
    house.clock.advance(seconds=61)
    house.settle()
    assert reader.read == []
    assert times_told(house) == 1


def test_what_was_read_is_not_paid_again_when_another_file_fails(house, reader, monkeypatch):
    later = Media("https://provider/later", "image/jpeg")
    fetch = house.channel.fetch

    def not_yet(media):
        if media == later:
            raise GONE
        return fetch(media)

    monkeypatch.setattr(house.channel, "fetch", not_yet)
    house.says("Look", media=(NOTE, later))
    wait(house, times=10, seconds=5)
    assert reader.read == [("audio/ogg", "")]
    assert [list(one)[-1] for one in messages(house)[0].media] == ["transcript", "unread"]
    assert sent(house)[-1].endswith("Answer to: Look\nWhere is my order?")


def test_a_bug_in_one_file_loses_no_other(house, reader):
    def break_down():
        reader.troubles = [RuntimeError("bug")] * 10

    house.says("", media=(NOTE, PHOTO), settle=False)
    reader.after = [break_down]
    wait(house, times=12, seconds=30)
    assert [kind for kind, _ in reader.read].count("audio/ogg") == 1
    assert [list(one)[-1] for one in messages(house)[0].media] == ["transcript", "unread"]


def test_a_slow_file_leaves_the_next_one_to_another_call(house, reader):
    reader.meanwhile = [lambda: house.clock.advance(seconds=12)]
    house.says("", media=(NOTE, PHOTO))
    assert len(reader.read) == 1  # the process could end here
    wait(house)
    assert len(reader.read) == 2
    assert sent(house)[-1].endswith("Answer to: Where is my order?\nPicture: A torn jumper")


@pytest.mark.on_both
def test_storing_what_was_read_does_not_wait_for_the_conversation(house, reader, clock):
    """An arrival has locked its lane and waits for the conversation, the reading for the lane."""
    held = []

    def go_on(tx, conversation, message, now):
        if house.database.is_sqlite:
            return
        with house.database.write() as other:
            chosen = select(Conversation.id).with_for_update(nowait=True)
            held.append(other.session.execute(chosen).scalar_one())

    house.says("", media=(NOTE,), settle=False)
    house.core.worker.run_once()  # only the message itself
    reading = file_reading.ReadFiles(reader, {"sms": house.channel}, clock, go_on)
    job = Job(1, "", "", {"message_id": messages(house)[0].id}, 0, clock.now(), clock.now(), None)
    with house.database.write() as tx:
        plan = reading.prepare(tx, job)
    with house.database.write() as tx:
        reading.finish(tx, job, plan, reading.call(plan))
    assert len(held) == (0 if house.database.is_sqlite else 1)
    assert messages(house)[0].media[0]["transcript"] == "Where is my order?"
    # And every transaction locks the arrivals' lane first.
    assert inbound.inbound_lane("whatsapp", "+1") < file_reading.lane(1)


def test_without_a_model_any_more_it_is_not_said_that_it_took_long(house, clock):
    house.says("", media=(NOTE,), settle=False)
    house.core.worker.run_once()  # only the message itself
    number = messages(house)[0].id
    reading = file_reading.ReadFiles(None, {"sms": house.channel}, clock, inbound.go_on)
    job = Job(1, "", "", {"message_id": number}, 0, clock.now(), clock.now(), None)
    with house.database.write() as tx:
        assert reading.prepare(tx, job) is None
    assert messages(house)[0].media[0]["unread"] == file_reading.NO_ANSWER


@pytest.mark.parametrize("is_first", [True, False], ids=["before the text", "after it"])
def test_an_unread_note_beside_a_text_is_mentioned_with_the_answer(house, is_first):
    with house.database.write() as tx:
        log.prefer(tx, "rules.pause_seconds", 2, "UMIA", house.clock.now())
    for kind in ("note", "text") if is_first else ("text", "note"):
        house.says(
            "Where is my order?" if kind == "text" else "", media=(AMR,) if kind == "note" else ()
        )
    wait(house)
    (asked,) = house.assistant.asked
    assert [turn.text for turn in asked.turns] == ["Where is my order?"]
    (answer,) = messages(house)[2:]
    assert "Answer to: Where is my order?\n\nI'm an automated assistant and" in answer.text


def test_the_alarm_of_an_unanswered_voice_note_says_what_was_heard(house, monkeypatch):
    def break_down(self, question):
        raise RuntimeError("bug")

    monkeypatch.setattr(answering.TurnEvaluator, "react", break_down)
    house.says("", media=(NOTE,))
    wait(house, times=12, seconds=60)
    assert [
        text
        for text in (post.text for posts in house.desk.told.values() for post in posts)
        if "Where is my order?" in text
    ]


# -- with agents


@pytest.mark.on_both
def test_in_a_claimed_conversation_the_file_comes_first_and_its_transcript_follows(talk, reader):
    reader.meanwhile = [lambda: talk.says("Never mind", settle=False)]
    talk.says("Listen:", media=(NOTE,))
    assert thread(talk)[-3:] == [
        ("+15550001", "Listen:"),
        ("+15550001", "Never mind"),
        ("+15550001 · transcribed by the assistant", "Transcript: Where is my order?"),
    ] or thread(talk)[-3:] == [
        ("+15550001", "Listen:"),
        ("+15550001 · transcribed by the assistant", "Transcript: Where is my order?"),
        ("+15550001", "Never mind"),
    ]
    assert len(talk.desk.uploads) == 1
    assert len(talk.assistant.asked) == 0


def test_a_picture_is_described_below_it(talk):
    talk.says("", media=(PHOTO,))
    assert thread(talk)[-1] == (
        "+15550001 · described by the assistant",
        "Picture: A torn jumper",
    )


@pytest.mark.on_both
def test_a_claim_while_a_voice_note_is_read_silences_the_assistant(house, reader, ana):
    house.says("a human please")
    reader.meanwhile = [lambda: house.take(Step.CLAIM, ana)]
    before = len(house.assistant.asked)
    house.says("", media=(NOTE,))
    assert len(house.assistant.asked) == before
    assert thread(house)[-1][1] == "Transcript: Where is my order?"


def test_an_escalation_while_a_voice_note_is_read_gets_the_transcript_once(house, reader):
    reader.meanwhile = [lambda: house.says("a human please", settle=False)]
    house.says("", media=(NOTE,))
    wait(house)
    shown = [text for _, text in thread(house)]
    assert shown.count("Transcript: Where is my order?") == 1
    assert len(house.desk.uploads) == 1


def test_a_voice_note_of_a_settled_conversation_is_not_answered_afterwards(talk, reader, ana):
    reader.meanwhile = [lambda: talk.take(Step.RESOLVE, ana)]
    before = len(talk.channel.taken)
    talk.says("", media=(NOTE,))
    assert not [text for text in sent(talk)[before:] if "Answer to" in text]


def test_a_queued_customer_may_ask_by_voice(house, reader):
    reader.heard = "How long?"
    house.says("a human please")
    before = len(house.channel.taken)
    house.says("", media=(NOTE,))
    house.clock.advance(seconds=10)
    house.settle()
    assert len(house.channel.taken) == before + 1


def test_a_transcript_is_translated_for_the_team(database, clock, reader, ana):
    translator = ScriptedTranslator()
    house = build_house(database, clock, file_reader=reader, translator=translator)
    house.channel.files = {NOTE.url: Fetched("audio/ogg", "a.ogg", SAMPLES["audio/ogg"])}
    house.core.preferences.change("files.transcribe", True, "UMIA")
    house.core.preferences.change("translation.on", True, "UMIA")
    house.detector.language = "es"
    house.says("Quiero hablar con un human")
    house.take(Step.CLAIM, ana)
    reader.heard = "¿Dónde está mi pedido?"
    house.says("", media=(NOTE,))
    assert thread(house)[-1][1] == "[en] ¿DÓNDE ESTÁ MI PEDIDO?"


# -- once, and kept


@pytest.mark.on_both
def test_a_message_that_is_delivered_twice_is_read_once(house, reader):
    house.says("", media=(NOTE,), provider_id="SMX")
    house.says("", media=(NOTE,), provider_id="SMX")
    assert len(reader.read) == 1
    assert len(house.channel.taken) == 1


@pytest.mark.on_both
def test_the_conversation_keeps_what_was_read(talk):
    talk.says("Look", media=(PHOTO, NOTE))
    with talk.database.read() as tx:
        page = view_models.transcript(tx, rows.get(tx, talk.desk.card.escalation_id), 0)
    assert page.lines[-1].text == (
        "Look\n[image/jpeg], [audio/ogg; codecs=opus]\n"
        "Picture: A torn jumper\nTranscript: Where is my order?"
    )


def test_what_was_read_is_bounded_and_can_be_stored(house, reader):
    reader.heard = "a\x00\ud800" + "b" * 9_000
    house.says("", media=(NOTE,))
    kept = messages(house)[0].media[0]["transcript"]
    assert kept.startswith("a?b")
    assert len(kept) == LONGEST_TEXT


def test_a_contact_who_is_forgotten_while_a_file_is_read_stays_forgotten(house, reader):
    def forget():
        with house.database.write() as tx:
            message = tx.session.execute(select(Message)).scalars().first()
            message.media = []

    reader.meanwhile = [forget]
    house.says("", media=(NOTE,))
    assert messages(house)[0].media == []
    assert house.channel.taken == []


def test_a_transcript_is_the_customers_own_text_and_a_reason_is_not(house):
    message = Message(
        conversation_id=1,
        direction="inbound",
        author="contact",
        channel="sms",
        text="Hi",
        media=[
            {"url": "a", "content_type": "audio/ogg", "transcript": "STOP all"},
            {"url": "b", "content_type": "image/png", "description": "A receipt"},
            {"url": "c", "content_type": "audio/ogg", "unread": "It took too long."},
        ],
        created_at=house.clock.now(),
    )
    assert view_models.own_words(message) == "Hi\nSTOP all\nPicture: A receipt"
    assert view_models.typed(message) == "Hi"


def test_a_spoken_stop_is_no_opt_out(house, reader):
    reader.heard = "Stop"
    house.says("", media=(NOTE,))
    assert sent(house)[-1].endswith("Answer to: Stop")


@pytest.mark.parametrize("hostile", ["<!channel> <https://evil.example|x>", "@here *bold*"])
def test_hostile_speech_is_posted_as_a_customers_text(talk, reader, hostile):
    reader.heard = hostile
    talk.says("", media=(NOTE,))
    (post,) = [
        one for one in talk.desk.threads[talk.desk.place] if one.text == f"Transcript: {hostile}"
    ]
    assert post.kind is PostKind.CONTACT


class NotingLearner:
    """A learner that only notes what it is taught."""

    def __init__(self):
        self.taught = []

    def draft(self, taught, drafted=()):
        self.taught.append(taught)

    def groups(self, asked):
        return asked


def test_an_article_is_learnt_from_a_spoken_question_and_not_from_a_pictures_description(
    database, clock, reader, ana
):
    learner = NotingLearner()
    house = build_house(database, clock, file_reader=reader, learner=learner)
    house.channel.files = {
        NOTE.url: Fetched("audio/ogg", "a.ogg", SAMPLES["audio/ogg"]),
        PHOTO.url: Fetched("image/jpeg", "a.jpg", JPEG),
    }
    for key in ("files.transcribe", "files.pictures"):
        house.core.preferences.change(key, True, "UMIA")
    reader.heard = "Do you engrave watches?"
    house.says("a human please")
    house.take(Step.CLAIM, ana)
    house.says("", media=(NOTE, PHOTO))
    wait(house)
    house.replies(ana, "We engrave watches of steel within three working days.")
    house.take(Step.RESOLVE, ana)
    wait(house)
    (taught,) = learner.taught
    assert taught.asked == ("a human please", "Do you engrave watches?")
