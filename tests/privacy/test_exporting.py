"""An export holds everything about one contact, harmless to open, without secrets."""

import json
import os
import re
import stat

import pytest

from handoff_bot.domain.errors import HandoffError
from handoff_bot.domain.files import File
from handoff_bot.services.privacy.exporting import Exporting, safe_name
from handoff_bot.storage import attachments
from handoff_bot.storage.models import Attachment
from tests.privacy.conftest import ADDRESS, NAME, PHOTO

EVIL = '<script>alert(1)</script><img src=https://evil.example/x onerror=alert(2)> & "quoted"'


@pytest.fixture
def exported(office, tmp_path):
    office.writes_in(f"I want a person {EVIL}", media=[PHOTO], name=f"{NAME} <b>")
    office.click(office.ana, "claim")
    office.writes(office.ana, "// a note <i>")
    office.writes_in("Another customer", address="+15550009999", name="Otto")
    folder = tmp_path / "out"
    uploaded = File("my <photo>.jpg", "image/jpeg", PHOTO[1])
    with office.database.write() as tx:
        attachments.add(tx, attachments.new_token(), uploaded, 1, None, office.clock.now())
    exporter = Exporting(office.database, office.clock, office.over_twilio)
    written = exporter.write(office.contact(), folder, "cli")
    return office, folder, written


def test_it_holds_every_row_and_file_of_the_contact_and_of_no_other(exported):
    _, folder, written = exported
    told = json.loads((folder / "contact.json").read_text())
    assert told["contact"][0]["name"] == f"{NAME} <b>"
    assert told["contact_address"][0]["address"] == ADDRESS
    assert EVIL in "".join(one["text"] for one in told["message"])
    assert [one["text"] for one in told["note"]] == ["a note <i>"]
    assert {one["kind"] for one in told["event"]} >= {"escalation.opened", "escalation.claim"}
    files = [one for one in written if one.startswith("files/")]
    assert files == ["files/1-my_photo_.jpg", "files/message-1-0.jpg"]
    assert {(folder / one).read_bytes() for one in files} == {PHOTO[1]}
    assert told["message"][0]["media"][0]["url"] == "files/message-1-0.jpg"
    assert "Another customer" not in (folder / "contact.json").read_text()
    assert "Otto" not in (folder / "index.html").read_text()


def test_hostile_text_stays_text(exported):
    _, folder, _ = exported
    page = (folder / "index.html").read_text()
    assert "<script" not in page
    assert "<img" not in page
    assert "a note &lt;i&gt;" in page
    assert "default-src 'none'" in page
    assert set(re.findall(r"<([a-z0-9]+)", page)) <= {
        *("html", "head", "meta", "title", "style", "body", "h1", "h2", "ul", "li", "time", "b"),
        *("br", "a", "table", "tr", "th", "td"),
    }


def test_it_holds_no_secret(exported):
    office, folder, _ = exported
    with office.database.read() as tx:
        tokens = [one.token for one in tx.session.query(Attachment)]
    assert tokens
    for name in ("contact.json", "index.html"):
        told = (folder / name).read_text()
        assert not [one for one in tokens if one in told]
        assert office.slack.bot_token not in told


def test_only_our_own_user_reads_it(exported):
    _, folder, written = exported
    assert stat.S_IMODE(os.stat(folder).st_mode) == 0o700
    assert {stat.S_IMODE(os.stat(folder / one).st_mode) for one in written} == {0o600}


def test_a_folder_with_files_is_left_alone(exported):
    office, folder, _ = exported
    with pytest.raises(HandoffError, match="not empty"):
        Exporting(office.database, office.clock).write(office.contact(), folder, "cli")


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("../../etc/passwd", "_.._etc_passwd"),
        ("-rf *.jpg", "rf_.jpg"),
        (".bashrc", "bashrc"),
        ("…", "_"),
        ("", "file"),
        ("con\x00\n\"'<b>.png", "con_b_.png"),
    ],
)
def test_a_file_name_cannot_leave_the_folder(name, safe):
    assert safe_name(name) == safe
