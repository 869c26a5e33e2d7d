"""Signed oddities at Slack's door: real payloads of every kind with one thing wrong; none breaks anything."""

import itertools
import os

import pytest

from handoff_bot.slack.incoming.registry import EVERYTHING
from handoff_sandbox.slack.state.files import Attachment
from tests.desk.oddities import GONE, odd_windows, oddities, send, short, with_

EACH = int(os.environ.get("ODDITIES_EACH", "2"))
"""Odd values for each leaf; with ODDITIES_EACH=18 all of them are tried, which takes minutes."""
STRIDE = 2 if EACH == 2 else 1
"""Of those, every so many."""
ON_SQLITE = 3 if EACH == 2 else 1
"""Of those, every so many on SQLite: PostgreSQL refuses more values, so that it is asked them all."""


def some(odd, backend):
    """The odd ones that are tried on this database."""
    return itertools.islice(odd, None, None, 1 if backend == "postgresql" else ON_SQLITE)


@pytest.fixture
def captured(bureau):
    """One real payload of each kind, as the stand-in sent them, and what all of them are about."""
    bureau.says("I want a person")
    bureau.command(bureau.ana, "queue")
    bureau.chooses(bureau.ana, "queue_waited", "60")
    bureau.click(bureau.ana, "claim")
    bureau.writes(bureau.ana, "Hello, I am Ana.")
    reply = bureau.writes(bureau.ana, "A picture", files=[Attachment("a.png", b"png")])
    bureau.slack.edit(bureau.ana, bureau.queue, reply, "Another picture")
    bureau.slack.delete(bureau.ana, bureau.queue, reply)
    bureau.slack.shortcut(bureau.ana, "add_note", bureau.queue, reply_in(bureau))
    bureau.settle()
    bureau.sends(bureau.ana, {"note": "Vip"})
    bureau.slack.shortcut(bureau.ana, "show_queue")
    bureau.settle()
    bureau.home(bureau.ana)
    bureau.slack.select(bureau.ana, bureau.queue, bureau.card(), "more", "Release")
    bureau.command(bureau.mia, "settings")
    bureau.presses(bureau.mia, "settings_open", "team")
    bureau.slack.part(bureau.ben, bureau.queue)
    bureau.slack.join(bureau.ben, bureau.queue)
    bureau.slack.leave(bureau.ben)
    bureau.settle()
    sent = [entry.request for entry in bureau.slack.journal.entries("slack") if is_ours(entry)]
    return {kind_of(payload): short(payload) for payload in sent}


def reply_in(bureau):
    return bureau.slack.thread(bureau.queue, bureau.card())[-1]["ts"]


def is_ours(entry):
    return entry.direction == "out" and isinstance(entry.request, dict)


def kind_of(payload):
    if "event" in payload:
        event = payload["event"]
        return " ".join(filter(None, ("event", event["type"], event.get("subtype"))))
    if "command" in payload:
        return "command"
    kind = payload["type"]
    return f"{kind} in a window" if kind == "block_actions" and "view" in payload else kind


KINDS = (
    "block_actions",
    "block_actions in a window",
    "command",
    "event app_home_opened",
    "event member_joined_channel",
    "event member_left_channel",
    "event message",
    "event message file_share",
    "event message message_changed",
    "event message message_deleted",
    "event user_change",
    "message_action",
    "shortcut",
    "view_submission",
)


def broken_by(bureau, requests_, right):
    """What was answered otherwise, and what raised anything: shortened, with its number."""
    found = []
    for number, payload in enumerate(requests_):
        status = send(bureau, payload)
        if status not in right:
            found.append((number, status, repr(payload)[:300]))
    return found


@pytest.fixture
def unbroken(bureau, caplog):
    """Nothing was raised anywhere, neither at the door nor in a job."""
    yield
    bureau.settle()
    raised = [each.getMessage() for each in caplog.records if each.exc_info or each.levelno >= 40]
    assert raised == []


def test_every_kind_of_payload_is_tried(captured):
    assert set(KINDS) <= set(captured)


@pytest.mark.thorough
@pytest.mark.usefixtures("unbroken")
def test_a_payload_with_one_thing_wrong_never_breaks_anything(bureau, captured, backend):
    for kind in KINDS:
        odd = itertools.islice(oddities(captured[kind], EACH), None, None, STRIDE)
        odd = some(odd, backend)
        # 404 is what Bolt says to a kind of request that it does not know.
        assert (kind, broken_by(bureau, odd, {200, 400, 404})) == (kind, [])


@pytest.mark.thorough
@pytest.mark.usefixtures("unbroken")
def test_a_window_that_carries_something_odd_never_breaks_anything(bureau, captured, backend):
    for callback_id in EVERYTHING.views:
        base = with_(captured["view_submission"], ("view", "callback_id"), callback_id)
        base["user"]["id"] = bureau.mia
        odd = some(itertools.islice(odd_windows(base), None, None, STRIDE), backend)
        assert (callback_id, broken_by(bureau, odd, {200, 400})) == (callback_id, [])


ODD_CHOICES = ("nonsense", "9" * 12, "9" * 40, "-1", "1:9999999999999", "::")


def clicks_on(bureau, captured, action_id):
    """The button with odd values, and a menu of that name, on a message and in a window."""
    for number, choice in enumerate(ODD_CHOICES):
        kind = ("block_actions", "block_actions in a window")[number % 2]
        base = with_(captured[kind], ("actions", 0, "action_id"), action_id)
        base["user"]["id"] = bureau.mia
        pressed = {"action_id": action_id, "type": "button", "value": choice}
        yield with_(base, ("actions", 0), pressed)
        chosen = {"action_id": action_id, "type": "static_select", "block_id": action_id}
        chosen["selected_option"] = {"value": choice}
        picked = with_(base, ("actions", 0), chosen)
        picked.get("view", picked)["state"] = {"values": {action_id: {action_id: chosen}}}
        yield picked


@pytest.mark.thorough
@pytest.mark.usefixtures("unbroken")
def test_a_click_that_carries_something_odd_never_breaks_anything(bureau, captured, backend):
    for action_id in (*EVERYTHING.clicks, *EVERYTHING.menus):
        odd = some(clicks_on(bureau, captured, action_id), backend)
        assert (action_id, broken_by(bureau, odd, {200, 400})) == (action_id, [])


def test_a_payload_that_says_nothing_of_its_sender_is_refused(bureau, captured):
    for kind in ("block_actions", "view_submission", "shortcut", "message_action"):
        assert send(bureau, with_(captured[kind], ("user", "id"), GONE)) == 400
