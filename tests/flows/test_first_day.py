"""The first day of a fresh install: the real bot, and nothing configured in Slack or in it."""

from pathlib import Path

import pytest

from handoff_sandbox.world import ROOT, World

DANA = "+15550144"
PATIENCE = 30


@pytest.fixture
def world(database_url: str, tmp_path: Path):
    with World(database_url, knowledge=ROOT / "knowledge", log=tmp_path / "log") as made:
        yield made


def starts(world: World, **more: str) -> None:
    world.start_bot(more=more)
    world.wait_until_ready()


def asks_for_a_person(world: World) -> None:
    assert world.twilio.customer_writes("sms", DANA, "I want to talk to a person").status == 200


def pings(world: World) -> list[str]:
    return [
        m["ts"] for m in world.slack.messages(world.queue) if "'range': 'here'" in str(m["blocks"])
    ]


def checklists(world: World) -> list[str]:
    said = (m["text"] for m in world.slack.messages(world.queue))
    return [text for text in said if text.startswith("Setup of Handoff")]


def until(world: World, happened) -> None:
    world.slack.wait_for(lambda: bool(happened()), PATIENCE)


def test_the_channel_is_mentioned_and_the_checklist_survives_a_restart(world):
    starts(world)
    until(world, lambda: checklists(world))
    asks_for_a_person(world)
    until(world, lambda: pings(world))
    assert pings(world) == [world.cards()[0]["ts"]]
    world.slack.click(world.ana, world.queue, world.cards()[0]["ts"], "claim")
    until(world, lambda: any("Ana" in sent.body for sent in world.twilio.phone(DANA)))
    world.kill_bot()
    starts(world)
    until(world, lambda: [text for text in checklists(world) if "4 of 10" in text])
    assert len(checklists(world)) == 1


def test_without_slack_queue_channel_it_is_chosen_in_slack_and_the_waiting_card_appears(world):
    starts(world, SLACK_QUEUE_CHANNEL="")
    asks_for_a_person(world)
    world.slack.command(world.mia, world.queue, "/handoff", "here")
    until(world, lambda: pings(world))
    channel = world.slack.open_home(world.ana, "messages")
    world.slack.say(world.ana, channel, "take 1")
    until(
        world, lambda: [m for m in world.slack.messages(channel) if "archives" in str(m["blocks"])]
    )
