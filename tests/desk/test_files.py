"""Files both ways between a customer's phone and a thread in Slack."""

import pytest
import requests

from handoff_bot.domain.errors import DeliveryError, DeskError
from handoff_bot.domain.files import MB, DeskFile, Fetched, File
from handoff_bot.domain.messages import Limits, Media
from handoff_bot.slack.client.files import desk_file
from handoff_sandbox.slack import Attachment
from tests.desk.conftest import words
from tests.desk.oddities import send_raw
from tests.samples import JPEG
from tests.slack import payloads

pytestmark = pytest.mark.on_sqlite

PHOTO = Media("https://provider/photo", "image/jpeg")


@pytest.fixture
def taken(bureau):
    """Ana talks to Dana, whose provider keeps a photo."""
    bureau.channel.files[PHOTO.url] = Fetched("image/jpeg", "<!channel>/photo.jpg", JPEG)
    bureau.says("I want a person")
    bureau.click(bureau.ana, "claim")
    return bureau


def with_files(bureau):
    return [m for m in bureau.slack.thread(bureau.queue, bureau.card()) if m.get("files")]


# -- from customers


@pytest.mark.on_both
def test_a_customers_photo_stands_in_the_thread_under_their_name(taken):
    taken.says("Look", media=(PHOTO,), profile_name="Dana *<!channel>*")
    (shown,) = with_files(taken)
    assert shown["thread_ts"] == taken.card()
    assert shown["username"] == "Dana *<!channel>* on SMS"
    assert words(shown["blocks"]).strip() == "📎 Picture, 1 kB"
    (file,) = shown["files"]
    assert (file["name"], file["title"], file["mimetype"]) == (
        "photo.jpg",
        "photo.jpg",
        "image/jpeg",
    )
    headers = {"Authorization": f"Bearer {taken.slack.bot_token}"}
    assert requests.get(file["url_private_download"], headers=headers, timeout=5).content == JPEG


def test_without_that_scope_a_line_in_plain_text_says_who(taken):
    taken.slack.scopes.granted -= {"chat:write.customize"}
    taken.core.handlers["desk.file"]._desk._workspace_url = ""
    taken.says("", media=(PHOTO,), profile_name="Dana *<!channel>*")
    (shown,) = with_files(taken)
    assert "username" not in shown
    heading, _ = shown["blocks"]
    (element,) = heading["elements"]
    assert (element["type"], element["text"]) == ("plain_text", "Dana *<!channel>* on SMS")


def test_the_picture_has_words_for_those_who_cannot_see_it(taken):
    taken.says("", media=(PHOTO,))
    (call,) = taken.slack.journal.entries("slack", "/api/files.getUploadURLExternal")
    assert call.request["alt_txt"] == "+15550001 on SMS: 📎 Picture, 1 kB"


def test_an_answer_that_got_lost_does_not_show_the_file_twice(taken):
    path = "/api/files.completeUploadExternal"
    taken.slack.faults.add(path, drop="after", count=1)
    taken.says("", media=(PHOTO,))
    taken.later(minutes=1)
    taken.later(minutes=1)
    assert len(with_files(taken)) == 1
    assert len(taken.slack.journal.entries("slack", path)) == 1


def test_an_app_that_may_not_upload_says_so_and_words_go_on(taken):
    taken.slack.scopes.granted -= {"files:write"}
    taken.says("Look at this", media=(PHOTO,))
    taken.says("Hello?")
    said = taken.thread()
    assert any("lacks the permission files:write" in one for one in said)
    assert any("Hello?" in one for one in said)

    taken.slack.scopes.granted |= {"files:write"}
    taken.click(taken.ana, "fetch_again", ts=_told(taken))
    assert len(with_files(taken)) == 1


def _told(bureau):
    (told,) = [
        m["ts"]
        for m in bureau.slack.thread(bureau.queue, bureau.card())
        if "cannot be shown here" in m["text"]
    ]
    return told


@pytest.mark.on_both
def test_a_file_that_cannot_be_fetched_is_named_and_can_be_asked_for_again(taken):
    busy = DeliveryError("Twilio cannot be reached at the moment.", permanent=False)
    taken.channel.file_troubles = [busy] * 100
    taken.says("", media=(PHOTO,))
    for _ in range(10):
        taken.later(seconds=30)
    taken.channel.file_troubles.clear()
    told = _told(taken)
    taken.click(taken.ana, "fetch_again", ts=told)
    assert len(with_files(taken)) == 1
    shown = next(m for m in taken.slack.thread(taken.queue, taken.card()) if m["ts"] == told)
    assert "Downloading the file again." in words(shown["blocks"])
    assert "fetch_again" not in str(shown["blocks"])


# -- from agents


@pytest.fixture
def talking(taken):
    """Dana's phone takes pictures with words below them."""
    taken.channel.limits = Limits(text=160, media={"image/jpeg": 5 * MB}, caption=100)
    return taken


def arrived(bureau):
    message = bureau.channel.taken[-1][0]
    tokens = [url.split("/files/")[1].partition("/")[0] for url in message.media]
    found = [bureau.core.serving.find(token) for token in tokens]
    files = [file and File(file.name, file.content_type, b"".join(file.pieces)) for file in found]
    return message.text, files


@pytest.mark.on_both
def test_a_photo_in_a_reply_reaches_the_customer_with_its_words(talking):
    photo = Attachment("../<!channel>photo.jpg", JPEG)
    talking.writes(talking.ana, "Like *this*", files=[photo])
    text, (file,) = arrived(talking)
    assert text == "Like this"
    assert (file.name, file.content_type, file.data) == ("!channel_photo.jpg", "image/jpeg", JPEG)


def test_what_cannot_be_sent_is_whispered_and_the_words_go(talking):
    talking.writes(talking.ana, "Run it", files=[Attachment("setup.exe", b"MZ")])
    assert talking.heard()[-1] == "Run it"
    assert "The customer did not receive setup.exe" in talking.whispers(talking.ana)[-1]


def test_a_login_page_is_not_taken_for_a_photo(talking):
    with_token = talking.slack.tokens.is_bot
    talking.slack.tokens.is_bot = lambda token: False
    talking.writes(talking.ana, "Look", files=[Attachment("photo.jpg", JPEG)])
    assert talking.heard()[-1] == "Look"
    assert any("lacks the permission files:read" in said for said in talking.thread())

    talking.slack.tokens.is_bot = with_token
    failed = talking.slack.thread(talking.queue, talking.card())[-1]["ts"]
    talking.click(talking.ana, "retry", ts=failed)
    _, (file,) = arrived(talking)
    assert file.data == JPEG


def test_a_colleagues_photo_stays_inside_until_they_take_over(talking):
    before = len(talking.channel.taken)
    talking.writes(talking.ben, "", files=[Attachment("photo.jpg", JPEG)])
    assert len(talking.channel.taken) == before
    shown = talking.slack.ephemerals(talking.ben)[-1]
    talking.slack.click_ephemeral(talking.ben, shown["ts"], "take_over_and_send")
    talking.settle()
    _, (file,) = arrived(talking)
    assert file.data == JPEG


def test_a_file_is_never_asked_for_at_another_host(talking):
    desk = talking.core.handlers["desk.file"]._desk
    for url in ("https://evil.example.com/x", "http://127.0.0.1:1/x", "file:///etc/passwd"):
        with pytest.raises(DeskError) as refused:
            desk.download(DeskFile("F1", "x", "image/jpeg", 1, url), MB)
        assert refused.value.permanent


def test_a_file_that_slack_only_hints_at_is_looked_up(talking):
    talking.slack.say(talking.ana, talking.queue, "", files=[Attachment("photo.jpg", JPEG)])
    (described,) = talking.slack.messages(talking.queue)[-1]["files"]
    hinted = desk_file({"id": described["id"], "file_access": "check_file_info"})
    assert hinted.url == ""
    found = talking.core.handlers["desk.file"]._desk.download(hinted, MB)
    assert (found.name, found.data) == ("photo.jpg", JPEG)


def shared_event(talking, **described):
    """What the bot hears of a file in a slack_channel that is shared with another workspace."""
    card = talking.card()
    talking.slack.say(talking.ana, talking.queue, "", files=[Attachment("photo.jpg", JPEG)])
    (file,) = talking.slack.messages(talking.queue)[-1]["files"]
    event = payloads.event(
        77,
        user=talking.ana,
        subtype="file_share",
        text="",
        channel=talking.queue,
        thread_ts=card,
        files=[file],
        team=talking.slack.team_id,
    )
    talking.slack._slack.files.find(file["id"]).more |= described
    return event | {"is_ext_shared_channel": True}


def test_a_file_of_a_shared_channel_is_asked_about_before_it_is_sent(talking):
    event = shared_event(talking, is_external=True, external_type="gdrive")
    send_raw(talking, event)
    talking.settle()
    assert talking.slack.journal.entries("slack", "*files.info")
    assert all(not message.media for message, _ in talking.channel.taken)
    card = event["event"]["thread_ts"]
    assert "This file is not stored in Slack" in " ".join(talking.thread(card))


def test_a_file_of_a_shared_channel_that_is_kept_in_slack_is_sent(talking):
    send_raw(talking, shared_event(talking))
    talking.settle()
    assert talking.slack.journal.entries("slack", "*files.info")
    assert any(message.media for message, _ in talking.channel.taken)


def test_more_than_is_allowed_is_not_read(talking):
    talking.slack.say(talking.ana, talking.queue, "", files=[Attachment("photo.jpg", bytes(MB))])
    (described,) = talking.slack.messages(talking.queue)[-1]["files"]
    with pytest.raises(DeskError, match="larger than 0"):
        talking.core.handlers["desk.file"]._desk.download(desk_file(described), 1000)
