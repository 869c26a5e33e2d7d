"""A bot that is killed while it reads a voice note answers it once, and shows its transcript once."""

import threading
from pathlib import Path

import pytest

from handoff_sandbox.openai import OpenAIStandIn
from handoff_sandbox.openai.files import Upload
from handoff_sandbox.openai.translations import nothing_else
from handoff_sandbox.page.sample_files import voice_note
from handoff_sandbox.world import ROOT, World
from tests.chaos.talks import Gate
from tests.chaos.test_forgetting import until

DANA, EVA = "+15557654321", "+15557654322"
QUESTION = "How long do I have to return something?"
TO_ANA = "It is about my blue socks."
DELAYS = (0.0, 0.02, 0.1)
"""Seconds from the transcription's answer to the kill: before, while and after it is stored."""


class Kitchen:
    """A world with a language model, whose answers can be held back."""

    def __init__(self, world: World, openai: OpenAIStandIn) -> None:
        self.world, self.openai = world, openai
        self.hearing = Gate(openai.faults, "/v1/audio/transcriptions")
        self.settings = {"OPENAI_API_KEY": openai.api_key, "OPENAI_BASE_URL": openai.base_url}

    def start(self) -> None:
        self.world.start_bot(more=self.settings)
        self.world.wait_until_ready(60)

    def switch_on(self) -> None:
        world, slack = self.world, self.world.slack
        slack.command(world.mia, world.queue, "/handoff", "settings files")
        slack.wait_for(lambda: bool(slack.views(world.mia)), 60)
        values = {"files.transcribe": ["yes"]}
        slack.submit(world.mia, slack.views(world.mia)[-1]["id"], values)

    def speaks(self, address: str, said: str) -> None:
        media = [voice_note(said).as_media]
        assert self.world.twilio.customer_writes("sms", address, "", media=media).status == 200

    def answers(self, address: str) -> list[str]:
        """The answers to the question that reached this customer."""
        return [one.body for one in self.world.twilio.phone(address) if "30 days" in one.body]

    def transcripts(self) -> int:
        card = self.world.cards()[0]["ts"]
        posts = self.world.slack.thread(self.world.queue, card)
        return sum(f"Transcript: {TO_ANA}" in one["text"] for one in posts)

    def is_killed_after(self, seconds: float, address: str) -> None:
        """The bot is killed so long after it got a transcription, and answers after its start."""

        def kill() -> None:
            threading.Event().wait(seconds)
            self.world.kill_bot()

        killer = threading.Thread(target=kill)

        def hear(_: Upload) -> str:
            killer.start()
            return QUESTION

        self.openai.hear_with(hear)
        self.speaks(address, QUESTION)
        until(lambda: killer.ident is not None and not killer.is_alive())
        self.openai.hear_with(lambda _: QUESTION)
        self.start()
        until(lambda: bool(self.answers(address)))


@pytest.fixture
def kitchen(database_url: str, tmp_path: Path):
    world = World(database_url, knowledge=ROOT / "knowledge", log=tmp_path / "bot.log")
    with world, OpenAIStandIn() as openai:
        openai.respond_with(nothing_else)
        made = Kitchen(world, openai)
        made.start()
        made.switch_on()
        yield made


@pytest.mark.timeout(480)
def test_killed_while_it_listens_it_answers_once_and_shows_it_once(kitchen: Kitchen):
    kitchen.world.twilio.customer_writes("sms", EVA, "I want to talk to a human")
    until(lambda: len(kitchen.world.cards()) == 1)
    kitchen.hearing.close()
    kitchen.speaks(DANA, QUESTION)
    kitchen.speaks(EVA, TO_ANA)
    kitchen.hearing.wait_for(2)
    kitchen.world.kill_bot()
    kitchen.hearing.open()
    kitchen.start()
    until(lambda: bool(kitchen.answers(DANA)) and kitchen.transcripts() > 0)
    kitchen.world.stop_bot()  # after everything that it has begun
    assert len(kitchen.answers(DANA)) == 1
    assert kitchen.transcripts() == 1


@pytest.mark.timeout(480)
def test_killed_between_transcription_and_answer_it_answers_once(kitchen: Kitchen):
    for number, delay in enumerate(DELAYS):
        kitchen.is_killed_after(delay, f"+1555765440{number}")
    kitchen.world.stop_bot()
    for number in range(len(DELAYS)):
        assert len(kitchen.answers(f"+1555765440{number}")) == 1
