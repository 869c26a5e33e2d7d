"""What a language model read from a customer's files is exported, forgotten and blanked like their text."""

import json

import pytest

from handoff_bot.domain.desk import AgentRef
from handoff_bot.domain.escalations import Step
from handoff_bot.services.privacy import retention
from handoff_bot.services.privacy.exporting import Exporting
from tests.privacy.conftest import PHOTO, WORD, files_with, rows_with
from tests.samples import SAMPLES

NOTE = ("audio/ogg", SAMPLES["audio/ogg"])


@pytest.fixture
def read(office):
    """A customer whose voice note and picture were read, in a conversation with an agent."""
    reader = office.file_reader
    reader.heard, reader.seen = f"It is about {WORD}", f"A receipt for {WORD}"
    for key in ("files.transcribe", "files.pictures"):
        office.core.preferences.change(key, True, office.mia)
    office.writes_in("I want a person")
    office.click(office.ana, "claim")
    office.writes_in("", media=[NOTE])
    office.writes_in("Look", media=[(PHOTO[0], SAMPLES["image/jpeg"])])
    office.settle()
    office.twilio.drain()
    return office


def test_both_are_read_and_shown(read):
    shown = read.everything_elsewhere()
    assert f"Transcript: It is about {WORD}" in shown
    assert f"Picture: A receipt for {WORD}" in shown


def test_nothing_of_them_is_left_after_forgetting(read, tmp_path):
    assert {table for table, _ in rows_with(read.database, WORD)} == {"message", "work"}
    assert read.forget(read.contact()).done
    assert rows_with(read.database, WORD) == []
    assert WORD not in read.everything_elsewhere()
    if read.database.is_sqlite:
        assert files_with(tmp_path, WORD) == []


def test_a_contact_who_is_forgotten_while_a_file_waits_is_not_read(office):
    office.core.preferences.change("files.transcribe", True, office.mia)
    office.writes_in("Hello")
    office.core.forgetting.request(office.contact(), "cli")
    office.writes_in("", media=[NOTE])
    office.finish()
    assert len(office.file_reader.read) == 1  # of the new contact, who is a stranger
    assert office.core.forgetting.receipt(1)[0].startswith("Contact 1 was forgotten")


def test_an_export_holds_them_beside_the_file(read, tmp_path):
    folder = tmp_path / "out"
    Exporting(read.database, read.clock, read.over_twilio).write(read.contact(), folder, "cli")
    told = json.loads((folder / "contact.json").read_text())
    media = [one for message in told["message"] for one in message["media"]]
    assert [one.get("transcript") or one.get("description") for one in media] == [
        f"It is about {WORD}",
        f"A receipt for {WORD}",
    ]
    assert all((folder / one["url"]).exists() for one in media)


def test_retention_blanks_them_with_their_message(read):
    read.core.escalations.take(Step.RESOLVE, 1, AgentRef(read.ana, "Ana"))
    read.settle()
    read.clock.advance(days=40)
    read.core.retention.save(["all messages 30"], "test")
    read.core.scheduler.tick(retention.RETAIN)
    for _ in range(5):
        read.settle()
        read.clock.advance(seconds=2)
    assert {table for table, _ in rows_with(read.database, WORD)} <= {"work"}
