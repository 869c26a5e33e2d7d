"""The sandbox shows voice notes and pictures that are read: sent by phone, heard and seen by the stand-in."""

import pytest

from handoff_bot.domain.file_reading import seconds_of
from handoff_bot.domain.files import Fetched, examined
from handoff_sandbox.openai.files import Upload, heard_in
from handoff_sandbox.page.sample_files import picture, voice_note
from handoff_sandbox.page.stage import Stage

PATIENCE = 60

pytestmark = pytest.mark.on_sqlite


@pytest.fixture
def stage(tmp_path):
    made = Stage(tmp_path, ("http://127.0.0.1:1",))
    yield made
    made.stop()


def thread(stage):
    """Returns the texts below the cards."""
    posts = stage.slack.messages(stage.world.queue)
    return "\n".join(f"{one['text']} {one.get('blocks')}" for one in posts if one.get("thread_ts"))


def test_a_voice_note_and_a_picture_are_read_and_shown_below_the_file(stage):
    stage.start_bot()
    stage.wait_for_a_starting_bot()
    (ida,) = stage.player.play("voice-note")
    wanted = "Transcript: I want to talk to a person, please."
    stage.slack.wait_for(lambda: wanted in thread(stage), PATIENCE)
    heard = [one.body for one in stage.twilio.phone(f"whatsapp:{ida.address}")]
    assert "30 days" in heard[0]

    stage.player.play("picture")
    wanted = "Picture: A grey jumper with a hole in the left sleeve."
    stage.slack.wait_for(lambda: wanted in thread(stage), PATIENCE)
    assert "described by the assistant" in str(stage.slack.messages(stage.world.queue))


def test_the_samples_are_what_they_say_and_hold_what_is_heard():
    note, seen = voice_note("Wo ist meine Bestellung?"), picture("A torn jumper")
    for one in (note, seen):
        file = examined(Fetched(one.content_type, one.name, one.content))
        assert file.content_type == one.content_type
    heard = examined(Fetched(note.content_type, note.name, note.content))
    assert seconds_of(heard) == 1.0
    assert heard_in(Upload(note.name, "m", note.content)) == "Wo ist meine Bestellung?"
