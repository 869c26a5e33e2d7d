"""Plays one complete escalation, and prints both sides of it."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from handoff_sandbox.world import KNOWLEDGE, World

Echo = Callable[[str], object]

DANA = "+15550123"
PHONE = f"whatsapp:{DANA}"
PAUSE = 0.4
"""Seconds between scenes, so that a reader can follow."""
PATIENCE = 10.0
"""Timeout in seconds of every wait."""


def play(echo: Echo) -> int:
    """Plays the demo; returns the exit code, 0 on success."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="handoff-demo-") as folder:
        files = Path(folder)
        url = f"sqlite:///{files / 'handoff.db'}"
        world = World(url, knowledge=KNOWLEDGE, log=files / "log")
        with world:
            world.start_bot()
            try:
                world.wait_until_ready()
                Scene(world, echo).play()
            except (TimeoutError, LookupError) as error:
                echo(f"\nThe demo failed: {error}\n\nLog of the bot:\n{world.log()}")
                return 1
    echo(
        f"\nThe demo is complete: {time.monotonic() - began:.1f} seconds, no accounts, no network."
    )
    return 0


class Scene:
    """The script: Dana on WhatsApp, Ana and Ben in Slack."""

    def __init__(self, world: World, echo: Echo) -> None:
        self._world = world
        self._slack = world.slack
        self._queue, self._ana, self._ben = world.queue, world.ana, world.ben
        self._echo = echo
        self._heard = 0
        self._shown = 0

    def play(self) -> None:
        """Plays all scenes in order."""
        self._title("Dana writes on WhatsApp; the assistant answers from the knowledge base")
        self._dana("Hi! How long does delivery take?", heard=1)
        self._title("Dana asks for an agent: a ticket, a card in the queue, a wait estimate")
        self._dana("Thanks, but I would like to talk to a real person please", heard=1)
        card = self._card()
        self._show_card(card)
        self._title("Ana and Ben both press Take Over; Ana is faster")
        self._slack.click_together((self._ana, self._ben), self._queue, card, "claim")
        self._listen(2)
        self._overhear(self._ben)
        self._title("Ana replies in the thread; Dana's messages appear in it")
        self._say(self._ana, "Hello Dana, what happened?", card, heard=1)
        self._dana("My parcel says delivered, but it never came.", heard=0)
        self._thread(card)
        self._title("Ben writes a reply, too: it stays internal, because Ana has the conversation")
        self._slack.say(self._ben, self._queue, "Just send her a new one", card)
        self._overhear(self._ben)
        self._title("A note is internal: it is not sent")
        self._slack.say(self._ana, self._queue, "note: third lost parcel in that street", card)
        self._title("Ana resolves the conversation")
        self._say(
            self._ana, "I'm sending it again today, express and free of charge.", card, heard=1
        )
        self._slack.click(self._ana, self._queue, card, "resolve")
        self._slack.wait_for(lambda: bool(self._slack.views(self._ana)), PATIENCE)
        self._slack.submit(self._ana, self._slack.views(self._ana)[-1]["id"])
        self._listen(1)
        self._show_card(card)
        self._marks(card)

    # -- actions

    def _dana(self, text: str, *, heard: int) -> None:
        self._line("Dana", text)
        result = self._world.twilio.customer_writes("whatsapp", DANA, text, profile_name="Dana R.")
        if result.status != 200:
            raise LookupError(f"the webhook was answered with {result.status}")
        self._listen(heard)

    def _listen(self, count: int) -> None:
        """Prints new messages on Dana's phone."""
        wanted = self._heard + count
        self._world.twilio.wait_for(lambda: len(self._phone()) >= wanted)
        for text in self._phone()[self._heard : wanted]:
            self._line("      to Dana's phone", text)
        self._heard = wanted
        time.sleep(PAUSE)

    def _phone(self) -> list[str]:
        return [sent.body for sent in self._world.twilio.phone(PHONE)]

    def _say(self, user: str, text: str, card: str, *, heard: int) -> None:
        self._line(f"{self._name(user)} in the thread", text)
        self._slack.say(user, self._queue, text, card)
        self._listen(heard)

    def _overhear(self, user: str) -> None:
        """Prints new ephemeral messages to this agent."""
        self._slack.wait_for(lambda: len(self._slack.ephemerals(user)) > self._shown, PATIENCE)
        told = self._slack.ephemerals(user)
        self._shown = len(told)
        self._line(f"      only {self._name(user)} sees", str(told[-1]["text"]))
        time.sleep(PAUSE)

    def _card(self) -> str:
        self._slack.wait_for(lambda: bool(self._world.cards()), PATIENCE)
        return str(self._world.cards()[0]["ts"])

    def _show_card(self, ts: str) -> None:
        message = self._slack.message(self._queue, ts) or {"text": "", "blocks": []}
        buttons = [
            "⋯" if element["type"] == "overflow" else str(element["text"]["text"])
            for block in message["blocks"]
            if block["type"] == "actions"
            for element in block["elements"]
        ]
        self._line("      card in #queue", str(message["text"]))
        self._line("      its buttons", "  ".join(f"[{text}]" for text in buttons))
        time.sleep(PAUSE)

    def _thread(self, card: str) -> None:
        def theirs() -> list[dict[str, Any]]:
            return [m for m in self._slack.thread(self._queue, card) if "parcel" in m["text"]]

        self._slack.wait_for(lambda: bool(theirs()), PATIENCE)
        self._line("      in the thread", str(theirs()[-1]["text"]))
        time.sleep(PAUSE)

    def _marks(self, card: str) -> None:
        replies = [
            m["ts"] for m in self._slack.thread(self._queue, card) if m.get("user") == self._ana
        ]
        self._slack.wait_for(lambda: bool(self._slack.reactions(self._queue, replies[0])), PATIENCE)
        marks = " ".join(f":{name}:" for name in self._slack.reactions(self._queue, replies[0]))
        self._line("      delivery marks on Ana's first reply", marks)

    # -- output

    def _name(self, user: str) -> str:
        return self._slack.person(user).real_name

    def _title(self, text: str) -> None:
        self._echo(f"\n— {text}")

    def _line(self, who: str, text: str) -> None:
        self._echo(f"  {who}: {text}".replace("\n\n", " ").replace("\n", " "))
