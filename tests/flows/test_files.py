"""Files from a phone to a workspace and back, with the real bot between them."""

from pathlib import Path

import pytest
import requests

from handoff_sandbox.slack import Attachment
from handoff_sandbox.world import ROOT, World
from tests.samples import JPEG, PNG

DANA = "+15550144"
PATIENCE = 20


@pytest.fixture
def world(database_url: str, tmp_path: Path):
    with World(database_url, knowledge=ROOT / "knowledge", log=tmp_path / "log") as made:
        made.start_bot()
        made.wait_until_ready()
        yield made


def test_a_photo_reaches_the_thread_and_one_comes_back_with_its_caption(world):
    photo = [("image/jpeg", JPEG)]
    world.twilio.customer_writes("whatsapp", DANA, "Is this yours? A human please", media=photo)
    world.slack.wait_for(lambda: bool(world.cards()), PATIENCE)
    card = str(world.cards()[0]["ts"])

    def shared():
        return [m for m in world.slack.thread(world.queue, card) if m.get("files")]

    world.slack.wait_for(lambda: bool(shared()), PATIENCE)
    (file,) = shared()[0]["files"]
    headers = {"Authorization": f"Bearer {world.slack.bot_token}"}
    assert requests.get(file["url_private_download"], headers=headers, timeout=5).content == JPEG

    world.slack.click(world.ana, world.queue, card, "claim")
    answer = [Attachment("ours.png", PNG)]
    world.slack.say(world.ana, world.queue, "Ours looks like this", card, files=answer)
    phone = f"whatsapp:{DANA}"
    world.twilio.wait_for(
        lambda: any(m.files and m.status == "read" for m in world.twilio.phone(phone)), PATIENCE
    )
    (shown,) = [m for m in world.twilio.phone(phone) if m.files]
    assert shown.body == "Ours looks like this"
    assert [(f.content_type, f.content) for f in shown.files] == [("image/png", PNG)]
