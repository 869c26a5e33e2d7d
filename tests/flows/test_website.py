"""The website channel with the real bot: a page that listens over a real connection, and a bot that dies."""

import json
import re
import threading
import uuid
from pathlib import Path

import pytest
import requests

from handoff_sandbox.world import ROOT, World

ORIGIN = "http://127.0.0.1:5555"
PATIENCE = 20
SETTINGS = {"WEBCHAT_ORIGINS": ORIGIN, "WEBCHAT_SECRET": "flows-secret-" * 4}


@pytest.fixture
def world(database_url: str, backend: str, tmp_path: Path):
    with World(database_url, knowledge=ROOT / "knowledge", log=tmp_path / "log") as made:
        start(made, backend)
        yield made


def start(world: World, backend: str) -> None:
    world.start_bot(more=SETTINGS | ({"WEB_CONCURRENCY": "2"} if backend == "postgresql" else {}))
    world.wait_until_ready()


class Page:
    """A visitor's page: asks, writes, and collects what its stream says."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._http = requests.Session()
        self._http.trust_env = False
        self._headers = {"Origin": ORIGIN}
        answer = self.post("session")
        assert answer.status_code == 200, answer.text
        self._headers["Authorization"] = f"Bearer {answer.json()['token']}"
        self.messages: dict[str, dict] = {}
        self.states: list[dict] = []
        self.cursor = ""
        self._changed = threading.Condition()

    def post(self, path: str, **content) -> requests.Response:
        return self._http.post(
            f"{self._world.bot_url}/chat/{path}",
            json=content,
            headers=self._headers,
            timeout=PATIENCE,
        )

    def says(self, text: str, **more) -> None:
        assert self.post("messages", id=str(uuid.uuid4()), text=text, **more).status_code == 202

    def listen(self) -> threading.Thread:
        """Open a stream that goes on where the last one ended."""
        headers = self._headers | {"Last-Event-ID": self.cursor}
        answer = self._http.get(
            f"{self._world.bot_url}/chat/events",
            headers=headers,
            stream=True,
            timeout=(PATIENCE, 60),
        )
        assert answer.status_code == 200
        thread = threading.Thread(target=self._read, args=[answer])
        thread.start()
        return thread

    def _read(self, answer: requests.Response) -> None:
        fields: dict[str, str] = {}
        with answer:
            try:
                for line in answer.iter_lines(decode_unicode=True):
                    if line:
                        name, _, value = line.partition(": ")
                        fields[name] = value
                        continue
                    self._take(fields)
                    fields = {}
            except requests.RequestException:
                return  # the bot has died

    def _take(self, fields: dict[str, str]) -> None:
        if "event" not in fields:
            return
        data = json.loads(fields["data"])
        with self._changed:
            if fields["event"] == "state":
                self.states.append(data)
            else:
                assert data["key"] not in self.messages, "shown twice"
                self.messages[data["key"]] = data
                self.cursor = fields["id"]
            self._changed.notify_all()

    def wait(self, wanted) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: wanted(self), PATIENCE), self.texts()

    def hears(self, text: str) -> None:
        self.wait(lambda page: any(text in said for said in page.texts()))

    def texts(self) -> list[str]:
        ordered = sorted(self.messages.values(), key=lambda one: one["order"])
        return [one["text"] for one in ordered]

    def close(self) -> None:
        self._http.close()


def test_a_visitor_talks_to_the_assistant_then_to_ana(world):
    page = Page(world)
    listening = page.listen()
    page.says("How long does delivery take?")
    page.hears("Standard delivery takes 2 to 4 working days")
    page.says("Talk to a person", person=True)
    page.hears("I'm connecting you with a member of our team.")
    page.wait(lambda p: p.states[-1]["position"] == 1)
    world.slack.wait_for(lambda: bool(world.cards()), PATIENCE)
    card = str(world.cards()[0]["ts"])
    assert "web chat" in world.cards()[0]["text"]

    assert world.slack.click(world.ana, world.queue, card, "claim").status == 200
    page.wait(lambda p: p.states[-1]["agent"] == "Ana")
    reply = world.slack.say(world.ana, world.queue, "Hello *you* <@U0SBXHANDOFF>", card)
    page.hears("Hello you")
    oid = [one["oid"] for one in page.messages.values() if one["author"] == "agent"]
    assert page.post("marks", delivered=oid, read=oid).status_code == 204
    world.slack.wait_for(lambda: "eyes" in world.slack.reactions(world.queue, reply), PATIENCE)
    world.slack.say(world.ana, world.queue, "note: they seem nice", card)
    world.slack.say(world.ana, world.queue, "Anything else?", card)
    page.hears("Anything else?")
    assert not any("seem nice" in text for text in page.texts())

    world.stop_bot()
    listening.join(PATIENCE)
    assert not listening.is_alive()
    page.close()


def test_what_was_acknowledged_survives_a_kill_and_is_shown_once_and_in_order(world, backend):
    page = Page(world)
    listening = page.listen()
    page.says("Talk to a person", person=True)
    page.hears("I'm connecting you")
    for number in range(8):
        page.says(f"line {number}")
    world.kill_bot()
    listening.join(PATIENCE)
    start(world, backend)
    listening = page.listen()
    page.hears("line 7")
    lines = [text for text in page.texts() if text.startswith("line")]
    assert lines == [f"line {number}" for number in range(8)]

    world.slack.wait_for(lambda: bool(world.cards()), PATIENCE)
    card = str(world.cards()[0]["ts"])

    def in_thread() -> list[str]:
        thread = world.slack.thread(world.queue, card)
        # What waited together is posted together.
        return [said for post in thread for said in re.findall(r"line \d", post["text"])]

    world.slack.wait_for(lambda: len(in_thread()) >= 8, PATIENCE)
    assert in_thread() == [f"line {number}" for number in range(8)]
    world.stop_bot()
    listening.join(PATIENCE)
    page.close()
