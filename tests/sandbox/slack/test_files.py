"""Files both ways: attached by people, uploaded by the bot, open to the token alone."""

import pytest
import requests
from slack_sdk.errors import SlackApiError

from handoff_sandbox.slack import Attachment
from tests.sandbox.slack.conftest import TIMEOUT


@pytest.fixture
def shared(slack, ana, queue):
    """The file that Ana shared, as the event shows it."""
    slack.say(ana, queue, "Look", files=[Attachment("photo.jpg", b"\xff\xd8 jpeg")])
    event = slack.events()[-1].envelope["event"]
    assert event["subtype"] == "file_share"
    (file,) = event["files"]
    return file


def test_a_shared_file_is_described(client, shared, ana, queue):
    assert (shared["name"], shared["mimetype"], shared["size"]) == ("photo.jpg", "image/jpeg", 7)
    found = client.files_info(file=shared["id"])["file"]
    assert found["channels"] == [queue]
    assert found["user"] == ana


def test_a_file_is_downloaded_with_the_token(slack, shared):
    headers = {"Authorization": f"Bearer {slack.bot_token}"}
    got = requests.get(shared["url_private_download"], headers=headers, timeout=TIMEOUT)
    assert got.content == b"\xff\xd8 jpeg"
    assert got.headers["Content-Type"] == "image/jpeg"


def test_without_the_token_there_is_a_login_page_with_200(shared):
    got = requests.get(shared["url_private_download"], timeout=TIMEOUT)
    assert got.status_code == 200
    assert got.headers["Content-Type"].startswith("text/html")
    assert b"jpeg" not in got.content


def test_a_file_that_is_not_there_is_not_found(slack, client, shared):
    with pytest.raises(SlackApiError, match="file_not_found"):
        client.files_info(file="F0")
    url = shared["url_private"].replace(shared["id"], "F0")
    headers = {"Authorization": f"Bearer {slack.bot_token}"}
    assert requests.get(url, headers=headers, timeout=TIMEOUT).status_code == 404


def test_the_bot_uploads_into_a_thread(slack, client, queue):
    card = client.chat_postMessage(channel=queue, text="Card")["ts"]
    client.files_upload_v2(
        content=b"hello",
        filename="note.txt",
        title="Note",
        channel=queue,
        thread_ts=card,
        initial_comment="From the customer",
    )
    _, reply = slack.thread(queue, card)
    assert reply["text"] == "From the customer"
    (file,) = reply["files"]
    assert (file["name"], file["title"], file["size"]) == ("note.txt", "Note", 5)
    headers = {"Authorization": f"Bearer {slack.bot_token}"}
    got = requests.get(file["url_private_download"], headers=headers, timeout=TIMEOUT)
    assert got.content == b"hello"


def test_a_file_in_a_form_is_taken_too(slack, client):
    begun = client.files_getUploadURLExternal(filename="note.txt", length=5)
    form = {"file": ("note.txt", b"hello")}
    assert requests.post(begun["upload_url"], files=form, timeout=TIMEOUT).text == "OK - 5"
    done = client.files_completeUploadExternal(files=[{"id": begun["file_id"], "title": "Note"}])
    assert done["files"] == [{"id": begun["file_id"], "title": "Note"}]


def test_an_upload_needs_its_bytes(slack, client):
    begun = client.files_getUploadURLExternal(filename="note.txt", length=5)
    with pytest.raises(SlackApiError, match="file_not_found"):
        client.files_completeUploadExternal(files=[{"id": begun["file_id"], "title": "x"}])
    with pytest.raises(SlackApiError, match="invalid_arguments"):
        client.files_completeUploadExternal(files=[])
    with pytest.raises(SlackApiError, match="missing_argument"):
        client.files_getUploadURLExternal(filename="note.txt", length=0)
    lost = requests.post(f"{slack.url}/upload/F0", data=b"x", timeout=TIMEOUT)
    assert lost.status_code == 404
