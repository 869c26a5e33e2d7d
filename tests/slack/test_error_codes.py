"""Every error code that Slack publishes for the methods that we call is in exactly one class, on purpose."""

import json
from pathlib import Path

import pytest

from handoff_bot.domain.errors import DeskClosed
from handoff_bot.slack.client.errors import CLASSES, CLOSED
from tests.slack.test_errors import post

METHODS = Path(__file__).parents[3] / "shared" / "oracle" / "slack" / "methods.json"
CALLED = (
    "auth.test",
    "chat.delete",
    "chat.postEphemeral",
    "chat.postMessage",
    "chat.update",
    "conversations.history",
    "conversations.replies",
    "pins.add",
    "reactions.add",
    "reactions.remove",
)


def test_no_code_is_in_two_classes():
    codes = [code for known in CLASSES.values() for code in known]
    assert sorted(codes) == sorted(set(codes))


def test_every_published_code_of_what_we_call_is_in_a_class():
    methods = _published()
    families = [name for name in methods if name.startswith(("files.", "views."))]
    published = {code for name in (*CALLED, *families) for code in methods[name]["errors"]}
    assert len(published) > 100
    assert published - {code for known in CLASSES.values() for code in known} == set()


def _published():
    if not METHODS.exists():
        pytest.skip(f"{METHODS.name} of Slack's published methods is not here")
    return json.loads(METHODS.read_text())


@pytest.mark.parametrize("code", sorted(CLOSED))
def test_what_closes_a_channel_waits_for_a_person(api, desk, code):
    api.fails("chat.postMessage", code)
    with pytest.raises(DeskClosed) as caught:
        post(desk)
    assert (caught.value.permanent, caught.value.code) == (False, code)
